"""Only regular files are feeds: opened below their own folder alone, never by a link out of it, never waited for.

A sender who may write into the folder of a feed can lay anything there: a link to another study's file, a pipe that
nobody writes to, a device without end. What a name stands for is asked before it is opened, and again of what was
opened, so that a file changed in between is refused too.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from checks.errors import FeedError

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a link"),
)

_OF_THE_SYSTEM: Final = ("/proc", "/sys")
"""File systems that the kernel makes up: their files call themselves regular, and may wait or have no end."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def is_there(path: str) -> bool:
    """Whether something of that name lies there that is no folder: a link that leads nowhere and a pipe too."""
    return os.path.lexists(path) and not Path(path).is_dir()


@contextmanager
def opened_regular(path: str, name: str) -> Iterator[BufferedReader]:
    """Open a regular file of this machine, and close it at the end; ``name`` is what messages call it.

    A link is followed as far as it stays in the folder that the file lies in.

    Raises
    ------
    FeedError
        When it is anything else.
    OSError
        When it is not there, or may not be read.
    """
    folder = os.path.realpath(Path(path).parent)
    inside = Path(os.path.relpath(os.path.realpath(path), folder)).parts
    if os.pardir in inside:
        raise _refused(name, "a link that leads out of its folder")
    if not inside:
        raise _refused(name, "a folder")
    descriptor = _descend(folder, inside[:-1])
    try:
        _require_regular(os.stat(inside[-1], dir_fd=descriptor, follow_symlinks=False), name)
        file = os.open(inside[-1], _FILE, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    with open(file, "rb") as stream:  # noqa: PTH123 - a descriptor, which a Path is not
        _require_regular(os.fstat(file), name)
        yield stream


def _descend(folder: str, parts: Sequence[str]) -> int:
    """Return a descriptor of the folder that the parts lead to, none of them a link by now."""
    descriptor = os.open(folder, _FOLDER)
    for part in parts:
        try:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _require_regular(found: os.stat_result, name: str) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise _refused(name, kind)
    for system in _OF_THE_SYSTEM:
        with suppress(OSError):
            if Path(system).stat().st_dev == found.st_dev:
                raise _refused(name, f"a file of {system}")


def _refused(name: str, kind: str) -> FeedError:
    return FeedError(name, kind, "a regular file, in the feed's own folder")
