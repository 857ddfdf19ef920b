"""The cases that the subjects' charts show, wherever they lie: no dose has a part in it.

Components are judged for all subjects at once; only the onsets themselves, a few of each subject, meet one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np

from checks.cases.charts import Charts, measurement_labels
from checks.cases.components import MeasuredComponent, measure
from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.pairing import Composite, cases_of
from checks.cases.reported_onsets import Line, SubjectChart, Told, join_reports, lines_of
from checks.cases.series import Places, spread
from checks.cases.spans import SECONDS_BITS, in_seconds
from checks.cases.untimed_measurements import Untimed, perhaps_before, untimed_measurements
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component


@dataclass(frozen=True, slots=True)
class Composites:
    """The cases of all subjects, by subject and time, and what the measurements of each component say."""

    measured: Mapping[str, MeasuredComponent]
    cases: tuple[Composite, ...]


def find_composites(
    charts: Charts, protocol: StudyProtocol, data_cutoff: datetime, *, doubtful: bool = False
) -> Composites:
    """Return the cases that every row of some charts shows.

    Parameters
    ----------
    charts
        Every row is taken as it is, trusted or not.
    protocol, data_cutoff
        The case definition; the only "now".
    doubtful
        Whether a measurement that cannot be judged, or whose number fits another unit, may be abnormal.
    """
    definition = protocol.case_definition
    parts = {
        name: _part(component, charts, protocol, data_cutoff, doubtful=doubtful)
        for name, component in definition.components.items()
    }
    within, washout = (
        in_seconds(hours) for hours in (definition.onsets_within_hours, definition.washout_hours)
    )
    found: list[Composite] = []
    for code in sorted(frozenset().union(*(part.begins for part in parts.values()))):
        told = {name: part.told(code) for name, part in parts.items()}
        found += cases_of(code, told, within=within, washout=washout)
    return Composites({name: part.measured for name, part in parts.items()}, tuple(found))


@dataclass(frozen=True, slots=True)
class _Part:
    """One component: what is measured, and of each subject code its onsets by measurement, and its lines."""

    measured: MeasuredComponent
    onsets: Mapping[int, Sequence[Onset]]
    untimed: Mapping[int, Sequence[Untimed]]
    lines: Mapping[int, Sequence[Line]]
    thing_itself: frozenset[int]
    entries: Places
    """Where the entries of each subject code begin in the series."""
    presences: Places
    """Where the spans of presence of each subject code begin."""

    @property
    def begins(self) -> frozenset[int]:
        """The subjects in whom the component begins, by measurement or by report."""
        return frozenset((*self.onsets, *self.untimed, *self.lines))

    def told(self, code: int) -> Told:
        """Return the onsets of one subject, by measurement and by report."""
        onsets, lines, present = self.onsets.get(code, ()), self.lines.get(code, ()), self._present(code)
        untimed = self.untimed.get(code, ())
        if not (lines or untimed):
            return Told(onsets, present)
        begun = [one.onset for one in untimed if one.onset is not None]
        told = join_reports(onsets, lines, self._chart(code, present), begun)
        doubted = [perhaps_before(one, untimed, self.measured.memory.washout) for one in told.onsets]
        return replace(told, onsets=doubted, present=[*told.present, *(one.present for one in untimed)])

    def _present(self, code: int) -> Sequence[tuple[int, int]]:
        mine = slice(*self.presences[code : code + 2])
        return tuple(zip(*(edge[mine].tolist() for edge in self.measured.episodes.present), strict=True))

    def _chart(self, code: int, present: Sequence[tuple[int, int]]) -> SubjectChart:
        mine = slice(*self.entries[code : code + 2])
        columns = (self.measured.series.kinds, self.measured.series.axis, self.measured.abnormal)
        kinds, axis, abnormal = (column[mine] for column in columns)
        of_kind = (kinds == kind for kind in range(len(self.measured.tests)))
        series = tuple((axis[own], abnormal[own]) for own in of_kind)
        return SubjectChart(series, present, self.thing_itself, self.measured.memory.washout)


def _part(
    component: Component,
    charts: Charts,
    protocol: StudyProtocol,
    data_cutoff: datetime,
    *,
    doubtful: bool,
) -> _Part:
    measured = measure(component, charts.measurements, charts.known, protocol, data_cutoff, doubtful=doubtful)
    ends = frozenset(kind for kind, test in enumerate(measured.tests) if test in component.ends)
    codes = np.arange(len(charts.known) + 1)
    return _Part(
        measured,
        _by_subject(measured, charts),
        untimed_measurements(component, measured, charts),
        lines_of(component, charts),
        ends,
        np.searchsorted(measured.series.axis >> SECONDS_BITS, codes),
        np.searchsorted(measured.episodes.present.starts >> SECONDS_BITS, codes),
    )


def _by_subject(measured: MeasuredComponent, charts: Charts) -> Mapping[int, Sequence[Onset]]:
    """Return the onsets by measurement of each subject code, in order of time."""
    found: dict[int, list[Onset]] = {}
    onsets = measured.onsets
    ends = np.maximum(onsets.seen, measured.reach[onsets.entries])
    columns = zip(
        (onsets.seen >> SECONDS_BITS).tolist(),
        onsets.earliest.tolist(),
        onsets.seen.tolist(),
        ends.tolist(),
        onsets.definite.tolist(),
        onsets.why.tolist(),
        _evidence(measured, charts),
        measured.series.kinds[onsets.entries].tolist(),
        onsets.provisional.tolist(),
        strict=True,
    )
    confirm = measured.memory.confirm.tolist()
    for code, earliest, seen, end, definite, why, evidence, kind, provisional in columns:
        test = measured.tests[kind][1] or None
        settled = seen + confirm[kind] if provisional else None
        onset = Onset(earliest, end, seen, definite, Why(why), evidence, test, settled)
        found.setdefault(code, []).append(onset)
    return found


def _evidence(measured: MeasuredComponent, charts: Charts) -> Iterator[tuple[str, ...]]:
    """Yield the rows that show each onset: those of every test that was abnormal when it was first seen."""
    series, seen = measured.series, measured.onsets.seen
    abnormal = np.flatnonzero(measured.abnormal)
    abnormal = abnormal[np.argsort(series.axis[abnormal], kind="stable")]
    axis = series.axis[abnormal]
    first, after = np.searchsorted(axis, seen), np.searchsorted(axis, seen, side="right")
    owner, offset = spread(after - first)
    entries = abnormal[first[owner] + offset]
    counts = np.diff(series.first_row, append=len(series.rows.axis))[entries]
    entry, within = spread(counts)
    numbers = series.rows.numbers[series.first_row[entries][entry] + within]
    labels = measurement_labels(charts.measurements.loc[numbers]).tolist()
    bounds = np.searchsorted(owner[entry], np.arange(len(seen) + 1)).tolist()
    return (tuple(labels[begin:end]) for begin, end in pairwise(bounds))
