"""Decide which waiting message is due, and what the outbox keeps of each attempt."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from checks.errors import UsageError
from flows.ledger.chain import Head, Kind, canonical
from flows.ledger.schema import OUTBOX


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one channel, by its idempotency key, which stays the same however often it is sent.

    ``alert`` is the alert that it tells of, ``role`` whom it tells, ``step`` how far the alert had been escalated.
    """

    id: str
    channel: str
    message: Mapping[str, Any]
    alert: str = ""
    role: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One record that is to be written, and the messages that it causes."""

    kind: Kind
    payload: Mapping[str, Any]
    outgoing: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not been delivered: its attempts, when the first was and the next is due, what went wrong.

    One that was never tried, or that is given up, is due at no time: None.
    """

    outgoing: Outgoing
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None


def queued(study: str, one: Outgoing, head: Head) -> Mapping[str, Any]:
    """Return the row of one message in the outbox; ``head`` is the record that tells of it. It is due at once."""
    return {
        "id": one.id,
        "sequence": head.sequence,
        "study": study,
        "channel": one.channel,
        "message": canonical(one.message),
        "state": "pending",
        "attempts": 0,
        "alert": one.alert or None,
        "role": one.role or None,
        "step": one.step,
    }


def waiting(connection: Connection, study: str, state: str = "pending") -> tuple[Waiting, ...]:
    """Return the study's messages that are ``pending``, or ``dead``, oldest first."""
    wanted = select(OUTBOX).where(OUTBOX.c.study == study, OUTBOX.c.state == state)
    rows = connection.execute(wanted.order_by(OUTBOX.c.sequence, OUTBOX.c.id))
    return tuple(_waiting(row) for row in rows)


def claim(connection: Connection, study: str, now: datetime, until: datetime) -> tuple[Waiting, ...]:
    """Return the messages that are due, oldest first; nobody else is given them before ``until``."""
    due = (
        OUTBOX.c.study == study,
        OUTBOX.c.state == "pending",
        or_(OUTBOX.c.next_attempt_at.is_(None), OUTBOX.c.next_attempt_at <= stamp(now)),
    )
    rows = connection.execute(select(OUTBOX).where(*due).order_by(OUTBOX.c.sequence, OUTBOX.c.id)).all()
    connection.execute(OUTBOX.update().where(*due).values(next_attempt_at=stamp(until)))
    return tuple(_waiting(row) for row in rows)


def mark(
    connection: Connection,
    outgoing_id: str,
    state: str,
    *,
    detail: str,
    at: datetime | None,
    again: datetime | None,
) -> None:
    """Keep what became of one attempt; ``again`` is when a message that still waits is due, None for at once."""
    row = _row(connection, outgoing_id)
    changed = {
        "state": state,
        "attempts": row.attempts + 1,
        "first_attempt_at": row.first_attempt_at or (None if at is None else stamp(at)),
        "next_attempt_at": None if again is None else stamp(again),
        "last_error": None if state == "delivered" else detail,
    }
    connection.execute(OUTBOX.update().where(OUTBOX.c.id == outgoing_id).values(changed))


def requeue(connection: Connection, outgoing_id: str, head: Head) -> None:
    """Let a message wait again as if it had never been tried, under the same idempotency key."""
    fresh = {"first_attempt_at": None, "next_attempt_at": None, "last_error": None}
    changed = {"state": "pending", "attempts": 0, "sequence": head.sequence, **fresh}
    connection.execute(OUTBOX.update().where(OUTBOX.c.id == outgoing_id).values(changed))


def find(connection: Connection, outgoing_id: str) -> Outgoing:
    """Return one message, whatever became of it.

    Raises
    ------
    UsageError
        When the outbox has none of that id.
    """
    return _waiting(_row(connection, outgoing_id)).outgoing


def told(one: Outgoing) -> Mapping[str, Any]:
    """Return what a record says of a message: which one, for which alert, to whom; never what it says."""
    about = {"alert": one.alert, "role": one.role, "step": one.step} if one.alert else {}
    return {"message": one.id, "channel": one.channel, **about}


def hashed(one: Outgoing) -> str:
    """Return the SHA-256 of what a message says."""
    return hashlib.sha256(canonical(one.message).encode()).hexdigest()


def stamp(moment: datetime) -> str:
    """Return a moment as the outbox and its records keep it: UTC, whole seconds; its order is the text's order."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _row(connection: Connection, outgoing_id: str) -> Row[Any]:
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == outgoing_id)).first()
    if row is None:
        raise UsageError(f"message: found {outgoing_id!r}; allowed: the id of a message in the outbox")
    return row


def _waiting(row: Row[Any]) -> Waiting:
    first, again = (
        None if kept is None else datetime.fromisoformat(kept)
        for kept in (row.first_attempt_at, row.next_attempt_at)
    )
    message = json.loads(row.message)
    outgoing = Outgoing(row.id, row.channel, message, row.alert or "", row.role or "", row.step or 0)
    return Waiting(outgoing, row.attempts, first, again, row.last_error)
