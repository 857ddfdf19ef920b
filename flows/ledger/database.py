"""Open the ledger's database and hold its transactions, many readers and one writer at a time, and turns of looks."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from checks.errors import LedgerWriteError, MissingLedgerError
from flows.files import create, make_folder

BUSY_SECONDS = 60
"""How long a writer waits for another; one transaction takes milliseconds, so a minute means a stuck one."""

CONNECT_SECONDS = 10
"""How long a server may take to answer before a look goes on without its ledger."""

WRITERS_LOCK = int.from_bytes(hashlib.sha256(b"postdose ledger").digest()[:8], signed=True)
"""The PostgreSQL advisory lock of writers: a lock on the table would need the right to change its records."""

ASK_WHETHER_THERE = (
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
"""A machine without power says nothing: after a minute of that the server ends its session, not after two hours."""

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """One database; its errors become ``LedgerWriteError``. They show no password, nor does ``shown``, its URL."""

    def __init__(self, url: str, *, must_exist: bool) -> None:
        self.shown = "the database URL"
        with self._said():
            parsed = _with_our_driver(_parsed(url))
            self.shown = parsed.render_as_string(hide_password=True)
            if parsed.get_backend_name() == "sqlite":
                _prepare_folder(parsed, must_exist=must_exist)
            self._engine = _engine(parsed)
            self._snapshots = _snapshots(self._engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one transaction that takes no lock against writers' beginning, and sees one state of the database."""
        with self._said(), self._snapshots.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold one transaction as the only writer; it is undone whole when anything in it fails."""
        with self._said(), self._engine.execution_options(writer=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(WRITERS_LOCK)))
            yield connection

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use it: SQLite is of one."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Hold one connection, without a transaction; how it ends is nobody's problem."""
        with self._said():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError):
                connection.close()
                self._engine.dispose()  # the session ends, rather than wait in the pool with what it locks

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise LedgerWriteError(f"{self.shown}: {error}; PostgreSQL needs postdose[postgresql]") from error
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            raise LedgerWriteError(f"{self.shown}: {type(cause).__name__}: {cause}") from error


@contextmanager
def turn_in_ledger(url: str, study: str) -> Iterator[Callable[[], bool]]:
    """Yield what tries to take the turn of a study's look, and says whether it is had; in SQLite it always is.

    Among all machines that share a ledger in PostgreSQL it is an advisory lock of a session. It ends with that, so
    with its process, and with a machine that is gone once the server has asked it in vain. A session that is lost
    meanwhile has lost its turn, and takes it again if it is asked to.

    Raises
    ------
    LedgerWriteError
        When the database cannot be reached.
    """
    database = Database(url, must_exist=False)
    if not database.is_shared:
        yield lambda: True
        return
    name = hashlib.sha256(f"postdose look\n{study}".encode()).digest()
    attempt = select(func.pg_try_advisory_lock(int.from_bytes(name[:8], signed=True)))
    with database.session() as session:
        for setting in ASK_WHETHER_THERE:
            session.execute(text(setting))

        def taken() -> bool:
            try:
                return bool(session.execute(attempt).scalar())
            except SQLAlchemyError:  # gone: the look goes on as where there is no ledger
                return True

        yield taken


TORN: Final = frozenset({"SQLITE_ERROR", "SQLITE_FORMAT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ"})
"""What SQLite calls a file that is none of its, is cut off, or lacks a table or a column; torn ones aside."""

LACKING: Final = ("XX001", "XX002", "42P01", "42703", "42701")
"""What PostgreSQL calls corrupted data, a corrupted index, and a table or column that is missing or there twice."""

MOST_PLACES: Final = 5
"""Places that are named of a torn file: the first ones tell where it begins."""


def damaged(error: LedgerWriteError) -> bool:
    """Say whether an error means a database that is torn or lacks a table, rather than one that cannot be reached."""
    cause = getattr(error.__cause__, "orig", None)
    named = str(getattr(cause, "sqlite_errorname", ""))
    torn = named.startswith("SQLITE_CORRUPT") or named in TORN or getattr(cause, "sqlstate", "") in LACKING
    return error.damage or torn or type(cause) is sqlite3.DatabaseError


def places_of_damage(connection: Connection) -> tuple[str, ...]:
    """Return where a SQLite file is not what its own checks say it should be; PostgreSQL has no such question."""
    if connection.dialect.name != "sqlite":
        return ()
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST_PLACES})").scalars().all()
    return tuple(line for said in found for line in str(said).splitlines() if line != "ok")


def cut_off(url: str) -> str | None:
    """Say after which byte a SQLite file is cut off, by what its header tells of its pages; None where it is not."""
    file = file_of(url)
    if file is None or not file.is_file():
        return None
    with file.open("rb") as opened:
        header = opened.read(HEADER)
    size = file.stat().st_size
    if len(header) < HEADER:
        return f"the file is cut off after byte {size}, within its header"
    page, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    whole = (1 << 16 if page == 1 else page) * pages
    return f"the file is cut off after byte {size:,} of {whole:,}" if size < whole else None


HEADER: Final = 100
"""Bytes of a SQLite file's header: the size of a page lies at byte 16, their number at 28 (its file format, 1.3)."""


def _parsed(url: str) -> URL:
    """Return what a database URL says; what cannot be read is not repeated, as it may hold a password.

    Raises
    ------
    LedgerWriteError
        When it is none.
    """
    try:
        return make_url(url)
    except (ValueError, SQLAlchemyError) as error:
        raise LedgerWriteError(
            "database URL: found a text that is none; allowed: as sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error


def _with_our_driver(url: URL) -> URL:
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise LedgerWriteError(f"database URL: found {backend}; allowed: {' or '.join(DRIVERS)}")
    return url.set(drivername=DRIVERS[backend])


def _prepare_folder(url: URL, *, must_exist: bool) -> None:
    file = _file(url)
    if file is None:
        return
    if must_exist and not file.is_file():
        raise MissingLedgerError(f"ledger: found no file {file}; allowed: the database of a ledger")
    make_folder(file.parent)


def _file(url: URL) -> Path | None:
    """Return the file of a database in SQLite that lies in one."""
    named = url.database
    return None if not named or named == ":memory:" or named.startswith("file:") else Path(named)


def folder_of(url: str) -> Path | None:
    """Return the folder of a SQLite file that a database URL names; None where it names none."""
    file = file_of(url)
    return None if file is None else file.parent


def file_of(url: str) -> Path | None:
    """Return the SQLite file that a database URL names; None where it names none."""
    try:
        parsed = _parsed(url)
    except LedgerWriteError:  # whoever opens it says so
        return None
    return _file(parsed) if parsed.get_backend_name() == "sqlite" else None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        told = {"connect_timeout": str(CONNECT_SECONDS), "options": f"-c lock_timeout={BUSY_SECONDS}s"}
        return create_engine(url.set(query={**told, **url.query}), hide_parameters=True)
    engine = create_engine(url.set(query={"timeout": str(BUSY_SECONDS), **url.query}), hide_parameters=True)

    @event.listens_for(engine, "do_connect")
    def _make_in_our_mode(*_asked: object) -> None:
        if (file := _file(url)) is not None:
            create(file)  # SQLite gives its journals the mode of the database

    @event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        # Text that is not UTF-8 was put in by another hand: it must be read to be named.
        connection.text_factory = _decode

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writer = connection.get_execution_options().get("writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def _snapshots(engine: Engine) -> Engine:
    """Return what sees one state throughout a transaction, as SQLite does by itself."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _decode(stored: bytes) -> str:
    return stored.decode(errors="replace")
