"""What tests ask of a ledger: what a decision sees of records, what waits, and an attempt of their own."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from flows.ledger import Attempt, Kind, Ledger, Outgoing, Record, Seen
from flows.ledger.standing import Standing, follow


def seen_of(records: Iterable[Record], now: datetime) -> Seen:
    """Fold a study's records, oldest first; the newest look is that of the latest cut-off by a moment (UTC)."""
    kept = list(records)
    looks = [one.payload for one in kept if one.kind == Kind.LOOK]
    past = [one for one in looks if datetime.fromisoformat(one["data_cutoff"]) <= now]
    newest = max(reversed(past), key=lambda one: datetime.fromisoformat(one["data_cutoff"]), default=None)
    told = {one.payload["look_id"]: one.payload for one in kept if one.kind == Kind.EVIDENCE}
    standing = reduce(follow, kept, Standing())
    return Seen(standing, newest, lambda look: told[look] if look in standing.evidence else None)


def pending(ledger: Ledger, study: str) -> tuple[Outgoing, ...]:
    """A study's messages that have not been delivered, oldest first."""
    return tuple(one.outgoing for one in ledger.undelivered(study))


def tried(
    ledger: Ledger,
    message: str,
    detail: str,
    *,
    delivered: bool,
    at: datetime | None = None,
    again: datetime | None = None,
) -> None:
    """Record one attempt at a message of the study S."""
    ledger.record_attempts(
        "S", [Attempt(message, "delivered" if delivered else "pending", detail, again)], at=at
    )
