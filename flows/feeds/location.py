"""A feed's location: a file, a folder of them, or what an fsspec URL names."""

import re
from dataclasses import dataclass
from datetime import datetime

import fsspec

from checks.errors import FeedError, MissingFeedError

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
    """One file to read: its file system, its path there, and the name that messages may show."""

    filesystem: fsspec.AbstractFileSystem
    path: str
    name: str

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


def find_files(location: str, endings: tuple[str, ...]) -> tuple[DeliveredFile, ...]:
    """Return the files of a location, in the order of their names; of a folder those with one of the endings.

    Raises
    ------
    MissingFeedError
        When there is no such file, or none in the folder that has a reader.
    FeedError
        When the location cannot be reached.
    """
    shown = file_name(location)
    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        filesystem.invalidate_cache()  # a listing kept from an earlier look would hide what arrived since
        if filesystem.isfile(path):
            return (DeliveredFile(filesystem, path, shown),)
        listed = filesystem.ls(path, detail=False) if filesystem.isdir(path) else None
    except (OSError, ValueError, ImportError) as error:
        raise unreachable(shown, error) from error
    if listed is None:
        raise MissingFeedError(shown, "no file", "a file or a folder that exists")
    return _readable(filesystem, listed, shown, endings)


def passed_over(location: str, endings: tuple[str, ...]) -> FeedError | None:
    """Return the problem of what lies in a feed's folder and has no reader, but may hold rows; None if nothing does.

    A feed without a workbook, an archive, or a part of a split file may be half of one.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        listed = filesystem.ls(path, detail=False) if filesystem.isdir(path) else []
    except (OSError, ValueError, ImportError):
        return None  # finding its files says so
    names = [name for name in map(file_name, listed) if not name.lower().endswith(endings)]
    ends = {name: _UNREAD.search(name) for name in sorted(names) if not name.startswith(".")}
    unread = {name: end.lastgroup for name, end in ends.items() if end and end.end() == len(name)}
    if not unread:
        return None
    named = ", ".join(f"{name} (a{'n' if kind == 'archive' else ''} {kind})" for name, kind in unread.items())
    allowed = "the rows as CSV (UTF-8), a split file joined, or these out of the folder"
    return FeedError(file_name(location), f"files that are not read: {named}", allowed)


def _readable(
    filesystem: fsspec.AbstractFileSystem, paths: list[str], folder: str, endings: tuple[str, ...]
) -> tuple[DeliveredFile, ...]:
    files = [DeliveredFile(filesystem, path, file_name(path)) for path in paths]
    named = [one for one in files if one.name.lower().endswith(endings) and not one.name.startswith(".")]
    found = [one for one in named if filesystem.isfile(one.path)]
    if not found:
        allowed = f"at least one file ending {', '.join(endings)}"
        raise MissingFeedError(folder, "no file to read in the folder", allowed)
    return tuple(sorted(found, key=lambda file: file.name))


def file_name(location: str) -> str:
    """Return the last part of a path or URL, without a query, which may hold a secret.

    Bytes of a name that are not UTF-8 are written as in a URL (``%E9``): such a name can be shown, kept and compared.
    """
    path = location.partition("?")[0] if "://" in location else location
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # PEP 383: Python keeps such a byte as half of a surrogate pair
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)


def unreachable(name: str, error: Exception) -> FeedError:
    """Return the problem of what cannot be opened; the error's own text may hold a path or a secret."""
    return FeedError(name, f"that it cannot be opened ({type(error).__name__})", "a file that can be read")
