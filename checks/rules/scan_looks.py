"""The events and hours that a scan rule may use, when its planned looks are, and what the scan finds there.

One unit is a subject-dose. Information is counted in events of doses whose hours have ended: the k-th of
``looks`` planned looks is taken when they hold k times the fewest events that could cross (``min_events``,
``min_subjects``, and no fewer than two), on these doses alone, and its outcome stays. An event between two looks
counts at the next. Each look spends an equal share of alpha, so that all together keep to alpha however often
the data are looked at between them.
Why ended doses alone: what calls a look must tell nothing of the hours. Taken when an event is seen, that event
lies at the very end of its dose's hours and the hours behind it are empty, which looks like a cluster:
in simulations up to 2.1 times alpha.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from checks.rules.evidence import Dose, Event, Evidence, Span
from checks.rules.methods.method import FEWEST_IN_CLUSTER, TimingSection
from checks.rules.trials import BoolArray, FloatArray, IntArray
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.scan import Scan, scan

KEPT = 256
"""Scans kept: the looks of a replay scan the same events again and again."""

_scan = lru_cache(KEPT)(scan)


@dataclass(frozen=True, slots=True)
class DoseClock:
    """Onsets of one subject-dose in each scenario, and its spans of opportunity, in hours since the dose.

    ``ended`` is the moment at which the dose's hours ended; infinite while they have not.
    """

    subject: int
    spans: tuple[Span, ...]
    onsets: ByScenario[tuple[float, ...]]
    ended: float = -math.inf


def clocks_of(evidence: Evidence) -> tuple[DoseClock, ...]:
    """Return the clock of each dose that has opportunity or an able onset, by subject and dose."""
    onsets: dict[Dose, list[Event]] = defaultdict(list)
    for event in evidence.events:
        if event.dose is not None and event.able and any(counts for _, counts in event.on_clock.items()):
            onsets[event.subject, event.dose].append(event)
    spans = {(one.subject, one.dose): one.spans for one in evidence.opportunities}
    ended = {(window.subject, window.dose): window.ended for window in evidence.windows}
    return tuple(
        DoseClock(
            dose[0],
            spans.get(dose, ()),
            ByScenario.of(partial(_hours, onsets.get(dose, []))),
            ended.get(dose, -math.inf),
        )
        for dose in sorted({*spans, *onsets})
    )


def _hours(events: Sequence[Event], scenario: Scenario) -> tuple[float, ...]:
    return tuple(one.hour for one in events if one.hour is not None and one.on_clock[scenario])


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a scan found in one scenario, among how many events, in how many subjects; and the events left out."""

    scan: Scan
    events: int
    subjects_in_window: int
    outside_opportunity: int


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


def planned_scans(
    rule: TimingSection, clocks: Sequence[DoseClock], scenario: Scenario, seed: int
) -> PlannedScans:
    """Take the planned looks that the events of one scenario have called so far."""
    ended = sorted(
        clock.ended
        for clock in clocks
        for hour in clock.onsets[scenario]
        if _able(hour, clock) and clock.ended < math.inf
    )
    numbers = look_numbers(rule)
    called = [ended[number - 1] for number in numbers if number <= len(ended)]
    taken = tuple(_look(rule, clocks, moment, scenario, seed) for moment in sorted(set(called)))
    return PlannedScans(len(called), taken, next(iter(numbers[len(called) :]), None))


def look_numbers(rule: TimingSection) -> tuple[int, ...]:
    """Return the numbers of events at which the planned looks are taken."""
    step = max(rule.min_events, rule.min_subjects, FEWEST_IN_CLUSTER)
    return tuple(step * look for look in range(1, rule.planned_looks + 1))


def _look(
    rule: TimingSection, clocks: Sequence[DoseClock], moment: float, scenario: Scenario, seed: int
) -> ScanLook:
    known = [clock for clock in clocks if clock.ended <= moment]
    found = scan_clocks(rule, known, scenario, seed)
    crossed = _crosses(rule, found)
    in_best = crossed and _crosses(rule, scan_clocks(rule, known, Scenario.BEST, seed))
    return ScanLook(found.scan.p_value, crossed, in_best)


def _crosses(rule: TimingSection, found: Cluster) -> bool:
    numbers = np.array([found.scan.events_in_window, found.subjects_in_window])
    return bool(crosses(rule, np.array(found.scan.p_value), numbers[0], numbers[1]))


def crosses(rule: TimingSection, p_values: FloatArray, events: IntArray, subjects: IntArray) -> BoolArray:
    """Return which scans cross at one planned look: the one step of a look and of a simulated trial.

    Of each scan: how rare its most clustered window is, and the events and subjects inside.
    """
    enough = (events >= rule.min_events) & (subjects >= rule.min_subjects)
    return np.asarray(enough & (p_values <= rule.share))


def scan_clocks(rule: TimingSection, clocks: Sequence[DoseClock], scenario: Scenario, seed: int) -> Cluster:
    """Scan the dose clocks of one scenario.

    An event outside the opportunity of its own dose has nowhere to be permuted to: it is counted out, and
    its number said.
    """
    every = sum(len(clock.onsets[scenario]) for clock in clocks)
    inside = [
        (clock, tuple(hour for hour in clock.onsets[scenario] if _able(hour, clock))) for clock in clocks
    ]
    # a dose without an event has nothing to permute
    units = [clock for clock, hours in inside if hours]
    found = _scan(
        tuple(hours for _, hours in inside if hours),
        tuple(clock.spans for clock in units),
        seed,
        min_events=max(FEWEST_IN_CLUSTER, rule.min_events),
    )
    events = sum(len(hours) for _, hours in inside)
    return Cluster(found, events, _subjects(units, found), outside_opportunity=every - events)


def _able(hour: float, clock: DoseClock) -> bool:
    return any(start <= hour <= end for start, end in clock.spans)


def _subjects(units: Sequence[DoseClock], found: Scan) -> int:
    if found.window_hours is None:
        return 0
    low, high = found.window_hours
    within = zip(units, found.event_hours, strict=True)
    return len({clock.subject for clock, hours in within if any(low <= hour <= high for hour in hours)})
