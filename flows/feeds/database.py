"""The result of a query as a delivery: the bytes of one canonical CSV file.

The query runs in a read-only transaction that is rolled back. The same rows give the same bytes, so that a
delivery is known by its hash as a file is.
"""

import csv
import io
import os
import socket
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from checks.errors import FeedError, FeedTooLargeError
from checks.protocol.limits import Limits
from flows.feeds.content import USUAL
from flows.feeds.records import plain_number

DRIVERS: Final[Mapping[str, str]] = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
"""The databases that are asked, each by the driver that comes with postdose."""

POSTGRESQL_OPTIONS: Final = {"connect_timeout": 10, "prepare_threshold": 0}
"""Ten seconds to answer before the feed counts as one that cannot be read. Every statement is prepared: that
refuses a query of several statements, of which the first could end the read-only transaction."""

MOST_BYTES: Final = 1 << 30
"""Characters of an answer, which is held in memory: 8.6 million vital signs as CSV are .6 GB."""

LONGEST_VALUE: Final = 1 << 27
"""Bytes of one value of SQLite: what a field of a CSV file may have."""

PATIENCE: Final = 10.0
"""Seconds that a database has beyond its own time limit to say that it passed."""

SQLITE_STEPS: Final = 10_000
"""Instructions of its virtual machine between two looks at the clock: less than a millisecond."""

SQLITE_READS: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
"""What a query of SQLite may do: no ATTACH, no PRAGMA, nothing that writes."""


def database_url(variable: str, addresses: Mapping[str, str], *, feed: str) -> str:
    """Return the URL of the database that a protocol names by an environment variable, for ``feed`` in messages.

    Raises
    ------
    FeedError
        When the variable is not set.
    """
    url = addresses.get(variable, "").strip()
    if not url:
        raise FeedError(feed, f"no value of the environment variable {variable}", "the URL of a database")
    return url


def query_content(url: str, query: str, *, feed: str, limits: Limits = USUAL) -> bytes:
    """Return the result of one SQL statement as CSV: UTF-8, a header in upper case, the rows as it orders them.

    Numbers are without exponent, times in ISO 8601 (those with an offset in UTC), nothing stands for NULL. What a
    query may read is what its account may: of SQLite its own file alone.

    Raises
    ------
    FeedError
        Naming the feed, and what kind of failure the database tells; never its words, the URL or its password.
    FeedTooLargeError
        When the answer is larger than it may be, or takes longer.
    """
    parsed = _understood(url, feed)
    try:
        return _answer(parsed, query, feed, limits)
    except ImportError as error:
        raise FeedError(
            feed, f"that a driver is missing ({type(error).__name__})", "postdose[postgresql]"
        ) from error
    except (SQLAlchemyError, OSError, ValueError, OverflowError) as error:
        raise FeedError(feed, f"that its query failed ({_reason(error)})", "rows") from None


def _understood(url: str, feed: str) -> URL:
    """Return the URL with our driver; a SQLite file is opened to be read alone, and never made."""
    allowed = "the URL of a PostgreSQL or SQLite database, such as postgresql://user:password@host/name"
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS[parsed.get_backend_name()])
    except (SQLAlchemyError, ValueError, KeyError):
        raise FeedError(feed, "another database URL (not repeated here)", allowed) from None
    if parsed.drivername == "sqlite" and parsed.database:
        if Path(parsed.database).exists() and not Path(parsed.database).is_file():
            raise FeedError(feed, "no regular file as its database", "a SQLite file")
        return parsed.set(database=f"file:{quote(parsed.database)}", query={"mode": "ro", "uri": "true"})
    return parsed


def _answer(url: URL, query: str, feed: str, limits: Limits) -> bytes:
    """Ask in a transaction that is rolled back, a part of the rows at a time."""
    options = {} if url.drivername == "sqlite" else POSTGRESQL_OPTIONS
    until = monotonic() + limits.max_read_seconds
    with create_engine(url, poolclass=NullPool, connect_args=options).connect() as connection:
        with _bounded(connection, limits.max_read_seconds, until):
            # The colons of times and casts in a query are no parameters.
            statement = text(query.replace(":", r"\:"))
            result = connection.execution_options(stream_results=True).execute(statement)
            if not result.returns_rows:
                raise ValueError("it returns no rows: a SELECT is needed")
            answer = _csv([name.upper() for name in tuple(result.keys())], result, feed, limits, until)
        connection.rollback()
    return answer


@contextmanager
def _bounded(connection: Connection, seconds: float, until: float) -> Iterator[None]:
    """Let a connection read alone, and for so long: by the database's own means, then by ours."""
    raw = connection.connection.dbapi_connection
    if raw is None:
        raise ValueError("no connection")
    if connection.dialect.name == "sqlite":
        raw.execute("PRAGMA trusted_schema = OFF")
        raw.set_progress_handler(lambda: int(monotonic() > until), SQLITE_STEPS)
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        raw.set_authorizer(_sqlite_may)
        yield
        return
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {setting} = {max(1, int(1000 * seconds))}")
    # a server, or a network, that says nothing any more
    line = socket.socket(fileno=os.dup(raw.pgconn.socket))
    watch = threading.Timer(seconds + PATIENCE, partial(line.shutdown, socket.SHUT_RDWR))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        line.close()


def _sqlite_may(action: int, first: str | None, second: str | None, _: str | None, __: str | None) -> int:
    """Let a statement of SQLite read tables and call functions, but for the one that loads code; nothing else."""
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in ("load_extension", "fts3_tokenizer"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in SQLITE_READS else sqlite3.SQLITE_DENY


def _reason(error: Exception) -> str:
    """Return the kind of what went wrong, and its code where the database gives one: its words may quote a value."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return type(cause).__name__ + (f" {code}" if isinstance(code, str) else "")


def _csv(
    names: Sequence[str], rows: Iterable[Sequence[object]], feed: str, limits: Limits, until: float
) -> bytes:
    """Return the rows as CSV, as long as they are not too many and do not come too slowly."""
    most = min(limits.max_unpacked_bytes, MOST_BYTES)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    for number, row in enumerate(rows, start=1):
        try:
            writer.writerow([_cell(value) for value in row])
        except TypeError as error:
            found = f"a value of type {error} in row {number}, which has no text form here"
            raise FeedError(feed, found, "text, numbers, dates, times and stamps") from error
        if written.tell() > most:
            raise FeedTooLargeError(feed, f"an answer of more than {most:,} bytes", "a query of fewer rows")
        if monotonic() > until:
            found = f"that its query takes longer than {limits.max_read_seconds:g} s"
            raise FeedTooLargeError(feed, found, "at most `limits.max_read_seconds`")
    return written.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str | UUID):
        return str(value)
    if isinstance(value, float | Decimal):
        return plain_number(str(value)) if value == value else ""  # noqa: PLR0124 - NaN differs from itself
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()  # the session's own zone would change the bytes
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(type(value).__name__)
