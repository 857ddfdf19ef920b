"""A real HTTP receiver on loopback with its moods: what arrives, what is tried again, what is given up."""

import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ledgers import caused, pending
from payloads import PAYLOADS

from flows.alerts.attempts import Bounds
from flows.alerts.sending import Sent, send_due
from flows.ledger import Kind, Ledger, Outgoing

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
PATIENT = Bounds(attempt=20.0, begin=60.0)
IMPATIENT = Bounds(attempt=1.5, begin=8.0)
VARIABLE = "POSTDOSE_PHYSICIAN_URL"
MESSAGE = {"subject": "postdose: signal in study S", "text": "three_cases: crossed", "html": "<p>crossed</p>"}

Mood = Callable[["Handler"], None]


@dataclass
class Receiver:
    """What a receiver is told to answer, in order, and what it was sent."""

    server: ThreadingHTTPServer | None = None
    url: str = ""
    moods: list[Mood] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        self.receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.receiver.headers.append(dict(self.headers))
        self.receiver.paths.append(self.path)
        self.receiver.moods.pop(0)(self)

    def log_message(self, *_: object) -> None:
        pass


def answers(status: int, body: bytes = b"", **headers: str) -> Mood:
    def mood(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return mood


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"only a part")


def says_nothing(handler: Handler) -> None:
    handler.receiver.end.wait(30)


def never_stops(handler: Handler) -> None:
    """Answer, one byte now and then, for ever: no single silence is long."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while not handler.receiver.end.wait(0.05):
            handler.wfile.write(b".")
    except OSError:
        pass


def floods(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while not handler.receiver.end.is_set():
            handler.wfile.write(b"x" * 65_536)
    except OSError:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Handler,), {"receiver": told}))
    server.daemon_threads = True
    told.server = server
    told.url = f"http://127.0.0.1:{server.server_port}/alerts/t0ken"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.end.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def queue(
    ledger: Ledger, *ids: str, channel: str = f"env:{VARIABLE}", message: Mapping[str, str] = MESSAGE
) -> None:
    outgoing = [Outgoing(one, channel, message, "signal:three_cases", "safety_physician", 1) for one in ids]
    caused(ledger, {"verdict": "signal"}, outgoing)


def send(
    ledger: Ledger,
    tmp_path: Path,
    addresses: Mapping[str, str] | str,
    at: datetime = NOW,
    bounds: Bounds = PATIENT,
) -> Sent:
    told = {VARIABLE: addresses} if isinstance(addresses, str) else addresses
    return send_due(ledger, "S", at, folder=tmp_path, addresses=told, bounds=bounds)


def kinds(ledger: Ledger) -> list[str]:
    return [record.kind for record in ledger.records("S")][2:]  # after the look and its message


def due(ledger: Ledger) -> datetime:
    (waiting,) = ledger.outbox.undelivered("S")
    assert waiting.next_attempt_at is not None
    return waiting.next_attempt_at


def test_a_signed_message_arrives_and_its_receiver_can_tell(
    ledger: Ledger, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.moods = [answers(202, b'{"id": "evt-17"}')]
    queue(ledger, "id-1")
    addresses = {VARIABLE: receiver.url, f"{VARIABLE}_SECRET": "5ecret", "POSTDOSE_WEBHOOK_SECRET": "another"}
    assert send(ledger, tmp_path, addresses).outcome == "delivered"
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body) == {"id": "id-1", **MESSAGE}
    assert headers["Idempotency-Key"] == "id-1"
    parts = dict(part.split("=", 1) for part in headers["X-Postdose-Signature"].split(","))
    assert datetime.fromtimestamp(int(parts["t"]), UTC) == NOW
    expected = hmac.new(b"5ecret", f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    (receipt,) = ledger.records("S", Kind.RECEIPT)
    assert receipt.payload == {
        "message": "id-1",
        "channel": f"env:{VARIABLE}",
        "alert": "signal:three_cases",
        "role": "safety_physician",
        "step": 1,
        "detail": "answered 202 Accepted, id evt-17",
        "at": "2026-03-01T02:00:00Z",
    }


def test_a_document_holds_no_command_of_a_text_and_stays_the_same(
    ledger: Ledger, tmp_path: Path, receiver: Receiver
) -> None:
    message = {f"key {place}": payload for place, payload in enumerate(PAYLOADS)}
    receiver.moods[:] = [answers(200)]
    queue(ledger, "m-1", message={"subject": PAYLOADS[0], **message})
    send(ledger, tmp_path, receiver.url)
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert all(line.isprintable() for line in body.decode().split("\n"))
    assert json.loads(body) == {"id": "m-1", "subject": PAYLOADS[0], **message}
    assert not any("evil" in f"{name}{value}" for name, value in headers.items())


def test_the_common_secret_signs_where_the_channel_has_none(
    ledger: Ledger, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.moods = [answers(200), answers(200)]
    queue(ledger, "id-1")
    send(ledger, tmp_path, {VARIABLE: receiver.url, "POSTDOSE_WEBHOOK_SECRET": "common"})
    queue(ledger, "id-2")
    send(ledger, tmp_path, receiver.url)
    signed, plain = receiver.headers
    assert signed["X-Postdose-Signature"].startswith("t=1772330400,v1=")
    assert "X-Postdose-Signature" not in plain
    assert ledger.records("S", Kind.RECEIPT)[1].payload["detail"].endswith("not signed, for no secret is set")


PASSING = {
    "500": answers(500),
    "502": answers(502),
    "408": answers(408),
    "425": answers(425),
    "429": answers(429),
    "503": answers(503),
    "breaks off": breaks_off,
    "says nothing": says_nothing,
    "never stops": never_stops,
}


@pytest.mark.parametrize("mood", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_tried_again_under_the_same_key(
    ledger: Ledger, tmp_path: Path, receiver: Receiver, mood: Mood
) -> None:
    receiver.moods = [mood, answers(200)]
    queue(ledger, "id-1")
    assert send(ledger, tmp_path, receiver.url, bounds=IMPATIENT).outcome == "failed"
    again = due(ledger)
    assert NOW <= again <= NOW + timedelta(seconds=30)
    sent = send(ledger, tmp_path, receiver.url, again)
    assert (sent.delivered, sent.outcome) == (("id-1",), "delivered")
    assert [headers["Idempotency-Key"] for headers in receiver.headers] == ["id-1", "id-1"]
    assert receiver.bodies[0] == receiver.bodies[1]
    assert kinds(ledger) == [Kind.FAILED_DELIVERY, Kind.RECEIPT]


LASTING = {"301": 301, "307": 307, "400": 400, "401": 401, "403": 403, "404": 404, "410": 410}


@pytest.mark.parametrize("status", LASTING.values(), ids=LASTING.keys())
def test_what_does_not_pass_is_given_up_at_once(
    ledger: Ledger, tmp_path: Path, receiver: Receiver, status: int
) -> None:
    receiver.moods = [answers(status, Location=f"{receiver.url}/elsewhere")]
    queue(ledger, "id-1")
    sent = send(ledger, tmp_path, receiver.url)
    assert ([one.role for one in sent.dead], sent.outcome) == (["safety_physician"], "failed")
    assert pending(ledger, "S") == ()
    assert kinds(ledger) == [Kind.FAILED_DELIVERY, Kind.DEAD_LETTER]
    (dead,) = ledger.outbox.dead_letters("S")
    assert str(status) in (dead.last_error or "")
    assert receiver.paths == ["/alerts/t0ken"]  # a redirect was not followed


def test_a_dead_letter_goes_out_once_its_channel_is_mended_and_somebody_asks(
    ledger: Ledger, tmp_path: Path, receiver: Receiver
) -> None:
    queue(ledger, "id-1")
    assert len(send(ledger, tmp_path, {}).dead) == 1
    assert (
        send(ledger, tmp_path, receiver.url, NOW + timedelta(hours=1)).outcome == "delivered"
    )  # nothing is due
    assert receiver.bodies == []
    ledger.requeue("S", "id-1", by="Dr. Ærø", at=NOW + timedelta(hours=2))
    receiver.moods = [answers(200)]
    assert send(ledger, tmp_path, receiver.url, NOW + timedelta(hours=2)).delivered == ("id-1",)
    assert ledger.outbox.dead_letters("S") == ()
    assert ledger.records("S", Kind.ALERT)[1].payload["resent_by"] == "Dr. Ærø"


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (429, "120", timedelta(minutes=2)),
        (503, "Sun, 01 Mar 2026 02:10:00 GMT", timedelta(minutes=10)),
        (503, "86400", timedelta(minutes=15)),
    ],
    ids=["seconds", "a date", "longer than is honoured"],
)
def test_a_receiver_that_asks_to_wait_is_left_alone(
    ledger: Ledger, tmp_path: Path, receiver: Receiver, status: int, asked: str, wait: timedelta
) -> None:
    receiver.moods = [answers(status, Retry_After=asked)]
    queue(ledger, "id-1")
    send(ledger, tmp_path, receiver.url)
    assert due(ledger) == NOW + wait
    assert send(ledger, tmp_path, receiver.url, NOW + wait - timedelta(seconds=1)).outcome == "failed"
    assert len(receiver.bodies) == 1


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_receiver_that_is_not_there_is_tried_eight_times_within_the_hour(
    ledger: Ledger, tmp_path: Path
) -> None:
    queue(ledger, "id-1")
    address, at, attempts = f"http://127.0.0.1:{closed_port()}/", NOW, 0
    while pending(ledger, "S"):
        at = max(at, due(ledger)) if attempts else at
        assert send(ledger, tmp_path, address, at).outcome == "failed"
        attempts += 1
    assert attempts == 8
    assert at - NOW < timedelta(hours=1)
    assert kinds(ledger) == [Kind.FAILED_DELIVERY] * 8 + [Kind.DEAD_LETTER]
    assert ledger.outbox.dead_letters("S")[0].last_error == f"env:{VARIABLE}: no connection to the receiver"


def test_a_long_answer_is_not_read_to_its_end(ledger: Ledger, tmp_path: Path, receiver: Receiver) -> None:
    receiver.moods = [floods]
    queue(ledger, "id-1")
    assert send(ledger, tmp_path, receiver.url).outcome == "delivered"


def answers_twice(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2)
    handler.close_connection = False


def test_what_a_receiver_says_too_much_of_one_message_is_no_answer_to_the_next(
    ledger: Ledger, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.moods = [answers_twice, answers(503)]
    queue(ledger, "id-1", "id-2")
    sent = send(ledger, tmp_path, receiver.url)
    assert (sent.delivered, sent.refused) == (("id-1",), 1)


def test_a_receiver_that_hangs_delays_no_other(ledger: Ledger, tmp_path: Path, receiver: Receiver) -> None:
    receiver.moods = [says_nothing] * 8
    outgoing = [Outgoing(f"hangs-{place}", f"env:{VARIABLE}", MESSAGE) for place in range(8)]
    caused(ledger, {}, [*outgoing, Outgoing("id-1", "file:outbox/", MESSAGE)])
    sent = send(ledger, tmp_path, receiver.url, bounds=Bounds(attempt=2.0, begin=1.0))
    assert sent.delivered == ("id-1",)
    assert (
        ledger.records("S", Kind.RECEIPT)[0].sequence < ledger.records("S", Kind.FAILED_DELIVERY)[0].sequence
    )
    assert (sent.refused, sent.unbegun) == (1, 7)  # after the first there was no time to begin another
    another = ledger.outbox.claim_due("S", NOW, by="", until=NOW + timedelta(minutes=2))
    assert len(another) == 7, "what was not begun is anybody's at once"


SENDER = """
import sys
from datetime import datetime
from pathlib import Path
from flows.alerts import send_due
from flows.ledger import Ledger
state, url, now = sys.argv[1:]
send_due(Ledger(state), "S", datetime.fromisoformat(now), folder=Path(), addresses={"POSTDOSE_PHYSICIAN_URL": url})
"""


def test_a_sender_killed_before_it_wrote_the_receipt_sends_again_under_the_same_key(
    tmp_path: Path, receiver: Receiver
) -> None:
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    queue(Ledger(state), "id-1")
    arguments = [sys.executable, "-c", SENDER, state, receiver.url]
    arrived = threading.Event()

    def takes_it_and_hesitates(handler: Handler) -> None:
        arrived.set()
        handler.receiver.end.wait(30)

    receiver.moods = [takes_it_and_hesitates, answers(200)]
    sender = subprocess.Popen([*arguments, NOW.isoformat()])
    assert arrived.wait(60)
    ledger, alive = Ledger(state), NOW + timedelta(seconds=1)
    assert send(ledger, tmp_path, receiver.url, alive).outcome == "pending"  # it may still be sending
    sender.kill()
    sender.wait(30)
    assert [record.kind for record in ledger.records("S")] == [Kind.LOOK, Kind.ALERT]
    assert send(ledger, tmp_path, receiver.url, alive).delivered == ("id-1",)
    assert [headers["Idempotency-Key"] for headers in receiver.headers] == ["id-1", "id-1"]
    assert pending(ledger, "S") == ()


def test_a_certificate_that_is_not_trusted_gets_no_message(
    ledger: Ledger, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    named = ["-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    to = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command, *named, *to], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    assert receiver.server is not None
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    receiver.moods = [answers(200)]
    url = receiver.url.replace("http:", "https:")
    queue(ledger, "id-1")
    assert [one.id for one in send(ledger, tmp_path, url).dead] == ["id-1"]
    assert (
        ledger.outbox.dead_letters("S")[0].last_error
        == f"env:{VARIABLE}: the receiver's certificate is not trusted"
    )
    assert receiver.bodies == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    ledger.requeue("S", "id-1", by="Dr. Ærø", at=NOW)
    assert send(ledger, tmp_path, url).delivered == ("id-1",)


def test_two_senders_at_once_send_a_message_once(tmp_path: Path, receiver: Receiver) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    one, other = Ledger(url), Ledger(url)
    queue(one, "id-1")
    claimed = one.outbox.claim_due("S", NOW, by="", until=NOW + timedelta(minutes=2))
    assert [waiting.outgoing.id for waiting in claimed] == ["id-1"]
    assert send(other, tmp_path, receiver.url).outcome == "pending"
    receiver.moods = [answers(200)]  # the first sender was killed: its claim lapses
    assert send(other, tmp_path, receiver.url, NOW + timedelta(minutes=2)).delivered == ("id-1",)
