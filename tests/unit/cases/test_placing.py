"""Cases under their doses, in the risk window or beside it: half-open, so that an instant is never two; by hand.

Risk window 5 to 8 h, control windows -24 to -6 h and 12 to 48 h since a dose.
"""

import pytest
from charts_by_hand import GOOD, instant

from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.pairing import Composite
from checks.cases.placing import Dose, Marked, Windows, case_under, control_event, listed_under

WINDOWS = Windows(
    GOOD.model_copy(
        update={"risk_window_hours": (5.0, 8.0), "control_windows_hours": ((-24.0, -6.0), (12.0, 48.0))}
    )
)
JUST = 0.01


def composite(low, high=None, *, definite=True, timed=True):
    """One onset that began between two hours, and was seen at the later."""
    first, last = instant(low), instant(low if high is None else high)
    why = Why.NEW if definite else Why.BACK
    return Composite(0, {"fever": Onset(first, last, last, definite, why, ("VS:VSSEQ=1",), timed=timed)})


def doses(*starts):
    """Doses at these hours, or somewhere in these spans of hours."""
    spans = [one if isinstance(one, tuple) else (one, one) for one in starts]
    return [
        Dose(number, instant(low), instant(high), separate=True)
        for number, (low, high) in enumerate(spans, start=1)
    ]


def listed(case, *starts):
    """Return the case under its dose; None where it is listed under none."""
    given = doses(*starts)
    dose = listed_under(case, given, WINDOWS)
    return dose and case_under(Marked(case, able=True, block=None), dose, given, "S", WINDOWS, None)


def beside(case, *starts):
    return control_event(Marked(case, able=True, block=None), doses(*starts), "S", WINDOWS)


@pytest.mark.parametrize(
    ("low", "high", "window", "surely"),
    [
        (6, 6, "yes", True),
        (5, 5, "yes", True),
        (5 - JUST, 5 - JUST, "no", False),
        (8 - JUST, 8 - JUST, "yes", True),
        (8, 8, "no", False),
        # the middle decides, and whether the whole interval is inside
        (4, 6, "yes", False),  # 5
        (4, 6 - JUST, "possible", False),
        (5, 8, "yes", False),  # its latest is no longer inside
        (7, 9 - JUST, "yes", False),
        (7, 9, "possible", False),  # 8
        (4, 5, "possible", False),  # its latest may be 5
        (4, 5 - JUST, "no", False),
        (8, 12, "no", False),
    ],
)
def test_an_hour_is_in_the_risk_window_or_not(low, high, window, surely):
    case = listed(composite(low, high), 0)
    assert (case.in_risk_window, case.surely, case.certainty) == (window, surely, "definite")
    assert (case.hour, case.onset_hours) == (pytest.approx((low + high) / 2), (low, high))


def test_a_possible_case_in_the_window_is_possible():
    assert listed(composite(6, definite=False), 0).in_risk_window == "possible"
    assert listed(composite(20, definite=False), 0).in_risk_window == "no"


def test_a_case_of_which_days_alone_are_known_has_no_hour():
    case = listed(composite(0, 24, timed=False), 0)
    assert (case.hour, case.in_risk_window, case.onset_hours) == (None, "possible", (0, 24))


def test_a_dose_whose_time_is_not_known_makes_a_case_possible():
    """The dose between 0 and 12 h, the case at 14 h: 2 to 14 h after it."""
    case = listed(composite(14), (0, 12))
    assert (case.certainty, case.in_risk_window, case.hour, case.onset_hours) == (
        "possible",
        "possible",
        None,
        (2, 14),
    )


def test_a_case_is_not_surely_of_a_dose_that_may_be_the_one_before_going_on():
    dose = Dose(1, instant(0), instant(0), separate=False)
    case = case_under(Marked(composite(6), able=True, block=None), dose, [dose], "S", WINDOWS, None)
    assert (case.in_risk_window, case.surely) == ("yes", False)


@pytest.mark.parametrize(
    ("low", "high", "starts", "dose"),
    [
        (6, 6, (0, 4), 1),  # in the window of the first, 2 h after the second
        (11, 11, (0, 4), 2),
        (7, 7, (0, 1), 2),  # in both: the latest
        (20, 20, (0, 4), 2),  # in none: the last before it
        (7.5, 10, (0, 8.5), 1),  # 8.75 is in none, but it may have been in that of the first
        (0, 0, (0, 4), 1),
        (-1, -1, (0, 4), None),  # before the first dose
        (-2, 1, (0, 4), None),
        (-2, 2, (0, 4), 1),
    ],
)
def test_a_case_is_listed_under_the_latest_dose_whose_window_holds_it(low, high, starts, dose):
    case = listed(composite(low, high), *starts)
    assert (case and case.dose_number) == dose


def test_a_day_is_listed_where_its_latest_hour_is():
    assert listed(composite(-20, 3, timed=False), 0).dose_number == 1
    assert listed(composite(-20, -1, timed=False), 0) is None


def test_every_other_dose_of_the_two_days_before_is_named():
    case = listed(composite(60), 10, 12, 40, 54, 61)
    assert case.dose_number == 4
    assert [(one.dose_number, one.hour) for one in case.other_doses] == [(2, 48), (3, 20)]


@pytest.mark.parametrize(
    ("hour", "starts", "dose"),
    [
        (-24, (0,), 1),
        (-24 - JUST, (0,), None),
        (-6 - JUST, (0,), 1),
        (-6, (0,), None),
        (12, (0,), 1),
        (12 - JUST, (0,), None),
        (48 - JUST, (0,), 1),
        (48, (0,), None),
        (6, (0,), None),
        # control hours of one dose, but in the risk window of another
        (26, (0, 20), None),
        # of two doses whose control hours hold it the nearest; of two as near the earlier
        (14, (0, 20), 1),  # six hours before the second is no control hour
        (13.9, (0, 20), 2),
        (20, (0, 40), 1),
        (20.1, (0, 40), 2),
    ],
)
def test_a_case_is_an_event_in_control_hours_of_the_nearest_dose(hour, starts, dose):
    event = beside(composite(hour), *starts)
    assert (event and event.dose_number) == dose
    assert event is None or (event.counted, event.surely) == (True, True)


@pytest.mark.parametrize(
    ("low", "high", "counted", "surely"),
    [
        (12, 13, True, True),
        (11, 14, True, False),  # 12.5
        (10, 13, False, False),  # 11.5 is in none, but it may have been at 12
        (7, 20, True, False),  # 13.5, but it may have been at risk
        (47, 48, True, False),
        (47, 49, False, False),
    ],
)
def test_an_event_in_control_hours_counts_by_its_middle_and_surely_by_its_whole(low, high, counted, surely):
    event = beside(composite(low, high), 0)
    assert (event.counted, event.surely) == (counted, surely)


def test_a_possible_case_may_be_an_event_in_control_hours():
    event = beside(composite(20, definite=False), 0)
    assert (event.counted, event.surely, event.hour) == (False, False, 20)
    day = beside(composite(12, 36, timed=False), 0)
    assert (day.counted, day.hour) == (False, None)


def test_a_dose_whose_time_is_not_known_leaves_open_whether_an_hour_is_control():
    """The second dose between 0 and 24 h: 20 h may be in its risk window."""
    event = beside(composite(20), 0, (0, 24))
    assert (event.dose_number, event.counted, event.surely) == (1, False, False)


@pytest.mark.parametrize(("hour", "before"), [(-10, 1), (20, 2), (39, 2), (46, None), (70, None)])
def test_an_event_in_control_hours_lies_before_the_risk_window_that_comes_next(hour, before):
    """Doses at 0 and 40 h: the second's risk window begins at 45 h."""
    event = beside(composite(hour), 0, 40)
    assert (event and event.before) == before
