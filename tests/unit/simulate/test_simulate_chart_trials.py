"""What is counted as seen of a planted case, by cases as a look lists them."""

from types import SimpleNamespace

import pytest

from flows.simulate.chart_trials import how_seen

PLANTED = {
    "USUBJID": "S1",
    "dose_number": 2,
    "dose_start": "2026-01-05T08:00Z",
    "onset_hour": 5.5,
    "both_visible_hour": 6.25,
    "both_in_window": True,
    "abnormal_6h_before": {},
}


def listed(*, subject="S1", dose=2, interval=(5.0, 6.25), window="yes"):
    return SimpleNamespace(USUBJID=subject, dose_number=dose, onset_hours=interval, in_risk_window=window)


@pytest.mark.parametrize(
    ("cases", "seen"),
    [
        ([listed()], "yes"),
        ([listed(window="possible")], "possible"),
        ([listed(window="possible"), listed()], "yes"),
        ([listed(window="no")], "no"),
        ([listed(subject="S2")], "no"),
        ([listed(dose=1)], "no"),
        ([listed(interval=(9.25, 11.0))], "yes"),  # begins 3 h after both were visible
        ([listed(interval=(9.3, 11.0))], "no"),
        ([listed(interval=(1.0, 3.25))], "yes"),
        ([listed(interval=(1.0, 3.2))], "no"),
        ([], "no"),
    ],
)
def test_a_planted_case_is_seen_by_a_case_of_its_dose_near_the_hour_it_became_visible(cases, seen):
    assert how_seen(PLANTED, SimpleNamespace(cases=cases)) == seen


def test_a_case_that_never_became_visible_is_looked_for_at_its_onset():
    hidden = {**PLANTED, "both_visible_hour": None}
    assert how_seen(hidden, SimpleNamespace(cases=[listed(interval=(8.5, 9.0))])) == "yes"
    assert how_seen(hidden, SimpleNamespace(cases=[listed(interval=(8.6, 9.0))])) == "no"
