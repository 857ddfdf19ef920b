"""What is seen of a study in its ledger when something is decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from checks.stamps import stamp
from flows.ledger import projection
from flows.ledger.chain import Kind
from flows.ledger.messages import few
from flows.ledger.outbox import PENDING, Entry, vouched
from flows.ledger.payloads import EvidencePayload, LookPayload, ProtocolChangePayload
from flows.ledger.standing import Standing

OUTBOX_CHANGED: Final = "outbox_changed"
"""What is wrong when a message waits that is not as a record put it in: what its record has otherwise is not sent."""

Evidence = Callable[[str | None], EvidencePayload | None]
"""Returns what is on record of what a look told, by the look's id; None where no alert refers to it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is decided on: where a study stands, its newest look as of a moment, and what earlier looks told.

    ``look`` is what is on record of the look with the latest data cut-off that had come by then, None before the
    first; ``latest`` is that of the latest of all, which is another where one was still to come. ``faults`` are
    sentences on what is wrong with the ledger as it is now, by what an alert of it is about.
    """

    standing: Standing
    look: LookPayload | None
    evidence: Evidence
    latest: LookPayload | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


Decision = Callable[[Seen], Sequence[Entry]]
"""Says, of what is seen of a study, what is to be written next."""


def see(
    connection: Connection,
    study: str,
    now: datetime,
    *,
    key: bytes | None,
    evidence: Callable[[Standing], Evidence],
) -> Seen:
    """Return what is seen of a study at a moment (UTC); ``evidence`` is made for where it stands."""
    standing = projection.read_standing(connection, study)
    look = latest = projection.newest_look(connection, study, datetime.max.replace(tzinfo=UTC))
    if latest is not None and latest["data_cutoff"] > stamp(now):
        look = projection.newest_look(connection, study, now)
    others = vouched(connection, study, PENDING, key).others
    said = f"The outbox has what is not as a record put it in: {few(others, '; ')}."
    return Seen(standing, look, evidence(standing), latest, {OUTBOX_CHANGED: said} if others else {})


def entries_of_look(seen: Seen, payload: LookPayload) -> Sequence[Entry]:
    """Return a look's record, after one of what it says of a protocol that has changed since the look before."""
    before, look = seen.standing.protocol_sha256, Entry(Kind.LOOK, payload)
    if before is None or before == payload.get("protocol_sha256"):
        return [look]
    change: ProtocolChangePayload = {
        "from": before,
        "to": payload.get("protocol_sha256"),
        "reason": payload.get("reason", ""),
    }
    return [Entry(Kind.PROTOCOL_CHANGE, change), look]
