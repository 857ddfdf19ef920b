"""An on-call system on loopback: an incident is opened by an alert, acknowledged with it, and resolved at its end."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Alerts
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_of_look, run_alerts
from flows.alerts.command import run_ack
from flows.alerts.notifying import alert_id
from flows.ledger import Kind, Ledger
from flows.pages.message import CaseFact, LookFacts, RuleFact
from flows.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
STUDY = "CYT107-IV"
SIGNAL, WATCH = alert_id(STUDY, "signal:three_cases"), alert_id(STUDY, "verdict:watch")
ON_CALL, WEBHOOK = "POSTDOSE_ON_CALL_URL", "POSTDOSE_WEBHOOK_URL"


class Receivers:
    """What an on-call system and a webhook were told, and what each answers from now on."""

    def __init__(self) -> None:
        self.answer = 202
        self.events: list[Mapping[str, Any]] = []
        self.posted: list[Mapping[str, Any]] = []
        self.addresses: Mapping[str, str] = {}

    def told(self) -> list[tuple[str, str]]:
        """Take out the events: what each does, and to which incident."""
        told = [(one["event_action"], one["dedup_key"]) for one in self.events]
        self.events.clear()
        return told


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receivers]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kept = Receivers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(kept.answer if self.path == "/on-call" else 200)
            self.end_headers()
            if self.path != "/on-call":
                kept.posted.append(body)
            elif kept.answer == 202:
                kept.events.append(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    where = f"http://127.0.0.1:{server.server_port}"
    kept.addresses = {
        ON_CALL: f"pagerduty://R0UTINGKEY?endpoint={where}/on-call",
        WEBHOOK: f"{where}/webhook",
    }
    yield kept
    server.shutdown()
    server.server_close()
    thread.join(10)


class Story:
    """A study whose first role is on call, and whose second has a webhook and the same on-call system."""

    def __init__(self, state_url: str, folder: Path, receivers: Receivers) -> None:
        channels = [f"env:{ON_CALL}", f"env:{WEBHOOK}", "file:physician/"]
        routes = [
            {"role": "physician", "verdicts": ["watch", "signal"], "channels": channels,
             "ack_within_minutes": 60, "escalate_to": "chair"},
            {"role": "chair", "verdicts": ["signal"], "channels": [f"env:{ON_CALL}"]},
        ]  # fmt: skip
        read = load_protocol(GOOD)
        alerts = Alerts.model_validate({"routes": routes})
        self.protocol: StudyProtocol = read.model_copy(update={"alerts": alerts}).read_from(
            folder, read.sha256
        )
        self.ledger, self.receivers = Ledger(state_url), receivers
        self.settings = Settings(state_url, receivers.addresses)

    def look(self, at: datetime, *subjects: str) -> None:
        """Look, find these cases, of which two are a watch and three cross, and send."""
        verdict = {2: "watch", 3: "signal", 4: "signal"}.get(len(subjects), "no_signal")
        crossed = "crossed" if verdict == "signal" else "not_crossed"
        found = LookFacts(
            look_id=at.isoformat(), data_cutoff=at.isoformat(), verdict=verdict, lead=(), windows={}, feeds=(),
            rules=(RuleFact("three_cases", crossed, str(len(subjects)), "3", crossed, crossed),),
            cases=cases(subjects), caveats=(), background=(),
        )  # fmt: skip
        signals = {"three_cases": "ongoing" if verdict == "signal" else "cleared"}
        looked = Looked(found, signals, CHANGES.empty(), "report.html")
        decision = partial(alerts_of_look, looked=looked, protocol=self.protocol, now=at)
        payload = {"look_id": found.look_id, "data_cutoff": found.data_cutoff, "verdict": verdict}
        self.ledger.record_look(STUDY, payload, decision=decision, now=at)
        self.turn(at)

    def turn(self, at: datetime) -> None:
        run_alerts(self.ledger, self.protocol, at, addresses=self.receivers.addresses, watching=False)

    def ack(self, at: datetime, alert: str = SIGNAL) -> None:
        run_ack(self.settings, alert, by="Dr. Aaroen", reason="assessing it", now=at)


def cases(subjects: Sequence[str]) -> tuple[CaseFact, ...]:
    onset = (5.5, 6.0)
    return tuple(
        CaseFact(s, 1, "2026-03-01T08:00:00Z", 6.0, onset, "fever", "definite", "yes", None, new=False)
        for s in subjects
    )


def test_an_incident_is_acknowledged_and_resolved_with_its_alert(
    state_url: str, tmp_path: Path, receivers: Receivers
) -> None:
    story = Story(state_url, tmp_path, receivers)
    story.look(NOW, "S1", "S2", "S3")
    assert receivers.told() == [("trigger", SIGNAL)] * 2  # one for each role: one incident all the same
    posted, files = len(receivers.posted), len(list((tmp_path / "physician").iterdir()))
    story.ack(NOW + HOUR / 2)
    assert receivers.told() == [("acknowledge", SIGNAL)]
    story.turn(NOW + 3 * HOUR)
    assert receivers.told() == []
    assert (
        len(receivers.posted) == posted
    )  # nothing for people to read: the webhook and the folder hear of none
    assert len(list((tmp_path / "physician").iterdir())) == files
    details = [record.payload["detail"] for record in story.ledger.records(STUDY, Kind.RECEIPT)]
    assert details[-2:].count("nothing to tell: this channel is no on-call system") == 1
    story.look(NOW + 4 * HOUR, "S1")
    assert set(receivers.told()) == {("resolve", SIGNAL)}
    assert story.ledger.outbox.undelivered(STUDY) == ()


def test_what_is_opened_again_is_an_incident_of_its_own_lest_an_acknowledged_one_call_nobody(
    state_url: str, tmp_path: Path, receivers: Receivers
) -> None:
    story, again = Story(state_url, tmp_path, receivers), f"{SIGNAL}-2"
    story.look(NOW, "S1", "S2", "S3")
    story.ack(NOW + HOUR / 2)
    receivers.told()
    story.look(NOW + HOUR, "S1", "S2", "S3", "S4")
    assert sorted(receivers.told()) == [("resolve", SIGNAL), ("trigger", again), ("trigger", again)]
    story.turn(NOW + 2 * HOUR)  # the chair was told at once, and is told again in place of the physician
    assert set(receivers.told()) == {("trigger", again)}
    story.ack(NOW + 3 * HOUR)
    assert receivers.told() == [("acknowledge", again)]


def test_a_watch_that_ends_untold_is_resolved(state_url: str, tmp_path: Path, receivers: Receivers) -> None:
    story = Story(state_url, tmp_path, receivers)
    story.look(NOW, "S1", "S2")
    assert receivers.told() == [("trigger", WATCH)]
    told = len(receivers.posted)
    story.look(NOW + HOUR / 2, "S1", "S2", "S3")
    assert sorted(receivers.told()) == sorted([("resolve", WATCH), *[("trigger", SIGNAL)] * 2])
    assert [one["about"] for one in receivers.posted[told:]] == ["signal:three_cases"]


def test_who_acknowledges_need_not_know_the_addresses(
    state_url: str, tmp_path: Path, receivers: Receivers
) -> None:
    story = Story(state_url, tmp_path, receivers)
    story.look(NOW, "S1", "S2", "S3")
    receivers.told()
    run_ack(Settings(state_url, {}), SIGNAL, by="Dr. Aaroen", reason="assessing it", now=NOW + HOUR / 2)
    assert receivers.told() == []
    story.turn(NOW + HOUR / 2)
    assert receivers.told() == [("acknowledge", SIGNAL)]
    assert story.ledger.outbox.dead_letters(STUDY) == ()


def test_an_acknowledgement_that_is_not_taken_waits_and_is_sent_again(
    state_url: str, tmp_path: Path, receivers: Receivers, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(state_url, tmp_path, receivers)
    story.look(NOW, "S1", "S2", "S3")
    receivers.told()
    receivers.answer = 503
    story.ack(NOW + HOUR / 2)
    assert "is acknowledged by Dr. Aaroen" in capsys.readouterr().out
    (waiting,) = story.ledger.outbox.undelivered(STUDY)
    assert waiting.outgoing.message["event_action"] == "acknowledge"
    receivers.answer = 202
    story.turn(NOW + HOUR)
    assert receivers.told() == [("acknowledge", SIGNAL)]
