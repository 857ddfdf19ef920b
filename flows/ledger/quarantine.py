"""Records that another hand put in, left out of the chain by a sealed record that follows.

Whoever may append can append what is no record of ours: the chain would not verify again, and no look go on in it.
The holder of the key names such records; a record sealed with the key leaves them out, with the hash of all that is
stored of each, and the chain goes on from the last record before them. Without the key this cannot be: whoever may
append could leave out any record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from checks.errors import UsageError
from checks.stamps import stamp
from flows.ledger.chain import Kind, Record, digest, fingerprint, seal, verified
from flows.ledger.payloads import QuarantinePayload
from flows.ledger.rows import record_of
from flows.ledger.schema import RECORDS

NO_STUDY: Final = ""
"""The study of a record that concerns the ledger itself."""

MOST: Final = 10_000
"""Quarantining records that are read, at each writing: more than anybody writes."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Records that are left out of the chain (fingerprints by sequence), by which record, who says so, and why."""

    records: Mapping[int, str]
    by_record: int
    by: str
    reason: str


def quarantined(connection: Connection, key: bytes | None) -> Mapping[int, str]:
    """Return the fingerprints of all records that are left out, by sequence."""
    return {name: one for left in left_out_by(connection, key) for name, one in left.records.items()}


def left_out_by(connection: Connection, key: bytes | None) -> tuple[LeftOut, ...]:
    """Return each time that records were left out, oldest first; seals are judged with the key alone."""
    mine = (RECORDS.c.study == NO_STUDY, RECORDS.c.kind == str(Kind.QUARANTINE), RECORDS.c.hmac.is_not(None))
    rows = connection.execute(select(RECORDS).where(*mine).order_by(RECORDS.c.sequence).limit(MOST))
    records = [record_of(row) for row in rows]
    sound = (one for one in records if _is_whole(one) and (key is None or one.hmac == seal(key, one.sha256)))
    return tuple(left for one in sound if (left := _left_out(one)) is not None)


def _left_out(record: Record) -> LeftOut | None:
    """Return what a record leaves out; None where it says nothing that such a record can."""
    try:
        said = record.read(QuarantinePayload)
        named = {int(one["sequence"]): str(one["fingerprint"]) for one in said["records"]}
        return LeftOut(named, record.sequence, str(said["by"]), str(said["reason"]))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def leave_out(
    records: Iterable[Record],
    sequences: Sequence[int],
    *,
    known: Mapping[int, str],
    key: bytes,
    words: tuple[str, str],
    now: datetime,
) -> tuple[Record | None, QuarantinePayload]:
    """Return the last good record of a chain, and what leaves out of it those of some sequences.

    ``records`` are all, by sequence; ``known`` are left out already; ``words`` are who says so and why; ``now`` is
    UTC. Afterwards the chain verifies.

    Raises
    ------
    UsageError
        When there is no such record, or it is left out already, or sealed with the key.
    LedgerBrokenError
        When the chain would not verify without them: names the next bad record.
    """
    every = list(records)
    asked = {one.sequence: one for one in every if one.sequence in sequences}
    for sequence in sequences:
        _require_bad(sequence, asked.get(sequence), known, key)
    out = {sequence: fingerprint(one) for sequence, one in asked.items()}
    last = None
    for record in verified(every, key=key, quarantined={**known, **out}):
        last = record
    by, reason = words
    left_out: QuarantinePayload = {
        "at": stamp(now),
        "by": by,
        "reason": reason,
        "records": [{"sequence": one, "fingerprint": out[one]} for one in sorted(out)],
    }
    return last, left_out


def _require_bad(sequence: int, record: Record | None, known: Mapping[int, str], key: bytes) -> None:
    if record is None or sequence in known:
        found = "which is quarantined already" if sequence in known else "which no record has"
    elif record.hmac == seal(key, record.sha256) and _is_whole(record):
        found = "which is sealed with this key"
    else:
        return
    raise UsageError(
        f"SEQUENCE: found {sequence}, {found}; allowed: a record that was put in without the key"
    )


def _is_whole(record: Record) -> bool:
    said = digest(record.sequence, record.study, record.kind, record.text, record.previous_sha256)
    return record.sha256 == said
