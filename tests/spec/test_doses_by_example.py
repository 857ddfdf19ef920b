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
from small_studies import Row, charted, frames, look_at_study, small_protocol

from checks import Look

CUTOFF = datetime(2026, 3, 9, tzinfo=UTC)
HOURS = pd.date_range("2026-03-01T00:00", "2026-03-04T00:00", freq="h")
ILL = {pd.Timestamp("2026-03-02T14:00"), pd.Timestamp("2026-03-02T15:00")}
"""Fever and a low saturation at two measurements in a row: hours 6 and 7 of a dose at 08:00."""


NAUSEA = [{"USUBJID": "S1-1", "AETERM": "NAUSEA", "AESTDTC": "2026-03-02"}]


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


def ill(subject: str) -> list[Row]:
    return [
        *charted(subject, "TEMP", {at.to_pydatetime(): 39.0 if at in ILL else 37.0 for at in HOURS}),
        *charted(subject, "OXYSAT", {at.to_pydatetime(): 85 if at in ILL else 97 for at in HOURS}),
    ]


def looked(example: Example, folder: Path) -> Look:
    ex = []
    for span, more in example.given:
        start, end = (f"2026-03-02T{clock}" if clock else "" for clock in span.split("-"))
        ex.append({"USUBJID": "S1-1", "EXSTDTC": start, "EXENDTC": end, **more})
    feeds = frames(ex, ill("S1-1"), NAUSEA)
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


def given_on(*starts: str, **said: str) -> tuple[dict[str, str], ...]:
    """Rows of EX of half an hour each, each with what they share."""
    ends = (pd.Timestamp(start) + pd.Timedelta(minutes=30) for start in starts)
    return tuple(
        {"USUBJID": "S1-1", "EXSTDTC": start, "EXENDTC": f"{end:%Y-%m-%dT%H:%M}", **said}
        for start, end in zip(starts, ends, strict=True)
    )


SIX_DAYS = [f"2026-03-{day:02}T08:00" for day in (2, 5, 9, 12, 16, 19)]
"""A dose twice a week for three weeks."""


@pytest.mark.parametrize("column", ["EXLNKID", "EXLNKGRP", "EXREFID"])
def test_a_link_of_the_whole_trial_makes_no_one_dose_of_six(column: str, tmp_path: Path) -> None:
    """An order, a course or a kit is no administration; the column is told, and each dose is one of its own."""
    feeds = frames(given_on(*SIX_DAYS, **{column: "ORDER-1"}), ill("S1-1"), NAUSEA)
    found = look_at_study(feeds, small_protocol(), datetime(2026, 3, 25, tzinfo=UTC), tmp_path)
    assert found.document()["exposure"]["doses"] == 6
    assert found.doses["separate"].all()
    (case,) = found.document()["cases"]
    assert (case["in_risk_window"], case["surely"]) == ("yes", True)  # hours 5 to 6 of the first dose
    (told,) = [
        one["message"] for one in found.document()["checks"] if one["name"] == "link_of_one_administration"
    ]
    assert told.startswith(
        f"EX: rows that share a link with rows too far apart: 6 of 6 administrations with a link. {column}"
    )


@pytest.mark.parametrize("column", ["EXLNKID", "EXLNKGRP", "EXREFID"])
def test_a_link_that_contradicts_the_times_is_taken_both_ways(column: str, tmp_path: Path) -> None:
    """03:00 and 08:00 by one link are one dose: 13:00 to 14:00 is hours 10 to 11 of it, and 5 to 6 of the second, if
    that is a dose: the case is possible."""
    rows = given_on("2026-03-02T03:00", "2026-03-02T08:00", **{column: "A"})
    found = look_at_study(frames(rows, ill("S1-1"), NAUSEA), small_protocol(), CUTOFF, tmp_path).document()
    assert found["exposure"]["doses"] == 1
    assert [
        (case["dose_start"][11:16], case["in_risk_window"], case["onset_hours"]) for case in found["cases"]
    ] == [("03:00", "no", [10.0, 11.0]), ("08:00", "possible", [5.0, 6.0])]
    (rule,) = found["rules"]
    assert (rule["events"], rule["verdict"]) == (0, "not_crossed")


def test_an_interruption_is_told(tmp_path: Path) -> None:
    """Stopped at 08:15, resumed at 09:30 and ended at 10:00: of the dose, of the case, and in look.json."""
    found = looked(EXAMPLES["interrupted and resumed"], tmp_path)
    (dose,) = found.doses.to_dict("records")
    assert (dose["segments"], f"{dose['ended']:%H:%M}", dose["given_hours"]) == (2, "10:00", 2.0)
    assert dose["interruptions"] == "interrupted at 0.25 h, resumed at 1.5 h"
    assert found.document()["exposure"]["doses_interrupted"] == 1
    assert found.document()["cases"][0]["interruptions"] == dose["interruptions"]


def test_hours_run_from_the_end_of_all_segments(tmp_path: Path) -> None:
    """The end is 10:00: 13:00 to 14:00 is hours 3 to 4, before the risk window."""
    example = EXAMPLES["interrupted and resumed"]._replace(keys={"hours_from": "end"})
    (case,) = looked(example, tmp_path).document()["cases"]
    assert (case["in_risk_window"], case["onset_hours"]) == ("no", [3.0, 4.0])
