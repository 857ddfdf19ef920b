"""What a timing method is: how it answers a look, how it behaves before use, and what its options are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from checks.fields import NotNegative, OneOrMore, Positive, Rate, Whole
from checks.rules.conditioned import Charting, Clock, Control
from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.plan import Plan
from checks.rules.rule import Json, Rule, RuleResult
from checks.rules.trials import Walk
from checks.scenario import ByScenario
from checks.statistics.timing.sequential import BinomialBoundary, SequentialCharacteristics, risk_chance

RELATIVE_INCIDENCES = (2.0, 5.0, 10.0, 20.0, 50.0)
"""True incidence in risk hours over that in control hours at which power is read off."""

TRUTHS = (1.0, *RELATIVE_INCIDENCES)
"""No harm, then each of them."""

LENGTHS = (5, 10, 20, 40)
"""Events, in risk and control hours together, for the methods whose protocol entry fixes no number."""

FEWEST_IN_CLUSTER = 2
"""One event is no cluster."""

KEPT = 1024
"""Boundaries kept for the scenarios, events and looks of one run; a boundary depends on its parameters alone."""

DESCRIPTIVE = (
    "of all events at the data cut-off, not adjusted: the verdict is that of the planned looks taken"
)


class TimingSection(Rule):
    """What the protocol says of a timing rule, as its method sees it; ``checks.rules.kinds.timing`` answers by it."""

    kind: Literal["timing"]
    method: str
    alpha: Rate
    n_max: Whole | None = None
    expected_max: Positive | None = None
    min_events: Whole = 1
    min_subjects: Whole = 1
    looks: Whole | None = None
    delay: NotNegative = 0.0
    order: Whole | None = None
    floor: NotNegative | None = None
    permutations: Whole | None = None
    control: Control = "around"
    clock: Clock = "none"
    charting: Charting = "as_charted"
    gamma: OneOrMore = 1.0

    @property
    def planned_looks(self) -> int:
        """The number of planned looks."""
        return self.looks or 1

    @property
    def share(self) -> float:
        """The share of alpha that one planned look spends."""
        return self.alpha / self.planned_looks


class TimingMethod(ABC):
    """One way to judge whether events are locked to dosing; the rule that uses it has the numbers."""

    needs: ClassVar[tuple[str, ...]] = ()
    """The options it needs."""
    takes: ClassVar[tuple[str, ...]] = ()
    """The options it takes beside those."""
    question: ClassVar[str] = (
        "Do onsets fall in the risk window more often than in control hours of the same participants?"
    )
    scores_severity: ClassVar[bool] = False
    """Whether it judges the severity scores of blocks of hours, which are made where a rule asks for them."""
    scans_hours: ClassVar[bool] = False
    """Whether it scans opportunity by hour since dose, which is gathered where a rule asks for it."""
    length_unit: ClassVar[str] = "events"
    """In what the length of surveillance is counted."""
    looks_called_by: ClassVar[str] = "closed doses"
    """What calls a planned look: something that tells nothing of where events fell."""

    @abstractmethod
    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Return the answer of the rule to what one look knows."""

    @abstractmethod
    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what the rule does over one or more lengths of surveillance, at ``RELATIVE_INCIDENCES``.

        Raises
        ------
        DesignError
            When the rule's parameters allow no boundary.
        """

    @abstractmethod
    def simulate(self, rule: TimingSection, plan: Plan) -> Walk | None:
        """Return how the rule walks through simulated trials; None where they hold nothing that it judges."""

    def spends(self, rule: TimingSection, plan: Plan) -> float:
        """Return the largest chance of crossing without harm over the lengths of surveillance."""
        return max(one.size for one in self.surveillance(rule, plan))

    def smallest_attainable_p(self, rule: TimingSection, plan: Plan) -> tuple[float, ...]:
        """Return the p-value of one event, of two ..., all in risk hours, up to the first number that crosses."""
        return ()

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Return what a reader must know of the numbers."""
        return ()


def next_look(at: int | None, events: str) -> str:
    """Return when the next planned look is taken, in words."""
    return "none: all planned looks are taken" if at is None else f"at {at} {events}"


def ordered(p_values: ByScenario[float | None]) -> dict[str, Json]:
    """Return the p-values of the best and the worst case: what crosses in one crosses in the worse."""
    best, main, worst = p_values.best, p_values.main, p_values.worst
    if best is None or main is None or worst is None:
        return {}
    return {"p_best": max(best, main), "p_worst": min(worst, main)}


def exact_surveillance(boundary: BinomialBoundary) -> Surveillance:
    """Return what a boundary in events in risk hours does up to its last look: exactly, by the recursion.

    Assumes that all planned hours are observed, so that the ratio of control to risk time is the planned one, and
    independent events; the fewest subjects that a rule asks for are not counted.
    """
    return surveillance(
        boundary.looks[-1],
        boundary.looks,
        boundary.events,
        [boundary.characteristics(value) for value in TRUTHS],
        [risk_chance(boundary.ratio, value) for value in TRUTHS],
        boundary.crossing_probabilities().tolist(),
    )


def surveillance(
    length: float,
    looks: Sequence[float],
    events: tuple[int | None, ...] | None,
    behaves: Sequence[SequentialCharacteristics],
    in_risk: Sequence[float],
    by_look: Sequence[float],
    errors: Sequence[float] | None = None,
) -> Surveillance:
    """Return what a rule does over a length of surveillance, without harm and at each relative incidence.

    At each of ``TRUTHS``: how it ``behaves``, the share of events that are ``in_risk`` hours, and the Monte Carlo
    ``errors`` of its power where that is simulated. ``by_look`` is the probability that it first crosses at each
    look, without harm.
    """
    lengths = [one.expected_length for one in behaves]
    seen = [one * share for one, share in zip(lengths, in_risk, strict=True)]  # Wald's identity
    return Surveillance(
        length=float(length),
        looks=tuple(float(look) for look in looks),
        events=events,
        size=behaves[0].power,
        size_error=None if errors is None else errors[0],
        power=tuple(one.power for one in behaves[1:]),
        power_error=None if errors is None else tuple(errors[1:]),
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(seen[1:]),
        without_harm=(lengths[0], seen[0]),
        size_by_look=tuple(by_look),
    )
