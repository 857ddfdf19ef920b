"""A database from before there were migrations comes up to date with its chain intact."""

from typing import Any

import pytest
from ledgers import NOW, pending
from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import DBAPIError

from checks.errors import LedgerWriteError
from flows.ledger import Head, Kind, Ledger, Outgoing
from flows.ledger.schema import METADATA, VERSION_TABLE

# The tables and the three records that version 0.1.0 left, before there was a version table; its hashes.
FIRST_HASH = "bd7a9413d5c230acb3d518035a4503d083fe767e8715ace55e0ffea217650bdd"
SECOND_HASH = "09faea2a8832698f9f07758b09625445ba665f1321bdf574ab0a78d6f453b28f"
THIRD_HASH = "ab4c29393cb1ceb1e85f4da362291661a9a331c38b7cc94fe2aa139c1f0e5290"
LOOK = '{"protocol_sha256":"a1","verdict":"signal"}'
FAILED = '{"detail":"refus\\u00e9","message":"m-1"}'
FIRST_VERSION = (
    "CREATE TABLE ledger (sequence INTEGER NOT NULL, study VARCHAR(64) NOT NULL, kind VARCHAR(32) NOT NULL, "
    "payload TEXT NOT NULL, previous_sha256 VARCHAR(64) NOT NULL, sha256 VARCHAR(64) NOT NULL, "
    "PRIMARY KEY (sequence), UNIQUE (sha256))",
    "CREATE TABLE outbox (id VARCHAR(64) NOT NULL, sequence INTEGER NOT NULL, study VARCHAR(64) NOT NULL, "
    "channel TEXT NOT NULL, message TEXT NOT NULL, state VARCHAR(16) NOT NULL, attempts INTEGER NOT NULL, "
    "PRIMARY KEY (id), FOREIGN KEY(sequence) REFERENCES ledger (sequence))",
    "CREATE INDEX ix_ledger_study ON ledger (study)",
    "CREATE INDEX ix_outbox_study ON outbox (study)",
    f"INSERT INTO ledger VALUES (1, 'CYT107-IV', 'look', '{LOOK}', '{'0' * 64}', '{FIRST_HASH}')",
    f"INSERT INTO ledger VALUES (2, 'CYT107-IV', 'failed_delivery', '{FAILED}', '{FIRST_HASH}', '{SECOND_HASH}')",
    f"INSERT INTO ledger VALUES (3, 'CYT107-IV', 'look', '{LOOK}', '{SECOND_HASH}', '{THIRD_HASH}')",
    "INSERT INTO outbox VALUES "
    """('m-1', 1, 'CYT107-IV', 'file:outbox/', '{"subject":"postdose: signal"}', 'pending', 1)""",
)  # fmt: skip


@pytest.fixture
def first_version(database: Engine) -> Engine:
    with database.begin() as connection:
        for statement in FIRST_VERSION:
            connection.exec_driver_sql(statement)
    return database


def test_the_first_version_comes_up_to_date_with_its_chain_and_its_outbox(
    first_version: Engine, state_url: str
) -> None:
    ledger = Ledger(state_url)
    assert ledger.verify() == 3
    assert ledger.head() == Head(3, THIRD_HASH)
    assert ledger.records()[-1].payload == {"protocol_sha256": "a1", "verdict": "signal"}
    waiting = Outgoing("m-1", "file:outbox/", {"subject": "postdose: signal"})
    assert pending(ledger, "CYT107-IV") == (waiting,)
    look = ledger.record_look("CYT107-IV", {"protocol_sha256": "a2"}, decision=lambda _seen: (), now=NOW)
    assert look.sequence == 5
    assert [record.kind for record in ledger.records()][3:] == [Kind.PROTOCOL_CHANGE, Kind.LOOK]
    assert ledger.verify() == 5


def test_the_old_records_cannot_be_changed_from_then_on(first_version: Engine, state_url: str) -> None:
    Ledger(state_url)
    for change in ("UPDATE ledger SET study = 'T'", "DELETE FROM ledger WHERE sequence = 3"):
        with pytest.raises(DBAPIError, match="append-only"), first_version.begin() as connection:
            connection.exec_driver_sql(change)


def test_a_new_database_and_an_old_one_end_with_the_tables_that_are_declared(
    first_version: Engine, state_url: str
) -> None:
    Ledger(state_url)
    found = inspect(first_version)
    for table in METADATA.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
        indexed = {index["name"] for index in found.get_indexes(table.name) if not index["unique"]}
        assert indexed == {index.name for index in table.indexes}


def test_opening_again_changes_nothing(state_url: str, database: Engine) -> None:
    Ledger(state_url).record("S", Kind.LOOK, {})
    Ledger(state_url)
    with database.connect() as connection:
        versions = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalars().all()
    assert versions == ["0007"]
    assert Ledger(state_url).verify() == 1


PLANS = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


def test_records_of_one_kind_are_found_by_an_index_which_is_made_again_where_it_is_lost(
    state_url: str, database: Engine
) -> None:
    Ledger(state_url)
    with database.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_ledger_kind")
    ledger, asked = Ledger(state_url), []

    @event.listens_for(Engine, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, said: str, named: Any, *_others: object) -> None:
        if said.startswith("SELECT"):
            asked.append((said, named))

    ledger.records("S", Kind.DELIVERY)  # and, before it, which of them are quarantined
    event.remove(Engine, "before_cursor_execute", keep)
    assert len(asked) == 2
    database.dispose()  # a plan is made by the tables as the connection knows them
    with database.begin() as connection:
        if database.dialect.name == "postgresql":  # of an empty table any plan is good
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for said, named in asked:
            plan = connection.exec_driver_sql(PLANS[database.dialect.name] + said, named).all()
            assert "ix_ledger_kind" in str(plan)


def test_a_database_that_is_newer_than_the_code_is_left_alone(state_url: str, database: Engine) -> None:
    Ledger(state_url)
    with database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(LedgerWriteError, match="9999"):
        Ledger(state_url)


def test_a_migration_that_fails_leaves_the_database_as_it_was(first_version: Engine, state_url: str) -> None:
    with first_version.begin() as connection:  # the last step finds its column taken
        connection.exec_driver_sql("ALTER TABLE ledger ADD COLUMN hmac TEXT")
    with pytest.raises(LedgerWriteError, match="hmac"):
        Ledger(state_url)
    assert set(inspect(first_version).get_table_names()) == {"ledger", "outbox"}
    with first_version.begin() as connection:  # no trigger was left behind
        connection.exec_driver_sql("UPDATE ledger SET study = 'T' WHERE sequence = 3")
