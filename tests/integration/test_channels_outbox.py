"""The outbox on real databases: who is given a message when, what each attempt leaves, and the chain beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledgers import caused, tried

from checks.errors import UsageError
from checks.stamps import stamp
from flows.ledger import Attempt, Kind, Ledger, Outgoing, Waiting, this_process

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
ABOUT = {"alert": "signal:three_cases", "role": "safety_physician", "step": 1}
FIRST = Outgoing("id-1", "env:POSTDOSE_A", {"subject": "é"}, "signal:three_cases", "safety_physician", 1)
SECOND = Outgoing("id-2", "console:", {"subject": "b"})


@pytest.fixture
def ledger(state_url: str) -> Ledger:
    ledger = Ledger(state_url)
    caused(ledger, {"verdict": "signal"}, [FIRST])
    return ledger


def ids(waiting: tuple[Waiting, ...]) -> list[str]:
    return [one.outgoing.id for one in waiting]


def test_a_message_that_is_due_is_given_to_one_sender_until_its_claim_lapses(ledger: Ledger) -> None:
    assert ledger.outbox.claim_due("another study", NOW, by="", until=LATER) == ()
    assert ledger.outbox.claim_due("S", NOW, by="", until=LATER) == (Waiting(FIRST, 0, None, None, None),)
    assert ledger.outbox.claim_due("S", LATER - timedelta(seconds=1), by="", until=LATER) == ()
    assert ids(ledger.outbox.claim_due("S", LATER, by="", until=LATER + timedelta(minutes=2))) == ["id-1"]


@pytest.fixture
def another() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate(timeout=30)


def named(process: subprocess.Popen[bytes]) -> str:
    """Name another process of this machine as it would name itself (proc(5): field 22, the name being one word)."""
    space = this_process().split()[0]
    began = Path(f"/proc/{process.pid}/stat").read_text().split()[21]
    return f"{space} {process.pid} {began}"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not name its processes")
def test_what_a_process_had_claimed_is_due_once_it_has_ended(
    ledger: Ledger, another: subprocess.Popen[bytes]
) -> None:
    soon = NOW + timedelta(seconds=1)
    assert ids(ledger.outbox.claim_due("S", NOW, until=LATER, by=named(another))) == ["id-1"]
    assert ledger.outbox.claim_due("S", soon, until=LATER, by=this_process()) == ()
    assert [one.next_attempt_at for one in ledger.outbox.undelivered("S")] == [LATER]
    another.kill()
    os.waitid(
        os.P_PID, another.pid, os.WEXITED | os.WNOWAIT
    )  # it has ended, and nobody has asked for its status
    assert [one.next_attempt_at for one in ledger.outbox.undelivered("S")] == [None]
    assert ids(ledger.outbox.claim_due("S", soon, until=LATER, by=this_process())) == ["id-1"]
    assert ledger.outbox.claim_due("S", soon, by="", until=LATER) == ()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not name its processes")
@pytest.mark.parametrize(
    ("by", "free"),
    [
        ("{space} {ended} 1", True),
        ("{space} {own} 1", True),  # a later process of the same id
        ("{space} {own} {began}", False),
        ("another/boot/of-a-machine {ended} 1", False),
        ("{space} not-a-number 1", True),  # no process: what cannot be read is no claim
        ("", False),
    ],
)
def test_a_claim_lapses_early_only_where_its_process_is_known_to_have_ended_or_never_was(
    tmp_path: Path, by: str, free: bool
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    caused(ledger, {}, [SECOND])
    space, own, began = this_process().split()
    ended = subprocess.Popen(["true"])
    ended.wait(30)
    by = by.format(space=space, own=own, began=began, ended=ended.pid)
    ledger.outbox.claim_due("S", NOW, until=LATER, by=by)
    assert bool(ledger.outbox.claim_due("S", NOW, by="", until=LATER)) == free


def test_messages_given_back_are_due_at_once_and_only_those_asked_for_are_claimed(ledger: Ledger) -> None:
    caused(ledger, {}, [SECOND], Kind.ESCALATION)
    assert ids(ledger.outbox.claim_due("S", NOW, by="", until=LATER, only=["id-2"])) == ["id-2"]
    assert ids(ledger.outbox.claim_due("S", NOW, by="", until=LATER)) == ["id-1"]
    ledger.outbox.give_back(["id-2"])
    assert ids(ledger.outbox.claim_due("S", NOW, by="", until=LATER)) == ["id-2"]


def test_attempts_are_kept_together_and_counted(ledger: Ledger) -> None:
    caused(ledger, {}, [SECOND], Kind.REVIEW)
    assert ledger.outbox.count_waiting("S") == (0, 2)
    with pytest.raises(UsageError, match="'id-9'"):
        ledger.record_attempts("S", [Attempt("id-1", "delivered", "x"), Attempt("id-9", "dead", "x")], at=NOW)
    assert ledger.outbox.count_waiting("S") == (0, 2)
    tried = [Attempt("id-1", "delivered", "taken"), Attempt("id-2", "pending", "refused", LATER)]
    ledger.record_attempts("S", tried, at=NOW)
    assert ledger.outbox.count_waiting("S") == (1, 0)
    kinds = [record.kind for record in ledger.records("S")][-2:]
    assert (kinds, ledger.verify()) == ([Kind.RECEIPT, Kind.FAILED_DELIVERY], 6)


def test_a_failed_attempt_is_remembered_and_the_message_due_when_told(ledger: Ledger) -> None:
    for minutes, again in ((0, LATER), (2, LATER + timedelta(hours=1))):
        at = NOW + timedelta(minutes=minutes)
        tried(ledger, "id-1", "refused", delivered=False, at=at, again=again)
    due = LATER + timedelta(hours=1)
    assert ledger.outbox.undelivered("S") == (Waiting(FIRST, 2, NOW, due, "refused"),)
    assert ledger.outbox.claim_due("S", due - timedelta(seconds=1), by="", until=due) == ()
    failed = ledger.records("S", Kind.FAILED_DELIVERY)[0].payload
    told = {"message": "id-1", "channel": "env:POSTDOSE_A", "detail": "refused", "at": "2026-03-01T02:00:00Z"}
    assert failed == {**told, **ABOUT, "again": stamp(LATER)}


def test_a_dead_letter_is_kept_and_may_wait_again(ledger: Ledger) -> None:
    ledger.record_attempts("S", [Attempt("id-1", "dead", "no such mailbox")], at=NOW)
    assert ledger.outbox.dead_letters("S") == (Waiting(FIRST, 1, NOW, None, "no such mailbox"),)
    assert (ledger.outbox.undelivered("S"), ledger.outbox.claim_due("S", LATER, by="", until=LATER)) == (
        (),
        (),
    )
    (dead,) = ledger.records("S", Kind.DEAD_LETTER)
    assert dead.payload == ledger.records("S", Kind.FAILED_DELIVERY)[0].payload

    ledger.requeue("S", "id-1", by="Dr. Ærø", at=LATER)
    assert ledger.outbox.dead_letters("S") == ()
    assert ledger.outbox.claim_due("S", LATER, by="", until=LATER) == (Waiting(FIRST, 0, None, None, None),)
    put_in, again = (record.payload for record in ledger.records("S", Kind.ALERT))
    assert again == {**put_in, "resent_by": "Dr. Ærø", "at": "2026-03-01T02:02:00Z"}
    tried(ledger, "id-1", "taken", delivered=True, at=LATER)
    assert ledger.outbox.undelivered("S") == ()
    assert ledger.verify() == 6


def test_any_record_may_cause_messages_and_they_come_in_its_order(ledger: Ledger) -> None:
    head = caused(ledger, {"alert": "signal:three_cases"}, [SECOND], Kind.ESCALATION)
    assert (head, ids(ledger.outbox.undelivered("S"))) == (ledger.head(), ["id-1", "id-2"])
    kinds = [record.kind for record in ledger.records("S")]
    assert kinds == [Kind.LOOK, Kind.ALERT, Kind.ESCALATION, Kind.ALERT]


def test_a_message_that_is_not_there_is_said_and_nothing_is_recorded(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="'id-9'"):
        ledger.requeue("S", "id-9", by="Dr. Ærø", at=NOW)
    with pytest.raises(UsageError, match="'id-9'"):
        tried(ledger, "id-9", "taken", delivered=True)
    assert ledger.verify() == 2
