"""Which test each row of VS is of: by its code, by another spelling of it, or what may have been a needed vital.

A code that is not known, and by its name, its VSTEST, its unit and values, or where it stands, may be a vital that a
criterion needs, is in doubt: its rows are no measurement, and in the worst case one of that vital.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

import numpy as np
import pandas as pd

from checks.measurements import CODES, VITALS, unit_of
from checks.terms import in_one_width, letters
from checks.validation.absent_vitals import absent_vitals
from checks.validation.raw import Source, state
from checks.validation.states import KNOWN
from checks.validation.values import BLANK, read_vitals

LONGEST: Final = 40
"""Characters of a code that are shown: SDTM has eight, a coding of FHIR some more."""

NAMED: Final = 8
"""Codes that a message names: about as many as are read."""

_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "TEMP": re.compile(r"TEMP[EÉ]?RAT|体温"),
    "OXYSAT": re.compile(
        r"S[PA]T?\s?O2|O2[\s-]*SAT|OX[YI]\w{0,20} SAT|SATURA|SÄTTIGUNG|PULSE OX|酸素飽和度|氧饱和度|氧飽和度"
    ),
    "RESP": re.compile(
        r"(RESP|BREATH)\w{0,20}[\s.]{0,9}(RATE|FREQ)|BREATHS|ATEMFREQ|FR[EÉ]\w{0,20} RESP|呼吸数|呼吸频率|呼吸頻率"
    ),
    "FIO2": re.compile(r"FI\s?O2|INSP\w{0,20} (O2|OXYGEN)|INHALED OXYGEN|吸入酸素濃度"),
}
"""What a name of a vital has in it, in upper case: in English, and as its neighbours and Japan and China write it."""

_NOT: Final[Mapping[str, re.Pattern[str]]] = {
    "TEMP": re.compile(
        r"SKIN|SURFACE|FINGER|\bTOE|MYOCARD|ROOM|AMBIENT|WATER|BATH|JOINT|AIRWAY|DEVICE|CIRCUIT|HUMIDIF|BLANKET"
        r"|INCUBATOR|STORAGE|TARGET|\bSET"
    ),
    "OXYSAT": re.compile(
        r"VENOUS|CEREBR|REGIONAL|TISSUE|\bCORD\b|TRANSFERRIN|\bIRON|PARTIAL|S(C?V|T|R|JV)O2|\bP[AV]?C?O2|ETCO2|SPCO"
    ),
    "RESP": re.compile(r"\bSET|QUOTIENT|EXCHANGE|MECHANICAL|--ON VENT"),
    "FIO2": re.compile(r"\bRATIO\b|\bPF|P/F|FLOW"),
}
"""What has such a name and is another thing: of the skin or room, of venous blood, a setting, a part of a rate."""

_OWN_UNIT: Final[Mapping[str, re.Pattern[str]]] = {
    "TEMP": re.compile(r".+"),
    "RESP": re.compile(r".*BREATH.*|INSP/MIN|BRPM"),
    "OXYSAT": re.compile(r"%.*"),
}
"""Units that tell the vital where a code says nothing; breaths and beats share the others."""

_AT_REST: Final = 90.0
"""Half of what is written in per cent, without any name, is at least this where it is a saturation."""

_ALIKE: Final = 0.8
"""Of two codes, the share of letters in common from which one may be the other misspelt: OXSAT, OXYSTA, TEMPT."""

_SHORTEST: Final = 4
"""Letters of a code that mean something as a part of another: TEMP in ORALTEMP, not HR in THREE."""


@dataclass(frozen=True, slots=True)
class ReadCodes:
    """What the test code of each row of VS is read as.

    ``test`` is the vital (known, or that it may have been), else the code in upper case; missing where it is blank.
    ``name`` is the code as it is shown. ``spelling`` and ``meaning`` are judged columns: codes that are read though
    they are spelt otherwise, and codes in doubt, which ``doubt`` flags.
    """

    test: "pd.Series[str]"
    name: "pd.Series[str]"
    spelling: "pd.Series[Any]"
    meaning: "pd.Series[Any]"
    doubt: "pd.Series[bool]"


def read_codes(source: Source, needed: Set[str]) -> ReadCodes:
    """Read VSTESTCD; ``needed`` are the vitals that a criterion of the case definition names.

    What the protocol says that a code means (a feed's ``test_codes``) holds before any spelling.
    """
    numbers, written = pd.factorize(source.text("VSTESTCD"))
    names = [shown_code(one) for one in written]
    feed = source.setting.protocol.feeds.by_domain().get("VS")
    told = {} if feed is None or feed.test_codes is None else feed.test_codes.means
    declared = {letters(shown_code(code)): vital for code, vital in told.items()}
    known = [{**CODES, **declared}.get(letters(one)) for one in names]
    odd = np.array([vital != name for vital, name in zip(known, names, strict=True)], dtype=bool)
    data = ~source.is_header.to_numpy() & (numbers >= 0)
    index = source.subject.index
    if not (odd[numbers] & data).any():  # every code is a vital's own
        test = _taken(names, numbers, index)
        named, doubt = pd.Series(data, index=index), pd.Series(False, index=index)
        return ReadCodes(test, test, state({}, KNOWN, named), _meaning(source, test, doubt, {}, {}), doubt)
    vitals = _taken(known, numbers, index)
    spelt = np.flatnonzero(odd[numbers] & data & vitals.notna().to_numpy())
    if len(spelt):
        units = source.first_of(("VSSTRESU", "VSORRESU"))
        another = _of_another(vitals.iloc[spelt], units.iloc[spelt])
        vitals = vitals.mask(another.reindex(index, fill_value=False))
    open_ones = np.array([letters(one) not in declared for one in names], dtype=bool)[numbers]
    unknown = data & open_ones & vitals.isna().to_numpy()
    perhaps = _perhaps(source, numbers, names, unknown, needed)
    others = {int(one) for one in np.unique(numbers[unknown])} - set(perhaps)
    perhaps |= absent_vitals(source, numbers, vitals, others, needed)
    doubtful = _taken([perhaps.get(place) for place in range(len(names))], numbers, index)
    doubt = vitals.isna() & doubtful.notna() & data
    name = _taken(names, numbers, index)
    as_written = {
        shown_code(one): source.quotes.code(" ".join(one.split())[:LONGEST])
        for one in sorted(written, reverse=True)
    }
    return ReadCodes(
        vitals.fillna(doubtful.where(doubt)).fillna(name),
        name,
        _spelling(vitals.where(vitals.isin(needed)), name, data, as_written),
        _meaning(
            source, name, doubt, {names[place]: f"may be {one}" for place, one in perhaps.items()}, as_written
        ),
        doubt,
    )


def shown_code(text: str) -> str:
    """Return a code as it is shown: in upper case, one width and one blank, and not longer than a code is."""
    return in_one_width(text).upper()[:LONGEST]


def _taken(texts: Sequence[str | None], numbers: "np.ndarray[Any, Any]", index: pd.Index) -> "pd.Series[str]":
    return pd.Series(pd.array([*texts, None], dtype="str").take(numbers), index=index)


def _of_another(vitals: "pd.Series[str]", units: "pd.Series[str]") -> "pd.Series[bool]":
    """Whether the unit beside a vital is that of other vitals alone: RR in mmHg is a blood pressure."""
    pairs = {
        (vital, unit): _fits_others(vital, unit)
        for vital, unit in pd.DataFrame({"vital": vitals, "unit": units})
        .dropna()
        .drop_duplicates()
        .to_numpy()
    }
    found = pd.Series(False, index=vitals.index)
    for vital, unit in (pair for pair, another in pairs.items() if another):
        found |= (vitals == vital) & (units == unit)
    return found


def _fits_others(vital: str, unit: str) -> bool:
    return unit_of(vital, unit) is None and any(unit_of(other, unit) is not None for other in VITALS)


def _spelling(
    vitals: "pd.Series[str]",
    name: "pd.Series[str]",
    data: "np.ndarray[Any, Any]",
    as_written: Mapping[str, str],
) -> "pd.Series[Any]":
    """Say of each row of a vital whether its code is the vital's own, or else how it is spelt and is read."""
    read = vitals.notna() & data
    spelt = read & (vitals != name)
    if not spelt.any():
        return state({}, KNOWN, read)
    rows = pd.DataFrame({"vital": vitals, "name": name})[read].value_counts()
    ways = Counter(vital for vital, _ in rows.index)
    said = {}
    for vital, one in rows.index:
        others = f", beside {vital} under other codes in this feed" if ways[vital] > 1 else ""
        said[one] = f"read as {vital}{others}"
    return state(_told(name, spelt, said, as_written), KNOWN, read)


def _meaning(
    source: Source,
    name: "pd.Series[str]",
    doubt: "pd.Series[bool]",
    perhaps: Mapping[str, str],
    as_written: Mapping[str, str],
) -> "pd.Series[Any]":
    """Say of each row whether its test is known, or else that the code is blank, or which vital it may be."""
    return state({BLANK: name.isna(), **_told(name, doubt, perhaps, as_written)}, KNOWN, ~source.is_header)


def _told(
    name: "pd.Series[str]",
    flagged: "pd.Series[bool]",
    said: Mapping[str, str],
    as_written: Mapping[str, str],
) -> dict[str, "pd.Series[bool]"]:
    """Return the states of the flagged rows: what is said of each code as it is written, with its number of rows."""
    if not flagged.any():
        return {}
    counted = {str(one): int(rows) for one, rows in name[flagged].value_counts().items()}
    texts = {one: (as_written[one], said[one]) for one in counted}
    rows = Counter[tuple[str, str]]()  # codes that are not quoted may be told alike
    for one, number in counted.items():
        rows[texts[one]] += number
    found = sorted(rows.items(), key=lambda one: (-one[1], one[0]))
    bad = {
        f"{code} ({number:,} {'row' if number == 1 else 'rows'}), {read}": flagged
        & name.isin([one for one, text in texts.items() if text == (code, read)])
        for (code, read), number in found[:NAMED]
    }
    return bad | ({"one of further such codes": flagged} if len(found) > NAMED else {})


def _perhaps(
    source: Source,
    numbers: "np.ndarray[Any, Any]",
    names: Sequence[str],
    unknown: "np.ndarray[Any, Any]",
    needed: Set[str],
) -> dict[int, str]:
    """Return which needed vital each code that is not known may be, by its place among the names."""
    rows = np.flatnonzero(unknown)
    found = pd.DataFrame(
        {
            "code": numbers[rows],
            "label": source.text("VSTEST").to_numpy()[rows],
            "unit": source.first_of(("VSSTRESU", "VSORRESU")).to_numpy()[rows],
        }
    )
    perhaps: dict[int, str] = {}
    labels = found[["code", "label"]].drop_duplicates().groupby("code")["label"].agg(list)
    units = found[["code", "unit"]].drop_duplicates().groupby("code")["unit"].agg(list)
    values = source.first_of(("VSSTRESN", "VSORRES")).iloc[rows]
    for code in labels.index:
        told = [shown_code(one) for one in labels[code] if isinstance(one, str)]
        given = [shown_code(one) for one in units[code] if isinstance(one, str)]
        mine = (found["code"] == code).to_numpy()
        for vital in _candidates(names[code], told, given, needed):
            if _could_be(
                vital, values[mine], found.loc[mine, "unit"], named=_is_named(vital, names[code], told)
            ):
                perhaps[int(code)] = vital
                break
    return perhaps


def _candidates(name: str, labels: Sequence[str], units: Sequence[str], needed: Set[str]) -> Iterator[str]:
    """Yield the needed vitals that a code may be, by its name or labels, or else by its units."""
    open_ones = [
        vital
        for vital in _WORDS
        if vital in needed and not any(_NOT[vital].search(one) for one in (name, *labels))
    ]
    yield from (vital for vital in open_ones if _is_named(vital, name, labels))
    for vital, own in _OWN_UNIT.items():
        # a per cent is of many things: where a label names one it is that
        named = vital == "OXYSAT" and labels
        fits = units and all(own.fullmatch(one) and unit_of(vital, one) is not None for one in units)
        if vital in open_ones and fits and not named:
            yield vital


def _is_named(vital: str, name: str, labels: Sequence[str]) -> bool:
    return _near(vital, name) or any(_WORDS[vital].search(one) for one in (name, *labels))


def vital_named(names: Iterable[str]) -> str | None:
    """Return the vital that some name of a test says it is of, None where none does."""
    shown = [shown_code(name) for name in names]
    others = (vital for vital in _WORDS if not any(_NOT[vital].search(one) for one in shown))
    return next((vital for vital in others if any(_WORDS[vital].search(one) for one in shown)), None)


def _near(vital: str, name: str) -> bool:
    """Whether a code has a vital's code or spelling in it, or differs from one by a slip."""
    code = letters(name).replace("0", "O")
    for one in (vital, *VITALS[vital].spellings):
        if len(one) >= _SHORTEST and (one in code or SequenceMatcher(None, one, code).ratio() >= _ALIKE):
            return True
    return False


def _could_be(vital: str, values: "pd.Series[str]", units: "pd.Series[str]", *, named: bool) -> bool:
    """Whether half of what is written, or more, is a number that a living subject can have of a vital.

    A unit of other vitals alone says no. Without a name it must look like one charted at rest as well.
    """
    if any(_fits_others(vital, one) for one in units.dropna().unique()):
        return False
    texts = values.reset_index(drop=True)
    of_vital = pd.Series(vital, index=texts.index, dtype="str")
    written = read_vitals(of_vital, texts, units.reset_index(drop=True).astype("str"))
    number = written["value"].fillna(written["alternative"])
    filled = texts.notna()
    fits = number[filled].notna().mean() if filled.any() else 0.0
    at_rest = named or vital != "OXYSAT" or float(number.median()) >= _AT_REST
    return bool(fits >= 0.5 and at_rest)
