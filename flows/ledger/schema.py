"""The ledger's tables as they are now, and how an older database is brought up to them with its chain intact.

The steps lie in ``migrations/versions`` and are taken by Alembic, in one transaction.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    select,
    text,
)

from checks.errors import LedgerWriteError, MissingLedgerError
from flows.ledger.append_only import guard, lost_guards
from flows.ledger.database import Database
from flows.ledger.foreign import foreign_parts

LOGGER = logging.getLogger("postdose")

VERSION_TABLE = "postdose_version"
"""Not Alembic's own name: Prefect's tables may lie in the same database and take that one."""

MIGRATIONS = Path(__file__).parent / "migrations"

COLUMNS: Final[Mapping[str, str]] = {
    "sqlite": "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p "
    "WHERE m.type = 'table' AND m.name IN :names",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name IN :names",
}
"""What tells the columns of some tables, by the database: one question at every opening."""

INDEXES: Final[Mapping[str, str]] = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name IN :names",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename IN :names",
}
"""What tells the indexes of some tables, likewise."""

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
    Column("hmac", String(64)),
    Index("ix_ledger_kind", "study", "kind", "sequence"),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("sequence", Integer, ForeignKey("ledger.sequence"), nullable=False),
    Column("study", String(64), nullable=False),
    Column("channel", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("alert", Text),
    Column("role", Text),
    Column("step", Integer),
    Column("first_attempt_at", String(20)),  # as text of one form: both databases order it alike
    Column("next_attempt_at", String(20)),
    Column("last_error", Text),
    Column("claimed_by", Text),
    Index("ix_outbox_study", "study", "state"),
)
STANDINGS = Table(
    "standings",
    METADATA,
    Column("study", String(64), primary_key=True),
    Column("document", Text, nullable=False),
)
LOOKS = Table(
    "looks",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("study", String(64), nullable=False),
    Column("data_cutoff", String(20), nullable=False),  # as text of one form, as in the outbox
    Index("ix_looks_study", "study", "data_cutoff", "sequence"),
)


_ONE_AT_A_TIME: Final = Lock()
"""Alembic keeps the migration under way in its modules: two threads would take each other's steps."""


def is_up_to_date(database: Database) -> bool | None:
    """Say whether a database has every step taken; None where there is no ledger in it. Nothing is changed.

    Raises
    ------
    LedgerWriteError
        When its tables are not those of its version.
    """
    with database.reading() as connection:
        return _is_up_to_date(connection, database.shown)


def spoilt_guards(database: Database) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which triggers of a ledger that is up to date are lost, and what is not ours. Nothing is changed."""
    with database.reading() as connection:
        return lost_guards(connection), foreign_parts(connection, METADATA.tables)


def rehearse_tables(database: Database) -> None:
    """Make a table, and undo it: raises where a look could not make or change the ledger's."""
    table = Table("postdose_rehearsal", MetaData(), Column("number", Integer))
    with database.writing() as connection:
        table.create(connection)
        connection.rollback()


def bring_up_to_date(database: Database, *, must_exist: bool, then: Callable[[Connection], None]) -> None:
    """Make the tables, or take the steps that an older database lacks; one that is up to date is only read.

    What is done ``then``, in the same transaction, is done where a step was taken. One process and one thread does
    so at a time. Triggers and indexes that somebody has taken away are made again.

    Raises
    ------
    MissingLedgerError
        When a ledger must exist and there is none.
    LedgerWriteError
        When the database cannot be changed, is newer than this code, or its tables are not those of its version.
    """
    with database.reading() as connection:
        current = _is_up_to_date(connection, database.shown)
        lost = lost_guards(connection) if current else ()
        foreign = foreign_parts(connection, METADATA.tables) if current else ()
        slow = _lost_indexes(connection) if current else ()
    if foreign:
        LOGGER.error(
            "The ledger's tables have %s, which are not ours and may change or refuse what is written",
            ", ".join(foreign),
        )
    if current is None and must_exist:
        raise MissingLedgerError(
            f"ledger: found no ledger in {database.shown}; allowed: the database of a ledger"
        )
    if not current:
        with _ONE_AT_A_TIME, database.writing() as connection:
            if not _is_up_to_date(connection, database.shown):  # nobody else has done it meanwhile
                _take_steps(connection, database.shown)
                then(connection)
    if lost:
        _guard_again(database, lost)
    if slow:
        _index_again(database, slow)


def _guard_again(database: Database, lost: tuple[str, ...]) -> None:
    """Make lost triggers again; where this account may not, the chain alone shows a change."""
    said = f"The ledger lacks {', '.join(lost)}, so that its records can be changed"
    try:
        with database.writing() as connection:
            guard(connection, lost_guards(connection))
    except LedgerWriteError as error:
        LOGGER.error("%s; they cannot be made again: %s", said, error)
        return
    LOGGER.error("%s; made again. Verify the ledger, and find out who took them away", said)


def _lost_indexes(connection: Connection) -> tuple[Index, ...]:
    asked = text(INDEXES[connection.dialect.name]).bindparams(bindparam("names", expanding=True))
    found = frozenset(connection.execute(asked, {"names": list(METADATA.tables)}).scalars())
    every = (index for table in METADATA.sorted_tables for index in table.indexes)
    return tuple(index for index in every if index.name not in found)


def _index_again(database: Database, lost: tuple[Index, ...]) -> None:
    """Make lost indexes again; where this account may not, everything is found, but slowly."""
    said = f"The ledger lacks {', '.join(str(one.name) for one in lost)}, so that it is slow"
    try:
        with database.writing() as connection:
            for index in _lost_indexes(connection):
                index.create(connection)
    except LedgerWriteError as error:
        LOGGER.error("%s; they cannot be made again: %s", said, error)
        return
    LOGGER.warning("%s; made again", said)


def _is_up_to_date(connection: Connection, shown: str) -> bool | None:
    found = _columns(connection)
    version = _version(connection) if VERSION_TABLE in found else None
    if RECORDS.name not in found and version is None:
        return None
    if version != _newest():
        return False
    lacking = [
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        if column.name not in found.get(table.name, ())
    ]
    if lacking:
        raise LedgerWriteError(
            f"{shown}: found a ledger of version {version} without {', '.join(lacking)}; "
            "allowed: one that is whole (restore it from a backup, or name an empty database)",
            damage=True,
        )
    return True


def _columns(connection: Connection) -> Mapping[str, frozenset[str]]:
    """Return the columns of the tables that are there, of ours and of the version, by table."""
    names = [*METADATA.tables, VERSION_TABLE]
    found: defaultdict[str, set[str]] = defaultdict(set)
    asked = text(COLUMNS[connection.dialect.name]).bindparams(bindparam("names", expanding=True))
    for table, column in connection.execute(asked, {"names": names}):
        found[table].add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _version(connection: Connection) -> str | None:
    kept = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))
    return connection.execute(select(kept.c.version_num)).scalar()


def _newest() -> str:
    """Return the newest step by the names of the files, ``v0004_attempts.py``: most ledgers need no step."""
    return max(file.stem[1:5] for file in (MIGRATIONS / "versions").glob("v*.py"))


def _take_steps(connection: Connection, shown: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        known = (
            _version(connection) or ""
        ).isdecimal()  # of a newer postdose, rather than written by another hand
        raise LedgerWriteError(f"{shown}: {type(error).__name__}: {error}", damage=not known) from error
