"""Define what rules are given to decide on, and what each rule answers.

Rules see counts, weights and hours, never a subject's records. Each count comes three times: in the best
case for the study drug, as the main analysis counts it, and in the worst case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RuleVerdict(StrEnum):
    """A rule's answer; it has three values, because not measured is not normal."""

    CROSSED = "crossed"
    NOT_CROSSED = "not_crossed"
    NOT_EVALUABLE = "not_evaluable"


@dataclass(frozen=True, slots=True)
class Tally:
    """One count in the best case, the main analysis and the worst case of a rule."""

    best: int
    main: int
    worst: int


@dataclass(frozen=True, slots=True)
class PathStep:
    """One subject (or one dose window) on the path along which a rate boundary is evaluated.

    ``weight`` is the share of the unit that is complete: 1 for an event or a completed unit, between 0 and 1
    while windows are still open (time-to-event weighting, TITE; Cheung & Chappell, Biometrics 2000;56:1177).
    """

    weight: float
    best: bool
    main: bool
    worst: bool


@dataclass(frozen=True, slots=True)
class SubjectTimes:
    """Composite onsets and observed hours of one subject, in hours since the subject's own doses."""

    onsets: tuple[float, ...]
    observed: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TimingEvidence:
    """Onsets and observed hours in the risk window and in the control hours.

    ``in_control.best`` holds every possible control event and ``in_control.worst`` the certain ones alone, so
    that ``best`` always speaks for the study drug.
    """

    in_risk: Tally
    in_control: Tally
    subjects: Tally
    hours_in_risk: float
    hours_in_control: float


@dataclass(frozen=True, slots=True)
class LabEvidence:
    """Subjects above a multiple of the upper limit of normal after their first dose."""

    subjects: Tally
    measured: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the rules of one look may see."""

    subjects_with_case: Tally
    subjects_evaluable: int
    windows_elapsed: int
    windows_unobserved: int
    subject_path: tuple[PathStep, ...]
    window_path: tuple[PathStep, ...]
    timing: TimingEvidence
    labs: Mapping[str, LabEvidence] = field(default_factory=dict)
    """By rule identifier, since each rule has its own multiple."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule answers at one look; the fields are those of ``rules`` in look.json."""

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
    detail: Mapping[str, Any] = field(default_factory=dict)


def not_evaluable(rule_id: str, kind: str, method: str | None, reason: str) -> RuleResult:
    """Return the answer of a rule that cannot be evaluated, with the reason in its detail."""
    unknown = RuleVerdict.NOT_EVALUABLE
    return RuleResult(
        rule_id, kind, method, unknown, unknown, unknown, 0, None, None, detail={"reason": reason}
    )
