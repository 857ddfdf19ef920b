"""Telltales of the arm in a blinded output: an arm's code, a treatment's name, an amount."""

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

SHORTEST = 3
"""Codes of one or two characters stand in any text by chance, so they cannot be looked for."""

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
"""Text of a file can be in any of these, whatever the rest of the file is."""

_LOOK_ALIKE: Final = str.maketrans(
    "АВЕЗКМНОРСТУХЅІЈԌԚԜаеорсухѕіјԁһӏԛԝвкмнтѵүүΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεικνορτυχϲ",
    "ABE3KMHOPCTYXSIJGQWaeopcyxsijdhlqwbkmhtvyyABEZHIKMNOPTYXabeikvoptuxc",
)
"""Letters of Cyrillic and Greek that look like one of Latin, and that one (Unicode TR 39, confusables)."""

_LEET: Final = ("aa4@", "bb8", "ee3", "gg9", "iil1!|", "lil1!|", "oo0", "ss5$", "tt7+", "zz2")
"""Behind each letter what is written in its place."""

_IN_PLACE: Final = {one[0]: one[1:] for one in _LEET} | {"1": "1il!|", "0": "0o"}

_APART: Final = 5
"""So many signs or blanks may stand between two letters of a word that is spelt apart."""


def telltales_in(
    content: bytes, telltales: Iterable[str], *, innocent: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the telltales that stand somewhere in the bytes of an output, as whole words, in any case.

    A name is found however it is written: with letters that look alike, in full width or another alphabet, with
    accents, characters of no width, signs or blanks among its letters, or digits in their place.

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
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    read = _normal(html.unescape(unescaped))
    for phrase in sorted(filter(None, innocent), key=len, reverse=True):
        read = read.replace(_normal(phrase), " ")
    return read


def _normal(text: str) -> str:
    """Return a text in small letters of one width and alphabet, without accents and what is not seen."""
    if text.isascii():
        return text.casefold()
    shown = unicodedata.normalize("NFKD", text).translate(_LOOK_ALIKE)
    return "".join(map(_letter, shown)).casefold()


@cache
def _letter(one: str) -> str:
    """Return a character as a Latin letter where its name says that it is one; nothing for what is not seen."""
    if one.isascii():
        return one
    if unicodedata.category(one) in ("Cf", "Mn", "Me", "Cc"):
        return ""
    named = re.match(
        r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z])\b", unicodedata.name(one, "")
    )
    return one if named is None else named[1]


@cache
def _pattern(word: str) -> re.Pattern[str]:
    """Return what finds a word; one of few letters, such as an amount, only as it is written."""
    normal = _normal(word)
    signs = [one for one in normal if one.isalnum()]
    if sum(map(str.isalpha, signs)) >= SHORTEST:
        each = (f"[{re.escape(_IN_PLACE.get(one, one))}]" for one in signs)
        written = rf"[\W_]{{0,{_APART}}}".join(each)
    else:
        written = re.escape(normal)
    return re.compile(rf"(?<![^\W_]){written}(?![^\W_])")
