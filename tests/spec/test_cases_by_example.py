"""Worked examples of a case: what was charted, and the row that follows from the definitions.

The dose is at 08:00 on day 1, so the risk window, hours 5 to 8, is 13:00 to 16:00 and the baseline 02:00 to
08:00. Hours in the expected rows are worked out by hand beside the example.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from checks.cases import Findings

Look = Callable[..., Findings]
NONE: tuple[()] = ()

QUIET_OXYSAT = "OXYSAT 07:00 97  10:00 97  13:00 96  14:00 96"
QUIET_TEMP = "TEMP 07:00 37.0  10:00 37.0  13:00 37.1"


class Example(NamedTuple):
    """``expected`` has one row a case: dose, certainty, in the risk window, surely, hour, onset from, "
    "onset to."""

    definition: str
    chart: str
    expected: tuple[tuple[object, ...], ...]


EXAMPLES = {
    "new_fever_then_new_desaturation": Example(
        "Both components newly present in one dose's hours. Distress was last absent at 14:00 (hour 6) and "
        "first "
        "seen at 14:15 (hour 6.25); it is the later component.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "fever_that_was_there_all_along": Example(
        "A prevalent fever is no new onset: it never goes from absent to present.",
        """
        dose    08:00
        TEMP    05:00 38.6  07:00 38.6  10:00 38.6  13:00 38.7  14:00 38.9
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "fever_just_before_the_dose": Example(
        "Fever at 07:00 is not of this dose's hours, and at 12:30, 5.5 h later, it was not absent for 6 h.",
        """
        dose    08:00
        TEMP    03:00 37.0  07:00 38.5  10:00 37.5  12:30 38.6  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "fever_long_before_the_dose": Example(
        "Fever at 06:00 is 8 h before 14:00, longer than the washout: the second fever is new.",
        """
        dose    08:00
        TEMP    03:00 37.0  06:00 38.5  09:00 37.0  13:00 37.0  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "fever_returns_within_the_washout": Example(
        "The fever of 14:00 is 5 h after that of 09:00: one onset, at 09:00, and 5.25 h before distress.",
        """
        dose    08:00
        TEMP    07:00 37.0  09:00 38.5  11:00 37.0  13:00 37.0  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "fever_returns_at_the_washout": Example(
        "08:30 to 14:30 is 6 h exactly, and 37.0 was read between: absent for the washout, so new again. "
        "Fever is "
        "the later component: last absent 13:00 (hour 5), seen 14:30 (hour 6.5).",
        """
        dose    08:00
        TEMP    07:00 37.0  08:30 38.5  11:00 37.0  13:00 37.0  14:30 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "definite", "yes", True, 6.5, 5.0, 6.5),),
    ),
    "rise_of_one_degree_to_thirty_eight": Example(
        "38.0 is 1.0 above the baseline of 37.0 and at least 38.0: a fever by rise.",
        """
        dose    08:00
        TEMP    03:00 37.0  07:00 37.0  13:00 37.0  14:00 38.0
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "rise_that_is_too_small": Example(
        "38.2 is 0.9 above the baseline of 37.3, and below 38.3: no fever.",
        """
        dose    08:00
        TEMP    03:00 37.3  07:00 37.3  13:00 37.3  14:00 38.2
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "baseline_is_a_median": Example(
        "The median of 36.5, 36.9 and 37.9 is 36.9 (the mean 37.1): 38.0 is a rise of 1.1 (0.9 against the "
        "mean).",
        """
        dose    08:00
        TEMP    03:00 36.5  05:00 36.9  07:00 37.9  13:00 37.0  14:00 38.0
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "baseline_is_six_hours": Example(
        "36.0 at 01:59 is before the baseline hours: against 37.2 alone, 38.1 is a rise of 0.9.",
        """
        dose    08:00
        TEMP    01:59 36.0  07:00 37.2  13:00 37.0  14:00 38.1
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "missing_baseline_absolute_criterion": Example(
        "No temperature in 02:00 to 08:00: 38.5 meets the absolute criterion, and the case is at most "
        "possible.",
        """
        dose    08:00
        TEMP    09:00 37.0  13:00 37.0  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "possible", "possible", False, 6.25, 6.0, 6.25),),
    ),
    "missing_baseline_relative_criterion": Example(
        "38.1 would need a rise; without a baseline a rise is not measured.",
        """
        dose    08:00
        TEMP    09:00 36.5  13:00 36.5  14:00 38.1
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "adverse_event_without_a_time": Example(
        "Pyrexia on day 1, distress between hours 6 and 6.25: whichever comes later does so at hour 6 at the "
        "earliest, and at 23:59:59 (hour 15.9997) at the latest; no hour.",
        """
        dose    08:00
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        AE      1/ PYREXIA
        """,
        ((1, "possible", "possible", False, None, 6.0, 15.9997),),
    ),
    "adverse_event_without_a_time_beside_a_measured_fever": Example(
        "The day intersects with the measured interval and adds no doubt: as if it were not there.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        AE      1/ PYREXIA
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "adverse_events_alone": Example(
        "Two timed adverse events are a definite case: 14:30 is hour 6.5.",
        """
        dose    08:00
        AE      14:00 PYREXIA  14:30 RESPIRATORY_FAILURE
        """,
        ((1, "definite", "yes", True, 6.5, 6.5, 6.5),),
    ),
    "adverse_event_of_another_name": Example(
        "Terms match as whole strings: chest pyrexia is not listed.",
        """
        dose    08:00
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        AE      14:00 CHEST_PYREXIA
        """,
        NONE,
    ),
    "adverse_event_dates_a_fever_between_readings": Example(
        "[13:00, 15:00] by measurement and 14:00 by report intersect at 14:00, hour 6: the later component.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.0  15:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    13:15 96    13:30 88
        AE      14:00 PYREXIA
        """,
        ((1, "definite", "yes", True, 6.0, 6.0, 6.0),),
    ),
    "adverse_event_that_disagrees": Example(
        "[14:00, 14:30] by measurement and 16:30 by report are disjoint: the hull, hours 6 to 8.5, and a "
        "query. "
        "First seen at 14:30; not surely in the window, for the hull leaves it.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  14:00 37.0  14:30 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        AE      16:30 PYREXIA
        """,
        ((1, "definite", "yes", False, 6.5, 6.0, 8.5),),
    ),
    "onset_interval_leaves_the_window": Example(
        "Distress was last absent at 12:30 (hour 4.5), seen at 13:30 (hour 5.5): yes, but not surely.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  12:00 37.1  13:15 38.5
        OXYSAT  07:00 97    10:00 97    12:30 96    13:30 88
        """,
        ((1, "definite", "yes", False, 5.5, 4.5, 5.5),),
    ),
    "seen_after_the_window_begun_perhaps_within": Example(
        "Seen at 16:15 (hour 8.25), last absent at 15:45 (hour 7.75): a definite case, possibly in the "
        "window.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  14:00 37.1  15:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    15:45 96    16:15 88
        """,
        ((1, "definite", "possible", False, 8.25, 7.75, 8.25),),
    ),
    "the_window_is_closed_at_eight_hours": Example(
        "16:00 is hour 8.0, and belongs to the window.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  14:00 37.1  15:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    15:45 96    16:00 88
        """,
        ((1, "definite", "yes", True, 8.0, 7.75, 8.0),),
    ),
    "the_window_is_closed_at_five_hours": Example(
        "13:00 is hour 5.0, and belongs to the window; last absent 12:00 (hour 4).",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  11:00 37.1  12:00 38.5
        OXYSAT  07:00 97    10:00 97    12:00 96    13:00 88
        """,
        ((1, "definite", "yes", False, 5.0, 4.0, 5.0),),
    ),
    "seen_at_the_start_of_the_dose": Example(
        "Hour 0 belongs to the dose: fever at 08:00 and distress at 11:00 are 3 h apart.",
        """
        dose    08:00
        TEMP    07:00 37.0  08:00 38.5
        OXYSAT  07:00 97    10:00 97    11:00 88
        """,
        ((1, "definite", "no", False, 3.0, 2.0, 3.0),),
    ),
    "a_case_before_the_window": Example(
        "Both at hour 3: a case of this dose, not in the window.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  11:00 38.5
        OXYSAT  07:00 97    10:00 97    11:00 88
        """,
        ((1, "definite", "no", False, 3.0, 2.0, 3.0),),
    ),
    "components_three_hours_apart": Example(
        "12:00 to 15:00 is 3 h, within reach.",
        """
        dose    08:00
        TEMP    07:00 37.0  11:30 37.0  12:00 38.5  15:00 38.6
        OXYSAT  07:00 97    10:00 97    13:00 96    14:30 96    15:00 88
        """,
        ((1, "definite", "yes", True, 7.0, 6.5, 7.0),),
    ),
    "components_more_than_three_hours_apart": Example(
        "12:00 to 15:01 is more than 3 h: two onsets, no case.",
        """
        dose    08:00
        TEMP    07:00 37.0  11:30 37.0  12:00 38.5  15:00 38.6
        OXYSAT  07:00 97    10:00 97    13:00 96    14:30 96    15:01 88
        """,
        NONE,
    ),
    "fast_breathing_before_desaturation": Example(
        "Distress was present at 10:30 by breathing; desaturation at 14:15, 3.75 h later, is no new onset.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        RESP    07:00 18    10:30 32    11:00 20    14:00 20
        """,
        NONE,
    ),
    "normal_breathing_shows_distress_absent": Example(
        "The last instant at which what was measured was normal is 14:05 (hour 6.0833), by breathing alone.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:15 88
        RESP    07:00 18    10:00 18    14:05 20
        """,
        ((1, "definite", "yes", True, 6.25, 6.0833, 6.25),),
    ),
    "oxygen_need_rises": Example(
        "From 0.4 to 0.6 of inspired oxygen is a rise of 0.2, though not in binary.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        FIO2    07:00 0.4   10:00 0.4   14:00 0.4   14:30 0.6
        """,
        ((1, "definite", "yes", True, 6.5, 6.0, 6.5),),
    ),
    "quarantined_reading": Example(
        "Distress is shown by a withheld reading alone: possible.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88?
        """,
        ((1, "possible", "possible", False, 6.25, 6.0, 6.25),),
    ),
    "quarantined_reading_in_another_unit": Example(
        "101.3 in a field of C was withheld; read as F it is 38.5, a fever: possible.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 101.3|38.5?
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "possible", "possible", False, 6.25, 6.0, 6.25),),
    ),
    "quarantined_reading_beside_a_sound_one": Example(
        "The case stands without the withheld reading, so it stays definite.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88  14:20 85?
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "quarantined_dose": Example(
        "A case of a dose that may not have been given is possible.",
        """
        dose    08:00?
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "possible", "possible", False, 6.25, 6.0, 6.25),),
    ),
    "dose_without_a_time": Example(
        "The dose was some time on day 1: no baseline, no hour. Distress began at most 14.25 h after it, "
        "and at "
        "least 9.9997 h before it (14:00 against a dose at 23:59:59).",
        """
        dose    1/
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        ((1, "possible", "possible", False, None, -9.9997, 14.25),),
    ),
    "the_next_dose_ends_the_hours": Example(
        "Fever at 13:45 is of the first dose, distress at 14:15 of the second (14:00): no dose has both.",
        """
        dose    08:00  14:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  13:45 38.5
        OXYSAT  07:00 97    10:00 97    13:00 96    14:00 96    14:15 88
        """,
        NONE,
    ),
    "the_case_belongs_to_the_second_dose": Example(
        "Hours run from the second dose, at 2/08:00: 2/14:15 is hour 6.25.",
        """
        dose    08:00  2/08:00
        TEMP    07:00 37.0  2/07:00 37.0  2/10:00 37.0  2/13:00 37.1  2/14:00 38.5
        OXYSAT  07:00 97    2/07:00 97    2/10:00 97    2/13:00 96    2/14:00 96    2/14:15 88
        """,
        ((2, "definite", "yes", True, 6.25, 6.0, 6.25),),
    ),
    "a_case_on_each_of_two_days": Example(
        "No dose follows: both episodes, 24 h apart, are of this dose's hours; one is in its window.",
        """
        dose    08:00
        TEMP    07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5  20:00 37.0  2/13:00 37.1  2/14:00 38.5
        OXYSAT  07:00 97    10:00 97    14:00 96    14:15 88    20:00 97    2/14:00 96    2/14:15 88
        """,
        (
            (1, "definite", "yes", True, 6.25, 6.0, 6.25),
            (1, "definite", "no", False, 30.25, 30.0, 30.25),
        ),
    ),
}


def told(findings: Findings) -> tuple[tuple[object, ...], ...]:
    return tuple(
        (c.dose_number, c.certainty, c.in_risk_window, c.surely, c.hour, *c.onset_hours)
        for c in findings.cases
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_expected_cases_follow_from_the_chart(name: str, look: Look) -> None:
    example = EXAMPLES[name]
    assert told(look(example.chart)) == example.expected, example.definition


def test_a_case_names_what_shows_each_component(look: Look) -> None:
    """The first fever and the desaturation; the adverse event of 14:10 lies within [13:00, 14:30]."""
    (case,) = look(
        """
        dose    08:00
        TEMP    07:00 37.0  13:00 37.1  14:30 38.5
        OXYSAT  07:00 97    13:00 96    14:00 96    14:15 88
        AE      14:10 FEVER
        """
    ).cases
    fever, distress = (case.components[name] for name in ("fever", "respiratory_distress"))
    assert (fever.onset_hours, fever.evidence, fever.query) == (
        (6.1667, 6.1667),
        ("VS:VSSEQ=TEMP-3", "AE:AESEQ=1"),
        False,
    )
    assert (distress.onset_hours, distress.evidence) == ((6.0, 6.25), ("VS:VSSEQ=OXYSAT-4",))


def test_evidence_that_disagrees_raises_a_query(look: Look) -> None:
    (case,) = look(EXAMPLES["adverse_event_that_disagrees"].chart).cases
    assert case.components["fever"].query
    assert case.components["fever"].onset_hours == (6.0, 8.5)
    assert not case.components["respiratory_distress"].query


def test_two_subjects_do_not_share_a_case(look: Look) -> None:
    """One has the fever, the other the desaturation."""
    fever = f"dose 08:00\nTEMP 07:00 37.0 13:00 37.1 14:00 38.5\n{QUIET_OXYSAT}"
    distress = f"dose 08:00\n{QUIET_TEMP}\nOXYSAT 07:00 97 14:00 96 14:15 88"
    assert look(fever, distress).cases == ()
