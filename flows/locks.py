"""Decide who goes first: one process serves a study, and one look of it is made at a time.

A turn is the lock of an open file, which ends with its process however that ends: a crash leaves none behind.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from checks.errors import UsageError

if sys.platform != "win32":
    import fcntl

LOGGER = logging.getLogger("postdose")

LONGEST_WAIT: Final = timedelta(minutes=10)
"""A look takes a minute or two; one that holds its turn for longer hangs, and harm must not go unseen for it."""

ASK_AGAIN: Final = 0.2
"""Seconds between two attempts to take a turn."""


@contextmanager
def only_server(folder: Path, study: str) -> Iterator[None]:
    """Be the one process that serves a study.

    Parameters
    ----------
    folder, study
        Of its protocol; the lock lies there as ``serve-<study>.lock`` and names the process.

    Raises
    ------
    UsageError
        When another process serves it, or the folder cannot be written.
    """
    path = folder / f"serve-{study}.lock"
    try:
        descriptor = _open(path)
    except OSError as error:
        raise UsageError(f"{path}: found that it cannot be written ({error.strerror})") from error
    try:
        if not _taken(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise UsageError(
                f"study {study}: found that process {holder} serves it ({path}); allowed: one at a time"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def turn_of_look(folder: Path, study: str, *, longest: timedelta = LONGEST_WAIT) -> Iterator[None]:
    """Wait until no other look of a study is made on this machine; go on without a turn that cannot be had.

    Parameters
    ----------
    folder, study
        Of its protocol.
    longest
        After which the look is made all the same.
    """
    path = _look_lock(folder, study)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _open(path)
    except OSError:  # a folder that cannot be written is told by what is written there next
        yield
        return
    try:
        _wait(descriptor, longest)
        yield
    finally:
        os.close(descriptor)


def is_looking(folder: Path, study: str) -> bool:
    """Whether a look of a study is being made on this machine.

    Parameters
    ----------
    folder, study
        Of its protocol.
    """
    try:
        descriptor = _open(_look_lock(folder, study))
    except OSError:
        return False
    try:
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


def _look_lock(folder: Path, study: str) -> Path:
    return folder / "looks" / study / "look.lock"


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _wait(descriptor: int, longest: timedelta) -> None:
    if _taken(descriptor):
        return
    LOGGER.info("Waiting for the look that is being made")
    last = time.monotonic() + longest.total_seconds()
    while not _taken(descriptor):
        if time.monotonic() > last:
            LOGGER.error("The look before has not ended for %s; going on beside it", longest)
            return
        time.sleep(ASK_AGAIN)


def _taken(descriptor: int) -> bool:
    """Take the lock if nobody has it; where files cannot be locked, everybody has a turn."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks
        return True
    return True
