"""A ledger moves from SQLite to PostgreSQL and back: the same chain, the same seals, the same waiting messages."""

from pathlib import Path

import pytest
from ledgers import caused, pending, tried
from sqlalchemy import create_engine

from checks.errors import LedgerBrokenError, UsageError
from flows.ledger import Kind, Ledger, Outgoing

KEY = b"a key of the study team, 32 bytes or more"
MESSAGES = [Outgoing(f"id-{place}", "file:outbox/", {"subject": "signal: é"}) for place in (1, 2)]


def filled(url: str) -> Ledger:
    ledger = Ledger(url, key=KEY)
    caused(ledger, {"verdict": "signal"}, MESSAGES)
    tried(ledger, "id-1", "taken", delivered=True)
    return ledger


def test_a_ledger_moves_to_another_database_and_goes_on_there(state_url: str, tmp_path: Path) -> None:
    old = filled(f"sqlite:///{tmp_path / 'old.sqlite'}")
    head = old.copy_to(state_url)
    moved = Ledger(state_url, key=KEY)
    assert head == old.head() == moved.head()
    assert moved.records() == old.records()
    assert pending(moved, "S") == (MESSAGES[1],)
    tried(moved, "id-2", "taken", delivered=True)
    assert moved.verify() == 5
    assert (old.verify(), pending(old, "S")) == (4, (MESSAGES[1],))

    moved.copy_to(f"sqlite:///{tmp_path / 'back.sqlite'}")
    assert Ledger(f"sqlite:///{tmp_path / 'back.sqlite'}", key=KEY).records() == moved.records()


def test_a_ledger_is_not_copied_over_another(state_url: str, tmp_path: Path) -> None:
    old = filled(f"sqlite:///{tmp_path / 'old.sqlite'}")
    other = Ledger(state_url)
    other.record("T", Kind.REVIEW, {})
    with pytest.raises(UsageError, match="found a ledger with entries"):
        old.copy_to(state_url)
    assert [record.study for record in other.records()] == ["T"]
    with pytest.raises(UsageError, match="the ledger itself"):
        other.copy_to(state_url)


def test_a_broken_ledger_is_not_copied(state_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    old = filled(url)
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql("UPDATE ledger SET payload = '{}' WHERE sequence = 2")
    with pytest.raises(LedgerBrokenError, match="record 2 was changed"):
        old.copy_to(state_url)
    assert Ledger(state_url).records() == ()
