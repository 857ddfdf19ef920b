"""One process serves a study, and one look of it is made at a time: by the locks of files, and of a shared ledger.

Both end with their process however that ends: a crash leaves none behind. A lock that cannot be had, since a file
system has none or the ledger cannot be reached, keeps no look from being made.
"""

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from checks.errors import LedgerWriteError, UsageError
from flows.files import create, make_folder
from flows.ledger.database import turn_in_ledger
from flows.settings import file_mode

LOGGER = logging.getLogger("postdose")

LONGEST_WAIT: Final = timedelta(minutes=10)
"""A look takes a minute or two; one that holds its turn for longer hangs, and harm must not go unseen for it."""

ASK_AGAIN: Final = 0.2
"""Seconds between two attempts to take a turn."""

WITHOUT_LOCKS: Final = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})
"""What a file system says that has no locks, as some over a network: everybody has a turn there."""


@contextmanager
def turn_of_look(
    folder: Path, study: str, *, state_url: str, longest: timedelta = LONGEST_WAIT
) -> Iterator[None]:
    """Wait until no other look of a study is made; go on without a turn that cannot be had, or not for so long."""
    last = time.monotonic() + longest.total_seconds()
    with ExitStack() as held:
        for taken in _turns(held, folder, study, state_url):
            _wait(taken, last, longest)
        yield


def is_looking(folder: Path, study: str, *, state_url: str) -> bool:
    """Whether a look of a study is being made."""
    with ExitStack() as held:
        return not all(taken() for taken in _turns(held, folder, study, state_url))


@contextmanager
def only_server(folder: Path, study: str) -> Iterator[None]:
    """Be the one process that serves a study.

    The lock lies in the folder of its protocol as ``serve-<study>.lock`` and names the process.

    Raises
    ------
    UsageError
        When another process serves it, or the folder cannot be written.
    """
    path = folder / f"serve-{study}.lock"
    lock = _file_lock(path)
    try:
        create(path)  # where the folder is not there, it is not made
        if not _take_at_once(lock):
            holder = path.read_text(errors="replace").strip() or "unknown"
            raise UsageError(
                f"study {study}: found that process {holder} serves it ({path}); allowed: one at a time"
            )
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise UsageError(f"{path}: found that it cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


def _take_at_once(lock: FileLock) -> bool:
    """Take the lock of a file if nobody has it; where files cannot be locked, everybody has it.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except NotImplementedError:
        return True
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    return True


def _file_lock(path: Path) -> FileLock:
    """Return the lock of a file, which stays there when the lock ends, with what it holds."""
    return FileLock(path, mode=file_mode(os.environ), fallback_to_soft=False, thread_local=False)


def _turns(held: ExitStack, folder: Path, study: str, state_url: str) -> Iterator[Callable[[], bool]]:
    """Yield what tries to take each turn: the file's first, which is had though the ledger cannot be reached."""
    path = folder / "looks" / study / "look.lock"
    lock = _file_lock(path)

    def in_file() -> bool:
        try:
            make_folder(path.parent)
            create(path)
            return _take_at_once(lock)
        except OSError:  # a folder that cannot be written is told by what is written there next
            return True

    held.callback(lock.release)
    yield in_file
    try:
        yield held.enter_context(turn_in_ledger(state_url, study))
    except LedgerWriteError as error:
        LOGGER.error("Whether another machine looks cannot be asked: %s", error)


def _wait(taken: Callable[[], bool], last: float, longest: timedelta) -> None:
    if taken():
        return
    LOGGER.info("Waiting for the look that is being made")
    while not taken():
        if time.monotonic() > last:
            LOGGER.error("The look before has not ended for %s; going on beside it", longest)
            return
        time.sleep(ASK_AGAIN)
