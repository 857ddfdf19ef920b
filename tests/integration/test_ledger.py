"""The ledger on a real SQLite file: one chain, appended under one writer at a time, and every change noticed."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from checks.errors import LedgerBrokenError, LedgerWriteError
from flows.ledger import Ledger, Outgoing

MESSAGE = Outgoing("id-1", "file:outbox/", {"subject": "postdose: signal in study S"})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def ledger(database: Path) -> Ledger:
    return Ledger(f"sqlite:///{database}")


def test_an_empty_ledger_has_no_head_and_verifies(ledger: Ledger) -> None:
    assert ledger.head() is None
    assert ledger.verify() == 0
    assert ledger.last_look("S") is None


def test_a_look_and_its_messages_are_remembered_together(ledger: Ledger) -> None:
    head = ledger.record_look("S", {"verdict": "signal"}, [MESSAGE])
    assert (head.sequence, ledger.head()) == (1, head)
    assert ledger.last_look("S") == {"verdict": "signal"}
    assert ledger.pending("S") == (MESSAGE,)
    assert ledger.pending("another study") == ()


def test_a_message_that_cannot_be_queued_takes_its_look_with_it(ledger: Ledger) -> None:
    ledger.record_look("S", {"verdict": "signal"}, [MESSAGE])
    with pytest.raises(LedgerWriteError):
        ledger.record_look("S", {"verdict": "watch"}, [MESSAGE])  # the same idempotency key again
    assert ledger.last_look("S") == {"verdict": "signal"}
    assert ledger.verify() == 1


def test_a_receipt_ends_the_waiting_and_a_failure_does_not(ledger: Ledger) -> None:
    ledger.record_look("S", {"verdict": "signal"}, [MESSAGE])
    ledger.record_delivery("S", "id-1", delivered=False, detail="refused")
    assert ledger.pending("S") == (MESSAGE,)
    ledger.record_delivery("S", "id-1", delivered=True, detail="written")
    assert ledger.pending("S") == ()
    assert ledger.verify() == 3


TAMPERING = {
    "edited": "UPDATE ledger SET payload = replace(payload, 'look 2', 'look X') WHERE sequence = 2",
    "deleted": "DELETE FROM ledger WHERE sequence = 2",
    "reordered": "UPDATE ledger SET sequence = -sequence WHERE sequence IN (2, 3)",
    "moved to another study": "UPDATE ledger SET study = 'T' WHERE sequence = 2",
    "rehashed alone": "UPDATE ledger SET sha256 = 'f' || substr(sha256, 2) WHERE sequence = 2",
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_named(ledger: Ledger, database: Path, how: str) -> None:
    for number in (1, 2, 3):
        ledger.record_look("S", {"note": f"look {number}"}, [])
    with sqlite3.connect(database) as connection:
        connection.execute(TAMPERING[how])
    with pytest.raises(LedgerBrokenError, match=r"record -?\d"):
        ledger.verify()


def test_two_processes_write_one_chain(database: Path, ledger: Ledger) -> None:
    script = (
        "import sys; from flows.ledger import Ledger\n"
        f"ledger = Ledger('sqlite:///{database}')\n"
        "for number in range(40): ledger.record_look(sys.argv[1], {'number': number}, [])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, name]) for name in ("A", "B")]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert ledger.verify() == 80


def test_a_database_that_cannot_be_opened_is_said_without_its_password() -> None:
    with pytest.raises(LedgerWriteError, match="watch") as caught:
        Ledger("postgresql+asyncpg://watch:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
