"""Names of treatments in EXTRT: which is one that the protocol lists, which may be one, and which is none.

A listed name with nothing behind it but a strength, a form, a route or another name in brackets is that treatment
("CYT107 10 ug/kg"). One that has a listed name in it, or differs from one by a slip, may be.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import Enum
from functools import cache
from typing import Final

from checks.terms import in_one_width, letters


class Names(Enum):
    """What a text says of the listed names: that it is of one, that it may be of one, or neither."""

    LISTED = "listed"
    PERHAPS = "perhaps"
    NONE = "none"


_NUMBER: Final = r"[0-9]++(?:[.,][0-9]++)*+(?:\s*[X*]\s*10\^?[0-9]++|E[0-9]++)?+"
"""A number; possessive, as all that repeats here, so that no text takes years to judge."""

_UNIT: Final = (
    r"(?:%|(?:(?:[KMNPU\u039c]|MC)?G|[MDU\u039c]?L|[MK]?IU|MU|U|UNITS?|[MNPU\u039c]?MOL|MEQ|CELLS|PFU|CFU|TU|VG|GC"
    r"|[KMG]?BQ|M?CI|M(?:\^?2|\u00b2)|H|HR|HOURS?|MIN|D|DAYS?|WK|WEEKS?|DOSES?|VIALS?|TABLETS?|CAPSULES?)(?![^\W_]))"
)
_STRENGTH: Final = (
    rf"{_NUMBER}(?:\s*(?:-|TO)\s*{_NUMBER})?+\s*{_UNIT}(?:\s*(?:/|PER\b)\s*(?:{_NUMBER}\s*)?+{_UNIT})*+"
)
"""A number with its unit: units of strength in CDISC's code list UNIT, without those of what cannot be a dose."""

_FORM: Final = (
    r"(?:TABLETS?|TABS?|CAPSULES?|CAPS?|INJECTIONS?|INJECTABLE|INFUSIONS?|SOLUTIONS?|SUSPENSIONS?|EMULSIONS?|POWDER"
    r"|LYOPHILI[SZ]ED|CONCENTRATE|STERILE|VIALS?|AMPOULES?|AMPULES?|SYRINGES?|PRE-?FILLED|PENS?|KITS?|SPRAY|CREAM|GEL"
    r"|PATCH|DROPS?|BOLUS|ORAL|INTRAVENOUS(?:LY)?|INTRAMUSCULAR(?:LY)?|SUBCUTANEOUS(?:LY)?|I\.?V\.?|I\.?M\.?|S\.?C\.?"
    r"|P\.?O\.?|FOR|DOSES?|LOW|MEDIUM|HIGH|BLINDED|DOUBLE-BLIND|OPEN-LABEL|ACTIVE|MATCHING|PLACEBO)(?![^\W_])"
)
"""Forms and routes: CDISC code lists FRM and ROUTE, as far as drugs that are given by the dose have them."""

_BRACKET: Final = (
    r"\((?![^()]*\b(?:NOT?|NON|WITHHELD|HELD|PLANNED|PRE\w*|POST\w*|RESCUE|WASH\w*|ANTI\w*|FLUSH)\b)[^()]*\)"
)
"""Another name in brackets, or a form; not a word that makes it another thing."""

_BEHIND: Final = rf"(?:[\s,;:/+\-\u2013_.]*+(?:{_STRENGTH}|{_FORM}|{_BRACKET}))*+[\s.]*+"

_STARTS: Final = r"(?<![0-9])(?:(?<![0-9][.,])|(?<=M2[.,])|(?<=M\^2[.,]))"
"""Where a number starts, also behind a unit: from within one, each of many digits would be tried to the end."""

_SHORTEST: Final = 4
"""Letters of a name that mean something inside another: not A in VITAMIN A."""

_ALIKE: Final = 0.85
"""Of two names, the share of letters in common from which one may be the other misspelt: one slip in seven."""

_TAKEN_FOR: Final = str.maketrans("01", "OI")
"""Digits that are typed for letters, and letters for digits."""


def names_treatment(text: str, listed: Sequence[str]) -> Names:
    """Return whether a text, as delivered, is one of the listed names, or may be."""
    return _names(in_one_width(text).upper(), tuple(in_one_width(name).upper() for name in listed))


@cache
def _names(text: str, listed: tuple[str, ...]) -> Names:
    if any(re.fullmatch(_spelt(name) + _BEHIND, text) for name in listed if letters(name)):
        return Names.LISTED
    bare = letters(re.sub(rf"{_STARTS}{_STRENGTH}|\b{_FORM}|{_BRACKET}", " ", text))
    may_be = any(
        re.search(rf"(?<![^\W_]){_spelt(name)}", text) or _is_slip(bare, letters(name))
        for name in listed
        if len(letters(name)) >= _SHORTEST
    )
    return Names.PERHAPS if may_be else Names.NONE


def _spelt(name: str) -> str:
    """Return the pattern of a name, whatever signs stand between its letters, up to where it ends."""
    return r"[\W_]*+".join(map(re.escape, letters(name))) + r"(?![^\W_])"


def _is_slip(one: str, name: str) -> bool:
    """Whether two names are one but for a slip: another number, or another last letter, is another drug (CYT108)."""
    one, name = (text.translate(_TAKEN_FOR) for text in (one, name))
    digits = [re.sub(r"[^0-9]", "", text) for text in (one, name)]
    matcher = SequenceMatcher(None, one, name, autojunk=False)
    # by their lengths first: a long text takes long to compare
    alike = matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE
    return alike and digits[0] == digits[1] and one[-1:] == name[-1:]
