"""What a reader is given: a delivery's private copy, what its bytes really are, what the protocol says of them.

The copy is made once, while it is hashed, so that what is read is what was hashed even when the sender
replaces the file meanwhile. It has no name on disk, so nothing stays behind.
"""

import hashlib
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import IO, Literal, Self

from checks.errors import FeedError, FeedTooLargeError
from checks.protocol.feeds import FeedSource
from checks.protocol.layout import Layout
from checks.protocol.limits import Limits
from flows.feeds.location import DeliveredFile, file_name, unreachable

CHUNK = 1 << 22
"""Bytes moved at a time."""

PIECE = 1 << 14
"""Bytes of a compressed file that are given to its engine at once, which copies what a member leaves of them."""

IN_MEMORY = 1 << 26
"""A larger delivery is kept on disk while it is read."""

HARMLESS = IN_MEMORY
"""Bytes up to which a file may be unpacked whatever the ratio: a small one compresses as well as it likes."""

USUAL = Limits()
"""The limits of a protocol that says none."""

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
    limits: Limits = USUAL

    @classmethod
    def of(cls, source: FeedSource, domain: str, limits: Limits | None = None) -> Self:
        """Return what the protocol says of one domain's feed, and of how much one file may be."""
        told = (
            one.name for one in fields(cls) if one.name not in ("domain", "limits")
        )  # named there as here
        return cls(domain=domain, limits=limits or USUAL, **{name: getattr(source, name) for name in told})


@dataclass(frozen=True, slots=True)
class Content:
    """A delivery's private copy: what it is called, the SHA-256 of what was delivered, the bytes, their kind.

    ``name`` is the label that stands for it in messages; ``file`` the file's own name, which may tell the arm: its
    ending alone is asked.
    ``most`` is how many bytes it may become when it is unpacked.
    """

    name: str
    sha256: str
    stream: IO[bytes]
    kind: str
    file: str
    most: int = USUAL.max_unpacked_bytes

    def require(self, *kinds: str, allowed: str) -> None:
        """Refuse content that is none of ``kinds``.

        Raises
        ------
        FeedError
            Naming what the content really is.
        """
        if self.kind not in kinds:
            raise FeedError(self.name, self.kind, allowed)

    def require_room(self, size: int) -> None:
        """Refuse what has become larger than it may.

        Raises
        ------
        FeedTooLargeError
            When ``size`` bytes are more than it may become.
        """
        if size > self.most:
            allowed = "`limits.max_unpacked_bytes`, and `limits.max_unpacked_ratio` times what was delivered"
            raise FeedTooLargeError(self.name, f"more than {self.most:,} bytes when it is unpacked", allowed)


@contextmanager
def opened(file: DeliveredFile, limits: Limits) -> Iterator[Content]:
    """Copy and hash a delivery, and close the copy at the end.

    Raises
    ------
    FeedError
        When it cannot be opened or read to its end, or is larger or slower than it may be.
    """
    with _scratch() as copy:
        digest = hashlib.sha256()
        try:
            with file.opened() as source:
                for chunk in _arriving(source, file.label, limits):
                    digest.update(chunk)
                    copy.write(chunk)
        except FeedError:
            raise
        except Exception as error:  # each file system has errors of its own
            raise unreachable(file.label, error) from error
        most = max(HARMLESS, int(limits.max_unpacked_ratio * copy.tell()))
        kind = identify(copy)
        yield Content(
            file.label,
            digest.hexdigest(),
            copy,
            kind,
            file.name,
            min(most, limits.max_unpacked_bytes),
        )


def _arriving(source: IO[bytes], name: str, limits: Limits) -> Iterator[bytes]:
    """Yield a delivery's bytes, as long as there are not too many and they do not come too slowly."""
    size, until = 0, time.monotonic() + limits.max_read_seconds
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > limits.max_unpacked_bytes:
            found = f"more than {limits.max_unpacked_bytes:,} bytes"
            raise FeedTooLargeError(name, found, "at most `limits.max_unpacked_bytes`")
        if time.monotonic() > until:
            found = f"that it takes longer than {limits.max_read_seconds:g} s to come"
            raise FeedTooLargeError(name, found, "at most `limits.max_read_seconds`")
        yield chunk


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
        yield replace(content, stream=copy, kind=identify(copy))


@contextmanager
def unzipped(content: Content) -> Iterator[Content]:
    """Yield the one file of a zip archive, under its own name.

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
                content.require_room(member.file_size)
                with archive.open(member) as source:
                    _fill(copy, iter(partial(source.read, CHUNK), b""), content)
        except (OSError, EOFError, RuntimeError, UnicodeError, zipfile.BadZipFile, zlib.error) as error:
            found = "an archive that is damaged, cut short, under a password, or a part of a split one"
            raise FeedError(content.name, found, "a whole zip archive of one file") from error
        yield replace(content, file=file_name(member.filename), stream=copy, kind=identify(copy))


def _only_member(name: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if any(one.filename == "[Content_Types].xml" for one in members):
        raise FeedError(name, "an Excel workbook", "its sheet saved as CSV UTF-8")
    # what macOS adds to an archive is no delivery
    members = [one for one in members if not one.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise FeedError(name, f"an archive of {len(members)} files", "one file; deliver several in a folder")
    if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # the others unpack a block of any size at once
        raise FeedError(name, "an archive that is compressed by another method", "DEFLATE, as is usual")
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


def _fill(copy: IO[bytes], chunks: Iterator[bytes], content: Content) -> None:
    """Write what comes out of a delivery, counted as it comes: what a header says of its size may be wrong."""
    for chunk in chunks:
        copy.write(chunk)
        content.require_room(copy.tell())


def _expand(content: Content, copy: IO[bytes]) -> None:
    try:
        _fill(copy, _inflated(content), content)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(
            content.name, "a compressed stream that is damaged or cut short", "a whole one"
        ) from error


def _inflated(content: Content) -> Iterator[bytes]:
    """Yield what a zlib stream holds, or the members of a gzip file, between and after which zeros may stand.

    ``gzip`` itself reads the name in a header, and such zeros, byte by byte.
    """
    wrapping = zlib.MAX_WBITS | (16 if content.kind == GZIP else 0)  # as zlib's inflateInit2 has it
    engine = zlib.decompressobj(wrapping)
    for piece in iter(partial(content.stream.read, PIECE), b""):
        left = piece
        while left:
            if engine.eof:
                left = left.lstrip(b"\0") if content.kind == GZIP else b""
                if not left:
                    break
                engine = zlib.decompressobj(wrapping)
            yield engine.decompress(left, CHUNK)
            left = engine.unused_data if engine.eof else engine.unconsumed_tail
    yield engine.flush()
    if not engine.eof:
        raise EOFError
