"""Decide which events and hours a scan rule may use, one unit a subject-dose, and what the scan finds there."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.evaluation import DoseClock
from checks.protocol.rules import TimingRule
from checks.timing.scan import Scan, Span, scan

READINGS = ("best", "main", "worst")
"""From the reading that speaks most for the study drug to the one that speaks most against it."""

FEWEST_IN_CLUSTER = 2
"""One event is no cluster."""


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


def scan_clocks(rule: TimingRule, clocks: Sequence[DoseClock], reading: str, seed: int) -> ClusterReading:
    """Scan the dose clocks of one reading.

    An event outside the observed hours of its own dose has nowhere to be permuted to: it is counted out, and
    its number said.
    """
    units = [clock for clock in clocks if clock.observed]
    inside = [[hour for hour in getattr(clock, reading) if _observed(hour, clock)] for clock in units]
    every = sum(len(getattr(clock, reading)) for clock in clocks)
    found = scan(
        inside,
        [clock.observed for clock in units],
        seed,
        min_events=max(FEWEST_IN_CLUSTER, rule.min_events),
    )
    events = sum(len(hours) for hours in inside)
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


def _observed(hour: float, clock: DoseClock) -> bool:
    return any(start <= hour <= end for start, end in clock.observed)


def _subjects(units: Sequence[DoseClock], found: Scan) -> int:
    if found.window_hours is None:
        return 0
    low, high = found.window_hours
    within = zip(units, found.event_hours, strict=True)
    return len({clock.subject for clock, hours in within if any(low <= hour <= high for hour in hours)})
