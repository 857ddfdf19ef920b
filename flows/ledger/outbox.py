"""The outbox: what entries put in, which waiting message is due, and what is kept of each attempt."""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, bindparam, select

from checks.errors import UsageError
from checks.stamps import stamp
from flows.ledger.chain import Head, Kind, Record, canonical, next_record
from flows.ledger.claims import is_abandoned
from flows.ledger.database import Database
from flows.ledger.payloads import AlertPayload, Payload
from flows.ledger.rows import ASKED_AT_ONCE
from flows.ledger.schema import OUTBOX
from flows.ledger.tries import attempts, moment
from flows.ledger.vouching import Vouched

LOGGER = logging.getLogger("postdose")

ROWS_AT_ONCE: Final = 1000
"""Rows fetched together where all are read: each holds a message."""

ASKED = [
    OUTBOX.c[name] for name in ("id", "channel", "alert", "role", "step", "attempts", "first_attempt_at")
]
"""What an attempt is recorded from: not what the message says, which is long."""

PENDING: Final = "pending"
"""The state of a message that waits to be taken."""

NEVER_SO_LONG = timedelta(days=1)
"""No message waits for so long, nor does a claim: the clock was ahead when it was put off, and it is due."""

_THE_MARKED = OUTBOX.update().where(OUTBOX.c.id == bindparam("marked"))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one channel, by its idempotency key, which stays the same however often it is sent.

    ``alert`` is the alert that it tells of, ``role`` whom it tells, ``step`` how far the alert had been escalated.
    """

    id: str
    channel: str
    message: Mapping[str, object]
    alert: str = ""
    role: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One record that is to be written, and the messages that it causes."""

    kind: Kind
    payload: Payload
    outgoing: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not been delivered: its attempts, when the first was and the next is due, what went wrong.

    One that was never tried, that is given up, or that a process was trying when it ended, is due at no time: None.
    """

    outgoing: Outgoing
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None


Became = Literal["delivered", "pending", "dead"]
"""What a message is after an attempt: taken, to be tried again, or given up."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one attempt at a message, the receipt or the problem, and when one that waits is due again."""

    id: str
    became: Became
    detail: str
    again: datetime | None = None


def _queued(study: str, one: Outgoing, text: str, head: Head) -> Mapping[str, object]:
    """Return the row of one message in the outbox, due at once; ``text`` is what it says, ``head`` its record."""
    return {
        "id": one.id,
        "sequence": head.sequence,
        "study": study,
        "channel": one.channel,
        "message": text,
        "state": PENDING,
        "attempts": 0,
        "alert": one.alert or None,
        "role": one.role or None,
        "step": one.step,
    }


@dataclass(slots=True)
class Chained:
    """Records of a study, each following the one before, and rows of the outbox, that are to be written together.

    ``before`` is the newest record on record, which the first of these follows; ``key`` seals each. Quarantined
    records have the sequences ``taken``.
    """

    study: str
    before: Record | None
    key: bytes | None
    taken: frozenset[int] = frozenset()
    records: list[Record] = field(default_factory=list)
    messages: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, entries: Sequence[Entry]) -> None:
        """Add a record for each entry and, after it, each of its messages, and the outbox's rows of those."""
        for entry in entries:
            self._add(entry.kind, entry.payload)
            for one in entry.outgoing:
                text = canonical(one.message)
                head = self._add(Kind.ALERT, queued_payload(one, text)).head
                self.messages.append(_queued(self.study, one, text, head))

    def _add(self, kind: Kind, payload: Payload) -> Record:
        last = self.records[-1] if self.records else self.before
        self.records.append(next_record(last, self.study, kind, payload, self.key, self.taken))
        return self.records[-1]


class Outbox:
    """The messages of a database; every method is one transaction.

    A message that its record does not vouch for, as ``vouching`` says, with the key of the seals where there is one,
    is none: it is neither told of nor sent.
    """

    def __init__(self, database: Database, key: bytes | None) -> None:
        self._database, self._key = database, key

    def undelivered(self, study: str) -> tuple[Waiting, ...]:
        """Return a study's messages that wait, due or not, oldest first."""
        return self._in_state(study, PENDING)

    def dead_letters(self, study: str) -> tuple[Waiting, ...]:
        """Return a study's messages that were given up, oldest first, with the problem of each."""
        return self._in_state(study, "dead")

    def _in_state(self, study: str, state: str) -> tuple[Waiting, ...]:
        with self._database.reading() as connection:
            return _all_waiting(vouched(connection, study, state, self._key).rows)

    def verdicts(self, study: str) -> Mapping[str, frozenset[str]]:
        """Return which verdicts a study's messages told of each look, by the look's id."""
        told: defaultdict[str, set[str]] = defaultdict(set)
        wanted = (
            select(OUTBOX.c.message).where(OUTBOX.c.study == study).execution_options(yield_per=ROWS_AT_ONCE)
        )
        with self._database.reading() as connection:
            for text in connection.execute(wanted).scalars():
                with suppress(
                    ValueError, TypeError, KeyError, RecursionError
                ):  # which says nothing of a look
                    message = json.loads(text)
                    told[str(message["look_id"])].add(str(message["verdict"]))
        return {look: frozenset(said) for look, said in told.items()}

    def is_due(self, study: str, now: datetime) -> bool:
        """Whether a message of a study is due: its time has come, or the process that claimed it has ended."""
        return bool(self.due(study, now))

    def due(self, study: str, now: datetime) -> tuple[Waiting, ...]:
        """Return a study's messages that are due, oldest first, without claiming them."""
        with self._database.reading() as connection:
            waiting = vouched(connection, study, PENDING, self._key)
            return _all_waiting(row for row in waiting.rows if _has_come(row, now))

    def count_waiting(self, study: str) -> tuple[int, int]:
        """Return how many messages of a study wait after an attempt, and how many have not been tried."""
        with self._database.reading() as connection:
            waiting = vouched(connection, study, PENDING, self._key).rows
        tried = sum(attempts(row) > 0 for row in waiting)
        return tried, len(waiting) - tried

    def claim_due(
        self, study: str, now: datetime, *, until: datetime, by: str, only: Collection[str] | None = None
    ) -> tuple[Waiting, ...]:
        """Return the messages that are due, oldest first; no other process is given them before ``until``.

        Moments are UTC. The process is ``by``, as ``this_process`` names it: once it has ended, what it has not
        marked is due. Where ``only`` names ids, no other message is asked for.
        """
        with self._database.writing() as connection:
            waiting = vouched(connection, study, PENDING, self._key)
            due = [row for row in waiting.rows if _has_come(row, now) and (only is None or row.id in only)]
            claim = {"next_attempt_at": stamp(until), "claimed_by": by}
            if due:
                connection.execute(_THE_MARKED, [{"marked": row.id, **claim} for row in due])
        for one in waiting.others:
            LOGGER.error("In the outbox of study %s is %s; verify the ledger", study, one)
        return _all_waiting(due)

    def hold(self, ids: Sequence[str], *, until: datetime) -> None:
        """Let messages that this process has claimed be given to no other before a later moment (UTC)."""
        held = [{"marked": one, "next_attempt_at": stamp(until)} for one in ids]
        if held:
            with self._database.writing() as connection:
                connection.execute(_THE_MARKED, held)

    def give_back(self, ids: Sequence[str]) -> None:
        """Let messages that were claimed and not tried be due at once."""
        freed = [{"marked": one, "next_attempt_at": None, "claimed_by": None} for one in ids]
        if freed:
            with self._database.writing() as connection:
                connection.execute(_THE_MARKED, freed)


def vouched(connection: Connection, study: str, state: str, key: bytes | None) -> Vouched:
    """Return a study's messages of a state, oldest first, parted into those that their records vouch for and not."""
    wanted = select(OUTBOX).where(OUTBOX.c.study == study, OUTBOX.c.state == state)
    return Vouched(connection, connection.execute(wanted.order_by(OUTBOX.c.sequence, OUTBOX.c.id)), key)


def _has_come(row: Row[Any], now: datetime) -> bool:
    """Whether a message that waits is due."""
    again = moment(row, "next_attempt_at")
    return again is None or not now < again <= now + NEVER_SO_LONG or is_abandoned(row)


def mark(connection: Connection, made: Sequence[Attempt], *, at: datetime) -> list[Entry]:
    """Keep what became of each attempt, and return the records of it.

    Raises
    ------
    UsageError
        When the outbox has no message of an id.
    """
    tried: dict[str, Row[Any]] = {}
    for place in range(0, len(made), ASKED_AT_ONCE):
        ids = [one.id for one in made[place : place + ASKED_AT_ONCE]]
        tried |= {row.id: row for row in connection.execute(select(*ASKED).where(OUTBOX.c.id.in_(ids)))}
    for one in made:
        if one.id not in tried:
            raise _unknown(one.id)
    connection.execute(_THE_MARKED, [_marked(tried[one.id], one, at) for one in made])
    return [entry for one in made for entry in _recorded(tried[one.id], one, at)]


def _marked(row: Row[Any], one: Attempt, at: datetime) -> Mapping[str, object]:
    return {
        "marked": one.id,
        "state": one.became,
        "attempts": attempts(row) + 1,
        "first_attempt_at": stamp(moment(row, "first_attempt_at") or at),
        "next_attempt_at": None if one.again is None else stamp(one.again),
        "claimed_by": None,
        "last_error": None if one.became == "delivered" else one.detail,
    }


def _recorded(row: Row[Any], one: Attempt, at: datetime) -> Iterator[Entry]:
    payload: AlertPayload = {**message_payload(row), "detail": one.detail, "at": stamp(at)}
    if one.became == "pending":
        payload["again"] = None if one.again is None else stamp(one.again)
    yield Entry(Kind.RECEIPT if one.became == "delivered" else Kind.FAILED_DELIVERY, payload)
    if one.became == "dead":
        yield Entry(Kind.DEAD_LETTER, payload)


def unkept(connection: Connection, messages: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the ids of messages just put in that the outbox has otherwise: the database changes them by itself."""
    if messages and connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")  # what is put off to the end of it, now
    found: dict[str, Mapping[str, object]] = {}
    for place in range(0, len(messages), ASKED_AT_ONCE):
        ids = [one["id"] for one in messages[place : place + ASKED_AT_ONCE]]
        rows = connection.execute(select(OUTBOX).where(OUTBOX.c.id.in_(ids)))
        found |= {row.id: row._asdict() for row in rows}
    empty = dict.fromkeys(OUTBOX.c.keys())
    return [str(one["id"]) for one in messages if found.get(str(one["id"])) != {**empty, **one}]


def requeue(connection: Connection, outgoing_id: str, head: Head) -> None:
    """Let a message wait again as if it had never been tried, under the same idempotency key."""
    fresh = dict.fromkeys(("first_attempt_at", "next_attempt_at", "claimed_by", "last_error"))
    changed = {"state": "pending", "attempts": 0, "sequence": head.sequence, **fresh}
    connection.execute(OUTBOX.update().where(OUTBOX.c.id == outgoing_id).values(changed))


def find(connection: Connection, outgoing_id: str, key: bytes | None) -> Outgoing:
    """Return one message, whatever became of it; ``key`` is of the seals.

    Raises
    ------
    UsageError
        When the outbox has none of that id, or none that its record vouches for.
    """
    found = Vouched(connection, connection.execute(select(OUTBOX).where(OUTBOX.c.id == outgoing_id)), key)
    if not found.rows:
        raise _unknown(outgoing_id)
    return _outgoing(found.rows[0])


def queued_payload(one: Outgoing | Row[Any], text: str) -> AlertPayload:
    """Return the record of a message: which one, for which alert, to whom, and the SHA-256 of what it says."""
    return {**message_payload(one), "message_sha256": hashlib.sha256(text.encode()).hexdigest()}


def message_payload(one: Outgoing | Row[Any]) -> AlertPayload:
    """Return what a record says of a message, or of its row: which one, for which alert, to whom."""
    message: AlertPayload = {"message": one.id, "channel": one.channel}
    if not one.alert:
        return message
    return {**message, "alert": one.alert, "role": one.role or "", "step": one.step or 0}


def _unknown(outgoing_id: str) -> UsageError:
    return UsageError(
        f"message: found {outgoing_id!r}; allowed: the id of a message that a record put in the outbox"
    )


def _all_waiting(rows: Iterable[Row[Any]]) -> tuple[Waiting, ...]:
    """Return messages; one that another hand wrote so that it cannot be read keeps no other from being sent."""
    found = []
    for row in rows:
        try:
            found.append(_waiting(row))
        except (TypeError, ValueError, RecursionError):
            LOGGER.error("A message of the outbox cannot be read, and is not sent; verify the ledger")
    return tuple(found)


def _waiting(row: Row[Any]) -> Waiting:
    first = moment(row, "first_attempt_at")
    due = None if is_abandoned(row) else moment(row, "next_attempt_at")  # no claim's end is waited for
    problem = row.last_error if isinstance(row.last_error, str) else None
    return Waiting(_outgoing(row), attempts(row), first, due, problem)


def _outgoing(row: Row[Any]) -> Outgoing:
    message = json.loads(row.message)
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return Outgoing(row.id, row.channel, message, row.alert or "", row.role or "", row.step or 0)
