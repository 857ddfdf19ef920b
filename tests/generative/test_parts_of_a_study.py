"""Found in parts and put together, a study says what it says as a whole: to the last digit and row."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cases import Charts, Findings, divide_by_subject, find_in_part, gather_evidence, put_together
from checks.cases.case_finding import find_cases
from checks.protocol import load_protocol
from checks.rules.evidence import Evidence
from checks.rules.kinds.timing import TimingRule
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

GOOD = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
MORE = {"charting": "worst"}
"""What a timing rule asks of the charts beside what every look finds."""
PROTOCOL = GOOD.model_copy(
    update={
        "rules": tuple(
            rule.model_copy(update=MORE if isinstance(rule, TimingRule) else {}) for rule in GOOD.rules
        )
    }
)
BEGINS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
CUTOFF = datetime(2026, 3, 12, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
VALUES = {
    "TEMP": (36.6, 37.1, 38.1, 38.4, 39.2, np.nan),
    "OXYSAT": (0.97, 0.93, 0.88),
    "RESP": (16.0, 24.0, 33.0),
    "FIO2": (0.3, 0.6),
}
TERMS = ("pyrexia", "dyspnoea", "headache")


def spans(random: Any, instants: Any, coarse: float) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Return times, some of which leave their day open."""
    open_day = random.random(len(instants)) < coarse
    earliest = np.where(open_day, instants // DAY * DAY, instants)
    latest = np.where(open_day, earliest + DAY - 1, instants)
    return tuple(pd.Series(pd.to_datetime(edge, unit="s", utc=True)) for edge in (earliest, latest))


def trial(seed: int) -> tuple[pd.DataFrame, Charts]:
    """Return doses and records of a few subjects: gaps, episodes, withheld rows, days without a time."""
    random = np.random.default_rng(seed)
    names = [f"S{number:02d}" for number in range(random.integers(1, 5))]
    doses, readings, events = [], [], []
    for name in names:
        given_at = BEGINS + np.cumsum(random.integers(1, 4, random.integers(0, 4)) * DAY) + 9 * HOUR
        charted = BEGINS + np.sort(random.integers(0, 9 * 24 * 4, random.integers(0, 80))) * (HOUR // 4)
        vital = random.choice(list(VALUES), len(charted))
        doses.append(frame(name, random, given_at, coarse=0.1, EXSEQ=np.arange(len(given_at)).astype("str")))
        readings.append(
            frame(
                name, random, charted, coarse=0.03, domain="VS", sequence=np.arange(len(charted)).astype("str"),
                test=vital,
                value=[random.choice(VALUES[one]) for one in vital], alternative=np.nan, unit="", upper_limit=np.nan,
            )
        )  # fmt: skip
        reported = BEGINS + random.integers(0, 9 * 24, random.integers(0, 5)) * HOUR
        number = np.arange(len(reported)).astype("str")
        told = random.choice(TERMS, len(reported))
        events.append(
            frame(
                name,
                random,
                reported,
                coarse=0.5,
                AESEQ=number,
                term=told,
                verbatim=None,
                fatal=False,
                grade="2",
                serious="N",
                timed=True,
            )
        )
    withheld = random.random() < 0.5
    tables = [contract.conform(pd.concat(parts)) for contract, parts in (
        (ADMINISTRATIONS, doses), (MEASUREMENTS, readings), (ADVERSE_EVENTS, events)
    )]  # fmt: skip
    for table in tables:
        table["trusted"] |= not withheld
    random.shuffle(names)
    return tables[0], Charts(tables[1], tables[2], pd.Index(names))


def frame(name: str, random: Any, instants: Any, *, coarse: float, **columns: Any) -> pd.DataFrame:
    earliest, latest = spans(random, instants, coarse)
    given_columns = pd.DataFrame({"earliest": earliest, "latest": latest}).assign(
        USUBJID=name, **dict.fromkeys(("ends_earliest", "ends_latest")), link=None, **columns
    )
    return given_columns.assign(trusted=random.random(len(instants)) > 0.05)


def assert_alike(one: Findings, other: Findings) -> None:
    pd.testing.assert_frame_equal(one.doses, other.doses)
    for field in fields(Findings):
        if field.name != "doses":
            assert getattr(one, field.name) == getattr(other, field.name), field.name


def assert_same_evidence(one: Evidence, other: Evidence) -> None:
    assert replace(one, labs={}) == replace(other, labs={})
    assert one.labs.keys() == other.labs.keys()
    for rule, results in one.labs.items():
        for field in fields(results):
            np.testing.assert_array_equal(getattr(results, field.name), getattr(other.labs[rule], field.name))


@given(st.integers(0, 2**32), st.integers(2, 4))
@settings(max_examples=8, deadline=None)
def test_the_parts_find_what_the_whole_finds(seed: int, most: int) -> None:
    administrations, records = trial(seed)
    whole = find_cases(administrations, records, PROTOCOL, CUTOFF)
    parts = divide_by_subject(administrations, records, most)
    found = [find_in_part(part, PROTOCOL, CUTOFF) for part in reversed(parts)]
    together = put_together(found)
    assert_alike(together, whole)
    assert_same_evidence(
        gather_evidence(together, MEASUREMENTS.empty(), PROTOCOL),
        gather_evidence(whole, MEASUREMENTS.empty(), PROTOCOL),
    )


def test_the_trials_have_what_could_go_wrong() -> None:
    """The property above would hold of trials without cases, without withheld rows, without a second part."""
    seen = {"cases": 0, "possible": 0, "control": 0, "withheld": 0, "open": 0, "parts": 0}
    for seed in range(8):
        administrations, records = trial(seed)
        found = find_cases(administrations, records, PROTOCOL, CUTOFF)
        seen["cases"] += len(found.cases)
        seen["possible"] += sum(case.certainty == "possible" for case in found.cases)
        seen["control"] += len(found.control_events)
        seen["withheld"] += not records.measurements["trusted"].all()
        seen["open"] += bool((administrations["earliest"] < administrations["latest"]).any())
        seen["parts"] += len(divide_by_subject(administrations, records, 4)) > 1
    assert min(seen.values()) >= 1, seen
