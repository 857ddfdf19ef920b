"""How a protocol does before use, in simulated charting: how often its rules cross without harm, how soon with it.

Charts go through the search for cases, opportunity and the evidence of a look, many trials side by side. Rules are
judged at the end of a trial: what has crossed stays crossed. When they had crossed is sought among the moments at
which an onset was seen or hours of a dose closed, as if every measurement were entered at once.
"""

import logging
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.random import Generator, default_rng

from checks.design.study import plan_of
from checks.protocol import StudyProtocol
from checks.rules import Evidence, Rule
from checks.rules.designs import Estimate, estimate
from checks.rules.evidence import DoseWindow, Event
from checks.rules.plan import doubtful_rates
from flows.simulate.null_worlds import DAYS_APART, ORIGIN, WORLDS, follow, tables
from flows.simulate.progress import Progress
from flows.simulate.shape import DAY, Shape, shape_of
from flows.simulate.side_by_side import named, search

LOGGER = logging.getLogger("postdose")

AT_ONCE = 25
"""Trials searched at once: most of what is gained by it, and soon a first word of how long it takes."""
SECONDS_AN_HOUR = 3.3e-6
"""Of one idle core, from the simulation to the verdict: for each hour and test of a participant's chart."""
EVEN, WITH_HARM = "even", "alert_nurse"
MISLEADING = ("unequal", "ill_in_control", "alert_nurse", "rhythm", "death", "put_off")
"""Worlds that are shown beside the even one, at the upper end of the background."""
HARMED, HARMED_OF = 3, 18
"""So many of the first subjects to enter are harmed, in trials with harm: as many as are planted in charts."""


@dataclass(frozen=True, slots=True)
class InWorld:
    """How often rules cross without harm in one world, at one rate of subjects with an event in a risk window.

    ``subjects_with_case`` is the share of subjects in whom a case is found there: charting hides some, dates others.
    """

    world: str
    said: str
    rate: float
    subjects_with_case: float
    by_rule: Mapping[str, Estimate]
    any_rule: Estimate


@dataclass(frozen=True, slots=True)
class Delay:
    """How often a rule crosses with harm, and hours from the third onset to its crossing, 0 where it had crossed.

    So many hours half of all trials take at most, and nine of ten: None where fewer ever cross.
    """

    crosses: Estimate
    median: float | None
    ninth_decile: float | None


@dataclass(frozen=True, slots=True)
class WorldTrials:
    """Trials in simulated charting: without harm, by world, and with harmed subjects at the declared background."""

    seed: int
    trials: int
    subjects: int
    doses: int
    days_between_doses: int
    hourly_tests: tuple[str, ...]
    slot_test: str
    without_harm: tuple[InWorld, ...]
    harmed: int
    harmed_of: int
    with_harm: Mapping[str, Delay]
    with_harm_any_rule: Delay


@dataclass(frozen=True, slots=True)
class NotSimulated:
    """Why a protocol's charting is not simulated."""

    reason: str


def try_in_worlds(
    protocol: StudyProtocol, *, trials: int, seed: int, subjects: int | None = None
) -> WorldTrials | NotSimulated:
    """Return how the rules of a protocol do in simulated charting; the same arguments, the same numbers.

    ``trials`` are of each kind; ``subjects`` are by default the most that a rule plans for.
    """
    plan, shape = plan_of(protocol, subjects=subjects), shape_of(protocol)
    if isinstance(shape, str):
        return NotSimulated(shape)
    rates = doubtful_rates(plan.backgrounds.get("subject")) or tuple(filter(None, (plan.harmless,)))
    if plan.subjects is None or plan.harmless is None:
        return NotSimulated("the protocol names no number of participants, or no rate without harm")
    simulated = _Simulated(protocol, shape, plan.subjects, trials, seed)
    kinds = [*((EVEN, rate) for rate in rates), *((name, max(rates)) for name in MISLEADING)]
    progress = simulated.announce(len(kinds) + 1)
    without_harm = tuple(simulated.without_harm(place, *kind, progress) for place, kind in enumerate(kinds))
    delays = simulated.delays(len(kinds), plan.harmless, progress)
    first = [min(one) for one in zip(*delays.values(), strict=True)]
    return WorldTrials(
        seed=seed,
        trials=trials,
        subjects=plan.subjects,
        doses=shape.doses,
        days_between_doses=shape.between // DAY,
        hourly_tests=tuple(one.test for one in shape.signs if one.test != shape.slow),
        slot_test=shape.slow,
        without_harm=without_harm,
        harmed=min(HARMED, plan.subjects),
        harmed_of=min(HARMED_OF, plan.subjects),
        with_harm={name: _delay(hours) for name, hours in delays.items()},
        with_harm_any_rule=_delay(first),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rules may see of one trial, and when the last of the onsets that doses brought about began.

    Hours are those of the evidence, whose ``zero`` is in hours since 1970; ``risk_end`` is where a risk window ends.
    """

    evidence: Evidence
    last_harmed: float
    zero: float
    risk_end: float

    def known_by(self, moment: float) -> Evidence:
        """Return what the rules could see at an earlier moment: doses given, onsets seen, hours closed by then."""
        begun = moment + self.risk_end
        return replace(
            self.evidence,
            events=tuple(one for one in self.evidence.events if self.seen(one) <= moment),
            windows=tuple(_window_by(one, moment) for one in self.evidence.windows if one.closes <= begun),
            data_cutoff=moment,
        )

    def seen(self, event: Event) -> float:
        """Return when an onset was seen."""
        return math.inf if event.known_at is None else event.known_at / 3600 - self.zero


def simulate(
    rng: Generator,
    protocol: StudyProtocol,
    shape: Shape,
    world: str,
    *,
    rate: float,
    trials: int,
    subjects: int,
    harmed: int = 0,
) -> Iterator[Trial]:
    """Yield the evidence of so many trials of a world, searched at once; arguments are those of ``follow``."""
    number = np.arange(trials * subjects)
    chosen = [
        trial * subjects + one
        for trial in range(trials)
        for one in rng.choice(min(HARMED_OF, subjects), harmed, replace=False)
    ]
    people = follow(rng, WORLDS[world], shape, rate, len(number), chosen)
    enters = number % subjects * DAYS_APART
    names = [named(one // subjects, f"{one:07}") for one in range(len(number))]
    doses, charted = tables(rng, people, shape, names, enters)
    cutoff = max(charted["time"].max(), doses["time"].max()) + timedelta(hours=shape.after)
    evidence = search(doses, charted, protocol, cutoff.to_pydatetime()).evidence(protocol)
    zero = doses["time"].min().timestamp() / 3600
    begun = people.harmed + DAY * enters + float(ORIGIN.astype("datetime64[h]").astype(int)) - zero
    last = np.where(np.isfinite(begun), begun, -np.inf).reshape(trials, subjects).max(axis=1)
    for trial, one in enumerate(last.tolist()):
        yield Trial(evidence.of(trial), one, zero, shape.risk[1])


@dataclass(frozen=True, slots=True)
class _Simulated:
    """A protocol as it is simulated, with as many trials of each kind."""

    protocol: StudyProtocol
    shape: Shape
    subjects: int
    trials: int
    seed: int

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.protocol.rules if rule.rests_on_cases)

    def announce(self, kinds: int) -> Progress:
        """Say what is simulated, and some idea of how long it takes."""
        shape, total = self.shape, kinds * self.trials
        hours = shape.before + shape.after + shape.between * (shape.doses - 1)
        rows = total * self.subjects * hours * len(shape.signs)
        LOGGER.info(
            "Simulating charting: %d trials, %d of each kind; some %.0f s on one core",
            total,
            self.trials,
            rows * SECONDS_AN_HOUR,
        )
        return Progress("Simulated trial", total)

    def simulate(
        self, place: int, world: str, rate: float, progress: Progress, harmed: int = 0
    ) -> Iterator[Trial]:
        """Yield the trials of one kind; ``place`` is its stream of draws beside the seed."""
        rng = default_rng([self.seed, place])
        for first in range(0, self.trials, AT_ONCE):
            some = min(AT_ONCE, self.trials - first)
            yield from simulate(
                rng,
                self.protocol,
                self.shape,
                world,
                rate=rate,
                trials=some,
                subjects=self.subjects,
                harmed=harmed,
            )
            progress.add(some)

    def without_harm(self, place: int, world: str, rate: float, progress: Progress) -> InWorld:
        crossed, any_rule, with_case = Counter[str](), 0, 0
        for trial in self.simulate(place, world, rate, progress):
            now = [rule.id for rule in self.rules if _crosses(rule, trial.evidence)]
            crossed.update(now)
            any_rule += bool(now)
            with_case += trial.evidence.subjects_with_case().main
        return InWorld(
            world=world,
            said=WORLDS[world].said,
            rate=rate,
            subjects_with_case=with_case / (self.trials * self.subjects),
            by_rule={rule.id: estimate(crossed[rule.id], self.trials) for rule in self.rules},
            any_rule=estimate(any_rule, self.trials),
        )

    def delays(self, place: int, rate: float, progress: Progress) -> Mapping[str, Sequence[float]]:
        """Return, by rule, the hours from the last harmed onset to the crossing, one a trial."""
        found: dict[str, list[float]] = {rule.id: [] for rule in self.rules}
        for trial in self.simulate(place, WITH_HARM, rate, progress, min(HARMED, self.subjects)):
            for rule in self.rules:
                found[rule.id].append(hours_to_crossing(rule, trial))
        return found


def _crosses(rule: Rule, evidence: Evidence) -> bool:
    return rule.evaluate(evidence).verdict == "crossed"


def hours_to_crossing(rule: Rule, trial: Trial) -> float:
    """Return the hours from the last harmed onset to the crossing: 0 where it had crossed, infinite where never."""
    evidence, since = trial.evidence, trial.last_harmed
    if not _crosses(rule, evidence):
        return math.inf
    closes = (moment for one in evidence.opportunities for moment in (one.risk_closes, one.closes))
    later = sorted({moment for moment in (*map(trial.seen, evidence.events), *closes) if moment > since})
    moments = [since, *later]
    first = bisect_left(moments, True, hi=len(later), key=lambda one: _crosses(rule, trial.known_by(one)))
    return moments[first] - since


def _window_by(one: DoseWindow, moment: float) -> DoseWindow:
    is_open = one.closes > moment
    return replace(
        one,
        open=is_open,
        evaluable=one.evaluable and not is_open,
        ended=one.ended if one.ended <= moment else math.inf,
    )


def _delay(hours: Sequence[float]) -> Delay:
    trials, ordered = len(hours), sorted(hours)

    def within(share: float) -> float | None:
        found = ordered[math.ceil(share * trials) - 1]
        return found if math.isfinite(found) else None

    return Delay(estimate(sum(map(math.isfinite, hours)), trials), within(0.5), within(0.9))
