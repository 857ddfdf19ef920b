"""The rule that cases gather in the risk window by more than the subjects' own other hours, or chance, explain.

A sequential method is judged at each event, in the order in which the events became known; a fixed-sample one
(self-controlled, scan) at its planned looks, each with an equal share of alpha. Which events call a look is
said in ``checks.rules.courses`` and ``checks.rules.scan_looks``: information is counted in events, so that the
study's own pace sets the looks and not the clock that starts them. The verdict is that of the looks taken so
far, once crossed, crossed; the p-value beside it is that of all events at the data cut-off, and describes.
"""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from checks.problems import ProblemAt, refuse_all
from checks.rules.designs import TimingDesign
from checks.rules.evidence import Evidence
from checks.rules.methods import METHODS
from checks.rules.methods.method import RELATIVE_INCIDENCES, TimingMethod, TimingSection
from checks.rules.plan import Plan
from checks.rules.rule import RuleResult, naming, option_findings
from checks.rules.trials import Walk

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(METHODS)]

OPTIONS = frozenset({"looks", "n_max", "expected_max", "delay", "order", "floor", "permutations"})
"""What a method may need or take."""


class TimingRule(TimingSection):
    """Crossed when cases gather in the risk window more than the subjects' own other hours explain."""

    method: Method

    compares_hours: ClassVar[bool] = True
    together: ClassVar[str] = (
        "Timing rules compare at the planned ratio of control to risk time; a look takes the ratio as it stood at "
        "each event, lower in the first subjects, which errs against crossing."
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        needs, takes = self.judge.needs, self.judge.takes
        problems = list(option_findings(self, self.method, needs, takes, set(OPTIONS)))
        if self.n_max is not None and self.min_events > self.n_max:
            allowed = f"at most n_max {self.n_max}, or the rule can never cross"
            problems.append(ProblemAt(("min_events",), str(self.min_events), allowed))
        refuse_all(problems)
        return self

    @property
    def judge(self) -> TimingMethod:
        """The method that judges the events."""
        return METHODS[self.method]

    @property
    def scores_severity(self) -> bool:
        """Whether the method judges severity scores."""
        return self.judge.scores_severity

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
        with naming(self):
            surveillance = self.judge.surveillance(self, plan)
        return TimingDesign(
            id=self.id,
            kind=self.kind,
            method=self.method,
            alpha=self.alpha,
            ratio=plan.ratio,
            planned_looks=self.looks,
            min_events=self.min_events,
            min_subjects=self.min_subjects,
            length_unit=self.judge.length_unit,
            relative_incidence=RELATIVE_INCIDENCES,
            surveillance=surveillance,
            notes=self.judge.notes(self, plan),
        )

    def spends(self, plan: Plan) -> float:
        """Return the largest chance of crossing without harm over the lengths of surveillance."""
        with naming(self):
            return self.judge.spends(self, plan)

    def simulate(self, plan: Plan) -> Walk | None:
        """Return how the method walks through simulated trials."""
        return self.judge.simulate(self, plan)
