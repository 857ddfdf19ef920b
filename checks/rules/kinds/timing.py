"""The rule that cases gather in the risk window by more than the subjects' own other hours, or chance, explain.

Most methods hold each event against the hours of its own subject and dose, once that dose has closed: event by event
(sequential, e_process) or at planned looks that share alpha (self_controlled). The scan looks at every window since
dose at its planned looks. The verdict is that of the looks or events so far, once crossed, crossed; the p-value
beside it is that of all events at the data cut-off, and describes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from checks.problems import ProblemAt, refuse_all
from checks.rules.designs import TimingDesign
from checks.rules.evidence import Evidence
from checks.rules.methods import METHODS
from checks.rules.methods.method import RELATIVE_INCIDENCES, TimingMethod, TimingSection
from checks.rules.plan import Plan
from checks.rules.rule import RuleResult, naming, option_findings
from checks.rules.trials import Walk

EARLIER_NAMES: Mapping[str, str] = {"maxsprt_binomial": "sequential"}
"""Methods of earlier files, which pooled hours over subjects, and what they are read as."""


def _read_as(method: object) -> object:
    return EARLIER_NAMES.get(method, method) if isinstance(method, str) else method


if TYPE_CHECKING:
    Method = str
else:
    Method = Annotated[
        Literal[tuple(METHODS)],
        BeforeValidator(_read_as),
        WithJsonSchema({"enum": [*METHODS, *EARLIER_NAMES], "type": "string"}),
    ]

OPTIONS = frozenset(
    {
        *("looks", "n_max", "expected_max", "delay"),
        *("control", "clock", "gamma", "charting"),
        *("order", "floor", "permutations"),
    }
)
"""What a method may need or take."""


LARGER_OF_TWO = (
    "A look holds each event against the larger of two shares of risk hours (charting: worst); the numbers here are "
    "those of hours as charted, simulated charting has both."
)
"""Said of a rule that allows for charting which reacts to events."""


class TimingRule(TimingSection):
    """Crossed when cases gather in the risk window more than the subjects' own other hours explain."""

    method: Method

    compares_hours: ClassVar[bool] = True
    together: ClassVar[str] = (
        "Timing rules compare at the planned ratio of control to risk time; a look holds each event against the "
        "hours of its own dose."
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        needs, takes = self.judge.needs, self.judge.takes
        problems = list(option_findings(self, self.method, needs, takes, set(OPTIONS)))
        if "n_max" in needs and self.min_events > (self.n_max or self.min_events):
            allowed = f"at most n_max {self.n_max}, or the rule can never cross"
            problems.append(ProblemAt(("min_events",), str(self.min_events), allowed))
        if self.control == "before" and self.clock == "hours":
            allowed = "control around: hours before a dose seldom hold the same hours of the clock"
            problems.append(ProblemAt(("control",), "before, with clock hours", allowed))
        refuse_all(problems)
        return self

    @property
    def judge(self) -> TimingMethod:
        """The method that judges the events."""
        return METHODS[self.method]

    @property
    def charting_may_react(self) -> bool:
        """Whether the rule holds events as well against charting that reacts to them."""
        return self.charting == "worst"

    @property
    def scores_severity(self) -> bool:
        """Whether the method judges severity scores."""
        return self.judge.scores_severity

    @property
    def scans_hours(self) -> bool:
        """Whether the method scans opportunity by hour since dose."""
        return self.judge.scans_hours

    @property
    def method_name(self) -> str:
        """The name of the method."""
        return self.method

    @property
    def declared_alpha(self) -> float:
        """The alpha that all looks together keep to."""
        return self.alpha

    def question(self) -> str:
        """Ask whether events are locked to dosing, as the method does."""
        return self.judge.question

    def evaluate(self, evidence: Evidence) -> RuleResult:
        """Return the answer of the method."""
        return self.judge.evaluate(self, evidence)

    def design(self, plan: Plan) -> TimingDesign:
        """Return what the rule does over one or more lengths of surveillance."""
        reacting = (LARGER_OF_TWO,) if self.charting_may_react else ()
        with naming(self):
            surveillance = self.judge.surveillance(self, plan)
        return TimingDesign(
            id=self.id,
            kind=self.kind,
            method=self.method,
            alpha=self.alpha,
            ratio=plan.ratio,
            planned_looks=self.looks,
            looks_called_by=self.judge.looks_called_by,
            min_events=self.min_events,
            min_subjects=self.min_subjects,
            smallest_attainable_p=self.judge.smallest_attainable_p(self, plan),
            length_unit=self.judge.length_unit,
            relative_incidence=RELATIVE_INCIDENCES,
            surveillance=surveillance,
            notes=(*self.judge.notes(self, plan), *reacting),
        )

    def spends(self, plan: Plan) -> float:
        """Return the largest chance of crossing without harm over the lengths of surveillance."""
        with naming(self):
            return self.judge.spends(self, plan)

    def simulate(self, plan: Plan) -> Walk | None:
        """Return how the method walks through simulated trials."""
        return self.judge.simulate(self, plan)
