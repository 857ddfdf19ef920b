"""What rules on severity share: what they say of scored doses, and of how they behave before use."""

import math
from collections.abc import Sequence
from typing import ClassVar

from checks.rules.designs import Surveillance
from checks.rules.evidence import ScoredDose
from checks.rules.methods.method import TimingMethod, TimingSection
from checks.rules.plan import Plan
from checks.rules.rule import Json

NOT_SCORED = "no dose has closed with scored blocks: severity needs a scored test in each component"

DETECTOR = "a detector, not a count of cases: a physician judges the charts that it rests on"

POWER_UNKNOWN = (
    "Crosses with harm: as often as charting shows it; said of simulated charting alone. Plant cases in charts of "
    "such participants to know it."
)


class ScoredMethod(TimingMethod):
    """A method that judges scored blocks: its size holds by construction, its power can be had from charts alone."""

    question = "Do participants turn worse, by their own charts, in the risk window?"
    scores_severity = True
    by_construction: ClassVar[str]
    """Why it crosses without harm at most as often as its alpha says."""

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return nothing: no model of charts is declared from which its power could be had."""
        return ()

    def spends(self, rule: TimingSection, plan: Plan) -> float:
        """Return its alpha."""
        return rule.alpha

    def simulate(self, rule: TimingSection, plan: Plan) -> None:
        """Return nothing: simulated trials have events, and no charts."""
        return

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say what holds by construction, and what only charts can tell."""
        return f"Crosses without harm: at most alpha by construction, {self.by_construction}.", POWER_UNKNOWN


def is_informative(dose: ScoredDose) -> bool:
    """Whether the risk window of a dose has a score, and another block to hold it against."""
    return dose.scores[0] is not None and any(score is not None for score in dose.scores[1:])


def scores_of(dose: ScoredDose) -> list[float]:
    """Return the scores of a dose's blocks as numbers; nan where there is none."""
    return [math.nan if score is None else score for score in dose.scores]


def risk_of(dose: ScoredDose) -> list[bool]:
    """Return which of a dose's blocks is its risk window: the first."""
    return [place == 0 for place in range(len(dose.scores))]


def highest_first(doses: Sequence[ScoredDose]) -> list[ScoredDose]:
    """Return the dose of each subject whose risk window scores highest, the highest first."""
    scored = [dose for dose in doses if dose.scores[0] is not None]
    ordered = sorted(scored, key=lambda dose: (-(dose.scores[0] or 0.0), dose.subject, dose.dose))
    return list({dose.subject: dose for dose in reversed(ordered)}.values())[::-1]


def told(closed: Sequence[ScoredDose], rests_on: Sequence[ScoredDose]) -> dict[str, Json]:
    """Return, for a rule's detail, the closed doses by subject and those that it rests on."""
    scores = [score for dose in closed for score in dose.scores]
    subjects = dict.fromkeys(dose.subject for dose in closed)
    return {
        "blocks": len(scores),
        "blocks_scored": sum(score is not None for score in scores),
        "rests_on": [_listed(dose) for dose in rests_on],
        "participants": [_participant(closed, subject) for subject in subjects],
        "note": DETECTOR,
    }


def _listed(dose: ScoredDose) -> dict[str, Json]:
    """Return a dose on which a rule rests: a case for a physician."""
    scores = _rounded(dose)
    return {
        "subject": dose.subject,
        "dose_number": dose.dose,
        "start": dose.start,
        "score": scores[0],
        "hours": list(dose.hours),
        "scores": scores,
    }


def _participant(closed: Sequence[ScoredDose], subject: int) -> dict[str, Json]:
    """Return the scores of one subject's blocks, those without a score left out."""
    doses = [_rounded(dose) for dose in closed if dose.subject == subject]
    risk = [scores[0] for scores in doses if scores[0] is not None]
    control = [score for scores in doses for score in scores[1:] if score is not None]
    return {"subject": subject, "risk": risk, "control": control}


def _rounded(dose: ScoredDose) -> list[Json]:
    """Return scores as a figure shows them."""
    return [None if score is None else round(score, 2) for score in dose.scores]
