"""Worked examples at the edges: absence is measured, withheld rows doubt, risk and control hours are alike."""

from collections.abc import Callable

import pytest

from checks.cases import Findings
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component

Look = Callable[..., Findings]


DISTRESS = "OXYSAT 07:00..13:00 97  14:00 96  14:15 88"


def windows(findings: Findings) -> list[tuple[str, str]]:
    return [(case.certainty, case.in_risk_window) for case in findings.cases]


def test_a_fever_charted_every_six_hours_is_not_new_each_time(look: Look) -> None:
    """38.6 at each of six readings: nobody ever measured that the fever was gone."""
    chart = f"""
    dose   08:00
    TEMP   00:00 38.6  06:00 38.6  12:00 38.6  18:00 38.6  2/00:00 38.6
    {DISTRESS}
    """
    assert ("definite", "yes") not in windows(look(chart))


def test_a_fever_charted_less_often_than_the_washout_is_at_most_possible(look: Look) -> None:
    """Every 8 h: whether it was gone between 08:00 and 16:00 is not known."""
    chart = """
    dose   08:00
    TEMP   00:00 38.6  08:00 38.6  16:00 38.6
    OXYSAT 07:00..13:00 97  15:00 96  15:15 88
    """
    assert windows(look(chart)) == [("possible", "possible")]


def test_a_fever_reported_before_the_dose_is_not_new_after_it(look: Look) -> None:
    """Pyrexia at 07:00, never ended: the line of 12:30 is of the same one, and distress beside it half a case."""
    (case,) = look(f"dose 08:00\n{DISTRESS}\nAE 07:00 PYREXIA  12:30 PYREXIA").cases
    assert (case.certainty, case.why["fever"]) == ("possible", "half")


def test_a_quarantined_dose_changes_no_trusted_hours(look: Look) -> None:
    """Without the row in quarantine the window 13:00 to 16:00 is observed for 3 h."""
    vitals = "TEMP 07:00..20:00 37.0\nOXYSAT 07:00..20:00 97"
    alone = look(f"dose 08:00\n{vitals}")
    beside = look(f"dose 08:00 14:00?\n{vitals}")
    assert beside.hours_in_risk == alone.hours_in_risk == 3.0
    assert beside.doses["window"].tolist()[0] == "evaluable"


def all_of(protocol: StudyProtocol, *criteria: dict[str, object]) -> StudyProtocol:
    """The protocol with a fever that needs all of some criteria."""
    fever = Component.model_validate({"all_of": list(criteria)})
    components = {**protocol.case_definition.components, "fever": fever}
    definition = protocol.case_definition.model_copy(update={"components": components})
    return protocol.model_copy(update={"case_definition": definition})


HOT = {"vital": "TEMP", "at_least": 38.3, "unit": "C"}
FAST = {"vital": "HR", "at_least": 100, "unit": "beats/min"}


def test_all_of_takes_what_is_read_at_one_instant_together(look: Look, protocol: StudyProtocol) -> None:
    """At 14:00 the pulse is fast and the temperature normal again: never both."""
    chart = f"dose 08:00\nTEMP 07:00 37.0 13:00 38.5 14:00 37.0\nHR 07:00 80 13:00 80 14:00 120\n{DISTRESS}"
    assert look(chart, under=all_of(protocol, HOT, FAST)).cases == ()


@pytest.mark.parametrize("last_absent", ["1/11:00", "1/13:30"], ids=["by both", "fast after hot"])
def test_all_of_is_present_where_the_last_readings_agree(
    last_absent: str, look: Look, protocol: StudyProtocol
) -> None:
    """Hot at 13:30, fast at 14:00, half an hour later: both hold at 14:00 (hour 6)."""
    chart = f"""
    dose   08:00
    TEMP   07:00 37.0 {last_absent} {"38.5" if last_absent == "1/13:30" else "37.0"} 14:00 38.5
    HR     07:00 80   11:00 80   14:00 120
    {DISTRESS}
    """
    (case,) = look(chart, under=all_of(protocol, HOT, FAST)).cases
    assert case.components["fever"].onset_hours[1] == 6.0


def test_a_report_early_in_the_hours_counts_alike_in_risk_and_control(look: Look) -> None:
    """Pyrexia at 08:00, normal from 09:00; the same chart lies in control hours of one dose, in risk of another."""
    vitals = """
    TEMP   1/00:00..1/13:00 37.0  1/15:00 38.5  1/16:00 38.5  1/17:00..6/00:00 37.0
    OXYSAT 1/00:00..1/14:30 97    1/15:10 88    1/15:40 88    1/16:00..6/00:00 97
    AE     1/08:00 PYREXIA
    """
    in_control = look(f"dose 2/08:00\n{vitals}").control_events
    in_risk = look(f"dose 1/09:00\n{vitals}").cases
    counted_in_risk = sum(case.in_risk_window == "yes" for case in in_risk)
    assert sum(event.counted for event in in_control) == counted_in_risk == 1


def test_a_rise_against_a_quarantined_baseline_is_possible(look: Look) -> None:
    """38.1 is 1.2 above the median of the withheld 36.5 and of 37.3, and 0.8 above 37.3 alone."""
    chart = f"dose 08:00\nTEMP 07:00 36.5? 13:00 37.3 14:00 38.1\n{DISTRESS}"
    assert windows(look(chart)) == [("possible", "possible")]


def test_a_quarantined_reading_counts_whether_or_not_a_quarantined_dose_was_given(look: Look) -> None:
    """Without the dose of 14:05 the withheld 88 of 14:15 is at hour 6.25 of the first."""
    chart = """
    dose   08:00 14:05?
    TEMP   07:00 37.0  13:00 37.0  14:00 38.5
    OXYSAT 07:00..13:00 97  14:00 96  14:15 88?
    """
    assert ("possible", "possible") in windows(look(chart))


def test_a_quarantined_reading_makes_a_possible_control_event(look: Look) -> None:
    """The best case of a timing rule has every possible control event."""
    chart = """
    dose   2/08:00
    TEMP   1/00:00..6/00:00 37.0  1/14:30 38.5?
    OXYSAT 1/00:00..6/00:00 97    1/15:15 88
    """
    assert [event.counted for event in look(chart).control_events] == [False]
