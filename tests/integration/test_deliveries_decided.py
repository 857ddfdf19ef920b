"""A delivery is set aside, or restored and its receipt mended, by a person, with a reason that is on record."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from small_studies import small_protocol

from checks.errors import FeedError, UsageError
from checks.knowledge import Deliveries
from checks.looks.path import make_ready
from flows.alerts.deciding import due
from flows.commands.cli import main
from flows.doctor.study import examine_study
from flows.feeds import DeliveryStore
from flows.heartbeat import take_pulse
from flows.ledger import Attempt, Entry, Kind, Ledger, LookPayload, Outgoing, this_process
from flows.looks.closed.document import build_files
from flows.looks.custody import held_against_record
from flows.looks.nightly import findings_of_night
from flows.looks.reading import read_feeds, receive_files, with_faults
from flows.looks.replay.history import read_history
from flows.looks.setting_aside import list_deliveries, restore, set_aside
from flows.looks.study import Study, open_study

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = MONDAY + 9 * DAY
FEEDS = {name: {"path": f"{name}.csv", "mode": "incremental"} for name in ("dm", "ex", "vs", "ae")}
ROWS = [f"USUBJID,AESEQ,AETERM\nS1,{number},FEVER\n".encode() for number in range(3)]
WHO = {"by": "A. Person", "reason": "sent by mistake"}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study with three deliveries of AE, one a day, on record."""
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(small_protocol(feeds=FEEDS)))
    study = open_study(str(tmp_path / "protocol.yaml"), {})
    for place, rows in enumerate(ROWS):
        at = MONDAY + place * DAY
        study.inbox().store.take_in("AE", f"events_{place}.csv", rows, received_at=at, recorded_at=at)
        held_against_record(study.inbox(), study.ledger, at)
    return study


def store_of(study: Study) -> DeliveryStore:
    return study.inbox().store


def path_of(study: Study, number: int) -> Path:
    paths = (study.protocol.folder / "deliveries").glob("*/receipts/AE/*.json")
    return next(path for path in paths if json.loads(path.read_text())["number"] == number)


def looked(study: Study, cutoff: datetime, now: datetime = NOW):
    """What a look of that cut-off knows of AE."""
    arrived = read_feeds(study.inbox(), cutoff, arriving=False, now=now)
    told = with_faults(arrived, held_against_record(study.inbox(), study.ledger, now))
    return Deliveries(told, study.protocol).known_at(cutoff).feeds["ae"]


def test_one_folder_of_no_domain_is_named_and_hides_no_lost_delivery(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    path_of(study, 2).unlink()
    foreign = study.protocol.folder / "deliveries" / study.id / "receipts" / "x y"
    foreign.mkdir()
    (foreign / "a.json").touch()
    assert looked(study, NOW).problem is not None
    assert states(study) == ["kept", "its receipt is gone", "kept"]
    assert main(["deliveries", "list", str(study.protocol.folder / "protocol.yaml")]) == 0
    night, _ = findings_of_night(study, study.ledger(), NOW)
    doctor = [one.said for one in examine_study(study.protocol, {}, NOW)]
    for said in (capsys.readouterr().err, " ".join(night["problems"]), " ".join(doctor)):
        assert "found files in folders of receipts that are no domain's (1)" in said and "x y" not in said


def test_deliveries_that_cannot_be_held_against_the_record_are_told_of_every_feed(study: Study) -> None:
    def open_ledger() -> Ledger:
        raise MemoryError  # as what lies beside the study may be made so large

    faults = held_against_record(study.inbox(), open_ledger, NOW)
    assert [one.domain for one in faults] == ["DM", "EX", "VS", "AE"]
    assert "AE: found that its deliveries cannot be held against the record (MemoryError)" in faults[-1].said


def states(study: Study, now: datetime = NOW) -> list[str]:
    return [one.state(now) for one in list_deliveries(study, now)]


def test_a_look_goes_on_without_what_was_set_aside_says_so_and_sees_it_before(study: Study) -> None:
    set_aside(study, ["AE", "2"], **WHO, now=NOW)
    after, before = looked(study, NOW), looked(study, NOW - HOUR)
    assert (list(after.table["AESEQ"]), list(before.table["AESEQ"])) == (["0", "2"], ["0", "1", "2"])
    assert (after.problem, before.problem) == (None, None)
    remarks = [remark for one in after.deliveries for remark in one.remarks]
    assert remarks == ["set aside by A. Person at 2026-03-11T12:00:00Z: sent by mistake"]
    assert states(study) == ["kept", "set aside by A. Person: sent by mistake", "kept"]
    restore(study, ["ae", "2"], **WHO, now=NOW + HOUR)
    assert list(looked(study, NOW + HOUR, NOW + HOUR).table["AESEQ"]) == ["0", "1", "2"]
    assert list(looked(study, NOW, NOW + HOUR).table["AESEQ"]) == ["0", "2"]


def test_what_was_set_aside_is_told_by_its_own_number(study: Study) -> None:
    set_aside(study, ["AE", "2"], **WHO, now=NOW)
    arrived = read_feeds(study.inbox(), NOW, arriving=False, now=NOW)
    feeds = make_ready(arrived, study.protocol).known_at(NOW).feeds
    assert [one.called for one in feeds["ae"].deliveries if one.remarks] == ["AE 2"]
    names = build_files({"ae": feeds["ae"]}).set_index("file")["name"].to_dict()
    assert names == {f"AE {number}": f"events_{number - 1}.csv" for number in (1, 2, 3)}


def test_the_problem_of_a_delivery_that_cannot_be_read_names_the_command_that_sets_it_aside(
    study: Study,
) -> None:
    store_of(study).take_in("AE", "events_3.csv", b"USUBJID\xff", received_at=NOW, recorded_at=NOW)
    feed = looked(study, NOW)
    command = "to look without it: `postdose deliveries set-aside PROTOCOL AE 4`"
    assert feed.problem is not None and feed.problem.endswith(command)
    set_aside(study, command.removesuffix("`").split()[-2:], **WHO, now=NOW)
    assert looked(study, NOW).problem is None
    store_of(study).kept("AE")[0].content.write_bytes(b"other")  # what is changed can only be received again
    assert "set-aside" not in str(looked(study, NOW).problem)


def test_what_is_said_as_a_feed_is_read_tells_no_delivery_set_aside_and_counts_problems(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> str:
        caplog.clear()
        with caplog.at_level("INFO", "postdose"):
            read_feeds(study.inbox(), NOW, arriving=False, now=NOW)
        return next(one for one in caplog.messages if one.startswith("Read AE"))

    assert said() == "Read AE: 3 rows"
    set_aside(study, ["AE", "2"], **WHO, now=NOW)
    assert said() == "Read AE: 2 rows"
    store_of(study).take_in("AE", "events_2.csv", b"USUBJID\xff", received_at=MONDAY, recorded_at=NOW)
    assert looked(study, NOW).problem is None  # a later one of its name can be read
    assert said() == "Read AE: 2 rows, 1 problem"
    for number in (1, 3):
        set_aside(study, ["AE", str(number)], **WHO, now=NOW)
    assert said() == "Read AE: cannot be read"


def test_a_file_whose_name_is_no_text_is_received_and_read(study: Study, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"ae_\xff\xe9.csv")
    file.write_bytes(b"USUBJID,AESEQ,AETERM\nS1,9,FEVER\n")
    (receipt,) = receive_files(str(tmp_path / "protocol.yaml"), "AE", [file], received_at=NOW, now=NOW + HOUR)
    assert receipt.name == "ae_%FF%E9.csv"
    assert states(study, NOW + HOUR) == ["kept"] * 4
    assert list(looked(study, NOW + HOUR, NOW + HOUR).table["AESEQ"]) == ["0", "1", "2", "9"]


def test_the_store_writes_no_receipt_that_it_could_not_read(study: Study) -> None:
    for name in ("ae_\udcff.csv", "ae_\ud800.csv", "a/b.csv", ""):
        with pytest.raises(UsageError, match=r"delivery: found the name .*; allowed: a file name"):
            store_of(study).take_in("AE", name, b"new", received_at=NOW, recorded_at=NOW)
    assert states(study) == ["kept"] * 3


def test_each_decision_is_on_record_with_who_and_why(study: Study) -> None:
    sha256 = store_of(study).kept("AE")[1].sha256
    set_aside(study, [sha256[:12]], **WHO, now=NOW)
    restore(study, [sha256], by="B. Other", reason="it was ours", now=NOW + HOUR)
    kinds = (Kind.SET_ASIDE, Kind.RESTORED)
    records = [study.ledger().records(study.id, kind)[0].payload for kind in kinds]
    assert [(one["domain"], one["number"], one["by"], one["reason"]) for one in records] == [
        ("AE", 2, "A. Person", "sent by mistake"),
        ("AE", 2, "B. Other", "it was ours"),
    ]
    assert held_against_record(study.inbox(), study.ledger, NOW + DAY) == ()


def edited(**changed: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


SPOILT: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:80]),
    "gone": Path.unlink,
    "of another domain": edited(domain="VS"),
    "later": edited(received_at="2026-03-09T00:00:00+00:00"),
    "years later": edited(received_at="2029-03-09T00:00:00+00:00"),
    "larger": edited(size=1 << 40),
    "of another number": edited(number=9),
    "with the number of another": edited(number=1),
    "set aside by hand": edited(
        decisions=[{"kind": "set_aside", "at": "2026-03-05T00:00:00Z", "by": "X", "reason": "no"}]
    ),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_receipt_is_told_and_restored_as_it_is_on_record(
    study: Study, spoil: Callable[[Path], object]
) -> None:
    whole = store_of(study).kept("AE")[1]
    spoil(path_of(study, 2))
    assert looked(study, NOW).problem is not None
    restored = restore(study, ["AE", "2"], **WHO, now=NOW)
    assert (restored.received_at, restored.size) == (whole.received_at, whole.size)
    feed = looked(study, NOW + HOUR, NOW + HOUR)
    assert list(feed.table["AESEQ"]) == ["0", "1", "2"]
    left = [one for one in list_deliveries(study, NOW) if one.place[1] > 3]
    if not left:  # a number that nobody gave is a receipt of its own, until it is set aside
        assert feed.problem is None
        assert states(study, NOW + HOUR) == ["kept", "kept", "kept"]


def test_a_torn_receipt_that_no_ledger_has_is_restored_for_the_content_kept(study: Study) -> None:
    store_of(study).take_in("VS", "v.csv", b"USUBJID\nS1\n", received_at=NOW, recorded_at=NOW)
    (path,) = (study.protocol.folder / "deliveries").glob("*/receipts/VS/*.json")
    path.write_bytes(path.read_bytes()[:90])
    assert [one.label for one in list_deliveries(study, NOW) if one.torn] == ["VS 1"]
    restored = restore(study, ["VS", "1"], **WHO, now=NOW + HOUR)
    assert (restored.size, restored.received_at) == (11, NOW + HOUR)
    assert held_against_record(study.inbox(), study.ledger, NOW + DAY) == ()


def test_what_was_received_at_a_time_to_come_is_told_until_it_is_dated_anew(study: Study) -> None:
    ahead = NOW + 400 * DAY
    store_of(study).take_in(
        "AE", "a.csv", b"USUBJID,AESEQ,AETERM\nS1,9,FEVER\n", received_at=ahead, recorded_at=ahead
    )
    feed = looked(study, NOW)
    assert "AE 4: found that it was received at 2027-04-15T12:00:00Z, a time to come" in feed.problem
    assert list(feed.table["AESEQ"]) == ["0", "1", "2"]
    assert states(study)[3] == "received at a time to come: not used"
    restore(study, ["AE", "4"], **WHO, now=NOW + HOUR)
    after = looked(study, NOW + HOUR, NOW + HOUR)
    assert (after.problem, list(after.table["AESEQ"])) == (None, ["0", "1", "2", "9"])
    assert "a time to come" in looked(study, NOW, NOW + HOUR).problem  # as it was then
    assert "a time to come" in looked(study, NOW, NOW + 900 * DAY).problem


def test_content_that_is_not_what_was_received_is_not_restored(study: Study) -> None:
    store_of(study).kept("AE")[1].content.write_bytes(bytes(len(ROWS[1])))
    assert "AE 2" in str(looked(study, NOW).problem)
    with pytest.raises(FeedError, match=r"AE 2: found that its content is gone, or not what was received"):
        restore(study, ["AE", "2"], **WHO, now=NOW)
    store_of(study).take_in("AE", "events_1.csv", ROWS[1], received_at=NOW, recorded_at=NOW)
    assert looked(study, NOW).problem is None


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (["AE", "7"], "no delivery"),
        (["ZZ", "1"], "no delivery"),
        (["AE"], "no delivery"),
        (["AE", "-1"], "no delivery"),
        (["AE", "²"], "no delivery"),
        (["abc"], "no delivery"),
        (["*"], "no delivery"),
        (["../../etc", "1"], "no delivery"),
    ],
)
def test_what_names_no_delivery_is_refused(study: Study, which: list[str], found: str) -> None:
    with pytest.raises(UsageError, match=rf"found {found}; allowed: the domain and number of one, as VS 3"):
        set_aside(study, which, **WHO, now=NOW)


@pytest.mark.parametrize("said", ["", "  ", "\n", "\x1b[31m", "x" * 501, "a\u202eb"])
def test_a_name_or_a_reason_that_says_nothing_is_refused(study: Study, said: str) -> None:
    for who in ({"by": said, "reason": "why"}, {"by": "who", "reason": said}):
        with pytest.raises(UsageError, match="allowed: a few words"):
            set_aside(study, ["AE", "1"], **who, now=NOW)
    assert states(study) == ["kept", "kept", "kept"]


def test_a_replay_sees_at_each_cutoff_what_was_read_then(study: Study) -> None:
    set_aside(study, ["AE", "2"], **WHO, now=NOW)
    restore(study, ["AE", "2"], **WHO, now=NOW + DAY)
    history = read_history(study, None, by=NOW + 9 * DAY, now=NOW + 9 * DAY)
    cutoffs = (NOW - HOUR, NOW, NOW + DAY - HOUR, NOW + DAY)
    known = [history.as_of(at).deliveries.known_at(at).feeds["ae"].table for at in cutoffs]
    assert [len(table) for table in known] == [3, 2, 2, 3]
    assert len({history.deliveries_sha256(at) for at in cutoffs}) == 2


def test_doctor_names_what_is_wrong_with_deliveries_and_stops(study: Study) -> None:
    assert status_of_deliveries(study) == [("ok", "3 kept, each as it was received")]
    path_of(study, 2).unlink()
    path_of(study, 1).write_bytes(b"")
    store_of(study).kept("AE")[-1].content.unlink()
    found = status_of_deliveries(study)
    assert [status for status, _ in found] == ["would stop a look"] * 3
    said = [text.partition(";")[0] for _, text in found]
    assert said == [
        "AE 1: found a receipt that cannot be read",
        "AE 2: found no receipt, though it is on record",
        "AE 3: found that its content is gone, or not what was received",
    ]


def status_of_deliveries(study: Study) -> list[tuple[str, str]]:
    findings = examine_study(study.protocol, {}, NOW)
    return [(str(one.status), one.said) for one in findings if one.check == "deliveries"]


def test_a_look_on_record_with_a_cutoff_to_come_is_told_until_somebody_takes_it_with_a_reason(
    study: Study,
) -> None:
    ledger, to_come = study.ledger(), NOW + 400 * DAY
    for cutoff in (NOW, to_come):
        ledger.record(study.id, Kind.LOOK, look_payload(cutoff))
    pulse = take_pulse(ledger, study.protocol, NOW)
    assert [one.about for one in pulse.causes] == ["clock_ahead"]
    assert pulse.exit_code == 30
    assert "the data cut-off 2027-04-15T12:00:00Z, which is still to come" in pulse.causes[0].said
    ledger.decide(study.id, lambda seen: due(seen, study.protocol, NOW), now=NOW)
    (alert,) = ledger.seen(study.id, NOW).standing.alerts.values()
    taken = {"alert": alert.id, "by": "A. Person", "reason": "the battery", "at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    ledger.record(study.id, Kind.ACKNOWLEDGEMENT, taken)
    assert take_pulse(ledger, study.protocol, NOW).causes == ()
    ledger.decide(study.id, lambda seen: due(seen, study.protocol, NOW + HOUR), now=NOW + HOUR)
    assert take_pulse(ledger, study.protocol, NOW).causes == ()
    ledger.record(study.id, Kind.LOOK, look_payload(to_come + DAY))
    assert [one.about for one in take_pulse(ledger, study.protocol, NOW).causes] == ["clock_ahead"]


def look_payload(cutoff: datetime) -> LookPayload:
    return {
        "at": f"{cutoff:%Y-%m-%dT%H:%M:%SZ}",
        "look_id": f"look-{cutoff:%Y%m%d}",
        "look_sha256": "",
        "data_cutoff": f"{cutoff:%Y-%m-%dT%H:%M:%SZ}",
        "verdict": "no_signal",
        "protocol_sha256": "",
        "code_version": "",
        "feeds": {},
        "signals": [],
        "reason": "",
    }


def test_a_message_put_off_by_a_clock_that_was_ahead_is_due(study: Study) -> None:
    ledger, ahead = study.ledger(), NOW + 400 * DAY
    entry = Entry(Kind.LOOK, look_payload(NOW), (Outgoing("one", "console:", {}),))
    ledger.decide(study.id, lambda _seen: [entry], now=NOW)
    tried = Attempt("one", "pending", "no answer", ahead + HOUR)
    ledger.record_attempts(study.id, [tried], at=ahead)
    assert ledger.outbox.is_due(study.id, NOW)
    claimed = ledger.outbox.claim_due(study.id, NOW, until=NOW + HOUR, by=this_process())
    assert [one.outgoing.id for one in claimed] == ["one"]
    assert not ledger.outbox.is_due(study.id, NOW)


def test_an_alert_raised_by_a_clock_that_was_ahead_is_repeated_and_goes_to_the_next_role(
    study: Study, tmp_path: Path
) -> None:
    physician = {"role": "physician", "verdicts": ["not_assessable"], "channels": ["console:"]}
    chair = {"role": "chair", "verdicts": ["signal"], "channels": ["console:"]}
    routes = [{**physician, "ack_within_minutes": 60, "escalate_to": "chair"}, chair]
    text = yaml.safe_dump(small_protocol(feeds=FEEDS, alerts={"repeat_hours": 24, "routes": routes}))
    (tmp_path / "protocol.yaml").write_text(text)
    protocol, ledger = open_study(str(tmp_path / "protocol.yaml"), {}).protocol, study.ledger()
    ahead = NOW + 400 * DAY
    ledger.decide(study.id, lambda seen: due(seen, protocol, ahead), now=ahead)
    assert [alert.about for alert in ledger.seen(study.id, NOW).standing.alerts.values()] == ["look_missing"]
    ledger.decide(study.id, lambda seen: due(seen, protocol, NOW), now=NOW)
    (alert,) = ledger.seen(study.id, NOW).standing.alerts.values()
    assert set(alert.reached) == {"physician", "chair"}
    assert alert.last_told_at == NOW


def test_who_and_why_tell_no_arm(study: Study) -> None:
    for who in (
        {"by": "A. Person", "reason": "holds the S T U D Y D R U G arm"},
        {"by": "studydrug", "reason": "no"},
    ):
        with pytest.raises(UsageError):
            set_aside(study, ["AE", "1"], **who, now=NOW)
    assert states(study) == ["kept", "kept", "kept"]
