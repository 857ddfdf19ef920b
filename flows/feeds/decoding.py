"""Text of a delivery in the encoding that the protocol names, and the measure of its lines.

An encoding is never guessed: it is UTF-8, or what a byte-order mark says, or what the protocol's ``encoding``
says. A wrong guess would turn a term or a unit into another one without a sign.
"""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain

from checks.errors import FeedError
from flows.feeds.content import CHUNK, Content

MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks (Unicode Standard, table 2-4); UTF-32 before UTF-16, whose mark begins the same."""

ALLOWED = "UTF-8, UTF-16 with a byte-order mark, or the encoding that the protocol's `encoding` names"


@dataclass(frozen=True, slots=True)
class Quotes:
    """How many quotation marks there are, follow an edge of a field, precede one; whether one does both."""

    number: int
    opening: int
    closing: int
    lone: bool

    @property
    def plain(self) -> bool:
        """Whether each mark opens or closes a field, so that no reader can take them differently."""
        return not self.lone and self.opening == self.closing and self.opening + self.closing == self.number

    def plus(self, before: str, text: str, delimiter: str) -> "Quotes":
        """Return the counts with those of ``text`` added, which follows the character ``before``."""
        joined = before + text
        if '"' not in joined:
            return self
        edges = (delimiter, "\n", "\r")
        return Quotes(
            self.number + text.count('"'),
            self.opening + sum(joined.count(f'{edge}"') for edge in edges),
            self.closing + sum(joined.count(f'"{edge}') for edge in edges),
            self.lone or f'{delimiter}"{delimiter}' in joined,
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """What one pass over the text saw: its codec, its number of lines, its quotation marks."""

    codec: str
    lines: int
    quotes: Quotes


def codec_of(content: Content, encoding: str | None) -> str:
    """Return the Python codec of a text delivery: by its byte-order mark, as the protocol says, else UTF-8.

    Raises
    ------
    FeedError
        When that encoding is unknown.
    """
    content.stream.seek(0)
    head = content.stream.read(4)
    content.stream.seek(0)
    for mark, codec in MARKS:
        if head.startswith(mark):
            return codec
    return known_codec(content.name, encoding or "utf-8")


def known_codec(file: str, encoding: str) -> str:
    """Return Python's name of an encoding.

    Raises
    ------
    FeedError
        When Python does not know it as an encoding of text.
    """
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        allowed = "a name such as utf-8, windows-1252, iso-8859-15, shift_jis"
        raise FeedError(file, f"the protocol's `encoding` {encoding!r}, which is unknown", allowed) from error


def measure(content: Content, encoding: str | None, *, delimiter: str = ",") -> Measure:
    """Decode the whole delivery once, count its lines, and look how its quotation marks stand.

    Raises
    ------
    FeedError
        Naming line and byte offset of the first byte that does not decode, or the line of a NUL.
    """
    codec = codec_of(content, encoding)
    breaks, quotes, before = 0, Quotes(0, 0, 0, False), "\n"
    for text in _decoded(content, codec):
        if "\0" in text:
            line = breaks + line_breaks(text[: text.index("\0")]) + 1
            raise FeedError(
                content.name, f"a NUL character in line {line}", f"text without NUL, in {ALLOWED}"
            )
        breaks += line_breaks(text)
        quotes = quotes.plus(before, text, delimiter)
        before = text[-1]
    content.stream.seek(0)
    if before not in "\n\r":
        breaks, quotes = breaks + 1, quotes.plus(before, "\n", delimiter)
    return Measure(codec, breaks, quotes)


def line_breaks(text: str) -> int:
    """Count line ends: LF, CR LF, or CR alone."""
    return text.count("\n") + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)


@contextmanager
def as_text(content: Content, codec: str, newline: str = "") -> Iterator[io.TextIOWrapper]:
    """Yield the delivery as text, line ends kept, lines ending at ``newline`` ("": any); its stream stays open."""
    content.stream.seek(0)
    text = io.TextIOWrapper(content.stream, encoding=codec, newline=newline)
    try:
        yield text
    finally:
        if not text.closed:  # who stopped amid the lines may come here after the stream's end
            text.detach()


def _decoded(content: Content, codec: str) -> Iterator[str]:
    """Yield the text in pieces that never end between CR and LF."""
    decoder = codecs.getincrementaldecoder(codec)()
    held, done, breaks = "", 0, 0
    content.stream.seek(0)
    for chunk in chain(iter(partial(content.stream.read, CHUNK), b""), [b""]):  # an empty one ends it
        done += len(chunk)
        try:
            text = held + decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _undecodable(content.name, error, done, breaks, codec) from error
        held = "\r" if chunk and text.endswith("\r") else ""
        text = text.removesuffix(held)
        breaks += line_breaks(text)
        if text:
            yield text


def _undecodable(name: str, error: UnicodeDecodeError, done: int, breaks: int, codec: str) -> FeedError:
    offset = done - len(error.object) + error.start
    before = error.object[: error.start].decode(codec, errors="replace")
    found = (
        f"a byte 0x{error.object[error.start]:02X} that is not {codec.removesuffix('-sig').upper()} "
        f"in line {breaks + line_breaks(before) + 1} (byte offset {offset})"
    )
    return FeedError(name, found, ALLOWED)
