"""The binomial MaxSPRT along the events in risk and control hours: at every event, up to a planned number."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from checks.errors import DesignError
from checks.rules.courses import CourseWalk, SequentialMethod, Step, course_of, first_state
from checks.rules.designs import Surveillance
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.surveillance import exact_surveillance
from checks.rules.trials import NEVER, BoolArray, Course, IntArray, Walk
from checks.statistics.timing.binomial_boundary import BinomialBoundary
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial

if TYPE_CHECKING:
    from checks.rules.kinds.timing import TimingRule

SAME = 1e-10
"""Log-likelihood ratios nearer than this are one value, apart by rounding alone."""

KEPT = 1024
"""Boundaries kept for the scenarios, events and looks of one run; a boundary depends on its parameters alone."""


class MaxsprtBinomial(SequentialMethod):
    """Crossed where the log-likelihood ratio of an event exceeds the critical value of its moment."""

    needs = ("n_max",)
    boundary_is = BoundaryIs.LOG_LIKELIHOOD_RATIO

    def walk(self, rule: "TimingRule", path: Sequence[Step], ratio: float) -> CourseWalk:
        """Walk along the events, the first ``n_max`` of them.

        The p-value is the exact chance, without the drug, of a log-likelihood ratio as large at any of the
        ``n_max`` events, at the ratio of its own moment: it is within alpha exactly where a state passes its
        critical value.
        """
        n_max = rule.n_max or 1
        course = course_of(path[:n_max], ratio)
        states = zip(course.in_risk.tolist(), course.number.tolist(), course.ratio.tolist(), strict=True)
        judged = [
            (then, binomial_llr(in_risk, n - in_risk, then))
            for in_risk, n, then in states
            if in_risk >= rule.min_events
        ]
        p_values = [_reaching(n_max, then, rule.min_events, llr) if llr > 0 else 1.0 for then, llr in judged]
        first = first_state(course, self.crosses(rule, course))
        test = _test(
            n_max, ratio if first is None else float(course.ratio[first]), rule.alpha, rule.min_events
        )
        return CourseWalk(
            in_risk=sum(step.in_risk for step in path),
            length=len(path),
            statistic=max((llr for _, llr in judged), default=0.0),
            boundary=test.critical_value,
            size=test.size,
            crossed_at=None if first is None else int(course.number[first]),
            p_value=min(p_values, default=1.0),
        )

    def crosses(self, rule: "TimingRule", course: Course) -> BoolArray:
        """Return where there are as many events in risk hours as the boundary asks for at the state's ratio."""
        n_max = rule.n_max or 1
        may = (course.in_risk >= rule.min_events) & (course.subjects >= rule.min_subjects)
        may &= course.number <= n_max
        crossed = np.zeros(len(may), dtype=bool)
        for ratio in np.unique(course.ratio[may]).tolist():
            here = np.flatnonzero(may & (course.ratio == ratio))
            crossed[here] = course.in_risk[here] >= _fewest(rule, n_max, ratio)[course.number[here] - 1]
        return crossed

    def surveillance(self, rule: "TimingRule", plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does over the number of events it is planned for."""
        return (exact_surveillance(self._planned(rule, plan)),)

    def _planned(self, rule: "TimingRule", plan: Plan) -> BinomialBoundary:
        return _test(rule.n_max or 1, plan.ratio, rule.alpha, rule.min_events).boundary

    def simulate(self, rule: "TimingRule", plan: Plan) -> Walk:
        """Judge each event at the planned ratio of hours."""
        self._planned(rule, plan)  # without a boundary there is nothing to simulate, and an error to tell
        return super().simulate(rule, plan)


def _fewest(rule: "TimingRule", n_max: int, ratio: float) -> IntArray:
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
