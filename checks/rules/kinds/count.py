"""The rule that so many subjects are cases."""

from typing import ClassVar, Literal

from checks.fields import Whole
from checks.rules.counted import against_number, design_counted, reaches
from checks.rules.designs import CountedDesign, UnratedDesign
from checks.rules.evidence import Evidence
from checks.rules.plan import Plan
from checks.rules.rule import Rule, RuleResult, participants
from checks.rules.trials import Walk, cases_by_subject, first_along
from checks.statistics.boundaries import CountBoundary

NOTE = "A count has no alpha of its own: the background and the planned number decide what it spends."


class CountRule(Rule):
    """Crossed when this many distinct subjects are cases."""

    kind: Literal["count"]
    cases: Whole

    cases_cross: ClassVar[bool] = True

    def question(self) -> str:
        """Ask for the subjects with a case."""
        return f"Have {participants(self.cases)} had a case in the risk window?"

    def evaluate(self, evidence: Evidence) -> RuleResult:
        """Return whether enough distinct subjects are cases; crossed on known cases, however few were observed."""
        return against_number(self, evidence.subjects_with_case(), evidence.subjects_evaluable, self.cases)

    def design(self, plan: Plan) -> CountedDesign | UnratedDesign:
        """Return what so many cases do, whenever they come, among the planned subjects."""
        boundary = self.boundary_on_subjects(plan)
        if plan.subjects is None:
            return self._unrated("Not computed: no rate rule plans a number of subjects, and none was given.")
        if boundary is None:
            return self._unrated(
                f"Can never cross: {self.cases} cases are asked of {plan.subjects} planned subjects."
            )
        background = plan.backgrounds.get("subject")
        return design_counted(
            self, boundary, null_rate=plan.harmless, background=background, unit="subject", notes=(NOTE,)
        )

    def boundary_on_subjects(self, plan: Plan) -> CountBoundary | None:
        """Return so many cases at every number of the planned subjects; None where that many are not planned."""
        if plan.subjects is None or self.cases > plan.subjects:
            return None
        looks = tuple(range(self.cases, plan.subjects + 1))
        return CountBoundary(n_max=plan.subjects, looks=looks, events=(self.cases,) * len(looks))

    def _unrated(self, note: str) -> UnratedDesign:
        return UnratedDesign(id=self.id, kind=self.kind, notes=(note,))

    def spends(self, plan: Plan) -> float | None:
        """Return its chance of crossing at the declared background; 0 where it never can cross."""
        design = self.design(plan)
        if isinstance(design, CountedDesign):
            return design.size
        return None if plan.subjects is None else 0.0

    def simulate(self, plan: Plan) -> Walk:
        """Return the walk that counts subjects with a case as they complete."""
        return lambda trials: first_along(reaches(cases_by_subject(trials), self.cases))
