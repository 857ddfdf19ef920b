"""What every stopping rule is: a section of the protocol that answers a look and says how it behaves before use."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

from checks.errors import DesignError
from checks.fields import Name, Section, Text
from checks.problems import ProblemAt
from checks.rules.designs import RuleDesign
from checks.rules.evidence import Evidence
from checks.rules.plan import Plan
from checks.rules.trials import Walk
from checks.scenario import ByScenario
from checks.statistics.boundaries import CountBoundary

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"


class RuleVerdict(StrEnum):
    """A rule's answer; it has three values, because not measured is not normal."""

    CROSSED = "crossed"
    NOT_CROSSED = "not_crossed"
    NOT_EVALUABLE = "not_evaluable"


class BoundaryIs(StrEnum):
    """What a rule compares with its boundary."""

    EVENTS = "events"
    P_VALUE = "p_value"
    LOG_LIKELIHOOD_RATIO = "log_likelihood_ratio"
    E_VALUE = "e_value"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule answers at one look; the fields are those of ``rules`` in look.json.

    ``detail`` is what the rule says beside its answer, as it is written; what other modules need of it has a
    property here.
    """

    id: str
    kind: str
    method: str | None
    verdict: RuleVerdict
    best_case: RuleVerdict
    worst_case: RuleVerdict
    events: int
    n_evaluable: int | float | None
    boundary: int | float | None
    statistic: float | None = None
    p_value: float | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)

    @property
    def reason(self) -> str | None:
        """Why the rule cannot be evaluated, or not yet."""
        return self._text("reason")

    @property
    def contradiction(self) -> str | None:
        """How the subjects' own control hours contradict the rate that the rule takes for harmless."""
        return self._text("background_contradicts")

    @property
    def left_out(self) -> str | None:
        """Which events have no part in the rule, and why."""
        return self._text("left_out")

    @property
    def events_known(self) -> int | None:
        """The events known to the rule, judged or not; None where it was not evaluated and counts none."""
        known = self.detail.get("events_known")
        if known is None and self.verdict is RuleVerdict.NOT_CROSSED:
            return self.events
        return known if isinstance(known, int) else None

    @property
    def informative_events(self) -> int | None:
        """The events that could have fallen in or out of the risk hours of a closed dose; None of other rules."""
        number = self.detail.get("informative_events")
        return number if isinstance(number, int) else None

    @property
    def smallest_attainable_p(self) -> float | None:
        """The p-value had all informative events been in risk hours; None of other rules."""
        return self._number("smallest_attainable_p")

    @property
    def gamma_tipping(self) -> float | None:
        """The largest gamma at which the rule still crosses; None where it does not even at 1, and of other rules."""
        return self._number("gamma_tipping")

    @property
    def scores_charts(self) -> bool:
        """Whether the rule judged charts, whose worst case are the rows in quarantine, and not onsets."""
        return "blocks_scored" in self.detail

    @property
    def chose_window(self) -> bool:
        """Whether the rule chose a window since dose after the events."""
        return "window_hours" in self.detail

    @property
    def window_hours(self) -> tuple[float, float] | None:
        """The window since dose that the rule chose; None where it found none."""
        match self.detail.get("window_hours"):
            case [float(low), float(high)]:
                return low, high
            case _:
                return None

    def _number(self, key: str) -> float | None:
        number = self.detail.get(key)
        return number if isinstance(number, float) else None

    def _text(self, key: str) -> str | None:
        text = self.detail.get(key)
        return text if isinstance(text, str) else None


class Rule(Section, ABC):
    """One stopping rule: what the protocol says of it, and all that follows from that; a kind is a class.

    A kind names itself by a ``kind`` of one literal word, in a module of that name in ``checks.rules.kinds``.
    """

    id: Name
    rationale: Text
    source: Text
    kind: str

    cases_cross: ClassVar[bool] = False
    """Whether the boundary is a number of cases, so that a rule can be so many cases short of it."""

    rests_on_cases: ClassVar[bool] = True
    """Whether the rule judges cases, so that a doubtful one may decide."""

    compares_hours: ClassVar[bool] = False
    """Whether cases are held against control hours or other hours, not against a number."""

    has_error_rates: ClassVar[bool] = True
    """Whether the chance of crossing without harm can be given."""

    together: ClassVar[str] = ""
    """What to know of the rule where all rules walk through the same simulated trials."""

    @property
    def method_name(self) -> str | None:
        """The statistical method, of a kind that has several."""
        return None

    @property
    def declared_alpha(self) -> float | None:
        """The alpha that the rule declares."""
        return None

    @property
    def planned(self) -> tuple[int, float] | None:
        """The subjects that the rule plans for, and the rate per subject that it takes for harmless."""
        return None

    @property
    def lab_tests(self) -> frozenset[str]:
        """The laboratory tests of which the rule needs results."""
        return frozenset()

    @property
    def charting_may_react(self) -> bool:
        """Whether the rule holds events as well against charting that reacts to them."""
        return False

    @property
    def scores_severity(self) -> bool:
        """Whether the rule judges the severity scores of blocks of hours."""
        return False

    @property
    def scans_hours(self) -> bool:
        """Whether the rule scans opportunity by hour since dose."""
        return False

    def disagreements(self, planned_doses: int | None) -> Iterator[ProblemAt]:
        """Yield what does not fit the treatment of the protocol, by its place in the rule."""
        yield from ()

    @abstractmethod
    def question(self) -> str:
        """Return what the rule asks, as a sentence."""

    @abstractmethod
    def evaluate(self, evidence: Evidence) -> RuleResult:
        """Return the answer of the rule to what one look knows."""

    @abstractmethod
    def design(self, plan: Plan) -> RuleDesign:
        """Return what the rule does under stated truths.

        Raises
        ------
        DesignError
            When the rule has no boundary within its alpha; names the rule.
        """

    def spends(self, plan: Plan) -> float | None:
        """Return the chance of ever crossing without harm, exact or at most that; None where it has none."""
        return None

    def boundary_on_subjects(self, plan: Plan) -> CountBoundary | None:
        """Return the fewest subjects with a case that cross, of a rule that counts them and holds them to ``plan``.

        None of other rules, and of one whose null rate is not the rate that the plan takes for harmless.
        """
        return None

    def simulate(self, plan: Plan) -> Walk | None:
        """Return how the rule walks through simulated trials; None where no model of its data is declared."""
        return None

    def answer(
        self,
        verdicts: ByScenario[RuleVerdict],
        *,
        events: int,
        n_evaluable: int | float | None,
        boundary: int | float | None,
        detail: Mapping[str, Json],
        statistic: float | None = None,
        p_value: float | None = None,
    ) -> RuleResult:
        """Return an answer of this rule; an infinite statistic is no number that could be written down."""
        return RuleResult(
            self.id,
            self.kind,
            self.method_name,
            verdicts.main,
            verdicts.best,
            verdicts.worst,
            events,
            n_evaluable,
            boundary,
            None if statistic is None or math.isinf(statistic) else statistic,
            p_value,
            detail,
        )

    def not_evaluable(self, reason: str) -> RuleResult:
        """Return the answer of this rule when it cannot be evaluated, with the reason in its detail."""
        unknown = ByScenario.of(lambda _: RuleVerdict.NOT_EVALUABLE)
        return self.answer(unknown, events=0, n_evaluable=None, boundary=None, detail={"reason": reason})


@contextmanager
def naming(rule: Rule) -> Iterator[None]:
    """Let a DesignError, of a rule that has no boundary within its alpha, name the rule."""
    try:
        yield
    except DesignError as error:
        raise DesignError(f"rule {rule.id}: {error}") from error


def verdicts(crossed: ByScenario[bool | None]) -> ByScenario[RuleVerdict]:
    """Return the verdict of each scenario: what crosses in one crosses in those that speak more against the drug.

    None stands for a scenario that says nothing yet.
    """
    answers, so_far = [], False
    for _, one in crossed.items():
        so_far = so_far or bool(one)
        unknown = one is None and not so_far
        answers.append(RuleVerdict.NOT_EVALUABLE if unknown else _verdict(so_far))
    return ByScenario(*answers)


def _verdict(crossed: bool) -> RuleVerdict:
    return RuleVerdict.CROSSED if crossed else RuleVerdict.NOT_CROSSED


def participants(number: int) -> str:
    """Return so many participants in words."""
    return f"{number:,} participant" if number == 1 else f"{number:,} participants"


def option_findings(
    rule: Section, method: str, needed: tuple[str, ...], extras: tuple[str, ...], every: set[str]
) -> Iterator[ProblemAt]:
    """Yield each option of ``every`` that the method lacks or does not take."""
    given = {name for name in every & rule.model_fields_set if getattr(rule, name) is not None}
    for name in needed:
        if name not in given:
            yield ProblemAt((name,), "nothing", f"a value: method {method} needs {name}")
    takes = ", ".join((*needed, *extras)) or "none of these options"
    for name in sorted(given - {*needed, *extras}):
        yield ProblemAt((name,), f"option {name}", f"leave it out: method {method} takes {takes}")
