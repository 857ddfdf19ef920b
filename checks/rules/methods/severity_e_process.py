"""Severity at any moment: the e-values of doses multiplied as they close, without a schedule of looks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checks.rules.evidence import Evidence, ScoredDose
from checks.rules.methods.method import TimingSection, ordered
from checks.rules.rule import BoundaryIs, RuleResult, verdicts
from checks.rules.scored_doses import (
    NOT_SCORED,
    ScoredMethod,
    highest_first,
    is_informative,
    risk_of,
    scores_of,
    told,
)
from checks.rules.trials import distinct_so_far
from checks.statistics.timing.severity import MARKED, severity_e_values


@dataclass(frozen=True, slots=True)
class SeverityPath:
    """The e-values of one scenario's doses, in the order in which they closed, each dose against its own blocks.

    A dose, and not a subject: nobody knows of a subject under way which dose will be its last.
    """

    doses: tuple[ScoredDose, ...]
    e_values: tuple[float, ...]
    crossed_at: int | None
    """The number of doses at the first crossing."""

    @property
    def largest(self) -> float:
        """The largest product on the path, 1 before any dose."""
        return float(np.exp(np.cumsum(np.log(self.e_values)).max(initial=0.0)))

    @property
    def smallest_p_value(self) -> float:
        """1 over the product had each risk window had the highest score of its dose's blocks; 1 before any dose."""
        informative = [scores_of(dose) for dose in self.doses if is_informative(dose)]
        at_highest = [(np.arange(len(scores)) == np.nanargmax(scores)).tolist() for scores in informative]
        return float(np.exp(-np.log(severity_e_values(informative, at_highest)).sum()))

    @property
    def rests_on(self) -> list[ScoredDose]:
        """The doses that speak for harm, up to the first crossing."""
        spoken = zip(self.doses[: self.crossed_at], self.e_values, strict=False)
        return highest_first([dose for dose, e_value in spoken if e_value > 1])


class SeverityEProcess(ScoredMethod):
    """Crossed where the product of the e-values reaches 1 / alpha."""

    by_construction = (
        "at every moment and without an end, where the blocks of hours around a dose are exchangeable"
    )

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Multiply the e-values of each scenario's doses; the worst case has the rows in quarantine as well."""
        paths = evidence.severity.map(lambda doses: severity_path(rule, doses, evidence.data_cutoff))
        main = paths.main
        informative = {dose.subject for dose in main.doses if is_informative(dose)}
        if not informative:
            return rule.not_evaluable(NOT_SCORED)
        rests_on = main.rests_on
        return rule.answer(
            verdicts(paths.map(lambda one: one.crossed_at is not None)),
            events=len(rests_on),
            n_evaluable=len(informative),
            boundary=1 / rule.alpha,
            statistic=main.largest,
            p_value=1 / main.largest,
            detail={
                "boundary_is": BoundaryIs.E_VALUE,
                "statistic_is": "the largest on the path",
                **ordered(paths.map(lambda one: 1 / one.largest)),
                "crossed_at": main.crossed_at,
                "smallest_attainable_p": main.smallest_p_value,
                "floor": MARKED,
                **told(main.doses, rests_on),
            },
        )


def severity_path(rule: TimingSection, doses: Sequence[ScoredDose], data_cutoff: float) -> SeverityPath:
    """Return the path of the doses that have closed; of one moment in the order of their subjects."""
    closed = (dose for dose in doses if dose.closes <= data_cutoff)
    path = sorted(closed, key=lambda dose: (dose.closes, dose.subject))
    e_values = severity_e_values([scores_of(dose) for dose in path], [risk_of(dose) for dose in path])
    speaks = np.array(e_values) > 1
    enough = distinct_so_far([dose.subject for dose in path], speaks) >= rule.min_subjects
    crosses = np.flatnonzero(enough & (np.cumsum(np.log(e_values)) >= -math.log(rule.alpha)))
    return SeverityPath(tuple(path), e_values, int(crosses[0]) + 1 if crosses.size else None)
