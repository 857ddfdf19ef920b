"""Hold what one check found, and what it means for a look: nothing, a warning, or its end."""

from dataclasses import dataclass
from enum import StrEnum

from checks.errors import PostdoseError


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


def stops(
    where: str,
    check: str,
    said: str,
    error: type[PostdoseError] | PostdoseError,
    *,
    remedy: str | None = None,
) -> Finding:
    """Return that a look would be stopped, with the exit code and, unless told, the remedy of an error."""
    return Finding(
        where, check, Status.STOPS, said, error.remedy if remedy is None else remedy, error.exit_code
    )


def few(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
