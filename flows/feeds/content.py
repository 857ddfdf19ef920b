"""What a reader is given: a delivery's private copy, what its bytes really are, what the protocol says of them.

The copy is made once, while it is hashed, so that what is read is what was hashed even when the sender
replaces the file meanwhile. It has no name on disk, so nothing stays behind.
"""

import gzip
import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import IO, Literal, Self

from checks.errors import FeedError
from checks.protocol.feeds import FeedSource
from checks.protocol.layout import Layout
from flows.feeds.location import DeliveredFile, unreachable

CHUNK = 1 << 22
"""Bytes moved at a time."""

IN_MEMORY = 1 << 26
"""A larger delivery is kept on disk while it is read."""

LARGEST_UNZIPPED = 1 << 32
"""Bytes that a file in an archive may have: what an archive without the ZIP64 extension can hold (APPNOTE 4.4.9)."""

GZIP = "a gzip file"
PARQUET = "a Parquet file"
XPT_V5 = "a SAS transport file (XPT v5)"
XPT_V8 = "a SAS transport file (XPT v8)"
SAS7BDAT = "a SAS7BDAT file"
TEXT = "text"
JSON = "JSON text"
PAGE = "an HTML or XML page"
EMPTY = "an empty file"
ZLIB = "a zlib stream"
ZIP = "a zip archive or an Excel workbook (xlsx)"

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x78\x01", ZLIB),
    (b"\x78\x5e", ZLIB),
    (b"\x78\x9c", ZLIB),
    (b"\x78\xda", ZLIB),
    (b"\x1f\x8b", GZIP),
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (xls)"),
    (b"PAR1", PARQUET),
    (b"%PDF", "a PDF document"),
    (b"**COMPRESSED** **COMPRESSED**", "a SAS CPORT file"),
    (b"HEADER RECORD*******LIBRARY HEADER", XPT_V5),
    (b"HEADER RECORD*******LIBV8   HEADER", XPT_V8),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00", SAS7BDAT),
)
"""First bytes by which a format knows itself (RFC 1950, RFC 1952, APPNOTE, MS-CFB, Parquet, PDF, TS-140)."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What the protocol says of a feed: how its text is written, what its rows mean, and for which domain.

    ``subject_system`` and those after it are those of ``checks.protocol.feeds.FeedSource``.
    """

    encoding: str | None = None
    delimiter: str = ","
    decimal: str = "."
    domain: str = ""
    format: Literal["sdtm", "fhir", "edc"] = "sdtm"
    subject_system: str | None = None
    layout: Layout | None = None
    date_format: Mapping[str, str] | None = None
    known_at: str | None = None
    site: str | None = None

    @classmethod
    def of(cls, source: FeedSource, domain: str) -> Self:
        """Return what the protocol says of one domain's feed."""
        told = (one.name for one in fields(cls) if one.name != "domain")  # named there as here
        return cls(domain=domain, **{name: getattr(source, name) for name in told})


@dataclass(frozen=True, slots=True)
class Content:
    """A delivery's private copy: its name, the SHA-256 of what was delivered, the bytes, their kind."""

    name: str
    sha256: str
    stream: IO[bytes]
    kind: str

    def require(self, *kinds: str, allowed: str) -> None:
        """Refuse content that is none of ``kinds``.

        Raises
        ------
        FeedError
            Naming what the content really is.
        """
        if self.kind not in kinds:
            raise FeedError(self.name, self.kind, allowed)


@contextmanager
def opened(file: DeliveredFile) -> Iterator[Content]:
    """Copy and hash a delivery, and close the copy at the end.

    Raises
    ------
    FeedError
        When it cannot be opened or read to its end.
    """
    with _scratch() as copy:
        digest = hashlib.sha256()
        try:
            with file.filesystem.open(file.path, "rb") as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except (OSError, ValueError) as error:
            raise unreachable(file.name, error) from error
        yield Content(file.name, digest.hexdigest(), copy, identify(copy))


@contextmanager
def decompressed(content: Content) -> Iterator[Content]:
    """Yield the content of a gzip file or zlib stream; any other content as it is.

    Raises
    ------
    FeedError
        When the compressed stream is damaged or stops early.
    """
    if content.kind not in (ZLIB, GZIP):
        yield content
        return
    with _scratch() as copy:
        _expand(content, copy)
        yield Content(content.name, content.sha256, copy, identify(copy))


@contextmanager
def unzipped(content: Content) -> Iterator[Content]:
    """Yield the one file of a zip archive, under both names.

    Raises
    ------
    FeedError
        When it is no whole archive of one file that can be read and is not too large.
    """
    content.require(ZIP, allowed="a zip archive, as its name says")
    with _scratch() as copy:
        try:
            with zipfile.ZipFile(content.stream) as archive:
                member = _only_member(content.name, archive)
                with archive.open(member) as source:
                    while chunk := source.read(CHUNK):
                        copy.write(chunk)
        except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            found = "an archive that is damaged, cut short, under a password, or a part of a split one"
            raise FeedError(content.name, found, "a whole zip archive of one file") from error
        yield Content(f"{content.name}/{member.filename}", content.sha256, copy, identify(copy))


def _only_member(name: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if any(one.filename == "[Content_Types].xml" for one in members):
        raise FeedError(name, "an Excel workbook", "its sheet saved as CSV UTF-8")
    # what macOS adds to an archive is no delivery
    members = [one for one in members if not one.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise FeedError(name, f"an archive of {len(members)} files", "one file; deliver several in a folder")
    if members[0].file_size > LARGEST_UNZIPPED:
        raise FeedError(name, "a file of more than 4 GiB in the archive", "a .csv.gz, which may be larger")
    return members[0]


def identify(stream: IO[bytes]) -> str:
    """Say what the bytes are, from the first of them; the stream is left at its start."""
    stream.seek(0)
    head = stream.read(128)
    stream.seek(0)
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        return EMPTY
    return {b"{": JSON, b"[": JSON, b"<": PAGE}.get(start[:1], TEXT)


def _scratch() -> tempfile.SpooledTemporaryFile[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


def _expand(content: Content, copy: IO[bytes]) -> None:
    try:
        for chunk in _inflated(content):
            copy.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(
            content.name, "a compressed stream that is damaged or cut short", "a whole one"
        ) from error


def _inflated(content: Content) -> Iterator[bytes]:
    if content.kind == ZLIB:
        engine = zlib.decompressobj()
        while chunk := content.stream.read(CHUNK):
            yield engine.decompress(chunk)
        yield engine.flush()
        if not engine.eof:
            raise EOFError
        return
    with gzip.open(content.stream) as source:
        while chunk := source.read(CHUNK):
            yield chunk
