"""The outbox on real databases: who is given a message when, what each attempt leaves, and the chain beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import UsageError
from flows.ledger import Kind, Ledger, Outgoing, Waiting

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
ABOUT = {"alert": "signal:three_cases", "role": "safety_physician", "step": 1}
FIRST = Outgoing("id-1", "env:POSTDOSE_A", {"subject": "é"}, "signal:three_cases", "safety_physician", 1)
SECOND = Outgoing("id-2", "console:", {"subject": "b"})


@pytest.fixture
def ledger(state_url: str) -> Ledger:
    ledger = Ledger(state_url)
    ledger.record_look("S", {"verdict": "signal"}, [FIRST])
    return ledger


def ids(waiting: tuple[Waiting, ...]) -> list[str]:
    return [one.outgoing.id for one in waiting]


def test_a_message_that_is_due_is_given_to_one_sender_until_its_claim_lapses(ledger: Ledger) -> None:
    assert ledger.claim_due("another study", NOW, until=LATER) == ()
    assert ledger.claim_due("S", NOW, until=LATER) == (Waiting(FIRST, 0, None, None, None),)
    assert ledger.claim_due("S", LATER - timedelta(seconds=1), until=LATER) == ()
    assert ids(ledger.claim_due("S", LATER, until=LATER + timedelta(minutes=2))) == ["id-1"]


def test_a_failed_attempt_is_remembered_and_the_message_due_when_told(ledger: Ledger) -> None:
    for minutes, again in ((0, LATER), (2, LATER + timedelta(hours=1))):
        at = NOW + timedelta(minutes=minutes)
        ledger.record_delivery("S", "id-1", delivered=False, detail="refused", at=at, next_attempt_at=again)
    due = LATER + timedelta(hours=1)
    assert ledger.undelivered("S") == (Waiting(FIRST, 2, NOW, due, "refused"),)
    assert ledger.claim_due("S", due - timedelta(seconds=1), until=due) == ()
    failed = ledger.records("S", Kind.FAILED_DELIVERY)[0].payload
    told = {"message": "id-1", "channel": "env:POSTDOSE_A", "detail": "refused", "at": "2026-03-01T02:00:00Z"}
    assert failed == {**told, **ABOUT}


def test_a_dead_letter_is_kept_and_may_wait_again(ledger: Ledger) -> None:
    ledger.record_dead_letter("S", "id-1", detail="no such mailbox", at=NOW)
    assert ledger.dead_letters("S") == (Waiting(FIRST, 1, NOW, None, "no such mailbox"),)
    assert (ledger.undelivered("S"), ledger.claim_due("S", LATER, until=LATER)) == ((), ())
    (dead,) = ledger.records("S", Kind.DEAD_LETTER)
    assert dead.payload == ledger.records("S", Kind.FAILED_DELIVERY)[0].payload

    ledger.requeue("S", "id-1", by="Dr. Ærø", at=LATER)
    assert ledger.dead_letters("S") == ()
    assert ledger.claim_due("S", LATER, until=LATER) == (Waiting(FIRST, 0, None, None, None),)
    put_in, again = (record.payload for record in ledger.records("S", Kind.ALERT))
    assert again == {**put_in, "resent_by": "Dr. Ærø", "at": "2026-03-01T02:02:00Z"}
    ledger.record_delivery("S", "id-1", delivered=True, detail="taken", at=LATER)
    assert ledger.undelivered("S") == ()
    assert ledger.verify() == 6


def test_any_record_may_cause_messages_and_they_come_in_its_order(ledger: Ledger) -> None:
    head = ledger.record("S", Kind.ESCALATION, {"alert": "signal:three_cases"}, [SECOND])
    assert (head, ids(ledger.undelivered("S"))) == (ledger.head(), ["id-1", "id-2"])
    kinds = [record.kind for record in ledger.records("S")]
    assert kinds == [Kind.LOOK, Kind.ALERT, Kind.ESCALATION, Kind.ALERT]


def test_a_message_that_is_not_there_is_said_and_nothing_is_recorded(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="'id-9'"):
        ledger.requeue("S", "id-9", by="Dr. Ærø", at=NOW)
    with pytest.raises(UsageError, match="'id-9'"):
        ledger.record_delivery("S", "id-9", delivered=True, detail="taken")
    assert ledger.verify() == 2
