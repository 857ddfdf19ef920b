"""What a timing method is: how it answers a look, how it behaves before use, and what its options are."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.plan import Plan
from checks.rules.rule import Json, RuleResult
from checks.rules.trials import Walk
from checks.scenario import ByScenario

if TYPE_CHECKING:
    from checks.rules.kinds.timing import TimingRule

RELATIVE_INCIDENCES = (2.0, 5.0, 10.0, 20.0, 50.0)
"""True incidence in risk hours over that in control hours at which power is read off."""

TRUTHS = (1.0, *RELATIVE_INCIDENCES)
"""No harm, then each of them."""

LENGTHS = (5, 10, 20, 40)
"""Events, in risk and control hours together, for the methods whose protocol entry fixes no number."""

FEWEST_IN_CLUSTER = 2
"""One event is no cluster."""

NO_HOURS = "no observed hours in the risk window or in control hours"

DESCRIPTIVE = (
    "of all events at the data cut-off, not adjusted: the verdict is that of the planned looks taken"
)


class TimingMethod(ABC):
    """One way to judge whether events are locked to dosing; the rule that uses it has the numbers."""

    needs: ClassVar[tuple[str, ...]] = ()
    """The options it needs."""
    takes: ClassVar[tuple[str, ...]] = ()
    """The options it takes beside those."""
    question: ClassVar[str] = (
        "Do onsets fall in the risk window more often than in control hours of the same participants?"
    )
    length_unit: ClassVar[str] = "events"
    """In what the length of surveillance is counted."""
    scans_hours: ClassVar[bool] = False
    """Whether simulated trials must place every event on the dose clock."""

    @abstractmethod
    def evaluate(self, rule: "TimingRule", evidence: Evidence) -> RuleResult:
        """Return the answer of the rule to what one look knows."""

    @abstractmethod
    def surveillance(self, rule: "TimingRule", plan: Plan) -> tuple[Surveillance, ...]:
        """Return what the rule does over one or more lengths of surveillance, at ``RELATIVE_INCIDENCES``.

        Raises
        ------
        DesignError
            When the rule's parameters allow no boundary.
        """

    @abstractmethod
    def simulate(self, rule: "TimingRule", plan: Plan) -> Walk:
        """Return how the rule walks through simulated trials."""

    def spends(self, rule: "TimingRule", plan: Plan) -> float:
        """Return the largest chance of crossing without harm over the lengths of surveillance."""
        return max(one.size for one in self.surveillance(rule, plan))

    def notes(self, rule: "TimingRule", plan: Plan) -> tuple[str, ...]:
        """Return what a reader must know of the numbers."""
        return ()


def ratio_of(evidence: Evidence) -> float | None:
    """Return observed control over risk hours at the data cut-off; None where there are none of a kind."""
    if evidence.hours_in_risk <= 0 or evidence.hours_in_control <= 0:
        return None
    return evidence.hours_in_control / evidence.hours_in_risk


def next_look(at: int | None, events: str) -> str:
    """Return when the next planned look is taken, in words."""
    return "none: all planned looks are taken" if at is None else f"at {at} {events}"


def ordered(p_values: ByScenario[float | None]) -> dict[str, Json]:
    """Return the p-values of the best and the worst case: what crosses in one crosses in the worse."""
    best, main, worst = p_values.best, p_values.main, p_values.worst
    if best is None or main is None or worst is None:
        return {}
    return {"p_best": max(best, main), "p_worst": min(worst, main)}
