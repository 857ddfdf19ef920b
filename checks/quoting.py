"""Which texts of a feed may be quoted where the arm must not be known: those of words that belong in their column.

A column may hold what belongs in another: an arm's name as a time, a unit, a result, a site, a code. So a text is
quoted only if each run of letters in it is a word of its column; of any other it is said what should stand there.
Digits and signs alone are always quoted.
"""

import hashlib
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import pandas as pd

from checks.flags import TAKEN_BACK
from checks.measurements import CODES, SPELT_UNITS
from checks.months import month_of
from checks.terms import in_one_width, letters
from checks.units import plain

_RUN: Final = re.compile(r"[^\W\d_]+")

_ALIKE: Final = 0.8
"""The share of letters in common from which a run is a word misspelt: Celcius, OXYSTA, TEMPT."""

_SHORTEST: Final = 4
"""Letters of a word of which a slip leaves enough to tell it: of three it would be many words."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


_NOTHING: Final = _words("nd na nk un unk unknown not done nan null none missing pending recorded measured")
"""What is written where there is no value."""

_TIME: Final = _NOTHING | _words("t z h am pm utc gmt")
_UNIT: Final = _words(
    """c f k r cel celsius kelvin fahr fahrenheit deg degs degree degrees degc degf grad centigrade mm hg mmhg cm h o
    kpa hpa pa torr bar mbar atm min mn minute minutes sec second seconds hr hour hours per breath breaths br brpm rpm
    bpm beat beats count counts resp insp respirations pulse pulses percent pct fraction of ratio proportion l lpm
    liter liters litre litres ml dl pl fl g gram grams mg ug µg ng pg mol mmol umol µmol nmol iu miu u cell cells x e
    vol v fio spo sat saturation oxygen"""
)
_FLAG: Final = frozenset(
    word for one in TAKEN_BACK.yes | TAKEN_BACK.no for word in _RUN.findall(one.casefold())
) | _words(
    """u unk unknown not done performed given administered completed complete in progress stopped preliminary final
    amended corrected p f c cancelled canceled hold dose held on rewritten omitted missed refused entered error
    scheduled planned intended applicable"""
)
_GRADE: Final = _words("mild moderate severe grade life threatening fatal death ctcae i ii iii iv v")
_CODE: Final = (
    frozenset(word for code in CODES for word in _RUN.findall(code.casefold()) if len(word) > 1)
    | _words(
        """height weight bmi bsa hr pulse sysbp diabp map abp nbp pulspr hdcirc wstcir hipcir midarm bodyfatm intp
    alb alp alt ast bili bun ca chol cl ck creat crp ggt gluc hct hgb inr ldh lym lymle mch mchc mcv mono monole neut
    neutle baso basole eos eosle phos plat prot rbc sodium potassium trig urate wbc lactate pct procalcitonin"""
    )
    | _words(
        """body oral axillary axilla tympanic rectal core skin bladder temp temps temperature resp respiratory
    respiration rate breath breaths spo sao sat sats saturation oxygen o pulse oximetry oximeter fio fraction inspired
    of heart blood pressure systolic diastolic mean arterial peripheral vital sign signs vs vent ventilator set by
    monitor manual non invasive spontaneous total in at rest recorded the concentration lymphocytes lymphocyte count
    tmp tymp temporal artery sp 体温 酸素飽和度 氧饱和度 氧飽和度 呼吸数 呼吸频率 呼吸頻率 吸入酸素濃度"""
    )
)
"""Test codes of CDISC (VSTESTCD, LBTESTCD) and words of the names of tests."""

_CODES: Final = re.compile(
    f"(?:{'|'.join(sorted((w for w in _CODE if len(w) > 1), key=len, reverse=True))})+"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What belongs in a column, and the words that may stand there."""

    belongs: str
    words: frozenset[str]


_PLACES: Final = (
    (re.compile(r"\w*DTC|\w*DTM?|ENTERED"), _Place("a time", _TIME)),
    (re.compile(r"\w*(ORRESU|STRESU)"), _Place("a unit", _UNIT)),
    (
        re.compile(r"\w*(ORRES|STRESN|STRESC|ORNRHI|ORNRLO|STNRHI|STNRLO)"),
        _Place("a result", _NOTHING | {"e"}),
    ),
    (re.compile(r"\w*TEST(CD)?"), _Place("a test", _CODE)),
    (re.compile(r"AESEV|AETOXGR"), _Place("a grade", _GRADE)),
    (
        re.compile(r"\w*(STAT|OCCUR|PRESP|MOOD|SER|SDTH|SLIFE|SHOSP|FL)|DELETED|AES\w+"),
        _Place("a flag", _FLAG),
    ),
    (re.compile(r"SITEID"), _Place("a site", frozenset())),
    (re.compile(r"USUBJID|SUBJID"), _Place("a subject", frozenset())),
    (re.compile(r"\w*SEQ"), _Place("a number", frozenset())),
    (re.compile(r"\w*(TERM|DECOD)"), _Place("a term", frozenset())),
)


def _place_of(column: str) -> _Place:
    return next((place for form, place in _PLACES if form.fullmatch(column)), _Place("a value", frozenset()))


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of texts that may be quoted wherever one may stand, such as sites and subjects."""
    return frozenset(run.casefold() for text in texts for run in _RUN.findall(text))


def may_be_quoted(text: str, column: str, names: Set[str] = frozenset()) -> bool:
    """Whether a text of a column holds no word but those that belong there, and ``names``, in lower case."""
    place, runs = _place_of(column), [run.casefold() for run in _RUN.findall(text)]
    if not runs or set(runs) <= names:
        return True
    if place.belongs == "a unit" and plain(text) in SPELT_UNITS:
        return True
    if place.belongs == "a result" and plain(text.lstrip("+-0123456789., <>=~")) in SPELT_UNITS:
        return True
    alone = place.belongs in ("a time", "a result", "a test") and not any(map(str.isdigit, text))
    return all(_belongs(run, place, alone=alone) or run in names for run in runs)


def _belongs(run: str, place: _Place, *, alone: bool) -> bool:
    """Whether a run of letters is a word of a column; ``alone`` is whether no digit stands beside it."""
    if alone and len(run) == 1:
        return False
    if run in place.words or (place.belongs == "a test" and len(run) == 1):  # V07
        return True
    if place.belongs == "a time":
        return month_of(run) is not None
    if place.belongs == "a test" and _CODES.fullmatch(run) is not None:
        return True
    misspelt = place.belongs in ("a test", "a unit") and len(run) >= _SHORTEST
    return misspelt and bool(get_close_matches(run, place.words, n=1, cutoff=_ALIKE))


def quoted(text: str, column: str, names: Set[str] = frozenset()) -> str:
    """Return a text as it stands in a column, or what should stand there if it holds a word that is none of it."""
    return text if may_be_quoted(text, column, names) else unquoted(text, column)


def unquoted(text: str, column: str) -> str:
    """Say of a text that is not quoted what should stand in its place."""
    return f"{'text' if any(map(str.isdigit, text)) else 'a word'} where {_place_of(column).belongs} belongs"


_NUMBER: Final = re.compile(
    r"[0-9][0-9.:/-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[0-9]+)?|[a-z]?[0-9][0-9.:-]*",
    re.IGNORECASE,
)
"""What the number of a record may be and hold no word: digits, a UUID (RFC 9562), a letter and digits."""


def quoted_number(text: str) -> str:
    """Return the number of a record (--SEQ, the id of a FHIR resource), or what stands for one that holds words.

    It is the beginning of its SHA-256: the same in each delivery, and another for each record.
    """
    if _NUMBER.fullmatch(text) or not _RUN.search(text):
        return text
    return f"~{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:12]}"


def quoted_numbers(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Return the numbers of records as ``quoted_number`` has each, missing where they are."""
    odd = texts.notna() & ~texts.str.fullmatch(r"[0-9.]+").fillna(False).astype("bool")
    if not odd.any():
        return texts
    shown = {text: quoted_number(text) for text in texts[odd].unique()}
    return texts.mask(odd, texts[odd].map(shown).reindex(texts.index)).astype("str")


def quoted_code(code: str, names: Set[str] = frozenset()) -> str:
    """Return the code or name of a test, or what should stand there; ``names`` are those that the protocol gives."""
    known = letters(in_one_width(code)).upper() in CODES
    return code if known else quoted(code, "VSTESTCD", names)
