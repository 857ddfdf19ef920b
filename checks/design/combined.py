"""Decide how often any rule of a protocol crosses: every rule walks through the same simulated trials.

Model: the planned subjects complete all planned doses, one subject after the other. Each risk window holds a
case with one probability; each control hour holds events at the rate of a harmless risk hour, tiled into
blocks as long as the risk window, at most one event a block. Rates are judged after each unit, timing
tests after each event, at the looks that it calls. A rule
that has crossed stays crossed. A scan sees the same events on the dose clock, and those of the hours that
belong to no window (``checks.design.clocks``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, xlogy

from checks.design.clocks import ClockEvents, ScanWalk, clock_events
from checks.design.rates import doubtful_rates, null_subject_rate, rates_from
from checks.design.results import Combined, CombinedCrossing, estimate
from checks.design.scanned import observed_hours
from checks.design.timed import (
    LENGTHS,
    e_process_boundary,
    planned_ratio,
)
from checks.protocol import StudyProtocol
from checks.protocol.background import background_per, per_window
from checks.protocol.rules import CountRule, RateRule, Rule, TimingRule
from checks.rules.counts_and_rates import rate_boundary
from checks.rules.timing_looks import FEWEST_IN_CLUSTER
from checks.statistics.recursion import FloatArray
from checks.statistics.timing import maxsprt_binomial, maxsprt_poisson

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ALTERNATIVES = 3
"""Rates above the background at which the rules together are shown."""

ROUNDING = 1 + 1e-12
"""So many times 0.1 do not add up to whole numbers in binary: the last window must not be missed for it."""

RATIO_NOTE = (
    "Timing rules compare at the planned ratio of control to risk time; a look takes the ratio as it stood at each "
    "event, lower in the first subjects, which errs against crossing."
)

NEVER = 1_000_000
"""Stands for the events of a look at which none can cross."""


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
    clock: ClockEvents | None = None
    """The events on the dose clock, drawn where a scan needs them."""


def combine(protocol: StudyProtocol, subjects: int | None, *, seed: int, simulations: int) -> Combined | None:
    """Return how often any rule crosses, at the background and above it.

    Parameters
    ----------
    protocol
        Its rules, windows, planned doses and background.
    subjects : int or None
        Planned subjects.
    seed, simulations : int
        Seed and number of the simulated trials at each rate.

    Returns
    -------
    Combined or None
        None when the protocol names neither a number of subjects nor a rate without harm.
    """
    null = null_subject_rate(protocol)
    if subjects is None or null is None:
        return None
    doses = protocol.treatment.planned_doses or 1
    walks = {
        rule.id: walk for rule in protocol.rules if (walk := _walk(rule, protocol, null, seed)) is not None
    }
    scans = any(getattr(rule, "method", None) == "scan" for rule in protocol.rules)
    harmless = doubtful_rates(background_per("subject", protocol)) or (null,)
    truths = [(rate, rate) for rate in harmless]
    truths += [(rate, null) for rate in rates_from(max(harmless))[1 : ALTERNATIVES + 1]]
    crossings = []
    for place, (rate, background_rate) in enumerate(truths):
        random = np.random.default_rng([seed, place])
        trials = simulate_trials(
            random, simulations, (subjects, doses), rate=rate, background_rate=background_rate,
            blocks=planned_ratio(protocol),
        )  # fmt: skip
        if scans:
            trials = replace(trials, clock=_on_clock(trials, protocol, background_rate, [seed, place, 1]))
        crossings.append(_crossing(trials, walks, rate, background_rate))
    return Combined(null, subjects, doses, tuple(walks), tuple(crossings), _notes(protocol, walks))


def _on_clock(
    trials: Trials, protocol: StudyProtocol, background_rate: float, seed: Sequence[int]
) -> ClockEvents:
    """Return the events of the trials on the dose clock, drawn by a generator of its own."""
    rate = per_window(background_rate, trials.cases.shape[2])
    random = np.random.default_rng(seed)
    return clock_events(random, protocol, trials.cases, trials.control, window_rate=rate)


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


Walk = Callable[[Trials], IntArray]
"""From trials to the subjects complete when each of them crosses, shape (trials,); ``NEVER`` where none does."""


def _walk(rule: Rule, protocol: StudyProtocol, null: float, seed: int) -> Walk | None:
    """Return how a rule walks through trials; None for a rule that is not simulated."""
    match rule:
        case CountRule():
            return lambda trials: _first(_cases(trials) >= rule.cases)
        case RateRule():
            return _rate_walk(rule)
        case TimingRule(method="scan"):
            return _scan_walk(ScanWalk(rule, observed_hours(protocol)[1], seed))
        case TimingRule():
            return timing_walk(
                rule, planned_ratio(protocol), per_window(null, protocol.treatment.planned_doses or 1)
            )
        case _:
            return None


def _cases(trials: Trials) -> IntArray:
    """Return the subjects with a case among the first so many, shape (trials, subjects)."""
    return np.cumsum(trials.cases.any(axis=2), axis=1)


def _first(crosses: BoolArray, at: Sequence[int] | IntArray | None = None) -> IntArray:
    """Return where along axis 1 it first holds: the place counted from 1, or ``at`` that place; else never."""
    where = np.arange(1, crosses.shape[1] + 1) if at is None else np.asarray(at)
    if not where.size:
        return np.full(len(crosses), NEVER)
    return np.where(crosses.any(axis=1), where[crosses.argmax(axis=1)], NEVER)


def _rate_walk(rule: RateRule) -> Walk:
    boundary = rate_boundary(rule)
    looks = np.array(boundary.looks)
    fewest = np.array([NEVER if one is None else one for one in boundary.events])

    def walk(trials: Trials) -> IntArray:
        units: BoolArray = np.asarray(trials.cases if rule.unit == "window" else trials.cases.any(axis=2))
        events = np.cumsum(units.reshape(len(units), -1), axis=1)
        reached = looks <= events.shape[1]
        a_subject = trials.cases.shape[2] if rule.unit == "window" else 1
        crosses = events[:, looks[reached] - 1] >= fewest[reached]
        return _first(np.asarray(crosses), -(-looks[reached] // a_subject))

    return walk


def _scan_walk(scanning: ScanWalk) -> Walk:
    def walk(trials: Trials) -> IntArray:
        count = len(trials.control)
        if trials.clock is None:
            return np.full(count, NEVER)
        return scanning.crosses(trials.clock, count, never=NEVER)

    return walk


def timing_walk(rule: TimingRule, ratio: float, window_rate: float) -> Walk | None:
    """Return how a timing rule walks through trials, ``window_rate`` being its background; None for a scan."""
    if rule.method == "self_controlled":
        return lambda trials: _at_planned_looks(trials, rule, ratio)
    if rule.method == "maxsprt_poisson":
        return lambda trials: _poisson(trials, rule, window_rate)
    if rule.method == "maxsprt_binomial":
        test = maxsprt_binomial(rule.n_max or 1, ratio, rule.alpha, rule.min_events)
        return lambda trials: _after_each_event(trials, test.boundary.events, rule.min_subjects)
    if rule.method == "e_process":

        def walk(trials: Trials) -> IntArray:
            boundary = e_process_boundary(rule, ratio, int(trials.number.max(initial=LENGTHS[-1])))
            return _after_each_event(trials, boundary.events, rule.min_subjects)

        return walk
    return None


def _after_each_event(trials: Trials, events: Sequence[int | None], min_subjects: int) -> IntArray:
    fewest = np.array([NEVER, *(NEVER if one is None else one for one in events), NEVER])
    crosses = trials.in_risk >= fewest[np.minimum(trials.number, len(events) + 1)]
    return _first_in_trial(trials, crosses & (trials.subjects >= min_subjects))


def _first_in_trial(trials: Trials, crosses: BoolArray) -> IntArray:
    """Return the subjects complete when an event of each trial first crosses, its own subject among them."""
    at = np.full(len(trials.cases), NEVER)
    np.minimum.at(at, trials.trial[crosses], -(-trials.window[crosses] // trials.cases.shape[2]))
    return at


def _at_planned_looks(trials: Trials, rule: TimingRule, ratio: float) -> IntArray:
    """Take a look at each event in risk hours, from the first on at which the rule's fewest are met."""
    before = np.concatenate(([0], trials.in_risk[:-1])) * (trials.number > 1)
    least, looks = max(rule.min_events, FEWEST_IN_CLUSTER), rule.looks or 1
    ready = (trials.in_risk > before) & (trials.in_risk >= least) & (trials.subjects >= rule.min_subjects)
    first = np.full(len(trials.cases), NEVER)
    np.minimum.at(first, trials.trial[ready], trials.in_risk[ready])
    ready &= trials.in_risk < first[trials.trial] + looks
    number, in_risk = trials.number.astype(np.float64), np.maximum(trials.in_risk, 1).astype(np.float64)
    rare = betainc(in_risk, number - in_risk + 1, 1 / (1 + ratio)) <= rule.alpha / looks
    return _first_in_trial(trials, ready & rare)


def _poisson(trials: Trials, rule: TimingRule, window_rate: float) -> IntArray:
    """Judge the events in risk windows against those expected in the windows closed by then.

    Between two events the ratio only falls, so that it is judged at each event from the delay on, and where
    the delay ends.
    """
    test = maxsprt_poisson(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)

    def crosses(events: IntArray, subjects: IntArray, expected: FloatArray) -> BoolArray:
        c = events.astype(np.float64)
        ratio = np.where(c > expected, xlogy(c, c / expected) - c + expected, 0.0)
        timely = (expected >= rule.delay) & (expected <= test.expected_max * ROUNDING)
        enough = (c >= rule.min_events) & (subjects >= rule.min_subjects)
        return np.asarray(timely & enough & (ratio > test.critical_value))

    at_events = crosses(trials.in_risk, trials.subjects, trials.window.astype(np.float64) * window_rate)
    found = _first_in_trial(trials, at_events)
    delayed = ceil(rule.delay / window_rate)
    if not delayed:
        return found
    first = trials.cases.copy()
    first.reshape(len(first), -1)[:, delayed:] = False
    events, subjects = first.sum(axis=(1, 2)), first.any(axis=2).sum(axis=1)
    at_delay = crosses(events, subjects, np.array([delayed * window_rate]))
    return np.where(at_delay, np.minimum(found, -(-delayed // trials.cases.shape[2])), found)


def _crossing(
    trials: Trials, walks: dict[str, Walk], rate: float, background_rate: float
) -> CombinedCrossing:
    stops = {name: walk(trials) for name, walk in walks.items()}
    count, planned = trials.control.shape
    earliest = np.full(count, NEVER)
    for one in stops.values():
        np.minimum(earliest, one, out=earliest)
    cases = _cases(trials)

    def seen(at: IntArray) -> float:
        return float(cases[np.arange(count), np.minimum(at, planned) - 1].mean())

    return CombinedCrossing(
        rate=rate,
        background_rate=background_rate,
        any_rule=estimate(int((earliest < NEVER).sum()), count),
        by_rule={name: estimate(int((one < NEVER).sum()), count) for name, one in stops.items()},
        subjects=float(np.minimum(earliest, planned).mean()),
        cases=seen(earliest),
        subjects_by_rule={name: float(np.minimum(one, planned).mean()) for name, one in stops.items()},
        cases_by_rule={name: seen(one) for name, one in stops.items()},
    )


def _notes(protocol: StudyProtocol, walks: dict[str, Walk]) -> tuple[str, ...]:
    labs = [rule.id for rule in protocol.rules if rule.id not in walks]
    notes = []
    if any(rule.kind == "timing" for rule in protocol.rules):
        notes.append(RATIO_NOTE)
    if labs:
        notes.append(f"Not simulated: {', '.join(labs)} (lab limit); no model of the results is declared.")
    return tuple(notes)
