"""Whether a message in the outbox is what the record that put it in says: no other is sent.

Whoever may write to the outbox can put in a message or change one. The record that put it in has whom it is for and
the hash of what it says; with the key its seal is asked for as well, so that the record is none of another hand.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row

from flows.ledger.chain import Kind, Record, digest, seal
from flows.ledger.payloads import AlertPayload, LookPayload
from flows.ledger.rows import records_at, sealed_before
from flows.ledger.tries import unreadable

ABOUT: Final = ("alert", "role", "step")
"""What the record of a message says of it where it tells of an alert."""

TEXT: Final = "text"
"""What a message says, of which the record has the hash."""


def identity(study: str, sequence: int, payload: AlertPayload) -> Mapping[str, object]:
    """Return the columns of a message's row that its record says and that never change while it waits."""
    about = {name: payload.get(name) for name in ABOUT} if "alert" in payload else {"alert": None}
    return {"sequence": sequence, "study": study, "channel": payload.get("channel"), **about}


def changed(row: Row[Any], study: str, sequence: int, payload: AlertPayload) -> Sequence[str]:
    """Return the columns in which a row is not as the record of a sequence put it in; TEXT of what it says."""
    said = identity(study, sequence, payload)
    other = [name for name, value in said.items() if (row._mapping[name] or None) != (value or None)]
    same_text = hashlib.sha256(str(row.message).encode()).hexdigest() == payload.get("message_sha256")
    return other if same_text else [*other, TEXT]


class Vouched:
    """Rows of the outbox, in their order, parted into those that their records vouch for and the others.

    A message of which it cannot be read when it was tried is due: its record vouches for the rest. ``others`` says
    what is not as it was put in, sent or not, and quotes nothing of a row.
    """

    def __init__(self, connection: Connection, rows: Iterable[Row[Any]], key: bytes | None) -> None:
        self.rows: list[Row[Any]] = []
        self.others: list[str] = []
        found, unknown = list(rows), 0
        records = records_at(connection, {row.sequence for row in found if isinstance(row.sequence, int)})
        for row in found:
            record = records.get(row.sequence)
            if record is None or not _is_ours(connection, record, key) or not _names(record, row):
                unknown += 1
            elif other := _otherwise(record, row):
                said = f"which has another {' and another '.join(other)} now and is not sent"
                self.others.append(f"{_named(record)}, {said}")
            else:
                self.rows.append(row)
                if lost := " and ".join(unreadable(row)):
                    self.others.append(f"{_named(record)}, which has no {lost} that can be read: it is due")
        if unknown:
            many = "1 message that no record put in and that is"
            if unknown > 1:
                many = f"{unknown:,} messages that no record put in and that are"
            self.others.append(f"{many} not sent")


def _is_ours(connection: Connection, record: Record, key: bytes | None) -> bool:
    """Whether a record has its own hash and, with the key, its seal, unless it is from before the first seal."""
    whole = digest(record.sequence, record.study, record.kind, record.text, record.previous_sha256)
    if record.sha256 != whole:
        return False
    if key is None:
        return True
    if record.hmac is None:
        return not sealed_before(connection, record.sequence)
    return record.hmac == seal(key, record.sha256)


def _names(record: Record, row: Row[Any]) -> bool:
    """Whether a record put in a message of that id; a look did from before messages were put on record."""
    try:
        if record.kind == Kind.LOOK:
            said = record.read(LookPayload)
            return row.alert is None and isinstance(said, dict) and "at" not in said
        return record.kind == Kind.ALERT and record.read(AlertPayload)["message"] == row.id
    except (KeyError, TypeError, ValueError, RecursionError):
        return False


def _otherwise(record: Record, row: Row[Any]) -> Sequence[str]:
    if record.kind == Kind.LOOK:
        return () if row.study == record.study else ("study",)
    return changed(row, record.study, record.sequence, record.read(AlertPayload))


def _named(record: Record) -> str:
    payload = record.read(AlertPayload)
    about = f" of alert {payload['alert']} to {payload.get('role', '')}" if "alert" in payload else ""
    return f"the message{about} of record {record.sequence}"
