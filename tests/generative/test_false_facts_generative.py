"""A false fact is named or makes nothing quieter: shifted clocks, dates told as times, rows split, renamed or denied.

Each example is drawn from its number alone, on one of a few small studies (``false_facts``) with two planted cases: a
signal, or a watch. ``POSTDOSE_EXAMPLES_TIMES`` multiplies the examples.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pandas as pd
import pytest
from false_facts import (
    WITNESSES,
    ZONES,
    Study,
    Where,
    changed,
    dates,
    quieter,
    said,
    said_anew,
    shifted_by,
    study,
)

TIMES = int(os.environ.get("POSTDOSE_EXAMPLES_TIMES", "1"))
BASES = 6
"""Studies that faults are laid on; each has its own doses, charting, cases, and columns that tell a time again."""

Document = Mapping[str, Any]


class Base(NamedTuple):
    study: Study
    document: Document


class Fault(NamedTuple):
    """A damaged study, where and how it was damaged, and words of which a sentence that names it has one.

    ``contradicts``, of a shift: two columns of the study now tell different times.
    """

    study: Study
    domain: str
    what: str
    names: tuple[str, ...] = ()
    contradicts: bool = False


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Base]:
    folder = tmp_path_factory.mktemp("bases")

    @cache
    def base(number: int) -> Base:
        made = study(Random(number), WITNESSES[number % len(WITNESSES)])
        return Base(made, made.look(folder))

    return base


# --- the faults ------------------------------------------------------------------------------------------------

SHIFTED = (
    Where("ex", ("EXSTDTC", "EXENDTC")),
    Where("ex", ("EXSTDTC",)),
    Where("vs", ("VSDTC", "VSRFTDTC")),
    Where("vs", ("VSDTC",)),
    Where("vs", ("VSRFTDTC",)),
    Where("dm", ("RFXSTDTC",)),
    Where("ae", ("AESTDTC", "AEENDTC")),
)
PAIRS = (
    ({"EXSTDTC", "RFXSTDTC"}, {"RFXSTDTC"}),
    ({"EXSTDTC", "VSRFTDTC"}, {"VSRFTDTC"}),
    ({"RFXSTDTC", "VSRFTDTC"}, {"RFXSTDTC", "VSRFTDTC"}),
    ({"VSDTC", "VSRFTDTC"}, {"VSRFTDTC", "VSELTM"}),
)
"""Two columns that tell one time, or one the other's, and the columns that must be delivered for it."""


def shift(rng: Random, base: Study) -> Fault:
    """A feed or a column, at one site or all, moved by whole hours."""
    where = rng.choice(SHIFTED)
    where = Where(where.domain, where.columns, rng.choice(["", *ZONES]))
    size, back = rng.choice([*range(1, 13), 24, 36, 72]), rng.random() < 0.5
    contradicts = any(
        needed <= set(base.witnesses) and len(pair & set(where.columns)) == 1 for pair, needed in PAIRS
    )
    names = (f"{size} h", f"{size // 24} days", *(["a day without a row in EX"] if size > 24 else []))
    what = f"{where} {size} h {'early' if back else 'late'}, beside {base.witnesses}"
    moved = changed(base, where, shifted_by(-size if back else size))
    return Fault(moved, where.domain, what, names, contradicts)


TIMED = {"ex": ("EXSTDTC", "EXENDTC"), "vs": ("VSDTC",), "ae": ("AESTDTC",)}


def as_dates(rng: Random, base: Study) -> Fault:
    """A feed's times, all, a site's or a subject's, written as dates are.

    Of one subject alone noon may be noon, and midnight in UTC an hour of the morning told with its offset.
    """
    domain, whose = rng.choice(sorted(TIMED)), rng.choice(["", *ZONES, *base.ill])
    ways = dates(ZONES[whose[:4] or "FR01"])
    way = rng.choice(sorted(ways))
    if way in ("12:00", "midnight of UTC, told at the site"):
        whose = whose[:4]
    where = Where(domain, TIMED[domain], whose)
    return Fault(changed(base, where, ways[way]), domain, f"{where} as {way}")


CODES = {
    "TEMP": ("TEMPTYMP", "BODYTEMP", "TMP", "TEMPERATURE", "Temp."),
    "OXYSAT": ("SPO2", "O2SAT", "SAO2", "PULSEOX", "SATURATION"),
}
SPELT = {
    "TEMP": ("°C", "℃", "degC", "deg C", "Celsius", "Degrees Celsius", "oC", "c", "gradi"),
    "OXYSAT": ("percent", "% O2", "pct", "PERCENT", "per cent", "sat", ""),
}


def renamed(rng: Random, base: Study) -> Fault:
    """The code of a test, its unit, or its status, changed on some rows."""
    vs, test = base.feeds["vs"].copy(), rng.choice(sorted(CODES))
    whose = rng.choice(["", *ZONES, *base.ill])
    rows = (vs["VSTESTCD"] == test) & vs["USUBJID"].str.startswith(whose)
    some = rng.choice(["all", "abnormal", "half"])
    if some == "abnormal":
        rows &= vs["VSORRES"].isin(["38.9", "86"])
    elif some == "half":
        rows &= pd.Series([rng.random() < 0.5 for _ in vs.index], index=vs.index)
    column, word = rng.choice(
        [("VSTESTCD", rng.choice(CODES[test])), ("VSORRESU", rng.choice(SPELT[test])), ("VSSTAT", "NOT DONE")]
    )
    vs[column] = (vs[column] if column in vs else pd.Series("", index=vs.index)).mask(rows, word)
    what = f"{column} {word!r} on {some} {test} of {whose or 'all'}: {rows.sum()} rows"
    return Fault(base.with_feed("vs", vs), "vs", what, (word,))


NO_CODE = ("UNCODED", "NULL", ".", "Not Coded", "", "NA", "N/A", "UNK", "UNKNOWN", "TBD", "-", "PENDING")


def uncoded(rng: Random, base: Study) -> Fault:
    """A word that stands for no code, in place of the codes of all events, of a site's or of a subject's."""
    word = rng.choice(NO_CODE)
    where = Where("ae", ("AEDECOD",), rng.choice(["", *ZONES, *base.ill]))
    return Fault(changed(base, where, lambda _: word), "ae", f"{where} {word!r}")


def in_segments(rng: Random, base: Study) -> Fault:
    """Rows of EX cut into two to four that touch, overlap, or stop for less than an hour; a bolus in syringes."""
    ex = base.feeds["ex"]
    rows = rng.sample(range(len(ex)), rng.randint(1, len(ex)))
    style, linked = rng.choice(["touch", "overlap", "stop"]), rng.random() < 0.3
    cut = [segment for place in rows for segment in segments(ex.iloc[place], rng.randint(2, 4), style)]
    table = pd.concat(
        [ex.drop(index=ex.index[rows]), pd.DataFrame(cut, columns=ex.columns)], ignore_index=True
    )
    table["EXSEQ"] = [str(number) for number in range(1, len(table) + 1)]
    if linked:
        table["EXLNKID"] = table["USUBJID"] + "/" + table["EXSTDTC"].str[:10]
    return Fault(
        base.with_feed("ex", table), "ex", f"rows {sorted(rows)} of EX cut, {style}, linked {linked}"
    )


def segments(row: "pd.Series[str]", pieces: int, style: str) -> list["pd.Series[str]"]:
    start, end = pd.Timestamp(row["EXSTDTC"]), pd.Timestamp(row["EXENDTC"])
    length = max((end - start) / pieces, pd.Timedelta(minutes=5))
    begins = [start + (length * place).floor("min") for place in range(pieces)]
    late = {"touch": 0, "overlap": 4, "stop": -3}[style]
    ends = [max(one, min(one + length.floor("min") + pd.Timedelta(minutes=late), end)) for one in begins]
    return [
        pd.Series(
            {**row, "EXDOSE": "2.5", "EXSTDTC": f"{one:%Y-%m-%dT%H:%M}", "EXENDTC": f"{last:%Y-%m-%dT%H:%M}"}
        )
        for one, last in zip(begins, ends, strict=True)
    ]


# --- what must hold --------------------------------------------------------------------------------------------


def is_named(fault: Fault, base: Base, after: Document) -> bool:
    return any(word in text for text in said_anew(after, base.document) for word in fault.names)


def unnamed_shift(fault: Fault, base: Base, after: Document) -> str:
    """What contradicts is named with its size, also where the verdict stays; what is told once is said to be so."""
    if fault.contradicts:
        return "" if is_named(fault, base, after) else "not named with its size"
    if not quieter(after, base.document) or said_anew(after, base.document):
        return ""
    unborne = [
        text for text in (*base.document["caveats"], *base.document["cannot_show"]) if "are told once" in text
    ]
    return "" if any(fault.domain.upper() in text for text in unborne) else "nothing said of its times"


def cleared(fault: Fault, base: Base, after: Document) -> str:
    return "cleared" if after["verdict"] == "no_signal" else ""


def cleared_without_a_word(fault: Fault, base: Base, after: Document) -> str:
    return "" if is_named(fault, base, after) else cleared(fault, base, after)


def cases_of(document: Document) -> list[tuple[Any, ...]]:
    names = (
        "USUBJID",
        "dose_number",
        "dose_start",
        "certainty",
        "in_risk_window",
        "surely",
        "hour",
        "onset_hours",
    )
    return [tuple(case[name] for name in names) for case in document["cases"]]


def other_cases(fault: Fault, base: Base, after: Document) -> str:
    same = cases_of(after) == cases_of(base.document), after["verdict"] == base.document["verdict"]
    return "" if all(same) else "other cases"


class Property(NamedTuple):
    lay: Callable[[Random, Study], Fault]
    fails: Callable[[Fault, Base, Document], str]
    examples: int = 16


PROPERTIES = {
    "a shifted clock is named, or what it rests on": Property(shift, unnamed_shift, 24),
    "times told as dates never clear a look": Property(as_dates, cleared, 20),
    "an infusion in segments is the same dose": Property(in_segments, other_cases),
    "a code, unit or status that is not known never clears a look": Property(renamed, cleared_without_a_word),
    "a placeholder for a code is no code": Property(uncoded, other_cases, 8),
}


@pytest.mark.parametrize("number", range(BASES))
def test_a_study_without_a_fault_is_not_doubted(number: int, bases: Callable[[int], Base]) -> None:
    """Doses at one hour or not, charting on the hour or not, times told once or again: nothing to say."""
    base = bases(number)
    assert said(base.document) == set()
    assert base.document["verdict"] == ("watch" if base.study.dated else "signal")
    assert {case["USUBJID"] for case in base.document["cases"]} == set(base.study.ill)


@pytest.mark.parametrize("part", ["first quarter", pytest.param("rest", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PROPERTIES)
def test_no_false_fact_is_believed_silently(
    name: str, part: str, bases: Callable[[int], Base], tmp_path: Path
) -> None:
    lay, fails, examples = PROPERTIES[name]
    failed = []
    quarter, every = examples * TIMES // 4, examples * TIMES
    for number in range(quarter) if part == "first quarter" else range(quarter, every):
        base = bases(number % (BASES * TIMES))
        fault = lay(Random(f"{name} {number}"), base.study)
        after = fault.study.look(tmp_path)
        if wrong := fails(fault, base, after):
            verdicts = f"{base.document['verdict']} -> {after['verdict']}"
            failed.append(f"{number}: {fault.what}: {wrong}; {verdicts}; ill {base.study.ill}")
    assert not failed, "\n".join(failed)
