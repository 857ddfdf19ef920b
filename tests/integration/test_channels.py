"""Messages reach real files and a real HTTP receiver on loopback; what no channel takes stays in the outbox."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from flows.alerts import send_pending
from flows.ledger import Ledger, Outgoing


class Receiver(BaseHTTPRequestHandler):
    answers: ClassVar[list[int]] = []
    bodies: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(json.loads(body))
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.answers, Receiver.bodies = [], []
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/alerts"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")


def queue(ledger: Ledger, channel: str) -> None:
    message = {"subject": "postdose: signal in study S", "rules": ["three_cases: crossed"], "cases": []}
    ledger.record_look("S", {"verdict": "signal"}, [Outgoing("id-1", channel, message)])


def test_a_file_channel_writes_one_whole_file_a_message(ledger: Ledger, tmp_path: Path) -> None:
    queue(ledger, "file:outbox/")
    assert send_pending(ledger, "S", folder=tmp_path, addresses={}) == "delivered"
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["id-1.json"]
    assert json.loads((tmp_path / "outbox" / "id-1.json").read_text())["id"] == "id-1"


def test_an_address_from_the_environment_receives_the_message(
    ledger: Ledger, tmp_path: Path, receiver: str
) -> None:
    Receiver.answers = [200]
    queue(ledger, "env:POSTDOSE_PHYSICIAN_URL")
    addresses = {"POSTDOSE_PHYSICIAN_URL": receiver}
    assert send_pending(ledger, "S", folder=tmp_path, addresses=addresses) == "delivered"
    assert Receiver.bodies[0]["title"] == "postdose: signal in study S"
    assert "three_cases: crossed" in Receiver.bodies[0]["message"]


def test_a_refused_message_waits_and_goes_out_at_the_next_attempt(
    ledger: Ledger, tmp_path: Path, receiver: str
) -> None:
    Receiver.answers = [500, 200]
    queue(ledger, "env:POSTDOSE_PHYSICIAN_URL")
    addresses = {"POSTDOSE_PHYSICIAN_URL": receiver}
    assert send_pending(ledger, "S", folder=tmp_path, addresses=addresses) == "failed"
    assert len(ledger.pending("S")) == 1
    assert send_pending(ledger, "S", folder=tmp_path, addresses=addresses) == "delivered"
    assert ledger.pending("S") == ()


@pytest.mark.parametrize("address", ["", "no-such-scheme://x"])
def test_a_channel_without_a_usable_address_keeps_the_message(
    ledger: Ledger, tmp_path: Path, address: str
) -> None:
    queue(ledger, "env:POSTDOSE_PHYSICIAN_URL")
    sent = send_pending(ledger, "S", folder=tmp_path, addresses={"POSTDOSE_PHYSICIAN_URL": address})
    assert sent == "failed"
    assert len(ledger.pending("S")) == 1


def test_a_folder_that_cannot_be_made_keeps_the_message(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    queue(ledger, "file:outbox/")
    assert send_pending(ledger, "S", folder=tmp_path, addresses={}) == "failed"
    assert len(ledger.pending("S")) == 1
