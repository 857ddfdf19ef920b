"""The Poisson MaxSPRT along the dose windows, against the background that the protocol assumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from checks.errors import DesignError
from checks.rules.designs import Surveillance
from checks.rules.evidence import NOWHERE, Evidence
from checks.rules.methods.method import KEPT, TRUTHS, TimingMethod, TimingSection, surveillance
from checks.rules.plan import Plan, per_window
from checks.rules.rule import BoundaryIs, RuleResult, verdicts
from checks.rules.trials import BoolArray, FloatArray, IntArray, Trials, Walk, at_states, distinct_so_far
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.maxsprt_poisson import MaxSPRTPoisson, maxsprt_poisson, poisson_llr

ROUNDING = 1 + 1e-12
"""So many times 0.1 do not add up to whole numbers in binary: the last look must not be missed for it."""


@dataclass(frozen=True, slots=True)
class Window:
    """One dose window on the path: the share of its hours in which an event could have been seen, and its cases."""

    subject: int
    share: float
    case: ByScenario[bool]


@dataclass(frozen=True, slots=True)
class PoissonWalk:
    """One walk: events in risk, those expected, the largest ratio, and where among the expected it first crossed."""

    in_risk: int
    expected: float
    statistic: float
    boundary: float
    size: float
    crossed_at: float | None


class MaxsprtPoisson(TimingMethod):
    """Crossed where the log-likelihood ratio of the events against those expected reaches the critical value."""

    needs = ("expected_max",)
    takes = ("delay",)
    question = "Do dose windows hold more onsets than the background of the study protocol predicts?"
    length_unit = "expected_events"

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Walk the dose windows in the order in which they closed.

        Each window adds the background per window, for the share of its hours in which an event could have been seen,
        to the expected count when it closes, and its event, if it holds one, is judged then: a window is never judged
        before its own background is counted.
        """
        assumed = evidence.background.assumed.get("window")
        if assumed is None:
            return rule.not_evaluable(
                "the study protocol declares no background, or none that can be turned into one per window"
            )
        path = window_path(evidence)
        try:
            walks = ByScenario.of(lambda scenario: self.walk(rule, path, scenario, assumed.rate))
        except DesignError as error:
            return rule.not_evaluable(str(error))
        main = walks.main
        return rule.answer(
            verdicts(walks.map(lambda one: one.crossed_at is not None)),
            events=main.in_risk,
            n_evaluable=None,
            boundary=main.boundary,
            statistic=main.statistic,
            detail={
                "boundary_is": BoundaryIs.LOG_LIKELIHOOD_RATIO,
                "expected_per_window": assumed.rate,
                "expected_max": rule.expected_max,
                "expected": main.expected,
                "statistic_is": "the largest on the path",
                "events_best": walks.best.in_risk,
                "events_worst": walks.worst.in_risk,
                "crossed_at": main.crossed_at,
                "size": main.size,
            },
        )

    def walk(
        self, rule: TimingSection, path: Sequence[Window], scenario: Scenario, background: float
    ) -> PoissonWalk:
        """Walk along dose windows, each of which adds its share of the ``background`` when it closes.

        Raises
        ------
        DesignError
            When the rule's parameters allow no boundary.
        """
        test = _test(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)
        case = np.array([window.case[scenario] for window in path], dtype=bool)
        now = np.cumsum([window.share for window in path], dtype=np.float64) * background
        events, subjects = np.cumsum(case), distinct_so_far([window.subject for window in path], case)
        crossed = np.flatnonzero(self.crosses(rule, events, subjects, now))
        judged = _judged(rule, test, events, now)
        return PoissonWalk(
            in_risk=int(case.sum()),
            expected=float(now[-1]) if len(path) else 0.0,
            statistic=float(_ratios(events[judged], now[judged]).max(initial=0.0)),
            boundary=test.critical_value,
            size=test.size,
            crossed_at=float(now[crossed[0]]) if crossed.size else None,
        )

    def crosses(
        self, rule: TimingSection, events: IntArray, subjects: IntArray, expected: FloatArray
    ) -> BoolArray:
        """Return which states cross, in a trial under way or in simulated ones: after so many events in risk windows.

        ``subjects`` have them; ``expected`` were to come in the windows closed by then.
        """
        test = _test(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)
        crossed = np.zeros(events.shape, dtype=bool)
        may = np.flatnonzero(_judged(rule, test, events, expected) & (subjects >= rule.min_subjects))
        crossed[may] = _ratios(events[may], expected[may]) >= test.critical_value
        return crossed

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does over the expected events that it is planned for."""
        test = _test(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)
        behaves = [test.characteristics(value) for value in TRUTHS]
        by_look = test.crossing_probabilities().tolist()
        return (surveillance(test.expected_max, test.times, test.events, behaves, TRUTHS, by_look),)

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Judge the events in risk windows against those expected in the windows closed by then.

        Between two events the ratio only falls, so that it is judged at each event from the delay on, and where
        the delay ends.
        """
        harmless = plan.harmless or 0.0

        def through(trials: Trials) -> IntArray:
            expected = per_window(harmless, trials.cases.shape[2])
            some = trials.events_in_risk
            now = trials.window[some].astype(np.float64) * expected
            crosses = np.zeros(some.shape, dtype=bool)
            crosses[some] = self.crosses(rule, trials.in_risk[some], trials.subjects[some], now)
            found = trials.first(crosses)
            delayed = ceil(rule.delay / expected)
            if not delayed:
                return found
            first = trials.cases.copy()
            first.reshape(len(first), -1)[:, delayed:] = False
            events, subjects = first.sum(axis=(1, 2)), first.any(axis=2).sum(axis=1)
            at_delay = self.crosses(rule, events, subjects, np.full(len(first), delayed * expected))
            return np.where(at_delay, np.minimum(found, -(-delayed // first.shape[2])), found)

        return through

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say in how many dose windows its length of surveillance is reached."""
        background = plan.backgrounds.get("window")
        if background is None:
            return ()
        windows = (rule.expected_max or 1.0) / background.rate
        return (f"At the declared background this many events are expected in {windows:,.0f} dose windows.",)


def window_path(evidence: Evidence) -> tuple[Window, ...]:
    """Return the windows in the order in which they close: those that have, and those that hold a case already.

    Open windows that close before one that is known to hold a case are on the path before it, and count whole. A
    case that no window of the study holds is one of its own, after all others.
    """
    cases = _cases(evidence)
    windows = sorted(evidence.opportunities, key=lambda one: (one.risk_closes, one.subject, one.dose))
    held = [cases.pop((one.subject, one.dose), NOWHERE) for one in windows]
    last = max((place for place, case in enumerate(held) if case.worst), default=-1)
    path = [
        Window(one.subject, min(1.0, one.in_risk / evidence.risk_hours) if closed else 1.0, case)
        for place, (one, case) in enumerate(zip(windows, held, strict=True))
        if (closed := one.risk_closes <= evidence.data_cutoff) or place <= last
    ]
    apart = sorted(cases.items(), key=lambda one: one[0][0])
    return (*path, *(Window(subject, 1.0, case) for (subject, _), case in apart))


def _cases(evidence: Evidence) -> dict[tuple[int, int | None], ByScenario[bool]]:
    """Return in which scenarios each window holds an event that could have been seen."""
    held: dict[tuple[int, int | None], ByScenario[bool]] = {}
    for event in evidence.events:
        if event.able and event.in_risk.worst:
            window = (event.subject, event.dose)
            before, now = held.get(window, NOWHERE), event.in_risk
            held[window] = ByScenario(
                before.best or now.best, before.main or now.main, before.worst or now.worst
            )
    return held


def _judged(rule: TimingSection, test: MaxSPRTPoisson, events: IntArray, expected: FloatArray) -> BoolArray:
    timely = (expected >= test.delay) & (expected <= test.expected_max * ROUNDING)
    return np.asarray(timely & (events >= rule.min_events))


def _ratios(events: IntArray, expected: FloatArray) -> FloatArray:
    return at_states(lambda seen, mean: poisson_llr(int(seen), mean), events, expected)


_test = lru_cache(KEPT)(maxsprt_poisson)
