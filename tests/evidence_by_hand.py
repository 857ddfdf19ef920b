"""What rules see, written by hand: tables for a path of units, an order of events, or dose clocks."""

from collections.abc import Iterable, Sequence

import numpy as np

from checks.rules.evidence import DoseWindow, Event, LabResults
from checks.rules.rate_looks import Unit
from checks.rules.scan_looks import DoseClock
from checks.scenario import ByScenario, Scenario

LATER = 1000
"""Subjects of control events, who have no risk window of their own."""


def below(best: int, main: int, worst: int, number: int) -> ByScenario[bool]:
    """Whether the event of this number, from 0, is among so many of each scenario."""
    return ByScenario(number < best, number < main, number < worst)


def cases(best: int, main: int, worst: int) -> tuple[Event, ...]:
    """So many cases of each scenario, each of another subject."""
    most = max(best, main, worst)
    return tuple(Event(n, 1, closes=0.0, in_risk=below(best, main, worst, n)) for n in range(most))


def windows(evaluable: int, unobserved: int = 0) -> tuple[DoseWindow, ...]:
    """So many elapsed windows, each of another subject, the evaluable ones first."""
    return tuple(DoseWindow(n, 1, 0.0, evaluable=n < evaluable) for n in range(evaluable + unobserved))


def step(event: str = "", weight: float = 1.0, subject: int = 0) -> Unit:
    """A unit without an event, or one with an event in the scenarios named by their first letters."""
    return Unit(subject, (0.0,), planned=round(1 / weight), case=moments(0.0, event))


def moments(moment: float, event: str) -> ByScenario[float | None]:
    """A moment in the scenarios named by their first letters."""
    return ByScenario(*(moment if letter in event else None for letter in "bmw"))


def by_subject(units: Iterable[Unit]) -> tuple[tuple[Event, ...], tuple[DoseWindow, ...]]:
    """Tables of which the path of subjects is these units; their subjects are numbered in order."""
    events: list[Event] = []
    doses: list[DoseWindow] = []
    for subject, unit in enumerate(units):
        closings = [*((one, True) for one in unit.closed), *((one, False) for one in unit.open)]
        for dose, (closes, closed) in enumerate(closings, start=1):
            doses.append(DoseWindow(subject, dose, closes, evaluable=closed, open=not closed))
        events += _cases(subject, 1, unit)
    return tuple(events), tuple(doses)


def by_window(units: Iterable[Unit]) -> tuple[tuple[Event, ...], tuple[DoseWindow, ...]]:
    """Tables of which the path of dose windows is these units, each with one window at most."""
    events: list[Event] = []
    doses: list[DoseWindow] = []
    for dose, unit in enumerate(units, start=1):
        closes = min((*unit.closed, *unit.open), default=0.0)
        doses.append(
            DoseWindow(unit.subject, dose, closes, evaluable=bool(unit.closed), open=bool(unit.open))
        )
        events += _cases(unit.subject, dose, unit)
    return tuple(events), tuple(doses)


def _cases(subject: int, dose: int, unit: Unit) -> list[Event]:
    counts = ByScenario.of(lambda scenario: unit.case[scenario] is not None)
    closings = [unit.case[scenario] for scenario in Scenario]
    closes = next((one for one in closings if one is not None), None)
    return [] if closes is None else [Event(subject, dose, closes=closes, in_risk=counts)]


def in_order(texts: ByScenario[str], ratio: float | None = None) -> tuple[Event, ...]:
    """Events of each scenario in their order: an r in risk, a c in control hours, each of another subject.

    R is an event in risk hours of subject 0. The scenarios have no event in common.
    """
    events: list[Event] = []
    for scenario, text in texts.items():
        here = ByScenario.of(lambda one, scenario=scenario: one is scenario)
        for n, letter in enumerate(text, start=1):
            if letter == "c":
                events.append(Event(LATER + n, known_at=float(n), ratio=ratio, in_control=here))
            else:
                subject = 0 if letter == "R" else n
                dose = 100 * (1 + list(Scenario).index(scenario)) + n
                events.append(Event(subject, dose, known_at=float(n), ratio=ratio, closes=0.0, in_risk=here))
    return tuple(events)


def on_clocks(clocks: Sequence[DoseClock]) -> tuple[tuple[Event, ...], tuple[DoseWindow, ...]]:
    """Tables of which the dose clocks are these, in their order by subject."""
    events: list[Event] = []
    doses: list[DoseWindow] = []
    for dose, clock in enumerate(clocks, start=1):
        doses.append(
            DoseWindow(clock.subject, dose, 0.0, evaluable=True, observed=clock.observed, ended=clock.ended)
        )
        for scenario, hours in clock.onsets.items():
            here = ByScenario.of(lambda one, scenario=scenario: one is scenario)
            events += [Event(clock.subject, dose, hour, on_clock=here) for hour in hours]
    return tuple(events), tuple(doses)


def results(*rows: tuple[int, float, bool, bool, bool]) -> LabResults:
    """Laboratory results as (subject, times the upper limit, after the first dose, perhaps after it, trusted)."""
    subject, times, after, perhaps, trusted = zip(*rows, strict=True) if rows else ((),) * 5
    return LabResults(
        np.array(subject, dtype=np.int64),
        np.array(times, dtype=np.float64),
        np.ones(len(rows)),
        np.array(after, dtype=bool),
        np.array(perhaps, dtype=bool),
        np.array(trusted, dtype=bool),
    )
