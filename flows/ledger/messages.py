"""What the records say of each message, and where the outbox says otherwise: both ways, with the record's number.

The outbox is what is sent from, and can be changed without a record: a message marked as delivered that nobody took,
its text, its channel or its next attempt. All of it follows from the records, of the text the hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from flows.ledger.chain import Kind, Record
from flows.ledger.claims import is_abandoned
from flows.ledger.outbox import ROWS_AT_ONCE
from flows.ledger.payloads import AlertPayload, LookPayload
from flows.ledger.schema import OUTBOX
from flows.ledger.tries import moment, unreadable
from flows.ledger.vouching import TEXT, changed, identity

MOST_NAMED: Final = 20
"""Differences that one problem names: more than a screen is not read."""

LONGEST_CLAIM: Final = timedelta(hours=1)
"""A process claims a message for some minutes, and no message is tried for longer than an hour from the first attempt
on: a claim that holds for longer is nobody's, and keeps the message from everybody. One whose process is known to
have ended keeps it from nobody."""

BECAME: Final[Mapping[str, str]] = {
    Kind.ALERT: "pending",
    Kind.RECEIPT: "delivered",
    Kind.FAILED_DELIVERY: "pending",
    Kind.DEAD_LETTER: "dead",
}
"""What a message is after a record of it, by the record's kind."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the records say of one message.

    ``payload``, ``study`` and ``sequence`` are of the record that put it in, or in again, last; ``newest`` is its
    newest record. ``again`` is when it is due after a failed attempt; records from before they said so are not
    ``judged`` by it.
    """

    payload: AlertPayload
    study: str
    sequence: int
    newest: int
    state: str = "pending"
    attempts: int = 0
    first_attempt_at: str | None = None
    again: str | None = None
    last_error: str | None = None
    judged: bool = True

    @property
    def became(self) -> Mapping[str, object]:
        """Return the columns that say what became of it, when it is due aside."""
        return {
            "state": self.state,
            "attempts": self.attempts,
            "first_attempt_at": self.first_attempt_at,
            "last_error": self.last_error,
        }


@dataclass(slots=True)
class Messages:
    """What all records say of messages, by id; ``old_looks`` are looks from before messages were put on record."""

    expected: dict[str, Expected] = field(default_factory=dict)
    old_looks: set[int] = field(default_factory=set)

    def follow(self, record: Record) -> None:
        """Carry on over one more record."""
        if record.kind == Kind.LOOK and not self.expected and "at" not in record.read(LookPayload):
            self.old_looks.add(record.sequence)
        if record.kind not in BECAME:
            return
        payload = record.read(AlertPayload)
        name = payload.get("message", "")
        if name and record.kind == Kind.ALERT:
            self.expected[name] = Expected(payload, record.study, record.sequence, record.sequence)
        elif name in self.expected:
            self.expected[name] = _tried(self.expected[name], record, payload)


def _tried(known: Expected, record: Record, payload: AlertPayload) -> Expected:
    failed = record.kind != Kind.RECEIPT
    attempt = record.kind != Kind.DEAD_LETTER  # which follows the failed attempt that was the last
    return replace(
        known,
        newest=record.sequence,
        state=BECAME[record.kind],
        attempts=known.attempts + attempt,
        first_attempt_at=known.first_attempt_at or payload.get("at"),
        again=payload.get("again"),
        last_error=payload.get("detail") if failed else None,
        judged=record.kind != Kind.FAILED_DELIVERY or "again" in payload,
    )


def differences(connection: Connection, made: Messages, now: datetime) -> Iterator[str]:
    """Yield a sentence for each message that the outbox has otherwise, lacks, or has of its own; ``now`` is UTC."""
    missing = dict(made.expected)
    every = select(OUTBOX).order_by(OUTBOX.c.sequence).execution_options(yield_per=ROWS_AT_ONCE)
    for row in connection.execute(every):
        message = missing.pop(row.id, None)
        if message is None:
            if row.alert is not None or row.sequence not in made.old_looks:
                yield f"the outbox has a message that no record names: {row.id} (it names record {row.sequence})"
        elif other := "; ".join(_otherwise(row, message, now)):
            said = f"the outbox has otherwise what record {message.sequence} says of message {row.id}"
            yield f"{said}: {other}"
    for name, message in missing.items():
        yield f"the outbox lacks message {name}, which record {message.sequence} put in"


def mend(connection: Connection, made: Messages, now: datetime) -> None:
    """Write anew what became of each message and when it is due; who it is for is left to be named."""
    for row in connection.execute(select(OUTBOX)).all():
        message = made.expected.get(row.id)
        if message is not None and any(_otherwise(row, message, now)):
            freed = {**message.became, "next_attempt_at": message.again, "claimed_by": None}
            connection.execute(OUTBOX.update().where(OUTBOX.c.id == row.id).values(freed))


def _otherwise(row: Row[Any], message: Expected, now: datetime) -> Iterator[str]:
    """Yield what a row says otherwise than its records."""
    if row.state != message.state:
        yield _of_state(row, message)
    said = identity(message.study, message.sequence, message.payload)
    for name in changed(row, message.study, message.sequence, message.payload):
        if name == TEXT:
            yield "its text has another hash"
        else:
            yield f"{name} is {row._mapping[name]!a}, and {said[name]!a} by record {message.sequence}"
    for name, value in message.became.items():
        found = row._mapping[name]
        if name != "state" and (found or None) != (value or None):
            yield f"{name} is {found!a}, and {value!a} by record {message.newest}"
    yield from _put_off(row, message, now)


def _of_state(row: Row[Any], message: Expected) -> str:
    if row.state == "delivered":
        return f"it is marked delivered, and there is no receipt after record {message.newest}"
    if message.state == "delivered":
        return f"its state is {row.state!a}, though record {message.newest} is its receipt"
    return f"its state is {row.state!a}, and {message.state!r} by record {message.newest}"


def _put_off(row: Row[Any], message: Expected, now: datetime) -> Iterator[str]:
    """Yield that a message waits for longer than its records, or any process that tries it, explain."""
    if "claimed_by" in unreadable(row):
        yield "what claims it cannot be read"
        return
    due = row.next_attempt_at
    if due is None:
        return
    if row.claimed_by is None:
        if message.judged and due != message.again:
            yield f"it is put off until {due!a}, and due at {message.again or 'once'} by record {message.newest}"
        return
    until = moment(row, "next_attempt_at")
    held = until is not None and (until <= now + LONGEST_CLAIM or is_abandoned(row))
    if message.state != "pending" or not held:
        yield f"a claim that no process made holds it until {due!a}"


def few(others: Sequence[str], between: str = ". ") -> str:
    """Return the first of many sentences, and how many more there are."""
    more = [f"And {len(others) - MOST_NAMED:,} more"] if len(others) > MOST_NAMED else []
    return between.join([*others[:MOST_NAMED], *more])
