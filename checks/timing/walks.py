"""Decide whether a sequential timing rule crossed anywhere along a path of events.

Each state on the path is judged by the boundary of its method, the fewest events and the fewest subjects that
the rule asks for. All three can only be met sooner by more risk events, earlier risk events or fewer control
events, so that the worst case crosses whenever the main reading does.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from checks.evaluation import EventStep, PathStep
from checks.protocol.rules import TimingRule
from checks.timing.binomial_boundary import BinomialBoundary
from checks.timing.e_process import EProcess, e_process
from checks.timing.maxsprt_binomial import MaxSPRTBinomial, binomial_llr, maxsprt_binomial
from checks.timing.maxsprt_poisson import MaxSPRTPoisson, maxsprt_poisson, poisson_llr

SAME = 1e-10
"""Log-likelihood ratios nearer than this are one value, apart by rounding alone."""

ROUNDING = 1 + 1e-12
"""So many times 0.1 do not add up to whole numbers in binary: the last look must not be missed for it."""

SHORTEST = 200
"""Events up to which the exact size of an e-process is given; its validity has no end."""

KEPT = 64
"""Boundaries kept for the readings and looks of one run; a boundary depends on its parameters alone."""


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
class _State:
    n: int
    in_risk: int
    subjects: int


def walk_binomial(rule: TimingRule, path: Sequence[EventStep], ratio: float) -> Walk:
    """Walk a binomial MaxSPRT along the events, the first ``n_max`` of them.

    The p-value is the exact chance, without the drug, of a log-likelihood ratio as large at any of the
    ``n_max`` events: it is within alpha exactly where the largest ratio passes the critical value.

    Raises
    ------
    DesignError
        When no count within ``n_max`` events is rare enough to signal at this ratio.
    """
    test = _binomial(rule.n_max or 1, ratio, rule.alpha, rule.min_events)
    judged = [state for state in _states(path[: test.n_max]) if state.in_risk >= rule.min_events]
    largest = max((test.statistic(one.in_risk, one.n - one.in_risk) for one in judged), default=0.0)
    fewest = dict(zip(test.boundary.looks, test.boundary.events, strict=True))
    crossed = (one.n for one in judged if _crosses(one, fewest[one.n], rule))
    return Walk(
        in_risk=sum(step.in_risk for step in path),
        length=len(path),
        statistic=largest,
        boundary=test.critical_value,
        size=test.size,
        crossed_at=next(crossed, None),
        p_value=_reaching(test.n_max, ratio, rule.min_events, largest) if largest > 0 else 1.0,
    )


def walk_e_process(rule: TimingRule, path: Sequence[EventStep], ratio: float) -> Walk:
    """Walk an e-process along all the events; the p-value is 1 over its largest value on the way.

    Raises
    ------
    DesignError
        When no count within the path, or ``SHORTEST`` events, can signal at this ratio.
    """
    test = _e_process(max(SHORTEST, len(path)), ratio, rule.alpha)
    states = list(_states(path))
    p_value = min(1.0, test.p_value([step.in_risk for step in path]))
    fewest = dict(zip(test.boundary.looks, test.boundary.events, strict=True))
    enough = (one for one in states if one.in_risk >= rule.min_events)
    crossed = (one.n for one in enough if _crosses(one, fewest[one.n], rule))
    return Walk(
        in_risk=states[-1].in_risk if states else 0,
        length=len(path),
        statistic=1 / p_value if p_value > 0 else math.inf,
        boundary=test.critical_value,
        size=test.size,
        crossed_at=next(crossed, None),
        p_value=p_value,
    )


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
    for step in path:
        event = bool(getattr(step, reading))
        windows, events = windows + (1.0 if event else step.weight), events + event
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


def _states(path: Sequence[EventStep]) -> Iterator[_State]:
    in_risk = 0
    subjects: set[int] = set()
    for n, step in enumerate(path, start=1):
        if step.in_risk:
            in_risk += 1
            subjects.add(step.subject)
        yield _State(n, in_risk, len(subjects))


def _crosses(state: _State, fewest: int | None, rule: TimingRule) -> bool:
    return fewest is not None and state.in_risk >= fewest and state.subjects >= rule.min_subjects


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
