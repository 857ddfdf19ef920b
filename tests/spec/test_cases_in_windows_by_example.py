"""Worked examples of half a case, and of where a case lies: in the risk window, surely, perhaps or not.

The dose is at 08:00 on day 1, so the risk window, hours 5 to 8, is 13:00 to 16:00. Hours in the expected rows are
worked out by hand beside the example: a case lies in [max of the starts, max of the ends], its hour is the middle.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from checks.cases import Findings

Look = Callable[..., Findings]
Rows = Callable[..., list[Any]]
Told = tuple[tuple[object, ...], ...]
NONE: Told = ()
NEW = ("new", "new")

QUIET_OXYSAT = "OXYSAT 07:00 97  10:00 97  13:00 96  14:00 96"
QUIET_TEMP = "TEMP 07:00 37.0  10:00 37.0  13:00 37.1"
TEMP = f"{QUIET_TEMP}  14:00 38.5"
OXYSAT = f"{QUIET_OXYSAT}  14:15 88"


class Example(NamedTuple):
    """``expected`` has one row a case: dose, certainty, in the risk window, surely, hour, onset from, onset to; then
    why fever, and why respiratory distress.
    """

    definition: str
    chart: str
    expected: Told


HALF = {
    "fever all along": Example(
        "No new onset of fever; distress new beside it: half a case, possible.",
        f"""
        dose 08:00
        TEMP 05:00 38.6  07:00 38.6  10:00 38.6  13:00 38.7  14:00 38.9
        {OXYSAT}
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "half", "new"),),
    ),
    "fever since before the dose": Example(
        "38.5 at 07:00 and 12:30 with 37.9 between: one episode, and not worse by 1.0. Distress new beside it.",
        f"""
        dose 08:00
        TEMP 03:00 37.0  07:00 38.5  10:00 37.9  12:30 38.6  14:00 38.5
        {OXYSAT}
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "half", "new"),),
    ),
    "first seen more than three hours apart": Example(
        "12:00 to 15:01: no case of two onsets; distress new while fever, begun at 12:00, is present.",
        """
        dose   08:00
        TEMP   07:00 37.0  11:30 37.0  12:00 38.5  15:00 38.6
        OXYSAT 07:00 97    10:00 97    13:00 96    14:30 96    15:01 88
        """,
        ((1, "possible", "possible", False, 6.7583, 6.5, 7.0167, "half", "new"),),
    ),
    "fever by an open report": Example(
        "PYREXIA of the day before, no end, never measured: open. Distress new beside it.",
        """
        dose   2/08:00
        OXYSAT 2/07:00 97  2/10:00 97  2/13:00 96  2/14:00 96  2/14:15 88
        AE     1/14:00 PYREXIA
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "half", "new"),),
    ),
    "a lone saturation beside a fever": Example(
        "88 at 14:15, 97 an hour later: a lone onset makes half a case too.",
        f"""
        dose 08:00
        TEMP 05:00 38.6  07:00 38.6  10:00 38.6  13:00 38.7  14:00 38.9
        {OXYSAT}  15:15 97  16:15 97
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "half", "lone"),),
    ),
    "fever gone before distress": Example(
        "37.0 at 12:00 and 13:00: the fever is gone at 14:15.",
        f"""
        dose 08:00
        TEMP 05:00 38.6  07:00 38.6  10:00 38.6  12:00 37.0  13:00 37.0
        {OXYSAT}
        """,
        NONE,
    ),
}

WINDOW = {
    "the interval leaves the window": Example(
        "[12:30, 13:30], hours 4.5 to 5.5, middle 5.0: yes, not surely.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  12:00 37.1  13:15 38.5
        OXYSAT 07:00 97    10:00 97    12:30 96    13:30 88
        """,
        ((1, "definite", "yes", False, 5.0, 4.5, 5.5, *NEW),),
    ),
    "the middle lies before the window": Example(
        "[12:00, 13:00], hours 4 to 5, middle 4.5: it touches the window, possible.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  12:00 37.1  13:00 38.5
        OXYSAT 07:00 97    10:00 97    12:00 96    13:00 88
        """,
        ((1, "definite", "possible", False, 4.5, 4.0, 5.0, *NEW),),
    ),
    "the middle lies at the end of the window": Example(
        "[15:45, 16:15], middle 8.0: the window is half-open; begun perhaps within.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  14:00 37.1  15:00 38.5
        OXYSAT 07:00 97    10:00 97    13:00 96    15:45 96    16:15 88
        """,
        ((1, "definite", "possible", False, 8.0, 7.75, 8.25, *NEW),),
    ),
    "the interval ends with the window": Example(
        "[15:45, 16:00], middle 7.875: yes; hour 8.0 is outside, so not surely.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  14:00 37.1  15:00 38.5
        OXYSAT 07:00 97    10:00 97    13:00 96    15:45 96    16:00 88
        """,
        ((1, "definite", "yes", False, 7.875, 7.75, 8.0, *NEW),),
    ),
    "an instant at the window's start": Example(
        "Hour 5.0 belongs to it.",
        "dose 08:00\nAE 13:00 PYREXIA 13:00 DYSPNOEA",
        ((1, "definite", "yes", True, 5.0, 5.0, 5.0, "reported", "reported"),),
    ),
    "an instant at the window's end": Example(
        "Hour 8.0 does not.",
        "dose 08:00\nAE 16:00 PYREXIA 16:00 DYSPNOEA",
        ((1, "definite", "no", False, 8.0, 8.0, 8.0, "reported", "reported"),),
    ),
    "a case before the window": Example(
        "[10:00, 11:00], hours 2 to 3.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  11:00 38.5
        OXYSAT 07:00 97    10:00 97    11:00 88
        """,
        ((1, "definite", "no", False, 2.5, 2.0, 3.0, *NEW),),
    ),
    "fever at the start of the dose": Example(
        "First seen at 08:00 and at 11:00, 3 h apart: a case in [10:00, 11:00].",
        """
        dose   08:00
        TEMP   07:00 37.0  08:00 38.5
        OXYSAT 07:00 97    10:00 97    11:00 88
        """,
        ((1, "definite", "no", False, 2.5, 2.0, 3.0, *NEW),),
    ),
    "before the first dose": Example(
        "Onsets do not refer to doses: in [06:00, 07:00], before any dose, it is listed under none.",
        """
        dose   08:00
        TEMP   05:00 37.0  06:00 37.0  07:00 38.5
        OXYSAT 05:00 97    06:00 97    07:00 88
        """,
        NONE,
    ),
    "the next dose does not cut the window": Example(
        "Hour 6.125 of the first dose lies in its window, though the second was given at 14:00.",
        f"""
        dose 08:00 14:00
        {TEMP}
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "two windows hold the hour": Example(
        "14:07:30 is hour 7.625 of a dose at 06:30 and 5.125 of one at 09:00: listed under the latest.",
        f"""
        dose 06:30 09:00
        {TEMP}
        {OXYSAT}
        """,
        ((2, "definite", "yes", True, 5.125, 5.0, 5.25, *NEW),),
    ),
    "no window holds the hour": Example(
        "14:07:30 is hour 14.125 of a dose at midnight and 2.125 of one at 12:00: the last dose before it.",
        f"""
        dose 00:00 12:00
        {TEMP}
        {OXYSAT}
        """,
        ((2, "definite", "no", False, 2.125, 2.0, 2.25, *NEW),),
    ),
    "of the second dose": Example(
        "Hours run from 2/08:00: 2/14:07:30 is hour 6.125.",
        """
        dose   08:00  2/08:00
        TEMP   07:00 37.0  2/07:00 37.0  2/10:00 37.0  2/13:00 37.1  2/14:00 38.5
        OXYSAT 07:00 97    2/07:00 97    2/10:00 97    2/13:00 96    2/14:00 96    2/14:15 88
        """,
        ((2, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
}

TABLES = {"half a case": HALF, "in the window": WINDOW}
EXAMPLES = {f"{table}: {name}": one for table, named in TABLES.items() for name, one in named.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_expected_cases_follow_from_the_chart(name: str, rows: Rows) -> None:
    example = EXAMPLES[name]
    found = sorted(rows(example.chart), key=lambda one: one.onset_hours)
    told = tuple((*one[:5], *one.onset_hours, *(why for _, why in one.why)) for one in found)
    assert told == example.expected, example.definition


def test_every_other_dose_of_the_two_days_before_is_named_beside_the_case(look: Look) -> None:
    """3/14:07:30 is hour 6.125 of the dose at 3/08:00, 30.125 of that at 2/08:00, 54.125 of the first: too old."""
    (case,) = look(
        """
        dose   08:00  2/08:00  3/08:00
        TEMP   3/07:00 37.0  3/10:00 37.0  3/13:00 37.1  3/14:00 38.5
        OXYSAT 3/07:00 97    3/10:00 97    3/13:00 96    3/14:00 96    3/14:15 88
        """
    ).cases
    assert case.dose_number == 3
    assert [(other.dose_number, other.hour) for other in case.other_doses] == [(2, 30.125)]
