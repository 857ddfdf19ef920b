"""The rule that so many subjects have a laboratory result above a multiple of the upper limit of normal."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from checks.fields import Positive, Text, Whole
from checks.rules.counted import against_number
from checks.rules.designs import UnratedDesign
from checks.rules.evidence import Evidence, LabResults
from checks.rules.plan import Plan
from checks.rules.rule import Rule, RuleResult, participants
from checks.scenario import ByScenario

NOTE = "No error rates: a lab limit is a medical limit, and no model of the results is declared."


class LabLimitRule(Rule):
    """Crossed when this many subjects have a result above so many times the upper limit of normal."""

    kind: Literal["lab_limit"]
    test: Text
    above_times_uln: Positive
    subjects: Whole = 1

    rests_on_cases: ClassVar[bool] = False
    has_error_rates: ClassVar[bool] = False

    @property
    def lab_tests(self) -> frozenset[str]:
        """The one test that it limits."""
        return frozenset({self.test})

    def question(self) -> str:
        """Ask for the subjects above the limit."""
        times = f"{self.above_times_uln:,.2f}".rstrip("0").rstrip(".")
        return (
            f"Has {self.test} exceeded {times} times the upper limit of normal "
            f"in {participants(self.subjects)}?"
        )

    def evaluate(self, evidence: Evidence) -> RuleResult:
        """Return whether enough subjects were above the multiple of the upper limit of normal."""
        above, measured = self.count(evidence.labs[self.test])
        if not measured and not above.worst:
            return self.not_evaluable(f"no {self.test} result after a first dose")
        return against_number(self, above, measured, self.subjects)

    def count(self, labs: LabResults) -> tuple[ByScenario[int], int]:
        """Return the subjects above the limit after their first dose, and the subjects measured after it.

        A result of the first dose's day without a time, or one in quarantine, is possible only.
        """
        above = labs.value > self.above_times_uln * labs.upper_limit
        comparable = ~(np.isnan(labs.value) | np.isnan(labs.upper_limit))
        certain = _subjects(labs, above & labs.after & labs.trusted)
        possible = _subjects(labs, labs.perhaps_after & (above | (~labs.trusted & ~comparable)))
        measured = _subjects(labs, comparable & labs.after & labs.trusted)
        return ByScenario(certain, certain, max(certain, possible)), measured

    def design(self, plan: Plan) -> UnratedDesign:
        """Return that nothing can be said before use."""
        return UnratedDesign(id=self.id, kind=self.kind, notes=(NOTE,))


def _subjects(labs: LabResults, rows: NDArray[np.bool_]) -> int:
    return len(np.unique(labs.subject[rows]))
