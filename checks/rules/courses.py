"""The course of events along which a sequential timing rule is judged, and the answer of a rule that walked it.

Each state on a course is judged when its event in risk hours became known, by the boundary of the method at
the ratio of control to risk hours as it stood then, the fewest events and the fewest subjects that the rule
asks for. Hours and events that come later belong to later states, so that a look holds every earlier look in
itself: nothing that was crossed is cleared by time, by control hours or by healthy subjects, only by data that
change an event or the hours before it. The ratio leaves out control hours still to come, as they are without
events so far, and counts a begun risk window whole: it errs against crossing.
With a constant ratio the size is exact. The ratio of a trial rises to its planned value and then moves little;
the size under that is shown by simulation.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from checks.errors import DesignError
from checks.rules.evidence import Evidence, first_in_windows, seen
from checks.rules.methods.method import NO_HOURS, TimingMethod, TimingSection, ordered, ratio_of
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, Json, Rule, RuleResult, verdicts
from checks.rules.trials import BoolArray, Course, Walk, distinct_so_far
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.sequential import EventTest


@dataclass(frozen=True, slots=True)
class Step:
    """One event on a path: in risk or in control hours, of a subject, at a ratio of control to risk hours.

    The ratio is None where it is that of the data cut-off.
    """

    in_risk: bool
    subject: int
    ratio: float | None = None


def events_in_order(evidence: Evidence, scenario: Scenario) -> tuple[Step, ...]:
    """Return the events of one scenario, at most one a window or block, in the order in which they became known.

    Of events known at one instant those in control hours come first, which speaks for the study drug.
    """
    at_risk = first_in_windows(evidence.at_risk(scenario))
    events = [(seen(event), Step(True, event.subject, event.ratio)) for event in at_risk]
    events += [
        (seen(event), Step(False, event.subject, event.ratio))
        for event in evidence.events
        if event.in_control[scenario]
    ]
    in_order = sorted(events, key=lambda one: (one[0], one[1].in_risk, one[1].subject))
    return tuple(step for _, step in in_order)


def course_of(path: Sequence[Step], ratio: float) -> Course:
    """Return the states at each event in risk hours; none where there were no hours of one kind to judge it by."""
    in_risk = np.array([step.in_risk for step in path], dtype=bool)
    then = np.array([ratio if step.ratio is None else step.ratio for step in path], dtype=np.float64)
    some = in_risk & (then > 0) & np.isfinite(then)
    count = int(some.sum())
    return Course(
        trial=np.zeros(count, dtype=np.int64),
        number=np.arange(1, len(path) + 1)[some],
        in_risk=np.cumsum(in_risk)[some],
        subjects=distinct_so_far([step.subject for step in path], in_risk)[some],
        ratio=then[some],
    )


@dataclass(frozen=True, slots=True)
class CourseWalk:
    """One walk: events in risk and in all, what they are held against, and where it first crossed.

    ``length`` counts events (binomial, e-process) or those expected (Poisson); ``crossed_at`` is in the same
    unit. ``p_value`` allows for every look on the way; None where the method has none to give.
    """

    in_risk: int
    length: float
    statistic: float
    boundary: float
    size: float
    crossed_at: float | None
    p_value: float | None


def first_state(course: Course, crosses: BoolArray) -> int | None:
    """Return the place on a course of one trial at which it first crosses."""
    found = np.flatnonzero(crosses)
    return int(found[0]) if found.size else None


class CourseMethod(TimingMethod):
    """A method whose one step judges the states on a course, in a trial under way and in simulated ones alike."""

    @abstractmethod
    def crosses(self, rule: TimingSection, course: Course) -> BoolArray:
        """Return which states cross, each by the ratio of its moment."""

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Judge each event at the planned ratio of hours."""
        return lambda trials: trials.first(self.crosses(rule, trials.course(plan.ratio)))


class SequentialMethod(CourseMethod):
    """A method that judges every event, or the first ``n_max``, in the order in which the events became known."""

    boundary_is: ClassVar[BoundaryIs]

    @abstractmethod
    def test(self, rule: TimingSection, ratio: float, events: int) -> EventTest:
        """Return the test of at least so many events at a ratio; a DesignError where none keeps to alpha."""

    @abstractmethod
    def strongest(self, rule: TimingSection, course: Course) -> tuple[float, float]:
        """Return the largest statistic on a course, and its p-value, which allows for every look on the way."""

    def walk(self, rule: TimingSection, path: Sequence[Step], ratio: float) -> CourseWalk:
        """Walk along the events; where one has no ratio of its own, it is that of the data cut-off.

        Raises
        ------
        DesignError
            When no boundary keeps to alpha at the ratio of the first event that crosses, else at ``ratio``.
        """
        course = course_of(path[: rule.n_max], ratio)
        first = first_state(course, self.crosses(rule, course))
        statistic, p_value = self.strongest(rule, course)
        test = self.test(rule, ratio if first is None else float(course.ratio[first]), len(path))
        return CourseWalk(
            in_risk=sum(step.in_risk for step in path),
            length=len(path),
            statistic=statistic,
            boundary=test.critical_value,
            size=test.size,
            crossed_at=None if first is None else int(course.number[first]),
            p_value=p_value,
        )

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Walk along the events of each scenario."""
        ratio = ratio_of(evidence)
        if ratio is None:
            return rule.not_evaluable(NO_HOURS)
        paths = ByScenario.of(lambda scenario: events_in_order(evidence, scenario))
        try:
            walks = paths.map(lambda path: self.walk(rule, path, ratio))
        except DesignError as error:
            return rule.not_evaluable(
                f"{ratio:.3g} observed control hours for each risk hour allow no boundary ({error})"
            )
        detail: Mapping[str, Json] = {"boundary_is": self.boundary_is, "ratio": ratio}
        return walked(rule, walks, detail, n_evaluable=len(paths.main))


def walked(
    rule: Rule, walks: ByScenario[CourseWalk], detail: Mapping[str, Json], *, n_evaluable: int | None
) -> RuleResult:
    """Return the answer of a rule that walked the course of each scenario."""
    main = walks.main
    return rule.answer(
        verdicts(walks.map(lambda one: one.crossed_at is not None)),
        events=main.in_risk,
        n_evaluable=n_evaluable,
        boundary=main.boundary,
        statistic=main.statistic,
        p_value=main.p_value,
        detail={
            **detail,
            "statistic_is": "the largest on the path",
            **ordered(walks.map(lambda one: one.p_value)),
            "events_best": walks.best.in_risk,
            "events_worst": walks.worst.in_risk,
            "crossed_at": main.crossed_at,
            "size": main.size,
        },
    )
