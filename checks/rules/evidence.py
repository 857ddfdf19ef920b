"""What the rules may see of one look: a table of events and one of dose windows, never a subject's records.

Moments are hours since the first dose of the study, unless said otherwise. Subjects are numbers, good within one
look: a rule only asks whether two rows share one.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from checks.scenario import ByScenario, Scenario

Span = tuple[float, float]
Dose = tuple[int, int]
"""A subject, and which of its doses."""

NOWHERE = ByScenario(best=False, main=False, worst=False)
"""No event in any scenario."""


@dataclass(frozen=True, slots=True)
class Event:
    """One onset of the composite, and the scenarios in which it counts: in risk hours, in control hours, to a scan.

    Every scenario speaks for the study drug as much as the one after it, or more: an event in risk hours that
    counts in one counts in the next, an event in control hours that counts in one counted in the one before.
    """

    subject: int
    dose: int | None = None
    """The dose whose hours it lies in; of an event in control hours that under which it counts (the nearest one).

    None of rows that no dose can hold.
    """
    hour: float | None = None
    """Hours since its dose; None where only dates are known."""
    known_at: float | None = None
    """When it was first seen, in seconds since 1970 (UTC); None where nothing is known of when."""
    closes: float | None = None
    """The moment at which its dose window closes; it may lie ahead."""
    in_risk: ByScenario[bool] = NOWHERE
    in_control: ByScenario[bool] = NOWHERE
    on_clock: ByScenario[bool] = NOWHERE
    """Whether it is an onset at its hour since dose, wherever that lies."""
    before: int | None = None
    """Of an event in control hours: the dose whose risk window comes next, where they count before a dose.

    None after the last dose.
    """
    block: int | None = None
    """The four hours of the clock, 0 to 5, in the zone of the study, in which it began; None without an hour."""
    able: bool = True
    """Whether it began at an instant of opportunity: only such an event counts for timing."""


@dataclass(frozen=True, slots=True)
class DoseWindow:
    """One dose of one subject: what became of its risk window, and when its hours ended.

    Attributes
    ----------
    closes
        The moment at which the risk window closes.
    evaluable, open
        Elapsed and observed, or not yet elapsed; neither: elapsed and not observed.
    trusted
        Whether the dose stands without quarantined rows.
    ended
        The moment at which the dose's hours ended; infinite while they have not.
    """

    subject: int
    dose: int
    closes: float
    evaluable: bool = False
    open: bool = False
    trusted: bool = True
    ended: float = -math.inf

    @property
    def complete(self) -> bool:
        """Whether the window counts as observed, whole."""
        return self.trusted and self.evaluable

    @property
    def pending(self) -> bool:
        """Whether the window may still be observed."""
        return self.trusted and self.open


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Hours in which a new event of one subject could have been seen, counted under one dose.

    An event is able where its hour is one of these: numerator and denominator obey one rule.

    Attributes
    ----------
    in_risk
        Hours of the dose's risk window; an hour in the windows of two doses counts under the later one.
    in_control
        Control hours on both sides of which this is the nearest dose.
    before
        Control hours between the risk window of the dose before, if there is one, and this dose's.
    closes
        The moment at which all its control hours have elapsed; it may lie ahead.
    risk_closes
        The moment at which its risk window closes; it may lie ahead.
    by_block
        (``in_risk``, ``in_control``) by the four hours of the clock in which they lie; blocks without hours may miss.
    spans
        The hours since the dose, in or out of a window, from the dose to the last hour that a window names.
    """

    subject: int
    dose: int
    in_risk: float
    in_control: float
    before: float
    closes: float
    risk_closes: float
    by_block: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LabResults:
    """Results of one laboratory test in subjects who were dosed, an entry each.

    ``after`` says that the result is from after the subject's first dose, ``perhaps_after`` that it may be.
    """

    subject: NDArray[np.int64]
    value: NDArray[np.float64]
    upper_limit: NDArray[np.float64]
    after: NDArray[np.bool_]
    perhaps_after: NDArray[np.bool_]
    trusted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScoredDose:
    """One dose of one subject: how much worse the subject became in blocks as long as the risk window.

    Attributes
    ----------
    start
        When it began, in seconds since 1970 (UTC).
    closes
        The moment at which its last risk and control hours have elapsed; it may lie ahead.
    hours
        Hours since the dose at which the blocks begin; the first is the risk window, the others control blocks.
    scores
        In robust deviations of the subject's own chart, one a block; None where it has none.
    """

    subject: int
    dose: int
    start: int
    closes: float
    hours: tuple[float, ...]
    scores: tuple[float | None, ...]


NO_SCORES: ByScenario[tuple[ScoredDose, ...]] = ByScenario((), (), ())
"""No scored dose in any scenario."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A probability with its exact 95 % limits."""

    estimate: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AssumedRate:
    """The protocol's background as a probability for one unit, and its range where it has one."""

    rate: float
    range: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class BackgroundEvidence:
    """How often the composite begins without the drug: as the subjects' control hours show, and as assumed.

    ``estimated`` and ``assumed`` are by unit, ``window`` or ``subject``; a unit is left out where nothing can
    be said for it (no control hours, no declared background, no number of planned doses).
    """

    events: int
    hours: float
    estimated: Mapping[str, Estimate] = field(default_factory=dict)
    assumed: Mapping[str, AssumedRate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the rules of one look may see."""

    events: tuple[Event, ...]
    windows: tuple[DoseWindow, ...]
    hours_in_risk: float = 0.0
    """Observed hours in risk windows."""
    hours_in_control: float = 0.0
    """Observed control hours."""
    opportunities: tuple[Opportunity, ...] = ()
    """One for each trusted dose of which the hour is known, those without any opportunity among them."""
    reacting: tuple[Opportunity, ...] = ()
    """The same doses, the other components being measured whenever one shows an event; where a rule asks for it."""
    risk_hours: float = 1.0
    """Length of the risk window."""
    planned_subjects: int | None = None
    """The most subjects that a rule plans for; None where none does."""
    data_cutoff: float = math.inf
    """The moment up to which doses have closed."""
    planned_doses: int | None = None
    severity: ByScenario[tuple[ScoredDose, ...]] = NO_SCORES
    """The scored blocks of each dose, where a rule asks for them; the worst case has rows in quarantine as well."""
    background: BackgroundEvidence = BackgroundEvidence(0, 0.0)
    labs: Mapping[str, LabResults] = field(default_factory=dict)
    """By laboratory test."""
    seed: int = 0
    """Seed of permutations: the same study, the same seed."""

    @property
    def subjects_evaluable(self) -> int:
        """Subjects with an evaluable window."""
        return len({window.subject for window in self.windows if window.complete})

    @property
    def windows_elapsed(self) -> int:
        """Windows that have elapsed, observed or not."""
        return sum(window.trusted and not window.open for window in self.windows)

    @property
    def windows_unobserved(self) -> int:
        """Windows that have elapsed and were not observed; one that may hold a case is none of them."""
        held = {(event.subject, event.dose) for event in self.at_risk(Scenario.WORST)}
        return sum(
            window.trusted and not (window.open or window.evaluable or (window.subject, window.dose) in held)
            for window in self.windows
        )

    @property
    def opportunity_in_risk(self) -> float:
        """Hours of opportunity in risk windows."""
        return math.fsum(one.in_risk for one in self.opportunities)

    @property
    def opportunity_in_control(self) -> float:
        """Hours of opportunity in control windows."""
        return math.fsum(one.in_control for one in self.opportunities)

    def at_risk(self, scenario: Scenario) -> Iterator[Event]:
        """Yield the events in risk hours of one scenario; of several in one dose window each."""
        return (event for event in self.events if event.in_risk[scenario])

    def subjects_with_case(self) -> ByScenario[int]:
        """Return the subjects with an event in risk hours."""
        return ByScenario.of(lambda scenario: len({event.subject for event in self.at_risk(scenario)}))

    def events_in_risk(self) -> ByScenario[int]:
        """Return the events in risk hours: at most one a dose window."""
        return ByScenario.of(lambda scenario: len(first_in_windows(self.at_risk(scenario))))

    def events_in_control(self) -> ByScenario[int]:
        """Return the events in control hours."""
        return ByScenario.of(lambda scenario: sum(event.in_control[scenario] for event in self.events))


def first_in_windows(events: Iterator[Event]) -> list[Event]:
    """Return the first event of each dose window, by when it was seen; those of no dose each for itself."""
    first: dict[Dose, Event] = {}
    apart = []
    for event in events:
        if event.dose is None:
            apart.append(event)
            continue
        window = (event.subject, event.dose)
        if window not in first or seen(event) < seen(first[window]):
            first[window] = event
    return [*first.values(), *apart]


def seen(event: Event) -> float:
    """Return when an event was first seen; where nothing is known of when, after all others."""
    return math.inf if event.known_at is None else event.known_at
