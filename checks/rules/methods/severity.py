"""Severity at planned looks: whether subjects' worst turns lie in their risk windows, judged without limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.rules.closed_doses import doses_at_looks, moments_of_looks
from checks.rules.evidence import Evidence, ScoredDose
from checks.rules.methods.method import DESCRIPTIVE, TimingSection, next_look, ordered
from checks.rules.rule import BoundaryIs, RuleResult, participants, verdicts
from checks.rules.scored_doses import NOT_SCORED, ScoredMethod, highest_first, risk_of, scores_of, told
from checks.statistics.timing.severity import Severity, severity

FEWEST_SUBJECTS = 2
"""How many must turn worse where the rule says nothing: one subject may have a reason of its own."""

FLOOR = 1.5
"""In robust deviations, where the rule says nothing; ``checks.statistics.severity`` has the reason."""


@dataclass(frozen=True, slots=True)
class SeverityLook:
    """The test of the doses that had closed by a moment; its places are those of ``subjects``."""

    subjects: tuple[int, ...]
    doses: tuple[ScoredDose, ...]
    test: Severity

    @property
    def rests_on(self) -> list[ScoredDose]:
        """The dose whose risk window scores highest, of each subject on which the test rests."""
        subjects = {self.subjects[place] for place in self.test.rests_on}
        return highest_first([dose for dose in self.doses if dose.subject in subjects])


@dataclass(frozen=True, slots=True)
class SeverityLooks:
    """The tests of one scenario: at each planned look so far, and of all doses that have closed."""

    taken: tuple[SeverityLook, ...]
    now: SeverityLook
    first_crossed: SeverityLook | None


class SeverityMethod(ScoredMethod):
    """Crossed where the permutation test at a planned look is within that look's equal share of alpha."""

    needs = ("looks",)
    takes = ("n_max", "order", "floor", "permutations")
    by_construction = (
        "where a participant's blocks of hours are exchangeable; each look is an exact permutation test within "
        "participants at an equal share of alpha"
    )

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Take the planned looks that closed doses have called so far.

        Best case and main analysis are of the accepted rows; the worst case has the rows in quarantine as well.
        """
        subjects = rule.n_max or evidence.planned_subjects
        numbers = doses_at_looks(rule.planned_looks, subjects, evidence.planned_doses)
        looks = evidence.severity.map(
            lambda doses: severity_looks(rule, doses, numbers, evidence.data_cutoff)
        )
        main, now = looks.main, looks.main.now.test
        if now.informative < now.order:
            return rule.not_evaluable(not_informative(main.now))
        rests_on = (main.first_crossed or main.now).rests_on
        return rule.answer(
            verdicts(looks.map(lambda one: one.first_crossed is not None)),
            events=len(rests_on),
            n_evaluable=now.informative,
            boundary=rule.share,
            statistic=now.statistic,
            p_value=now.p_value,
            detail={
                "boundary_is": BoundaryIs.P_VALUE,
                "statistic_is": "score",
                "p_value_is": DESCRIPTIVE,
                **ordered(looks.map(lambda one: one.now.test.p_value)),
                "planned_looks": rule.looks,
                "looks_taken": len(main.taken),
                "p_at_looks": [one.test.p_value for one in main.taken],
                "next_look": next_look(next(iter(numbers[len(main.taken) :]), None), "closed doses"),
                "smallest_attainable_p": now.smallest_p_value,
                "order": now.order,
                "floor": now.floor,
                **told(main.now.doses, rests_on),
            },
        )


def severity_looks(
    rule: TimingSection, doses: Sequence[ScoredDose], numbers: Sequence[int], data_cutoff: float
) -> SeverityLooks:
    """Return the tests of one scenario; a look is called when so many doses have closed as ``numbers`` says."""
    called = moments_of_looks((dose.closes for dose in doses), numbers, data_cutoff)
    taken = tuple(_look(rule, doses, moment) for moment in called)
    crossed = (one for one in taken if one.test.p_value <= rule.share)
    return SeverityLooks(taken, _look(rule, doses, data_cutoff), next(crossed, None))


def _look(rule: TimingSection, doses: Sequence[ScoredDose], moment: float) -> SeverityLook:
    closed = tuple(dose for dose in doses if dose.closes <= moment)
    scores: dict[int, list[float]] = {}
    risk: dict[int, list[bool]] = {}
    for dose in closed:
        scores.setdefault(dose.subject, []).extend(scores_of(dose))
        risk.setdefault(dose.subject, []).extend(risk_of(dose))
    order = rule.order or max(rule.min_subjects, FEWEST_SUBJECTS)
    floor = FLOOR if rule.floor is None else rule.floor
    test = severity([*scores.values()], [*risk.values()], order=order, floor=floor)
    return SeverityLook(tuple(scores), closed, test)


def not_informative(now: SeverityLook) -> str:
    """Return why nothing can be said yet."""
    if not now.doses:
        return NOT_SCORED
    return (
        f"not informative: {participants(now.test.informative)} with a scored risk window and other scored "
        f"blocks; the rule asks for {now.test.order}"
    )
