"""Worked examples of windows, observed hours, opportunity and control events: the chart, and what follows from it.

In the first table the dose is at 08:00 of day 1 and the risk window 13:00 to 16:00. In the second the dose is at
08:00 on day 2: control hours are 1/08:00 to 2/02:00 and 2/20:00 to 4/08:00, 18 and 36 h; the risk window is 2/13:00
to 2/16:00.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from checks.cases import Findings, gather_evidence
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import CaseDefinition
from checks.rules.rate_looks import subject_path
from checks.tables import MEASUREMENTS

Look = Callable[..., Findings]
Whole = Callable[..., dict[str, Any]]

HOURLY = """
TEMP   1/00:00..6/00:00 37.0
OXYSAT 1/00:00..6/00:00 97
"""


class Window(NamedTuple):
    """``expected`` has one row a dose: what became of its window, and the observed hours in it."""

    definition: str
    chart: str
    expected: list[tuple[str, float]]
    data_cutoff: str = "3/00:00"


WINDOWS = {
    "charted hourly": Window(
        "Elapsed, and all of 13:00 to 16:00 observed.", "dose 08:00" + HOURLY, [("evaluable", 3.0)]
    ),
    "one minute before it closes": Window(
        "Not yet elapsed at 15:59; observed up to the last measurements, at 15:00.",
        "dose 08:00" + HOURLY,
        [("open", 2.0)],
        "15:59",
    ),
    "at the minute it closes": Window(
        "Elapsed at 16:00.", "dose 08:00" + HOURLY, [("evaluable", 3.0)], "16:00"
    ),
    "no temperature": Window(
        "The last temperature was at 10:00: nothing after it could have been seen.",
        """
        dose   08:00
        TEMP   07:00..10:00 37.0
        OXYSAT 07:00..18:00 97
        """,
        [("unobserved", 0.0)],
    ),
    "exactly half": Window(
        "Temperatures until 14:30: 1.5 h of 3, at least half.",
        """
        dose   08:00
        TEMP   07:30..14:30 37.0
        OXYSAT 07:00..18:00 97
        """,
        [("evaluable", 1.5)],
    ),
    "less than half": Window(
        "One minute less: 13:00 to 14:29.",
        """
        dose   08:00
        TEMP   07:29..14:29 37.0
        OXYSAT 07:00..18:00 97
        """,
        [("unobserved", 1.4833)],
    ),
    "temperatures twelve hours apart": Window(
        "No longer than 12 h: an onset between would be dated by them.",
        """
        dose   08:00
        TEMP   04:00 37.0  16:00 37.0
        OXYSAT 07:00..18:00 97
        """,
        [("evaluable", 3.0)],
    ),
    "temperatures more than twelve hours apart": Window(
        "12 h and a minute.",
        """
        dose   08:00
        TEMP   04:00 37.0  16:01 37.0
        OXYSAT 07:00..18:00 97
        """,
        [("unobserved", 0.0)],
    ),
    "saturations six hours apart": Window(
        "No longer than 6 h.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        OXYSAT 10:00 97  16:00 97
        """,
        [("evaluable", 3.0)],
    ),
    "saturations more than six hours apart": Window(
        "6 h and a minute.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        OXYSAT 10:00 97  16:01 97
        """,
        [("unobserved", 0.0)],
    ),
    "any test of a component observes it": Window(
        "Breathing alone observes respiratory distress.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        RESP   07:00..18:00 18
        """,
        [("evaluable", 3.0)],
    ),
    "inspired oxygen does not": Window(
        "FIO2 alone does not observe a component that has other measured tests.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        FIO2   07:00..18:00 0.4
        """,
        [("unobserved", 0.0)],
    ),
    "two tests do not bridge a gap": Window(
        "Saturation until 14:00, breathing from 14:30: half an hour between is of neither.",
        """
        dose   08:00
        TEMP   07:00..18:00 37.0
        OXYSAT 11:00..14:00 97
        RESP   14:30..18:30 18
        """,
        [("evaluable", 2.5)],
    ),
    "an adverse event is no evidence of absence": Window(
        "A nausea reported at 14:00 does not make the window observed.",
        """
        dose   08:00
        OXYSAT 07:00..18:00 97
        AE     14:00 NAUSEA
        """,
        [("unobserved", 0.0)],
    ),
    "a case lies in it": Window(
        "Reported, not measured: no hour was observed, but a window with a case is never counted as unobserved.",
        """
        dose   08:00
        AE     14:00 PYREXIA  14:30 DYSPNOEA
        """,
        [("under_observed", 0.0)],
    ),
    "the next dose does not cut it": Window(
        "A second dose at 14:00 leaves the window of the first as it is.",
        "dose 08:00 14:00" + HOURLY,
        [("evaluable", 3.0), ("evaluable", 3.0)],
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_what_becomes_of_the_window_follows_from_the_chart(name: str, whole: Whole) -> None:
    example = WINDOWS[name]
    found = whole(example.chart, data_cutoff=example.data_cutoff)
    assert found["windows"] == example.expected, example.definition


class Control(NamedTuple):
    """``hours`` has (dose, able hours in risk, in control); ``events`` (dose, hour, definite) of control events."""

    definition: str
    chart: str
    hours: list[tuple[int, float, float]]
    events: list[tuple[int, float, bool]]


SUSTAINED_TEMP = "TEMP 1/00:00..1/14:00 37.0  1/14:30 38.5  1/15:30 38.5  1/17:00..6/00:00 37.0"
SUSTAINED_OXYSAT = "OXYSAT 1/00:00..1/15:00 97  1/15:15 88  1/15:45 88  1/16:00..6/00:00 97"

CONTROL = {
    "no event": Control(
        "18 h before and 36 h after the dose; 3 h of the window.",
        "dose 2/08:00" + HOURLY,
        [(1, 3.0, 54.0)],
        [],
    ),
    "temperatures every four hours, hourly breathing, dose at 09:00": Control(
        "A fever that begins in (12:00, 16:00] is seen at 16:00, with distress at any hour from 13:00 on: the case "
        "would be given the middle of that hour's start and 16:00, 14:00 to 15:30. Risk, 14:00 to 17:00: 4 h.",
        "dose 2/09:00\nTEMP 1/00:00..6/00:00@4 37.0\nRESP 1/00:00..6/00:00 18",
        [(1, 4.0, 54.0)],
        [],
    ),
    "two doses": Control(
        "Each hour counts once, with the nearest dose whose control windows hold it. First: 18 h before; "
        "3/02:00 to 3/13:00 and 3/16:00 to 3/20:00. Second: 2/08:00 to 2/13:00, 2/16:00 to 3/02:00, "
        "3/20:00 to 5/08:00.",
        "dose 2/08:00 3/08:00" + HOURLY,
        [(1, 3.0, 33.0), (2, 3.0, 51.0)],
        [],
    ),
    "a gap": Control(
        "No temperature from 1/10:00 to 2/00:00, more than 12 h: 14 h fewer.",
        """
        dose   2/08:00
        TEMP   1/00:00..1/10:00 37.0  2/00:00..6/00:00 37.0
        OXYSAT 1/00:00..6/00:00 97
        """,
        [(1, 3.0, 40.0)],
        [],
    ),
    "a gap that is observed, but not to three hours": Control(
        "Temperatures at 1/10:00 and 1/22:00: a fever between is seen at 22:00, within 3 h of distress only if that "
        "is seen from 19:00 on: of 12 h the last 4 count.",
        """
        dose   2/08:00
        TEMP   1/00:00..1/10:00 37.0  1/22:00..6/00:00 37.0
        OXYSAT 1/00:00..6/00:00 97
        """,
        [(1, 3.0, 46.0)],
        [],
    ),
    "distress all along": Control(
        "What is present can worsen: it stays at risk.",
        """
        dose   2/08:00
        TEMP   1/00:00..6/00:00 37.0
        OXYSAT 1/00:00..6/00:00 88
        """,
        [(1, 3.0, 54.0)],
        [],
    ),
    "fever and distress": Control(
        "The pattern of a case, in [1/15:00, 1/15:15]: 16.875 h before the dose.",
        f"dose 2/08:00\n{SUSTAINED_TEMP}\n{SUSTAINED_OXYSAT}",
        [(1, 3.0, 54.0)],
        [(1, -16.875, True)],
    ),
    "a lone saturation": Control(
        "Contradicted at 1/15:45: a possible event, in control as in risk.",
        f"dose 2/08:00\n{SUSTAINED_TEMP}\n{SUSTAINED_OXYSAT.replace('1/15:45 88', '1/15:45 97')}",
        [(1, 3.0, 54.0)],
        [(1, -16.875, False)],
    ),
    "fever all along": Control(
        "Distress new in [1/15:00, 1/15:15] beside a prevalent fever: half a case, possible.",
        f"dose 2/08:00\nTEMP 1/00:00..6/00:00 38.6\n{SUSTAINED_OXYSAT}",
        [(1, 3.0, 54.0)],
        [(1, -16.875, False)],
    ),
    "between risk and control hours": Control(
        "In [2/04:00, 2/04:15], 4 h before the dose: neither.",
        """
        dose   2/08:00
        TEMP   1/00:00..2/04:00 37.0  2/04:10 38.5  2/04:50 38.5  2/05:00..6/00:00 37.0
        OXYSAT 1/00:00..2/04:00 97    2/04:15 88    2/04:45 88    2/05:00..6/00:00 97
        """,
        [(1, 3.0, 54.0)],
        [],
    ),
    "in the risk window": Control(
        "In [2/14:00, 2/14:15], hour 6.125: never also control, though a dose at 3/00:00 has control hours there. Of "
        "the first dose: 18 h, 2/20:00 to 3/05:00, 3/08:00 to 3/12:00. Of the second: 2/02:00 to 2/13:00, 2/16:00 to "
        "2/18:00, 3/12:00 to 5/00:00.",
        """
        dose   2/08:00 3/00:00
        TEMP   1/00:00..2/14:00 37.0  2/14:10 38.5  2/14:50 38.5  2/15:00..6/00:00 37.0
        OXYSAT 1/00:00..2/14:00 97    2/14:15 88    2/14:45 88    2/15:00..6/00:00 97
        """,
        [(1, 3.0, 31.0), (2, 3.0, 49.0)],
        [],
    ),
}


@pytest.mark.parametrize("name", CONTROL)
def test_opportunity_and_control_events_follow_from_the_chart(name: str, whole: Whole) -> None:
    example = CONTROL[name]
    found = whole(example.chart)
    assert (found["opportunity"], found["control_events"]) == (example.hours, example.events), (
        example.definition
    )


def test_an_onset_of_a_period_and_its_opportunity_stand_on_one_instant(look: Look) -> None:
    """Means of each hour, charted at its start; the chart ends with the first abnormal hour, 2/13:00 to 2/14:00.

    What the mean shows may have begun up to 14:00, and at any time since the last normal hour began: [12:00, 14:00],
    hour 5. An onset in (12:00, 13:00] would be shown by that mean and none other: that hour counts under hour 5 too,
    and is the one at risk. Every hour counts under its end: 18 before the dose, from 1/08:00 to 2/01:00.
    """
    hourly = "{} 1/00:00..2/12:00 {}~1 2/13:00 {}~1"
    chart = "\n".join(("dose 2/08:00", hourly.format("TEMP", 37.0, 38.6), hourly.format("OXYSAT", 97, 88)))
    found = look(chart)
    assert [(one.certainty, one.hour, one.onset_hours) for one in found.cases] == [
        ("definite", 5.0, (4.0, 6.0))
    ]
    assert [(one.in_risk, one.in_control) for one in found.opportunities] == [(1.0, 18.0)]


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


def test_a_window_in_which_nothing_new_could_be_seen_is_observed(look: Look, protocol: StudyProtocol) -> None:
    """A pulse cannot worsen by its definition. Fast from 10:00 to 12:00, it would be new again from 18:00 on.

    The window, 13:00 to 16:00, is charted and so observed: it is evaluable. It is no opportunity.
    """
    shock = {"any_of": [{"vital": "HR", "at_least": 130, "unit": "beats/min"}]}
    case = protocol.case_definition
    parts = {"fever": case.components["fever"], "shock": shock}
    definition = CaseDefinition.model_validate({"name": "shock", "components": parts})
    chart = "dose 08:00\nTEMP 00:00..23:00 37.0\nHR 00:00..09:00 80  10:00..12:00 140  13:00..23:00 80"
    found = look(chart, under=protocol.model_copy(update={"case_definition": definition}))
    assert found.doses[["window", "risk_observed_hours"]].to_numpy().tolist() == [["evaluable", 3.0]]
    assert [one.in_risk for one in found.opportunities] == [0.0]


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
