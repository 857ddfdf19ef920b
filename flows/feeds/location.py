"""A feed's location: a file, a folder of them, or what an fsspec URL names."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from checks.errors import FeedError, MissingFeedError
from flows.feeds.regular import is_there, opened_regular

_UNREAD = re.compile(
    r"(?P<part>\.z?[0-9]{2,3}|\.part[0-9]+\.rar)|(?P<workbook>\.(?:xls[xmb]?|ods))"
    r"|(?P<archive>\.(?:7z|rar|tar|tgz|gz|bz2|xz))",
    re.IGNORECASE,
)
"""How the names of files end that may hold rows and have no reader: parts of a split file are vs.z01, vs.csv.001."""

DONE = ".done"
"""Ending of the empty file that a sender may lay beside one that has wholly arrived."""


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """One file to read: its file system, its path there, its name, and the label that messages show instead.

    The label is its domain and number (``EX 2``): the name may tell the arm.
    """

    filesystem: fsspec.AbstractFileSystem
    path: str
    name: str
    label: str

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open it, and close it at the end; on this machine a regular file alone.

        Raises
        ------
        FeedError
            When it is no regular file.
        Exception
            Whatever its file system raises.
        """
        if isinstance(self.filesystem, LocalFileSystem):
            with opened_regular(self.path, self.label) as stream:
                yield stream
        else:
            with self.filesystem.open(self.path, "rb") as stream:
                yield stream

    def stamp(self) -> "Stamp":
        """Return what tells whether it is being written.

        Raises
        ------
        OSError
            When it is not there any more.
        """
        try:
            modified = self.filesystem.modified(self.path)
        except (NotImplementedError, KeyError, TypeError):
            modified = None
        known = isinstance(modified, datetime) and modified.tzinfo is not None
        return Stamp(self.filesystem.size(self.path), modified if known else None)

    def is_marked_done(self) -> bool:
        """Whether its sender has laid ``<file>.done`` beside it."""
        return bool(self.filesystem.exists(self.path + DONE))


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file's bytes, and when it was last written, in UTC; None where its file system does not say."""

    size: int | None
    modified: datetime | None


def find_files(location: str, endings: tuple[str, ...], domain: str) -> tuple[DeliveredFile, ...]:
    """Return the files of a location, in the order of their names; of a folder those with one of the endings.

    They are of ``domain``, and numbered in that order.

    Raises
    ------
    MissingFeedError
        When there is no such file, or none in the folder that has a reader.
    FeedError
        When the location cannot be reached.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        filesystem.invalidate_cache()  # a listing kept from an earlier look would hide what arrived since
        # what lies there and is no file is refused as it is opened, by what it is
        if filesystem.isfile(path) or (isinstance(filesystem, LocalFileSystem) and is_there(path)):
            return (DeliveredFile(filesystem, path, file_name(location), f"{domain} 1"),)
        listed = filesystem.ls(path, detail=False) if filesystem.isdir(path) else None
    except Exception as error:  # each file system has errors of its own
        raise unreachable(domain, error) from error
    if listed is None:
        raise MissingFeedError(domain, "no file", "a file or a folder that exists")
    return _readable(filesystem, listed, domain, endings)


def passed_over(location: str, endings: tuple[str, ...], domain: str) -> FeedError | None:
    """Return the problem of what lies in a feed's folder and has no reader, but may hold rows; None if nothing does.

    A feed without a workbook, an archive, or a part of a split file may be half of one.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        listed = filesystem.ls(path, detail=False) if filesystem.isdir(path) else []
    except Exception:
        return None  # finding its files says so
    names = [name for name in map(file_name, listed) if not name.lower().endswith(endings)]
    ends = {name: _UNREAD.search(name) for name in sorted(names) if not name.startswith(".")}
    unread = Counter(
        str(end.lastgroup) for name, end in ends.items() if end is not None and end.end() == len(name)
    )
    if not unread:
        return None
    named = ", ".join(f"{kind} ({number})" for kind, number in sorted(unread.items()))
    allowed = "the rows as CSV (UTF-8), a split file joined, or these out of the folder"
    return FeedError(domain, f"files that are not read: {named}", allowed)


def _readable(
    filesystem: fsspec.AbstractFileSystem, paths: list[str], domain: str, endings: tuple[str, ...]
) -> tuple[DeliveredFile, ...]:
    named = sorted((file_name(path), path) for path in paths)
    # what has the name of a file and is none is named when it is opened: nothing is passed over in silence
    found = [
        (name, path) for name, path in named if name.lower().endswith(endings) and not name.startswith(".")
    ]
    if not found:
        allowed = f"at least one file ending {', '.join(endings)}"
        raise MissingFeedError(domain, "no file to read in the folder", allowed)
    return tuple(
        DeliveredFile(filesystem, path, name, f"{domain} {number}")
        for number, (name, path) in enumerate(found, start=1)
    )


def file_name(location: str) -> str:
    """Return the last part of a path or URL, without a query, which may hold a secret.

    Bytes of a name that are not UTF-8, and control characters, are written as in a URL (``%E9``, ``%0A``): such a
    name can be shown, kept and compared.
    """
    path = location.partition("?")[0] if "://" in location else location
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # PEP 383: Python keeps such a byte as half of a surrogate pair
    return re.sub("[\udc80-\udcff\x00-\x1f\x7f]", lambda byte: f"%{ord(byte[0]) & 0xFF:02X}", name)


def unreachable(name: str, error: Exception) -> FeedError:
    """Return the problem of what cannot be opened; the error's own text may hold a path or a secret."""
    return FeedError(name, f"that it cannot be opened ({type(error).__name__})", "a file that can be read")
