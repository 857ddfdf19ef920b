"""The windows of doses are judged by what of them was observed, and hours are never risk and control at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checks.cases.dose_windows import control_spans, judge_windows, windows_of, with_hours_to_next
from checks.cases.series import NEVER
from checks.cases.spans import HOUR, Spans, place
from checks.protocol import load_protocol

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")
LAST_SECOND = 24 - 1 / HOUR


def doses_of(*spans, subject="A"):
    """Doses of a subject that start at an hour, or in a span of hours, since the first midnight."""
    edges = [one if isinstance(one, tuple) else (one, one) for one in spans]
    starts, latest = zip(*edges, strict=True)
    return with_hours_to_next(
        pd.DataFrame(
            {
                "USUBJID": [subject] * len(edges),
                "dose_number": range(1, len(edges) + 1),
                "start_earliest": [DAY + pd.Timedelta(hours=hour) for hour in starts],
                "start_latest": [DAY + pd.Timedelta(seconds=round(hour * HOUR)) for hour in latest],
                "trusted": True,
                "separate": True,
                "rows": 1,
                "EXSEQ": "1",
                "given_hours": 0.0,
                "segments": 1,
                "interruptions": "",
                "ended": pd.Series(pd.NaT, range(len(edges)), "datetime64[s, UTC]"),
            }
        )
    )


def axis(hours):
    """Instants of the subject with code 0, in hours since the first midnight."""
    seconds = [int(DAY.timestamp()) + round(hour * HOUR) for hour in hours]
    return place(np.zeros(len(seconds), np.int64), np.array(seconds, np.int64))


def hour_spans(*pairs):
    return Spans(axis([low for low, _ in pairs]), axis([high for _, high in pairs]))


def in_hours(spans):
    (origin,) = axis([0])
    return [
        ((start - origin) / HOUR, (end - origin) / HOUR)
        for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    ]


def codes(doses):
    return np.zeros(len(doses), np.int64)


def judged(doses, *observed, cutoff, died=None):
    """Return the first dose as it is judged, of a subject that died in a span of hours or lives."""
    death = Spans(*(axis([edge]) for edge in died)) if died else Spans(np.array([NEVER]), np.array([NEVER]))
    now = (DAY + pd.Timedelta(hours=cutoff)).to_pydatetime()
    return judge_windows(doses, codes(doses), hour_spans(*observed), death, PROTOCOL, now).iloc[0]


# --- Hours until the next dose --------------------------------------------------------------------------------


def test_hours_end_where_the_next_dose_may_begin():
    """The second dose is on the second day (24 to 47.9997): it may begin 22 h after the first."""
    doses = doses_of(2, (24, 24 + LAST_SECOND), 60)
    assert doses["hours_end"].tolist() == pytest.approx([22.0, 12.0, np.inf], abs=1e-3)


def test_hours_are_never_negative():
    """A dose of unknown time on the day of another may have come after it."""
    assert doses_of((0, LAST_SECOND), 8)["hours_end"].tolist() == [0.0, np.inf]


def test_hours_end_with_the_next_dose_of_the_same_subject():
    doses = with_hours_to_next(pd.concat([doses_of(2), doses_of(8, subject="B")]))
    assert doses["hours_end"].tolist() == [np.inf, np.inf]


# --- Risk and control hours -----------------------------------------------------------------------------------


def test_a_risk_window_is_not_cut_by_the_next_dose():
    """Of doses at 0, 6 and 10 the windows are 5 to 8, 11 to 14 and 15 to 18."""
    assert in_hours(windows_of(axis([0, 6, 10]), 5, 8)) == [(5, 8), (11, 14), (15, 18)]


def test_control_hours_are_a_union_without_risk_windows():
    """Doses at 24 and 48: 0 to 18 and 24 to 42 before them, less 29 to 32; 36 to 72 less 53 to 56; 60 to 96."""
    doses = doses_of(24, 48)
    control = control_spans(doses, codes(doses), PROTOCOL)
    assert in_hours(control) == [(0, 18), (24, 29), (32, 53), (56, 96)]


def test_a_dose_without_a_time_has_no_control_hours_and_takes_those_that_may_be_its_risk_window():
    """Of a dose on the first day, at any time, 5 to 32 may be at risk; one at 48 has 24 to 42 and 60 to 96."""
    alone = doses_of((0, LAST_SECOND))
    assert in_hours(control_spans(alone, codes(alone), PROTOCOL)) == []
    both = doses_of((0, LAST_SECOND), 48)
    (first, second) = in_hours(control_spans(both, codes(both), PROTOCOL))
    assert (first, second) == (pytest.approx((32, 42), abs=1e-3), (60, 96))


# --- Evaluable, open, unobserved --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observed", "cutoff", "window", "hours"),
    [
        ([(0, 24)], 8, "evaluable", 3.0),
        ([(0, 24)], 8 - 1 / HOUR, "open", 3.0),
        ([(0, 6.5)], 8, "evaluable", 1.5),
        ([(0, 6.4)], 8, "unobserved", 1.4),
        ([(5, 5.8), (7, 7.8)], 8, "evaluable", 1.6),
        ([(0, 5), (8, 24)], 24, "unobserved", 0.0),
        ([], 8, "unobserved", 0.0),
    ],
    ids=["all", "not elapsed", "half", "less than half", "in two pieces", "all but the window", "nothing"],
)
def test_a_window_is_evaluable_open_or_unobserved(observed, cutoff, window, hours):
    dose = judged(doses_of(0), *observed, cutoff=cutoff)
    assert (dose["window"], dose["risk_observed_hours"]) == (window, pytest.approx(hours))


def test_a_window_that_the_next_dose_begins_in_waits_for_its_own_end():
    doses = doses_of(0, 6)
    assert judged(doses, (0, 24), cutoff=7)["window"] == "open"
    dose = judged(doses, (0, 24), cutoff=8)
    assert (dose["window"], dose["risk_observed_hours"]) == ("evaluable", 3.0)


@pytest.mark.parametrize(
    ("died", "window", "death"),
    [
        ((5.5, 5.5), "evaluable", True),
        ((2, 6), "evaluable", True),
        ((4, 4), "unobserved", False),
        ((8, 9), "unobserved", False),
    ],
    ids=["in the window", "perhaps in it", "before it", "at its end"],
)
def test_a_window_in_which_the_subject_dies_is_evaluable(died, window, death):
    """Death ends observation: of the window half an hour is seen, or nothing."""
    dose = judged(doses_of(0), (0, 5.5), cutoff=24, died=died)
    assert (dose["window"], dose["death"]) == (window, death)


def test_a_dose_without_a_time_is_unobserved_from_when_its_window_must_have_closed():
    """On the first day: it closes 8 h after the day's last second, at 31:59:59."""
    doses = doses_of((0, LAST_SECOND))
    assert judged(doses, (0, 48), cutoff=31.9)["window"] == "open"
    assert judged(doses, (0, 48), cutoff=32)["window"] == "unobserved"
    assert judged(doses, (0, 48), cutoff=32)["window_closes"] == DAY + pd.Timedelta(seconds=32 * HOUR - 1)


def test_observed_control_hours_count_once_after_a_dose_and_before_the_first():
    """Doses at 24 and 48, observed from 10 to 80: 8 + 5 + 16 h until the second, then 5 and from 56 to 80."""
    doses = doses_of(24, 48)
    cutoff = (DAY + pd.Timedelta(hours=100)).to_pydatetime()
    nobody = Spans(np.array([NEVER]), np.array([NEVER]))
    table = judge_windows(doses, codes(doses), hour_spans((10, 80)), nobody, PROTOCOL, cutoff)
    assert table["control_observed_hours"].tolist() == [8 + 5 + 16, 5 + 24]


def test_where_nothing_is_observed_no_control_hour_is():
    assert judged(doses_of(0), cutoff=100)["control_observed_hours"] == 0.0


def test_a_dose_in_quarantine_has_no_control_hours_and_takes_none():
    doses = doses_of(24, 48)
    doubted = doses.assign(trusted=[True, False])
    cutoff = (DAY + pd.Timedelta(hours=100)).to_pydatetime()
    nobody = Spans(np.array([NEVER]), np.array([NEVER]))
    table = judge_windows(doubted, codes(doubted), hour_spans((0, 100)), nobody, PROTOCOL, cutoff)
    assert table["control_observed_hours"].tolist() == [18 + 36, 0]
