"""Measurements of one test of one subject follow one another: one entry an instant, in order of time."""

import numpy as np
import pandas as pd
import pytest
from charts_by_hand import DAY, DISTRESS, FEVER, KNOWN, hours_of, measurements, protocol

from checks.cases.series import medians_by, rows_of, series_of, spread, trailing_medians
from checks.cases.spans import HOUR


def criteria(component):
    return protocol(one=component).case_definition.components["one"].measured


def series(*tables, component=FEVER):
    table = pd.concat(tables, ignore_index=True)
    return series_of(rows_of(table, KNOWN, criteria(component), doubtful=False))


def test_measurements_at_one_instant_are_one_entry():
    one = series(measurements({"TEMP": "0 37.0, 0 39.0, 0 38.0, 1 36.0"}))
    assert hours_of(one.axis) == [0, 1]
    assert (one.lows.tolist(), one.medians.tolist(), one.highs.tolist()) == ([37, 36], [38, 36], [39, 36])


def test_entries_are_in_order_of_subject_test_and_time_in_whichever_order_they_come():
    """Of A the saturation of 3 and 1 h, and the rate of 2 h; of B a saturation of 0 h."""
    tables = [measurements({"RESP": "2 16", "OXYSAT": "3 97, 1 96"}), measurements({"OXYSAT": "0 95"}, "B")]
    one = series(*tables[::-1], component=DISTRESS)
    assert (one.medians.tolist(), hours_of(one.axis)) == ([96, 97, 16, 95], [1, 3, 2, 0])
    assert one.first.tolist() == [True, False, True, True]
    assert one.last.tolist() == [False, True, True, True]
    assert (one.to_next[0], one.since_previous[1]) == (2 * HOUR, 2 * HOUR)
    assert (one.to_next[1:] > 10**9).all() and (one.since_previous[[0, 2, 3]] > 10**9).all()
    assert (np.diff(one.line) > 0).all()


@pytest.mark.parametrize(
    ("charted", "medians"),
    [
        (
            "0 36, 6 38, 12 40",
            [None, 36, 37],
        ),  # at 12 h those of 0 and 6 h: twelve hours ago counts, now does not
        ("0 36, 6 38, 12.01 40", [None, 36, 38]),
        ("0 36, 1 37, 2 41, 3 37", [None, 36, 36.5, 37]),
        (
            "0 36, 6 38, 6 39, 6 44, 12 40",
            [None, 36, 37.5],
        ),  # three at one instant count once, by their median: 39
        ("0 36, 13 38", [None, None]),
    ],
)
def test_trailing_medians_are_of_the_hours_before(charted, medians):
    one = series(measurements({"TEMP": charted}))
    found = trailing_medians(one, np.arange(len(one)), 12 * HOUR)
    assert [None if np.isnan(value) else value for value in found] == medians


def test_a_subject_has_no_medians_of_another():
    one = series(measurements({"TEMP": "0 36"}), measurements({"TEMP": "1 38, 2 39"}, "B"))
    assert trailing_medians(one, np.array([1, 2]), 12 * HOUR)[1] == 38
    assert np.isnan(trailing_medians(one, np.array([1]), 12 * HOUR)).all()


def test_rows_that_cannot_be_judged_are_left_out_unless_asked_for():
    """Of eight rows one is of another test, one of no known subject, one of no instant; one has no value."""
    table = measurements({"TEMP": "0 37, 1 38.4, 2 37, 3 37, 4 37", "HR": "0 90"})
    table.loc[2, "latest"] = DAY + pd.Timedelta(hours=20)
    table.loc[3, "value"] = np.nan
    table.loc[4, "alternative"] = 39.0
    rows = pd.concat([table, measurements({"TEMP": "0 40"}, "STRANGER")], ignore_index=True)
    kept = rows_of(rows, KNOWN, criteria(FEVER), doubtful=False)
    assert (kept.numbers.tolist(), kept.perhaps_abnormal.any()) == ([0, 1, 4], False)
    worst = rows_of(rows, KNOWN, criteria(FEVER), doubtful=True)
    assert worst.numbers.tolist() == [0, 1, 3, 4]
    assert worst.perhaps_abnormal.tolist() == [False, False, True, True]  # not judged; 39 C in another unit


def test_medians_by_owner_leave_out_what_is_not_known():
    values = np.array([3.0, 1.0, np.nan, 2.0, 10.0, 20.0])
    found = medians_by(np.array([0, 0, 0, 0, 2, 2]), values, 3)
    assert (found[0], np.isnan(found[1]), found[2]) == (2.0, True, 15.0)


def test_ranges_are_spread_over_their_elements():
    owner, place = spread(np.array([2, 0, 3]))
    assert (owner.tolist(), place.tolist()) == ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])
