"""Heads kept beside a study and elsewhere: a new ledger, an older copy or a rewritten one is refused, and told."""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from checks.errors import FilesDifferError, LedgerBrokenError, LedgerWriteError, UsageError
from checks.protocol import load_protocol
from checks.protocol.model import Alerts
from flows.alerts import alerts_due, run_alerts
from flows.alerts.command import run_ack, run_close
from flows.commands.cli import main
from flows.heartbeat import take_pulse
from flows.ledger import Entry, Head, Kind, Ledger, Outgoing
from flows.ledger.command import run_accept
from flows.ledger.heads import (
    FILE,
    LEDGER_REPLACED,
    heads_that_differ,
    keep_head,
    kept_heads,
    post_head,
    require_known_head,
)
from flows.serving.turn import is_anything_due
from flows.settings import Settings

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
STUDY = "CYT107-IV"


def url(folder: Path, name: str = "postdose") -> str:
    return f"sqlite:///{folder / name}.sqlite"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three records of the study, the head of each kept; and a copy of the database from after the first."""
    ledger = Ledger(url(tmp_path))
    for number in range(3):
        keep_head(tmp_path, STUDY, ledger.record(STUDY, Kind.REVIEW, {"number": number}), at=NOW)
        if number == 0:
            shutil.copy(tmp_path / "postdose.sqlite", tmp_path / "older.sqlite")
    return ledger


def test_each_head_is_a_line_for_its_owner_alone(ledger: Ledger, tmp_path: Path) -> None:
    records = ledger.records()
    lines = (tmp_path / FILE).read_text().splitlines()
    assert lines == [f"{one.sequence} {one.sha256} 2026-03-01T02:00:00Z {STUDY}" for one in records]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert list(heads_that_differ(ledger, tmp_path, STUDY)) == []
    require_known_head(ledger, tmp_path, STUDY)


def test_a_ledger_that_has_gone_on_without_a_line_is_the_same(ledger: Ledger, tmp_path: Path) -> None:
    ledger.record(STUDY, Kind.REVIEW, {})
    require_known_head(ledger, tmp_path, STUDY)
    moved = url(tmp_path, "moved")
    ledger.copy_to(moved)
    require_known_head(Ledger(moved), tmp_path, STUDY)


@pytest.mark.parametrize(
    ("name", "said"),
    [("new", "it is empty"), ("older", "its newest record is 1"), ("other", "its newest record is 4")],
)
def test_a_new_or_older_or_other_ledger_is_refused_with_what_to_do(
    ledger: Ledger, tmp_path: Path, name: str, said: str
) -> None:
    found = Ledger(url(tmp_path, name))
    for number in range(4 if name == "other" else 0):
        found.record(STUDY, Kind.REVIEW, {"number": -number})
    with pytest.raises(
        LedgerWriteError, match=rf"does not hold record 3 .*{said}.*ledger accept-head PROTOCOL"
    ):
        require_known_head(found, tmp_path, STUDY)
    assert "the ledger lacks record" in next(iter(heads_that_differ(found, tmp_path, STUDY)))
    require_known_head(found, tmp_path, "another study")  # whose heads nobody knows


def test_in_a_ledger_that_is_not_the_one_known_roles_are_notified_of_that_until_a_person_goes_on_in_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    read = load_protocol(GOOD)
    route = {"role": "physician", "verdicts": ["not_assessable"], "channels": ["file:outbox/"]}
    alerts = Alerts.model_validate({"repeat_hours": 24, "routes": [route]})
    protocol = read.model_copy(update={"alerts": alerts}).read_from(tmp_path, read.sha256)
    older, waits = Ledger(url(tmp_path, "older")), Outgoing("waits", "file:outbox/", {"subject": "harm"})
    older.decide(STUDY, lambda _seen: [Entry(Kind.REVIEW, {}, (waits,))], now=NOW)
    assert is_anything_due(older, protocol, NOW, watching=False)
    assert run_alerts(older, protocol, NOW, addresses={}, watching=False).outcome == "delivered"
    told = [json.loads(file.read_text()) for file in (tmp_path / "outbox").glob("*.json")]
    assert sorted(one["subject"][:24] for one in told) == ["harm", "postdose LEDGER REPLACED"]
    assert LEDGER_REPLACED in {cause.about for cause in take_pulse(older, protocol, NOW).causes}
    assert not is_anything_due(older, protocol, NOW, watching=False)
    (alert,) = older.standings()[STUDY].alerts.values()
    words = {"by": "Dr A", "reason": "seen", "now": NOW}
    for decide in (run_ack, run_close):
        with pytest.raises(LedgerWriteError, match="does not hold record 3"):
            decide(Settings(url(tmp_path, "older"), {}), alert.id, **words)
    run_accept(Settings(url(tmp_path, "older"), {}), protocol, **words, as_json=False)
    run_alerts(older, protocol, NOW, addresses={}, watching=False)
    assert older.standings()[STUDY].alerts[alert.id].state == "closed"


def test_an_alert_is_taken_by_what_is_known_beside_the_study_that_is_named(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    for folder in (study, elsewhere):
        folder.mkdir()
    protocol, state = shutil.copy(GOOD, study), url(elsewhere)
    (tmp_path / FILE).rename(study / FILE)
    read = load_protocol(Path(protocol))
    alerts_due(Ledger(state), read, NOW, watching=True)
    name = next(iter(Ledger(state).standings()[STUDY].alerts))
    monkeypatch.chdir(elsewhere)
    words = ["alerts", "ack", name, "--by", "Dr A", "--reason", "seen", "--state", state]
    assert main([*words, "--protocol", str(protocol)]) == LedgerWriteError.exit_code
    assert main(words) == 0


@pytest.mark.parametrize("words", [["list"], ["show", "{name}"]])
def test_alerts_are_read_beside_the_protocol_that_is_named(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    protocol = shutil.copy(GOOD, tmp_path)
    alerts_due(ledger, load_protocol(Path(protocol)), NOW, watching=True)
    name = next(iter(ledger.standings()[STUDY].alerts))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = [word.format(name=name) for word in words]
    assert main(["alerts", *said, "--protocol", str(protocol)]) == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["alerts", "ack", "0123abcd", "--by", "Dr A", "--reason", "seen", "--protocol"],
        ["ledger", "verify", "--files"],
    ],
)
def test_a_ledger_that_is_lost_is_restored_or_given_up_by_whoever_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    protocol = shutil.copy(GOOD, tmp_path)
    keep_head(tmp_path, STUDY, Head(3, "a" * 64), at=NOW)
    assert main([*words, str(protocol)]) == UsageError.exit_code
    said = capsys.readouterr().err
    assert "restore its newest backup" in said and "accept-head PROTOCOL --by NAME --reason TEXT" in said
    assert "--state" not in said and not (tmp_path / "postdose.sqlite").exists()


def test_what_to_do_about_a_file_is_not_what_to_do_about_a_ledger(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify = ["ledger", "verify", "--files", shutil.copy(GOOD, tmp_path)]
    (tmp_path / "looks" / STUDY).mkdir(parents=True)
    assert main(verify) == 0
    (tmp_path / "looks" / STUDY / "a.html").write_text("No signal")
    assert main(verify) == FilesDifferError.exit_code == LedgerBrokenError.exit_code
    said = capsys.readouterr().err
    assert "a.html was added" in said and said.endswith(f"{FilesDifferError.remedy}\n")
    assert "move away what was added" in said and "restore it from its backup" in said
    shutil.copy(tmp_path / "older.sqlite", tmp_path / "postdose.sqlite")
    assert main(verify) == LedgerBrokenError.exit_code
    said = capsys.readouterr().err
    assert "a.html was added" in said and said.endswith(f"{LedgerBrokenError.remedy}\n")


def test_a_person_goes_on_in_an_older_one_with_a_reason(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = load_protocol(GOOD).read_from(tmp_path, "a" * 64)
    settings = Settings(url(tmp_path, "older"), {})
    words = {"by": "Dr A", "reason": "the disk was lost", "now": NOW, "as_json": False}
    with pytest.raises(UsageError, match="--reason: found no printable text"):
        run_accept(settings, protocol, **{**words, "reason": " "})
    assert run_accept(settings, protocol, **words) == 0
    older, known = Ledger(settings.state_url), ledger.head()
    assert known is not None
    assert f"go on in this ledger: 2 {older.head().sha256}" in capsys.readouterr().out  # type: ignore[union-attr]
    accepted = older.records(STUDY, Kind.HEAD_ACCEPTED)[-1].payload
    assert accepted["known"] == {"sequence": 3, "sha256": known.sha256}
    assert (accepted["by"], accepted["reason"]) == ("Dr A", "the disk was lost")
    require_known_head(older, tmp_path, STUDY)
    assert list(heads_that_differ(older, tmp_path, STUDY)) == []
    with pytest.raises(LedgerWriteError):  # and no more in the one before
        require_known_head(ledger, tmp_path, STUDY)


@pytest.mark.parametrize(
    "torn",
    [
        b"4 abc",
        b"\xff\xfe",
        b"\x00" * 40,
        b"four x y z",
        b"9" * 5000 + b" a b c",
        b"9223372036854775808 a b c",
    ],
)
def test_a_torn_line_hides_no_other_and_is_named(ledger: Ledger, tmp_path: Path, torn: bytes) -> None:
    with (tmp_path / FILE).open("ab") as opened:
        opened.write(torn)
    require_known_head(ledger, tmp_path, STUDY)
    keep_head(tmp_path, STUDY, ledger.record(STUDY, Kind.REVIEW, {}), at=NOW)
    assert [one.head and one.head.sequence for one in kept_heads(tmp_path)] == [1, 2, 3, None, 4]
    assert list(heads_that_differ(ledger, tmp_path, STUDY)) == ["line 4 of heads is no head (1 such)"]


def as_a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def as_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def as_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("change", [as_a_link, as_a_pipe, as_a_folder])
def test_what_is_no_regular_file_stops_no_look_and_is_named(
    ledger: Ledger, tmp_path: Path, change: object
) -> None:
    change(tmp_path / FILE)  # type: ignore[operator]
    require_known_head(ledger, tmp_path, STUDY)
    with pytest.raises(OSError):
        keep_head(tmp_path, STUDY, Head(4, "a" * 64), at=NOW)
    (said,) = heads_that_differ(ledger, tmp_path, STUDY)
    assert said.startswith("the file of heads cannot be read")


class Keeper(BaseHTTPRequestHandler):
    told: ClassVar[list[object]] = []
    slow = 0.0

    def do_POST(self) -> None:
        time.sleep(self.slow)
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def keeper() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/k3y"
    server.shutdown()


def test_a_head_is_posted(keeper: str) -> None:
    Keeper.told.clear()
    post_head(keeper, STUDY, Head(3, "a" * 64), at=NOW)
    told = {"schema": "postdose/head/1", "study": STUDY, "sequence": 3, "sha256": "a" * 64}
    assert Keeper.told == [{**told, "at": "2026-03-01T02:00:00Z"}]


def test_nobody_who_keeps_heads_is_waited_for_long(
    keeper: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.calls.LONGEST_CALL", 0.2)
    monkeypatch.setattr(Keeper, "slow", 5.0)
    post_head(keeper, STUDY, Head(3, "a" * 64), at=NOW)
    assert "POSTDOSE_HEAD_URL: no answer within 0.2 s" in caplog.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/k3y", "file:///etc/passwd", "k3y", "http://[k3y", "http://k3y\n/"]
)
def test_an_address_that_does_not_answer_is_logged_without_it(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    post_head(url, STUDY, Head(3, "a" * 64), at=NOW)
    assert "POSTDOSE_HEAD_URL" in caplog.text and "k3y" not in caplog.text
