"""Worked examples of administrations and doses: rows of EX, and the doses that they are evidence of.

Each row of EX begins with its stamps, ``start-end``, a blank end where none is known; all are of one subject on one
day. A dose is told by the hour at which its hours begin.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
import pytest
from small_studies import charted, frames, look_at_study, small_protocol

from checks import Look

CUTOFF = datetime(2026, 3, 9, tzinfo=UTC)
HOURS = pd.date_range("2026-03-01T00:00", "2026-03-04T00:00", freq="h")
ILL = {pd.Timestamp("2026-03-02T14:00"), pd.Timestamp("2026-03-02T15:00")}
"""Fever and a low saturation at two measurements in a row: hours 6 and 7 of a dose at 08:00."""


class Example(NamedTuple):
    """Rows of EX, each its stamps and what else it says; the starts of the doses that follow."""

    definition: str
    given: tuple[tuple[str, dict[str, str]], ...]
    starts: tuple[str, ...]
    keys: Mapping[str, Any] = MappingProxyType({})


def plain(*spans: str) -> tuple[tuple[str, dict[str, str]], ...]:
    return tuple((span, {}) for span in spans)


EXAMPLES = {
    "one row": Example("One administration.", plain("08:00-08:30"), ("08:00",)),
    "contiguous rows of one infusion": Example(
        "Each begins as the one before ends.", plain("08:00-08:20", "08:20-09:10", "09:10-10:00"), ("08:00",)
    ),
    "two syringes five minutes apart": Example(
        "No ends: counted from the start of the row before.", plain("08:00-", "08:05-"), ("08:00",)
    ),
    "interrupted and resumed": Example(
        "Stopped at 08:15, resumed 1 h 15 min later: at most 2 h.",
        plain("08:00-08:15", "09:30-10:00"),
        ("08:00",),
    ),
    "resumed two hours after": Example(
        "At most 2 h after the end.", plain("08:00-08:30", "10:30-11:00"), ("08:00",)
    ),
    "resumed later": Example(
        "2 h and a minute after the end: another dose.",
        plain("08:00-08:30", "10:31-11:00"),
        ("08:00", "10:31"),
    ),
    "a study's own hours": Example(
        "The protocol says half an hour: 1 h 15 min is another dose.",
        plain("08:00-08:15", "09:30-10:00"),
        ("08:00", "09:30"),
        {"same_dose_within_hours": 0.5},
    ),
    "rows that overlap": Example(
        "The second lies within the first.", plain("08:00-12:00", "10:00-11:00"), ("08:00",)
    ),
    "rows that share a link": Example(
        "Six hours apart, but of one administration by EXLNKID.",
        (("08:00-08:30", {"EXLNKID": "A"}), ("14:00-14:30", {"EXLNKID": "A"})),
        ("08:00",),
    ),
    "in whatever order the rows stand": Example(
        "Order is of time.", plain("09:10-10:00", "08:00-08:20", "08:20-09:10"), ("08:00",)
    ),
    "not done": Example("EXSTAT says that it was not given.", (("08:00-", {"EXSTAT": "NOT DONE"}),), ()),
    "did not occur": Example("EXOCCUR says so.", (("08:00-", {"EXOCCUR": "N"}),), ()),
    "an amount of none": Example(
        "EXDOSE 0 never closes a dose: placebo is 0.", (("08:00-", {"EXDOSE": "0"}),), ("08:00",)
    ),
    "hours from the end": Example(
        "The protocol counts from the administration's end.",
        plain("08:00-08:20", "08:20-09:10"),
        ("09:10",),
        {"hours_from": "end"},
    ),
}


def looked(example: Example, folder: Path) -> Look:
    ex = []
    for span, more in example.given:
        start, end = (f"2026-03-02T{clock}" if clock else "" for clock in span.split("-"))
        ex.append({"USUBJID": "S1-1", "EXSTDTC": start, "EXENDTC": end, **more})
    vs = [
        *charted("S1-1", "TEMP", {at.to_pydatetime(): 39.0 if at in ILL else 37.0 for at in HOURS}),
        *charted("S1-1", "OXYSAT", {at.to_pydatetime(): 85 if at in ILL else 97 for at in HOURS}),
    ]
    feeds = frames(ex, vs, [{"USUBJID": "S1-1", "AETERM": "NAUSEA", "AESTDTC": "2026-03-02"}])
    return look_at_study(feeds, small_protocol(**example.keys), CUTOFF, folder)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_doses_follow_from_the_rows(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    found = looked(example, tmp_path)
    assert found.document()["exposure"]["doses"] == len(example.starts), example.definition
    (case,) = found.document()["cases"] or [None]
    if example.starts:
        # [13:00, 14:00] lies in hours 5 to 8 of a dose at 08:00 or 09:00; else it is listed under the last before it
        assert case["dose_start"][11:16] in example.starts, example.definition
    else:
        assert case is None


def test_an_interrupted_infusion_loses_no_case(tmp_path: Path) -> None:
    """[13:00, 14:00] is hours 5 to 6 of the administration that began at 08:00, though it was resumed at 09:30."""
    (case,) = looked(EXAMPLES["interrupted and resumed"], tmp_path).document()["cases"]
    assert (case["certainty"], case["in_risk_window"], case["onset_hours"]) == ("definite", "yes", [5.0, 6.0])


def test_a_negative_amount_opens_a_dose_in_the_worst_case_alone(tmp_path: Path) -> None:
    """The row is in quarantine; the case after it is possible."""
    example = Example("", (("08:00-", {"EXDOSE": "-10"}),), ())
    found = looked(example, tmp_path).document()
    assert [(case["certainty"], case["in_risk_window"]) for case in found["cases"]] == [
        ("possible", "possible")
    ]
