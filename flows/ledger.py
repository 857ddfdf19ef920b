"""Remember looks, verdicts, alerts and receipts: an append-only chain in one table, and the outbox beside it.

Each record carries the SHA-256 of its own content and of the record before it, so that a record changed,
removed or put in later breaks the chain at a place that can be named. The outbox is written in the same
transaction as the verdict that caused it: a message exists as soon as its verdict does.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from checks.errors import LedgerBrokenError, LedgerWriteError

GENESIS = "0" * 64
BUSY_SECONDS = 60

METADATA = MetaData()
RECORDS = Table(
    "ledger",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("study", String(64), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("sequence", Integer, ForeignKey("ledger.sequence"), nullable=False),
    Column("study", String(64), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of the chain."""

    sequence: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one channel, by its idempotency key."""

    id: str
    channel: str
    message: Mapping[str, Any]


class Ledger:
    """The record of one database; every method is one transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._engine = _engine(url)
            METADATA.create_all(self._engine)
        except (SQLAlchemyError, OSError, ImportError) as error:  # a driver may be missing
            raise LedgerWriteError(f"{_shown(url)}: {_reason(error)}") from error

    def last_look(self, study: str) -> Mapping[str, Any] | None:
        """Return the payload of the study's newest look, or None before the first."""
        newest = (
            select(RECORDS.c.payload)
            .where(RECORDS.c.study == study, RECORDS.c.kind == "look")
            .order_by(RECORDS.c.sequence.desc())
            .limit(1)
        )
        with self._reading() as connection:
            payload = connection.execute(newest).scalar()
        return None if payload is None else json.loads(payload)

    def record_look(self, study: str, payload: Mapping[str, Any], outgoing: Sequence[Outgoing]) -> Head:
        """Append a look and put its messages into the outbox, in one transaction."""
        with self._writing() as connection:
            head = _append(connection, study, "look", payload)
            for one in outgoing:
                connection.execute(
                    OUTBOX.insert().values(
                        id=one.id,
                        sequence=head.sequence,
                        study=study,
                        channel=one.channel,
                        message=canonical(one.message),
                        state="pending",
                        attempts=0,
                    )
                )
        return head

    def pending(self, study: str) -> tuple[Outgoing, ...]:
        """Return the study's messages that have not been delivered, oldest first."""
        waiting = (
            select(OUTBOX.c.id, OUTBOX.c.channel, OUTBOX.c.message)
            .where(OUTBOX.c.study == study, OUTBOX.c.state == "pending")
            .order_by(OUTBOX.c.sequence, OUTBOX.c.id)
        )
        with self._reading() as connection:
            rows = connection.execute(waiting).all()
        return tuple(Outgoing(row.id, row.channel, json.loads(row.message)) for row in rows)

    def record_delivery(self, study: str, outgoing_id: str, *, delivered: bool, detail: str) -> Head:
        """Append the receipt of one message, or the failed attempt, and mark it in the outbox."""
        with self._writing() as connection:
            connection.execute(
                OUTBOX.update()
                .where(OUTBOX.c.id == outgoing_id)
                .values(state="delivered" if delivered else "pending", attempts=OUTBOX.c.attempts + 1)
            )
            kind = "receipt" if delivered else "failed_delivery"
            return _append(connection, study, kind, {"message": outgoing_id, "detail": detail})

    def head(self) -> Head | None:
        """Return the newest record, or None in an empty ledger."""
        with self._reading() as connection:
            return _head(connection)

    def verify(self) -> int:
        """Return how many records the chain holds.

        Raises
        ------
        LedgerBrokenError
            Naming the first record that does not follow from those before it.
        """
        previous, count = GENESIS, 0
        with self._reading() as connection:
            for row in connection.execute(select(RECORDS).order_by(RECORDS.c.sequence)):
                count += 1
                sound = (
                    row.sequence == count
                    and row.previous_sha256 == previous
                    and row.sha256 == _digest(row.sequence, row.study, row.kind, row.payload, previous)
                )
                if not sound:
                    raise LedgerBrokenError(f"record {row.sequence} does not follow from record {count - 1}")
                previous = row.sha256
        return count

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LedgerWriteError(f"{_shown(self._url)}: {_reason(error)}") from error


def canonical(payload: Mapping[str, Any]) -> str:
    """Return the one text of a payload: sorted keys, no spaces, plain ASCII."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _append(connection: Connection, study: str, kind: str, payload: Mapping[str, Any]) -> Head:
    last = _head(connection) or Head(0, GENESIS)
    text = canonical(payload)
    head = Head(last.sequence + 1, _digest(last.sequence + 1, study, kind, text, last.sha256))
    connection.execute(
        RECORDS.insert().values(
            sequence=head.sequence,
            study=study,
            kind=kind,
            payload=text,
            previous_sha256=last.sha256,
            sha256=head.sha256,
        )
    )
    return head


def _head(connection: Connection) -> Head | None:
    newest = select(RECORDS.c.sequence, RECORDS.c.sha256).order_by(RECORDS.c.sequence.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else Head(row.sequence, row.sha256)


def _digest(sequence: int, study: str, kind: str, payload: str, previous: str) -> str:
    """Return the SHA-256 of a record, each part led by its length so that no two records read alike."""
    parts = (str(sequence), study, kind, payload, previous)
    return hashlib.sha256(
        b"".join(b"%d:%s" % (len(part.encode()), part.encode()) for part in parts)
    ).hexdigest()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _no_implicit_transaction(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _one_writer_at_a_time(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the database URL"


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}"
