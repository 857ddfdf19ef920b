"""Whether a look could use a database as its ledger: there, current, writable, whole; nothing is changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Integer, MetaData, Table

from checks.errors import UsageError
from flows.ledger.book import Ledger
from flows.ledger.chain import Head, Record
from flows.ledger.database import Database
from flows.ledger.outbox import Outgoing
from flows.ledger.schema import is_up_to_date

MOMENTS = ("at", "accessed_at", "data_cutoff")
"""The keys of a record's payload that say when it was made; of a look, the moment it looked at."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found: ``current`` is None without a ledger, False when steps are lacking; no more is then known.

    ``newest`` is the latest moment, in UTC, that any record names.
    """

    shown: str
    current: bool | None
    records: int = 0
    head: Head | None = None
    newest: datetime | None = None


def examine_ledger(url: str, *, key: bytes | None) -> Examination:
    """Try everything that a look needs of its ledger; every write is undone.

    Raises
    ------
    LedgerWriteError
        When the database cannot be reached, read or written, or the key is not the ledger's.
    LedgerBrokenError
        Naming the first bad record.
    """
    try:
        database = Database(url, must_exist=True)
    except UsageError:
        return Examination(url, None)  # a file that is not there has no password to hide
    current = is_up_to_date(database)
    if not current:
        _rehearse_tables(database)
        return Examination(database.shown, current)
    ledger = Ledger(url, key=key, must_exist=True)
    ledger.rehearse(Outgoing("rehearsal", "console:", {}))
    records = ledger.verify()
    moments = [moment for record in ledger.records() if (moment := _moment(record)) is not None]
    return Examination(database.shown, True, records, ledger.head(), max(moments, default=None))


def _rehearse_tables(database: Database) -> None:
    table = Table("postdose_rehearsal", MetaData(), Column("number", Integer))
    with database.writing() as connection:
        table.create(connection)
        connection.rollback()


def _moment(record: Record) -> datetime | None:
    payload = record.payload
    named = next((str(payload[key]) for key in MOMENTS if key in payload), None)
    return None if named is None else datetime.fromisoformat(named)
