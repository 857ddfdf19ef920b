"""How often any rule of a protocol crosses: every rule walks through the same simulated trials.

Model: that of ``checks.rules.trials``. Rates are judged after each unit, timing tests after each event, at the
looks that it calls. A rule that has crossed stays crossed. A scan sees the same events on the dose clock, and
those of the hours that belong to no window (``checks.rules.scan_trials.clock_events``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from checks.design.results import Combined, CombinedCrossing
from checks.rules import Rule
from checks.rules.counted import rates_from
from checks.rules.designs import estimate
from checks.rules.plan import Plan, doubtful_rates, per_window
from checks.rules.scan_trials import clock_events
from checks.rules.trials import NEVER, IntArray, Trials, Walk, cases_by_subject, simulate_trials

ALTERNATIVES = 3
"""Rates above the background at which the rules together are shown."""


def combine(rules: Sequence[Rule], plan: Plan) -> Combined | None:
    """Return how often any rule crosses, at the background and above it.

    Returns
    -------
    Combined or None
        None when the protocol names neither a number of subjects nor a rate without harm.
    """
    if plan.subjects is None or plan.harmless is None:
        return None
    walks = {rule.id: walk for rule in rules if (walk := rule.simulate(plan)) is not None}
    crossings = tuple(
        _crossing(_trials(plan, place, rates), walks, *rates)
        for place, rates in enumerate(_truths(plan, plan.harmless))
    )
    shape = (plan.subjects, plan.doses or 1)
    return Combined(plan.harmless, *shape, tuple(walks), crossings, _notes(rules, walks))


def _truths(plan: Plan, harmless: float) -> list[tuple[float, float]]:
    """Return rates in risk windows and in control blocks: without harm as the background is doubtful, then with."""
    doubtful = doubtful_rates(plan.backgrounds.get("subject")) or (harmless,)
    harmful = rates_from(max(doubtful))[1 : ALTERNATIVES + 1]
    return [*((rate, rate) for rate in doubtful), *((rate, harmless) for rate in harmful)]


def _trials(plan: Plan, place: int, rates: tuple[float, float]) -> Trials:
    """Draw the trials of one truth; those on the dose clock by a generator of its own."""
    rate, background_rate = rates
    doses = plan.doses or 1
    trials = simulate_trials(
        np.random.default_rng([plan.seed, place]),
        plan.simulations,
        (plan.subjects or 1, doses),
        rate=rate,
        background_rate=background_rate,
        blocks=plan.ratio,
    )
    random, window_rate = np.random.default_rng([plan.seed, place, 1]), per_window(background_rate, doses)
    clock = partial(clock_events, random, plan, trials.cases, trials.control, window_rate=window_rate)
    return replace(trials, clock=cache(clock))


def _crossing(
    trials: Trials, walks: Mapping[str, Walk], rate: float, background_rate: float
) -> CombinedCrossing:
    stops = {name: walk(trials) for name, walk in walks.items()}
    count, planned = trials.control.shape
    earliest = np.full(count, NEVER)
    for one in stops.values():
        np.minimum(earliest, one, out=earliest)
    cases = cases_by_subject(trials)

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


def _notes(rules: Sequence[Rule], walks: Mapping[str, Walk]) -> tuple[str, ...]:
    apart = [rule for rule in rules if rule.id not in walks]
    notes = list(dict.fromkeys(rule.together for rule in rules if rule.together))
    if apart:
        kinds = ", ".join(dict.fromkeys(rule.kind.replace("_", " ") for rule in apart))
        names = ", ".join(rule.id for rule in apart)
        notes.append(f"Not simulated: {names} ({kinds}); no model of the results is declared.")
    return tuple(notes)
