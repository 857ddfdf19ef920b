"""Worked examples of adverse events: intervals that join a measured onset, start one, or tell of one that goes on.

Each case definition here has one component alone, so that its onsets are the cases. The dose is at 00:00 of day 1, so
that hours are those of the clock (2/02:00 is hour 26). A row that is expected says certainty, why, and between which
hours; a second before the full hour is .9997.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from checks.cases import Findings
from checks.protocol import StudyProtocol

Look = Callable[..., Findings]
Rows = Callable[..., list[Any]]
Onsets = list[tuple[str, str, float, float]]
FEVER, DISTRESS = "fever", "respiratory_distress"
FEVER_AT_16 = "TEMP 00:00 37.0 04:00 37.0 08:00 37.0 12:00 37.0 16:00 39.0 18:00 39.0 20:00 37.0 22:00 37.0"
HOURLY = "OXYSAT 00:00..11:00 97 12:00 85 13:00 85 14:00..2/12:00 97"


class Example(NamedTuple):
    """The sentence and how the row follows from it; the component; its chart; its onsets."""

    definition: str
    component: str
    chart: str
    expected: Onsets


ALONE = {
    "to the minute": Example(
        "Known by a report alone, exact: definite, an instant.",
        FEVER,
        "AE 14:00 PYREXIA",
        [("definite", "reported", 14, 14)],
    ),
    "to the hour": Example(
        "Exact to the hour is exact: an interval of that hour.",
        FEVER,
        "AE 14h PYREXIA",
        [("definite", "reported", 14, 14.9997)],
    ),
    "a date": Example(
        "Any hour of that day: possible.", FEVER, "AE 1/ PYREXIA", [("possible", "reported", 0, 23.9997)]
    ),
    "while a saturation is low": Example(
        "Present by measurement from 12:00 to 14:00: a line at 13:30 is evidence of it.",
        DISTRESS,
        f"{HOURLY}\nAE 13:30 DYSPNOEA",
        [("definite", "new", 11, 12)],
    ),
    "within six hours of a low saturation": Example(
        "Present until 14:00, normal again; 19:30 is less than 6 h later: possible.",
        DISTRESS,
        f"{HOURLY}\nAE 19:30 DYSPNOEA",
        [("definite", "new", 11, 12), ("possible", "back", 19.5, 19.5)],
    ),
    "six hours after a low saturation": Example(
        "Present until 14:00; not in the 6 h before 20:00: definite.",
        DISTRESS,
        f"{HOURLY}\nAE 20:00 DYSPNOEA",
        [("definite", "new", 11, 12), ("definite", "reported", 20, 20)],
    ),
}

JOINED = {
    "inside the measured interval": Example(
        "[12:00, 16:00] by measurement, 14:00 by report: 14:00.",
        FEVER,
        f"{FEVER_AT_16}\nAE 14:00 PYREXIA",
        [("definite", "new", 14, 14)],
    ),
    "within an hour of it": Example(
        "16:45 is outside [12:00, 16:00], within 1 h: the hull.",
        FEVER,
        f"{FEVER_AT_16}\nAE 16:45 PYREXIA",
        [("definite", "new", 12, 16.75)],
    ),
    "an hour before it": Example(
        "11:00, 1 h before [12:00, 16:00]: the hull.",
        FEVER,
        f"{FEVER_AT_16}\nAE 11:00 PYREXIA",
        [("definite", "new", 11, 16)],
    ),
    "more than an hour after it": Example(
        "17:01 does not join; the fever is present then: evidence of the same episode.",
        FEVER,
        f"{FEVER_AT_16}\nAE 17:01 PYREXIA",
        [("definite", "new", 12, 16)],
    ),
    "two lines": Example(
        "The first narrows to 14:00, the later moves nothing.",
        FEVER,
        f"{FEVER_AT_16}\nAE 14:00 PYREXIA 15:00 FEVER",
        [("definite", "new", 14, 14)],
    ),
    "a date on the day of a measured fever": Example(
        "Evidence only: it moves nothing.",
        FEVER,
        f"{FEVER_AT_16}\nAE 1/ PYREXIA",
        [("definite", "new", 12, 16)],
    ),
    "a date and an instant": Example(
        "The date moves nothing, the instant narrows.",
        FEVER,
        f"{FEVER_AT_16}\nAE 1/ PYREXIA 14:00 PYREXIA",
        [("definite", "new", 14, 14)],
    ),
    "an hour, not an instant": Example(
        "The hour from 14:00 joins and moves nothing.",
        FEVER,
        f"{FEVER_AT_16}\nAE 14h PYREXIA",
        [("definite", "new", 12, 16)],
    ),
}

EARLIER = {
    "an earlier line, then two normal temperatures": Example(
        "PYREXIA at 07:00 ends at 08:00, the first of two normal ones; 16:00 is 8 h later: both are onsets.",
        FEVER,
        f"{FEVER_AT_16}\nAE 07:00 PYREXIA",
        [("definite", "reported", 7, 7), ("definite", "new", 12, 16)],
    ),
    "an earlier line, then one normal temperature": Example(
        "PYREXIA at 09:30: 37.0 at 12:00 alone does not end it; the fever of 16:00 is possible, never nothing.",
        FEVER,
        f"{FEVER_AT_16}\nAE 09:30 PYREXIA",
        [("definite", "reported", 9.5, 9.5), ("possible", "back", 12, 16)],
    ),
    "a line with its end, six hours before": Example(
        "It ended at 10:00, and 16:00 is 6 h later: the washout passed.",
        FEVER,
        f"{FEVER_AT_16}\nAE 02:00 PYREXIA~10:00",
        [("definite", "reported", 2, 2), ("definite", "new", 12, 16)],
    ),
    "a line with its end, less than six hours before": Example(
        "It ended at 10:30: possible.",
        FEVER,
        f"{FEVER_AT_16}\nAE 02:00 PYREXIA~10:30",
        [("definite", "reported", 2, 2), ("possible", "back", 12, 16)],
    ),
    "an open line that no measurement supported": Example(
        "DYSPNOEA at 02:00, no end; saturations are normal after it, but are not dyspnoea itself. It never keeps a "
        "measured onset from being one.",
        DISTRESS,
        f"{HOURLY}\nAE 02:00 DYSPNOEA",
        [("definite", "reported", 2, 2), ("definite", "new", 11, 12)],
    ),
    "it keeps later lines from starting an onset": Example(
        "No end and never supported: open, so the line of 20:00 tells of the same dyspnoea.",
        DISTRESS,
        "AE 02:00 DYSPNOEA 20:00 DYSPNOEA",
        [("definite", "reported", 2, 2)],
    ),
    "a later line after the end of the first": Example(
        "Ended at 14:00; 20:00 is 6 h later: both.",
        DISTRESS,
        "AE 02:00 DYSPNOEA~14:00 20:00 DYSPNOEA",
        [("definite", "reported", 2, 2), ("definite", "reported", 20, 20)],
    ),
    "a later line soon after the end of the first": Example(
        "Ended at 14:01: less than the washout: possible.",
        DISTRESS,
        "AE 02:00 DYSPNOEA~14:01 20:00 DYSPNOEA",
        [("definite", "reported", 2, 2), ("possible", "back", 20, 20)],
    ),
    "ended by two normal measurements": Example(
        "Supported by 85 at 12:00, the line of 11:30 ends at 14:00; the next, at 20:00, is 6 h later.",
        DISTRESS,
        f"{HOURLY}\nAE 11:30 DYSPNOEA 20:00 DYSPNOEA",
        [("definite", "new", 11.5, 11.5), ("definite", "reported", 20, 20)],
    ),
    "a higher grade": Example(
        "Grade 1, open; grade 3 at 20:00: a possible worse onset.",
        DISTRESS,
        "AE 02:00 DYSPNOEA#1 20:00 DYSPNOEA#3",
        [("definite", "reported", 2, 2), ("possible", "worse", 20, 20)],
    ),
    "the same grade": Example(
        "Not worse: the same dyspnoea.",
        DISTRESS,
        "AE 02:00 DYSPNOEA#2 20:00 DYSPNOEA#2",
        [("definite", "reported", 2, 2)],
    ),
    "a higher grade on a date": Example(
        "Not exact in time: no worse onset. The line of 02:00 is open all that day.",
        DISTRESS,
        "AE 02:00 DYSPNOEA#1 2/ DYSPNOEA#3",
        [("definite", "reported", 2, 2)],
    ),
    "a date and a line of that date": Example(
        "A timed onset lies on that date: the date is evidence only.",
        FEVER,
        "AE 1/ PYREXIA 14:00 PYREXIA",
        [("definite", "reported", 14, 14)],
    ),
    "a date that is not the day of the fever": Example(
        "The measured fever ended on day 1: a date of day 3 is a possible onset.",
        FEVER,
        f"{FEVER_AT_16}\nAE 3/ PYREXIA",
        [("definite", "new", 12, 16), ("possible", "reported", 48, 71.9997)],
    ),
}

TABLES = {"alone": ALONE, "joined": JOINED, "earlier": EARLIER}
EXAMPLES = {f"{table}: {name}": one for table, rows in TABLES.items() for name, one in rows.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_onsets_follow_from_lines_and_chart(
    name: str, rows: Rows, alone: Mapping[str, StudyProtocol]
) -> None:
    example = EXAMPLES[name]
    found = rows(f"dose 00:00\n{example.chart}", under=alone[example.component])
    told = [(one.certainty, dict(one.why)[example.component], *one.onset_hours) for one in found]
    assert sorted(told, key=lambda one: one[3]) == example.expected, example.definition


def test_a_time_outside_the_measured_interval_is_a_query(
    look: Look, alone: Mapping[str, StudyProtocol]
) -> None:
    """16:45 against [12:00, 16:00] is a query for the site; 14:00 lies inside and is none."""
    for told, query in (("16:45", True), ("14:00", False)):
        (case,) = look(f"dose 00:00\n{FEVER_AT_16}\nAE {told} PYREXIA", under=alone[FEVER]).cases
        assert case.components[FEVER].query == query
        assert "AE:AESEQ=1" in case.components[FEVER].evidence


def test_a_line_of_another_term_is_no_evidence(look: Look, alone: Mapping[str, StudyProtocol]) -> None:
    """Terms match as whole strings: chest pyrexia is not listed."""
    assert look("dose 00:00\nAE 14:00 CHEST_PYREXIA", under=alone[FEVER]).cases == ()
