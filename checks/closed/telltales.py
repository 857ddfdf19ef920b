"""Telltales of the arm in a blinded output: an arm's code, a treatment's name, an amount."""

import html
import re
from collections.abc import Iterable

SHORTEST = 3
"""Codes of one or two characters stand in any text by chance, so they cannot be looked for."""

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
"""Text of a file can be in any of these, whatever the rest of the file is."""


def telltales_in(
    content: bytes, telltales: Iterable[str], *, innocent: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the telltales that stand somewhere in the bytes of an output, as whole words, in any case.

    Parameters
    ----------
    content
        The bytes of a file, or of what was printed.
    telltales
        Arm codes, treatment names and amounts as delivered; those shorter than ``SHORTEST`` are not looked for.
    innocent
        Texts in which a telltale tells nothing, such as a study's id that has the name of its drug.
    """
    found = {word.strip() for word in telltales if len(word.strip()) >= SHORTEST}
    # without NULs text of two bytes a character reads as ASCII wherever in the file it begins
    parts = [(content, encoding) for encoding in ENCODINGS] + [(content.replace(b"\0", b""), "utf-8")]
    texts = [_plain(part.decode(encoding, errors="replace"), innocent) for part, encoding in parts]
    return tuple(sorted(word for word in found if any(_pattern(word).search(text) for text in texts)))


def _plain(text: str, innocent: Iterable[str]) -> str:
    """Return a text as it is read, without the escapes of JSON and HTML and without what tells nothing."""
    read = html.unescape(
        re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    ).casefold()
    for phrase in sorted(filter(None, innocent), key=len, reverse=True):
        read = read.replace(phrase.casefold(), " ")
    return read


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(word.casefold())}(?![^\W_])")
