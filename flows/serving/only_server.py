"""One process serves a study: the lock of a file beside its protocol, which names the process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.errors import UsageError
from flows.looks.guard import file_lock, take_at_once


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
    lock = file_lock(path)
    try:
        path.touch()  # where the folder is not there, it is not made
        if not take_at_once(lock):
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
