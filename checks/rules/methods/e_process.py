"""The e-process along the events of closed doses, each with the probability of its own hours, without an end."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from checks.rules.conditional import ConditionalMethod, ConditionalWalk
from checks.rules.conditioned import Conditioned
from checks.rules.designs import Surveillance
from checks.rules.methods.method import KEPT, LENGTHS, TimingSection, exact_surveillance
from checks.rules.methods.sequential import EQUAL
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.trials import NEVER, IntArray, Trials, Walk
from checks.statistics.timing.conditional import allowing
from checks.statistics.timing.e_process import e_process, e_process_boundary
from checks.statistics.timing.sequential import BinomialBoundary


class EProcessMethod(ConditionalMethod):
    """Crossed where the e-value reaches 1 / alpha after some event."""

    boundary_is = BoundaryIs.E_VALUE
    statistic_is = "the largest on the path"

    def walk(self, rule: TimingSection, known: Sequence[Conditioned], gamma: float) -> ConditionalWalk:
        """Weigh the events of closed doses, those of one moment together."""
        judged = known[-1]
        weighed = e_process(judged.in_risk, allowing(judged.probabilities, gamma))
        log_values = np.array(weighed.log_values)
        crosses = judged.enough(rule.min_events, rule.min_subjects) & (log_values >= -math.log(rule.alpha))
        # within one moment the order of events says nothing, nor does a value between two of them
        largest = max((weighed.log_values[end - 1] for end in judged.ends), default=0.0)
        return ConditionalWalk(
            judged,
            crossed_at=int(crosses.argmax()) + 1 if crosses.any() else None,
            boundary=1 / rule.alpha,
            p_value=math.exp(-max(0.0, largest)),
            detail={},
        )

    def statistic(self, rule: TimingSection, walk: ConditionalWalk) -> float:
        """Return the largest e-value on the way, 1 before any."""
        return 1 / walk.p_value if walk.p_value > 0 else math.inf

    def attainable(self, chances: Sequence[float]) -> float:
        """Return 1 over the largest e-value that events with these probabilities can have."""
        return e_process([True] * len(chances), chances).p_value

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does within so many events, all with the planned probability."""
        longest = boundary_in_events(rule, plan.ratio, LENGTHS[-1])
        cut = (BinomialBoundary(longest.looks[:n], longest.events[:n], plan.ratio) for n in LENGTHS)
        return tuple(exact_surveillance(boundary) for boundary in cut)

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Weigh the events as dose windows close, all with the planned probability."""

        def through(trials: Trials) -> IntArray:
            longest = max(int(trials.number.max(initial=1)), LENGTHS[-1])
            boundary = _boundary(longest, plan.ratio, rule.alpha)
            fewest = np.array([NEVER if one is None else one for one in boundary.events])[trials.number - 1]
            enough = (trials.in_risk >= rule.min_events) & (trials.subjects >= rule.min_subjects)
            return trials.first(enough & trials.closings & (trials.in_risk >= fewest))

        return through

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what the sizes are of a test without an end."""
        return ("Valid at every look, without an end; the size shown is what so many events spend.", EQUAL)


def boundary_in_events(rule: TimingSection, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary of an e-process rule up to a number of events, none below its fewest events."""
    boundary = _boundary(length, ratio, rule.alpha)
    events = tuple(
        None if fewest is None or n < rule.min_events else max(fewest, rule.min_events)
        for n, fewest in zip(boundary.looks, boundary.events, strict=True)
    )
    return BinomialBoundary(boundary.looks, events, ratio)


_boundary = lru_cache(KEPT)(e_process_boundary)
