"""Reading a file that a person names: a regular one, of no more bytes than such a file has."""

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""A pipe that nobody writes to is opened at once, to be refused."""


def content_of(path: Path, most: int) -> bytes:
    """Return the bytes of a file, ``most`` at most.

    Raises
    ------
    OSError
        When it is no regular file, has more bytes, or cannot be read; ``strerror`` says which.
    """
    with open(os.open(path, _FLAGS), "rb") as stream:  # noqa: PTH123 - a descriptor, which a Path is not
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "a pipe or a device")
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes")
    return content
