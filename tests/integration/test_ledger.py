"""The ledger on real databases, SQLite and PostgreSQL: one chain, append-only, and every change noticed."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ledgers import NOW, caused, pending, tried
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DBAPIError

from checks.errors import LedgerBrokenError, LedgerWriteError, UsageError
from flows.ledger import Entry, Head, Kind, Ledger, Outgoing, Seen, canonical
from flows.ledger.chain import digest, verified

MESSAGE = Outgoing("id-1", "file:outbox/", {"subject": "postdose: signal in study S"})
KEY = b"a key of the study team, 32 bytes or more"
TRIGGERS = {
    "sqlite": [f"DROP TRIGGER ledger_no_{what}" for what in ("update", "delete", "replace")],
    "postgresql": ["DROP TRIGGER ledger_append_only ON ledger"],
}


@pytest.fixture
def ledger(state_url: str) -> Ledger:
    return Ledger(state_url)


def run(database: Engine, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def tamper(database: Engine, *statements: str) -> None:
    run(database, *TRIGGERS[database.dialect.name], *statements)


def fill(ledger: Ledger, records: int = 4) -> list[Head]:
    return [ledger.record("S", Kind.LOOK, {"note": f"look {place}"}) for place in range(1, records + 1)]


def test_an_empty_ledger_has_no_head_and_verifies(ledger: Ledger) -> None:
    assert ledger.head() is None
    assert ledger.verify() == 0
    assert ledger.newest_look("S", datetime(2026, 3, 2, tzinfo=UTC)) is None
    assert ledger.records() == ()


def test_a_look_and_its_messages_are_remembered_together(ledger: Ledger) -> None:
    head = caused(ledger, {"verdict": "signal"}, [MESSAGE])
    assert (head.sequence, ledger.head()) == (2, head)
    assert ledger.records("S", Kind.LOOK)[-1].payload == {"verdict": "signal"}
    assert pending(ledger, "S") == (MESSAGE,)
    assert pending(ledger, "another study") == ()


def test_the_chain_knows_each_message_by_its_hash(ledger: Ledger) -> None:
    caused(ledger, {"verdict": "signal"}, [MESSAGE])
    look, alert = ledger.records()
    assert (look.kind, alert.kind) == (Kind.LOOK, Kind.ALERT)
    hashed = hashlib.sha256(b'{"subject":"postdose: signal in study S"}').hexdigest()
    assert alert.payload == {"message": "id-1", "channel": "file:outbox/", "message_sha256": hashed}


def test_a_message_that_cannot_be_queued_takes_its_look_with_it(ledger: Ledger) -> None:
    head = caused(ledger, {"verdict": "signal"}, [MESSAGE])
    with pytest.raises(LedgerWriteError):
        caused(ledger, {"verdict": "watch"}, [MESSAGE])  # the same idempotency key again
    assert [look.payload for look in ledger.records("S", Kind.LOOK)] == [{"verdict": "signal"}]
    assert ledger.head() == head
    assert ledger.verify() == 2


def test_a_receipt_ends_the_waiting_and_a_failure_does_not(ledger: Ledger) -> None:
    caused(ledger, {"verdict": "signal"}, [MESSAGE])
    tried(ledger, "id-1", "refused", delivered=False)
    assert pending(ledger, "S") == (MESSAGE,)
    tried(ledger, "id-1", "written", delivered=True)
    assert pending(ledger, "S") == ()
    kinds = [record.kind for record in ledger.records("S")]
    assert kinds == [Kind.LOOK, Kind.ALERT, Kind.FAILED_DELIVERY, Kind.RECEIPT]
    assert ledger.verify() == 4


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_recorded_and_found_again(ledger: Ledger, kind: Kind) -> None:
    ledger.record("T", Kind.REVIEW, {})
    head = ledger.record("S", kind, {"by": "Dr. Ærø", "reason": 'a "quoted" one:\nwith \\ and \x00'})
    (found,) = ledger.records("S", kind)
    assert (found.head, found.study, found.kind) == (head, "S", kind)
    assert found.payload == {"by": "Dr. Ærø", "reason": 'a "quoted" one:\nwith \\ and \x00'}
    assert ledger.records("S", next(other for other in Kind if other is not kind)) == ()
    assert [one.head for one in verified(ledger.records(), key=None)][1:] == [head]


def test_a_change_of_protocol_is_recorded_before_the_look_that_first_uses_it(ledger: Ledger) -> None:
    def nothing(_seen: Seen) -> tuple[Entry, ...]:
        return ()

    ledger.record_look("S", {"protocol_sha256": "aa", "reason": "the first"}, decision=nothing, now=NOW)
    ledger.record_look("S", {"protocol_sha256": "aa", "reason": "scheduled"}, decision=nothing, now=NOW)
    ledger.record_look("T", {"protocol_sha256": "bb", "reason": "another study"}, decision=nothing, now=NOW)
    ledger.record_look("S", {"protocol_sha256": "cc", "reason": "amendment 2"}, decision=nothing, now=NOW)
    kinds = [(record.study, record.kind) for record in ledger.records()]
    assert kinds == [("S", "look"), ("S", "look"), ("T", "look"), ("S", "protocol_change"), ("S", "look")]
    (change,) = ledger.records(kind=Kind.PROTOCOL_CHANGE)
    assert change.payload == {"from": "aa", "to": "cc", "reason": "amendment 2"}


REFUSED = {
    "update": "UPDATE ledger SET study = 'T' WHERE sequence = 2",
    "delete": "DELETE FROM ledger WHERE sequence = 2",
    "delete all": "DELETE FROM ledger",
}
REFUSED_BY = {
    "sqlite": {
        **REFUSED,
        "replace, by sequence": "INSERT OR REPLACE INTO ledger VALUES (2, 'S', 'look', '{}', '', 'ff', NULL)",
        "replace, by hash": "REPLACE INTO ledger SELECT 9, 'S', 'look', '{}', '', sha256, NULL FROM ledger "
        "WHERE sequence = 2",
    },
    "postgresql": {
        **REFUSED,
        "truncate": "TRUNCATE ledger CASCADE",
        "upsert": "INSERT INTO ledger SELECT * FROM ledger WHERE sequence = 2 "
        "ON CONFLICT (sequence) DO UPDATE SET study = 'T'",
        "as a replica": "SET session_replication_role = replica; DELETE FROM ledger",
    },
}


@pytest.mark.parametrize(
    ("state_url", "how"),
    [(backend, how) for backend, refused in REFUSED_BY.items() for how in refused],
    indirect=["state_url"],
)
def test_the_database_refuses_to_change_a_record(ledger: Ledger, database: Engine, how: str) -> None:
    fill(ledger, 3)
    with pytest.raises(DBAPIError, match="the ledger is append-only"):
        run(database, REFUSED_BY[database.dialect.name][how])
    assert ledger.verify() == 3


TAMPERING = {
    "edited": (
        ["UPDATE ledger SET payload = replace(payload, 'look 2', 'look X') WHERE sequence = 2"],
        "record 2 was changed",
    ),
    "moved to another study": (["UPDATE ledger SET study = 'T' WHERE sequence = 2"], "record 2 was changed"),
    "given another kind": (["UPDATE ledger SET kind = 'review' WHERE sequence = 2"], "record 2 was changed"),
    "rehashed alone": (
        ["UPDATE ledger SET sha256 = 'f' || substr(sha256, 2) WHERE sequence = 2"],
        "record 2 was changed",
    ),
    "deleted": (["DELETE FROM ledger WHERE sequence = 2"], "record 2 is missing"),
    "deleted from the start": (["DELETE FROM ledger WHERE sequence = 1"], "record 1 is missing"),
    "deleted and renumbered": (
        [
            "DELETE FROM ledger WHERE sequence = 2",
            "UPDATE ledger SET sequence = 2 WHERE sequence = 3",
            "UPDATE ledger SET sequence = 3 WHERE sequence = 4",
        ],
        "record 2 does not follow from record 1",
    ),
    "reordered": (
        [
            "UPDATE ledger SET sequence = -2 WHERE sequence = 2",
            "UPDATE ledger SET sequence = 2 WHERE sequence = 3",
            "UPDATE ledger SET sequence = 3 WHERE sequence = -2",
        ],
        "record 2 does not follow from record 1",
    ),
    "put in before": (
        ["INSERT INTO ledger SELECT 0, 'S', 'look', '{}', '', 'ff', NULL FROM ledger WHERE sequence = 1"],
        "record 0 was put in",
    ),
    "put in after": (
        ["INSERT INTO ledger SELECT 5, 'S', 'look', '{}', sha256, 'ff', NULL FROM ledger WHERE sequence = 4"],
        "record 5 was changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_named(ledger: Ledger, database: Engine, how: str) -> None:
    fill(ledger)
    statements, said = TAMPERING[how]
    tamper(database, *statements)
    with pytest.raises(LedgerBrokenError, match=said):
        ledger.verify()


def test_a_record_put_between_with_every_hash_right_does_not_fit_what_follows(
    ledger: Ledger, database: Engine
) -> None:
    heads = fill(ledger)
    forged = digest(3, "S", "look", "{}", heads[1].sha256)
    tamper(
        database,
        "UPDATE ledger SET sequence = 5 WHERE sequence = 4",
        "UPDATE ledger SET sequence = 4 WHERE sequence = 3",
        f"INSERT INTO ledger VALUES (3, 'S', 'look', '{{}}', '{heads[1].sha256}', '{forged}', NULL)",
    )
    with pytest.raises(LedgerBrokenError, match="record 4 does not follow from record 3"):
        ledger.verify()


def test_records_cut_off_the_end_are_noticed_by_a_head_that_is_known(
    ledger: Ledger, database: Engine
) -> None:
    heads = fill(ledger)
    tamper(database, "DELETE FROM ledger WHERE sequence = 4")
    with pytest.raises(LedgerBrokenError, match="the projection of study S has otherwise: head"):
        ledger.verify()
    ledger.rebuild()  # as whoever cut it off can, too
    assert ledger.verify() == 3
    with pytest.raises(LedgerBrokenError, match=rf"no record has the hash {heads[3].sha256} \(record 3 is"):
        ledger.find(heads[3].sha256)
    assert ledger.find(heads[1].sha256) == heads[1]


def forge_whole(database: Engine, seal: str | None) -> None:
    """Write a chain of the same length anew, without the key: every hash is right."""
    previous, statements = "0" * 64, ["DELETE FROM ledger"]
    for sequence in range(1, 4):
        text = canonical({"note": "quiet"})
        sha256 = digest(sequence, "S", "look", text, previous)
        sealed = "NULL" if seal is None else f"'{seal}'"
        statements.append(
            f"INSERT INTO ledger VALUES ({sequence}, 'S', 'look', '{text}', '{previous}', '{sha256}', {sealed})"
        )
        previous = sha256
    tamper(database, *statements)


@pytest.mark.parametrize("seal", [None, "f" * 64])
def test_a_chain_rewritten_whole_is_noticed_by_the_key_and_by_a_known_head(
    state_url: str, database: Engine, seal: str | None
) -> None:
    sealed = Ledger(state_url, key=KEY)
    head = fill(sealed, 3)[-1]
    assert sealed.verify() == 3
    forge_whole(database, seal)
    with pytest.raises(LedgerBrokenError, match="the projection of study S has otherwise: head"):
        Ledger(state_url).verify()
    Ledger(state_url).rebuild()  # as whoever forged it can, too
    assert Ledger(state_url).verify() == 3  # it fits in itself
    with pytest.raises(LedgerBrokenError, match="record 1"):
        sealed.verify()
    with pytest.raises(LedgerBrokenError, match="no record has the hash"):
        sealed.find(head.sha256)


def test_a_ledger_can_be_sealed_from_some_record_on(state_url: str, ledger: Ledger) -> None:
    fill(ledger, 2)
    sealed = Ledger(state_url, key=KEY)
    fill(sealed, 1)
    assert [record.hmac is None for record in sealed.records()] == [True, True, False]
    assert sealed.verify() == 3


@pytest.mark.parametrize(
    ("key", "said"), [(None, "is sealed with a key, and none was given"), (b"k" * 32, "with another key")]
)
def test_a_sealed_ledger_is_written_with_its_key_alone(state_url: str, key: bytes | None, said: str) -> None:
    sealed = Ledger(state_url, key=KEY)
    fill(sealed, 1)
    with pytest.raises(LedgerWriteError, match=f"record 1 .*{said}"):
        fill(Ledger(state_url, key=key), 1)
    assert sealed.verify() == 1


def test_a_record_slipped_in_without_the_key_is_not_vouched_for_by_the_next(
    state_url: str, database: Engine
) -> None:
    sealed = Ledger(state_url, key=KEY)
    head = fill(sealed, 1)[0]
    forged = digest(2, "S", "look", "{}", head.sha256)
    run(
        database,
        f"INSERT INTO ledger VALUES (2, 'S', 'look', '{{}}', '{head.sha256}', '{forged}', NULL)",
    )
    with pytest.raises(LedgerBrokenError, match="record 2 carries no seal"):
        sealed.verify()
    with pytest.raises(LedgerWriteError, match="record 2 carries no seal"):
        fill(sealed, 1)


def test_a_ledger_that_must_exist_is_not_made(state_url: str, database: Engine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found no") as caught:
        Ledger(state_url, must_exist=True)
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "state.sqlite").exists()
    assert inspect(database).get_table_names() == []


@pytest.mark.parametrize("backend", ["postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_a_database_that_cannot_be_reached_is_said_without_its_password(backend: str) -> None:
    with pytest.raises(LedgerWriteError, match="watch") as caught:
        Ledger(f"{backend}://watch:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(LedgerWriteError, match="found mysql; allowed: sqlite or postgresql"):
        Ledger("mysql://127.0.0.1/none")
