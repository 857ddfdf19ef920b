"""Hours of each dose that the scan may use, and when events of control hours were first seen, by example."""

import pytest

WATCHED = """
    dose    08:00
    TEMP    00:00..3/23:00 37.0
    OXYSAT  00:00..3/23:00 97
"""
FEVERISH = """
    dose    2/08:00
    TEMP    00:00..2/00:00 37.0   2/00:30 38.6   2/01:00..3/23:00 37.0
    OXYSAT  00:00..2/00:00 97     2/00:45 85     2/01:00..3/23:00 97
"""


def test_a_dose_is_observed_from_its_start_to_the_last_hour_that_a_window_names(look):
    (hours,) = look(WATCHED).dose_hours
    assert (hours.USUBJID, hours.dose_number, hours.observed) == ("S1", 1, ((0.0, 48.0),))


def test_the_next_dose_ends_the_hours_of_the_one_before(look):
    first, second = look(WATCHED.replace("08:00\n", "08:00 2/02:00\n", 1)).dose_hours
    assert first.observed == ((0.0, 18.0),)
    assert second.observed == ((0.0, 47.0),), "to half of max_gap_hours beyond the last reading, at 23:00"


def test_a_gap_of_either_component_is_a_gap(look):
    """OXYSAT rests from 12:00 to 18:00, six hours; the last reading before carries two hours on."""
    chart = WATCHED.replace("OXYSAT  00:00..3/23:00 97", "OXYSAT  00:00..12:00 97  18:00..3/23:00 97")
    (hours,) = look(chart).dose_hours
    assert hours.observed == ((0.0, 6.0), (10.0, 48.0))


def test_the_data_cut_off_ends_what_was_observed(look):
    (hours,) = look(WATCHED, data_cutoff="20:00").dose_hours
    assert hours.observed == ((0.0, 12.0),)


@pytest.mark.parametrize("start", ["2/", "08:00?"])
def test_a_dose_without_a_time_or_in_quarantine_has_no_clock(look, start):
    assert look(WATCHED.replace("dose    08:00", f"dose    {start}")).dose_hours == ()


def test_observed_hours_of_the_risk_window_are_those_of_the_rules(look):
    chart = WATCHED.replace("OXYSAT  00:00..3/23:00 97", "OXYSAT  00:00..12:00 97  18:00..3/23:00 97")
    found = look(chart, WATCHED)
    inside = [min(end, 8.0) - max(start, 5.0) for hours in found.dose_hours for start, end in hours.observed]
    assert sum(span for span in inside if span > 0) == pytest.approx(found.hours_in_risk) == 4.0


def test_a_control_event_was_seen_when_its_later_component_was(look):
    found = look(FEVERISH)
    (event,) = found.control_events
    (dose,) = found.doses["start_earliest"]
    assert event.counted
    assert event.seen == int(dose.timestamp()) - 7 * 3600 - 15 * 60
