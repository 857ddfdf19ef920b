"""What each kind of record says: its payload, as JSON; moments are ISO 8601 with Z.

A record from before a key was kept lacks it: such a key is not required. The record's kind says which of these its
payload is.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from checks.recorded import SignalPart


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset from UTC")
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no moment of UTC") from error
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""An instant as text."""


def _domain(text: str) -> str:
    if not (text.isascii() and text.isalnum() and text == text.upper()):
        raise ValueError("no domain")
    return text


Domain = Annotated[str, AfterValidator(_domain)]
"""A domain of SDTM, such as VS; a store has no folder of another."""


class FeedFault(TypedDict):
    """Why a feed was at fault, its latest datum, and what the page says of it; earlier records do not have that."""

    fault: Literal["stale", "blocked"]
    latest: str | None
    said: NotRequired[list[str]]


class LookPayload(TypedDict):
    """A look: hashes, verdict, signals, why it was made, and when; ``feeds`` are the hashes of each.

    ``as_found`` is whether its files were read as they were found, rather than from the deliveries kept.
    """

    at: NotRequired[Moment]
    look_id: str
    look_sha256: str
    data_cutoff: Moment
    verdict: str
    standing: NotRequired[str]
    protocol_sha256: str
    code_version: str
    feeds: dict[str, list[str]]
    feed_faults: NotRequired[dict[str, FeedFault]]
    signals: list[SignalPart]
    reason: str
    as_found: NotRequired[bool]


ProtocolChangePayload = TypedDict("ProtocolChangePayload", {"from": str, "to": str | None, "reason": str})
"""The hashes of a protocol and of the one that follows it, and the reason of the first look by that."""


class RuleFactPart(TypedDict):
    """The fields of a ``RuleFact``."""

    id: str
    verdict: str
    observed: str
    boundary: str
    best_case: str
    worst_case: str
    reason: NotRequired[str]


class CaseFactPart(TypedDict):
    """The fields of a ``CaseFact``."""

    USUBJID: str
    dose_number: int
    dose_start: str
    hour: float | None
    onset_hours: Annotated[list[float], Field(min_length=2, max_length=2)]
    components: str
    certainty: Literal["possible", "definite"]
    in_risk_window: Literal["no", "possible", "yes"]
    grade: str | None
    new: bool
    provisional: NotRequired[bool]
    notes: NotRequired[list[str]]
    missing: NotRequired[list[str]]
    cleared: NotRequired[list[str]]
    settled: NotRequired[bool]


class FactsPart(TypedDict):
    """The fields of a ``LookFacts``, from which a later look tells what is worse."""

    look_id: str
    data_cutoff: Moment
    verdict: str
    lead: list[str]
    windows: dict[str, int]
    rules: list[RuleFactPart]
    cases: list[CaseFactPart]
    feeds: list[str]
    caveats: list[str]
    background: list[str]
    beneath: NotRequired[list[str]]
    repairs: NotRequired[str]


class EvidencePayload(TypedDict):
    """What was told of a look, and where its page is."""

    look_id: str
    facts: FactsPart
    report: str


class NightPayload(TypedDict):
    """What a nightly check found that does not hold, and how many looks of the last days it could make again."""

    at: str
    looks_made_again: int
    looks_not_made_again: NotRequired[int]
    problems: list[str]


class AccessPayload(TypedDict):
    """Who was about to read the arm, why, at which look."""

    look_id: str
    data_cutoff: str
    by: str
    reason: str
    accessed_at: str


class ReceivedPart(TypedDict):
    """One delivery that was taken in, by its number in its domain; of its name the ending alone, as a reader's."""

    domain: Domain
    number: int
    sha256: str
    size: int
    received_at: Moment
    recorded_at: Moment
    ending: str


class DeliveryPayload(TypedDict):
    """Deliveries that were taken in."""

    at: str
    deliveries: list[ReceivedPart]


class DecisionPayload(TypedDict):
    """That a delivery was set aside or restored: by whom, why, and its new time of receipt, if it has one."""

    at: Moment
    domain: Domain
    number: int
    sha256: str
    by: str
    reason: str
    received_at: NotRequired[Moment]


class FilesPayload(TypedDict):
    """The SHA-256 of each file of a look as it was written, by name, and the folder: as seen from the protocol's.

    ``others`` are the names of what lay there besides, in a folder that somebody named.
    """

    look_id: str
    data_cutoff: str
    folder: str
    files: dict[str, str]
    others: list[str]


class HeadPart(TypedDict):
    """A record by its sequence and hash."""

    sequence: int
    sha256: str


class AcceptedPayload(TypedDict):
    """Who goes on in a ledger that lacks the newest head ``known`` beside the study, why, and from which record.

    ``folders`` are those of looks that it does not have on record, as seen from the protocol's folder.
    """

    at: str
    by: str
    reason: str
    known: HeadPart | None
    found: HeadPart | None
    folders: list[str]


class LeftOutPart(TypedDict):
    """A record that is no part of the chain, by its sequence and the SHA-256 of all that is stored of it."""

    sequence: int
    fingerprint: str


class QuarantinePayload(TypedDict):
    """Which records were put in by another hand and are left out of the chain from then on, who says so, and why."""

    at: str
    by: str
    reason: str
    records: list[LeftOutPart]


_From = TypedDict("_From", {"from": str}, total=False)


class AlertPayload(_From, total=False):
    """A step of an alert's life, a message of it, or a review: each kind has some of these keys.

    ``told`` and ``held_back`` are roles; ``plan`` has the fields of a ``Plan``; ``role`` and ``step`` say whom a
    message or an escalation reaches, ``from`` in whose place; ``message`` is a message's id in the outbox, ``again``
    when one that was not taken is due again (None: at once).
    """

    alert: str
    about: str
    at: Moment
    told: list[str]
    held_back: list[str]
    plan: Mapping[str, object]
    look_id: str | None
    cause: list[str]
    news: list[str]
    superseded: bool
    role: str
    step: int
    why: str
    by: str
    reason: str
    recommendation: str
    authenticated: bool
    message: str
    channel: str
    message_sha256: str
    detail: str
    again: str | None
    resent_by: str


Payload = (
    LookPayload
    | ProtocolChangePayload
    | EvidencePayload
    | NightPayload
    | AccessPayload
    | FilesPayload
    | AcceptedPayload
    | QuarantinePayload
    | AlertPayload
    | DeliveryPayload
    | DecisionPayload
)
