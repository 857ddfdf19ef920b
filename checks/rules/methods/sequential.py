"""Alpha spent event by event, each event with the probability of its own hours, in the order in which doses close."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from checks.rules.conditional import ConditionalMethod, ConditionalWalk
from checks.rules.conditioned import Conditioned
from checks.rules.designs import Surveillance
from checks.rules.methods.method import DESCRIPTIVE, KEPT, TimingSection, exact_surveillance
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.trials import NEVER, IntArray, Trials, Walk
from checks.statistics.timing.conditional import allowing, conditional
from checks.statistics.timing.sequential import BinomialBoundary, risk_chance
from checks.statistics.timing.spending import SpendingBoundary, spending_boundary


class Sequential(ConditionalMethod):
    """Crossed where there are as many events in risk hours as the spending boundary asks for after some event."""

    needs = ("n_max",)
    boundary_is = BoundaryIs.EVENTS
    statistic_is = "log_likelihood_ratio"

    def walk(self, rule: TimingSection, known: Sequence[Conditioned], gamma: float) -> ConditionalWalk:
        """Lay the boundary along the events of closed doses, those of one moment together."""
        judged = known[-1]
        chances = allowing(judged.probabilities, gamma)
        boundary = _boundary(rule, chances, judged.ends)
        crosses = judged.enough(rule.min_events, rule.min_subjects) & (judged.seen >= _fewest(boundary))
        return ConditionalWalk(
            judged,
            crossed_at=int(crosses.argmax()) + 1 if crosses.any() else None,
            boundary=boundary.events[-1] if boundary.events else None,
            p_value=conditional(judged.in_risk, chances).p_value,
            detail={
                "p_value_is": DESCRIPTIVE,
                "n_max": rule.n_max,
                "alpha_used": boundary.size,
            },
        )

    def statistic(self, rule: TimingSection, walk: ConditionalWalk) -> float:
        """Return the log-likelihood ratio of all events judged, which the boundary does not use."""
        found = conditional(walk.judged.in_risk, walk.judged.probabilities, gamma=rule.gamma)
        return found.log_likelihood_ratio

    def crosses_all_in_risk(self, rule: TimingSection, chances: Sequence[float]) -> bool:
        """Whether the boundary after the last of them is as many events, or fewer."""
        return _boundary(rule, tuple(chances), tuple(range(1, len(chances) + 1))).events[-1] is not None

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does over the number of events it is planned for, all with the planned probability."""
        boundary = planned_boundary(rule, plan.ratio, rule.n_max or 1)
        return (exact_surveillance(BinomialBoundary(boundary.looks, boundary.events, plan.ratio)),)

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Judge the events one by one, all with the planned probability; a look judges those of one dose together."""

        def through(trials: Trials) -> IntArray:
            longest = max(int(trials.number.max(initial=1)), rule.n_max or 1)
            fewest = _fewest(planned_boundary(rule, plan.ratio, longest))[trials.number - 1]
            enough = (trials.in_risk >= rule.min_events) & (trials.subjects >= rule.min_subjects)
            return trials.first(enough & (trials.in_risk >= fewest))

        return through

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what the numbers hold for."""
        goes_on = (
            f"After {rule.n_max} events the rule goes on with what is left of alpha: at most {rule.alpha:.2%} "
            "however many there are."
        )
        return (goes_on, EQUAL)


EQUAL = (
    "Computed for events that all have the planned ratio of control to risk hours; a look holds each event against "
    "the hours of its own dose."
)


@lru_cache(KEPT)
def _spending(
    chances: tuple[float, ...], alpha: float, n_max: int, min_events: int, looks: tuple[int, ...]
) -> SpendingBoundary:
    return spending_boundary(chances, alpha, n_max, min_events, looks=looks)


def _boundary(rule: TimingSection, chances: tuple[float, ...], looks: tuple[int, ...]) -> SpendingBoundary:
    return _spending(chances, rule.alpha, rule.n_max or 1, rule.min_events, looks)


def planned_boundary(rule: TimingSection, ratio: float, events: int) -> SpendingBoundary:
    """Return the boundary along so many events that all have one ratio of control to risk hours."""
    return _boundary(rule, (risk_chance(ratio),) * events, tuple(range(1, events + 1)))


def _fewest(boundary: SpendingBoundary) -> IntArray:
    return np.array([NEVER if one is None else one for one in boundary.events], dtype=np.int64)
