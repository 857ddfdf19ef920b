"""The binomial MaxSPRT along the events in risk and control hours: at every event, up to a planned number."""

from functools import lru_cache

import numpy as np

from checks.errors import DesignError
from checks.rules.courses import SequentialMethod
from checks.rules.designs import Surveillance
from checks.rules.methods.method import KEPT, TimingSection, exact_surveillance
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.trials import NEVER, BoolArray, Course, IntArray, Walk
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial
from checks.statistics.timing.sequential import BinomialBoundary, EventTest

SAME = 1e-10
"""Log-likelihood ratios nearer than this are one value, apart by rounding alone."""


class MaxsprtBinomial(SequentialMethod):
    """Crossed where the log-likelihood ratio of an event reaches the critical value of its moment."""

    needs = ("n_max",)
    boundary_is = BoundaryIs.LOG_LIKELIHOOD_RATIO

    def test(self, rule: TimingSection, ratio: float, events: int) -> EventTest:
        """Return the test of ``n_max`` events."""
        return _test(rule.n_max or 1, ratio, rule.alpha, rule.min_events)

    def strongest(self, rule: TimingSection, course: Course) -> tuple[float, float]:
        """Return the largest log-likelihood ratio from the fewest events on, and the smallest p-value.

        The p-value of a state is the exact chance, without the drug, of a log-likelihood ratio as large at any of
        the ``n_max`` events, at the ratio of its own moment: it is within alpha exactly where the state reaches its
        critical value.
        """
        states = zip(course.in_risk.tolist(), course.number.tolist(), course.ratio.tolist(), strict=True)
        judged = [
            (then, binomial_llr(in_risk, n - in_risk, then))
            for in_risk, n, then in states
            if in_risk >= rule.min_events
        ]
        p_values = [_reaching(rule.n_max or 1, then, rule.min_events, llr) for then, llr in judged if llr > 0]
        return max((llr for _, llr in judged), default=0.0), min(p_values, default=1.0)

    def crosses(self, rule: TimingSection, course: Course) -> BoolArray:
        """Return where there are as many events in risk hours as the boundary asks for at the state's ratio."""
        n_max = rule.n_max or 1
        may = (course.in_risk >= rule.min_events) & (course.subjects >= rule.min_subjects)
        may &= course.number <= n_max
        crossed = np.zeros(len(may), dtype=bool)
        for ratio in np.unique(course.ratio[may]).tolist():
            here = np.flatnonzero(may & (course.ratio == ratio))
            crossed[here] = course.in_risk[here] >= _fewest(rule, n_max, ratio)[course.number[here] - 1]
        return crossed

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does over the number of events it is planned for."""
        return (exact_surveillance(self.test(rule, plan.ratio, 0).boundary),)

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Judge each event at the planned ratio of hours."""
        self.test(
            rule, plan.ratio, 0
        )  # without a boundary there is nothing to simulate, and an error to tell
        return super().simulate(rule, plan)


def _fewest(rule: TimingSection, n_max: int, ratio: float) -> IntArray:
    """Return the fewest events in risk hours that cross at each event; none do where no boundary keeps to alpha."""
    try:
        events = _test(n_max, ratio, rule.alpha, rule.min_events).boundary.events
    except DesignError:
        return np.full(n_max, NEVER)
    return np.array([NEVER if one is None else one for one in events])


_test = lru_cache(KEPT)(maxsprt_binomial)


@lru_cache(KEPT)
def _reaching(n_max: int, ratio: float, min_events: int, statistic: float) -> float:
    """Return the exact chance of a log-likelihood ratio of at least ``statistic`` within ``n_max`` events."""
    fewest: list[int | None] = []
    k = min_events
    for n in range(1, n_max + 1):
        while k <= n and binomial_llr(k, n - k, ratio) < statistic - SAME:
            k += 1
        fewest.append(k if k <= n else None)
    return BinomialBoundary(tuple(range(1, n_max + 1)), tuple(fewest), ratio).size()
