"""The result of a query as a delivery: the bytes of one canonical CSV file.

The query runs in a read-only transaction that is rolled back. The same rows give the same bytes, so that a
delivery is known by its hash as a file is.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import URL, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from checks.errors import FeedError
from flows.feeds.records import plain_number

DRIVERS: Final[Mapping[str, str]] = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
"""The databases that are asked, each by the driver that comes with postdose."""

POSTGRESQL_OPTIONS: Final = {"connect_timeout": 10, "prepare_threshold": 0}
"""Ten seconds to answer before the feed counts as one that cannot be read. Every statement is prepared: that
refuses a query of several statements, of which the first could end the read-only transaction."""

LONGEST_REASON: Final = 200


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


def query_content(url: str, query: str, *, feed: str) -> bytes:
    """Return the result of one SQL statement as CSV: UTF-8, a header in upper case, the rows as it orders them.

    Numbers are without exponent, times in ISO 8601 (those with an offset in UTC), nothing stands for NULL.

    Raises
    ------
    FeedError
        Naming the feed, and what the database says of the query; never the URL or its password.
    """
    parsed = _understood(url, feed)
    try:
        names, rows = _fetched(parsed, query)
    except ImportError as error:
        raise FeedError(feed, f"that a driver is missing ({error})", "postdose[postgresql]") from error
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise FeedError(feed, f"that its query failed ({_reason(error, parsed)})", "rows") from None
    return _csv([name.upper() for name in names], rows, feed)


def _understood(url: str, feed: str) -> URL:
    """Return the URL with our driver; a SQLite file is opened to be read alone, and never made."""
    allowed = "the URL of a PostgreSQL or SQLite database, such as postgresql://user:password@host/name"
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS[parsed.get_backend_name()])
    except (SQLAlchemyError, ValueError, KeyError):
        raise FeedError(feed, "another database URL (not repeated here)", allowed) from None
    if parsed.drivername == "sqlite" and parsed.database:
        return parsed.set(database=f"file:{quote(parsed.database)}", query={"mode": "ro", "uri": "true"})
    return parsed


def _fetched(url: URL, query: str) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    options = {} if url.drivername == "sqlite" else POSTGRESQL_OPTIONS
    with create_engine(url, poolclass=NullPool, connect_args=options).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        # The colons of times and casts in a query are no parameters.
        result = connection.execute(text(query.replace(":", r"\:")))
        if not result.returns_rows:
            raise ValueError("it returns no rows: a SELECT is needed")
        names, rows = tuple(result.keys()), [tuple(row) for row in result]
        connection.rollback()
    return names, rows


def _reason(error: Exception, url: URL) -> str:
    """Return the first line of what went wrong, without the password."""
    cause = getattr(error, "orig", None) or error
    first = (str(cause).strip().splitlines() or [""])[0][:LONGEST_REASON]
    reason = f"{type(cause).__name__}: {first}"
    password = str(url.password or "")
    for secret in (password, quote(password, safe="")):
        reason = reason.replace(secret, "***") if secret else reason
    return reason


def _csv(names: Sequence[str], rows: Sequence[Sequence[object]], feed: str) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    for number, row in enumerate(rows, start=1):
        try:
            writer.writerow([_cell(value) for value in row])
        except TypeError as error:
            found = f"a value of type {error} in row {number}, which has no text form here"
            raise FeedError(feed, found, "text, numbers, dates, times and stamps") from error
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
