"""Copy a ledger into another database, SQLite or PostgreSQL, record for record: the chain stays the same one."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from checks.errors import UsageError
from flows.ledger.database import Database
from flows.ledger.schema import OUTBOX, RECORDS


def copy_tables(source: Database, target: Database, *, then: Callable[[Connection], None]) -> int:
    """Copy every record, seal and message as it stands, in one transaction; return how many records.

    What is done ``then`` is done to the target, in that transaction. Nobody writes to the source meanwhile: it is
    held as by a writer.

    Raises
    ------
    UsageError
        When the target is the source, or holds a record or a message already.
    """
    if source.shown == target.shown:
        raise UsageError(f"--to: found {target.shown}, the ledger itself; allowed: another, empty database")
    with source.writing() as old, target.writing() as new:
        for table in (RECORDS, OUTBOX):
            if new.execute(select(table).limit(1)).first() is not None:
                raise UsageError(
                    f"--to: found a {table.name} with entries in {target.shown}; allowed: an empty one"
                )
        copied = 0
        for table in (RECORDS, OUTBOX):
            rows = [dict(row) for row in old.execute(select(table).order_by(*table.primary_key)).mappings()]
            if rows:
                new.execute(table.insert(), rows)
            copied += len(rows) if table is RECORDS else 0
        then(new)
    return copied
