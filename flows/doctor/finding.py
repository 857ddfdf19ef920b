"""What one check found, and what it means for a look: nothing, a warning, or its end; and what checks share."""

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from checks.errors import PostdoseError

MACHINE: Final = "this machine"
"""Where a finding is that is of no study."""


class Status(StrEnum):
    """What a check found, in the words that are printed."""

    OK = "ok"
    WARNING = "warning"
    STOPS = "would stop a look"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found of the machine or of a study, what to do about it, and the exit code if a look stops."""

    where: str
    check: str
    status: Status
    said: str
    remedy: str = ""
    exit_code: int = 0


def ok(where: str, check: str, said: str) -> Finding:
    """Return that nothing is to be done."""
    return Finding(where, check, Status.OK, said)


def warning(where: str, check: str, said: str, remedy: str) -> Finding:
    """Return that a look would be made, and what should be looked after."""
    return Finding(where, check, Status.WARNING, said, remedy)


def stops(
    where: str, check: str, said: str, error: type[PostdoseError] | PostdoseError, remedy: str = ""
) -> Finding:
    """Return that a look would be stopped, with the exit code and, unless told, the remedy of an error."""
    return Finding(where, check, Status.STOPS, said, remedy or error.remedy, error.exit_code)


def unwritable(folder: Path) -> str | None:
    """Return why nothing can be written to a folder, or to the nearest one above it that is there; None if it can."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__


def few(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
