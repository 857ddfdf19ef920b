"""Worked examples of windows, observed hours and control events: the chart, and what follows from it.

In control examples the dose is at 08:00 on day 2, so control hours are 1/08:00 to 2/02:00 and 2/20:00 to
4/08:00, tiled into blocks of 3 h from 1/08:00; the risk window is 2/13:00 to 2/16:00.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from checks.cases import Findings, gather_evidence
from checks.protocol import StudyProtocol
from checks.rules.rate_looks import subject_path
from checks.tables import MEASUREMENTS

Look = Callable[..., Findings]

HOURLY = """
TEMP   1/00:00..6/00:00 37.0
OXYSAT 1/00:00..6/00:00 97
"""


class Window(NamedTuple):
    """``expected`` has one row a dose: what became of its window, and the observed hours in it."""

    definition: str
    chart: str
    data_cutoff: str
    expected: tuple[tuple[str, float], ...]


WINDOWS = {
    "charted_hourly": Window(
        "Elapsed, and all of 13:00 to 16:00 observed.",
        "dose 08:00" + HOURLY,
        "3/00:00",
        (("evaluable", 3.0),),
    ),
    "one_minute_before_it_closes": Window(
        "Not yet elapsed at 15:59; 13:00 to 15:59 is 2 h 59 min.",
        "dose 08:00" + HOURLY,
        "15:59",
        (("open", 2.9833),),
    ),
    "at_the_minute_it_closes": Window(
        "Elapsed at 16:00.", "dose 08:00" + HOURLY, "16:00", (("evaluable", 3.0),)
    ),
    "no_temperature": Window(
        "Fever is observed until 2 h after 10:00, before the window begins.",
        """
        dose   08:00
        TEMP   07:00..10:00 37.0
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("unobserved", 0.0),),
    ),
    "exactly_half": Window(
        "The last temperature at 12:30 observes until 14:30: 1.5 h of 3, at least half.",
        """
        dose   08:00
        TEMP   07:30..12:30 37.0
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("evaluable", 1.5),),
    ),
    "less_than_half": Window(
        "One minute less: 13:00 to 14:29.",
        """
        dose   08:00
        TEMP   07:29..12:29 37.0
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("unobserved", 1.4833),),
    ),
    "readings_four_hours_apart": Window(
        "A gap of exactly 4 h is observed throughout.",
        """
        dose   08:00
        TEMP   12:00 37.0  16:00 37.0
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("evaluable", 3.0),),
    ),
    "readings_more_than_four_hours_apart": Window(
        "A gap of 4 h 1 min is observed for 2 h only: 12:00 to 14:00.",
        """
        dose   08:00
        TEMP   12:00 37.0  16:01 37.0
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("unobserved", 1.0),),
    ),
    "any_vital_of_a_component_observes_it": Window(
        "Breathing alone observes respiratory distress.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        RESP   07:00..18:00 18
        """,
        "3/00:00",
        (("evaluable", 3.0),),
    ),
    "two_vitals_do_not_bridge_a_gap": Window(
        "Saturation at 11:30 and breathing at 15:00 are of different vitals: 11:30 to 13:30, and 15:00 to "
        "17:00.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        OXYSAT 11:30 97
        RESP   15:00 18
        """,
        "3/00:00",
        (("evaluable", 1.5),),
    ),
    "adverse_event_is_no_evidence_of_absence": Window(
        "A fever reported at 14:00 does not make the window observed.",
        """
        dose   08:00
        OXYSAT 07:00..18:00 97
        AE     14:00 PYREXIA
        """,
        "3/00:00",
        (("unobserved", 0.0),),
    ),
    "a_case_lies_in_it": Window(
        "Reported, not measured: no hour was observed, but a case lies in the window.",
        """
        dose   08:00
        AE     14:00 PYREXIA  14:30 DYSPNOEA
        """,
        "3/00:00",
        (("evaluable", 0.0),),
    ),
    "quarantined_readings_observe_nothing": Window(
        "Temperatures in quarantine are not valid readings.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0?
        OXYSAT 07:00..18:00 97
        """,
        "3/00:00",
        (("unobserved", 0.0),),
    ),
    "next_dose_in_the_middle": Window(
        "The second dose, at 14:30, ends the hours of the first: 13:00 to 14:30 is half of 3 h.",
        "dose 08:00 14:30" + HOURLY,
        "3/00:00",
        (("evaluable", 1.5), ("evaluable", 3.0)),
    ),
    "next_dose_before_the_middle": Window(
        "The second dose, at 14:00, leaves 1 h of 3: less than half.",
        "dose 08:00 14:00" + HOURLY,
        "3/00:00",
        (("unobserved", 1.0), ("evaluable", 3.0)),
    ),
    "next_dose_before_the_window": Window(
        "The second dose, at 12:00, comes before the window of the first.",
        "dose 08:00 12:00" + HOURLY,
        "3/00:00",
        (("unobserved", 0.0), ("evaluable", 3.0)),
    ),
    "dose_without_a_time": Window(
        "Hours since dose are unknown, so none is known to be observed; the latest close is 2/08:00.",
        "dose 1/" + HOURLY,
        "3/00:00",
        (("unobserved", 0.0),),
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_what_becomes_of_the_window_follows_from_the_chart(name: str, look: Look) -> None:
    example = WINDOWS[name]
    doses = look(example.chart, data_cutoff=example.data_cutoff).doses
    told = tuple(zip(doses["window"], doses["risk_observed_hours"].round(4), strict=True))
    assert told == example.expected, example.definition


class Control(NamedTuple):
    """``expected`` has the observed risk and control hours, then (counted, surely) of each control event."""

    definition: str
    chart: str
    expected: tuple[float, float, tuple[tuple[bool, bool], ...]]


CONTROL = {
    "no_event": Control("18 h before and 36 h after the dose.", "dose 2/08:00" + HOURLY, (3.0, 54.0, ())),
    "overlapping_control_windows_count_once": Control(
        "Before the first dose 18 h; 2/08:00 to 3/08:00 without the risk window 21 h; after the second 36 h. "
        "Dose by dose it would be 18 + 12 + 15 + 36 = 81 h.",
        "dose 2/08:00 3/08:00" + HOURLY,
        (6.0, 75.0, ()),
    ),
    "only_observed_hours_count": Control(
        "No temperature between 1/10:00 (observed until 12:00) and 1/20:00: 54 - 8.",
        """
        dose   2/08:00
        TEMP   1/00:00..1/10:00 37.0  1/20:00..6/00:00 37.0
        OXYSAT 1/00:00..6/00:00 97
        """,
        (3.0, 46.0, ()),
    ),
    "new_fever_and_distress": Control(
        "The pattern of a case, first seen at 1/15:15 in the block 14:00 to 17:00; distress last absent at "
        "15:00.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  1/14:30 38.5
        OXYSAT 1/00:00..6/00:00 97    1/15:15 88
        """,
        (3.0, 54.0, ((True, True),)),
    ),
    "fever_in_the_block_before": Control(
        "Fever at 1/13:30 and distress at 1/15:15: one event, of the block in which the later was seen.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  1/13:30 38.5
        OXYSAT 1/00:00..6/00:00 97    1/15:15 88
        """,
        (3.0, 54.0, ((True, True),)),
    ),
    "seen_on_the_edge_of_two_blocks": Control(
        "1/14:00 ends one block and begins the next: one event, counted once.",
        """
        dose   2/08:00
        TEMP   1/00:00..1/13:00 37.0  1/14:00 38.5  1/15:00..6/00:00 37.0
        OXYSAT 1/00:00..1/13:00 97    1/14:00 88    1/15:00..6/00:00 97
        """,
        (3.0, 54.0, ((True, True),)),
    ),
    "last_absent_before_the_block": Control(
        "Distress was last absent at 1/13:00, in the block before: counted, not surely of this block.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  1/14:10 38.5
        OXYSAT 1/00:00..1/13:00 97    1/14:30 88    1/15:00..6/00:00 97
        """,
        (3.0, 54.0, ((True, False),)),
    ),
    "fever_all_along": Control(
        "A prevalent fever is no new onset in control hours either.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 38.6
        OXYSAT 1/00:00..6/00:00 97  1/15:15 88
        """,
        (3.0, 54.0, ()),
    ),
    "more_than_three_hours_apart": Control(
        "1/12:10 to 1/15:15 is more than 3 h, in control hours as after a dose.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  1/12:10 38.5
        OXYSAT 1/00:00..6/00:00 97    1/15:15 88
        """,
        (3.0, 54.0, ()),
    ),
    "rise_against_the_pseudo_dose": Control(
        "The block 14:00 to 17:00 has its pseudo-dose at 09:00, 5 h before it: the baseline is 03:00 to "
        "09:00, "
        "with a median of 37.0, so 38.0 is a fever. The 38.0 of 00:00 to 02:00 is outside of it.",
        """
        dose   2/08:00
        TEMP   1/00:00..1/02:00 38.0  1/03:00..6/00:00 37.0  1/14:30 38.0
        OXYSAT 1/00:00..6/00:00 97    1/15:15 88
        """,
        (3.0, 54.0, ((True, True),)),
    ),
    "adverse_event_without_a_time": Control(
        "Pyrexia some time on day 1, distress measured: an event that is possible, and not counted.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0
        OXYSAT 1/00:00..6/00:00 97  1/15:15 88
        AE     1/ PYREXIA
        """,
        (3.0, 54.0, ((False, False),)),
    ),
    "between_risk_and_control_hours": Control(
        "2/04:00 is 4 h before the dose: neither.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  2/04:10 38.5
        OXYSAT 1/00:00..6/00:00 97    2/04:15 88
        """,
        (3.0, 54.0, ()),
    ),
    "in_the_risk_window": Control(
        "Hour 6.25 of the dose is never control time.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0  2/14:10 38.5
        OXYSAT 1/00:00..6/00:00 97    2/14:15 88
        """,
        (3.0, 54.0, ()),
    ),
    "first_risk_window_in_the_second_control_window": Control(
        "The second dose, at 3/00:00, has control hours from 2/00:00 to 2/18:00; the risk window of the "
        "first, "
        "2/13:00 to 2/16:00, stays out of them. 1/08:00 to 2/13:00 is 29 h, 2/16:00 to 2/18:00 is 2 h, "
        "2/20:00 to "
        "3/00:00 is 4 h, 3/12:00 to 5/00:00 is 36 h.",
        """
        dose   2/08:00 3/00:00
        TEMP   1/00:00..6/00:00 37.0  2/14:10 38.5
        OXYSAT 1/00:00..6/00:00 97    2/14:15 88
        """,
        (6.0, 71.0, ()),
    ),
}


@pytest.mark.parametrize("name", CONTROL)
def test_control_hours_and_events_follow_from_the_chart(name: str, look: Look) -> None:
    example = CONTROL[name]
    findings = look(example.chart)
    events = tuple((event.counted, event.surely) for event in findings.control_events)
    hours = (round(findings.hours_in_risk, 4), round(findings.hours_in_control, 4))
    assert (*hours, events) == example.expected, example.definition


@pytest.mark.parametrize(
    ("second_pair", "events"),
    [("1/16:10 1/16:20", 1), ("1/17:10 1/17:20", 2)],
    ids=["in the same block", "in the next block"],
)
def test_a_block_holds_at_most_one_event(
    second_pair: str, events: int, look: Look, protocol: StudyProtocol
) -> None:
    """With a washout of 1 h two pairs can be new within 3 h; one block (14:00 to 17:00) counts one of "
    "them."""
    fever, distress = second_pair.split()
    chart = f"""
    dose   2/08:00
    TEMP   1/00:00..6/00:00 37.0  1/14:10 38.5  {fever} 38.5
    OXYSAT 1/00:00..6/00:00 97    1/14:15 88    {distress} 88
    """
    definition = protocol.case_definition.model_copy(update={"washout_hours": 1.0})
    findings = look(chart, under=protocol.model_copy(update={"case_definition": definition}))
    assert [event.counted for event in findings.control_events] == [True] * events


def test_a_case_in_an_open_window_counts(look: Look, protocol: StudyProtocol) -> None:
    """Seen at hour 6.25, looked at at hour 7: the window is open, and the subject is an event already."""
    findings = look(
        """
        dose   08:00
        TEMP   02:00..12:00 37.0  14:00 38.5
        OXYSAT 02:00..14:00 97    14:15 88
        """,
        data_cutoff="15:00",
    )
    evidence = gather_evidence(findings, MEASUREMENTS.empty(), protocol)
    assert findings.doses["window"].tolist() == ["open"]
    assert evidence.subjects_with_case().main == 1
    (unit,) = subject_path(evidence)
    assert unit.case.best is not None
    assert unit.case.main is not None


def test_what_comes_after_the_cut_off_is_not_known(look: Look) -> None:
    """The same chart, cut off at 14:10: no distress yet."""
    chart = """
    dose   08:00
    TEMP   02:00..12:00 37.0  14:00 38.5
    OXYSAT 02:00..14:00 97    14:15 88
    """
    assert look(chart, data_cutoff="14:10").cases == ()
    assert len(look(chart, data_cutoff="14:15").cases) == 1


def test_hours_after_a_quarantined_dose_are_not_counted(look: Look) -> None:
    """Its window is judged, its 3 h are no risk hours, and no control hours surround it."""
    findings = look("dose 2/08:00?" + HOURLY)
    assert findings.doses["risk_observed_hours"].tolist() == [3.0]
    assert (findings.hours_in_risk, findings.hours_in_control) == (0.0, 0.0)
