"""The e-process along the events in risk and control hours: at every event, without an end."""

import math
from functools import lru_cache

import numpy as np

from checks.rules.courses import SequentialMethod
from checks.rules.designs import Surveillance
from checks.rules.methods.method import KEPT, LENGTHS, TimingSection, exact_surveillance
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.trials import BoolArray, Course, FloatArray, at_states
from checks.statistics.timing.beta_mixture import beta_mixture, log_e_value
from checks.statistics.timing.sequential import BinomialBoundary, EventTest

SHORTEST = 200
"""Events up to which the exact size of an e-process is given; its validity has no end."""


class EProcessMethod(SequentialMethod):
    """Crossed where the e-value of an event reaches 1 / alpha at its moment's ratio of hours."""

    boundary_is = BoundaryIs.E_VALUE

    def test(self, rule: TimingSection, ratio: float, events: int) -> EventTest:
        """Return the e-process, its size that of ``SHORTEST`` events or more."""
        return _test(max(SHORTEST, events), ratio, rule.alpha)

    def strongest(self, rule: TimingSection, course: Course) -> tuple[float, float]:
        """Return the largest e-value on the way; the p-value is 1 over it."""
        p_value = min(1.0, math.exp(-_log_e_values(course).max(initial=0.0)))
        return 1 / p_value if p_value > 0 else math.inf, p_value

    def crosses(self, rule: TimingSection, course: Course) -> BoolArray:
        """Return where the e-value reaches 1 / alpha."""
        enough = (course.in_risk >= rule.min_events) & (course.subjects >= rule.min_subjects)
        return np.asarray(enough & (_log_e_values(course) >= -math.log(rule.alpha)))

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does within so many events."""
        longest = boundary_in_events(rule, plan.ratio, LENGTHS[-1])
        cut = (BinomialBoundary(longest.looks[:n], longest.events[:n], plan.ratio) for n in LENGTHS)
        return tuple(exact_surveillance(boundary) for boundary in cut)

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what the sizes are of a test without an end."""
        return ("Valid at every look, without an end; the size shown is what so many events spend.",)


def boundary_in_events(rule: TimingSection, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary of an e-process rule up to a number of events, none below its fewest events."""
    boundary = _test(length, ratio, rule.alpha).boundary
    events = tuple(
        None if fewest is None or n < rule.min_events else max(fewest, rule.min_events)
        for n, fewest in zip(boundary.looks, boundary.events, strict=True)
    )
    return BinomialBoundary(boundary.looks, events, ratio)


def _log_e_values(course: Course) -> FloatArray:
    return at_states(
        lambda in_risk, n, ratio: log_e_value(int(in_risk), int(n - in_risk), ratio),
        course.in_risk,
        course.number,
        course.ratio,
    )


_test = lru_cache(KEPT)(beta_mixture)
