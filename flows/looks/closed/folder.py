"""The folder of a closed report, which its owner alone can read, whatever the umask; else nothing is written."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.errors import UsageError
from flows.files import make_folder, write_in

FOLDER_MODE = 0o700
FILE_MODE = 0o600
ALLOWED = "a folder of your own with mode 0700, or none yet"


class PrivateFolder:
    """A folder that is held open by its descriptor, so that nobody can put another in its place meanwhile."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def write(self, name: str, content: bytes) -> None:
        """Write one file, whole or not at all, readable by its owner alone."""
        write_in(self._descriptor, name, content, mode=FILE_MODE)


@contextmanager
def private_folder(path: Path) -> Iterator[PrivateFolder]:
    """Make the folder, or open it where it is already private, and hold it open.

    Raises
    ------
    UsageError
        When it is a symbolic link, no folder, somebody else's, or open to others.
    """
    make_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER_MODE)
        made = True
    except FileExistsError:
        made = False
    descriptor = _opened(path)
    try:
        if made:
            os.fchmod(descriptor, FOLDER_MODE)
        _require_private(path, os.fstat(descriptor))
        yield PrivateFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        found = "a symbolic link" if path.is_symlink() else f"what cannot be opened ({error.strerror})"
        raise UsageError(f"{path}: found {found}; allowed: {ALLOWED}") from error


def _require_private(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        raise UsageError(f"{path}: found a folder of another user; allowed: {ALLOWED}")
    if mode != FOLDER_MODE:
        raise UsageError(f"{path}: found mode {mode:04o}; allowed: {ALLOWED}")
