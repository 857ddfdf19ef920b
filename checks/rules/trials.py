"""Simulated trials: which dose windows hold a case, and the events of each trial in their order.

Model: the planned subjects complete all planned doses, one subject after the other. Each risk window holds a
case with one probability; each control hour holds events at the rate of a harmless risk hour, tiled into blocks
as long as the risk window, at most one event a block.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from checks.rules.plan import per_window

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

NEVER = 1_000_000
"""Stands for the events of a look at which none can cross, and for the subjects of a trial that never crosses."""


@dataclass(frozen=True, slots=True)
class ClockEvents:
    """Events on the dose clock, one entry each, ordered by trial, subject, dose and hour."""

    trial: IntArray
    subject: IntArray
    hour: FloatArray


@dataclass(frozen=True, slots=True)
class Trials:
    """Simulated trials: cases by window, control events by subject, and all events in their order.

    ``cases`` has shape (trials, subjects, doses); ``control`` (trials, subjects). The other arrays have one
    entry an event, ordered by trial, subject, dose and hour: which trial, how many events and how many in
    risk hours the trial has by then, and in how many subjects.
    """

    cases: BoolArray
    control: IntArray
    trial: IntArray
    number: IntArray
    in_risk: IntArray
    subjects: IntArray
    window: IntArray
    """Windows of the trial that have closed when the event is seen, its own among them."""
    clock: Callable[[], ClockEvents] | None = None
    """Draws the events on the dose clock, once, where a scan needs them."""

    @property
    def events_in_risk(self) -> BoolArray:
        """Which events are in risk hours."""
        before = np.concatenate(([0], self.in_risk[:-1])) * (self.number > 1)
        return np.asarray(self.in_risk > before)

    @property
    def closings(self) -> BoolArray:
        """Which events are the last of their window: all that it holds is known."""
        place = self.trial * (self.cases[0].size + 1) + self.window
        return np.asarray(np.diff(place, append=-1) != 0)

    def by(self, windows: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return the events of each trial in its first so many windows, those in risk hours, and their subjects."""
        known, trials = self.window <= windows, len(self.cases)
        some = known & self.events_in_risk
        subjects = np.zeros(trials, dtype=np.int64)
        np.maximum.at(subjects, self.trial[some], self.subjects[some])
        events, in_risk = (np.bincount(self.trial[one], minlength=trials) for one in (known, some))
        return events, in_risk, subjects

    def first(self, crosses: BoolArray) -> IntArray:
        """Return the subjects complete when an event first crosses, its own subject among them."""
        at = np.full(len(self.cases), NEVER)
        np.minimum.at(at, self.trial[crosses], -(-self.window[crosses] // self.cases.shape[2]))
        return at


Walk = Callable[[Trials], IntArray]
"""A rule on its way through trials: the subjects complete when each first crosses; ``NEVER`` where it does not."""


def simulate_trials(
    random: np.random.Generator,
    simulations: int,
    shape: tuple[int, int],
    *,
    rate: float,
    background_rate: float,
    blocks: float,
) -> Trials:
    """Draw trials of ``shape`` = (subjects, doses).

    ``rate`` and ``background_rate`` are per subject over all doses, in risk windows and in control blocks;
    ``blocks`` is the number of control blocks of one dose, of which the last may be a part.
    """
    subjects, doses = shape
    windows = simulations * subjects * doses
    risk = _successes(random, per_window(rate, doses), windows)
    chance, whole = per_window(background_rate, doses), ceil(blocks)
    slots = _successes(random, chance, windows * whole)
    partial = (slots % whole == whole - 1) & (random.random(slots.size) >= 1 - (whole - blocks))
    control = slots[~partial] // whole
    hours = np.concatenate((np.full(risk.size, 0.5), random.random(control.size)))
    window = np.concatenate((risk, control))
    order = np.lexsort((hours, window))
    return _arranged(window[order], (order < risk.size), simulations, shape)


def _successes(random: np.random.Generator, chance: float, trials: int) -> IntArray:
    """Return the places of the successes among independent trials, drawn by the gaps between them."""
    wanted = int(trials * chance + 6 * (trials * chance) ** 0.5 + 20)
    places = np.cumsum(random.geometric(chance, wanted)) - 1
    while places[-1] < trials:
        more = np.cumsum(random.geometric(chance, wanted)) + places[-1]
        places = np.concatenate((places, more))
    return np.asarray(places[places < trials], dtype=np.int64)


def _arranged(window: IntArray, risk: BoolArray, simulations: int, shape: tuple[int, int]) -> Trials:
    subjects, doses = shape
    subject, trial = window // doses, window // (doses * subjects)
    cases = np.zeros(simulations * subjects * doses, dtype=bool)
    cases[window[risk]] = True
    control = np.bincount(subject[~risk], minlength=simulations * subjects).reshape(simulations, subjects)
    first = np.zeros(window.size, dtype=bool)
    first[np.flatnonzero(risk)[np.unique(subject[risk], return_index=True)[1]]] = True
    starts = np.searchsorted(trial, np.arange(simulations))

    def running(flags: BoolArray) -> IntArray:
        total = np.concatenate(([0], np.cumsum(flags)))
        return np.asarray(total[1:] - total[starts][trial])

    return Trials(
        cases=cases.reshape(simulations, subjects, doses),
        control=control,
        trial=trial,
        number=running(np.ones(window.size, dtype=bool)),
        in_risk=running(risk),
        subjects=running(first),
        window=window - trial * doses * subjects + 1,
    )


def cases_by_subject(trials: Trials) -> IntArray:
    """Return the subjects with a case among the first so many, shape (trials, subjects)."""
    return np.cumsum(trials.cases.any(axis=2), axis=1)


def first_along(crosses: BoolArray, at: Sequence[int] | IntArray | None = None) -> IntArray:
    """Return where along axis 1 it first holds: the place counted from 1, or ``at`` that place; else never."""
    where = np.arange(1, crosses.shape[1] + 1) if at is None else np.asarray(at)
    if not where.size:
        return np.full(len(crosses), NEVER)
    return np.where(crosses.any(axis=1), where[crosses.argmax(axis=1)], NEVER)


def at_states(value: Callable[..., float], *columns: IntArray | FloatArray) -> FloatArray:
    """Return a value at each state, computed once for states that are alike: simulated trials have many of each."""
    states, which = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    values = np.array([value(*state) for state in states.tolist()], dtype=np.float64)
    return np.asarray(values[which.ravel()])


def distinct_so_far(subjects: Sequence[int], events: BoolArray) -> IntArray:
    """Return the number of different subjects with an event up to each place."""
    found, counts = set(), []
    for subject, event in zip(subjects, events.tolist(), strict=True):
        if event:
            found.add(subject)
        counts.append(len(found))
    return np.array(counts, dtype=np.int64)
