"""Rows of EX that tell one administration in segments give the cases of the row that tells it whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from small_studies import Row, charted, frames, look_at_study, small_protocol

from checks import Look

FIRST = datetime(2026, 3, 2, 8)
CUTOFF = datetime(2026, 3, 20, tzinfo=UTC)
HOURS = pd.date_range("2026-03-01T00:00", "2026-03-12T00:00", freq="h")

Segments = list[tuple[int, int]]
"""Minutes since the start of an administration at which each of its segments begins and ends."""


@st.composite
def segments(draw: st.DrawFn, longest: int) -> Segments:
    """Split so many minutes: each segment touches the one before, overlaps it, or follows after a pause."""
    first = draw(st.integers(1, longest // 2))
    split = [(0, first)]
    while split[-1][1] < longest and len(split) < 5:
        begun, reached = split[-1][0], max(end for _, end in split)
        starts = {
            "touching": reached,
            "overlapping": draw(st.integers(begun, reached)),
            "pause": reached + draw(st.integers(1, 120)),
        }
        how = draw(st.sampled_from(sorted(starts)))
        event(how)
        start = starts[how]
        if start >= longest:
            break
        split.append((start, draw(st.integers(start + 1, longest))))
    return split


@st.composite
def trials(draw: st.DrawFn) -> tuple[list[Row], list[Row], list[int]]:
    """Administrations of two subjects, days apart, told whole and in segments; the hours at which each falls ill."""
    whole: list[Row] = []
    parts: list[Row] = []
    ill: list[int] = []
    for subject in ("S1-1", "S1-2"):
        for day in range(0, 9, 4):
            start = FIRST + timedelta(days=day, minutes=draw(st.integers(0, 300)))
            split = draw(segments(draw(st.integers(20, 600))))
            last = max(end for _, end in split)
            whole.append(row(subject, start, 0, last))
            parts += [row(subject, start, *one) for one in draw(st.permutations(split))]
        dosed = datetime.fromisoformat(whole[-1 - draw(st.integers(0, 2))]["EXSTDTC"])
        ill.append(HOURS.get_loc(pd.Timestamp(dosed).floor("h")) + draw(st.integers(2, 12)))
    return whole, parts, ill


def row(subject: str, start: datetime, first: int, last: int) -> Row:
    begun, ended = (start + timedelta(minutes=minutes) for minutes in (first, last))
    return {"USUBJID": subject, "EXSTDTC": f"{begun:%Y-%m-%dT%H:%M}", "EXENDTC": f"{ended:%Y-%m-%dT%H:%M}"}


def looked(ex: list[Row], ill: list[int], hours_from: str, folder: Path) -> Look:
    vs: list[Row] = []
    for subject, hour in zip(("S1-1", "S1-2"), ill, strict=True):
        sick = {HOURS[hour], HOURS[hour + 1]}
        vs += charted(subject, "TEMP", {at.to_pydatetime(): 39.0 if at in sick else 37.0 for at in HOURS})
        vs += charted(subject, "OXYSAT", {at.to_pydatetime(): 85 if at in sick else 97 for at in HOURS})
    feeds = frames(ex, vs, [{"USUBJID": "S1-1", "AETERM": "NAUSEA", "AESTDTC": "2026-03-02"}])
    return look_at_study(feeds, small_protocol(hours_from=hours_from), CUTOFF, folder)


@pytest.mark.parametrize("hours_from", ["start", pytest.param("end", marks=pytest.mark.slow)])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(trial=trials())
def test_splitting_a_row_into_segments_changes_no_case(
    trial: tuple[list[Row], list[Row], list[int]], hours_from: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole, parts, ill = trial
    one, other = (
        looked(rows, ill, hours_from, tmp_path_factory.mktemp("study")).document() for rows in (whole, parts)
    )
    for case in (*one["cases"], *other["cases"]):
        case["interruptions"] = ""  # that there were any is all that may differ
        event(case["in_risk_window"])
    assert one["cases"] == other["cases"]
    assert one["rules"] == other["rules"]
    assert one["exposure"] == {**other["exposure"], "doses_interrupted": 0}
