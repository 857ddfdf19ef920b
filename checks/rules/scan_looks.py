"""Decide which events and hours a scan rule may use, when its planned looks are, and what the scan finds there.

One unit is a subject-dose. Information is counted in events of doses whose hours have ended: the k-th of
``looks`` planned looks is taken when they hold k times the fewest events that could cross (``min_events``,
``min_subjects``, and no fewer than two), on these doses alone, and its outcome stays. An event between two looks
counts at the next. Each look spends an equal share of alpha, so that all together keep to alpha however often
the data are looked at between them.
Why ended doses alone: what calls a look must tell nothing of the hours. Taken when an event is seen, that event
lies at the very end of its dose's observed hours and the hours behind it are empty, which looks like a cluster:
in simulations up to 2.1 times alpha.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from checks.evaluation import DoseClock
from checks.protocol.rules import TimingRule
from checks.rules.timing_looks import FEWEST_IN_CLUSTER
from checks.statistics.timing.scan import Scan, Span, scan

READINGS = ("best", "main", "worst")
"""From the reading that speaks most for the study drug to the one that speaks most against it."""

KEPT = 256
"""Scans kept: the looks of a replay scan the same events again and again."""


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """The most clustered window of one reading, and how rare chance makes it."""

    window_hours: Span | None
    events: int
    events_in_window: int
    expected_in_window: float
    subjects_in_window: int
    outside_observed: int
    statistic: float
    p_value: float
    permutations: int


@dataclass(frozen=True, slots=True)
class ScanLook:
    """What one planned look of a scan rule found, and whether it crossed there; so in the best case too."""

    p_value: float
    crossed: bool
    crossed_in_best: bool


@dataclass(frozen=True, slots=True)
class PlannedScans:
    """The planned looks taken so far: how many, what each moment of a look found, and the events of the next."""

    number: int
    taken: tuple[ScanLook, ...]
    next_look: int | None


def planned_scans(rule: TimingRule, clocks: Sequence[DoseClock], reading: str, seed: int) -> PlannedScans:
    """Take the planned looks that the events of one reading have called so far."""
    step = max(rule.min_events, rule.min_subjects, FEWEST_IN_CLUSTER)
    ended = sorted(
        _ended(clock)
        for clock in clocks
        for hour in getattr(clock, reading)
        if _observed(hour, clock) and _ended(clock) < math.inf
    )
    called = ended[step - 1 :: step][: rule.looks or 1]
    following = None if len(called) == (rule.looks or 1) else step * (len(called) + 1)
    taken = tuple(_look(rule, clocks, moment, reading, seed) for moment in sorted(set(called)))
    return PlannedScans(len(called), taken, following)


def _ended(clock: DoseClock) -> float:
    return -math.inf if clock.closes is None else clock.closes


def _look(rule: TimingRule, clocks: Sequence[DoseClock], moment: float, reading: str, seed: int) -> ScanLook:
    known = [clock for clock in clocks if _ended(clock) <= moment]
    found = scan_clocks(rule, known, reading, seed)
    crossed = _crosses(rule, found)
    in_best = crossed and _crosses(rule, scan_clocks(rule, known, READINGS[0], seed))
    return ScanLook(found.p_value, crossed, in_best)


def _crosses(rule: TimingRule, found: ClusterReading) -> bool:
    return (
        found.p_value <= rule.alpha / (rule.looks or 1)
        and found.events_in_window >= rule.min_events
        and found.subjects_in_window >= rule.min_subjects
    )


def scan_clocks(rule: TimingRule, clocks: Sequence[DoseClock], reading: str, seed: int) -> ClusterReading:
    """Scan the dose clocks of one reading.

    An event outside the observed hours of its own dose has nowhere to be permuted to: it is counted out, and
    its number said.
    """
    every = sum(len(getattr(clock, reading)) for clock in clocks)
    inside = [
        (clock, tuple(hour for hour in getattr(clock, reading) if _observed(hour, clock))) for clock in clocks
    ]
    # a dose without an event has nothing to permute
    units = [clock for clock, hours in inside if hours]
    found = _scan(
        tuple(hours for _, hours in inside if hours),
        tuple(clock.observed for clock in units),
        seed,
        max(FEWEST_IN_CLUSTER, rule.min_events),
    )
    events = sum(len(hours) for _, hours in inside)
    return ClusterReading(
        window_hours=found.window_hours,
        events=events,
        events_in_window=found.events_in_window,
        expected_in_window=found.expected_in_window,
        subjects_in_window=_subjects(units, found),
        outside_observed=every - events,
        statistic=found.statistic,
        p_value=found.p_value,
        permutations=found.permutations,
    )


@lru_cache(KEPT)
def _scan(
    events: tuple[tuple[float, ...], ...], observed: tuple[tuple[Span, ...], ...], seed: int, min_events: int
) -> Scan:
    return scan(events, observed, seed, min_events=min_events)


def _observed(hour: float, clock: DoseClock) -> bool:
    return any(start <= hour <= end for start, end in clock.observed)


def _subjects(units: Sequence[DoseClock], found: Scan) -> int:
    if found.window_hours is None:
        return 0
    low, high = found.window_hours
    within = zip(units, found.event_hours, strict=True)
    return len({clock.subject for clock, hours in within if any(low <= hour <= high for hour in hours)})
