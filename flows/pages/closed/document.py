"""What closed.json holds: each arm, active against control, and who read it; ``None`` where nothing was observed."""

from collections.abc import Mapping, Sequence
from typing import TypedDict


class Access(TypedDict):
    """Who read the arm, why, and the record of it."""

    by: str
    reason: str
    accessed_at: str
    sequence: int
    sha256: str


class Counted(TypedDict):
    """Subjects with a case among those who could be judged."""

    events: int
    n: int


class Share(Counted):
    """The same with the share and its exact limits."""

    rate: float | None
    ci95: list[float] | None


class RiskAgainstControl(TypedDict):
    """Onsets in risk hours against those in control hours of the same subjects."""

    events_in_risk: int
    events_in_control: int
    relative_incidence: float | None
    ci95: list[float | None]
    p_value: float | None


class ArmShown(TypedDict):
    """What one arm shows; by scenario: best, main, worst."""

    arm: str
    side: str
    subjects: int
    subjects_dosed: int
    doses: int
    windows_evaluable: int
    windows_open: int
    windows_unobserved: int
    subjects_with_case: Mapping[str, Share]
    hours_in_risk: float
    hours_in_control: float
    self_controlled: Mapping[str, RiskAgainstControl | None]


class Compared(TypedDict):
    """The active arms against the control arms in one scenario."""

    active: Counted
    control: Counted
    p_value: float | None


class Comparison(TypedDict):
    """The test between the arms, and why it cannot be done where it cannot."""

    test: str
    readings: Mapping[str, Compared]
    problem: str | None


class Withheld(TypedDict):
    """An administration in quarantine because of what it says was given."""

    USUBJID: str
    record: str
    source_file: str
    source_row: int
    EXTRT: str
    EXDOSE: str


class ClosedDocument(TypedDict):
    """closed.json, whole."""

    schema: str
    study: str
    data_cutoff: str
    look_id: str
    code_version: str
    blinded: bool
    access: Access
    arms: Sequence[ArmShown]
    comparison: Comparison
    contradicted_arms: Sequence[str]
    switched_arms: Sequence[str]
    withheld_administrations: Sequence[Withheld]
    telltales_in_the_blinded_look: Mapping[str, Sequence[str]]
