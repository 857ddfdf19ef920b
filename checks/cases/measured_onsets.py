"""Onsets by measurement: when a component is newly present, and between which instants it began.

The work is done on arrays of all subjects at once: measurements that could never meet a criterion are dropped
first, what is left meets each anchor's hours by one sorted search, and only then are baselines computed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.spans import HOUR, SECONDS_BITS, Instants
from checks.criteria import Amounts, Measured

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Test = tuple[str, str]
"""The domain and the code of a test."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """Instants that hours are counted from, and the hours in which onsets are sought, on the shared axis.

    A dose is an anchor, and so is the pseudo-dose of a control block. Where ``latest`` is after ``times`` the
    start is not known to the instant: then there is no baseline.
    """

    times: Instants
    starts: Instants
    ends: Instants
    latest: Instants

    @property
    def exact(self) -> Flags:
        """Whether each anchor is one instant."""
        return np.asarray(self.times == self.latest)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements of one component's tests, in order on the shared axis.

    ``kinds`` are places in the tuple of tests; ``records`` are row numbers of the table of measurements.
    """

    axis: Instants
    kinds: npt.NDArray[np.int64]
    values: Values
    alternatives: Values
    upper_limits: Values
    trusted: Flags
    records: npt.NDArray[np.int64]

    def take(self, keep: Flags | npt.NDArray[np.int64]) -> "Measurements":
        """Return the measurements where ``keep`` holds, or at those places."""
        return Measurements(*(getattr(self, column.name)[keep] for column in fields(self)))

    @property
    def amounts(self) -> Amounts:
        """The values, as they are, beside their limits."""
        return Amounts(self.values, self.upper_limits)

    @property
    def alternative_amounts(self) -> Amounts:
        """The values in another unit that the numbers would fit."""
        return Amounts(self.alternatives, self.upper_limits)


def named_tests(criteria: Iterable[Measured]) -> tuple[Test, ...]:
    """Return the distinct tests of the criteria, sorted."""
    return tuple(sorted({criterion.test for criterion in criteria}))


def comparable(measured: Measurements, criteria: Sequence[Measured]) -> Measurements:
    """Return the measurements that every criterion of their test can judge: the others show no absence."""
    return measured.take(_comparable(measured, criteria))


def _comparable(measured: Measurements, criteria: Sequence[Measured]) -> Flags:
    judged, tests = np.ones(len(measured.axis), bool), named_tests(criteria)
    for criterion in criteria:
        judged &= (measured.kinds != tests.index(criterion.test)) | criterion.comparable(measured.amounts)
    return judged


@dataclass(frozen=True, slots=True)
class Extremes:
    """Measurements of one component's tests, whatever is known of their times, for baselines at their extreme.

    In the worst case a baseline is the lowest, or highest, measurement that may lie in its hours: the median of
    those that do cannot lie beyond. Where nothing is open both are the median.
    """

    kinds: npt.NDArray[np.int64]
    earliest: Instants
    latest: Instants
    values: Values

    def baselines(self, anchors: Anchors, wanted: Instants, kind: int, hours: tuple[float, float]) -> Values:
        """Return the lowest and the highest baseline (rows) that each wanted anchor may have."""
        mine = (self.kinds == kind) & ~np.isnan(self.values)
        earliest, latest, values = self.earliest[mine], self.latest[mine], self.values[mine]
        low, high = (int(limit * HOUR) for limit in hours)
        unique, back = np.unique(wanted, return_inverse=True)
        found = np.full((2, len(unique)), np.nan)
        for place, anchor in enumerate(unique):
            begins, ends = anchors.times[anchor] + low, anchors.latest[anchor] + high
            inside = np.flatnonzero((latest >= begins) & (earliest <= ends))
            if not len(inside):
                continue
            certain = anchors.exact[anchor] and (earliest[inside] == latest[inside]).all()
            by_instant = pd.Series(values[inside]).groupby(earliest[inside]).median()
            found[:, place] = by_instant.median() if certain else (values[inside].min(), values[inside].max())
        return found[:, back]


class MeasuredOnsets(NamedTuple):
    """New onsets by measurement, one row each, and every instant at which the component was present.

    ``onsets`` has columns anchor, earliest, latest (shared axis), certain, records (tuple of row numbers);
    ``present`` has columns anchor, axis.
    """

    onsets: pd.DataFrame
    present: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each measurement that could be abnormal beside each anchor in whose hours it lies."""

    anchors: npt.NDArray[np.int64]
    measured: npt.NDArray[np.int64]


def measured_onsets(
    anchors: Anchors,
    measured: Measurements,
    criteria: Sequence[Measured],
    *,
    baseline_hours: tuple[float, float],
    washout_hours: float,
    together_hours: float | None = None,
    extremes: Extremes | None = None,
) -> MeasuredOnsets:
    """Return the new onsets of one component by measurement.

    A component is newly present at the first abnormal measurement after ``washout_hours`` without one, when it was
    measured and found absent in those hours. The onset lies between the last instant seen absent and that
    measurement. Where it was not measured in those hours, or where an absolute criterion is met while the test's
    baseline is missing, the onset is uncertain. With ``together_hours`` every criterion must hold, each by the
    last measurement of its test in that many hours; without, any one is enough. With ``extremes`` a relative
    criterion is met, without certainty, where it is against the most extreme baseline that can be. A measurement
    that a criterion cannot judge (a laboratory result without its limit) may have met it and never shows absence.
    """
    washout = int(washout_hours * HOUR)
    every = together_hours is not None
    suspect = measured if every else measured.take(_possibly_abnormal(measured, criteria))
    pairs = _meet(anchors, suspect.axis, washout)
    judgement = _judge(anchors, pairs, suspect, measured, criteria, baseline_hours, extremes=extremes)
    if together_hours is None:
        present, certain = (np.asarray(flags.any(axis=0)) for flags in judgement)
    else:
        tests = named_tests(criteria)
        kinds = [tests.index(criterion.test) for criterion in criteria]
        present, certain = _together(judgement, pairs, suspect, kinds, int(together_hours * HOUR))
    instants = _instants(pairs, suspect, present, certain)
    seen = measured.axis[measured.trusted & _comparable(measured, criteria)]
    return MeasuredOnsets(_new_onsets(instants, anchors, seen, washout), instants[["anchor", "axis"]])


def _possibly_abnormal(measured: Measurements, criteria: Sequence[Measured]) -> Flags:
    possible, tests = ~_comparable(measured, criteria), named_tests(criteria)
    for criterion in criteria:
        of_test = measured.kinds == tests.index(criterion.test)
        bound = criterion.within_bound(measured.amounts)
        possible |= of_test & (bound | criterion.within_bound(measured.alternative_amounts))
    return possible


def may_be_met(
    criterion: Measured, amounts: Amounts, alternatives: Amounts, lowest_highest: Values | None
) -> Flags:
    """Return where a measurement may meet a criterion: as it is, in another unit, or because it cannot be judged.

    A relative criterion is asked against the most extreme baseline, where ``lowest_highest`` has one; a
    missing baseline never meets it.
    """
    unreadable = ~criterion.comparable(amounts) & ~criterion.comparable(alternatives)
    if not criterion.relative:
        return unreadable | criterion.within_bound(amounts) | criterion.within_bound(alternatives)
    if lowest_highest is None:
        return unreadable
    against = lowest_highest[0 if criterion.rises else 1]
    return unreadable | criterion.met(amounts, against) | criterion.met(alternatives, against)


def _meet(anchors: Anchors, axis: Instants, washout: int) -> Pairs:
    first = np.searchsorted(axis, anchors.starts - washout)
    counts = np.maximum(np.searchsorted(axis, anchors.ends) - first, 0)
    anchor, offset = spread(counts)
    return Pairs(anchor, first[anchor] + offset)


def spread(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, for ranges of the given lengths laid end to end, each element's range and its place in it."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


class Judgement(NamedTuple):
    """By criterion (rows) and pair (columns): where the criterion is met, and where that is certain."""

    present: npt.NDArray[np.bool_]
    certain: npt.NDArray[np.bool_]


def _judge(
    anchors: Anchors,
    pairs: Pairs,
    suspect: Measurements,
    measured: Measurements,
    criteria: Sequence[Measured],
    baseline_hours: tuple[float, float],
    *,
    extremes: Extremes | None,
) -> Judgement:
    amounts, alternatives = suspect.amounts.at(pairs.measured), suspect.alternative_amounts.at(pairs.measured)
    kinds, trusted = suspect.kinds[pairs.measured], suspect.trusted[pairs.measured]
    judgement = Judgement(*(np.zeros((len(criteria), len(kinds)), bool) for _ in Judgement._fields))
    for kind, test in enumerate(named_tests(criteria)):
        mine = np.flatnonzero(kinds == kind)
        own = [row for row, criterion in enumerate(criteria) if criterion.test == test]
        baselines = np.full(len(mine), np.nan)
        needs_baseline = any(criteria[row].relative for row in own)
        if needs_baseline and len(mine):
            baselines = _baselines(anchors, pairs.anchors[mine], measured, kind, baseline_hours)
        widest = None
        if extremes is not None and needs_baseline:
            widest = extremes.baselines(anchors, pairs.anchors[mine], kind, baseline_hours)
        for row in own:
            one, here, other = criteria[row], amounts.at(mine), alternatives.at(mine)
            met = one.met(here, baselines)
            # what cannot be judged (withheld and unreadable, or without its limit) could have been anything
            perhaps = ~one.comparable(here) | one.met(other, baselines)
            if widest is not None:
                perhaps |= may_be_met(one, here, other, widest)
            judgement.present[row, mine] = met | perhaps
            judgement.certain[row, mine] = met & trusted[mine] & ~(needs_baseline & np.isnan(baselines))
    return judgement


def _together(
    judgement: Judgement, pairs: Pairs, suspect: Measurements, kinds: Sequence[int], gap: int
) -> tuple[Flags, Flags]:
    """Return where every criterion holds by the last measurement of its test within the gap."""
    axis = suspect.axis[pairs.measured]
    changes = (np.diff(pairs.anchors) != 0) | (np.diff(axis) != 0)
    final = np.flatnonzero(np.concatenate([changes, [True]]))[: len(axis)]
    ends = final[
        np.searchsorted(final, np.arange(len(axis)))
    ]  # every measurement of an instant speaks at once
    present = np.ones(len(axis), bool)
    certain = np.ones(len(axis), bool)
    for row, kind in enumerate(kinds):
        measured_here = suspect.kinds[pairs.measured] == kind
        last = np.maximum.accumulate(np.where(measured_here, np.arange(len(axis)), -1))[ends]
        fresh = (last >= 0) & (pairs.anchors[last] == pairs.anchors) & (axis - axis[last] <= gap)
        present &= fresh & judgement.present[row, last]
        certain &= fresh & judgement.certain[row, last]
    return present, certain


def _baselines(
    anchors: Anchors,
    wanted: npt.NDArray[np.int64],
    measured: Measurements,
    kind: int,
    baseline_hours: tuple[float, float],
) -> Values:
    """Return the median of a test in the baseline hours before each wanted anchor, missing where there is none."""
    keep = (measured.kinds == kind) & ~np.isnan(measured.values)
    axis, values = measured.axis[keep], measured.values[keep]
    unique, back = np.unique(wanted, return_inverse=True)
    low, high = (int(hours * HOUR) for hours in baseline_hours)
    first = np.searchsorted(axis, anchors.times[unique] + low, side="left")
    after = np.searchsorted(axis, anchors.times[unique] + high, side="right")
    owner, offset = spread(np.where(anchors.exact[unique], np.maximum(after - first, 0), 0))
    read = pd.DataFrame(
        {"owner": owner, "axis": axis[first[owner] + offset], "value": values[first[owner] + offset]}
    )
    # measurements of one instant are one: a value calculated in C beside its F must not count twice
    once = read.groupby(["owner", "axis"], sort=False)["value"].median()
    medians = once.groupby(level="owner").median()
    return np.asarray(medians.reindex(np.arange(len(unique))), np.float64)[back]


def _instants(pairs: Pairs, suspect: Measurements, present: Flags, certain: Flags) -> pd.DataFrame:
    """Return one row for each anchor and instant at which the component is present, in order."""
    rows = pd.DataFrame(
        {
            "anchor": pairs.anchors[present],
            "axis": suspect.axis[pairs.measured[present]],
            "certain": certain[present],
            "record": suspect.records[pairs.measured[present]],
        }
    )
    rows = rows.sort_values(["anchor", "axis", "certain", "record"], ascending=[True, True, False, True])
    first = np.flatnonzero(~rows.duplicated(["anchor", "axis"]).to_numpy())
    record, bounds = rows["record"].tolist(), [*first.tolist(), len(rows)]
    records = [tuple(record[begins:ends]) for begins, ends in pairwise(bounds)]
    instants = rows.iloc[first].reset_index(drop=True)
    return instants.assign(records=pd.Series(records, dtype="object", index=instants.index))


def _new_onsets(instants: pd.DataFrame, anchors: Anchors, seen: Instants, washout: int) -> pd.DataFrame:
    anchor, axis = instants["anchor"].to_numpy(), instants["axis"].to_numpy()
    same_anchor = np.concatenate([[False], np.diff(anchor) == 0])[: len(axis)]
    before = np.where(same_anchor, np.roll(axis, 1), -1)  # when the component was last present
    last = np.searchsorted(seen, axis, side="left") - 1
    measured = seen[last.clip(0)] if len(seen) else np.zeros(len(axis), np.int64)
    known = (last >= 0) & (measured >> SECONDS_BITS == axis >> SECONDS_BITS)
    just_out = (axis - before == washout) & (measured == before)  # nobody measured that it was gone
    goes_on = same_anchor & ((axis - before < washout) | just_out)
    new = ~goes_on & (axis >= anchors.starts[anchor])
    onsets = instants[new].copy()
    unknown_since = np.minimum(anchors.starts[anchor], axis)
    onsets["earliest"] = np.where(known, measured, unknown_since)[new]
    onsets["latest"] = axis[new]
    onsets["certain"] &= (known & (axis - measured <= washout))[new]
    table: pd.DataFrame = onsets[["anchor", "earliest", "latest", "certain", "records"]].reset_index(
        drop=True
    )
    return table
