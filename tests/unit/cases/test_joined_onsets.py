"""Reports and measurements date one onset: by intersection, by the hull, or each its own. Times in hours."""

from checks.cases.joined_onsets import Onset, merge_reports

HOUR = 3600


def onset(low, high, *, seen="latest", certain=True, evidence="VS"):
    when = high if seen == "latest" else seen
    seen_at = None if when is None else int(when * HOUR)
    return Onset(int(low * HOUR), int(high * HOUR), seen_at, certain, (evidence,))


def reported(low, high=None, evidence="AE"):
    """A timed report, or one that spans hours and is not certain."""
    if high is None:
        return onset(low, low, evidence=evidence)
    return onset(low, high, seen=None, certain=False, evidence=evidence)


def merged(measured, reports, present=()):
    times = [int(hour * HOUR) for hour in present]
    found = merge_reports(measured, times, reports, washout_hours=6.0)
    return [
        (
            one.earliest / HOUR,
            one.latest / HOUR,
            None if one.seen is None else one.seen / HOUR,
            one.certain,
            one.query,
            one.evidence,
        )
        for one in found
    ]


def test_without_reports_the_measured_onsets_stand():
    assert merged([onset(5, 6)], []) == [(5, 6, 6, True, False, ("VS",))]


def test_a_report_within_the_interval_is_the_intersection():
    assert merged([onset(5, 6)], [reported(5.5)]) == [(5.5, 5.5, 5.5, True, False, ("VS", "AE"))]


def test_a_date_only_report_leaves_a_measured_onset_as_it_is():
    assert merged([onset(5, 6)], [reported(0, 16)]) == [(5, 6, 6, True, False, ("VS", "AE"))]


def test_disjoint_reports_give_the_hull_and_a_query():
    assert merged([onset(5, 6)], [reported(8)]) == [(5, 8, 6, True, True, ("VS", "AE"))]
    assert merged([onset(5, 6)], [reported(2)]) == [(2, 6, 2, True, True, ("VS", "AE"))]


def test_a_report_a_washout_away_is_another_onset():
    assert merged([onset(5, 6)], [reported(12)]) == [
        (5, 6, 6, True, False, ("VS",)),
        (12, 12, 12, True, False, ("AE",)),
    ]


def test_a_report_dates_the_nearest_onset():
    first, second = onset(0, 1, evidence="VS1"), onset(9, 10, evidence="VS2")
    assert [one[-1] for one in merged([first, second], [reported(6)])] == [("VS1",), ("VS2", "AE")]


def test_a_report_of_what_was_already_present_is_no_onset():
    """Fever was measured at hour 2 and was not new then: a report within 6 h after tells of the same fever."""
    assert merged([], [reported(5)], present=[2]) == []
    assert merged([], [reported(8)], present=[2]) == [(8, 8, 8, True, False, ("AE",))]
    assert merged([], [reported(1)], present=[2]) == [(1, 1, 1, True, False, ("AE",))]


def test_a_timed_report_makes_an_uncertain_onset_certain():
    assert merged([onset(5, 6, certain=False)], [reported(5.5)])[0][3] is True


def test_two_reports_of_one_day_are_one_onset():
    found = merged([], [reported(3, evidence="AE1"), reported(0, 16, evidence="AE2")])
    assert found == [(3, 3, 3, True, False, ("AE1", "AE2"))]


def test_the_order_of_reports_changes_nothing():
    reports = [reported(3, evidence="AE1"), reported(4.5, evidence="AE2"), reported(0, 16, evidence="AE3")]
    assert merged([onset(5, 6)], reports) == merged([onset(5, 6)], reports[::-1])
