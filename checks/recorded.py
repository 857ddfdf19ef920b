"""What look.json has once a look is recorded: its signals, its entry in the ledger, what became of its alerts."""

from typing import NotRequired

from typing_extensions import TypedDict


class GroundPart(TypedDict):
    """One subject and dose on which a signal rests; of a laboratory value no dose, of a severity score no row."""

    USUBJID: str
    dose_number: int | None
    evidence: list[str]
    provisional: bool


class SignalPart(TypedDict):
    """A rule that is crossed, or was and stands: since which look, when last and by which protocol, and on what.

    ``reasons`` say what took back one that is cleared. A ledger from before a key was kept lacks it.
    """

    id: str
    rule: str
    state: str
    events: int
    rests_on: NotRequired[list[GroundPart]]
    since: NotRequired[str]
    crossed_at: NotRequired[str]
    protocol_sha256: NotRequired[str]
    reasons: NotRequired[list[str]]


class HeadPart(TypedDict):
    """The ledger's record of the look."""

    sequence: int
    head_sha256: str


class DeliveryPart(TypedDict):
    """Whether the alerts of the look went out; ``recorded`` is False where the ledger did not take them.

    ``failed`` are the steps after them that failed, files and page among them, each with its reason.
    """

    outcome: str
    recorded: NotRequired[bool]
    failed: NotRequired[list[str]]
