"""Measurements without an instant: one that may be abnormal is a possible onset of its own, whatever else is told.

Nobody knows which of the onsets of its day it would have been, nor whether it was worse than before. It joins,
explains and hinders nothing that is known better, but an onset that follows it may have begun with it, and is sure
where that leads nowhere else; rows of one stamp are one onset. They are none where they are abnormal for certain,
nothing can be worse by them, and the component was present already: by timed measurements all along, or by the one
before of each test, abnormal too and in a run with it, as where a ward charts the hour alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from checks.cases.charts import Charts, measurement_labels
from checks.cases.components import MeasuredComponent
from checks.cases.measured_onsets import SLACK, Why
from checks.cases.onsets import Onset
from checks.cases.series import NEVER, Flags, Places, Values, is_of, named_tests
from checks.cases.spans import HOUR, SECONDS_BITS, Instants, place, seconds, subject_codes
from checks.criteria import Amounts
from checks.protocol.case_definition import Component


@dataclass(frozen=True, slots=True)
class Untimed:
    """The onset that rows of one stamp may be, None where they can only go on; when they may show it present."""

    onset: Onset | None
    present: tuple[int, int]


def untimed_measurements(
    component: Component, measured: MeasuredComponent, charts: Charts
) -> Mapping[int, Sequence[Untimed]]:
    """Return what the measurements without an instant may show of each subject code.

    The component may have begun since the test was last measured before (as of every onset, ``fresh_hours`` before
    where it was not), and may be present until it is measured next.
    """
    rows = charts.of_tests(named_tests(component.measured)).measurements
    rows = rows[rows["earliest"] < rows["latest"]]
    codes = subject_codes(rows["USUBJID"], charts.known)
    order = np.argsort(place(codes, seconds(rows["earliest"])), kind="stable")
    rows, codes = rows.iloc[order], codes[order]
    earliest, latest = (place(codes, seconds(rows[name])) for name in ("earliest", "latest"))
    begins, until, kinds = np.zeros((3, len(rows)), np.int64)
    for kind, test in enumerate(measured.tests):
        mine = np.ones(len(rows), bool) if component.all_of else is_of(rows, test)
        kinds[mine] = kind
        axis = measured.series.axis[measured.series.kinds == kind]
        begins[mine] = _last_before(axis, earliest[mine], int(measured.memory.fresh[kind]))
        until[mine] = _next_after(axis, latest[mine])
    perhaps = np.flatnonzero(_perhaps_abnormal(component, rows) & (codes >= 0))
    labels = dict(zip(perhaps.tolist(), measurement_labels(rows.iloc[perhaps]), strict=True))
    stamps: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in labels:
        stamps[int(earliest[row]), int(latest[row])].append(row)
    others = _Others(measured, kinds, rows["value"].to_numpy(), _abnormal(component, rows), earliest, latest)
    found: dict[int, list[Untimed]] = defaultdict(list)
    for (first, last), told in stamps.items():
        onset = None
        if component.all_of or others.leave_open(first, last, told):
            onset = _onset(int(begins[told].min()), first, last, [labels[row] for row in told])
        found[first >> SECONDS_BITS].append(Untimed(onset, (first, int(until[told].max()))))
    return found


def perhaps_before(onset: Onset, untimed: Sequence[Untimed], washout: int) -> Onset:
    """Return an onset with since when it may have begun, if one of some without an instant lies before it.

    It may be the first of the same component within the washout (seconds) before: whether it was, no one knows.
    """
    if not onset.definite:  # so are all that these may be themselves, and those can be thousands
        return onset
    since = [
        one.onset.earliest
        for one in untimed
        if one.onset is not None
        and one.present[0] < onset.seen
        and one.onset.latest > onset.seen - washout
        and one.onset.earliest < onset.earliest
    ]
    return replace(onset, perhaps_since=min(since)) if since else onset


def _onset(begins: int, earliest: int, latest: int, evidence: Sequence[str]) -> Onset:
    return Onset(
        begins,
        latest,
        latest,
        definite=False,
        why=Why.UNTIMED,
        evidence=tuple(evidence),
        instant=False,
        timed=latest - earliest < HOUR,
    )


@dataclass(frozen=True, slots=True)
class _Others:
    """All that is measured of a component: with an instant, and (arrays, in order of subject and earliest) without.

    ``abnormal`` are those of which that is certain.
    """

    measured: MeasuredComponent
    kinds: Places
    values: Values
    abnormal: Flags
    earliest: Instants
    latest: Instants

    def leave_open(self, first: int, last: int, told: Sequence[int]) -> bool:
        """Whether rows of one stamp may be an onset: new, as it was not surely present, or worse than it was."""
        rows = np.array(told)
        if not self.abnormal[rows].all():
            return True
        return not (self._lies_in_episode(first, last, rows) or self._goes_on(first, last, rows))

    def _between(self, since: int, last: int) -> Places:
        """Return the rows of a subject that may lie between two instants."""
        subject = last >> SECONDS_BITS << SECONDS_BITS
        mine = np.arange(*np.searchsorted(self.earliest, [subject, last + 1]))
        return mine[self.latest[mine] >= since]

    def _lies_in_episode(self, first: int, last: int, told: Places) -> bool:
        starts, ends = self.measured.episodes.sustained
        episode = int(np.searchsorted(starts, first, side="right")) - 1
        if episode < 0 or last >= ends[episode]:
            return False
        # another one without an instant may have ended it, or moved the reference that it began by
        since = int(starts[episode]) - self.measured.memory.forgets
        if len(self._between(since, last)) > len(told):
            return False
        series, subject = self.measured.series, first >> SECONDS_BITS
        for one in self.measured.worsenings:  # they, or the timed ones beside them
            own = np.flatnonzero((series.kinds == one.kind) & (series.axis >> SECONDS_BITS == subject))
            begins, ends_at = np.searchsorted(series.axis[own], [first, last + 1])
            around = own[max(0, begins - 2) : ends_at + 1]
            levels = (series.highs if one.direction > 0 else series.lows)[around]
            here = self.values[told[self.kinds[told] == one.kind]]
            if len(here) and np.ptp([*here, *levels]) >= one.by - SLACK:
                return False
        return True

    def _goes_on(self, first: int, last: int, told: Places) -> bool:
        if len(self._between(first, last)) > len(told):
            return False
        return all(self._follows(kind, first, last, told) for kind in np.unique(self.kinds[told]).tolist())

    def _follows(self, kind: int, first: int, last: int, told: Places) -> bool:
        """Whether the one of a test before those of a stamp was abnormal, in a run with them, and as bad."""
        mine = self._between(first >> SECONDS_BITS << SECONDS_BITS, first)
        before = mine[(self.latest[mine] < first) & (self.kinds[mine] == kind)]
        if not len(before):
            return False
        both = np.append(
            before[self.latest[before] >= self.earliest[before[-1]]], told[self.kinds[told] == kind]
        )
        since = int(self.earliest[both].min())
        timed = self.measured.series.axis[self.measured.series.kinds == kind]
        alone = np.diff(np.searchsorted(timed, [since, last + 1])) == 0
        by = min((one.by for one in self.measured.worsenings if one.kind == kind), default=np.inf)
        as_bad = np.ptp(self.values[both]) < by - SLACK
        return bool(
            alone and as_bad and self.abnormal[both].all() and last - since <= self.measured.memory.run[kind]
        )


def _perhaps_abnormal(component: Component, rows: pd.DataFrame) -> Flags:
    """Return which of some measurements could meet a criterion, if not by which reference."""
    possible = np.zeros(len(rows), bool)
    limits = rows["upper_limit"].to_numpy()
    amounts, others = (Amounts(rows[name].to_numpy(), limits) for name in ("value", "alternative"))
    for one in component.measured:
        perhaps = one.within_bound(amounts) | one.within_bound(others) | ~one.comparable(amounts)
        possible |= is_of(rows, one.test) & perhaps
    return possible


def _abnormal(component: Component, rows: pd.DataFrame) -> Flags:
    """Return which of some measurements meet a criterion for certain, whatever was before."""
    found = np.zeros(len(rows), bool)
    amounts = Amounts(rows["value"].to_numpy(), rows["upper_limit"].to_numpy())
    for one in component.measured:
        found |= is_of(rows, one.test) & one.within_bound(amounts) & (not one.relative)
    return found & rows["alternative"].isna().to_numpy()


def _last_before(axis: Instants, instants: Instants, otherwise: int) -> Instants:
    """Return the last of the instants on the axis before each of some, or so many seconds before it."""
    before = np.append(axis, NEVER)[np.searchsorted(axis, instants) - 1]
    same = before >> SECONDS_BITS == instants >> SECONDS_BITS
    return np.where(same, before, instants - otherwise)


def _next_after(axis: Instants, instants: Instants) -> Instants:
    """Return the next of the instants on the axis after each of some; beyond all where none follows."""
    after = np.append(axis, NEVER)[np.searchsorted(axis, instants, side="right")]
    same = after >> SECONDS_BITS == instants >> SECONDS_BITS
    return np.where(same, after, NEVER)
