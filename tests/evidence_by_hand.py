"""What rules see, written by hand: tables for a path of units, events as doses close, or dose clocks."""

from collections.abc import Iterable, Sequence

import numpy as np

from checks.rules.evidence import DoseWindow, Event, LabResults, Opportunity
from checks.rules.rate_looks import Unit
from checks.rules.scan_looks import DoseClock
from checks.scenario import ByScenario, Scenario


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


def in_order(
    texts: ByScenario[str], hours: tuple[float, float] = (3.0, 45.0)
) -> tuple[tuple[Event, ...], tuple[Opportunity, ...]]:
    """Events of each scenario as their doses close: an r in risk, a c in control hours, each of another subject.

    R is an event in risk hours of subject 0. The n-th letters of the scenarios lie in the n-th dose; each dose has so
    many ``hours`` of opportunity in risk and in control. The doses of letters in brackets close at one moment.
    """
    events: list[Event] = []
    doses: dict[tuple[int, int], Opportunity] = {}
    for scenario, text in texts.items():
        here = ByScenario.of(lambda one, scenario=scenario: one is scenario)
        for n, (letter, closes) in enumerate(_closing(text), start=1):
            subject = 0 if letter == "R" else n
            where = {"in_control" if letter == "c" else "in_risk": here}
            events.append(Event(subject, n, before=n, **where))
            doses[subject, n] = opportunity(subject, n, *hours, closes=closes)
    return tuple(events), tuple(doses.values())


def _closing(text: str) -> list[tuple[str, float]]:
    """Each letter with the moment at which its dose closes."""
    found, moment, together = [], 0.0, False
    for letter in text:
        if letter in "()":
            together = letter == "("
            moment += together
        else:
            moment += not together
            found.append((letter, moment))
    return found


def opportunity(
    subject: int = 0,
    dose: int = 1,
    in_risk: float = 3.0,
    in_control: float = 45.0,
    *,
    before: float = 0.0,
    closes: float = 0.0,
    by_block: dict[int, tuple[float, float]] | None = None,
    spans: tuple[tuple[float, float], ...] = (),
) -> Opportunity:
    """The opportunity of one dose, which closes as a whole at one moment."""
    return Opportunity(subject, dose, in_risk, in_control, before, closes, closes, by_block or {}, spans)


def on_clocks(
    clocks: Sequence[DoseClock],
) -> tuple[tuple[Event, ...], tuple[DoseWindow, ...], tuple[Opportunity, ...]]:
    """Tables of which the dose clocks are these, in their order by subject."""
    events: list[Event] = []
    doses: list[DoseWindow] = []
    spans: list[Opportunity] = []
    for dose, clock in enumerate(clocks, start=1):
        doses.append(DoseWindow(clock.subject, dose, 0.0, evaluable=True, ended=clock.ended))
        spans.append(opportunity(clock.subject, dose, spans=clock.spans))
        for scenario, hours in clock.onsets.items():
            here = ByScenario.of(lambda one, scenario=scenario: one is scenario)
            events += [Event(clock.subject, dose, hour, on_clock=here) for hour in hours]
    return tuple(events), tuple(doses), tuple(spans)


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
