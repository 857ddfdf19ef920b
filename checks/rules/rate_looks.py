"""Looks of a rate boundary along the path of units: when each is taken, and what is judged at it.

A look at n is taken once: at the first moment at which the units along the path weigh n together, with the
events known of the units up to there. Its outcome stays. An event that comes later, even of a unit that was
part of the look, counts at the next one, at most one unit of weight ahead where every n is a look. Moments are
closings of dose windows, for events as for windows without: a case that is known while its window is open is
judged as it will be when that window closes, with every window that closes by then counted as complete. So no
case waits, and none is held against fewer units than had the same time to have one.
Why not with the weights of the data cut-off, as often as one looks: weights ripen, so that the same look would
be met by ever other subjects. Its outcome could change without a correction, and each change would be one more
chance to cross, up to 1.7 times alpha where most subjects are pending. Why not complete subjects alone: a
subject is pending for all its planned doses, and a case would wait as long.
Assumptions: as the boundary; a case is equally likely in each planned window. With complete units the size is
that of the boundary; with pending ones it is approximate, and in simulations within alpha.
Reference: Cheung YK, Chappell R. Biometrics 2000;56:1177-1182 (the weights); Jennison C, Turnbull BW. Group
Sequential Methods with Applications to Clinical Trials. 2000, ch. 3 (looks at fixed information).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import numpy as np

from checks.rules.designs import Estimate, PendingSize, estimate
from checks.rules.evidence import DoseWindow, Event, Evidence
from checks.rules.plan import per_window
from checks.rules.trials import NEVER, BoolArray, FloatArray, IntArray
from checks.scenario import ByScenario, Scenario
from checks.statistics.boundaries import CountBoundary

ROUNDING = 1e-9
"""Sixths of a subject do not add up to whole ones in binary; a window that closes at this very moment has closed."""

SUBJECTS_PER_COURSE = (1.0, 4.0, 16.0)
"""Mean subjects entering while one receives all doses: from one after the other to nearly all at once."""

NUMBERS_AT_ONCE = 2_000_000
"""Subjects of all trials held at once: an array of them stays within some megabytes."""

NO_CASE: ByScenario[float | None] = ByScenario(None, None, None)


@dataclass(frozen=True, slots=True)
class Unit:
    """One subject, or one dose window, on the path along which a rate is judged.

    Moments are hours since the first dose of the study. ``closed`` has the closing of each evaluable window,
    ``open`` that of each window still open, ascending, of ``planned`` in all. ``case`` is the closing of the
    window that holds the first case of each scenario (it may lie ahead: the case is known, its window still
    open); infinite for one that belongs to no window, None without a case.
    """

    subject: int
    closed: tuple[float, ...] = ()
    open: tuple[float, ...] = ()
    planned: int = 1
    case: ByScenario[float | None] = NO_CASE

    @property
    def weight(self) -> float:
        """The share of the unit that is complete: between 0 and 1 while windows are still open.

        Time-to-event weighting, TITE; Cheung & Chappell, Biometrics 2000;56:1177.
        """
        return min(1.0, len(self.closed) / self.planned)


def units_of(evidence: Evidence, unit: str) -> tuple[Unit, ...]:
    """Return the path of a rate per ``subject`` or per ``window``."""
    return subject_path(evidence) if unit == "subject" else window_path(evidence)


def subject_path(evidence: Evidence) -> tuple[Unit, ...]:
    """Return the subjects in the order in which their first windows close; those without a dose come last."""
    doses: dict[int, list[DoseWindow]] = defaultdict(list)
    for window in evidence.windows:
        doses[window.subject].append(window)
    cases = _first_closings(evidence, lambda event: event.subject)
    ordered = sorted(doses, key=lambda subject: (min(one.closes for one in doses[subject]), subject))
    planned = evidence.planned_doses
    return tuple(
        Unit(
            subject,
            tuple(sorted(one.closes for one in doses[subject] if one.complete and planned)),
            tuple(sorted(one.closes for one in doses[subject] if one.pending and planned)),
            planned or 1,
            cases.get(subject, NO_CASE),
        )
        for subject in (*ordered, *sorted(cases.keys() - doses.keys()))
    )


def window_path(evidence: Evidence) -> tuple[Unit, ...]:
    """Return windows in the order in which they close: evaluable ones, and those that hold a possible case.

    Open windows that close no later than one that is known to hold a case are on the path before it. A case
    that no dose can hold is a window of its own, after all others.
    """
    cases = _first_closings(evidence, lambda event: (event.subject, event.dose))
    units = [
        Unit(
            one.subject,
            (one.closes,) if one.complete else (),
            (one.closes,) if one.pending else (),
            case=cases.get((one.subject, one.dose), NO_CASE),
        )
        for one in sorted(evidence.windows, key=lambda one: (one.closes, one.subject, one.dose))
    ]
    last = max((place for place, unit in enumerate(units) if unit.case.worst is not None), default=-1)
    apart = sorted(subject for subject, dose in cases if dose is None)
    return (
        *(
            unit
            for place, unit in enumerate(units)
            if unit.closed or unit.case.worst is not None or (place < last and unit.open)
        ),
        *(Unit(subject, case=cases[subject, None]) for subject in apart),
    )


Key = TypeVar("Key", bound=Hashable)


def _first_closings(
    evidence: Evidence, key: Callable[[Event], Key]
) -> Mapping[Key, ByScenario[float | None]]:
    """Return when the window of the first case of each unit closes, for units with a case in some scenario.

    A case in a window that was observed for too little counts in the worst case alone: one that makes its own window
    count would be held against too few.
    """
    counted = {(one.subject, one.dose) for one in evidence.windows if one.evaluable or one.open}
    found: dict[Key, list[Event]] = defaultdict(list)
    for event in evidence.events:
        if event.in_risk.worst:
            found[key(event)].append(event)

    def first(mine: Sequence[Event], scenario: Scenario) -> float | None:
        closings = (
            one.closes
            for one in mine
            if one.in_risk[scenario] and (scenario is Scenario.WORST or (one.subject, one.dose) in counted)
        )
        return min((math.inf if one is None else one for one in closings), default=None)

    return {unit: ByScenario.of(partial(first, mine)) for unit, mine in found.items()}


@dataclass(frozen=True, slots=True)
class RateWalk:
    """One walk along the path: units complete and events judged, those at each look taken, and whether it crossed.

    ``n`` and ``events`` are as at the data cut-off until the last look is taken, then as at that look;
    ``known`` has the events of all units.
    """

    n: float
    events: int
    looks: tuple[int, ...]
    events_at_looks: tuple[int, ...]
    crossed: bool
    known: int


def walk(path: Sequence[Unit], scenario: Scenario, boundary: CountBoundary) -> RateWalk:
    """Walk along the path through its moments up to the boundary's last look; once crossed, it stays crossed."""
    taken = list(_looks_taken(path, scenario, boundary.looks))
    known = [unit.case[scenario] is not None for unit in path]
    if len(taken) == len(boundary.looks):
        n, events = taken[-1]
    else:
        n = sum(1.0 if event else unit.weight for event, unit in zip(known, path, strict=True))
        events = sum(known)
    at_looks = tuple(seen for _, seen in taken)
    return RateWalk(
        n=n,
        events=events,
        looks=boundary.looks[: len(taken)],
        events_at_looks=at_looks,
        crossed=bool(crosses(boundary, range(len(taken)), np.array(at_looks, dtype=np.int64)).any()),
        known=sum(known),
    )


def crosses(boundary: CountBoundary, looks: Sequence[int] | IntArray, events: IntArray) -> BoolArray:
    """Return whether the events judged at looks of a boundary cross: the one step of a look and of a simulated trial.

    ``looks`` are places of looks in the boundary; ``events``, shape (..., looks), are those judged at each.
    """
    fewest = np.array([NEVER if one is None else one for one in boundary.events])
    return np.asarray(events >= fewest[np.asarray(looks, dtype=np.int64)])


def judged_at(
    look: float, weights: FloatArray | IntArray, cases: BoolArray | IntArray
) -> tuple[FloatArray, IntArray]:
    """Return the weight and the cases that a look judges: of the units up to the one that brings the weight to it.

    The one definition of what a look sees, in a trial under way and in simulated ones. Where the
    weight ``look`` is not reached, all units are judged. ``weights`` and ``cases``, shape (..., units), are what each
    unit along the path weighs, and whether it is a case, when the look is taken.
    """
    total: FloatArray = np.cumsum(weights, axis=-1, dtype=np.float64)
    reached = total + ROUNDING >= look
    last = np.where(reached.any(axis=-1), reached.argmax(axis=-1), total.shape[-1] - 1)[..., None]
    seen = np.take_along_axis(np.cumsum(cases, axis=-1, dtype=np.int64), last, axis=-1)
    return np.take_along_axis(total, last, axis=-1)[..., 0], seen[..., 0]


def _looks_taken(
    path: Sequence[Unit], scenario: Scenario, looks: Sequence[int]
) -> Iterator[tuple[float, int]]:
    """Yield the units and events of each look in turn, as they stood when it was taken."""
    weights, cases, total, taken = np.zeros(len(path)), np.zeros(len(path), dtype=np.int64), 0.0, 0
    for _, now in groupby(_changes(path, scenario), key=itemgetter(0)):
        for _, place, weight, case in now:
            total += weight - float(weights[place])
            weights[place], cases[place] = weight, case
        while taken < len(looks) and looks[taken] <= total + ROUNDING:
            n, seen = judged_at(looks[taken], weights, cases)
            yield float(n), int(seen)
            taken += 1
        if taken == len(looks):
            return


def _changes(path: Sequence[Unit], scenario: Scenario) -> list[tuple[float, int, float, int]]:
    """Return when the weight of a unit changed: moment, place on the path, weight from then on, events."""
    moments = (unit.case[scenario] for unit in path)
    until = max((one for one in moments if one is not None and one < math.inf), default=-math.inf)
    return sorted(
        (moment, place, weight, case)
        for place, unit in enumerate(path)
        for moment, weight, case in _growth(unit, scenario, until)
    )


def _growth(unit: Unit, scenario: Scenario, until: float) -> Iterator[tuple[float, float, int]]:
    """Yield each moment of one unit, its weight from then on and whether it is a case.

    A window still open closes without a case, as far as is known, and is needed only ``until`` the last
    window that holds a case.
    """
    case = unit.case[scenario]
    closings = sorted((*unit.closed, *(closing for closing in unit.open if closing <= until)))
    for number, closing in enumerate(closings, start=1):
        if case is None or closing < case:
            yield closing, min(1.0, number / unit.planned), 0
    if case is not None:
        yield case, 1.0, 1


def pending_sizes(
    boundary: CountBoundary, rate: float, *, doses: int, seed: int, simulations: int
) -> tuple[PendingSize, ...]:
    """Return how often a boundary, calibrated on complete subjects, crosses at ``rate`` under each speed of entry.

    ``rate`` is of cases per subject over all planned ``doses``; with one dose nothing is ever pending. A look counts
    a subject without a case by its closed share of the planned windows, so that the number of subjects is
    approximate and a case counts before the subjects beside it are complete: this says what that costs.
    Model: subjects enter as a Poisson process; the planned doses are evenly spaced; each window is equally likely to
    hold a case; each look is taken once, when the subjects first weigh its number together.
    """
    return tuple(
        PendingSize(
            speed, _crossing(boundary, rate, doses, speed, np.random.default_rng([seed, place]), simulations)
        )
        for place, speed in enumerate(SUBJECTS_PER_COURSE)
    )


def _crossing(
    boundary: CountBoundary,
    rate: float,
    doses: int,
    speed: float,
    random: np.random.Generator,
    simulations: int,
) -> Estimate:
    batch = max(1, NUMBERS_AT_ONCE // (boundary.n_max * doses))
    hits = 0
    for done in range(0, simulations, batch):
        trials = min(batch, simulations - done)
        entries, held = _trials(trials, boundary.n_max, rate, doses, speed, random)
        hits += int(first_crossings(entries, held, doses, boundary).sum())
    return estimate(hits, simulations)


def _trials(
    trials: int, subjects: int, rate: float, doses: int, speed: float, random: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """Return each subject's entry, in dose intervals, and the window of its first case (none: one past)."""
    waits = random.exponential(doses / speed, size=(trials, subjects))
    waits[:, 0] = 0.0
    held = random.geometric(per_window(rate, doses), size=(trials, subjects))
    return np.cumsum(waits, axis=1), np.minimum(held, doses + 1)


def first_crossings(entries: FloatArray, held: IntArray, doses: int, boundary: CountBoundary) -> BoolArray:
    """Return which trials ever cross, each look taken once: as the walk of a look takes it.

    A look at n is taken when a window closes by which the subjects weigh n, with the cases known then of the
    subjects up to the one that brings the weight to n. Weights are counted in windows, so that sixths stay exact.
    ``entries`` has when each subject's first window closes, ascending, in dose intervals; ``held`` the window that
    holds its first case, 1 to ``doses``, above it none; both have the shape (trials, subjects).
    """
    moments, weights = _closings(entries, held, doses)
    crossed = np.zeros(len(entries), dtype=bool)
    for place, (look, events) in enumerate(zip(boundary.looks, boundary.events, strict=True)):
        if events is None:
            continue
        live = np.flatnonzero(~crossed & (weights[:, -1] >= look * doses))
        taken = (weights[live] >= look * doses).argmax(axis=1)
        moment = np.take_along_axis(moments[live], taken[:, None], axis=1)
        complete, case = _at_moment(entries[live], held[live], moment, doses)
        _, cases = judged_at(look * doses, complete, case)
        crossed[live] = crosses(boundary, [place], cases[:, None])[:, 0]
    return crossed


def _closings(entries: FloatArray, held: IntArray, doses: int) -> tuple[FloatArray, IntArray]:
    """Return when windows close, ascending, and what all subjects weigh by then, in windows."""
    window = np.arange(1, doses + 1)
    closings = (entries[:, :, None] + window - 1).reshape(len(entries), -1)
    case = window == held[:, :, None]
    added = np.where(case, doses - window + 1, window < held[:, :, None]).reshape(closings.shape)
    order = np.argsort(closings, axis=1)
    weights = np.cumsum(np.take_along_axis(added, order, axis=1), axis=1, dtype=np.int64)
    return np.take_along_axis(closings, order, axis=1), weights


def _at_moment(
    entries: FloatArray, held: IntArray, moment: FloatArray, doses: int
) -> tuple[IntArray, BoolArray]:
    """Return what each subject weighs at one moment a trial, in windows, and whether it is known to be a case."""
    closed = np.clip(np.floor(moment - entries + ROUNDING) + 1, 0, doses).astype(np.int64)
    case = held <= closed
    return np.where(case, doses, closed), case
