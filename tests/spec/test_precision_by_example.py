"""What becomes of a case when a time is known less exactly: charts are read as ``conftest`` says.

In every example a fever at 14:00 and a low saturation at 14:15 follow a dose at 08:00: hours 6 and 6.25.
"""

from collections.abc import Callable

import pandas as pd
import pytest

from checks.cases import Findings
from checks.instants import parse_stamps

Look = Callable[..., Findings]
DOSE = "dose 08:00"
TEMP = "TEMP 07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5"
OXYSAT = "OXYSAT 07:00 97  10:00 97  13:00 96  14:00 96  14:15 88"

# What is known less exactly -> (certainty, in the risk window) of the case of dose 1.
CHARTS = {
    "all to the minute": ((DOSE, TEMP, OXYSAT), ("definite", "yes")),
    "the dose's day alone": (("dose 1/", TEMP, OXYSAT), ("possible", "possible")),
    "the fever's day alone": ((DOSE, TEMP.replace("14:00", "1/"), OXYSAT), ("possible", "possible")),
    "fever and saturation by day": (
        (DOSE, TEMP.replace("14:00", "1/"), OXYSAT.replace("14:15", "1/")),
        ("possible", "possible"),
    ),
    # 38.1 is a rise of 1.1 over 37.0, by whichever baseline the day allows; 38.0 C is needed beside it.
    "a rise, and the dose's day alone": (
        ("dose 1/", TEMP.replace("38.5", "38.1"), OXYSAT),
        ("possible", "possible"),
    ),
    "a rise without its hour": (
        (DOSE, TEMP.replace("14:00 38.5", "1/ 38.1"), OXYSAT),
        ("possible", "possible"),
    ),
    # A window is not cut by the next dose, whenever that was.
    "the next dose's day alone": (("dose 08:00 1/", TEMP, OXYSAT), ("definite", "yes")),
    # A reading that cannot be read, of that day: it could have been a fever.
    "an unreadable reading without its hour": (
        (DOSE, "TEMP 07:00 37.0  1/ nan?", OXYSAT),
        ("possible", "possible"),
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_case_known_less_exactly_is_possible_not_gone(name: str, look: Look) -> None:
    lines, expected = CHARTS[name]
    found = look("\n".join(lines))
    assert expected in {(case.certainty, case.in_risk_window) for case in found.cases}, name


def test_what_is_known_to_the_minute_is_not_made_possible_by_a_day_of_another(look: Look) -> None:
    chart = "\n".join((DOSE, TEMP, OXYSAT, "AE 5/ PYREXIA"))
    (case,) = (case for case in look(chart).cases if case.in_risk_window != "no")
    assert (case.certainty, case.surely, case.hour) == ("definite", True, 6.125)


# Fever charted by the hour alone, and again to the minute: it may have begun with the first, from the last normal on.
TWICE = {
    "before the window": ("TEMP 07:00 37.0  10:00 37.0  12h 38.5  15:05 37.0  15:10 38.5", False),
    "in the window": ("TEMP 07:00 37.0  13:30 37.0  14h 38.5  15:05 37.0  15:10 38.5", True),
    "the washout before": ("TEMP 01:00 37.0  07:30 37.0  8h 38.5  15:05 37.0  15:10 38.5", True),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_fever_that_may_have_been_there_before_is_sure_only_where_that_changes_nothing(
    name: str, look: Look
) -> None:
    chart, surely = TWICE[name]
    found = look("\n".join((DOSE, chart, "OXYSAT 07:00 97  10:00 97  13:00 96  15:00 96  15:10 88"))).cases
    (case,) = (case for case in found if case.certainty == "definite")
    assert (case.in_risk_window, case.surely, case.hour) == ("yes", surely, 7.125)


def test_a_date_tells_of_the_fever_that_was_measured_that_day(look: Look) -> None:
    """The fever began at 23:00, 8.75 h after the low saturation: the report of that day tells of no earlier one."""
    chart = "\n".join((DOSE, "TEMP 07:00 37.0  22:00 37.0  23:00 38.6", OXYSAT, "AE 1/ PYREXIA"))
    assert [(case.why["fever"], case.in_risk_window) for case in look(chart).cases] == [("new", "no")]


DAYTIME = "TEMP 00:00 37.0  04:00 37.0  07:00 37.0  22:00 37.0"
CALM = "OXYSAT 00:00 97  04:00 97  07:00 97  13:00 96  22:00 96"

# A possible case of hours 5 to 8 is listed, whatever else is told of its day.
MAY_BE = {
    # 38.9 at 02:00 is a fever of its own; that of the day may have been at 14:00, as the saturation fell.
    "a fever is measured earlier on the day": "\n".join(
        (DOSE, "TEMP 00:00 37.0  02:00 38.9  03:00 38.8  05:00 37.0  07:00 37.0  1/ 38.5  22:00 37.0", OXYSAT)
    ),
    # Charted as of "16h" the saturation was low by 16:59, and may have fallen from 14:00 on.
    "an hour alone": "\n".join((DOSE, DAYTIME, "AE 15:30 PYREXIA", OXYSAT.replace("14:15", "1/16h"))),
    # One fever of the day and two falls: it belongs to one of them, nobody knows to which.
    "two falls on the day": "\n".join(
        (
            DOSE,
            DAYTIME,
            "AE 1/ PYREXIA",
            CALM.replace("13:00 96", "13:00 96  14:00 86  15:00 97  18:00 97  20:00 86"),
        )
    ),
    # Seen by the end of the day, the evening's case is no reason to leave out that of 02:00: hour 6.
    "a day before the night": "\n".join(
        (
            "dose 20:00",
            CALM + "  2/01:00 96  2/02:00 85  2/03:00 97",
            "AE 1/ DYSPNOEA  1/21:00 PYREXIA  2/02:10 PYREXIA",
        )
    ),
    # Short of breath for days: a fever of that day is half a case.
    "the day of half a case": "\n".join(
        (DOSE, "AE -2/ DYSPNOEA", "TEMP -1/08:00 37.0  1/ 38.9", "OXYSAT 00:00 97")
    ),
}


@pytest.mark.parametrize("name", MAY_BE)
def test_what_may_be_a_case_in_the_window_is_listed(name: str, look: Look) -> None:
    assert "possible" in {case.in_risk_window for case in look(MAY_BE[name]).cases}, name


HOT = "TEMP -1/20:00 37.0  -1/22:00 38.9  2:00 38.8  6:00 38.9  10:00 38.8  {}  18:00 38.9  22:00 38.8"

# The fever of the day before lasts all day: a temperature of that day begins none, but where it may be a worse one.
ALL_ALONG = {"no worse": ("12h 38.7", "half"), "may be worse": ("12h 39.9", "untimed")}


@pytest.mark.parametrize("name", ALL_ALONG)
def test_a_temperature_without_its_time_begins_nothing_where_the_fever_goes_on(name: str, look: Look) -> None:
    value, why = ALL_ALONG[name]
    cases = look("\n".join((DOSE, HOT.format(value), OXYSAT))).cases
    assert {case.why["fever"] for case in cases} == {why}, name


def test_an_episode_of_which_the_hour_alone_is_charted_is_one_possible_case(look: Look) -> None:
    """Fever and a low saturation from 14h to 23h: they began with the first of each."""
    ill = "  ".join(f"{hour}h {{0}}" for hour in range(14, 24))
    temp, oxysat = (
        f"{test} 13:00 {well}  " + ill.format(sick)
        for test, well, sick in (("TEMP", 37.0, 38.9), ("OXYSAT", 97, 85))
    )
    (case,) = look("\n".join((DOSE, temp, oxysat))).cases
    assert (case.certainty, case.in_risk_window, case.onset_hours[0]) == ("possible", "possible", 5.0)


def test_two_doses_of_one_day_without_times_do_not_end_each_others_hours(look: Look) -> None:
    """Day 1 and 20:00 of day 1: a case at 02:00 is hour 6 of the one; hours 2 to 26 of the other."""
    night = "TEMP 19:00 37.0  2/00:30 37.0  2/02:00 38.6\nOXYSAT 19:00 97  2/01:00 96  2/02:15 86"
    cases = look(f"dose 20:00 1/\n{night}").cases
    assert {case.in_risk_window for case in cases if case.certainty == "definite"} <= {"yes"}


def test_control_hours_leave_out_what_may_be_a_risk_window(look: Look) -> None:
    """A dose of day 1 without a time may have its hours 5 to 8 from 05:00 on day 1 to 07:59 on day 2."""
    charted = "TEMP 00:00..3/20:00 37.0\nOXYSAT 00:00..3/20:00 97"
    found = look(f"dose 1/ 3/00:00\n{charted}", data_cutoff="3/01:00")
    # Control hours of the dose at 00:00 on day 3: 24 to 6 h before it, day 2 from 00:00 to 18:00; of these
    # those from 07:59:59 on cannot be in the first dose's risk window.
    assert found.hours_in_control == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize(
    ("stamp", "earliest", "latest"),
    [
        # An export wrote each date as UTC midnight, in New York's time: the evening before, winter and summer.
        ("2019-01-14T19:00:00-05:00", "2019-01-15T00:00Z", "2019-01-15T00:00Z"),
        ("2019-07-14T20:00:00-04:00", "2019-07-15T00:00Z", "2019-07-15T00:00Z"),
        ("2016-12--", "2016-12-01T05:00Z", "2017-01-01T04:59:59Z"),
        ("2003---15", "2003-01-01T05:00Z", "2004-01-01T04:59:59Z"),
    ],
)
def test_an_evening_with_its_offset_is_not_a_day_early(stamp: str, earliest: str, latest: str) -> None:
    read = parse_stamps(pd.Series([stamp]), "America/New_York").iloc[0]
    assert (read["earliest"], read["latest"]) == (pd.Timestamp(earliest), pd.Timestamp(latest))
