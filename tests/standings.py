"""What the ledger lets a decision see of a study, from records without a database."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from flows.ledger import Kind, Record, Seen
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
