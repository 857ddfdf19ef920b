"""Onsets that were reported rather than measured at an instant: adverse events, and measurements without a time.

A measurement without a time shows the component at an instant that nobody knows, so it is an adverse event's equal:
evidence of presence, never of absence.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.charts import Charts, event_labels, extremes, is_of, measurement_labels
from checks.cases.dose_windows import seconds, subject_codes
from checks.cases.joined_onsets import Onset
from checks.cases.measured_onsets import Anchors, Extremes, Flags, may_be_met, named_tests, spread
from checks.cases.spans import HOUR, SECONDS_BITS, Instants, place
from checks.criteria import Amounts, Measured


@dataclass(frozen=True, slots=True)
class _Reported:
    """Events, then measurements: who, between which instants (shared axis), and what shows it."""

    codes: Instants
    earliest: Instants
    latest: Instants
    timed: Flags
    labels: npt.NDArray[np.object_]


def reports(
    terms: frozenset[str],
    criteria: Sequence[Measured],
    anchors: Anchors,
    charts: Charts,
    *,
    baseline_hours: tuple[float, float],
    washout_hours: float,
) -> dict[int, list[Onset]]:
    """Return, for each anchor, the reports whose interval meets its hours or the washout before them.

    Parameters
    ----------
    terms
        Adverse-event terms of the component, case folded.
    criteria
        Its numeric criteria. A measurement without a time meets an absolute one by itself; a relative one only
        where ``charts.at_widest``, against the most extreme baseline that each anchor can have.
    """
    dated, events = _dated(criteria, charts), _events(terms, charts)
    if dated.empty and events.empty:
        return {}
    reported = _reported(events, dated, charts)
    row, anchor = _pairs(anchors, reported, int(washout_hours * HOUR))
    holds = np.ones(len(row), bool)
    measurement = row - (len(reported.codes) - len(dated))
    asked = np.flatnonzero(measurement >= 0)
    holds[asked] = _hold(dated, measurement[asked], anchor[asked], criteria, anchors, charts, baseline_hours)
    by_anchor: dict[int, list[Onset]] = defaultdict(list)
    for which, where in zip(row[holds].tolist(), anchor[holds].tolist(), strict=True):
        by_anchor[where].append(_report(which, where, anchors, reported))
    return dict(by_anchor)


def _events(terms: frozenset[str], charts: Charts) -> pd.DataFrame:
    named = charts.adverse_events[charts.adverse_events["term"].isin(terms)]
    return named.assign(label=event_labels(named))


def _dated(criteria: Sequence[Measured], charts: Charts) -> pd.DataFrame:
    """Return the measurements without an instant that could meet a criterion, if not by which baseline."""
    measurements = charts.measurements
    without = measurements["earliest"] < measurements["latest"]
    if not without.any():
        return measurements.head(0).assign(label="", timed=False)
    rows = measurements[without]
    amounts, alternatives = _amounts(rows)
    possible = np.zeros(len(rows), bool)
    for criterion in criteria:
        bound = criterion.within_bound(amounts) | criterion.within_bound(alternatives)
        possible |= is_of(rows, criterion.test) & (bound | ~criterion.comparable(amounts))
    kept = rows[possible]
    return kept.assign(label=measurement_labels(kept), timed=False)


def _amounts(rows: pd.DataFrame) -> tuple[Amounts, Amounts]:
    """Return the values of measurements, and those in another unit that the numbers would fit."""
    limits = rows["upper_limit"].to_numpy()
    return Amounts(rows["value"].to_numpy(), limits), Amounts(rows["alternative"].to_numpy(), limits)


def _reported(events: pd.DataFrame, dated: pd.DataFrame, charts: Charts) -> _Reported:
    columns = ["USUBJID", "earliest", "latest", "timed", "label"]
    rows = pd.concat([events[columns], dated[columns]])
    codes = subject_codes(rows["USUBJID"], charts.known)
    return _Reported(
        codes,
        place(codes, seconds(rows["earliest"])),
        place(codes, seconds(rows["latest"])),
        rows["timed"].to_numpy(bool),
        rows["label"].to_numpy(object),
    )


def _pairs(anchors: Anchors, reported: _Reported, washout: int) -> tuple[Instants, Instants]:
    """Return each report beside each anchor of its subject whose hours, or washout before them, it meets."""
    owners: Instants = anchors.times >> SECONDS_BITS
    order = np.argsort(owners, kind="stable")
    first = np.searchsorted(owners[order], reported.codes, side="left")
    counts = np.searchsorted(owners[order], reported.codes, side="right") - first
    row, offset = spread(np.where(reported.codes >= 0, counts, 0))
    anchor = order[first[row] + offset]
    before = anchors.starts[anchor] - washout
    meets = (reported.earliest[row] < anchors.ends[anchor]) & (reported.latest[row] >= before)
    return row[meets], anchor[meets]


def _hold(
    dated: pd.DataFrame,
    measurement: Instants,
    anchor: Instants,
    criteria: Sequence[Measured],
    anchors: Anchors,
    charts: Charts,
    baseline_hours: tuple[float, float],
) -> Flags:
    """Return where a measurement without an instant may meet a criterion beside an anchor."""
    tests = named_tests(criteria)
    amounts, alternatives = (one.at(measurement) for one in _amounts(dated))
    widest: Extremes | None = extremes(charts, tests) if charts.at_widest else None
    holds = np.zeros(len(measurement), bool)
    for criterion in criteria:
        mine = np.flatnonzero(is_of(dated, criterion.test)[measurement])
        against = None
        if widest is not None and criterion.relative and len(mine):
            kind = tests.index(criterion.test)
            against = widest.baselines(anchors, anchor[mine], kind, baseline_hours)
        holds[mine] |= may_be_met(criterion, amounts.at(mine), alternatives.at(mine), against)
    return holds


def _report(which: int, where: int, anchors: Anchors, reported: _Reported) -> Onset:
    begins, ends = int(reported.earliest[which]), int(reported.latest[which])
    instant = bool(reported.timed[which]) and begins == ends
    if ends >= anchors.starts[where]:  # what lies wholly before is kept as it is: it shows what was present
        begins = max(begins, int(anchors.starts[where]))
        ends = min(ends, int(anchors.ends[where]) - 1)
    certain = instant and bool(anchors.exact[where])
    evidence = (str(reported.labels[which]),)
    return Onset(begins, max(begins, ends), begins if instant else None, certain, evidence)
