"""The exact self-controlled comparison, at planned looks along the events in risk hours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betainc

from checks.rules.courses import CourseMethod, Step, course_of, events_in_order, first_state
from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.methods.method import (
    DESCRIPTIVE,
    FEWEST_IN_CLUSTER,
    LENGTHS,
    NO_HOURS,
    TimingSection,
    exact_surveillance,
    next_look,
    ratio_of,
)
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, RuleResult, verdicts
from checks.rules.trials import BoolArray, Course, FloatArray, IntArray
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.self_controlled import Comparison, self_controlled
from checks.statistics.timing.sequential import BinomialBoundary


def compare(evidence: Evidence, scenario: Scenario = Scenario.MAIN) -> Comparison:
    """Return the self-controlled comparison of risk with control hours, in one scenario of the evidence.

    The p-value is one-sided, against an excess in risk hours; ``ci95`` has the two-sided Clopper-Pearson limits
    (2.5 % on either side), since an estimate is shown with both its ends. The upper one is infinite without an
    event in control hours.
    """
    data = (
        evidence.events_in_risk()[scenario],
        evidence.events_in_control()[scenario],
        evidence.hours_in_risk,
        evidence.hours_in_control,
    )
    return replace(self_controlled(*data), ci95=self_controlled(*data, "two-sided").ci95)


@dataclass(frozen=True, slots=True)
class PlannedWalk:
    """The planned looks taken so far: the p-value at each, and the risk events at which one first crossed."""

    p_values: tuple[float, ...]
    crossed_at: int | None
    next_look: int | None


class SelfControlled(CourseMethod):
    """Crossed where the exact test at a planned look is within that look's equal share of alpha."""

    needs = ("looks",)

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Take the planned looks that the events of each scenario have called so far."""
        ratio = ratio_of(evidence)
        if ratio is None:
            return rule.not_evaluable(NO_HOURS)
        walks = ByScenario.of(lambda scenario: self.walk(rule, events_in_order(evidence, scenario), ratio))
        compared = ByScenario.of(lambda scenario: compare(evidence, scenario))
        main, in_risk = walks.main, evidence.events_in_risk()
        return rule.answer(
            verdicts(walks.map(lambda one: one.crossed_at is not None)),
            events=in_risk.main,
            n_evaluable=in_risk.main + evidence.events_in_control().main,
            boundary=rule.share,
            statistic=compared.main.relative_incidence,
            p_value=compared.main.p_value,
            detail={
                "boundary_is": BoundaryIs.P_VALUE,
                "statistic_is": "relative_incidence",
                "p_value_is": DESCRIPTIVE,
                "p_best": compared.best.p_value,
                "p_worst": compared.worst.p_value,
                "events_best": in_risk.best,
                "events_worst": in_risk.worst,
                "planned_looks": rule.looks,
                "looks_taken": len(main.p_values),
                "p_at_looks": list(main.p_values),
                "crossed_at": main.crossed_at,
                "next_look": next_look(main.next_look, "events in the risk window"),
            },
        )

    def walk(self, rule: TimingSection, path: Sequence[Step], ratio: float) -> PlannedWalk:
        """Take the planned looks of one scenario: one at each event in risk hours, from the fewest on.

        The first look is at the first risk event by which there are ``min_events`` of them, in ``min_subjects``
        subjects, and no fewer than two; the others at those that follow, ``looks`` in all. Each is the exact
        test of all events by then at an equal share of alpha. Size: the c-th risk event comes within n events
        exactly when n events hold c risk events, so a test taken at the c-th, whenever that is, errs with the
        chance that P(Bin(n, share of risk hours) >= c) has at its own critical n: at most its share of alpha,
        and all looks together at most alpha. No case waits for a look, and events in control hours use up none.
        """
        course = course_of(path, ratio)
        p_values = _p_values(course)[_looks(rule, course)]
        first = first_state(course, self.crosses(rule, course))
        done = len(p_values) == rule.planned_looks
        return PlannedWalk(
            tuple(p_values.tolist()),
            None if first is None else int(course.in_risk[first]),
            None if done else max(_least(rule), sum(step.in_risk for step in path) + 1),
        )

    def crosses(self, rule: TimingSection, course: Course) -> BoolArray:
        """Return which events call a look that is rare enough."""
        return np.asarray(_looks(rule, course) & (_p_values(course) <= rule.share))

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does within so many events."""
        return tuple(exact_surveillance(boundary_in_events(rule, plan.ratio, n)) for n in LENGTHS)

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say when looks are taken."""
        return (
            "A look is taken at each event in risk hours, from the fewest that the rule asks for on, "
            "as many as are planned; each spends an equal share of alpha.",
        )


def _least(rule: TimingSection) -> int:
    return max(rule.min_events, FEWEST_IN_CLUSTER)


def _looks(rule: TimingSection, course: Course) -> BoolArray:
    """Return which events call a planned look: of each trial the first that meet the rule's fewest."""
    ready = (course.in_risk >= _least(rule)) & (course.subjects >= rule.min_subjects)
    so_far: IntArray = np.cumsum(ready, dtype=np.int64)
    begins = np.searchsorted(course.trial, course.trial)
    before: IntArray = so_far[begins] - ready[begins]
    return np.asarray(ready & (so_far - before <= rule.planned_looks))


def _p_values(course: Course) -> FloatArray:
    """Return P(Bin(n, share of risk hours) >= events in risk hours) at each event."""
    in_risk = course.in_risk.astype(np.float64)
    return np.asarray(betainc(in_risk, course.number - in_risk + 1, 1 / (1 + course.ratio)))


def boundary_in_events(rule: TimingSection, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary in events of a self-controlled rule, as its walk plans the looks.

    A look is taken at each event in risk hours from the fewest on. So many events in risk hours have crossed
    by n events exactly when the test of the last of them, at n, is rare enough for one look.
    """
    least, numbers = _least(rule), tuple(range(1, length + 1))
    most = least + rule.planned_looks - 1
    return BinomialBoundary(
        numbers, tuple(fewest_in_risk(n, ratio, rule.share, least, most) for n in numbers), ratio
    )


def fewest_in_risk(n: int, ratio: float, share: float, least: int, most: int) -> int | None:
    """Return the fewest x from ``least`` to ``most`` with P(Bin(n, 1 / (1 + ratio)) >= x) <= ``share``."""
    x = np.arange(least, min(n, most) + 1)
    rare = x[betainc(x, n - x + 1.0, 1.0 / (1.0 + ratio)) <= share]
    return int(rare[0]) if rare.size else None
