"""The outbox is held against the records both ways: what another hand changed in it is named, with its record."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledgers import LOOKED, caused
from sqlalchemy import Engine, create_engine

from checks.errors import LedgerBrokenError, LedgerWriteError, UsageError
from checks.stamps import stamp
from flows.alerts import send_due
from flows.ledger import OUTBOX_CHANGED, Attempt, Entry, Kind, Ledger, Outgoing, this_process
from flows.ledger.chain import stored
from flows.ledger.outbox import Chained
from flows.ledger.schema import OUTBOX, RECORDS

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(minutes=5)
ABOUT = {"alert": "a1", "role": "safety_physician", "step": 0}
MESSAGES = [
    Outgoing(name, "file:outbox/", {"subject": f"postdose: {name}"}, **ABOUT)
    for name in ("taken", "refused", "untried", "dead")
]
"""Put in by records 2, 3, 4 and 5, behind the look that caused them; 6 to 9 say what became of three of them."""


@pytest.fixture
def ledger(state_url: str) -> Ledger:
    ledger = Ledger(state_url)
    caused(ledger, {"at": stamp(NOW), "verdict": "signal"}, MESSAGES)
    tried = [
        Attempt("taken", "delivered", "written"),
        Attempt("refused", "pending", "503", LATER),
        Attempt("dead", "dead", "no such mailbox"),
    ]
    ledger.record_attempts("S", tried, at=NOW)
    return ledger


def run(database: Engine, statement: str) -> None:
    with database.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount


MENDED = {
    "marked delivered": ("state = 'delivered' WHERE id = 'untried'", "record 4 .*no receipt after record 4"),
    "marked delivered after it was refused": (
        "state = 'delivered' WHERE id = 'refused'",
        "record 3 .*no receipt after record 7",
    ),
    "marked delivered though given up": ("state = 'delivered' WHERE id = 'dead'", "record 5 .*after record 9"),
    "marked dead": ("state = 'dead' WHERE id = 'untried'", "record 4 .*'dead', and 'pending' by record 4"),
    "of a state that is none": ("state = 'asleep' WHERE id = 'untried'", "'asleep', and 'pending'"),
    "to be sent again": ("state = 'pending' WHERE id = 'taken'", "'pending', though record 6 is its receipt"),
    "more attempts": ("attempts = 7 WHERE id = 'refused'", "record 3 .*attempts is 7, and 1 by record 7"),
    "fewer attempts": ("attempts = 0 WHERE id = 'refused'", "attempts is 0, and 1 by record 7"),
    "first tried long ago": ("first_attempt_at = '2020-01-01T00:00:00Z' WHERE id = 'refused'", "first_attempt_at"),
    "another problem": ("last_error = 'fine' WHERE id = 'refused'", "last_error is 'fine', and '503' by record 7"),
    "put off": ("next_attempt_at = '2999-01-01T00:00:00Z' WHERE id = 'refused'", "put off until .*record 7"),
    "put off before it was tried": ("next_attempt_at = '2999-01-01T00:00:00Z' WHERE id = 'untried'", "due at once"),
    "put off by a minute": (
        f"next_attempt_at = '{stamp(LATER + timedelta(minutes=1))}' WHERE id = 'refused'",
        "put off",
    ),
    "no moment": ("next_attempt_at = 'never' WHERE id = 'untried'", "put off until 'never'"),
    "a claim that never ends": (
        "next_attempt_at = '2999-01-01T00:00:00Z', claimed_by = 'x 1 1' WHERE id = 'untried'",
        "record 4 .*claim that no process made holds it until '2999",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", MENDED)
def test_what_follows_from_the_records_is_named_and_written_anew(
    ledger: Ledger, database: Engine, how: str
) -> None:
    assert ledger.verify() == 9
    changed, said = MENDED[how]
    run(database, f"UPDATE outbox SET {changed}")
    with pytest.raises(
        LedgerBrokenError, match=f"outbox has otherwise what record [2-5] says.*{said}|{said}"
    ):
        ledger.verify()
    ledger.rebuild()
    assert ledger.verify() == 9


INSERTED = (
    "INSERT INTO outbox (id, sequence, study, channel, message, state, attempts, alert, role, step) "
    "VALUES ('forged', {record}, 'S', 'file:outbox/', '{{}}', '{state}', 0, {alert}, NULL, 0)"
)
UPDATE = "UPDATE outbox SET {} WHERE id = '{}'"
NAMED = {
    "another channel": (UPDATE.format("channel = 'file:else/'", "untried"), "record 4 .*channel is 'file:else/'"),
    "another channel of one that was sent": (UPDATE.format("channel = 'x'", "taken"), "record 2 .*channel is 'x'"),
    "another role": (UPDATE.format("role = 'nobody'", "untried"), "role is 'nobody', and 'safety_physician'"),
    "another alert": (UPDATE.format("alert = 'b2'", "untried"), "alert is 'b2', and 'a1' by record 4"),
    "another step": (UPDATE.format("step = 3", "untried"), "step is 3, and 0 by record 4"),
    "another study": (UPDATE.format("study = 'T'", "untried"), "study is 'T', and 'S' by record 4"),
    "another record": (UPDATE.format("sequence = 1", "untried"), "sequence is 1, and 4 by record 4"),
    "edited": ("UPDATE outbox SET message = replace(message, 'untried', 'quiet')", "record 4 .*its text"),
    "emptied": (UPDATE.format("message = ''", "taken"), "record 2 .*its text has another hash"),
    "deleted": ("DELETE FROM outbox WHERE id = 'untried'", "lacks message untried, which record 4 put in"),
    "deleted after it was sent": ("DELETE FROM outbox WHERE id = 'taken'", "lacks message taken, which record 2"),
    "all deleted": ("DELETE FROM outbox", "lacks message taken.*lacks message refused.*lacks .*record 5"),
    "renamed": (UPDATE.format("id = 'x'", "untried"), "no record names: x.*lacks message untried"),
    "added": (INSERTED.format(record=9, state="pending", alert="'a1'"), "no record names: forged"),
    "added, as of the first record": (
        INSERTED.format(record=1, state="pending", alert="NULL"),
        r"no record names: forged \(it names record 1\)",
    ),
    "added as delivered": (INSERTED.format(record=2, state="delivered", alert="NULL"), "names: forged"),
}  # fmt: skip


@pytest.mark.parametrize("how", NAMED)
def test_what_no_record_can_give_back_is_named(ledger: Ledger, database: Engine, how: str) -> None:
    statement, said = NAMED[how]
    run(database, statement)
    with pytest.raises(LedgerBrokenError, match=said):
        ledger.verify()


def test_a_message_without_any_message_on_record_is_named(state_url: str, database: Engine) -> None:
    ledger = Ledger(state_url)
    caused(ledger, {"at": stamp(NOW), "verdict": "no_signal"})
    run(database, INSERTED.format(record=1, state="pending", alert="NULL"))
    with pytest.raises(LedgerBrokenError, match="no record names: forged"):
        ledger.verify()


def test_what_is_claimed_given_back_or_sent_again_is_as_the_records_say(ledger: Ledger) -> None:
    claim = {"until": LATER + timedelta(minutes=2), "by": this_process()}
    assert len(ledger.outbox.claim_due("S", LATER, **claim)) == 2
    assert ledger.verify() == 9
    ledger.outbox.give_back(["untried", "refused"])
    assert ledger.verify() == 9
    ledger.requeue("S", "dead", by="Dr A", at=NOW)
    assert ledger.verify() == 10
    ledger.record_attempts("S", [Attempt("dead", "pending", "503")], at=NOW)
    assert ledger.verify() == 11


@pytest.mark.skipif(not this_process(), reason="the system does not name processes")
def test_a_claim_whose_process_has_ended_keeps_the_message_from_nobody(ledger: Ledger) -> None:
    space, _, _ = this_process().rsplit(" ", 2)
    claim = {"until": NOW + timedelta(days=400), "by": f"{space} 4194304 1"}  # above the greatest process id
    assert len(ledger.outbox.claim_due("S", LATER, **claim)) == 2
    assert ledger.verify() == 9
    assert ledger.outbox.is_due("S", NOW)


@pytest.mark.parametrize("changed", ["message = '[1]'", "message = '{'"])
def test_a_message_that_cannot_be_read_keeps_no_other_from_being_sent(
    ledger: Ledger, database: Engine, changed: str
) -> None:
    run(database, f"UPDATE outbox SET {changed} WHERE id = 'untried'")
    assert "of record 4, which has another" in ledger.seen("S", NOW).faults[OUTBOX_CHANGED]
    claimed = ledger.outbox.claim_due("S", LATER, until=LATER + timedelta(minutes=2), by=this_process())
    assert [one.outgoing.id for one in claimed] == ["refused"]
    assert not ledger.outbox.is_due("S", LATER)


@pytest.mark.parametrize("changed", ["next_attempt_at = '0'", "first_attempt_at = 'x'"])
def test_a_message_of_which_it_cannot_be_read_when_it_was_tried_is_named_and_sent(
    ledger: Ledger, database: Engine, changed: str
) -> None:
    run(database, f"UPDATE outbox SET {changed} WHERE id = 'untried'")
    said = f"of record 4, which has no {changed.partition(' ')[0]} that can be read: it is due"
    assert said in ledger.seen("S", NOW).faults[OUTBOX_CHANGED]
    claimed = ledger.outbox.claim_due("S", LATER, until=LATER + timedelta(minutes=2), by=this_process())
    assert [one.outgoing.id for one in claimed] == ["refused", "untried"]
    ledger.record_attempts("S", [Attempt("untried", "delivered", "written")], at=LATER)
    assert ledger.verify() == 10


SPACE = this_process().partition(" ")[0]

ODD = [
    *(
        "NULL",
        "''",
        "'x'",
        "'{'",
        "x''",
        "x'ff'",
        "x'00ff'",
        "CAST(x'ff' AS TEXT)",
        "'[' || hex(zeroblob(9999))",
    ),
    *("7", "-7", "9223372036854775807", "-9223372036854775808", "1e300", "9e999", "0.5", f"'{'9' * 5000}'"),
    *("'2026-12-01'", "'2026-12-01T00:00:00'", "'0001-01-01T00:00:00+14:00'", "'9999-12-31T23:59:59-14:00'"),
    *(f"'{SPACE} {number} 1'" for number in ("9" * 30, "9" * 5000, "-1", "0", "x", "")),
]
"""Whatever another hand may put in a column, in SQL."""

COLUMNS = [column.name for column in OUTBOX.columns]

TOLD_ALL_THE_SAME = ("attempts", "first_attempt_at", "next_attempt_at", "last_error")
"""Columns of which a message's record says nothing when it is put in."""


def is_sent(column: str, odd: str) -> bool:
    """Whether a message is: not one that its record has otherwise, nor one that another machine holds for a while."""
    if odd == "NULL" and not OUTBOX.c[column].nullable:  # which the database refuses
        return True
    if column == "claimed_by":
        return odd == "NULL" or odd.startswith("x'") or (SPACE != "" and SPACE in odd)
    return column in TOLD_ALL_THE_SAME


def test_whatever_a_row_holds_keeps_no_other_message_from_being_sent(tmp_path: Path) -> None:
    url, soon = f"sqlite:///{tmp_path / 'state.sqlite'}", stamp(LATER + timedelta(minutes=30))
    cells = {f"{name} {place}": (name, odd) for name in COLUMNS for place, odd in enumerate(ODD)}
    ledger = Ledger(url)
    about = {**ABOUT, "step": 1}
    queued = [Outgoing(name, "file:outbox/", {"subject": name}, **about) for name in ("plain", *cells)]
    caused(ledger, {"at": stamp(NOW), "verdict": "signal"}, queued)
    with create_engine(url).begin() as connection:
        for name, (column, odd) in cells.items():
            held = f", next_attempt_at = '{soon}'" if column == "claimed_by" and odd != "NULL" else ""
            change = f"UPDATE OR IGNORE outbox SET {column} = {odd}{held}"
            connection.exec_driver_sql(f"{change} WHERE id = ?", (name,))
    assert ledger.outbox.dead_letters("S") == ()
    assert (
        len(ledger.outbox.undelivered("S")) == ledger.outbox.count_waiting("S")[1] + 1
    )  # attempts are 7 of one
    assert OUTBOX_CHANGED in ledger.seen("S", NOW).faults
    with pytest.raises(LedgerBrokenError, match=r"And .* more"):
        ledger.verify()
    due = {one.outgoing.id for one in ledger.outbox.due("S", LATER)}
    sent = send_due(ledger, "S", LATER, folder=tmp_path, addresses={})
    assert due == set(sent.delivered)
    assert due == {"plain", *(name for name, (column, odd) in cells.items() if is_sent(column, odd))}
    assert (sent.problem, ledger.outbox.is_due("S", LATER)) == (None, False)
    written = [json.loads(file.read_text())["subject"] for file in (tmp_path / "outbox").iterdir()]
    assert sorted(written) == sorted(due)


CHANGES = "CREATE TRIGGER x AFTER {} BEGIN UPDATE outbox SET {}; END"
TRIGGERS = {
    "deletes it": "CREATE TRIGGER x AFTER INSERT ON outbox BEGIN DELETE FROM outbox; END",
    "does not put it in": "CREATE TRIGGER x BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END",
    "marks it delivered": CHANGES.format("INSERT ON outbox", "state = 'delivered'"),
    "puts it off": CHANGES.format("INSERT ON outbox", f"next_attempt_at = '{stamp(LATER)}'"),
    "claims it": CHANGES.format("INSERT ON outbox", "claimed_by = 'x'"),
    "changes what it says": CHANGES.format("INSERT ON outbox", "message = '{}'"),
    "marks it once the look is in": CHANGES.format("INSERT ON looks", "state = 'delivered'"),
}


@pytest.mark.parametrize("how", TRIGGERS)
def test_a_look_whose_messages_the_database_changes_is_not_on_record_so_that_it_is_told_past_it(
    tmp_path: Path, how: str
) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    ledger = Ledger(url)
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql(TRIGGERS[how])
    look = {"at": stamp(NOW), "data_cutoff": stamp(NOW), "verdict": "signal"}
    with pytest.raises(LedgerWriteError, match="changes by itself what is put in the outbox"):
        caused(ledger, {**LOOKED, **look}, MESSAGES)
    assert ledger.records() == ()
    assert caused(ledger, {**LOOKED, **look}).sequence == 1


AT_THE_END = (
    "CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE outbox SET state = 'delivered'; "
    "RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
    "EXECUTE FUNCTION x()",
)


def test_what_postgresql_changes_at_the_end_of_the_transaction_is_not_on_record_either(
    postgresql_database: str,
) -> None:
    ledger = Ledger(postgresql_database)
    with create_engine(postgresql_database).begin() as connection:
        for statement in AT_THE_END:
            connection.exec_driver_sql(statement)
    with pytest.raises(LedgerWriteError, match="changes by itself what is put in the outbox"):
        caused(ledger, {"at": stamp(NOW), "verdict": "signal"}, MESSAGES)
    assert ledger.records() == ()


UNTRUE = (
    *("another channel", "another role", "another alert", "another step", "another study", "another record"),
    *("edited", "renamed", "added", "added, as of the first record"),
)  # fmt: skip


@pytest.mark.parametrize("how", UNTRUE)
def test_what_its_record_does_not_vouch_for_is_not_sent_and_told(
    ledger: Ledger, database: Engine, how: str
) -> None:
    run(database, NAMED[how][0])
    for study in ("S", "T"):
        claimed = ledger.outbox.claim_due(study, LATER, until=LATER + timedelta(minutes=2), by=this_process())
        expected = {"untried", "refused"} - (set() if how.startswith("added") else {"untried"})
        assert {one.outgoing.id for one in claimed} == (expected if study == "S" else set())
    assert ledger.outbox.count_waiting("S") == ("refused" in expected, "untried" in expected)
    told = ledger.seen("T" if how == "another study" else "S", NOW).faults[OUTBOX_CHANGED]
    assert ("no record put in" in told) == (how.startswith("added") or how in ("renamed", "another record"))
    assert "forged" not in told and "else" not in told and "nobody" not in told


def test_a_forged_message_alone_is_not_due(ledger: Ledger, database: Engine) -> None:
    run(database, "DELETE FROM outbox")
    run(database, NAMED["added"][0])
    assert not ledger.outbox.is_due("S", LATER)
    assert ledger.outbox.undelivered("S") == ()


def test_a_changed_message_is_not_sent_again_on_request(ledger: Ledger, database: Engine) -> None:
    run(database, "UPDATE outbox SET message = '{\"subject\": \"all is well\"}' WHERE id = 'dead'")
    assert ledger.outbox.dead_letters("S") == ()
    with pytest.raises(UsageError, match="a message that a record put in the outbox"):
        ledger.requeue("S", "dead", by="Dr A", at=NOW)


@pytest.mark.parametrize(("since", "sent"), [("the first record", []), ("never", ["forged"])])
def test_a_record_of_another_hand_vouches_for_nothing_where_there_is_a_key(
    state_url: str, database: Engine, since: str, sent: list[str]
) -> None:
    ledger = Ledger(state_url, key=b"k" * 32 if since == "the first record" else None)
    head = caused(ledger, {"at": stamp(NOW), "verdict": "signal"})
    told = Outgoing("forged", "file:outbox/", {"subject": "all is well"}, **ABOUT)
    plain = Chained("S", ledger.records()[-1], None)
    plain.add([Entry(Kind.REVIEW, {}, (told,))])
    with database.begin() as connection:
        connection.execute(RECORDS.insert(), [stored(one) for one in plain.records])
        connection.execute(OUTBOX.insert(), plain.messages)
    claimed = ledger.outbox.claim_due("S", LATER, until=LATER, by=this_process())
    assert [one.outgoing.id for one in claimed] == sent
    assert head.sequence == 1


def test_what_was_put_in_before_there_was_a_key_is_sent(state_url: str) -> None:
    caused(Ledger(state_url), {"at": stamp(NOW), "verdict": "signal"}, MESSAGES[:1])
    sealed = Ledger(state_url, key=b"k" * 32)
    caused(sealed, {"at": stamp(NOW), "verdict": "signal"}, MESSAGES[1:2])
    claimed = sealed.outbox.claim_due("S", LATER, until=LATER, by=this_process())
    assert [one.outgoing.id for one in claimed] == ["taken", "refused"]
