"""The ledger's tables as they are now, and how an older database is brought up to them with its chain intact.

The steps lie in ``migrations/versions`` and are taken by Alembic, in one transaction.
"""

from collections.abc import Callable
from pathlib import Path

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
    inspect,
    select,
)

from checks.errors import LedgerWriteError, UsageError
from flows.ledger.database import Database

VERSION_TABLE = "postdose_version"
"""Not Alembic's own name: Prefect's tables may lie in the same database and take that one."""

MIGRATIONS = Path(__file__).parent / "migrations"

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


def is_up_to_date(database: Database) -> bool | None:
    """Say whether a database has every step taken; None where there is no ledger in it. Nothing is changed."""
    with database.reading() as connection:
        if not inspect(connection).has_table(RECORDS.name):
            return None
        return _version(connection) == _newest()


def rehearse_tables(database: Database) -> None:
    """Make a table, and undo it: raises where a look could not make or change the ledger's."""
    table = Table("postdose_rehearsal", MetaData(), Column("number", Integer))
    with database.writing() as connection:
        table.create(connection)
        connection.rollback()


def bring_up_to_date(database: Database, *, must_exist: bool, then: Callable[[Connection], None]) -> None:
    """Make the tables, or take the steps that an older database lacks; one that is up to date is only read.

    What is done ``then``, in the same transaction, is done where a step was taken.

    Raises
    ------
    UsageError
        When a ledger must exist and there is none.
    LedgerWriteError
        When the database cannot be changed, or is newer than this code.
    """
    current = is_up_to_date(database)
    if current is None and must_exist:
        raise UsageError(f"--state: found no ledger in {database.shown}; allowed: the database of a ledger")
    if current:
        return
    with database.writing() as connection:
        _take_steps(connection, database.shown)
        then(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
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
        raise LedgerWriteError(f"{shown}: {type(error).__name__}: {error}") from error
