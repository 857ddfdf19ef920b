"""Severity at planned looks: whether subjects' worst turns lie in their risk windows, judged without limits."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.rules.closed_doses import doses_at_looks, moments_of_looks
from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence, ScoredDose
from checks.rules.methods.method import DESCRIPTIVE, TimingMethod, TimingSection, next_look, ordered
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, Json, RuleResult, participants, verdicts
from checks.statistics.timing.severity import Severity, severity

FEWEST_SUBJECTS = 2
"""How many must turn worse where the rule says nothing: one subject may have a reason of its own."""

FLOOR = 1.5
"""In robust deviations, where the rule says nothing; ``checks.statistics.severity`` has the reason."""

NOT_SCORED = "no dose has closed with scored blocks: severity needs a scored test in each component"

DETECTOR = "a detector, not a count of cases: a physician judges the charts that it rests on"


@dataclass(frozen=True, slots=True)
class SeverityLook:
    """The test of the doses that had closed by a moment; its places are those of ``subjects``."""

    subjects: tuple[int, ...]
    doses: tuple[ScoredDose, ...]
    test: Severity

    def of(self, subject: int) -> list[ScoredDose]:
        """Return the doses of one subject."""
        return [dose for dose in self.doses if dose.subject == subject]

    def rests_on(self) -> Iterator[ScoredDose]:
        """Yield the dose whose risk window scores highest, of each subject on which the test rests."""
        for place in self.test.rests_on:
            yield max(self.of(self.subjects[place]), key=lambda dose: _score(dose.scores[0]))


@dataclass(frozen=True, slots=True)
class SeverityLooks:
    """The tests of one scenario: at each planned look so far, and of all doses that have closed."""

    taken: tuple[SeverityLook, ...]
    now: SeverityLook
    first_crossed: SeverityLook | None


class SeverityMethod(TimingMethod):
    """Crossed where the permutation test at a planned look is within that look's equal share of alpha."""

    needs = ("looks",)
    takes = ("n_max", "order", "floor", "permutations")
    question = "Do participants turn worst, by their own charts, in the risk window?"
    scores_severity = True

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
            return rule.not_evaluable(not_informative(looks.main.now))
        rests_on = tuple((main.first_crossed or main.now).rests_on())
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
                "unit": "subject",
                "p_value_is": DESCRIPTIVE,
                **ordered(looks.map(lambda one: one.now.test.p_value)),
                "planned_looks": rule.looks,
                "looks_taken": len(main.taken),
                "p_at_looks": [one.test.p_value for one in main.taken],
                "next_look": next_look(next(iter(numbers[len(main.taken) :]), None), "closed doses"),
                "smallest_attainable_p": now.smallest_p_value,
                "order": now.order,
                "floor": now.floor,
                **_scored(main.now.doses),
                "rests_on": [_listed(dose) for dose in rests_on],
                "participants": [_participant(main.now, subject) for subject in main.now.subjects],
                "note": DETECTOR,
            },
        )

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return nothing: no model of charts is declared from which its power could be had."""
        return ()

    def spends(self, rule: TimingSection, plan: Plan) -> float:
        """Return its alpha: each planned look is an exact permutation test at its share."""
        return rule.alpha

    def simulate(self, rule: TimingSection, plan: Plan) -> None:
        """Return nothing: simulated trials have events, and no charts."""
        return

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what holds by construction, and what only charts can tell."""
        return (
            "Crosses without harm: at most alpha by construction, where a participant's blocks of hours are "
            "exchangeable; each look is an exact permutation test within participants at an equal share of alpha.",
            "Crosses with harm: not said here, because it depends on how measurements are charted; plant cases in "
            "charts of such participants to know it.",
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
    blocks: dict[int, tuple[list[float], list[bool]]] = {}
    for dose in closed:
        scores, risk = blocks.setdefault(dose.subject, ([], []))
        scores += map(_score, dose.scores)
        risk += [place == 0 for place in range(len(dose.scores))]
    floor = FLOOR if rule.floor is None else rule.floor
    order = rule.order or max(rule.min_subjects, FEWEST_SUBJECTS)
    every = [scores for scores, _ in blocks.values()]
    test = severity(every, [risk for _, risk in blocks.values()], order=order, floor=floor)
    return SeverityLook(tuple(blocks), closed, test)


def _score(score: float | None) -> float:
    return math.nan if score is None else score


def not_informative(now: SeverityLook) -> str:
    """Return why nothing can be said yet."""
    if not now.doses:
        return NOT_SCORED
    return (
        f"not informative: {participants(now.test.informative)} with a scored risk window and other scored "
        f"blocks; the rule asks for {now.test.order}"
    )


def _scored(doses: Sequence[ScoredDose]) -> dict[str, Json]:
    """Return how many blocks there are, and how many of them have a score: those charted before and within."""
    scores = [score for dose in doses for score in dose.scores]
    return {"blocks": len(scores), "blocks_scored": sum(score is not None for score in scores)}


def _rounded(scores: Sequence[float | None]) -> list[Json]:
    """Return scores as a figure shows them."""
    return [None if score is None else round(score, 2) for score in scores]


def _listed(dose: ScoredDose) -> dict[str, Json]:
    """Return a dose on which the test rests: a case for a physician."""
    return {
        "subject": dose.subject,
        "dose_number": dose.dose,
        "start": dose.start,
        "score": _rounded(dose.scores)[0],
        "hours": list(dose.hours),
        "scores": _rounded(dose.scores),
    }


def _participant(now: SeverityLook, subject: int) -> dict[str, Json]:
    """Return the scores of one subject's blocks, those without a score left out."""
    doses = [_rounded(dose.scores) for dose in now.of(subject)]
    risk = [scores[0] for scores in doses if scores[0] is not None]
    control = [score for scores in doses for score in scores[1:] if score is not None]
    return {"subject": subject, "risk": risk, "control": control}
