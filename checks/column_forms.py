"""What belongs in a column of a feed: the words that may stand there, and the form in which digits do."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from checks.flags import TAKEN_BACK
from checks.measurements import CODES, SPELT_UNITS
from checks.months import month_of
from checks.units import plain

RUN: Final = re.compile(r"[^\W\d_]+")

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
    word for one in TAKEN_BACK.yes | TAKEN_BACK.no for word in RUN.findall(one.casefold())
) | _words(
    """u unk unknown not done performed given administered completed complete in progress stopped preliminary final
    amended corrected p f c cancelled canceled hold dose held on rewritten omitted missed refused entered error
    scheduled planned intended applicable"""
)
_GRADE: Final = _words("mild moderate severe grade life threatening fatal death ctcae i ii iii iv v")
_CODE: Final = (
    frozenset(word for code in CODES for word in RUN.findall(code.casefold()) if len(word) > 1)
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
_LONGEST: Final = 2 * max(map(len, _CODE))
"""Letters; in how many ways a longer run may be taken apart doubles with each word of two words in it."""

_YEAR: Final = r"(?:19|20)\d\d"
_DAY: Final = rf"""(?:
    \d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}                # 2024-06-10, and a day that is none
    |{_YEAR}(?:[-/.]\d{{1,2}})?                        # 2024, 2024-06
    |{_YEAR}[01]\d(?:[0-3]\d)?                         # 20240610
    |\d{{1,2}}[-/.\ ]\d{{1,2}}[-/.\ ](?:{_YEAR}|\d\d)  # 10/06/24
    |(?:\d{{1,2}}|a)[-/.,\ ]*a[-/.,\ ]*(?:{_YEAR}|\d\d)  # 10-Jun-2024, UN UNK 2024
    |a[-/.\ ]*(?:\d{{1,2}}[-/.,\ ]+)?{_YEAR}           # Jun 10, 2024
    |{_YEAR}[-/.\ ]*a(?:[-/.\ ]*\d{{1,2}})?            # 2024-Jun-10
    |(?:{_YEAR}|-)-(?:\d\d|-)-(?:\d\d|-)               # --06-10, of SDTM
    )"""
_CLOCK: Final = r"\d{1,2}(?:[:.a]\ ?\d{2}){1,2}(?:[.,]\d+)?a?"
_ZONE: Final = r"(?:\ ?a)?(?:\ ?[+-]\d{2}:?\d{2})?"
_MOMENT: Final = rf"(?:{_DAY}(?:[\ a:,]*{_CLOCK}|[\ a:,]+\d{{2,4}}|a?\d{{4,6}})?|{_CLOCK}){_ZONE}"

_NUMBER: Final = r"(?:\d{1,9}(?:[.,'\u2019]{1,2}\d+)*[.,]?|\d{1,3}(?:\ \d{3})+(?:[.,]\d+)?|[.,]\d+)"
_POWER: Final = r"(?:\ ?a\ ?[+-]?\d{1,2}|\ ?[*x\u00d7a]\ ?10\^?[+-]?\d{1,2})?"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})\Z", re.VERBOSE)


_AS_TIME: Final = _form(rf"{_MOMENT}(?:/{_MOMENT})?|[2-7]\d{{4}}(?:[.,]\d+)?")  # a spreadsheet's day last
_AS_RESULT: Final = _form(
    rf"[<>≤≥~=≈±(\[\ ]*(?:[+\u2212-]?{_NUMBER}{_POWER}|\d{{2,3}}/\d{{2,3}}|1:\d+)[\ ?*!)\]]*"
    r"(?:%|[\ (/]*°?\ ?a[^\d]*)?"
)
_AS_UNIT: Final = _form(
    r"(?=.*[a%/])(?:[^\d]|(?<=a)\^?[234](?!\d)|10\ ?(?:\^|\*{1,2}|a)?[+-]?\d{1,2}(?=\ ?[*/a])"
    r"|(?<=/)\ ?(?:24|10{1,6}|1\.73))+"
)
_AS_TEST: Final = _form(
    r"(?:[^\d]|(?<=a)\d{1,3}(?!\d)|(?<=a[ _-])\d{1,2}(?!\d))+|\d{1,5}-\d"
)  # V07; a code of LOINC last
_AS_GRADE: Final = _form(r"[^\d]*[0-5](?:\.0)?")
_AS_FLAG: Final = _form(r"[^\d]*[01](?:\.0)?")
_AS_NUMBER: Final = _form(r"-?[\d.:/-]{1,40}|[a\d.:~-]{1,60}")
_NEVER: Final = _form(r"[^\d]*")


@dataclass(frozen=True, slots=True)
class Place:
    """What belongs in a column, the words that may stand there, and the form of a text with digits.

    The form is of the text with ``a`` for each of its runs of letters; of sites and subjects it is that of those
    which are known.
    """

    belongs: str
    words: frozenset[str] = frozenset()
    form: re.Pattern[str] | None = None


_PLACES: Final = (
    (re.compile(r"\w*DTC|\w*DTM?|ENTERED"), Place("a time", _TIME, _AS_TIME)),
    (re.compile(r"\w*(ORRESU|STRESU)"), Place("a unit", _UNIT, _AS_UNIT)),
    (
        re.compile(r"\w*(ORRES|STRESN|STRESC|ORNRHI|ORNRLO|STNRHI|STNRLO)"),
        Place("a result", _NOTHING | {"e"}, _AS_RESULT),
    ),
    (re.compile(r"\w*TEST(CD)?"), Place("a test", _CODE, _AS_TEST)),
    (re.compile(r"AESEV|AETOXGR"), Place("a grade", _GRADE, _AS_GRADE)),
    (
        re.compile(r"\w*(STAT|OCCUR|PRESP|MOOD|SER|SDTH|SLIFE|SHOSP|FL)|DELETED|AES\w+"),
        Place("a flag", _FLAG, _AS_FLAG),
    ),
    (re.compile(r"SITEID"), Place("a site")),
    (re.compile(r"USUBJID|SUBJID"), Place("a subject")),
    (re.compile(r"\w*(SEQ|NUM|DY)|AGE|VERSION"), Place("a number", frozenset(), _AS_NUMBER)),
    (re.compile(r"\w*(TERM|DECOD)"), Place("a term", frozenset(), _NEVER)),
)


_DOMAIN: Final = re.compile("^(?:VS|LB|EX|EC|AE|DM|RFX?|RFIC|RFP|DTH|BRTH)")
_VARIABLES: Final = _words(
    """studyid domain usubjid subjid siteid deleted entered age ageu sex race ethnic country seq grpid refid spid
    lnkid lnkgrp testcd test cat scat pos orres orresu stresc stresn stresu stat reasnd loc lat dir method
    blfl lobxfl drvfl nam spec spccnd fast tox toxgr ornrlo ornrhi stnrlo stnrhi stnrc nrind loinc eval evalid
    visitnum visit visitdy epoch dtc stdtc endtc dtm stdtm endtm dy stdy endy tpt tptnum eltm tptref rftdtc
    strtpt sttpt enrtpt entpt strf enrf dur term modify llt lltcd decod ptcd hlt hltcd hlgt hlgtcd bodsys
    bdsycd soc soccd sev ser acn acnoth rel relnst patt out scan scong sdisab sdth shosp slife sod smie occur
    presp mood fl"""
)
"""Variables of SDTM (Implementation Guide 3.4) in the domains whose changes are listed, without the domain."""


def is_variable(column: str) -> bool:
    """Whether the name of a column is that of a variable of SDTM, and no text of a feed."""
    return _DOMAIN.sub("", column, count=1).casefold() in _VARIABLES or column.casefold() in _VARIABLES


def place_of(column: str) -> Place:
    """Return what belongs in a column; in one that is not known, no digits and no words."""
    return next(
        (place for form, place in _PLACES if form.fullmatch(column)), Place("a value", frozenset(), _NEVER)
    )


def is_unit(text: str, place: Place) -> bool:
    """Whether a text is a unit of the catalogue in its place, also behind a result."""
    if place.belongs == "a result":
        return plain(text.lstrip("+-0123456789., <>=~")) in SPELT_UNITS
    return place.belongs == "a unit" and plain(text) in SPELT_UNITS


def has_form(text: str, place: Place) -> bool:
    """Whether the digits of a text stand in a form of its place."""
    if (
        place.form is None
        or not any(map(str.isdigit, text))
        or (place.belongs == "a unit" and is_unit(text, place))
    ):
        return True
    return place.form.match(RUN.sub("a", text)) is not None


def is_word(run: str, place: Place, *, alone: bool) -> bool:
    """Whether a run of letters is a word of a place; ``alone`` is whether no digit stands beside it."""
    if alone and len(run) == 1 and place.belongs in ("a time", "a result", "a test"):
        return False
    if run in place.words or (place.belongs == "a test" and len(run) == 1):  # V07
        return True
    return place.belongs == "a time" and month_of(run) is not None


def is_nearly_word(run: str, place: Place) -> bool:
    """Whether a run of letters is a word of a place misspelt, or several without a blank."""
    if place.belongs == "a test" and len(run) <= _LONGEST and _CODES.fullmatch(run) is not None:
        return True
    misspelt = place.belongs in ("a test", "a unit") and _SHORTEST <= len(run) <= _LONGEST
    return misspelt and bool(get_close_matches(run, place.words, n=1, cutoff=_ALIKE))
