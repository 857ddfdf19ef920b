"""Decide whether a timing rule crossed anywhere along a path of events.

Each state on the path is judged when its event in risk hours became known, by the boundary of the method at
the ratio of control to risk hours as it stood then, the fewest events and the fewest subjects that the rule
asks for. Hours and events that come later belong to later states, so that a look holds every earlier look in
itself: nothing that was crossed is cleared by time, by control hours or by healthy subjects, only by data that
change an event or the hours before it. The ratio leaves out control hours still to come, as they are without
events so far, and counts a begun risk window whole: it errs against crossing.
With a constant ratio the size is exact. The ratio of a trial rises to its planned value and then moves little;
the size under that is shown by simulation.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from scipy.special import betainc

from checks.errors import DesignError
from checks.evaluation import EventStep, PathStep
from checks.protocol.rules import TimingRule
from checks.statistics.timing.binomial_boundary import BinomialBoundary
from checks.statistics.timing.e_process import EProcess, e_process, log_e_value
from checks.statistics.timing.maxsprt_binomial import MaxSPRTBinomial, binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_poisson import MaxSPRTPoisson, maxsprt_poisson, poisson_llr

SAME = 1e-10
"""Log-likelihood ratios nearer than this are one value, apart by rounding alone."""

ROUNDING = 1 + 1e-12
"""So many times 0.1 do not add up to whole numbers in binary: the last look must not be missed for it."""

SHORTEST = 200
"""Events up to which the exact size of an e-process is given; its validity has no end."""

KEPT = 1024
"""Boundaries kept for the readings, events and looks of one run; a boundary depends on its parameters alone."""

FEWEST_IN_CLUSTER = 2
"""One event is no cluster."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: events in risk and in all, what they are held against, and where it first crossed.

    ``length`` counts events (binomial, e-process) or those expected (Poisson); ``crossed_at`` is in the same
    unit. ``p_value`` allows for every look on the way; None where the method has none to give.
    """

    in_risk: int
    length: float
    statistic: float
    boundary: float
    size: float
    crossed_at: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class PlannedWalk:
    """The planned looks taken so far: the p-value at each, and the risk events at which one first crossed."""

    p_values: tuple[float, ...]
    crossed_at: int | None
    next_look: int | None


@dataclass(frozen=True, slots=True)
class _State:
    """Events by one event in risk hours, and the ratio of control to risk hours as it stood then."""

    n: int
    in_risk: int
    subjects: int
    ratio: float


def walk_binomial(rule: TimingRule, path: Sequence[EventStep], ratio: float) -> Walk:
    """Walk a binomial MaxSPRT along the events, the first ``n_max`` of them.

    The p-value is the exact chance, without the drug, of a log-likelihood ratio as large at any of the
    ``n_max`` events, at the ratio of its own moment: it is within alpha exactly where a state passes its
    critical value.

    Raises
    ------
    DesignError
        When nothing crossed and no count within ``n_max`` events is rare enough to signal at ``ratio``.
    """
    n_max = rule.n_max or 1
    states = _states(path[:n_max], ratio)
    judged = [(state, _llr(state)) for state in states if state.in_risk >= rule.min_events]
    p_values = [
        _reaching(n_max, state.ratio, rule.min_events, llr) if llr > 0 else 1.0 for state, llr in judged
    ]
    crossed = (state for state, _ in judged if _crosses_binomial(rule, n_max, state))
    first = next(crossed, None)
    test = _binomial(n_max, ratio if first is None else first.ratio, rule.alpha, rule.min_events)
    return Walk(
        in_risk=sum(step.in_risk for step in path),
        length=len(path),
        statistic=max((llr for _, llr in judged), default=0.0),
        boundary=test.critical_value,
        size=test.size,
        crossed_at=None if first is None else first.n,
        p_value=min(p_values, default=1.0),
    )


def _llr(state: _State) -> float:
    return binomial_llr(state.in_risk, state.n - state.in_risk, state.ratio)


def _crosses_binomial(rule: TimingRule, n_max: int, state: _State) -> bool:
    try:
        test = _binomial(n_max, state.ratio, rule.alpha, rule.min_events)
    except DesignError:
        return False
    fewest = test.boundary.events[state.n - 1]
    return fewest is not None and state.in_risk >= fewest and state.subjects >= rule.min_subjects


def walk_e_process(rule: TimingRule, path: Sequence[EventStep], ratio: float) -> Walk:
    """Walk an e-process along all the events; the p-value is 1 over its largest value on the way.

    Raises
    ------
    DesignError
        When nothing crossed and no count within the path, or ``SHORTEST`` events, can signal at ``ratio``.
    """
    judged = [(one, log_e_value(one.in_risk, one.n - one.in_risk, one.ratio)) for one in _states(path, ratio)]
    largest = max((value for _, value in judged), default=0.0)
    crossed = (
        one
        for one, value in judged
        if value >= -math.log(rule.alpha)
        and one.in_risk >= rule.min_events
        and one.subjects >= rule.min_subjects
    )
    first = next(crossed, None)
    test = _e_process(max(SHORTEST, len(path)), ratio if first is None else first.ratio, rule.alpha)
    p_value = min(1.0, math.exp(-largest))
    return Walk(
        in_risk=sum(step.in_risk for step in path),
        length=len(path),
        statistic=1 / p_value if p_value > 0 else math.inf,
        boundary=test.critical_value,
        size=test.size,
        crossed_at=None if first is None else first.n,
        p_value=p_value,
    )


def walk_planned(rule: TimingRule, path: Sequence[EventStep], ratio: float) -> PlannedWalk:
    """Take the planned looks of a self-controlled rule: one at each event in risk hours, from the fewest on.

    The first look is at the first risk event by which there are ``min_events`` of them, in ``min_subjects``
    subjects, and no fewer than two; the others at those that follow, ``looks`` in all. Each is the exact test
    of all events by then at an equal share of alpha. Size: the c-th risk event comes within n events exactly
    when n events hold c risk events, so a test taken at the c-th, whenever that is, errs with the chance that
    P(Bin(n, share of risk hours) >= c) has at its own critical n: at most its share of alpha, and all looks
    together at most alpha. No case waits for a look, and events in control hours use up none.
    """
    looks, share = rule.looks or 1, rule.alpha / (rule.looks or 1)
    least = max(rule.min_events, FEWEST_IN_CLUSTER)
    ready = (
        one for one in _states(path, ratio) if one.in_risk >= least and one.subjects >= rule.min_subjects
    )
    taken = tuple(islice(ready, looks))
    p_values = tuple(
        float(betainc(one.in_risk, one.n - one.in_risk + 1, 1 / (1 + one.ratio))) for one in taken
    )
    crossed = (one.in_risk for one, p in zip(taken, p_values, strict=True) if p <= share)
    in_risk = sum(step.in_risk for step in path)
    following = None if len(taken) == looks else max(least, in_risk + 1)
    return PlannedWalk(p_values, next(crossed, None), following)


def walk_poisson(rule: TimingRule, path: Sequence[PathStep], reading: str, expected: float) -> Walk:
    """Walk a Poisson MaxSPRT along dose windows, each of which adds ``expected`` events when it closes.

    Raises
    ------
    DesignError
        When the rule's parameters allow no boundary.
    """
    test = _poisson(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)
    windows, events, largest, crossed_at = 0.0, 0, 0.0, None
    subjects: set[int] = set()
    last = max((place for place, step in enumerate(path) if getattr(step, reading)), default=-1)
    for place, step in enumerate(path):
        event = bool(getattr(step, reading))
        windows, events = windows + (1.0 if event else _closed(step, ahead=place < last)), events + event
        if event:
            subjects.add(step.subject)
        now = windows * expected
        if events < rule.min_events or not test.delay <= now <= test.expected_max * ROUNDING:
            continue
        ratio = poisson_llr(events, now)
        largest = max(largest, ratio)
        enough = ratio > test.critical_value and len(subjects) >= rule.min_subjects
        crossed_at = now if crossed_at is None and enough else crossed_at
    return Walk(events, windows * expected, largest, test.critical_value, test.size, crossed_at, None)


def _closed(step: PathStep, *, ahead: bool) -> float:
    """Return how far a window without an event counts: one that closes before a known case's, whole."""
    return 1.0 if ahead and step.growth is not None and step.growth.open else step.weight


def _states(path: Sequence[EventStep], ratio: float) -> Iterator[_State]:
    """Yield the state at each event in risk hours; none where there were no hours of one kind to judge it by."""
    in_risk = 0
    subjects: set[int] = set()
    for n, step in enumerate(path, start=1):
        if not step.in_risk:
            continue
        in_risk += 1
        subjects.add(step.subject)
        then = ratio if step.ratio is None else step.ratio
        if 0 < then < math.inf:
            yield _State(n, in_risk, len(subjects), then)


@lru_cache(KEPT)
def _reaching(n_max: int, ratio: float, min_events: int, statistic: float) -> float:
    """Return the exact chance of a log-likelihood ratio of at least ``statistic`` within ``n_max`` events."""
    fewest: list[int | None] = []
    k = min_events
    for n in range(1, n_max + 1):
        while k <= n and binomial_llr(k, n - k, ratio) < statistic - SAME:
            k += 1
        fewest.append(k if k <= n else None)
    return BinomialBoundary(tuple(range(1, n_max + 1)), tuple(fewest), ratio).size()


@lru_cache(KEPT)
def _binomial(n_max: int, ratio: float, alpha: float, min_events: int) -> MaxSPRTBinomial:
    return maxsprt_binomial(n_max, ratio, alpha, min_events)


@lru_cache(KEPT)
def _e_process(n_max: int, ratio: float, alpha: float) -> EProcess:
    return e_process(n_max, ratio, alpha)


@lru_cache(KEPT)
def _poisson(expected_max: float, alpha: float, min_events: int, delay: float) -> MaxSPRTPoisson:
    return maxsprt_poisson(expected_max, alpha, min_events, delay)
