"""Decide, in simulated trials, whether a scan over the dose clock crosses at its planned looks.

Model: all doses are observed from the dose to the last hour that a window names. Cases in risk windows lie
anywhere in them; control events anywhere in the control hours of a subject; in hours that are neither, events
come at the rate of the control hours. Doses share their observed hours, so that without harm the hours of n
events are independent and uniform, and one simulated null distribution serves all trials with n events.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from checks.design.scanned import (
    PERMUTATIONS,
    SAME,
    observed_hours,
    scan_looks,
    scan_statistics,
    strongest_windows,
)
from checks.protocol import StudyProtocol
from checks.protocol.rules import TimingRule
from checks.statistics.recursion import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClockEvents:
    """Events on the dose clock, one entry each, ordered by trial, subject, dose and hour."""

    trial: IntArray
    subject: IntArray
    hour: FloatArray


def clock_events(
    random: np.random.Generator,
    protocol: StudyProtocol,
    cases: BoolArray,
    control: IntArray,
    *,
    window_rate: float,
) -> ClockEvents:
    """Place the events of simulated trials on the dose clock, and add those in hours of no window.

    Parameters
    ----------
    cases : array, shape (trials, subjects, doses)
        Whether a risk window holds a case.
    control : array, shape (trials, subjects)
        Events in control hours.
    window_rate : float
        Rate without harm in hours as long as a risk window.
    """
    low, high = protocol.risk_window_hours
    first, last = observed_hours(protocol)
    spans = merged(protocol.control_windows_hours)
    apart = gaps([(low, high), *spans], first, last)
    trials, subjects, doses = cases.shape
    expected = doses * sum(end - start for start, end in apart) / (high - low) * window_rate
    added = random.poisson(expected, size=trials * subjects)
    in_risk = np.flatnonzero(cases)
    elsewhere = np.concatenate(
        [np.repeat(np.arange(trials * subjects), few) for few in (control.ravel(), added)]
    )
    dose = np.concatenate((in_risk, elsewhere * doses + random.integers(0, doses, elsewhere.size)))
    hours = np.concatenate(
        [
            uniform_hours(random, where, int(number))
            for where, number in (([(low, high)], in_risk.size), (spans, control.sum()), (apart, added.sum()))
        ]
    )
    on_clock = np.flatnonzero((hours >= first) & (hours <= last))
    order = on_clock[np.lexsort((hours[on_clock], dose[on_clock]))]
    whose = dose[order] // doses
    return ClockEvents(whose // subjects, whose % subjects, hours[order])


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the union of spans as spans that neither overlap nor touch, ascending."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def gaps(spans: Sequence[Span], first: float, last: float) -> list[Span]:
    """Return the hours between ``first`` and ``last`` that lie in no span."""
    edges = [first]
    for start, end in merged(spans):
        edges += [min(max(start, first), last), min(max(end, first), last)]
    edges.append(last)
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def uniform_hours(random: np.random.Generator, spans: Sequence[Span], number: int) -> FloatArray:
    """Return hours drawn uniformly over spans that do not overlap; without a span there are none to draw."""
    if not number:
        return np.empty(0)
    lengths = np.array([end - start for start, end in spans])
    place = random.random(number) * lengths.sum()
    which = np.minimum(np.searchsorted(np.cumsum(lengths), place, side="right"), len(spans) - 1)
    starts = np.array([start for start, _ in spans])
    return np.asarray(starts[which] + place - (np.cumsum(lengths) - lengths)[which])


@dataclass(frozen=True, slots=True)
class ScanWalk:
    """A scan rule on its way through trials: the null distributions are drawn once for each number of events."""

    rule: TimingRule
    hours: float
    seed: int
    _null: dict[int, FloatArray] = field(default_factory=dict)

    def crosses(self, events: ClockEvents, trials: int, *, never: int) -> IntArray:
        """Return the subjects complete, or under way, when each of ``trials`` first crosses; ``never`` if none."""
        at = np.full(trials, never)
        number = np.bincount(events.trial, minlength=trials)
        starts = np.cumsum(number) - number
        for n in scan_looks(self.rule):
            these = np.flatnonzero((number >= n) & (at == never))
            places = starts[these] + np.arange(n)[:, None]
            found = self._striking(events.hour[places], events.subject[places])
            at[these[found]] = events.subject[places[-1, found]] + 1
        return at

    def _striking(self, hours: FloatArray, subjects: IntArray) -> BoolArray:
        """Return which columns of event hours, shape (events, trials), are rare enough for one planned look."""
        n = len(hours)
        score = scan_statistics(hours, self.hours, min_events=self.rule.min_events)
        extreme = PERMUTATIONS - np.searchsorted(self._null_of(n), score - SAME)
        rare = (extreme + 1) / (PERMUTATIONS + 1) <= self.rule.alpha / (self.rule.looks or 1)
        found = np.flatnonzero(rare)
        inside = strongest_windows(hours[:, found], self.hours, min_events=self.rule.min_events)
        rare[found] = distinct(subjects[:, found], inside) >= self.rule.min_subjects
        return np.asarray(rare)

    def _null_of(self, n: int) -> FloatArray:
        if n not in self._null:
            hours = np.random.default_rng([self.seed, n]).random((n, PERMUTATIONS)) * self.hours
            self._null[n] = np.sort(scan_statistics(hours, self.hours, min_events=self.rule.min_events))
        return self._null[n]


def distinct(subjects: IntArray, inside: BoolArray) -> IntArray:
    """Return the number of different subjects among the marked entries of each column."""
    ordered = np.sort(np.where(inside, subjects, -1), axis=0)
    new = np.diff(ordered, axis=0, prepend=-1) != 0
    return np.asarray((new & (ordered >= 0)).sum(axis=0))
