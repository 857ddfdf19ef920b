"""replay.json and looks.jsonl: what a replay says of each look and of each rule, as documents."""

from typing_extensions import TypedDict

from checks.looks.document import RulePart


class LookSummary(TypedDict):
    """What a replay keeps of one look; ``look_sha256`` is the hash that the ledger keeps of it too.

    Of what a rule says beside its answer only what tells how its answer is read is kept.
    """

    data_cutoff: str
    look_id: str
    look_sha256: str
    verdict: str
    rules: list[RulePart]
    cases: dict[str, int]


class Entry(LookSummary):
    """One line of looks.jsonl: a look, and the hash of the deliveries that it could know."""

    deliveries_sha256: str


class StateChange(TypedDict):
    """The look at which a rule became ``crossed`` or ``cleared``."""

    data_cutoff: str
    became: str


class DelayPart(TypedDict):
    """The moments between the last onset that a rule needed and the look that found it crossed; the hours between."""

    onset: str | None
    perfect: str | None
    entered: str | None
    delivered: str
    looked: str
    hours: dict[str, float | None]


class PossiblePart(TypedDict):
    """Since which look a rule is crossed in its worst case, and which facts were missing."""

    since: str
    missing: list[str]


class NearestPart(TypedDict):
    """The look at which a rule that never crossed came nearest, and its answer there."""

    data_cutoff: str
    rule: RulePart


class RuleAnswer(TypedDict):
    """What a replay says of one rule."""

    id: str
    kind: str
    first_crossed: str | None
    changes: list[StateChange]
    waterfall: DelayPart | None
    possible: PossiblePart | None
    nearest: NearestPart | None


class SchedulePart(TypedDict):
    """The data cut-offs of the looks."""

    first: str
    last: str
    every_minutes: int


class ReplayDocument(TypedDict):
    """replay.json."""

    schema: str
    study: str
    simulated: bool
    protocol_sha256: str
    code_version: str
    deliveries_sha256: str
    schedule: SchedulePart
    looks: int
    looks_sha256: str
    first_verdicts: dict[str, str]
    rules: list[RuleAnswer]
