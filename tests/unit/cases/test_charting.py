"""How often tests are charted, and what would have sufficed, by hand: doses at hour 0, risk window [5, 8)."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from checks.cases.charting import Charting, charting
from checks.protocol import load_protocol
from checks.tables import MEASUREMENTS, SUBJECTS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DOSE = pd.Timestamp("2026-03-02T08:00Z")
CUTOFF = datetime(2026, 3, 20, tzinfo=UTC)


def at(hour):
    return DOSE + pd.Timedelta(hours=hour)


def charted(measured, *, sites=None, doses=None, cutoff=CUTOFF):
    """Chart each (subject, test) at its hours; without ``doses`` every subject is dosed at hour 0."""
    names = sorted({subject for subject, _ in measured})
    sites = sites or {}
    readings = [
        ("VS", subject, str(hour), test, 37.0, None, "", None, at(hour), at(hour), True)
        for (subject, test), hours in measured.items()
        for hour in hours
    ]
    people = [(name, sites.get(name, "FR01"), "UTC", None, None) for name in names]
    given = [(name, hour, hour) for name in names for hour in (0,)] if doses is None else doses
    opened = pd.DataFrame(given, columns=["USUBJID", "start_earliest", "start_latest"])
    for column in ("start_earliest", "start_latest"):
        opened[column] = pd.to_datetime([at(hour) for hour in opened[column]], utc=True)
    measurements, subjects = (
        contract.conform(pd.DataFrame(rows, columns=list(contract.columns)))
        for contract, rows in ((MEASUREMENTS, readings), (SUBJECTS, people))
    )
    return charting(measurements, subjects, opened, PROTOCOL, cutoff)


def only(measured, **given):
    both, one = charted(measured, **given)
    assert (both.SITEID, one.SITEID) == (None, "FR01")
    return both


def test_the_intervals_of_each_test_are_told_by_component():
    hourly = range(11)
    found = charted(
        {("S1", "TEMP"): hourly, ("S1", "RESP"): [0, 2, 4, 8], ("S1", "FIO2"): [0, 1], ("S1", "HR"): [0, 1]}
    )
    assert [(one.component, one.test, one.SITEID, one.intervals, one.median_hours) for one in found] == [
        ("fever", "TEMP", None, 10, 1.0),
        ("fever", "TEMP", "FR01", 10, 1.0),
        ("respiratory_distress", "RESP", None, 3, 2.0),
        ("respiratory_distress", "RESP", "FR01", 3, 2.0),
    ], "oxygen alone observes no component of other tests, and heart rate is none of the definition"


def test_nine_of_ten_intervals_lie_between_the_two_ends():
    hours = [0]
    for interval in range(
        1, 22
    ):  # 1 to 21 h: a twentieth of the 20 steps from the lowest is 2, from the highest 20
        hours.append(hours[-1] + interval)
    found = only({("S1", "TEMP"): hours})
    assert (found.low_hours, found.median_hours, found.high_hours) == pytest.approx((2, 11, 20))


@pytest.mark.parametrize(
    ("hours", "sufficient"),
    [
        (range(0, 20), 1.0),
        ([4, 8], 4.0),
        ([0, 6.5], 6.5),  # half of the window, and so enough
        ([0, 6], None),  # a third of it
        ([0, 6, 7.5], 1.5),  # half of it by the shorter gap alone
        ([5, 6, 8], 2.0),  # a third by the gap of one hour, all by that of two
        ([0, 4], None),
        ([9, 12], None),
    ],
)
def test_what_would_have_sufficed_observes_half_of_the_window(hours, sufficient):
    found = only({("S1", "TEMP"): hours})
    assert (found.windows, found.sufficient_hours) == (1, sufficient)
    assert found.observed == (sufficient is not None and sufficient <= found.fresh_hours)


def test_half_of_the_windows_are_enough():
    hours = {
        ("S1", "OXYSAT"): [4, 8],
        ("S2", "OXYSAT"): [0, 9],
        ("S3", "OXYSAT"): [1, 8],
        ("S4", "OXYSAT"): [0, 4],
    }
    everywhere = charted(hours)[0]
    assert everywhere.sufficient_hours == 7.0, "4, 7, 9 and never: the second of four"
    assert (everywhere.windows, everywhere.observed, everywhere.fresh_hours) == (4, 1, 6.0)


def test_each_site_is_told_of_its_own_charts_and_windows():
    hours = {("S1", "TEMP"): [4, 8], ("S2", "TEMP"): [0, 12], ("S3", "TEMP"): [4, 6, 8]}
    found = charted(hours, sites={"S2": "US01"})
    assert [(one.SITEID, one.intervals, one.windows, one.sufficient_hours) for one in found] == [
        (None, 4, 3, 4.0),
        ("FR01", 3, 2, 2.0),
        ("US01", 1, 1, 12.0),
    ]


@pytest.mark.parametrize(
    ("doses", "cutoff", "windows"),
    [
        ([("S1", 0, 0), ("S1", 24, 24)], CUTOFF, 2),
        (
            [("S1", 0, 0), ("S1", 24, 24)],
            (DOSE + pd.Timedelta(hours=31)).to_pydatetime(),
            1,
        ),  # it closes at 32
        ([("S1", 0, 10)], CUTOFF, 0),  # a start without a time has no window
        ([("S9", 0, 0)], CUTOFF, 0),  # no subject of the study
    ],
)
def test_windows_are_those_that_have_elapsed(doses, cutoff, windows):
    assert only({("S1", "TEMP"): range(40)}, doses=doses, cutoff=cutoff).windows == windows


def test_who_was_never_measured_twice_tells_of_no_interval():
    assert charted({("S1", "TEMP"): [3], ("S2", "TEMP"): [5]}) == ()
    assert all(isinstance(one, Charting) for one in charted({("S1", "TEMP"): [3, 4]}))
