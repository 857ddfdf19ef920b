"""Each kind of channel gives its receiver the message in that receiver's form, on real files and on loopback."""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ledgers import caused, pending

from checks.errors import DeliveryError
from flows.alerts import send_due
from flows.alerts.channels import resolve, unresolved
from flows.ledger import Ledger, Outgoing

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
VARIABLE = "POSTDOSE_PHYSICIAN_URL"
MESSAGE = {
    "schema": "postdose/alert/1",
    "subject": "postdose: signal in study S",
    "study": "S",
    "verdict": "signal",
    "alert": "a1b2",
    "role": "safety_physician",
    "data_cutoff": "2026-03-01T00:00:00Z",
    "text": "three_cases: crossed",
    "rules": ["three_cases: crossed"],
    "cases": [],
    "html": "<p>crossed</p>",
    "report": "https://127.0.0.1/report.html",
}
KEY = "0123456789abcdef0123456789abcdef"


class Receiver(BaseHTTPRequestHandler):
    answers: ClassVar[list[int]] = []
    bodies: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(json.loads(body))
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Receiver.answers, Receiver.bodies = [], []
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/alerts"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")


def queue(ledger: Ledger, channel: str) -> None:
    caused(ledger, {"verdict": "signal"}, [Outgoing("id-1", channel, MESSAGE)])


def send(address: str, message: Mapping[str, Any] = MESSAGE) -> str:
    """Send one message through the channel of an address, without a ledger."""
    channel = f"env:{VARIABLE}"
    carry = resolve(channel, folder=Path(), addresses={VARIABLE: address})
    return carry(Outgoing("id-1", channel, message), NOW)


def test_a_file_channel_writes_one_whole_file_a_message(ledger: Ledger, tmp_path: Path) -> None:
    queue(ledger, "file:outbox/")
    assert send_due(ledger, "S", NOW, folder=tmp_path, addresses={}).outcome == "delivered"
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["id-1.json"]
    assert json.loads((tmp_path / "outbox" / "id-1.json").read_text()) == {"id": "id-1", **MESSAGE}


def test_a_folder_that_cannot_be_made_keeps_the_message_until_it_can(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    queue(ledger, "file:outbox/")
    assert send_due(ledger, "S", NOW, folder=tmp_path, addresses={}).outcome == "failed"
    assert len(pending(ledger, "S")) == 1
    (tmp_path / "outbox").unlink()
    later = NOW + timedelta(minutes=1)
    assert send_due(ledger, "S", later, folder=tmp_path, addresses={}).delivered == ("id-1",)


def test_the_console_shows_the_subject_alone(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue(ledger, "console:")
    assert send_due(ledger, "S", NOW, folder=tmp_path, addresses={}).outcome == "delivered"
    assert capsys.readouterr().err == "ALERT postdose: signal in study S\n"


def test_a_service_that_apprise_knows_receives_subject_and_text(receiver: str) -> None:
    Receiver.answers = [200]
    assert send(f"json://{receiver}") == "accepted by the receiver"
    (body,) = Receiver.bodies
    assert (body["title"], body["message"]) == ("postdose: signal in study S", "three_cases: crossed")


def test_a_service_that_apprise_knows_and_refuses_is_tried_again(receiver: str) -> None:
    Receiver.answers = [500]
    with pytest.raises(DeliveryError, match="did not take") as caught:
        send(f"json://{receiver}")
    assert not caught.value.permanent


def test_an_on_call_system_receives_an_event(receiver: str) -> None:
    Receiver.answers = [202]
    assert send(f"pagerduty://{KEY}?endpoint=http://{receiver}") == "answered 202 Accepted"
    (event,) = Receiver.bodies
    assert (event["routing_key"], event["event_action"]) == (KEY, "trigger")
    assert event["dedup_key"] == "a1b2"
    assert event["links"] == [{"href": "https://127.0.0.1/report.html", "text": "The look's report"}]
    payload = event["payload"]
    assert payload["summary"] == "postdose: signal in study S"
    assert (payload["source"], payload["group"], payload["severity"]) == ("S", "S", "critical")
    assert (payload["class"], payload["component"]) == ("signal", "safety_physician")
    assert payload["timestamp"] == "2026-03-01T00:00:00Z"
    assert payload["custom_details"]["rules"] == ["three_cases: crossed"]
    assert "html" not in payload["custom_details"]


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_an_on_call_system_is_told_that_the_same_alert_has_moved_on(receiver: str, action: str) -> None:
    Receiver.answers = [202, 202]
    for told in (MESSAGE, {**MESSAGE, "event_action": action}):
        send(f"pagerduty://{KEY}?endpoint=http://{receiver}", told)
    first, second = Receiver.bodies
    assert second == {"routing_key": KEY, "event_action": action, "dedup_key": first["dedup_key"]}


def test_an_event_that_is_refused_as_malformed_is_not_sent_again(receiver: str) -> None:
    Receiver.answers = [400]
    with pytest.raises(DeliveryError, match="400 Bad Request") as caught:
        send(f"pagerduty://{KEY}?endpoint=http://{receiver}")
    assert caught.value.permanent


UNUSABLE = {
    "empty": "",
    "no scheme": "jane@hospital.example",
    "unknown scheme": "no-such-scheme://s3cret",
    "a webhook without a host": "https:///s3cret",
    "a webhook with a wrong port": "https://host:s3cret/",
    "on-call with another service's form": f"pagerduty://{KEY}@s3cret",
    "on-call in a region that is none": f"pagerduty://{KEY}?region=s3cret",
    "mail to nobody": "mailto://s3cret",
}


@pytest.mark.parametrize("address", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_address_that_cannot_be_used_is_refused_for_good_and_not_repeated(address: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        send(address)
    assert caught.value.permanent
    assert str(caught.value).startswith(f"env:{VARIABLE}: ")
    assert "s3cret" not in str(caught.value)


def test_what_would_stop_an_alert_is_said_without_sending_one(tmp_path: Path) -> None:
    channels = ("console:", "file:outbox/", "env:POSTDOSE_A", "env:POSTDOSE_B", "env:POSTDOSE_A")
    addresses = {"POSTDOSE_B": "https://127.0.0.1:1/"}
    (problem,) = unresolved(channels, folder=tmp_path, addresses=addresses)
    assert problem.startswith("env:POSTDOSE_A: found no value; allowed: ")
    assert list(tmp_path.iterdir()) == []
