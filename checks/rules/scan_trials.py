"""How often the scan over the dose clock crosses in simulated trials, without harm and with it.

Estimator: the scan of ``checks.statistics.timing.scan`` with one event a subject, all subjects observed over the same
hours: without the drug the hours of the events are independent and uniform, so that one simulated null
distribution serves every trial with as many events. A trial crosses when its statistic at a planned look is
reached by so few of the null's that (r + 1) / (R + 1) is within that look's share of alpha.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import xlogy

from checks.rules.designs import Surveillance
from checks.rules.evidence import Span
from checks.rules.methods.method import FEWEST_IN_CLUSTER, LENGTHS, TRUTHS, TimingSection, surveillance
from checks.rules.plan import Plan, merged
from checks.rules.scan_looks import crosses, look_numbers
from checks.rules.trials import NEVER, BoolArray, ClockEvents, FloatArray, IntArray
from checks.statistics.timing.sequential import SequentialCharacteristics

MIN_WIDTH = 1.0
"""The narrowest window of a look's scan, in hours."""

PERMUTATIONS = 9999
"""R of a look's scan."""

SAME = 1e-9
"""Statistics nearer than this are tied, as in a look's scan."""


def scan_surveillance(rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
    """Return size and power of a scan rule, at those of its planned looks that each number of events calls."""
    random = np.random.default_rng([plan.seed, len(LENGTHS)])
    hours = [simulated_hours(plan, truth, LENGTHS[-1], plan.simulations, random) for truth in TRUTHS]
    return tuple(_one_length(rule, plan, length, hours, random) for length in LENGTHS)


def simulated_hours(
    plan: Plan, relative_incidence: float, events: int, trials: int, random: np.random.Generator
) -> FloatArray:
    """Return event hours, shape (events, trials): in the risk window more often, and uniform elsewhere."""
    first, last = plan.observed_hours
    low, high = plan.risk_window
    others = last - first - (high - low)
    inside = random.random((events, trials)) < chance_in_window(plan, relative_incidence)
    elsewhere = first + others * random.random((events, trials))
    elsewhere += np.where(elsewhere >= low, high - low, 0.0)
    return np.where(inside, low + (high - low) * random.random((events, trials)), elsewhere)


def chance_in_window(plan: Plan, relative_incidence: float) -> float:
    """Return the chance that an event falls into the risk window, of all the hours that a look scans."""
    (first, last), (low, high) = plan.observed_hours, plan.risk_window
    within = relative_incidence * (high - low)
    return within / (within + last - first - (high - low))


def scan_statistics(hours: FloatArray, observed: float, min_events: int) -> FloatArray:
    """Return the scan statistic of each column of event hours, one event a subject.

    ``hours`` since dose have the shape (events, trials); every subject is ``observed`` over so many of them, and
    ``min_events`` make a cluster.
    """
    best = np.zeros(hours.shape[1])
    for _, _, score in _windows(hours, observed, min_events):
        np.maximum(best, score, out=best)
    return best


def strongest_windows(hours: FloatArray, observed: float, min_events: int) -> BoolArray:
    """Return which events of each column lie in its strongest window; parameters as ``scan_statistics``."""
    best, low, high = np.zeros((3, hours.shape[1]))
    for start, end, score in _windows(hours, observed, min_events):
        better = score > best + SAME
        best[better], low[better], high[better] = score[better], start[better], end[better]
    return np.asarray((hours >= low) & (hours <= high) & (best > 0))


def _windows(
    hours: FloatArray, observed: float, min_events: int
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Yield, for each number of events inside, the narrowest window of each column and its statistic."""
    ordered, total = np.sort(hours, axis=0), len(hours)
    columns = np.arange(hours.shape[1])
    for inside in range(max(min_events, FEWEST_IN_CLUSTER), total + 1):
        widths = ordered[inside - 1 :] - ordered[: total - inside + 1]
        first = widths.argmin(axis=0)
        start, width = ordered[first, columns], widths[first, columns]
        expected = total * np.maximum(width, MIN_WIDTH) / observed
        with np.errstate(divide="ignore", invalid="ignore"):
            score = xlogy(inside, inside / expected)
            score += xlogy(total - inside, (total - inside) / (total - expected))
        yield start, ordered[first + inside - 1, columns], np.where(inside > expected, score, 0.0)


def _one_length(
    rule: TimingSection,
    plan: Plan,
    length: int,
    hours: Sequence[FloatArray],
    random: np.random.Generator,
) -> Surveillance:
    looks = tuple(look for look in look_numbers(rule) if look <= length)
    first, last = plan.observed_hours
    stopped = [np.full(one.shape[1], np.inf) for one in hours]
    for look in looks:
        uniform = random.uniform(first, last, (look, PERMUTATIONS))
        null = np.sort(scan_statistics(uniform, last - first, rule.min_events))
        for trials, at in zip(hours, stopped, strict=True):
            score = scan_statistics(trials[:look], last - first, rule.min_events)
            extreme = PERMUTATIONS - np.searchsorted(null, score - SAME)
            rare = (extreme + 1) / (PERMUTATIONS + 1) <= rule.share
            at[rare] = np.minimum(at[rare], look)
    behaves = [_behaves(truth, at, length) for truth, at in zip(TRUTHS, stopped, strict=True)]
    return surveillance(
        length,
        looks,
        None,
        behaves,
        [chance_in_window(plan, truth) for truth in TRUTHS],
        [float((stopped[0] == look).mean()) for look in looks],
        errors=[(one.power * (1 - one.power) / plan.simulations) ** 0.5 for one in behaves],
    )


def _behaves(truth: float, stopped: FloatArray, length: int) -> SequentialCharacteristics:
    """Return how trials behaved that stopped at so many events; infinite for one that never crossed."""
    crossed = np.isfinite(stopped)
    to_signal = float(stopped[crossed].mean()) if crossed.any() else math.nan
    mean_length = float(np.minimum(stopped, length).mean())
    return SequentialCharacteristics(truth, float(crossed.mean()), to_signal, mean_length)


@dataclass(frozen=True, slots=True)
class ScanWalk:
    """A scan rule on its way through trials: the null distributions are drawn once for each number of events."""

    rule: TimingSection
    hours: float
    seed: int
    _null: dict[int, FloatArray] = field(default_factory=dict)

    def first(self, events: ClockEvents, trials: int) -> IntArray:
        """Return the subjects complete, or under way, when each of ``trials`` first crosses."""
        at = np.full(trials, NEVER)
        number = np.bincount(events.trial, minlength=trials)
        starts = np.cumsum(number) - number
        for n in look_numbers(self.rule):
            these = np.flatnonzero((number >= n) & (at == NEVER))
            places = starts[these] + np.arange(n)[:, None]
            found = self._striking(events.hour[places], events.subject[places])
            at[these[found]] = events.subject[places[-1, found]] + 1
        return at

    def _striking(self, hours: FloatArray, subjects: IntArray) -> BoolArray:
        """Return which columns of event hours, shape (events, trials), are rare enough for one planned look."""
        n = len(hours)
        score = scan_statistics(hours, self.hours, self.rule.min_events)
        extreme = PERMUTATIONS - np.searchsorted(self._null_of(n), score - SAME)
        p_values = (extreme + 1) / (PERMUTATIONS + 1)
        rare = p_values <= self.rule.share
        found = np.flatnonzero(rare)
        inside = strongest_windows(hours[:, found], self.hours, self.rule.min_events)
        numbers = inside.sum(axis=0), distinct(subjects[:, found], inside)
        rare[found] = crosses(self.rule, p_values[found], *numbers)
        return np.asarray(rare)

    def _null_of(self, n: int) -> FloatArray:
        if n not in self._null:
            hours = np.random.default_rng([self.seed, n]).random((n, PERMUTATIONS)) * self.hours
            self._null[n] = np.sort(scan_statistics(hours, self.hours, self.rule.min_events))
        return self._null[n]


def distinct(subjects: IntArray, inside: BoolArray) -> IntArray:
    """Return the number of different subjects among the marked entries of each column."""
    ordered = np.sort(np.where(inside, subjects, -1), axis=0)
    new = np.diff(ordered, axis=0, prepend=-1) != 0
    return np.asarray((new & (ordered >= 0)).sum(axis=0))


def clock_events(
    random: np.random.Generator,
    plan: Plan,
    cases: BoolArray,
    control: IntArray,
    *,
    window_rate: float,
) -> ClockEvents:
    """Place the events of simulated trials on the dose clock, and add those in hours of no window.

    All doses are observed from the dose to the last hour that a window names. Cases in risk windows (``cases``,
    shape (trials, subjects, doses)) lie anywhere in them; control events (``control``, shape (trials, subjects))
    anywhere in the control hours of a subject; in hours that are neither, events come at the rate of the control
    hours, ``window_rate`` in hours as long as a risk window.
    """
    low, high = plan.risk_window
    first, last = plan.observed_hours
    spans = merged(plan.control_windows)
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
