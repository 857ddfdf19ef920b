"""Files of a study: each is there whole or not at all, for nobody but whom POSTDOSE_FILE_MODE lets in.

A file is written under a name of its own, ``.postdose-*.part`` in the same folder, forced to disk and renamed.
Whoever writes one holds its lock, which ends with the process however that ends: so what is unlocked is left over.
"""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flows.settings import file_mode

BEGINS: Final = ".postdose-"
ENDS: Final = ".part"
"""Around the name of an unfinished file: hidden, and in a folder of feeds the name of what is still arriving."""

CANNOT: Final = frozenset({errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What a file system says that has no locks, or does not force a folder to disk, as some over a network."""

SPECIAL: Final = 0o7000
"""The bits of a folder's mode that are no rights: a group that files there take on above all (``chmod g+s``)."""


def folder_mode() -> int:
    """Return the mode of folders: who may read a file may list and enter its folder, who may write it may add."""
    mode = file_mode(os.environ)
    return mode | (mode & 0o444) >> 2


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are not there, in our mode whatever the umask; others stay as they are.

    Raises
    ------
    OSError
        When it cannot be made, or something else has its name.
    """
    try:
        _make_one(folder)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent)
        _make_one(folder)  # some file systems, as /proc, say the same where the folder above is there


def _make_one(folder: Path) -> None:
    try:
        folder.mkdir(mode=folder_mode())
    except FileNotFoundError:
        raise
    except OSError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(folder.stat().st_mode & SPECIAL | folder_mode())
        with opened_folder(folder.parent) as above:
            _to_disk(above)


def make_writable(folder: Path) -> None:
    """Make a folder, as ``make_folder`` does, in which a file can be written.

    Raises
    ------
    OSError
        When it cannot be made, or no file can be written there.
    """
    make_folder(folder)
    with opened_folder(folder) as descriptor:
        file, part = _unfinished(descriptor, file_mode(os.environ))
        os.close(file)
        os.unlink(part, dir_fd=descriptor)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file, and make its folder, so that whoever reads meanwhile, or after a crash, finds the old or the new.

    A text is written in UTF-8.

    Raises
    ------
    OSError
        When it cannot be written: then what was there is there still, and nothing else.
    """
    make_folder(path.parent)
    with opened_folder(path.parent) as folder:
        write_in(folder, path.name, content.encode() if isinstance(content, str) else content)


def write_in(folder: int, name: str, content: bytes, *, mode: int | None = None) -> None:
    """Write a file whole, as ``write_whole`` does, into a folder that is held open by its descriptor."""
    file, part = _unfinished(folder, file_mode(os.environ) if mode is None else mode)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(file)
            os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise
    _to_disk(folder)


def create(path: Path) -> None:
    """Make an empty file in our mode where there is none: for what is then written to bit by bit, as by a library.

    It is closed before it has its name. To close a file gives up every lock that the process has on it (fcntl), and
    another thread may be using the database already: SQLite then says "disk I/O error", or two write at once.
    """
    if os.path.lexists(path):
        return
    with opened_folder(path.parent) as folder:
        file, part = _unfinished(folder, file_mode(os.environ))
        os.close(file)
        try:
            os.link(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            return
        except OSError:  # a file system without links, or somebody took it for a leftover: then at once
            _create_in_place(path)
        finally:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)


def _create_in_place(path: Path) -> None:
    with suppress(FileExistsError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode(os.environ))
        try:
            _set_mode(file, file_mode(os.environ))
        finally:
            os.close(file)


def clear_leftovers(folders: Iterable[Path]) -> None:
    """Remove the unfinished files whose process has ended, of these folders; what cannot be removed stays there."""
    for folder in folders:
        for part in list(folder.glob(f"{BEGINS}*{ENDS}")):
            with suppress(OSError):  # gone, still being written, or not ours to remove
                _remove_leftover(part)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Hold a folder open by its descriptor."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unfinished(folder: int, mode: int) -> tuple[int, str]:
    """Return a new file's descriptor, whose lock is held, and its name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    while True:
        part = f"{BEGINS}{secrets.token_hex(8)}{ENDS}"
        file = os.open(part, flags, mode, dir_fd=folder)
        try:
            _set_mode(file, mode)
            _lock(file)
        except BaseException:
            os.close(file)
            os.unlink(part, dir_fd=folder)
            raise
        if os.fstat(file).st_nlink:
            return file, part
        os.close(file)  # somebody took it for a leftover before it was locked


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:  # nobody can have a lock there, so nobody takes it for a leftover either
        if error.errno not in CANNOT:
            raise


def _set_mode(file: int, mode: int) -> None:
    """Give a file its mode, of which the umask, or rights that a folder hands down, can have changed something."""
    if stat.S_IMODE(os.fstat(file).st_mode) != mode:
        with suppress(
            PermissionError
        ):  # a file system without modes: who may read there is said by its mount
            os.fchmod(file, mode)


def _remove_leftover(part: Path) -> None:
    file = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()
    finally:
        os.close(file)


def _to_disk(folder: int) -> None:
    """Force to disk which files a folder holds."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
