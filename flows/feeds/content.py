"""What a reader is given: a delivery's private copy, what its bytes really are, what the protocol says of them.

The copy is made once, while it is hashed, so that what is read is what was hashed even when the sender
replaces the file meanwhile. It has no name on disk, so nothing stays behind.
"""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import IO, Literal, Self

from checks.errors import FeedError
from checks.protocol.layout import Layout
from checks.protocol.model import FeedSource
from flows.feeds.location import DeliveredFile, unreachable

CHUNK = 1 << 22
"""Bytes moved at a time."""

IN_MEMORY = 1 << 26
"""A larger delivery is kept on disk while it is read."""

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

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x78\x01", ZLIB),
    (b"\x78\x5e", ZLIB),
    (b"\x78\x9c", ZLIB),
    (b"\x78\xda", ZLIB),
    (b"\x1f\x8b", GZIP),
    (b"PK\x03\x04", "a zip archive or an Excel workbook (xlsx)"),
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

    ``subject_system`` and ``layout`` are those of ``checks.protocol.model.FeedSource``.
    """

    encoding: str | None = None
    delimiter: str = ","
    decimal: str = "."
    domain: str = ""
    format: Literal["sdtm", "fhir", "edc"] = "sdtm"
    subject_system: str | None = None
    layout: Layout | None = None

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
