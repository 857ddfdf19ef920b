"""A disk that is full, a database that is locked, read-only, closed or torn: said, and the chain stays sound."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledgers import caused, pending, tried
from sqlalchemy import Connection, create_engine, make_url, text

from checks.errors import LedgerBrokenError, LedgerWriteError
from flows.ledger import Kind, Ledger, Outgoing
from flows.ledger.database import WRITERS_LOCK

FILL_UP = """
import os, resource
from datetime import UTC, datetime
from checks.errors import LedgerWriteError
from flows.ledger import Entry, Kind, Ledger, Outgoing

ledger = Ledger(os.environ["STATE"])
size = os.path.getsize(os.environ["FILE"])
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, unlimited[1]))
written = 0
try:
    while written < 1_000:
        look = Entry(Kind.LOOK, {"note": "x" * 500}, (Outgoing(f"m-{written}", "file:outbox/", {}),))
        ledger.decide("S", lambda _seen: [look], now=datetime.now(UTC))
        written += 1
except LedgerWriteError as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
assert 0 < written < 1_000
assert ledger.verify() == 2 * written, "half a look was kept"
assert len(ledger.outbox.undelivered("S")) == written
ledger.record("S", Kind.REVIEW, {"note": "there is room again"})
assert ledger.verify() == 2 * written + 1
"""


def with_query(state_url: str, **query: str) -> str:
    url = make_url(state_url)
    return url.update_query_dict(query).render_as_string(hide_password=False)


def read_only(state_url: str) -> str:
    if state_url.startswith("sqlite"):
        file = make_url(state_url).database
        return f"sqlite:///file:{file}?mode=ro&uri=true"
    return with_query(state_url, options="-c default_transaction_read_only=on")


def impatient(state_url: str) -> str:
    if state_url.startswith("sqlite"):
        return with_query(state_url, timeout="0.2")
    return with_query(state_url, options="-c lock_timeout=200ms")


def write(ledger: Ledger) -> None:
    caused(ledger, {"verdict": "signal"}, [Outgoing("id-1", "file:outbox/", {})])


def test_a_full_disk_keeps_whole_looks_and_nothing_of_the_last(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    told = {**os.environ, "STATE": f"sqlite:///{file}", "FILE": str(file)}
    done = subprocess.run(
        [sys.executable, "-c", FILL_UP], env=told, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"LedgerWriteError sqlite:///{file}: OperationalError: ")


def test_a_read_only_database_is_verified_and_not_written(state_url: str) -> None:
    written = Ledger(state_url).record("S", Kind.LOOK, {})
    ledger = Ledger(read_only(state_url), must_exist=True)
    assert (ledger.verify(), ledger.head(), ledger.find(written.sha256)) == (1, written, written)
    with pytest.raises(LedgerWriteError, match=r"read-?only"):
        write(ledger)
    assert pending(Ledger(state_url), "S") == ()


def test_a_database_that_may_not_be_made_is_said(state_url: str) -> None:
    with pytest.raises(LedgerWriteError):
        Ledger(read_only(state_url))


@pytest.fixture
def another_writer(state_url: str) -> Iterator[Connection]:
    """Somebody who began to write and does not end."""
    Ledger(state_url).record("S", Kind.LOOK, {})
    engine = create_engine(state_url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"))
        yield connection
    engine.dispose()


def test_a_locked_database_is_read_and_is_given_up_after_the_waiting_time(
    another_writer: Connection, state_url: str
) -> None:
    ledger = Ledger(impatient(state_url))
    assert ledger.verify() == 1
    assert ledger.records("S", Kind.LOOK)[-1].payload == {}
    with pytest.raises(LedgerWriteError, match=r"locked|lock timeout"):
        write(ledger)
    another_writer.rollback()
    write(ledger)
    assert ledger.verify() == 3


def test_a_connection_that_was_ended_is_said_and_the_next_write_has_a_new_one(
    postgresql_database: str,
) -> None:
    ledger = Ledger(postgresql_database)
    write(ledger)
    engine = create_engine(postgresql_database)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    engine.dispose()
    with pytest.raises(LedgerWriteError, match="terminating connection"):
        ledger.record("S", Kind.LOOK, {})
    assert ledger.record("S", Kind.LOOK, {}).sequence == 3


ROLE_RIGHTS = (
    "GRANT SELECT, INSERT ON ledger TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON outbox, standings TO {role}",
    "GRANT SELECT, INSERT ON looks TO {role}",
    "GRANT SELECT ON postdose_version TO {role}",
)


@pytest.fixture
def roles(postgresql_database: str) -> Iterator[tuple[str, str]]:
    """The URLs of a role that may read and of one that may append."""
    Ledger(postgresql_database).record("S", Kind.LOOK, {})
    engine = create_engine(postgresql_database)
    database = make_url(postgresql_database).database
    reader, writer = f"reader_{database}", f"writer_{database}"
    with engine.begin() as connection:
        for role in (reader, writer):
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")
        for right in ROLE_RIGHTS:
            connection.exec_driver_sql(right.format(role=writer))
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")
    url = make_url(postgresql_database).set(password="hunter2")
    yield tuple(url.set(username=role).render_as_string(hide_password=False) for role in (reader, writer))
    with engine.begin() as connection:
        for role in (reader, writer):
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


def test_a_role_that_may_only_read_verifies_and_cannot_write(roles: tuple[str, str]) -> None:
    reader = Ledger(roles[0])
    assert reader.verify() == 1
    with pytest.raises(LedgerWriteError, match="permission denied") as caught:
        write(reader)
    assert "hunter2" not in str(caught.value)


def test_a_role_needs_no_right_to_change_records(roles: tuple[str, str]) -> None:
    writer = Ledger(roles[1])
    write(writer)
    tried(writer, "id-1", "taken", delivered=True)
    assert writer.verify() == 4
    engine = create_engine(roles[1])
    for forbidden in ("UPDATE ledger SET study = 'T'", "DROP TRIGGER ledger_append_only ON ledger"):
        with pytest.raises(Exception, match=r"permission denied|must be owner"), engine.begin() as connection:
            connection.exec_driver_sql(forbidden)
    engine.dispose()


@pytest.mark.parametrize("place", ["a folder", "below a file", "not a database"])
def test_what_cannot_be_a_database_is_said(tmp_path: Path, place: str) -> None:
    file = tmp_path / "protocol.yaml"
    file.write_text("study: S\n" * 200)
    wrong = {"a folder": tmp_path, "below a file": file / "state.sqlite", "not a database": file}[place]
    with pytest.raises(LedgerWriteError, match=str(wrong)):
        Ledger(f"sqlite:///{wrong}")
    assert file.read_text() == "study: S\n" * 200


@pytest.mark.parametrize(
    "value", ["x'7b7d'", "CAST(x'ff' AS TEXT)", "5"], ids=["bytes", "no UTF-8", "a number"]
)
def test_a_payload_of_another_type_is_named(tmp_path: Path, value: str) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    ledger = Ledger(url)
    for _ in range(3):
        ledger.record("S", Kind.LOOK, {})
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql(f"UPDATE ledger SET payload = {value} WHERE sequence = 2")
    with pytest.raises(LedgerBrokenError, match="record 2 was changed"):
        ledger.verify()


def test_a_torn_file_is_a_broken_ledger(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    ledger = Ledger(f"sqlite:///{file}")
    for _ in range(40):
        ledger.record("S", Kind.LOOK, {"note": "x" * 500})
    whole = file.read_bytes()
    with create_engine(f"sqlite:///{file}").connect() as connection:
        root = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'ledger'").scalar()
    start = (root - 1) * 4096  # SQLite's page size unless told; the root page of the records' table
    file.write_bytes(whole[:start] + b"\xff" * 64 + whole[start + 64 :])
    with pytest.raises(LedgerBrokenError, match="malformed"):
        Ledger(f"sqlite:///{file}").verify()
