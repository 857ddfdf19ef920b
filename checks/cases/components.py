"""One component of the case definition by measurement: its series judged, its episodes and its onsets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from checks.cases.abnormal import Judgement, judge
from checks.cases.episodes import Episodes, Memory, find_episodes
from checks.cases.measured_onsets import MeasuredOnsets, Worsening, measured_onsets
from checks.cases.series import Flags, Places, Rows, Series, Test, named_tests, rows_of, series_of
from checks.cases.spans import SECONDS_BITS, Instants, distinct, in_seconds, place, seconds
from checks.criteria import Measured
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import CaseDefinition, Component


@dataclass(frozen=True, slots=True)
class MeasuredComponent:
    """What the measurements of a component's tests say of every subject.

    The series of an ``all_of`` component are of its tests together: then ``tests`` has one entry without a code.
    ``reach`` says by when what each entry of the series shows had begun: its instant, or the end of its period.
    """

    tests: tuple[Test, ...]
    memory: Memory
    series: Series
    reach: Instants
    abnormal: Flags
    episodes: Episodes
    onsets: MeasuredOnsets
    worsenings: tuple[Worsening, ...]

    @property
    def can_worsen(self) -> frozenset[int]:
        """The kinds of which an onset can be seen while the component is present."""
        return frozenset(one.kind for one in self.worsenings)


def measure(
    component: Component,
    measurements: pd.DataFrame,
    known: pd.Index,
    protocol: StudyProtocol,
    data_cutoff: datetime,
    *,
    doubtful: bool,
) -> MeasuredComponent:
    """Judge the measurements of one component.

    Parameters
    ----------
    component
        With criteria of measurements or without.
    measurements
        The table ``MEASUREMENTS``; every row of it is taken as it is.
    known
        The subjects, in the order of their codes.
    protocol, data_cutoff
        Case definition and baseline; the only "now".
    doubtful
        Whether a row that cannot be judged is taken for one that may be abnormal.
    """
    definition, criteria = protocol.case_definition, component.measured
    baseline = in_seconds(protocol.baseline_hours)
    tests = named_tests(criteria)
    memory = _memory(definition, tests, baseline)
    rows = rows_of(measurements, known, criteria, doubtful=doubtful)
    if component.all_of:
        series, abnormal = _together(rows, criteria, memory, baseline)
        judged, tests = Judgement(abnormal, np.zeros(len(series), bool)), (("", ""),)
        memory = replace(memory, **{name: getattr(memory, name).min(keepdims=True) for name in PER_TEST})
        worsenings: tuple[Worsening, ...] = ()
    else:
        series = series_of(rows)
        judged = judge(series, criteria, baseline=baseline, washout=memory.washout, forgets=memory.forgets)
        worsenings = tuple(_worsenings(definition, criteria, tests))
    found = find_episodes(series, judged.abnormal, memory, int(data_cutoff.timestamp()))
    onsets = measured_onsets(series, judged, found, memory, worsenings)
    reach = _reach(series, measurements)
    return MeasuredComponent(tests, memory, series, reach, judged.abnormal, found, onsets, worsenings)


_NOWHEN = pd.Timestamp(0, unit="s", tz="UTC")


def _reach(series: Series, measurements: pd.DataFrame) -> Instants:
    """Return by when what each entry shows had begun: its instant, or the latest end of the periods of its rows."""
    if "until" not in measurements or not len(series):
        return series.axis
    until, rows = measurements.loc[series.rows.numbers, "until"], series.rows
    ends = place(rows.axis >> SECONDS_BITS, seconds(until.fillna(_NOWHEN)))
    ends = np.where(until.notna(), ends, rows.axis)
    return np.maximum(series.axis, np.maximum.reduceat(ends, series.first_row))


PER_TEST = ("confirm", "again", "fresh", "run")


def _memory(definition: CaseDefinition, tests: Sequence[Test], baseline: int) -> Memory:
    hours = [definition.hours_of(test) for test in tests]
    washout = in_seconds(definition.washout_hours)
    per_test = {
        name: np.array([in_seconds(getattr(one, name)) for one in hours], np.int64) for name in PER_TEST
    }
    return Memory(**per_test, washout=washout, forgets=washout + baseline)


def _worsenings(
    definition: CaseDefinition, criteria: Sequence[Measured], tests: Sequence[Test]
) -> Iterator[Worsening]:
    """Yield how each test can worsen, once for each direction that its criteria have."""
    for kind, test in enumerate(tests):
        limit = definition.worse(test)
        directions = {1 if one.rises else -1 for one in criteria if one.test == test}
        if limit is not None:
            yield from (Worsening(kind, one, limit.by, limit.share) for one in sorted(directions))


def _together(
    rows: Rows, criteria: Sequence[Measured], memory: Memory, baseline: int
) -> tuple[Series, Flags]:
    """Return one series a subject of the instants at which every criterion can be judged, and where all hold.

    A criterion is judged by the newest measurement of its test, if that is still fresh.
    """
    tests = named_tests(criteria)
    instants = distinct(rows.axis)
    judged, abnormal = np.ones(len(instants), bool), np.ones(len(instants), bool)
    newest: list[Places] = []
    for criterion in criteria:
        kind = tests.index(criterion.test)
        own = rows.take(rows.kinds == kind)
        own = replace(own, kinds=np.zeros(len(own.axis), np.int64))
        series = series_of(own)
        met = judge(
            series, [criterion], baseline=baseline, washout=memory.washout, forgets=memory.forgets
        ).abnormal
        last = np.searchsorted(series.axis, instants, side="right") - 1
        age = instants - np.append(series.axis, 0)[last]
        same = (last >= 0) & (instants >> SECONDS_BITS == np.append(series.axis, 0)[last] >> SECONDS_BITS)
        judged &= same & (age <= memory.fresh[kind])
        abnormal &= np.append(met, False)[last]
        newest.append(np.append(own.numbers[series.first_row], -1)[last])
    shown = np.stack([one[judged] for one in newest], axis=1)
    return _one_series(instants[judged], shown), abnormal[judged]


def _one_series(axis: Places, shown: Places) -> Series:
    """Return the instants as series of one kind, each of whose rows are those that show it."""
    width = shown.shape[1]
    nothing, none = np.full(len(axis), np.nan), np.zeros(len(axis) * width, np.int64)
    codes = axis >> SECONDS_BITS
    rows = Rows(
        none,
        np.repeat(axis, width),
        np.repeat(nothing, width),
        np.repeat(nothing, width),
        shown.ravel(),
        none.astype(bool),
    )
    last = np.append(np.diff(codes) != 0, True)[: len(axis)]
    return Series(
        np.zeros(len(axis), np.int64),
        axis,
        np.arange(len(axis)) * width,
        nothing,
        nothing,
        nothing,
        last,
        rows,
    )
