"""Charting: how often each test is measured, and how long its measurements must speak for windows to be observed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.abnormal import INSPIRED_OXYGEN
from checks.cases.dose_windows import known_to_the_instant, windows_of
from checks.cases.spans import (
    HOUR,
    SECONDS_BITS,
    Instants,
    Spans,
    distinct,
    in_seconds,
    place,
    seconds,
    subject_codes,
)
from checks.protocol import StudyProtocol

Hours = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Charting:
    """How one test of a component is charted at a site (None: at all together).

    ``low_hours`` and ``high_hours`` hold nine of ten ``intervals`` between measurements, a twentieth shorter and one
    longer. ``fresh_hours`` of the protocol observe half or more of ``observed`` of the elapsed risk ``windows``, by
    this test alone; ``sufficient_hours`` would of half of them, None where no hours would.
    """

    component: str
    test: str
    SITEID: str | None
    intervals: int
    low_hours: float
    median_hours: float
    high_hours: float
    windows: int
    observed: int
    fresh_hours: float
    sufficient_hours: float | None


def charting(
    measurements: pd.DataFrame,
    subjects: pd.DataFrame,
    doses: pd.DataFrame,
    protocol: StudyProtocol,
    data_cutoff: datetime,
) -> tuple[Charting, ...]:
    """Return how the tests of the case definition are charted, at all sites together and then at each.

    A test that was never measured twice in one subject is not among them, nor is oxygen beside other tests: it is
    charted where it is changed, and alone observes nothing.

    Parameters
    ----------
    measurements, subjects
        The tables ``MEASUREMENTS``, of which the trusted rows with a value and an instant count, and ``SUBJECTS``.
    doses
        With USUBJID, start_earliest and start_latest; those with an instant open windows.
    """
    known, sites = pd.Index(subjects["USUBJID"]), subjects["SITEID"].to_numpy()
    windows = elapsed_windows(doses, known, protocol, data_cutoff)
    rows = []
    for name, component in protocol.case_definition.components.items():
        others = [test for test in component.tests if test != INSPIRED_OXYGEN]
        for test in others or component.tests:
            gaps = gaps_of(measurements, test, known)
            fresh = protocol.case_definition.hours_of(test).fresh
            rows += [Charting(name, test[1], *one) for one in _by_site(gaps, windows, sites, fresh)]
    return tuple(rows)


def _axis(subjects: pd.Series, times: pd.Series, known: pd.Index) -> Instants:
    codes = subject_codes(subjects, known)
    return distinct(place(codes, seconds(times))[codes >= 0])


def elapsed_windows(
    doses: pd.DataFrame, known: pd.Index, protocol: StudyProtocol, data_cutoff: datetime
) -> Spans:
    """Return the risk windows of doses with an instant that have passed, on the axis of the known subjects."""
    low, high = protocol.risk_window_hours
    closes = doses["start_latest"] + pd.Timedelta(seconds=in_seconds(high))
    elapsed = doses[known_to_the_instant(doses) & (closes <= data_cutoff)]
    return windows_of(_axis(elapsed["USUBJID"], elapsed["start_earliest"], known), low, high)


def gaps_of(measurements: pd.DataFrame, test: tuple[str, str], known: pd.Index) -> Spans:
    """Return the stretches between two measurements of a test that follow one another in one subject."""
    told = measurements["trusted"] & measurements["value"].notna()
    told &= measurements["earliest"] == measurements["latest"]
    of_test = (measurements["domain"] == test[0]) & (measurements["test"] == test[1])
    rows = measurements[told & of_test]
    axis = _axis(rows["USUBJID"], rows["earliest"], known)
    own = np.diff(axis >> SECONDS_BITS) == 0
    return Spans(axis[:-1][own], axis[1:][own])


def _by_site(
    gaps: Spans, windows: Spans, sites: npt.NDArray[np.object_], fresh: float
) -> Iterator[tuple[str | None, int, float, float, float, int, int, float, float | None]]:
    """Yield the site and all that is told of it, for all together first."""
    lengths, needed = (gaps.ends - gaps.starts) / HOUR, hours_needed(gaps, windows)
    at, dosed_at = sites[gaps.starts >> SECONDS_BITS], sites[windows.starts >> SECONDS_BITS]
    for site in (None, *sorted(set(at))):
        of_gaps = lengths if site is None else lengths[at == site]
        of_windows = np.sort(needed if site is None else needed[dosed_at == site])
        if len(of_gaps):
            low, median, high = map(float, np.quantile(of_gaps, (0.05, 0.5, 0.95)))
            half = of_windows[(len(of_windows) - 1) // 2] if len(of_windows) else np.inf
            observed = int((of_windows <= fresh).sum())
            sufficient = float(half) if np.isfinite(half) else None
            yield site, len(of_gaps), low, median, high, len(of_windows), observed, fresh, sufficient


def hours_needed(gaps: Spans, windows: Spans) -> Hours:
    """Return how long measurements must speak for half of each window to be observed; inf where none would do."""
    first = np.searchsorted(gaps.ends, windows.starts, side="right")
    counts = np.maximum(np.searchsorted(gaps.starts, windows.ends) - first, 0)
    window = np.repeat(np.arange(len(counts)), counts)
    gap = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts) + first[window]
    shared = np.minimum(gaps.ends[gap], windows.ends[window]) - np.maximum(
        gaps.starts[gap], windows.starts[window]
    )
    length = gaps.ends[gap] - gaps.starts[gap]
    order = np.lexsort((length, window))
    window, shared, length = window[order], shared[order], length[order]
    so_far = np.cumsum(shared)
    before = np.append(0, so_far)[np.cumsum(counts) - counts]
    enough = np.flatnonzero(so_far - before[window] >= ((windows.ends - windows.starts) / 2)[window])
    reached, at = np.unique(window[enough], return_index=True)
    needed = np.full(len(counts), np.inf)
    needed[reached] = length[enough[at]] / HOUR
    return needed
