"""Which texts of a feed may be quoted where the arm must not be known: those that belong in their column.

A column may hold what belongs in another: an arm's name, or the number of a kit, as a time, a unit, a result, a site,
a code. So a text is quoted only if each run of letters in it is a word of its column, its digits stand as they do
there, and no arm is named; of any other it is said what should stand there.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

import pandas as pd

from checks.column_forms import RUN, Place, has_form, is_nearly_word, is_unit, is_variable, is_word, place_of
from checks.measurements import CODES
from checks.telltales import Part, names_one, part_of
from checks.terms import folded, in_one_width, letters

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that have no shape of their own, or that turn the direction of those beside them."""


def _words_of(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(run.casefold() for text in texts for run in RUN.findall(text))


@dataclass(frozen=True, slots=True)
class Quotes:
    """What may be quoted of a study's feeds.

    ``known`` are its sites, subjects and terms, ``words`` those of its sites and subjects, and ``asked`` those of its
    terms, in lower case; ``digits`` are the most in a row that a site or subject has. ``arms`` are the names of its
    arms and treatments, ``innocent`` texts in which one tells nothing, as in the study's id, and ``codes`` tests, by
    letters and digits.
    """

    known: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    arms: tuple[str, ...] = ()
    innocent: tuple[str, ...] = ()
    digits: int = 0
    codes: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        known: Iterable[str],
        *,
        study: Iterable[str] = (),
        terms: Iterable[str] = (),
        codes: Iterable[str] = (),
        arms: Iterable[str] = (),
    ) -> Self:
        """Return what may be quoted: ``study`` is what the study is called, ``terms`` and ``codes`` those it has."""
        named, called, asked = frozenset(known), tuple(study), frozenset(terms)
        beginnings = {found[0] for one in named.difference(called) if (found := _BEGINNING.match(one))}
        return cls(
            known=named | asked,
            words=_words_of(named),
            asked=_words_of(asked),
            arms=tuple(arms),
            innocent=(*called, *sorted(beginnings)),
            digits=max((len(run) for one in named for run in _DIGITS.findall(one)), default=0),
            codes=frozenset(map(_bare, codes)).union(CODES),
        )

    def with_ids(self, subjects: Iterable[str]) -> Self:
        """Return the same with the digits of subjects not accepted yet whose words are those of sites."""
        ids = (one for one in subjects if self.words.issuperset(_words_of([self._own_part(one)])))
        runs = (len(run) for one in ids for run in _DIGITS.findall(one))
        return replace(self, digits=max(self.digits, max(runs, default=0)))

    def may(self, text: str, column: str) -> bool:
        """Whether a text of a column holds nothing but what belongs there, and names no arm."""
        place = place_of(column)
        if self.names_arm(text, place):
            return False
        if self._is_known(text, place):
            return True
        if not self._is_shaped(text, place) or self._has_number_of_arm(text, place):
            return False
        alone = not any(map(str.isdigit, text))
        said = self._own_part(text) if place.form is None else text
        runs = [run.casefold() for run in RUN.findall(said)]
        return is_unit(text, place) or all(self._belongs(run, place, alone=alone) for run in runs)

    def names_arm(self, text: str, place: Place) -> bool:
        """Whether a text of a place names an arm; a code of one or two letters does where it is all of the text."""
        if folded(text) in set(map(folded, self.arms)) and not (
            place.belongs == "a unit" and is_unit(text, place)
        ):
            return True
        if self._is_known(text, place) or not any(map(str.isalpha, text)):
            return False
        return names_one(text, self.arms, innocent=self.innocent)

    def _is_known(self, text: str, place: Place) -> bool:
        """Whether a text is a site, a subject or a term of the study, where such belongs."""
        named = place.form is None or place.belongs == "a term"
        return named and not self.known.isdisjoint((text, folded(text)))

    def _own_part(self, text: str) -> str:
        """Return the id of a subject without what it shares with others, which may be the name of a drug."""
        shared = (len(one) for one in self.innocent if text.startswith(one))
        return text[max(shared, default=0) :]

    def _is_shaped(self, text: str, place: Place) -> bool:
        """Whether each character of a text can be seen, and its digits stand as they do in its place."""
        if any(unicodedata.category(one) in _UNSEEN for one in text):
            return False
        if place.form is None:
            return all(len(run) <= self.digits for run in _DIGITS.findall(text))
        return has_form(text, place)

    def _has_number_of_arm(self, text: str, place: Place) -> bool:
        """Whether the code of a test holds a number that is in the name of an arm, in so many digits."""
        own = {run for arm in self.arms for run in _DIGITS.findall(arm) if len(run) >= _TELLING_DIGITS}
        return place.belongs == "a test" and not own.isdisjoint(_DIGITS.findall(text))

    def _belongs(self, run: str, place: Place, *, alone: bool) -> bool:
        """Whether a run of letters is a word of the study or of a place, and none of an arm's name."""
        part = part_of(run, self.arms)
        own = self.words if place.form is None else self.asked if place.belongs in _ASKED else ()
        if run in own or is_word(run, place, alone=alone):
            return part is not Part.WORD
        return part is Part.NONE and is_nearly_word(run, place)

    def shown(self, text: str, column: str) -> str:
        """Return a text as it stands in a column, or what should stand there if it may not be quoted."""
        return text if self.may(text, column) else unquoted(text, column)

    def code(self, code: str) -> str:
        """Return the code or name of a test, or what should stand there."""
        known = _bare(code) in self.codes and not self.names_arm(code, _TEST) and code.isprintable()
        return code if known else self.shown(code, "VSTESTCD")

    def variable(self, column: str) -> str:
        """Return the name of a column of a feed, or what stands for one that a sender made up."""
        return column if is_variable(column) and not self.names_arm(column, _TEST) else OWN_COLUMN

    def number(self, text: str) -> str:
        """Return the number of a record, or what stands for one that holds words or names an arm."""
        return hashed(text) if self.names_arm(text, _NUMBER) else quoted_number(text)

    def numbers(self, texts: "pd.Series[str]") -> "pd.Series[str]":
        """Return the numbers of records as ``number`` has each, missing where they are."""
        return _each_odd(texts, self.number)


def _bare(code: str) -> str:
    return letters(in_one_width(code)).upper()


OWN_COLUMN: Final = "a column of the sender's own"

_BEGINNING: Final = re.compile(r".*[\W_]", re.DOTALL)
"""A subject's id up to the last part, which is the subject's own."""

_ASKED: Final = ("a term", "a test")
"""Where a word of a term that the study asks for may stand: the name of a record without a number begins with it."""

_DIGITS: Final = re.compile(r"[0-9]+")
_TELLING_DIGITS: Final = 3
_TEST: Final = place_of("VSTESTCD")
_NUMBER: Final = place_of("VSSEQ")


def unquoted(text: str, column: str) -> str:
    """Say of a text that is not quoted what should stand in its place."""
    if any(unicodedata.category(one) in _UNSEEN for one in text):
        found = "text with characters that are not seen"
    elif not any(map(str.isdigit, text)):
        found = "a word"
    else:
        found = "text" if RUN.search(text) else "digits"
    return f"{found} where {place_of(column).belongs} belongs"


_OF_RECORD: Final = re.compile(
    r"[0-9][0-9.:/-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[0-9]+)?|[a-z]?[0-9][0-9.:-]*",
    re.IGNORECASE,
)
"""What the number of a record may be and hold no word: digits, a UUID (RFC 9562), a letter and digits."""


def quoted_number(text: str) -> str:
    """Return the number of a record (--SEQ, the id of a FHIR resource), or what stands for one that holds words.

    It is the beginning of its SHA-256: the same in each delivery, and another for each record.
    """
    of_signs = text.isascii() and text.isprintable() and not RUN.search(text)
    return text if of_signs or _OF_RECORD.fullmatch(text) else hashed(text)


def hashed(text: str) -> str:
    """Return what stands for the number of a record that is not quoted."""
    return f"~{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:12]}"


def quoted_numbers(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Return the numbers of records as ``quoted_number`` has each, missing where they are."""
    return _each_odd(texts, quoted_number)


def _each_odd(texts: "pd.Series[str]", shown: Callable[[str], str]) -> "pd.Series[str]":
    """Return texts, those that are no number alone as they are shown."""
    odd = texts.notna() & ~texts.str.fullmatch(r"[0-9.]+").fillna(False).astype("bool")
    if not odd.any():
        return texts
    as_shown = {text: shown(text) for text in texts[odd].unique()}
    return texts.mask(odd, texts[odd].map(as_shown).reindex(texts.index)).astype("str")
