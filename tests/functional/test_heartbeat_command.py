"""`postdose heartbeat` as a process, and what a look leaves for a watchdog: the file, and the call."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ledgers import LOOKED
from processes import postdose

from checks.errors import DeliveryError
from checks.protocol import load_protocol
from flows.heartbeat import HEARTBEAT_URL, call_watchdog, write_beat
from flows.ledger import Kind, Ledger

STUDY = Path(__file__).parents[2] / "deployments/studies/CYT107-IV/protocol.yaml"
LOOK = {"study": "CYT107-IV", "look_id": "0123456789abcdef", "verdict": "watch"}


def heartbeat(*arguments: str) -> subprocess.CompletedProcess[str]:
    return postdose("heartbeat", *arguments)


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    return Path(shutil.copy(STUDY, tmp_path / "protocol.yaml"))


def ledger_of(protocol: Path, minutes_ago: float, **payload: Any) -> Ledger:
    """A ledger with one look at a cut-off so many minutes ago."""
    ledger = Ledger(f"sqlite:///{protocol.parent / 'postdose.sqlite'}")
    cutoff = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    ledger.record(
        "CYT107-IV", Kind.LOOK, {**LOOKED, **LOOK, "data_cutoff": f"{cutoff:%Y-%m-%dT%H:%M:%SZ}", **payload}
    )
    return ledger


def test_a_recent_look_is_a_pulse_and_says_which(protocol: Path) -> None:
    head = ledger_of(protocol, 30).head()
    run = heartbeat(str(protocol), "--json")
    told = json.loads(run.stdout)
    assert (run.returncode, told["alive"], told["problems"]) == (0, True, [])
    assert told["last_look"]["look_id"] == LOOK["look_id"] and told["last_look"]["verdict"] == "watch"
    assert head is not None and told["ledger"] == {"sequence": 1, "sha256": head.sha256}


def test_each_reason_has_a_line_and_the_code_is_not_0(protocol: Path) -> None:
    ledger_of(protocol, 300, feed_faults={"VS": {"fault": "stale", "latest": None}})
    run = heartbeat(str(protocol))
    assert run.returncode == 30
    assert [line.partition(" ")[0] for line in run.stdout.splitlines()[:2]] == [
        "look_missing:",
        "feed_stale:VS:",
    ]


def test_an_undelivered_message_is_40_whatever_else_is_wrong(protocol: Path) -> None:
    letter = {"message": "m", "alert": "a", "role": "dsmb_chair", "channel": "env:X", "detail": "refused"}
    ledger_of(protocol, 300).record("CYT107-IV", Kind.DEAD_LETTER, letter)
    run = heartbeat(str(protocol))
    assert run.returncode == 40 and "delivery_failed:dsmb_chair: " in run.stdout


def test_without_a_ledger_there_is_no_pulse_and_none_is_made(protocol: Path) -> None:
    run = heartbeat(str(protocol), "--json")
    assert (run.returncode, json.loads(run.stdout)["problems"][0]["about"]) == (30, "look_missing")
    assert not (protocol.parent / "postdose.sqlite").exists()


def test_another_ledger_is_asked_where_state_names_it(protocol: Path, tmp_path: Path) -> None:
    ledger_of(protocol, 30)
    moved = (protocol.parent / "postdose.sqlite").rename(tmp_path / "elsewhere.sqlite")
    assert heartbeat(str(protocol)).returncode == 30
    assert heartbeat(str(protocol), "--state", f"sqlite:///{moved}").returncode == 0


def test_the_command_loads_neither_prefect_nor_pandas(protocol: Path) -> None:
    ledger_of(protocol, 30)
    script = (
        "import sys; from flows.commands.cli import main; code = main(['heartbeat', sys.argv[1]]);"
        "sys.exit(code or sum(name in sys.modules for name in ('prefect', 'pandas', 'great_expectations')))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(protocol)], check=False).returncode == 0


@pytest.fixture
def watchdog() -> Iterator[tuple[str, list[tuple[str, str, Mapping[str, str]]]]]:
    """A server on loopback that keeps what it was asked."""
    asked: list[tuple[str, str, Mapping[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, dict(self.headers)))
            self.send_response(500 if "refuse" in self.path else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def beaten(protocol: Path, url: str | None) -> Mapping[str, Any]:
    document = {**LOOK, "data_cutoff": "2026-03-09T06:00:00Z", "cases": ["kept here"]}
    write_beat(load_protocol(protocol), document, completed_at=datetime(2026, 3, 9, 6, 1, tzinfo=UTC))
    if url is not None:
        call_watchdog(url)
    file = protocol.parent / "looks/CYT107-IV/heartbeat.json"
    assert [entry.name for entry in file.parent.iterdir()] == ["heartbeat.json"]
    return json.loads(file.read_text())


def test_after_a_look_the_file_says_which_and_the_watchdog_is_called_without_a_word(
    protocol: Path, watchdog: tuple[str, list[tuple[str, str, Mapping[str, str]]]]
) -> None:
    url, asked = watchdog
    told = beaten(protocol, f"{url}/ping/key")
    assert told == {
        "schema": "postdose/beat/1", **LOOK,
        "data_cutoff": "2026-03-09T06:00:00Z", "completed_at": "2026-03-09T06:01:00Z",
    }  # fmt: skip
    ((method, path, headers),) = asked
    assert (method, path) == ("GET", "/ping/key")
    assert "Content-Length" not in headers


@pytest.mark.parametrize(
    "address", ["{url}/refuse/secret-key", "http://127.0.0.1:1/secret-key", "file:///secret-key"]
)
def test_a_watchdog_that_fails_is_named_without_its_address(
    watchdog: tuple[str, list[tuple[str, str, Mapping[str, str]]]], address: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        call_watchdog(address.format(url=watchdog[0]))
    assert "secret-key" not in str(caught.value)


def test_one_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.calls.LONGEST_CALL", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DeliveryError, match=r"no answer within 0\.2 s"),
    ):
        call_watchdog(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def looked(protocol: Path, server: str, url: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A look at a study of which no feed has arrived."""
    home = {"PREFECT_HOME": str(protocol.parent / "prefect"), "PREFECT_API_URL": server}
    return postdose("look", str(protocol), **home, **{HEARTBEAT_URL: url}, **environ)


def test_a_look_on_record_beats_and_its_feeds_at_fault_are_told(
    protocol: Path, prefect_url: str, watchdog: tuple[str, list[tuple[str, str, Mapping[str, str]]]]
) -> None:
    url, asked = watchdog
    assert looked(protocol, prefect_url, url).returncode != 0
    told = json.loads((protocol.parent / "looks/CYT107-IV/heartbeat.json").read_text())
    assert told["verdict"] == "not_assessable" and len(asked) == 1
    run = heartbeat(str(protocol), "--json")
    causes = [problem["about"] for problem in json.loads(run.stdout)["problems"]]
    feeds = [f"feed_blocked:{domain}" for domain in ("AE", "DM", "EX", "LB", "VS")]
    assert [cause for cause in causes if cause.startswith("feed_")] == feeds
    assert json.loads(run.stdout)["last_look"]["look_id"] == told["look_id"]
    assert "look_missing" not in causes


def test_a_look_that_the_ledger_did_not_take_does_not_beat(
    protocol: Path, prefect_url: str, watchdog: tuple[str, list[tuple[str, str, Mapping[str, str]]]]
) -> None:
    url, asked = watchdog
    nowhere = f"sqlite:///{protocol}/not-a-folder/postdose.sqlite"
    run = looked(protocol, prefect_url, url, POSTDOSE_STATE=nowhere)
    assert "NOT ASSESSABLE" in run.stdout and run.returncode == 41
    assert asked == []
    assert not list(protocol.parent.rglob("heartbeat.json"))
