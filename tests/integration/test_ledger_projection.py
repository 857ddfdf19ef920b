"""What the ledger keeps beside its records: never behind them, made again from them, and named where it differs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ledgers import LOOKED
from sqlalchemy import Engine, event

from checks.errors import LedgerBrokenError, LedgerWriteError
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_due, alerts_of_look, run_alerts
from flows.alerts.command import run_ack
from flows.heartbeat import take_pulse
from flows.ledger import Kind, Ledger
from flows.pages.message import LookFacts, RuleFact
from flows.serving.turn import is_anything_due
from flows.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
STUDY = "CYT107-IV"
WITHOUT_THE_PROJECTION = (
    "DROP TABLE standings",
    "DROP TABLE looks",
    "DROP INDEX ix_ledger_kind",
    "DROP INDEX ix_outbox_study",
    "CREATE INDEX ix_outbox_study ON outbox (study)",
    "UPDATE postdose_version SET version_num = '0005'",
)


@pytest.fixture
def study(tmp_path: Path) -> StudyProtocol:
    read = load_protocol(GOOD)
    return read.read_from(tmp_path, read.sha256)


def run(database: Engine, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def look(ledger: Ledger, study: StudyProtocol, at: datetime, verdict: str = "signal") -> None:
    crossed = "crossed" if verdict == "signal" else "not_crossed"
    rule = RuleFact("three_cases", crossed, "3", "3", crossed, crossed)
    cutoff = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    facts = LookFacts(f"look at {cutoff}", cutoff, verdict, (), {}, (rule,), (), (), (), ())
    looked = Looked(
        facts, {"three_cases": "new" if verdict == "signal" else "cleared"}, CHANGES.empty(), "r.html"
    )
    payload = {**LOOKED, "look_id": facts.look_id, "data_cutoff": cutoff, "verdict": verdict}
    decision = partial(alerts_of_look, looked=looked, protocol=study, now=at)
    ledger.record_look(STUDY, payload, decision=decision, now=at)


def lived(url: str, study: StudyProtocol) -> Ledger:
    """A ledger in which a signal was raised, given up, escalated, taken, ended, and the record checked at night."""
    ledger = Ledger(url)
    turn = partial(run_alerts, ledger, study, addresses={}, watching=False)
    look(ledger, study, NOW)
    turn(NOW)
    (signal,) = [
        one for one in ledger.standings()[STUDY].alerts.values() if one.about == "signal:three_cases"
    ]
    run_ack(Settings(url, {}), signal.id, by="Dr A", reason="assessing it", now=NOW + MINUTE)
    look(ledger, study, NOW + 30 * MINUTE, "no_signal")
    look(ledger, study, NOW - timedelta(days=3), "no_signal")  # by hand
    ledger.record(
        STUDY, Kind.NIGHT, {"at": "2026-03-02T04:30:00Z", "looks_made_again": 1, "problems": ["One."]}
    )
    look(ledger, study, NOW + 60 * MINUTE, "watch")
    turn(NOW + 61 * MINUTE)
    ledger.record("T", Kind.REVIEW, {})
    return ledger


def kept(database: Engine) -> list[Sequence[Any]]:
    with database.connect() as connection:
        looks = connection.exec_driver_sql("SELECT * FROM looks ORDER BY sequence").all()
        studies = connection.exec_driver_sql("SELECT study FROM standings ORDER BY study").all()
    return [tuple(row) for row in (*looks, *studies)]


def test_what_is_written_with_each_record_is_what_all_records_come_to(
    state_url: str, study: StudyProtocol, database: Engine
) -> None:
    ledger = lived(state_url, study)
    before, rows = ledger.standings(), kept(database)
    assert ledger.verify() == len(ledger.records())
    ledger.rebuild()
    assert (ledger.standings(), kept(database)) == (before, rows)
    assert [one.state for one in before[STUDY].alerts.values()][:1] == ["closed"]
    assert before[STUDY].broken == ("One.",)
    assert list(before[STUDY].alerts) == list(ledger.standings()[STUDY].alerts)


def test_a_ledger_from_before_the_projection_gets_it_with_its_chain_as_it_was(
    state_url: str, study: StudyProtocol, database: Engine
) -> None:
    old = lived(state_url, study)
    head, standings, rows = old.head(), old.standings(), kept(database)
    run(database, *WITHOUT_THE_PROJECTION)
    ledger = Ledger(state_url)
    assert (ledger.head(), ledger.standings(), kept(database)) == (head, standings, rows)
    assert ledger.verify() == len(ledger.records())


TAMPERED = {
    "alert": ("UPDATE standings SET document = replace(document, '\"closed\"', '\"open\"')", "alerts"),
    "text": ("UPDATE standings SET document = 'nothing'", "cannot be read"),
    "study": ("DELETE FROM standings WHERE study = 'T'", "says nothing of study T"),
    "look": ("UPDATE looks SET data_cutoff = '2030-01-01T00:00:00Z' WHERE sequence = 1", "look of record 1"),
    "looks": ("DELETE FROM looks", "look of record 1"),
    "told": ("UPDATE outbox SET state = 'delivered' WHERE state = 'dead'", "outbox has otherwise"),
    "attempts": ("UPDATE outbox SET attempts = attempts + 1", "outbox has otherwise"),
}
"""Statements by another hand that change no record, and what verification says of each."""


@pytest.mark.parametrize("how", TAMPERED)
def test_a_change_beside_the_records_is_named_and_can_be_written_anew(
    state_url: str, study: StudyProtocol, database: Engine, how: str
) -> None:
    ledger = lived(state_url, study)
    statement, said = TAMPERED[how]
    with database.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount
    with pytest.raises(LedgerBrokenError, match=said):
        Ledger(state_url).verify()
    ledger.rebuild()
    assert ledger.verify() == len(ledger.records())


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE outbox SET message = '{}'", "outbox has otherwise"),
        ("UPDATE outbox SET role = 'nobody'", "outbox has otherwise"),
        ("UPDATE outbox SET alert = NULL", "outbox has otherwise"),
        ("DELETE FROM outbox", "outbox lacks message"),
        ("UPDATE outbox SET id = 'x' WHERE id = (SELECT min(id) FROM outbox)", "no record names: x"),
    ],
)
def test_what_no_record_can_give_back_stays_named(
    state_url: str, study: StudyProtocol, database: Engine, statement: str, said: str
) -> None:
    ledger = lived(state_url, study)
    run(database, statement)
    ledger.rebuild()
    with pytest.raises(LedgerBrokenError, match=said):
        ledger.verify()


def test_a_projection_that_cannot_be_read_stops_no_look_from_telling_past_the_ledger(
    state_url: str, study: StudyProtocol, database: Engine
) -> None:
    ledger = lived(state_url, study)
    run(database, "UPDATE standings SET document = '{\"alerts\": 7}'")
    with pytest.raises(LedgerWriteError, match="cannot be read"):  # as of a ledger that cannot be written
        look(ledger, study, NOW + 90 * MINUTE)


def test_a_broken_chain_is_not_what_the_projection_is_made_from(
    state_url: str, study: StudyProtocol, database: Engine
) -> None:
    ledger = lived(state_url, study)
    before = ledger.standings()
    triggers = {
        "sqlite": ["DROP TRIGGER ledger_no_update"],
        "postgresql": ["DROP TRIGGER ledger_append_only ON ledger"],
    }
    run(database, *triggers[database.dialect.name], "UPDATE ledger SET payload = '{}' WHERE sequence = 1")
    with pytest.raises(LedgerBrokenError, match="record 1 was changed"):
        ledger.rebuild()
    assert ledger.standings() == before


def test_the_newest_look_is_that_of_the_latest_cutoff_that_has_come(
    state_url: str, study: StudyProtocol
) -> None:
    ledger = Ledger(state_url)
    for number, hours in enumerate((5, 1, 5, 48)):
        cutoff = f"{NOW + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        ledger.record(
            STUDY,
            Kind.LOOK,
            {**LOOKED, "look_id": "", "verdict": "", "data_cutoff": cutoff, "number": number},
        )

    def newest(hours: float) -> Any:
        found = ledger.newest_look(STUDY, NOW + timedelta(hours=hours))
        return found and found["number"]

    assert [newest(hours) for hours in (0.9, 1, 4.9, 5, 47.9, 48)] == [None, 1, 1, 2, 2, 3]
    assert ledger.newest_look("T", NOW + timedelta(days=9)) is None


def test_a_look_is_recorded_after_records_that_say_what_none_can(
    tmp_path: Path, study: StudyProtocol
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    look(ledger, study, NOW)
    (alert,) = ledger.standings()[STUDY].alerts.values()
    assert alert.look_id is not None
    cutoff = f"{NOW + MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    signal = {"id": "a", "rule": "three_cases", "state": "new", "events": 3, "since": "garbage"}
    for one in ({"signals": [signal]}, {"signals": [{**signal, "rule": "\ud800", "since": cutoff}]}):
        forged: Any = {**LOOKED, "look_id": "a", "verdict": "signal", "data_cutoff": cutoff, **one}
        ledger.record(STUDY, Kind.LOOK, forged)
    ledger.record(STUDY, Kind.EVIDENCE, {"look_id": alert.look_id, "facts": {}, "report": ""})  # type: ignore[typeddict-item]  # a record of another hand
    with pytest.raises(LedgerBrokenError, match=r"says what no record of its kind can \(signals"):
        ledger.verify()
    seen = ledger.seen(STUDY, NOW + MINUTE)
    assert seen.look is not None and seen.look["look_id"] == alert.look_id
    assert seen.evidence(alert.look_id) is not None
    look(ledger, study, NOW + 2 * MINUTE)
    assert ledger.records(STUDY, Kind.LOOK)[-1].payload["look_id"] != "a"


def rows_read(ledger: Ledger, study: StudyProtocol, at: datetime) -> tuple[int, int]:
    """How many statements a quiet minute of a study asks, and how many rows of the records they return."""
    statements, rows = 0, 0

    @event.listens_for(Engine, "after_cursor_execute")
    def count(_c: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal statements, rows
        statements += 1
        if "FROM ledger" in statement:
            rows += counted(statement)

    def counted(statement: str) -> int:
        return 1 if "LIMIT" in statement else 1_000_000

    try:
        assert not is_anything_due(ledger, study, at, watching=True)
        assert alerts_due(ledger, study, at) is None
        take_pulse(ledger, study, at)
        ledger.newest_look(STUDY, at)
    finally:
        event.remove(Engine, "after_cursor_execute", count)
    return statements, rows


def test_a_quiet_minute_reads_as_much_after_many_looks_as_after_a_few(
    state_url: str, study: StudyProtocol
) -> None:
    ledger = Ledger(state_url)
    look(ledger, study, NOW, "no_signal")
    few = rows_read(ledger, study, NOW + MINUTE)
    for number in range(2, 60):
        look(ledger, study, NOW + number * MINUTE, "no_signal")
    assert rows_read(ledger, study, NOW + 60 * MINUTE) == few
    assert few[0] <= 24 and few[1] <= 8
