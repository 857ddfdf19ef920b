"""Read records from their table: all of them, the newest, and whether any is sealed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, select

from flows.ledger.chain import Head, Record
from flows.ledger.schema import RECORDS

ROWS_AT_ONCE: Final = 1000
"""Rows fetched together while a chain is verified: a few megabytes."""

ASKED_AT_ONCE: Final = 500
"""Records or messages in one question: SQLite takes 999 parameters by default in its older versions."""

LATELY: Final = 50
"""Records among which a seal is looked for: who puts in more without the key is found by the next verification."""


def record_of(row: Row[Any]) -> Record:
    """Return a record as it is stored."""
    # SQLite lets another hand store bytes where text was declared: as text they fail their hash and are named.
    text = {name: str(value) for name, value in row._mapping.items() if isinstance(value, str | bytes)}
    return Record(
        row.sequence,
        text["study"],
        text["kind"],
        text["payload"],
        text["previous_sha256"],
        text["sha256"],
        text.get("hmac"),
    )


def newest(connection: Connection, left_out: Collection[int]) -> Record | None:
    """Return the newest record, but for those that are left out of the chain."""
    wanted = select(RECORDS).order_by(RECORDS.c.sequence.desc()).limit(1)
    if left_out:
        wanted = wanted.where(RECORDS.c.sequence.not_in(left_out))
    row = connection.execute(wanted).first()
    return None if row is None else record_of(row)


def sealed_lately(connection: Connection) -> bool:
    """Whether one of the newest records is sealed: what was put in without the key does not hide that."""
    newest = select(RECORDS.c.hmac).order_by(RECORDS.c.sequence.desc()).limit(LATELY)
    return any(one is not None for one in connection.execute(newest).scalars())


def any_sealed(connection: Connection) -> bool:
    """Whether any record is sealed."""
    sealed = select(RECORDS.c.sequence).where(RECORDS.c.hmac.is_not(None)).limit(1)
    return connection.execute(sealed).first() is not None


def sealed_before(connection: Connection, sequence: int) -> bool:
    """Whether any record before one is sealed."""
    earlier = RECORDS.c.sequence < sequence
    sealed = select(RECORDS.c.sequence).where(RECORDS.c.hmac.is_not(None), earlier).limit(1)
    return connection.execute(sealed).first() is not None


def records_at(connection: Connection, sequences: Collection[int]) -> Mapping[int, Record]:
    """Return the records of some sequences, of those that there are."""
    return {row.sequence: record_of(row) for row in _at(connection, [RECORDS], sequences)}


def heads_at(connection: Connection, sequences: Collection[int]) -> frozenset[Head]:
    """Return the records of some sequences by place and hash, of those that there are."""
    rows = _at(connection, [RECORDS.c.sequence, RECORDS.c.sha256], sequences)
    return frozenset(Head(row.sequence, row.sha256) for row in rows)


def _at(
    connection: Connection, columns: Sequence[Table | Column[Any]], sequences: Collection[int]
) -> Iterator[Row[Any]]:
    asked = list(sequences)
    for place in range(0, len(asked), ASKED_AT_ONCE):
        some = RECORDS.c.sequence.in_(asked[place : place + ASKED_AT_ONCE])
        yield from connection.execute(select(*columns).where(some))


def stream(connection: Connection) -> Iterator[Record]:
    """Return every record, by sequence, a part at a time."""
    every = select(RECORDS).order_by(RECORDS.c.sequence).execution_options(yield_per=ROWS_AT_ONCE)
    return (record_of(row) for row in connection.execute(every))
