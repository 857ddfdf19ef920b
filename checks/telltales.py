"""Telltales of the arm in a blinded output: an arm's code, a treatment's name, an amount."""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache
from typing import Final

from checks.normal_forms import normal_form

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

_WORD: Final = re.compile(r"[^\W_]+")

_LONG_ENOUGH: Final = 6
"""Letters of a name of which a slip is no other word."""

_GENERIC: Final = frozenset(
    (
        "group",
        "dose",
        "doses",
        "drug",
        "study",
        "treatment",
        "standard",
        "care",
        "usual",
        "with",
        "plus",
        "body",
        "rate",
    )
)
"""Words of names of arms that other texts hold as well."""

_BETWEEN: Final = r"[\s_\-\u2010-\u2015]+"
"""Between the words of one term; where a stop or a comma stands, another begins."""

_ROLE: Final = re.compile(
    rf"""(?<![^\W_])(?:
        (?:active|comparator|control|experimental|investigational|placebo|treatment|verum)
            {_BETWEEN}(?:treatment{_BETWEEN})?arms?
        |(?:active|comparator|experimental|placebo|verum){_BETWEEN}(?:treatment{_BETWEEN})?groups?
        |(?:in|on){_BETWEEN}(?:the{_BETWEEN})?(?:control|treatment){_BETWEEN}groups?
    )(?![^\W_])""",
    re.VERBOSE,
)
"""An arm by its role. Neither word alone tells one: there are active bleeding, control windows, infection control
groups and the arm that a cannula is in."""

_PARTS_OF_OTHERS: Final = _GENERIC | {
    "active",
    "control",
    "factor",
    "immune",
    "intensive",
    "normal",
    "nutrition",
    "plasma",
    "protein",
    "surgery",
    "therapy",
    "treated",
}
"""Words of names of arms that are parts of others: inactive, uncontrolled, standardised, overdose."""

_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts that set no blanks between words: Thai, Japanese, Chinese, and Korean before its endings."""

_APART: Final = 5
"""So many signs or blanks may stand between two letters of a word that is spelt apart."""

_GAP: Final = rf"[\W_]{{0,{_APART}}}"


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
    found = _looked_for(telltales)
    phrases = _telling(found, tuple(innocent))
    # without NULs text of two bytes a character reads as ASCII wherever in the file it begins
    parts = [(content, encoding) for encoding in ENCODINGS] + [(content.replace(b"\0", b""), "utf-8")]
    texts = [_plain(part.decode(encoding, errors="replace"), phrases) for part, encoding in parts]
    return tuple(word for word in found if any(_pattern(word).search(text) for text in texts))


def names_one(text: str, telltales: Iterable[str], *, innocent: Iterable[str] = ()) -> bool:
    """Whether a short text holds a telltale as ``telltales_in`` finds it, in a longer word, or with a slip."""
    found = _looked_for(telltales)
    read = _plain(text, _telling(found, tuple(innocent)))
    words = _WORD.findall(read)
    return any(_stands_in(one, read) or _slipped(one, words) for one in found)


def names_role(text: str) -> bool:
    """Whether a short text calls an arm of some trial by its role, as "the active arm", whatever the arms' names."""
    return _ROLE.search(_plain(text, ())) is not None


class Part(Enum):
    """What a word is to a name: one of its words, near to one, or neither."""

    WORD = "word"
    NEAR = "near"
    NONE = "none"


def part_of(word: str, telltales: Iterable[str]) -> Part:
    """Return what a word in small letters is to the telltales; what is generic in them, or short, tells nothing."""
    told = {one for name in telltales for one in _parts(name)}
    if word in told and len(word) > SHORTEST:
        return Part.WORD
    return Part.NEAR if any(one in word or _is_slip(word, one) for one in told) else Part.NONE


@cache
def _parts(name: str) -> tuple[str, ...]:
    return tuple(
        one for one in re.findall(r"[^\W\d_]+", _normal(name)) if len(one) >= SHORTEST and one not in _GENERIC
    )


def _looked_for(telltales: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({word.strip() for word in telltales if len(word.strip()) >= SHORTEST}))


@cache
def _telling(telltales: tuple[str, ...], phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Return the phrases that hold a telltale, the longest first: to take out others would take letters of names."""
    held = [one for one in phrases if any(_stands_in(word, _normal(one)) for word in telltales)]
    return tuple(sorted(held, key=len, reverse=True))


def _stands_in(name: str, read: str) -> bool:
    """Whether a name stands in a text, by itself or in a longer word."""
    within = _within(name)
    return _pattern(name).search(read) is not None or (within is not None and within.search(read) is not None)


def _slipped(name: str, words: Sequence[str]) -> bool:
    """Whether some words in a row are a name with a slip."""
    told = _WORD.findall(_normal(name))
    rows = range(len(words) - len(told) + 1)
    return any(_is_slip("".join(words[at : at + len(told)]), "".join(told)) for at in rows)


def _is_slip(one: str, name: str) -> bool:
    """Whether a word is a name but for one letter: another, too many, missing, or two changed about.

    Another digit is another name (CYT108), and of a short one all words would be slips.
    """
    if one == name or len(name) < _LONG_ENOUGH or abs(len(one) - len(name)) > 1:
        return False
    start = _alike(one, name)
    end = _alike(one[start:][::-1], name[start:][::-1])
    left, right = (text[start : len(text) - end] for text in (one, name))
    if left.isdigit() or right.isdigit():
        return False
    return (len(left) <= 1 and len(right) <= 1) or (len(left) == 2 and left == right[::-1])


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _plain(text: str, phrases: Iterable[str]) -> str:
    """Return a text as it is read, without the escapes of JSON and HTML and without what tells nothing."""
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    read = _normal(html.unescape(unescaped))
    for phrase in phrases:
        read = read.replace(_normal(phrase), " ")
    return read


def _normal(text: str) -> str:
    """Return a text in small letters of one width and alphabet, without accents and what is not seen."""
    if text.isascii():
        return text.casefold()
    shown = normal_form("NFKD", text).translate(_LOOK_ALIKE)
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
    written = _GAP.join(map(_sign, signs)) if _has_letters(normal) else re.escape(normal)
    return re.compile(rf"(?<![^\W_]){written}(?![^\W_])")


@cache
def _within(name: str) -> re.Pattern[str] | None:
    """Return what finds a name in a longer word, None of one too short to be told from chance there.

    A name without a digit that is short, or a part of other words, is found beside digits and before "arm" and
    "group" alone; beside a digit of its own another digit makes another name (CYT1071).
    """
    normal = _normal(name)
    runs = re.findall(r"[^\W\d_]+|\d+", normal)
    length, unspaced = sum(map(len, runs)), _UNSPACED.search(name) is not None
    digits, letters = (any(map(of, normal)) for of in (str.isdigit, str.isalpha))
    if not letters or length < SHORTEST + (not digits and not unspaced):
        return None
    sign = _sign if _has_letters(normal) else re.escape
    parts = ["".join(map(sign, run)) for run in runs]
    written = _GAP.join(parts)
    if digits:  # a blank before them, as in "until 7", parts them from the end of another word
        before, after = ("(?<![0-9])" * runs[0].isdigit(), "(?![0-9])" * runs[-1].isdigit())
        return re.compile(rf"{before}(?:{'[-_.]?'.join(parts)}|(?<![^\W_]){written}){after}")
    if unspaced or (length >= _LONG_ENOUGH and not _PARTS_OF_OTHERS.issuperset(runs)):
        return re.compile(written)
    return re.compile(rf"(?<![^\W\d_]){written}(?:(?![^\W\d_])|(?=arm|group|gruppe))")


def _has_letters(normal: str) -> bool:
    return sum(map(str.isalpha, normal)) >= SHORTEST


def _sign(one: str) -> str:
    """Return what finds a letter or digit of a name, and what is written in its place."""
    return f"[{re.escape(_IN_PLACE.get(one, one))}]"
