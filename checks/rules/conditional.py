"""What timing rules share that hold each event against the hours of its own dose: the answer, and when there is none.

A rule with too few informative events says so, and never "not crossed": where no dose has closed with opportunity of
both kinds, or where the informative events would not be rare enough had every one of them been in risk hours. Where
every event is informative, or there is none, they are made up to the fewest that may cross by events of the stratum
that speaks most: a quiet trial that could have shown harm is an answer.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from checks.rules.conditioned import Conditioned, Strata, conditioned
from checks.rules.evidence import Evidence
from checks.rules.methods.method import FEWEST_IN_CLUSTER, TimingMethod, TimingSection, ordered
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, Json, RuleResult, verdicts
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.conditional import allowing, conditional, tipping_gamma
from checks.statistics.timing.sequential import risk_chance

NO_STRATUM = "not informative: no dose has closed with opportunity in risk and in control hours"


MOST_NEEDED = 20
"""Events in risk hours beyond which nobody would wait for a rule to cross."""


@dataclass(frozen=True, slots=True)
class ConditionalWalk:
    """What a rule says of the events of one scenario.

    Attributes
    ----------
    judged
        The events of doses closed by the data cut-off.
    crossed_at
        The event, or the planned look, at which it first crossed, counted from 1.
    boundary
        None where there is none yet.
    p_value
        1.0 without an event.
    detail
        What the method says beside them.
    """

    judged: Conditioned
    crossed_at: int | None
    boundary: float | None
    p_value: float
    detail: Mapping[str, Json]

    @property
    def events_in_risk(self) -> int:
        """The judged events in risk hours."""
        return sum(self.judged.in_risk)


class ConditionalMethod(TimingMethod):
    """A method that holds each event against the hours of its own dose, once that dose has closed."""

    takes: ClassVar[tuple[str, ...]] = ("control", "clock", "gamma", "charting")
    boundary_is: ClassVar[BoundaryIs]
    statistic_is: ClassVar[str]

    def known(self, rule: TimingSection, evidence: Evidence, scenario: Scenario) -> tuple[Conditioned, ...]:
        """Return the events of one scenario at each moment of a test of them all; the last is the data cut-off."""
        return (conditioned(evidence, scenario, Strata(rule.control, rule.clock, rule.charting)),)

    @abstractmethod
    def walk(self, rule: TimingSection, known: Sequence[Conditioned], gamma: float) -> ConditionalWalk:
        """Judge the ``known`` events of one scenario, the odds of each multiplied by gamma."""

    @abstractmethod
    def statistic(self, rule: TimingSection, walk: ConditionalWalk) -> float | None:
        """Return what is reported beside the p-value; None without events."""

    def attainable(self, chances: Sequence[float]) -> float:
        """Return the smallest p-value that events with these probabilities can have: all of them in risk hours."""
        return conditional([True] * len(chances), chances).p_value

    def smallest_attainable_p(self, rule: TimingSection, plan: Plan) -> tuple[float, ...]:
        """Return the p-value of one event, of two ..., all in risk hours, up to the first number that crosses."""
        found: list[float] = []
        (chance,) = allowing([risk_chance(plan.ratio)], rule.gamma)
        for events in range(1, MOST_NEEDED + 1):
            found.append(self.attainable([chance] * events))
            if events >= rule.min_events and self.crosses_all_in_risk(rule, [chance] * events):
                break
        return tuple(found)

    def crosses_all_in_risk(self, rule: TimingSection, chances: Sequence[float]) -> bool:
        """Whether events with these probabilities cross when all of them lie in risk hours."""
        return self.attainable(chances) <= rule.share

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Judge the events of each scenario, in the order in which their doses closed."""
        known = ByScenario.of(partial(self.known, rule, evidence))
        walks = known.map(lambda moments: self.walk(rule, moments, rule.gamma))
        main, reason = walks.main, self.not_informative(rule, walks.main.judged)
        crossed = main.crossed_at is not None
        return rule.answer(
            verdicts(walks.map(partial(self._says, rule))),
            events=main.events_in_risk,
            n_evaluable=len(main.judged.events),
            boundary=main.boundary,
            statistic=self.statistic(rule, main),
            p_value=main.p_value if main.judged.events else None,
            detail={
                "boundary_is": self.boundary_is,
                "statistic_is": self.statistic_is,
                **main.detail,
                **({"reason": reason} if reason and not crossed else {}),
                **ordered(walks.map(lambda one: one.p_value)),
                "events_best": walks.best.events_in_risk,
                "events_worst": walks.worst.events_in_risk,
                "events_known": main.events_in_risk,
                "crossed_at": main.crossed_at,
                "smallest_attainable_p": self.attainable(allowing(main.judged.probabilities, rule.gamma)),
                "gamma_tipping": tipping_gamma(
                    lambda gamma: self.walk(rule, known.main, gamma).crossed_at is not None
                ),
                **_counted(rule, main.judged),
            },
        )

    def _says(self, rule: TimingSection, walk: ConditionalWalk) -> bool | None:
        """Return whether a walk crossed; None where nothing could have."""
        if walk.crossed_at is not None:
            return True
        return None if self.not_informative(rule, walk.judged) else False

    def not_informative(self, rule: TimingSection, judged: Conditioned) -> str | None:
        """Return why nothing could have crossed; None where something could."""
        if judged.smallest is None:
            return NO_STRATUM
        seen = judged.probabilities
        fewest = 0 if judged.uninformative else max(rule.min_events, FEWEST_IN_CLUSTER)
        supposed = (*seen, *[judged.smallest] * (fewest - len(seen)))
        smallest = self.attainable(allowing(supposed, rule.gamma))
        if smallest <= rule.share:
            return None
        known = f"{len(seen)} informative of {len(seen) + judged.uninformative} events"
        return (
            f"not informative: {known}; were even {len(supposed)} all in risk hours, p would be {smallest:.2g}, "
            f"above {rule.share:.2g}"
        )


def _counted(rule: TimingSection, judged: Conditioned) -> dict[str, Json]:
    """Return how many events could say something, and which have no part in the rule."""
    counted_out = {
        "of doses whose hours have not all elapsed": judged.waiting,
        "that could have fallen one way alone": judged.uninformative,
        "that the hours of no dose hold": judged.elsewhere,
        "at moments at which no new one could be counted": judged.unable,
    }
    left = [f"{number} {why}" for why, number in counted_out.items() if number]
    return {
        "informative_events": len(judged.events),
        "uninformative_events": judged.uninformative,
        "events_waiting": judged.waiting,
        "events_unable": judged.unable,
        "control": rule.control,
        "clock": rule.clock,
        "charting": rule.charting,
        "gamma": rule.gamma,
        **({"left_out": f"events that take no part: {', '.join(left)}"} if left else {}),
    }
