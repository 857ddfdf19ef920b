"""Addresses, keys and secrets never leave the environment: not into records, logs, receipts, errors or output."""

import logging
import socket
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ledgers import caused, pending
from sqlalchemy import create_engine

from checks.errors import DeliveryError
from flows.alerts import send_due
from flows.alerts.channels import resolve
from flows.ledger import Ledger, Outgoing
from flows.settings import read_settings

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
MESSAGE = {"subject": "postdose: signal in study S", "alert": "signal:three_cases", "rules": [], "cases": []}
SENTINEL = "s3nt1nel"


class Echo(BaseHTTPRequestHandler):
    """A receiver that repeats all it was sent, wherever an answer has room."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = b'{"id": "%s", "message": "%s"}' % (self.path.strip("/").encode(), body.hex().encode())
        status = 202 if "taken" in self.path else 404 if "refused" in self.path else 503
        self.send_response(status, f"{self.path} {self.headers.get('Authorization')}")
        self.send_header("Location", f"http://127.0.0.1/{self.path}")
        self.send_header("Retry-After", self.path)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def addresses_of(echo: str) -> Mapping[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    mailbox = f"?to={SENTINEL}@{SENTINEL}.example&from=x@example.org"
    # A host with an empty label has no address: nobody is asked for it.
    return {
        "POSTDOSE_TAKEN": f"http://{SENTINEL}:{SENTINEL}@{echo}/taken-{SENTINEL}",
        "POSTDOSE_REFUSED": f"http://{echo}/refused-{SENTINEL}",
        "POSTDOSE_LATER": f"http://{echo}/{SENTINEL}",
        "POSTDOSE_NOBODY": f"http://{nobody}/{SENTINEL}",
        "POSTDOSE_NO_HOST": f"https://{SENTINEL}..example/{SENTINEL}",
        "POSTDOSE_TLS": f"https://{echo}/{SENTINEL}",
        "POSTDOSE_ONCALL": f"pagerduty://{SENTINEL}?endpoint=http://{echo}/refused",
        "POSTDOSE_ONCALL_MALFORMED": f"pagerduty://{SENTINEL}@{SENTINEL}",
        "POSTDOSE_MAIL": f"mailto://{SENTINEL}:{SENTINEL}@{nobody}{mailbox}",
        "POSTDOSE_MAIL_NO_HOST": f"mailto://{SENTINEL}..example{mailbox}",
        "POSTDOSE_APPRISE": f"json://{SENTINEL}:{SENTINEL}@{echo}/{SENTINEL}",
        "POSTDOSE_APPRISE_NOBODY": f"json://{nobody}/{SENTINEL}",
        "POSTDOSE_UNKNOWN": f"{SENTINEL}://{SENTINEL}",
        "POSTDOSE_MALFORMED": f"http://[{SENTINEL}/",
        "POSTDOSE_MALFORMED_PORT": f"http://host:{SENTINEL}/",
        "POSTDOSE_WEBHOOK_SECRET": SENTINEL,
    }


def test_nothing_that_is_kept_or_shown_holds_an_address(
    echo: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)  # everything that any library logs
    state = tmp_path / "state.sqlite"
    ledger, addresses = Ledger(f"sqlite:///{state}"), addresses_of(echo)
    channels = [name for name in addresses if not name.endswith("SECRET")]
    caused(ledger, {}, [Outgoing(name, f"env:{name}", MESSAGE) for name in channels])
    sent = [
        send_due(ledger, "S", NOW + timedelta(hours=hours), folder=tmp_path, addresses=addresses)
        for hours in range(2)
    ]
    assert pending(ledger, "S") == ()
    assert len(ledger.outbox.dead_letters("S")) == len(channels) - 1
    told = [record.payload for record in ledger.records("S")]
    details = {payload["message"]: payload["detail"] for payload in told if "detail" in payload}
    assert details["POSTDOSE_TAKEN"] == "answered 202 Accepted"
    assert set(details) == set(channels)

    shown = capfd.readouterr()
    for kept in (caplog.text, shown.out, shown.err, repr(sent), str(details)):
        assert SENTINEL not in kept
    with create_engine(f"sqlite:///{state}").connect() as connection:
        stored = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert "POSTDOSE_TAKEN" in stored
    assert SENTINEL not in stored


def test_no_error_holds_an_address_in_its_traceback(echo: str) -> None:
    addresses = addresses_of(echo)
    for name in (name for name in addresses if name not in ("POSTDOSE_TAKEN", "POSTDOSE_WEBHOOK_SECRET")):
        with pytest.raises(DeliveryError) as caught:
            carry = resolve(f"env:{name}", folder=Path(), addresses=addresses)
            carry(Outgoing("id-1", f"env:{name}", MESSAGE), NOW)
        told = "".join(traceback.format_exception(caught.value))
        assert SENTINEL not in told, name


def test_the_settings_do_not_show_the_addresses() -> None:
    settings = read_settings({"POSTDOSE_A": SENTINEL}, state=None, folder=Path())
    assert settings.addresses == {"POSTDOSE_A": SENTINEL}
    assert SENTINEL not in repr(settings)
