"""What the doctor finds: of the machine, of a study, and what each finding means for a look."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledgers import LOOKED, caused
from sqlalchemy import create_engine

from flows.doctor import examine, run_doctor
from flows.doctor.finding import Finding, Status
from flows.feeds import DeliveryStore
from flows.ledger import Head, Ledger, Outgoing
from flows.ledger.heads import keep_head

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
KEY = "0123456789abcdef" * 2
FEED = {
    "dm": "STUDYID,USUBJID\nS,1\n",
    "ex": "STUDYID,USUBJID,EXTRT,EXSTDTC\nS,1,CYT107,2026-02-01T08:00\n",
    "vs": "STUDYID,USUBJID,VSTESTCD,VSORRES\nS,1,TEMP,37\n",
    "ae": "STUDYID,USUBJID,AETERM\nS,1,FEVER\n",
    "lb": "STUDYID,USUBJID,LBTESTCD\nS,1,LYM\n",
}
SHIPPED = Path(__file__).parents[2] / "deployments/studies/CYT107-IV/protocol.yaml"
ROUTED = {"POSTDOSE_PHYSICIAN_URL": "https://127.0.0.1:1/"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The shipped study protocol with feeds that can be read, in a folder of its own."""
    (tmp_path / "feeds").mkdir()
    for name, text in FEED.items():
        (tmp_path / "feeds" / f"{name}.csv").write_text(text)
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(SHIPPED.read_text())
    return protocol


def found(study: Path, check: str, now: datetime = NOW, **environ: str) -> list[Finding]:
    return [one for one in examine([study], {**ROUTED, **environ}, now) if one.check == check]


def only(study: Path, check: str, now: datetime = NOW, **environ: str) -> Finding:
    (one,) = found(study, check, now, **environ)
    return one


def kept(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_in_order_stops_no_look_and_nothing_is_written(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(study.parent)
    assert run_doctor([study], ROUTED, NOW, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Nothing would stop a look")  # though packages may differ from those pinned
    assert max(map(len, lines)) <= 80
    assert kept(study.parent) == before


def test_the_document_holds_each_finding_and_nothing_else(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study.parent / "feeds" / "vs.csv").unlink()
    assert run_doctor([study], ROUTED, NOW, as_json=True) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["exit_code"], told["checked_at"]) == (
        "postdose/doctor/1",
        3,
        "2026-03-01T06:00:00Z",
    )
    (stopping,) = [one for one in told["checks"] if one["status"] == "would stop a look"]
    assert (stopping["where"], stopping["check"]) == ("CYT107-IV", "feed VS")
    assert stopping["said"] == "VS: found no file; allowed: a file or a folder that exists"
    assert stopping["remedy"]


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(study: Path) -> None:
    one = only(study, "variables", POSTDOSE_STAET="sqlite:///x", POSTDOSE_PHYSICAN_URL="json://127.0.0.1/")
    assert one.status is Status.WARNING
    assert "POSTDOSE_STAET is read by nothing (meant: POSTDOSE_STATE?)" in one.said
    assert "POSTDOSE_PHYSICAN_URL is read by nothing (meant: POSTDOSE_PHYSICIAN_URL?)" in one.said
    assert only(study, "variables", POSTDOSE_PHYSICIAN_URL_SECRET="s").status is Status.OK


def test_a_role_that_no_alert_would_reach_stops_a_look_with_the_exit_code_of_an_undelivered_alert(
    study: Path,
) -> None:
    physician, chair = found(study, "channels", POSTDOSE_PHYSICIAN_URL="")
    assert (physician.status, physician.exit_code) == (Status.STOPS, 40)
    assert physician.said.startswith("no alert would reach safety_physician: env:POSTDOSE_PHYSICIAN_URL")
    assert chair.status is Status.OK


def test_a_role_with_another_channel_that_works_is_only_warned_of(study: Path) -> None:
    routes = study.read_text().replace('["env:POSTDOSE_PHYSICIAN_URL"]', '["env:POSTDOSE_GONE", "console:"]')
    study.write_text(routes)
    assert found(study, "channels")[0].status is Status.WARNING


def test_a_whole_ledger_is_verified_and_left_as_it_is(study: Path) -> None:
    assert only(study, "ledger").said == "none yet: the first look makes it"
    assert not (study.parent / "postdose.sqlite").exists()
    ledger = Ledger(f"sqlite:///{study.parent / 'postdose.sqlite'}", key=KEY.encode())
    caused(ledger, {"verdict": "signal"}, [Outgoing("one", "console:", {})])
    before = (ledger.records(), ledger.outbox.undelivered("S"))
    one = only(study, "ledger", POSTDOSE_LEDGER_KEY=KEY)
    assert (one.status, one.said) == (
        Status.OK,
        "writable, and the chain of 2 records holds, with its seals",
    )
    assert (ledger.records(), ledger.outbox.undelivered("S")) == before
    assert not ledger.outbox.undelivered("rehearsal")


def test_triggers_that_somebody_took_away_or_put_there_are_told(study: Path) -> None:
    url = f"sqlite:///{study.parent / 'postdose.sqlite'}"
    Ledger(url)
    assert not found(study, "guards")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql(
            "CREATE TRIGGER theirs BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END"
        )
    engine.dispose()
    lost, foreign = found(study, "guards")
    assert (lost.status, foreign.status) == (Status.WARNING, Status.WARNING)
    assert "lost ledger_no_update" in lost.said and "found theirs" in foreign.said
    (foreign,) = found(study, "guards")
    assert "theirs" in foreign.said, "the lost one was made again as the ledger was opened"


def test_what_others_can_reach_is_told(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, database = study.parent / "outbox", study.parent / "postdose.sqlite"
    Ledger(f"sqlite:///{database}")
    outbox.mkdir(mode=0o700, exist_ok=True)
    outbox.chmod(0o700)
    assert not found(study, "rights")
    database.chmod(0o640)
    one = only(study, "rights")
    assert (one.status, one.remedy) == (Status.WARNING, "Take the rights away: chmod -R go= PATH.")
    assert str(database) in one.said
    monkeypatch.setenv("POSTDOSE_FILE_MODE", "0640")
    assert not found(study, "rights")
    database.chmod(0o644)
    assert only(study, "rights").remedy == "Take the rights away: chmod -R o= PATH."


def test_a_look_without_the_key_of_its_ledger_could_not_write_it(study: Path) -> None:
    caused(Ledger(f"sqlite:///{study.parent / 'postdose.sqlite'}", key=KEY.encode()), {})
    one = only(study, "ledger")
    assert (one.status, one.exit_code) == (Status.STOPS, 41)
    assert "is sealed with a key, and none was given (POSTDOSE_LEDGER_KEY)" in one.said


def test_a_broken_chain_is_named(study: Path) -> None:
    url = f"sqlite:///{study.parent / 'postdose.sqlite'}"
    ledger = Ledger(url)
    caused(ledger, {"verdict": "signal"})
    caused(ledger, {"verdict": "signal"})
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql("UPDATE ledger SET payload = '{}' WHERE sequence = 1")
    one = only(study, "ledger")
    assert (one.status, one.exit_code) == (Status.STOPS, 4)
    assert "record 1" in one.said


def test_a_ledger_that_is_lost_though_its_head_is_known_is_restored_from_its_backup_or_given_up(
    study: Path,
) -> None:
    keep_head(study.parent, "CYT107-IV", Head(3, "a" * 64), at=NOW)
    one = only(study, "heads")
    assert (one.status, one.exit_code) == (Status.STOPS, 41)
    assert "found no file" in one.said and "--state" not in one.said + one.remedy
    assert "restore its newest backup" in one.remedy
    assert "`postdose ledger accept-head PROTOCOL --by NAME --reason TEXT`" in one.remedy


def test_a_clock_behind_the_newest_record_is_told(study: Path) -> None:
    ledger = Ledger(f"sqlite:///{study.parent / 'postdose.sqlite'}")
    caused(ledger, {**LOOKED, "look_id": "", "verdict": "signal", "data_cutoff": "2026-03-01T06:00:00Z"})
    assert only(study, "clock").status is Status.OK
    one = only(study, "clock", NOW - timedelta(hours=1))
    assert one.status is Status.WARNING
    assert one.said == "2026-03-01T05:00Z, but the newest record is of 2026-03-01T06:00Z"


@pytest.fixture
def unwritable(study: Path) -> Iterator[Path]:
    """A place where not even the administrator can write: below a file."""
    place = study.parent / "looks"
    place.write_text("no folder")
    yield place
    place.unlink()


def test_a_folder_that_cannot_be_written_stops_a_look(study: Path, unwritable: Path) -> None:
    one = only(study, "folders")
    assert (one.status, one.exit_code) == (Status.STOPS, 2)
    assert str(unwritable / "CYT107-IV") in one.said


def test_a_closed_report_that_others_can_reach_is_told(study: Path) -> None:
    closed = study.parent / "looks" / "CYT107-IV" / "20260301T060000Z" / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    assert not found(study, "closed")
    closed.chmod(0o750)
    assert only(study, "closed").status is Status.WARNING


def test_a_server_that_does_not_answer_stops_a_look(study: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: nobody else can take the port
        one = only(study, "prefect", PREFECT_API_URL=f"http://127.0.0.1:{taken.getsockname()[1]}/api")
    assert (one.status, one.exit_code) == (Status.STOPS, 2)
    assert "did not answer" in one.said


def test_a_home_of_prefect_that_cannot_be_made_stops_a_look(study: Path, tmp_path: Path) -> None:
    assert only(study, "prefect", PREFECT_HOME=str(tmp_path / "new")).status is Status.OK
    for home in (tmp_path / "no" / "new", study / "below a file"):
        one = only(study, "prefect", PREFECT_HOME=str(home))
        assert (one.status, one.exit_code) == (Status.STOPS, 2)


def test_a_setting_that_a_look_would_refuse_is_told_once(study: Path) -> None:
    one = only(study, "settings", POSTDOSE_LEDGER_KEY="short")
    assert (one.status, one.exit_code) == (Status.STOPS, 2)
    assert "found 5 characters" in one.said


def test_a_protocol_with_problems_does_not_keep_the_others_from_being_examined(
    study: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("schema_version: 1\n")
    findings = list(examine([wrong, tmp_path / "nowhere.yaml", study], ROUTED, NOW))
    stopping = [one.where for one in findings if one.status is Status.STOPS]
    assert stopping == [str(wrong), str(tmp_path / "nowhere.yaml")]
    assert any(one.where == "CYT107-IV" for one in findings)


def test_an_incremental_feed_whose_files_were_taken_in_and_away_is_no_problem(study: Path) -> None:
    study.write_text(study.read_text().replace("vs.csv, mode: cumulative", "vs.csv, mode: incremental"))
    (study.parent / "feeds" / "vs.csv").unlink()
    assert only(study, "feed VS").status is Status.STOPS
    store = DeliveryStore(study.parent / "deliveries" / "CYT107-IV")
    store.take_in("VS", "vs.csv", FEED["vs"].encode(), received_at=NOW, recorded_at=NOW)
    assert only(study, "feed VS").said == "nothing new; 1 deliveries were taken in"


def receive(study: Path, domain: str, hours: int, content: bytes, *, set_aside: bool = False) -> None:
    """Keep a delivery that came so many hours before now."""
    store, at = DeliveryStore(study.parent / "deliveries" / "CYT107-IV"), NOW - timedelta(hours=hours)
    name = f"{domain.lower()}.csv"
    receipt = store.take_in(domain, name, content, received_at=at, recorded_at=at)
    (*_, receipt) = store.number(domain)
    if set_aside:
        store.set_aside(receipt, by="A. Person", reason="damaged", at=at)


def test_a_kept_delivery_that_no_look_can_read_stops_a_look_until_it_is_set_aside_or_followed(
    study: Path,
) -> None:
    good, bad = FEED["vs"].encode(), b"STUDYID,USUBJID\nS,\xff\n"
    (study.parent / "feeds" / "vs.csv").write_bytes(good)
    receive(study, "VS", 3, good)
    receive(study, "VS", 2, bad)
    receive(study, "LB", 2, b"PAR1 and no more")
    vs, lb = only(study, "feed VS"), only(study, "feed LB")
    assert (vs.status, vs.exit_code) == (Status.STOPS, 3)
    assert vs.said.startswith("VS 2: found ") and "postdose deliveries set-aside" in vs.remedy
    (study.parent / "feeds" / "vs.csv").write_bytes(good + b"S,1,TEMP,38\n")  # the next look takes it in
    assert only(study, "feed VS").said == "can be read"
    assert lb.status is Status.OK  # what lies there now follows it
    (study.parent / "feeds" / "lb.csv").write_bytes(b"PAR1 and no more")
    assert only(study, "feed LB").said.startswith("LB 1: found ")


def test_a_file_that_was_set_aside_and_still_lies_there_stops_no_look(study: Path) -> None:
    bad = b"STUDYID,USUBJID\nS,\xff\n"
    (study.parent / "feeds" / "vs.csv").write_bytes(bad)
    receive(study, "VS", 2, bad, set_aside=True)
    assert "all that was received is set aside (VS 1)" in only(study, "feed VS").said
    receive(study, "VS", 1, FEED["vs"].encode())
    assert only(study, "feed VS").said == "can be read"


def test_packages_are_compared_with_the_versions_that_are_tested_together(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "constraints.txt").write_text("pandas==0.1  # long ago\nno-such-package==1\n")
    monkeypatch.chdir(tmp_path)
    one = only(study, "packages")
    assert one.status is Status.WARNING
    assert one.said.startswith("not as tested together: pandas ") and one.said.endswith(", not 0.1")
    assert "no-such-package" not in one.said


def test_the_tested_versions_are_those_of_the_checkout_wherever_it_is_asked_from(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = only(study, "packages")
    assert "exact versions" in one.said or one.said.startswith("not as tested together"), one.said


def chart(study: Path, hours: dict[str, range]) -> None:
    """Dose one subject at each of two sites, and chart each test at its hours since the dose."""
    feeds, dose = study.parent / "feeds", datetime(2026, 2, 1, 8, tzinfo=UTC)
    people = ("S1,FR01", "S2,US01")
    (feeds / "dm.csv").write_text("USUBJID,SITEID\n" + "".join(f"{one}\n" for one in people))
    given = [f"{one[:2]},CYT107,{dose:%Y-%m-%dT%H:%MZ}\n" for one in people]
    (feeds / "ex.csv").write_text("USUBJID,EXTRT,EXSTDTC\n" + "".join(given))
    unit = {"TEMP": "37,C", "RESP": "18,breaths/min"}
    times = {
        "S1": lambda hour: dose + timedelta(hours=hour),
        "S2": lambda hour: dose + timedelta(hours=2 * hour),
    }
    readings = [
        f"{subject},{test},{unit[test]},{time(hour):%Y-%m-%dT%H:%MZ}\n"
        for subject, time in times.items()
        for test, charted in hours.items()
        for hour in charted
    ]
    (feeds / "vs.csv").write_text("USUBJID,VSTESTCD,VSORRES,VSORRESU,VSDTC\n" + "".join(readings))


def test_the_hours_of_the_protocol_are_held_against_the_charting_seen(study: Path) -> None:
    chart(study, {"TEMP": range(0, 24), "RESP": range(0, 33, 8)})
    fever, distress = found(study, "charting")
    assert (fever.status, distress.status) == (Status.OK, Status.WARNING)
    assert fever.said == (
        "fever: TEMP every 1.5 h (nine of ten 1 to 2 h), fresh for 12 h: observes 2 of 2 risk windows"
    )
    assert distress.said == (
        "respiratory distress: RESP every 12 h (nine of ten 8 to 16 h), fresh for 6 h: observes 0 of 2 risk windows; "
        "8 h would observe half (FR01 0 of 1, every 8 h; US01 0 of 1, every 16 h)"
    )
    assert "fresh_hours" in distress.remedy


def test_charting_that_no_hours_would_bridge_is_told(study: Path) -> None:
    chart(study, {"TEMP": range(40, 44)})
    (fever,) = found(study, "charting")
    assert fever.said.endswith(
        "observes 0 of 2 risk windows; no hours would observe half (FR01 0 of 1, every 1 h; US01 0 of 1, every 2 h)"
    )
