"""Doses are numbered and timed, and their windows judged, from administrations alone."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checks.cases.dose_windows import (
    control_blocks,
    control_spans,
    judge_windows,
    number_doses,
    observed_everywhere,
    observed_spans,
    risk_windows,
    subject_codes,
    trusted_doses,
    with_cases,
)
from checks.cases.spans import HOUR, Spans, place
from checks.protocol import load_protocol
from checks.tables import ADMINISTRATIONS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")
KNOWN = pd.Index(["A", "B"])


def administrations(*rows):
    """Rows of (subject, earliest hour, latest hour, trusted), hours since the first midnight."""
    table = pd.DataFrame(
        [
            (
                subject,
                str(place),
                *(DAY + pd.Timedelta(hours=hour) for hour in span),
                None,
                None,
                None,
                trusted,
            )
            for place, (subject, *span, trusted) in enumerate(rows)
        ],
        columns=list(ADMINISTRATIONS.columns),
    )
    return ADMINISTRATIONS.conform(table)


def exact(subject, *hours):
    return [(subject, hour, hour, True) for hour in hours]


def hour_spans(*pairs):
    """Spans of the subject with code 0, in hours since the first midnight."""
    epoch = int(DAY.timestamp())
    edges = np.array([[epoch + low * HOUR, epoch + high * HOUR] for low, high in pairs], np.int64).reshape(
        -1, 2
    )
    codes = np.zeros(len(edges), np.int64)
    return Spans(place(codes, edges[:, 0]), place(codes, edges[:, 1]))


def in_hours(spans):
    origin = place(np.array([0]), np.array([int(DAY.timestamp())]))[0]
    return [
        ((start - origin) / HOUR, (end - origin) / HOUR)
        for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    ]


def test_doses_are_numbered_by_subject_in_order_of_start():
    doses = number_doses(administrations(*exact("B", 30), *exact("A", 50, 2, 26)))
    assert doses[["USUBJID", "dose_number"]].to_numpy().tolist() == [["A", 1], ["A", 2], ["A", 3], ["B", 1]]
    assert doses["hours_end"].tolist() == [24.0, 24.0, np.inf, np.inf]


def test_one_instant_is_one_dose_and_trusted_where_any_row_is():
    doses = number_doses(administrations(("A", 2, 2, False), ("A", 2, 2, True)))
    assert doses["trusted"].tolist() == [True]


def test_hours_end_where_the_next_dose_may_begin():
    """The second dose is on the second day (24 to 47.9997): it may begin 22 h after the first."""
    doses = number_doses(administrations(("A", 2, 2, True), ("A", 24, 47.9997, True), ("A", 60, 60, True)))
    assert doses["hours_end"].tolist() == pytest.approx([22.0, 12.0, np.inf], abs=1e-3)


def test_hours_are_never_negative():
    """A dose of unknown time on the day of another may have come after it."""
    doses = number_doses(administrations(("A", 0, 23.9997, True), ("A", 8, 8, True)))
    assert doses["hours_end"].tolist() == [0.0, np.inf]


def test_a_dose_in_quarantine_keeps_its_number_and_ends_no_trusted_hours():
    doses = number_doses(administrations(("A", 2, 2, True), ("A", 8, 8, False), ("A", 26, 26, True)))
    trusted = trusted_doses(doses)
    assert trusted["dose_number"].tolist() == [1, 3]
    assert trusted["hours_end"].tolist() == [24.0, np.inf]
    assert doses["hours_end"].tolist() == [6.0, 18.0, np.inf]


def test_a_risk_window_ends_with_the_next_dose():
    """Windows of doses at 0, 6 and 10: 5 to 6 (ended), 11 to 14 cut by nothing, none where the next comes first."""
    doses = number_doses(administrations(*exact("A", 0, 6, 10)))
    codes = subject_codes(doses["USUBJID"], KNOWN)
    assert in_hours(risk_windows(doses, codes, PROTOCOL)) == [(5, 6), (11, 11), (15, 18)]


def test_control_hours_are_a_union_without_risk_windows():
    """Doses at 24 and 48: 0 to 18, 24 to 29 and 32 to 42 (before the second), 36 to 48, 60 to 96."""
    doses = number_doses(administrations(*exact("A", 24, 48)))
    control = control_spans(doses, subject_codes(doses["USUBJID"], KNOWN), PROTOCOL)
    assert in_hours(control) == [(0, 18), (24, 29), (32, 48), (60, 96)]


def test_a_dose_without_a_time_has_no_control_hours():
    doses = number_doses(administrations(("A", 0, 23.9997, True)))
    control = control_spans(doses, subject_codes(doses["USUBJID"], KNOWN), PROTOCOL)
    assert in_hours(control) == []


def test_blocks_tile_each_stretch_of_control_hours():
    """8 h hold two blocks of 3 h and one of 2; each pseudo-dose lies 5 h before its block."""
    blocks = control_blocks(hour_spans((10, 18), (30, 33)), PROTOCOL)
    assert in_hours(Spans(blocks.starts, blocks.ends)) == [(10, 13), (13, 16), (16, 18), (30, 33)]
    assert in_hours(Spans(blocks.anchors, blocks.starts)) == [(5, 10), (8, 13), (11, 16), (25, 30)]
    assert blocks.last.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], []),
        ([3], [(3, 5)]),
        ([3, 7], [(3, 9)]),
        ([3, 7.01], [(3, 5), (7.01, 9.01)]),
        ([7, 3, 5], [(3, 9)]),
    ],
    ids=["none", "one", "four hours apart", "more than four hours apart", "out of order"],
)
def test_readings_observe_until_the_next_or_for_half_the_gap(hours, expected):
    epoch = int(DAY.timestamp())
    times = np.array([epoch + round(hour * HOUR) for hour in hours], np.int64)
    zeros = np.zeros(len(times), np.int64)
    assert in_hours(observed_spans(zeros, times, zeros, max_gap_hours=4.0)) == expected


def test_everything_is_observed_where_every_component_is():
    cutoff = datetime(2026, 3, 2, 7, tzinfo=UTC)
    found = observed_everywhere([hour_spans((1, 6), (6.5, 9)), hour_spans((2, 9))], np.array([0]), cutoff)
    assert in_hours(found) == [(2, 6), (6.5, 7)]


@pytest.mark.parametrize(
    ("observed", "cutoff_hour", "expected"),
    [
        ([(0, 24)], 8, ("evaluable", 3.0)),
        ([(0, 24)], 7, ("open", 3.0)),
        ([(0, 6.5)], 8, ("evaluable", 1.5)),
        ([(0, 6.4)], 8, ("unobserved", 1.4)),
        ([(5, 5.8), (7, 7.8)], 8, ("evaluable", 1.6)),
        ([], 8, ("unobserved", 0.0)),
    ],
    ids=["all", "not elapsed", "half", "less than half", "in two pieces", "nothing"],
)
def test_a_window_is_evaluable_open_or_unobserved(observed, cutoff_hour, expected):
    doses = number_doses(administrations(*exact("A", 0)))
    cutoff = (DAY + pd.Timedelta(hours=cutoff_hour)).to_pydatetime()
    judged = judge_windows(doses, hour_spans(*observed), KNOWN, PROTOCOL, cutoff)
    assert judged["window"].tolist() == [expected[0]]
    assert judged["risk_observed_hours"].tolist() == pytest.approx([expected[1]])


def test_a_case_makes_an_unobserved_window_evaluable_and_leaves_an_open_one_open():
    doses = pd.DataFrame(
        {"USUBJID": ["A", "A", "B"], "dose_number": [1, 2, 1], "window": ["unobserved", "open", "unobserved"]}
    )
    assert with_cases(doses, {("A", 1), ("A", 2)})["window"].tolist() == ["evaluable", "open", "unobserved"]
