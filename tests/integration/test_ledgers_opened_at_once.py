"""Ledgers that several threads and processes make at once are whole; what one lacks is made again, or refused."""

import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from checks.errors import LedgerBrokenError, LedgerWriteError
from flows.ledger import Kind, Ledger

AT_ONCE = 4
CHANGE = "UPDATE ledger SET study = 'T' WHERE sequence = 1"


def open_all(urls: list[str]) -> None:
    for url in urls:
        Ledger(url).record("S", Kind.LOOK, {})


def assert_whole(url: str, records: int) -> None:
    assert Ledger(url, must_exist=True).verify() == records
    engine = create_engine(url)
    assert {"ledger", "outbox", "standings", "looks"} <= set(inspect(engine).get_table_names())
    with pytest.raises(DBAPIError, match="the ledger is append-only"), engine.begin() as connection:
        connection.exec_driver_sql(CHANGE)
    engine.dispose()


def test_threads_make_ledgers_of_their_own_at_once(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{number}.sqlite" for number in range(40)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(open_all, [[url] for url in urls]))
    for url in urls:
        assert_whole(url, records=1)


def test_processes_make_the_same_ledgers_at_once(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{number}.sqlite" for number in range(8)]
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as processes:
        list(processes.map(open_all, [urls] * AT_ONCE))
    for url in urls:
        assert_whole(url, records=AT_ONCE)


def test_threads_make_one_ledger_at_once(state_url: str) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(open_all, [[state_url]] * AT_ONCE))
    assert_whole(state_url, records=AT_ONCE)


def replace_guards(database: Engine) -> None:
    """Put guards in the place of ours that have their names and let everything pass."""
    with database.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RETURN NULL; END $$"
            )
        else:
            connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
            connection.exec_driver_sql(
                "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT 1; END"
            )


def drop_guards(database: Engine) -> None:
    with database.begin() as connection:
        lost = "ledger_append_only ON ledger"
        if connection.dialect.name == "sqlite":
            lost = "ledger_no_update"
        connection.exec_driver_sql(f"DROP TRIGGER {lost}")


def put_to_sleep(database: Engine) -> None:
    if database.dialect.name == "sqlite":  # which has no switch for a trigger
        drop_guards(database)
        return
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_append_only")


@pytest.mark.parametrize("take_away", [drop_guards, replace_guards, put_to_sleep])
def test_guards_that_were_taken_away_are_made_again_and_it_is_said(
    state_url: str, database: Engine, take_away: Callable[[Engine], None], caplog: pytest.LogCaptureFixture
) -> None:
    open_all([state_url])
    take_away(database)
    with database.begin() as connection:  # so it could be changed
        connection.exec_driver_sql("UPDATE ledger SET study = study WHERE sequence = 1")
    with caplog.at_level(logging.ERROR, logger="postdose"):
        Ledger(state_url)
    assert "so that its records can be changed" in caplog.text
    assert_whole(state_url, records=1)


def test_triggers_and_rules_of_another_hand_are_said_at_every_opening(
    state_url: str, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    open_all([state_url])
    made = "CREATE TRIGGER theirs BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END"
    if database.dialect.name == "postgresql":
        made = "CREATE RULE theirs AS ON INSERT TO outbox DO INSTEAD NOTHING"
    with database.begin() as connection:
        connection.exec_driver_sql(made)
    with caplog.at_level(logging.ERROR, logger="postdose"):
        Ledger(state_url)
    assert "have theirs, which are not ours" in caplog.text


FOREIGN_INDEXES = (
    "CREATE UNIQUE INDEX theirs ON outbox (study)",
    "CREATE UNIQUE INDEX theirs ON ledger (study, kind)",
    "CREATE UNIQUE INDEX theirs ON ledger (sequence) WHERE sequence > 1",
    "CREATE INDEX theirs ON ledger (abs(sequence))",
    "DROP INDEX ix_looks_study; CREATE UNIQUE INDEX ix_looks_study ON looks (study)",  # by the name of ours
)


def test_an_index_of_another_hand_is_named_whatever_its_name(state_url: str, database: Engine) -> None:
    ledger = Ledger(state_url)
    ledger.verify()
    for made in FOREIGN_INDEXES:
        with database.begin() as connection:
            for statement in made.split("; "):
                connection.exec_driver_sql(statement)
        name = "ix_looks_study" if "ix_looks" in made else "theirs"
        with pytest.raises(LedgerBrokenError, match=f"the database does by itself what is not ours: {name}$"):
            ledger.verify()
        with database.begin() as connection:
            connection.exec_driver_sql(f"DROP INDEX {name}")
    Ledger(state_url).verify()  # with its own index again


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("DROP TABLE outbox", "outbox.id"),
        ("DROP TABLE ledger", "ledger.sequence"),
        ("ALTER TABLE outbox DROP COLUMN last_error", "without outbox.last_error"),
    ],
)
def test_a_ledger_whose_tables_are_not_those_of_its_version_is_refused(
    state_url: str, database: Engine, harm: str, named: str
) -> None:
    open_all([state_url])
    with database.begin() as connection:
        if "TABLE ledger" in harm and connection.dialect.name == "postgresql":
            harm += " CASCADE"
        connection.exec_driver_sql(harm)
    with pytest.raises(LedgerWriteError, match="found a ledger of version 0007 without") as told:
        Ledger(state_url)
    assert named in str(told.value)
