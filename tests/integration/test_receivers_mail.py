"""A real mail server on loopback with its moods: what a mail looks like when it arrives, what is tried again."""

import email
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from ledgers import caused, pending
from payloads import PAYLOADS
from servers import wait_for

from checks.errors import DeliveryError
from flows.alerts.attempts import Bounds
from flows.alerts.channels import USUAL_ATTEMPT, resolve
from flows.alerts.channels.mail import _Patient
from flows.alerts.sending import begin, send_due
from flows.ledger import Kind, Ledger, Outgoing

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
VARIABLE = "POSTDOSE_PHYSICIAN_URL"
CHANNEL = f"env:{VARIABLE}"
MESSAGE = {
    "subject": "postdose: signal in study S\r\nBcc: everybody@example.org",
    "text": "three_cases: crossed at 38.3 °C\n.\nA line that is only a full stop is before this one.",
    "html": "<p>three_cases: <b>crossed</b> at 38.3 °C</p>",
}
TO_TWO = "?from=monitor@example.org&to=jane@example.org,joe@example.org"


@dataclass
class Postmaster:
    """What the server is told to answer at each stage, and the mails it took."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    mails: list[Envelope] = field(default_factory=list)

    def _answer(self, stage: str, usual: str) -> str:
        return self.answers[stage].pop(0) if self.answers.get(stage) else usual

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _s: SMTP, _n: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        answer = self._answer("mail", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _s: SMTP, _n: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        answer = self._answer("rcpt", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _s: SMTP, _n: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self._answer("data", "250 2.0.0 Ok: queued as 4F3A21B")
        if answer.startswith("250"):
            self.mails.append(envelope)
        return answer

    async def handle_QUIT(self, _s: SMTP, _n: Session, _e: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return self._answer("quit", "221 Bye")

    def authenticate(self, _s: SMTP, _n: Session, _e: Envelope, _m: str, told: Any) -> AuthResult:
        right = isinstance(told, LoginPassword) and (told.login, told.password) == (b"monitor", b"hunter2")
        return AuthResult(success=right, handled=False)


Start = Callable[..., int]


@pytest.fixture
def postmaster() -> Postmaster:
    return Postmaster()


@pytest.fixture
def start(postmaster: Postmaster) -> Iterator[Start]:
    """Start a server, with the options of aiosmtpd, and return its port."""
    started = []

    def start(**options: Any) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        controller = Controller(postmaster, hostname="127.0.0.1", port=port, **options)
        controller.start()
        started.append(controller)
        return port

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    made = (folder / "certificate.pem", folder / "key.pem")
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
    to = ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run([*command, *named, *to], check=True, capture_output=True, timeout=60)
    return made


def with_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def send(address: str) -> str:
    carry = resolve(CHANNEL, folder=Path(), addresses={VARIABLE: address})
    return carry(Outgoing("id-1", CHANNEL, MESSAGE), NOW)


def read(envelope: Envelope) -> EmailMessage:
    content = envelope.content
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=default)  # type: ignore[return-value]


def test_a_mail_arrives_as_text_and_page_with_the_key_as_its_id(postmaster: Postmaster, start: Start) -> None:
    receipt = send(f"mailto://127.0.0.1:{start()}{TO_TWO}")
    assert receipt == "the mail server answered 250 2.0.0 queued as 4F3A21B"
    (envelope,) = postmaster.mails
    assert envelope.mail_from == "monitor@example.org"
    assert sorted(envelope.rcpt_tos) == ["jane@example.org", "joe@example.org"]
    mail = read(envelope)
    assert mail["Subject"] == "postdose: signal in study S Bcc: everybody@example.org"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == "<id-1@postdose>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    plain, page = (mail.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert plain is not None and page is not None
    assert plain.get_content().splitlines() == MESSAGE["text"].splitlines()
    assert page.get_content().strip() == MESSAGE["html"]


def test_a_mail_holds_no_header_and_no_command_of_a_text(postmaster: Postmaster, start: Start) -> None:
    carry = resolve(CHANNEL, folder=Path(), addresses={VARIABLE: f"mailto://127.0.0.1:{start()}{TO_TWO}"})
    for payload in PAYLOADS:
        carry(Outgoing("id-1", CHANNEL, {"subject": payload, "text": f"{payload}\nS1"}), NOW)
    headers = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    headers |= {"Content-Type", "Content-Transfer-Encoding"}
    for mail in map(read, postmaster.mails):
        assert set(mail.keys()) == headers and len(mail.keys()) == len(headers)
        assert mail["To"] == "jane@example.org, joe@example.org"
        assert mail["Subject"].isprintable()
        assert all(line.isprintable() for line in mail.get_content().replace("\r\n", "\n").split("\n"))
    assert len(postmaster.mails) == len(PAYLOADS)


REFUSALS = {
    "full for now": ({"data": ["452 4.3.1 Insufficient system storage"]}, False, "452 4.3.1"),
    "greylisted": ({"rcpt": ["451 4.7.1 Try later", "451 4.7.1 Try later"]}, False, "451 4.7.1"),
    "no such mailbox": ({"rcpt": ["550 5.1.1 <jane@example.org> unknown"] * 2}, True, "550 5.1.1"),
    "sender not allowed": ({"mail": ["553 5.7.1 <monitor@example.org> not yours"]}, True, "553 5.7.1"),
    "taken for spam": ({"data": ["554 5.7.1 Message from jane@example.org rejected"]}, True, "554 5.7.1"),
}


@pytest.mark.parametrize(("answers", "permanent", "said"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_says_whether_it_lasts_and_names_nobody(
    postmaster: Postmaster, start: Start, answers: dict[str, list[str]], permanent: bool, said: str
) -> None:
    postmaster.answers = answers
    with pytest.raises(DeliveryError) as caught:
        send(f"mailto://127.0.0.1:{start()}{TO_TWO}")
    assert str(caught.value) == f"env:{VARIABLE}: the mail server answered {said}"
    assert caught.value.permanent is permanent
    assert postmaster.mails == []


@pytest.mark.parametrize(("answer", "permanent"), [("550 5.1.1 unknown", True), ("451 4.7.1 later", False)])
def test_one_refused_recipient_keeps_the_mail_from_nobody_else_and_is_said(
    postmaster: Postmaster, start: Start, answer: str, permanent: bool
) -> None:
    postmaster.answers = {"rcpt": [answer]}
    with pytest.raises(DeliveryError) as caught:
        send(f"mailto://127.0.0.1:{start()}{TO_TWO}")
    assert caught.value.permanent is permanent
    (envelope,) = postmaster.mails
    assert len(envelope.rcpt_tos) == 1


def test_a_mail_that_was_taken_stays_taken_whatever_follows(postmaster: Postmaster, start: Start) -> None:
    postmaster.answers = {"quit": ["554 5.3.0 Out of order"]}
    assert "queued as" in send(f"mailto://127.0.0.1:{start()}{TO_TWO}")
    assert len(postmaster.mails) == 1


def test_a_mail_that_waits_keeps_its_id(postmaster: Postmaster, start: Start, tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    caused(ledger, {}, [Outgoing("id-1", f"env:{VARIABLE}", MESSAGE)])
    postmaster.answers = {"data": ["451 4.3.0 Later"], "rcpt": ["250 OK", "250 OK", "450 4.2.1 Busy"]}
    addresses = {VARIABLE: f"mailto://127.0.0.1:{start()}{TO_TWO}"}
    at, attempts = NOW, 0
    while pending(ledger, "S"):
        send_due(ledger, "S", at, folder=tmp_path, addresses=addresses)
        attempts += 1
        at = max((one.next_attempt_at or at for one in ledger.outbox.undelivered("S")), default=at)
    assert attempts == 3
    assert [read(envelope)["Message-ID"] for envelope in postmaster.mails] == ["<id-1@postdose>"] * 2
    kinds = [record.kind for record in ledger.records("S")][2:]
    assert kinds == [Kind.FAILED_DELIVERY, Kind.FAILED_DELIVERY, Kind.RECEIPT]


def test_tls_and_login_as_the_address_asks(
    postmaster: Postmaster,
    start: Start,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    offered = {"tls_context": with_tls(certificate), "authenticator": postmaster.authenticate}
    port = start(**offered, auth_required=True)
    assert "250" in send(f"mailtos://monitor:hunter2@127.0.0.1:{port}{TO_TWO}")
    with pytest.raises(DeliveryError, match="535") as caught:
        send(f"mailtos://monitor:wrong@127.0.0.1:{port}{TO_TWO}")
    assert caught.value.permanent
    assert "250" in send(f"mailtos://127.0.0.1:{start(ssl_context=with_tls(certificate))}{TO_TWO}&mode=ssl")


@pytest.mark.parametrize("options", ["", "&mode=ssl"], ids=["starttls", "ssl"])
def test_a_certificate_that_is_not_trusted_gets_no_mail(
    postmaster: Postmaster, start: Start, certificate: tuple[Path, Path], options: str
) -> None:
    context = with_tls(certificate)
    port = start(**{"ssl_context" if options else "tls_context": context})
    with pytest.raises(DeliveryError, match="certificate is not trusted") as caught:
        send(f"mailtos://127.0.0.1:{port}{TO_TWO}{options}")
    assert caught.value.permanent
    assert postmaster.mails == []
    assert "250" in send(f"mailtos://127.0.0.1:{port}{TO_TWO}{options}&verify=no")


def test_a_server_without_tls_gets_no_mail_that_asks_for_it(postmaster: Postmaster, start: Start) -> None:
    with pytest.raises(DeliveryError, match="offers no TLS") as caught:
        send(f"mailtos://127.0.0.1:{start()}{TO_TWO}")
    assert caught.value.permanent
    assert postmaster.mails == []


def test_a_server_that_is_not_there_or_goes_is_tried_again(postmaster: Postmaster, start: Start) -> None:
    postmaster.answers = {"mail": ["421 4.3.2 Going down"]}
    with pytest.raises(DeliveryError, match="421") as caught:
        send(f"mailto://127.0.0.1:{start()}{TO_TWO}")
    assert not caught.value.permanent
    with pytest.raises(DeliveryError, match="no answer from the mail server") as caught:
        send(f"mailto://127.0.0.1:1{TO_TWO}")
    assert not caught.value.permanent


def test_a_slow_server_is_given_up_in_time(start: Start, postmaster: Postmaster, tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    caused(ledger, {}, [Outgoing("id-1", f"env:{VARIABLE}", MESSAGE)])
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never greets
        address = f"mailto://127.0.0.1:{silent.getsockname()[1]}{TO_TWO}"
        sent = send_due(
            ledger, "S", NOW, folder=tmp_path, addresses={VARIABLE: address}, bounds=Bounds(0.5, 1.0)
        )
    assert (sent.refused, sent.outcome) == (1, "failed")
    (waiting,) = ledger.outbox.undelivered("S")
    assert waiting.last_error == f"env:{VARIABLE}: not taken within 0.5 s"


@contextmanager
def late(greeting: float = 0.0, **replies: float) -> Iterator[tuple[str, list[str]]]:
    """A server that greets late and answers each command as late as told; its address, and what it took."""
    taken: list[str] = []

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", buffering=0) as stream:
            time.sleep(greeting)
            stream.write(b"220 late at last\r\n")
            while line := stream.readline():
                command = line.split()[0].decode().lower()
                time.sleep(replies.get(command, 0.0))
                if command == "data":
                    stream.write(b"354 go on\r\n")
                    text = b"".join(iter(stream.readline, b".\r\n")).decode()
                    time.sleep(replies.get("taken", 0.0))
                    taken.append(text)
                stream.write(b"221 bye\r\n" if command == "quit" else b"250 ok\r\n")

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"mailto://127.0.0.1:{server.getsockname()[1]}{TO_TWO}", taken


@pytest.mark.slow
def test_a_server_may_be_late_at_each_step_and_delays_no_other_channel(tmp_path: Path) -> None:
    """At the greeting later than any other channel may answer: 16 s, of the 5 minutes that RFC 5321 gives it."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    to = {name: Outgoing(name, channel, MESSAGE) for name, channel in
          (("late", f"env:{VARIABLE}"), ("prompt", "file:outbox/"), ("dead", "env:POSTDOSE_NOBODY_URL"))}  # fmt: skip
    caused(ledger, {}, list(to.values()))
    begun, seen = time.monotonic(), []

    def given_up() -> bool:
        seen.append((time.monotonic() - begun, (tmp_path / "outbox" / "prompt.json").is_file()))
        caused(ledger, {}, [Outgoing("next", "file:next/", MESSAGE)])
        return True

    with late(greeting=USUAL_ATTEMPT + 1, ehlo=0.5, mail=0.5, rcpt=0.5, data=0.5, taken=0.5) as (
        address,
        taken,
    ):
        sending = begin(
            partial(
                send_due, ledger, "S", NOW, folder=tmp_path, addresses={VARIABLE: address}, given_up=given_up
            )
        )
        for name in ("outbox/prompt.json", "next/next.json"):
            wait_for(name, (tmp_path / name).is_file, seconds=10)
        assert not sending.done() and taken == []
        sent = sending.result(60)
    assert sent.delivered[-1] == "late" and {*sent.delivered} == {"late", "prompt", "next"}
    assert len(taken) == 1 and seen[0][0] < 10
    assert ledger.verify() > 0


def test_the_limits_are_those_of_the_standard(start: Start) -> None:
    """RFC 5321 section 4.5.3.2: 5 minutes to greet, for MAIL and for RCPT, 2 for DATA, 3 a block, 10 at the end."""
    waits: list[float | None] = []

    class Watched(socket.socket):
        def settimeout(self, seconds: float | None) -> None:
            waits.append(seconds)
            super().settimeout(seconds)

    class Session(_Patient):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            made = Watched()
            made.settimeout(timeout)
            made.connect((host, port))
            return made

    session = Session("127.0.0.1", start(), timeout=30.0)
    session.ehlo()
    session.mail("monitor@example.org")
    session.rcpt("jane@example.org")
    session.data(b"Subject: x\r\n\r\nx")
    session.quit()
    assert [seconds for seconds in waits if seconds] == [30, 300, 300, 300, 300, 120, 180, 600, 1]
