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
class Growth:
    """How a unit became complete: moments are hours since the first dose of the study.

    ``closed`` has the closing of each evaluable window, ``open`` that of each window still open, ascending, of
    ``planned`` in all. ``best``, ``main`` and ``worst`` are the closing of the window that holds the first case
    of each reading (it may lie ahead: the case is known, its window still open); None without a case, and for
    one that belongs to no window.
    """

    closed: tuple[float, ...]
    open: tuple[float, ...]
    planned: int
    best: float | None = None
    main: float | None = None
    worst: float | None = None


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
    subject: int = field(default=0, compare=False)
    """A number for the subject, good within one look; a rule only asks whether two steps share it."""
    growth: Growth | None = field(default=None, compare=False)
    """None where nothing is known of when: the unit then comes after all that have a moment."""


@dataclass(frozen=True, slots=True)
class EventStep:
    """One event in risk or in control hours, on the path along which a sequential timing rule is evaluated."""

    in_risk: bool
    subject: int
    ratio: float | None = field(default=None, compare=False)
    """Control over risk hours as they stood when the event became known; None: as at the data cut-off.

    Infinite before any risk hours and 0 before any control hours: no event can be judged then.
    """


@dataclass(frozen=True, slots=True)
class EventPath:
    """The events of each reading, in the order in which they were first seen.

    An event of the best case is later, or further into control hours, than in the worst: at any moment
    ``best`` holds no more risk and no fewer control events than ``main``, and ``main`` than ``worst``.
    """

    best: tuple[EventStep, ...] = ()
    main: tuple[EventStep, ...] = ()
    worst: tuple[EventStep, ...] = ()


@dataclass(frozen=True, slots=True)
class DoseClock:
    """Composite onsets of one subject-dose in each reading, and its observed spans, in hours since the dose."""

    subject: int
    observed: tuple[tuple[float, float], ...]
    best: tuple[float, ...]
    main: tuple[float, ...]
    worst: tuple[float, ...]
    closes: float | None = field(default=None, compare=False)
    """Hours from the first dose of the study until this dose's hours ended; infinite while they have not.

    None where nothing is known of when: they then ended before all that have a moment.
    """


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
    path: EventPath = EventPath()
    clocks: tuple[DoseClock, ...] = ()
    seed: int = 0
    """Seed of permutations: the same study, the same seed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A probability with its exact 95 % limits."""

    estimate: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AssumedRate:
    """The protocol's background as a probability for one unit, and its range where it has one."""

    rate: float
    range: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class BackgroundEvidence:
    """How often the composite begins without the drug: as the subjects' control hours show, and as assumed.

    ``estimated`` and ``assumed`` are by unit, ``window`` or ``subject``; a unit is left out where nothing can
    be said for it (no control hours, no declared background, no number of planned doses).
    """

    events: int
    hours: float
    estimated: Mapping[str, Estimate] = field(default_factory=dict)
    assumed: Mapping[str, AssumedRate] = field(default_factory=dict)


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
    background: BackgroundEvidence = BackgroundEvidence(0, 0.0)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule answers at one look; the fields are those of ``rules`` in look.json.

    ``detail["boundary_is"]`` says what ``boundary`` limits: events, p_value, log_likelihood_ratio or e_value.
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
    detail: Mapping[str, Any] = field(default_factory=dict)


def not_evaluable(rule_id: str, kind: str, method: str | None, reason: str) -> RuleResult:
    """Return the answer of a rule that cannot be evaluated, with the reason in its detail."""
    unknown = RuleVerdict.NOT_EVALUABLE
    return RuleResult(
        rule_id, kind, method, unknown, unknown, unknown, 0, None, None, detail={"reason": reason}
    )
