"""What tests ask of a ledger: what a decision sees of records, what waits, and an attempt of their own."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from flows.ledger import Attempt, Entry, Head, Kind, Ledger, Outgoing, Record, Seen
from flows.ledger.standing import Standing, follow

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


LOOKED = {
    "look_sha256": "0" * 64,
    "protocol_sha256": "a",
    "code_version": "0",
    "feeds": {},
    "signals": [],
    "reason": "",
}
"""What else is on record of a look that has a data cut-off."""


def seen_of(records: Iterable[Record], now: datetime) -> Seen:
    """Fold a study's records, oldest first; the newest look is that of the latest cut-off by a moment (UTC)."""
    kept = list(records)
    looks = [one.payload for one in kept if one.kind == Kind.LOOK]
    past = [one for one in looks if datetime.fromisoformat(one["data_cutoff"]) <= now]
    newest = max(reversed(past), key=lambda one: datetime.fromisoformat(one["data_cutoff"]), default=None)
    told = {one.payload["look_id"]: one.payload for one in kept if one.kind == Kind.EVIDENCE}
    standing = reduce(follow, kept, Standing())
    return Seen(standing, newest, lambda look: told[look] if look in standing.evidence else None)


def caused(
    ledger: Ledger, payload: Mapping[str, Any], messages: Iterable[Outgoing] = (), kind: Kind = Kind.LOOK
) -> Head:
    """Record a look of the study S, or another kind of record, with messages that it causes."""
    entry = Entry(kind, payload, tuple(messages))
    head = ledger.decide("S", lambda _seen: [entry], now=NOW)
    assert head is not None
    return head


def pending(ledger: Ledger, study: str) -> tuple[Outgoing, ...]:
    """A study's messages that have not been delivered, oldest first."""
    return tuple(one.outgoing for one in ledger.outbox.undelivered(study))


def tried(
    ledger: Ledger,
    message: str,
    detail: str,
    *,
    delivered: bool,
    at: datetime = NOW,
    again: datetime | None = None,
) -> None:
    """Record one attempt at a message of the study S."""
    ledger.record_attempts(
        "S", [Attempt(message, "delivered" if delivered else "pending", detail, again)], at=at
    )
