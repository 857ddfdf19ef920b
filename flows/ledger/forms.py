"""Whether a record says what one of its kind can: the form of its payload, asked for where records are read again.

Another hand can append a record whose hash is right and that no look can go on after. It is named, and not read.
"""

import logging
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from checks.errors import LedgerBrokenError
from checks.recorded import SignalPart
from flows.ledger.chain import Kind, Record
from flows.ledger.payloads import (
    AcceptedPayload,
    AccessPayload,
    AlertPayload,
    DecisionPayload,
    DeliveryPayload,
    EvidencePayload,
    FilesPayload,
    LookPayload,
    Moment,
    NightPayload,
    ProtocolChangePayload,
    QuarantinePayload,
)

LOGGER = logging.getLogger("postdose")

FORMS: Final[Mapping[str, type]] = {
    **dict.fromkeys(Kind, AlertPayload),
    Kind.LOOK: LookPayload,
    Kind.PROTOCOL_CHANGE: ProtocolChangePayload,
    Kind.EVIDENCE: EvidencePayload,
    Kind.NIGHT: NightPayload,
    Kind.CLOSED_ACCESS: AccessPayload,
    Kind.DELIVERY: DeliveryPayload,
    Kind.SET_ASIDE: DecisionPayload,
    Kind.RESTORED: DecisionPayload,
    Kind.FILES: FilesPayload,
    Kind.HEAD_ACCEPTED: AcceptedPayload,
    Kind.QUARANTINE: QuarantinePayload,
}
"""What the payload of each kind is."""

HALF_A_SURROGATE: Final = "string_unicode"
"""What Pydantic says of a text that has one; a feed's own may."""

NAMES: Final = frozenset(
    {
        *(
            "look_id",
            "data_cutoff",
            "verdict",
            "standing",
            "protocol_sha256",
            "code_version",
            "domain",
            "sha256",
        ),
        *("id", "rule", "state", "since", "crossed_at", "alert", "about", "at", "role", "message", "channel"),
    }
)
"""The keys of what a record is found by again, or refers to: no text of a feed's own."""

SURROGATE: Final = re.compile("[\ud800-\udfff]")

STATES: Final = frozenset({"new", "ongoing", "worsened", "cleared", "closed"})
"""What a signal's state can be, which the next look reads."""

OPENING: Final = frozenset({"alert", "about", "at", "plan", "look_id", "cause"})
NEEDED: Final[Mapping[str, frozenset[str]]] = {
    Kind.RAISED: OPENING,
    Kind.REOPENED: OPENING,
    **dict.fromkeys((Kind.WORSENED, Kind.REPEATED, Kind.ESCALATION, Kind.CLOSED), frozenset({"alert", "at"})),
}
"""The keys that a step of an alert's life has besides those that its payload requires."""


_MOMENT: Final = TypeAdapter[str](Moment)


def problem(record: Record) -> str | None:
    """Say in a few words in what a record is none of its kind; None where it is. Nothing of it is quoted."""
    if record.kind not in FORMS:
        return "its kind is none"
    try:
        payload = record.read(dict[str, object])
    except (ValueError, RecursionError):
        return "its payload is no JSON"
    try:
        _adapter(record.kind).validate_python(payload, strict=True)
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False, include_context=False):
            if one["type"] != HALF_A_SURROGATE:
                return f"{'.'.join(map(str, one['loc'])) or 'its payload'}: {one['type'].replace('_', ' ')}"
    return _unusable(record.kind, payload)


def _unusable(kind: str, payload: Mapping[str, object]) -> str | None:
    """Say in what a payload of the form of its kind is none all the same."""
    if odd := _unwritable(payload):
        return f"{odd}: half a surrogate"
    signals = cast(LookPayload, payload)["signals"] if kind == Kind.LOOK else []
    if any(one["state"] not in STATES for one in signals):
        return "signals: no state of one"
    if not all(map(_is_dated, signals)):
        return "signals: no moment of one"
    lacking = NEEDED.get(kind, frozenset()) - payload.keys()
    return f"{min(lacking)}: missing" if lacking else None


def is_sound(record: Record) -> bool:
    """Whether a record is one of its kind; it is named where it is not, and passed over."""
    said = problem(record)
    if said is not None and not is_bare_look(record):
        LOGGER.error("Record %s says what no record of its kind can (%s)", record.sequence, said)
    return said is None


def is_bare_look(record: Record) -> bool:
    """Whether a record of a look has no data cut-off: nothing is ever read of it."""
    try:
        return record.kind == Kind.LOOK and "data_cutoff" not in record.payload
    except (TypeError, ValueError, RecursionError):
        return False


def _unwritable(payload: Mapping[str, object]) -> str | None:
    """Return the key of a name that has half of a surrogate pair: nothing could write it."""
    left: list[object] = [payload]
    while left:
        match left.pop():
            case dict() as part:
                for key in NAMES & part.keys():
                    if isinstance(part[key], str) and SURROGATE.search(part[key]):
                        return str(key)
                left += part.values()
            case list() as parts:
                left += parts
    return None


def _is_dated(signal: SignalPart) -> bool:
    """Whether the moments of a signal are such; a look without grounds leaves them empty."""
    said = (signal.get(name, "") for name in ("since", "crossed_at"))
    try:
        return all(_MOMENT.validate_python(one) for one in said if one)
    except ValidationError:
        return False


def require(record: Record) -> None:
    """Raise LedgerBrokenError where a record is none of its kind."""
    said = problem(record)
    if said is not None and not is_bare_look(record):
        raise LedgerBrokenError(f"record {record.sequence} says what no record of its kind can ({said})")


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(FORMS[kind])
