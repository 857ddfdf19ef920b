"""Which process claims a message of the outbox, and whether it has ended, so that another may send it."""

import os
import platform
from pathlib import Path
from typing import Any

from sqlalchemy import Row

PROC = Path("/proc")
"""Linux alone has it; elsewhere no process is named, and each claim holds for its time."""

BEGAN, STATE = 19, 0
"""Places among the fields that follow the name in ``/proc/PID/stat`` (proc(5): fields 22 and 3)."""

ENDED = ("Z", "X")
"""States of a process that runs no more: its parent has not asked yet, or just has."""


def is_abandoned(row: Row[Any]) -> bool:
    """Whether nobody holds a message that was claimed: the process has ended, or what names it cannot be read."""
    by = row.claimed_by
    return by is not None and (not isinstance(by, str) or _has_ended(by))


def this_process() -> str:
    """Return what names this process, which claims messages, or nothing where the system does not say.

    A process is named by its machine, the boot of it, the space in which process ids are counted (two containers
    count their own), its id, and when it began, which tells it from a later one of the same id. Only one of this very
    space is judged to have ended; of any other nothing is known, and its claim holds for its time.
    """
    space, fields = _space(), _fields(os.getpid())
    return f"{space} {os.getpid()} {fields[BEGAN]}" if space and fields else ""


def _has_ended(claimant: str) -> bool:
    """Whether a process that named itself so has ended, as far as is known; one without a number never was."""
    space, _, named = claimant.partition(" ")
    number, _, began = named.partition(" ")
    if not space or space != _space():
        return False
    if not number.isdecimal() or not number.strip("0"):
        return True
    try:
        os.kill(int(number), 0)  # asks, and sends nothing
    except (ProcessLookupError, ValueError, OverflowError):  # too great a number is nobody's
        return True
    except OSError:  # another user's: it is there
        pass
    fields = _fields(int(number))
    return bool(fields) and (fields[BEGAN] != began or fields[STATE] in ENDED)


def _space() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()}/{boot}/{(PROC / 'self/ns/pid').readlink().name}"
    except OSError:
        return ""


def _fields(number: int) -> list[str]:
    """Return the fields of a process after its name, which may hold spaces and brackets; none where it is hidden."""
    try:
        return (PROC / str(number) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
