"""`postdose alerts list|show|ack|resend` as processes: what a person on duty types, and what is kept of it."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import processes
import pytest

from checks.protocol import StudyProtocol, load_protocol
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_of_look, run_alerts
from flows.ledger import Kind, Ledger
from flows.pages.message import LookFacts, RuleFact

ROUTES = """
alerts:
  routes:
    - role: safety_physician
      verdicts: [signal]
      channels: ["file:outbox/"]
      ack_within_minutes: 60
      escalate_to: dsmb_chair
    - {role: dsmb_chair, verdicts: [signal], channels: ["env:POSTDOSE_CHAIR_URL"], brief: true}
"""
NOW = datetime.now(UTC) - timedelta(hours=1)
RULE = RuleFact("three_cases", "crossed", "3", "3", "crossed", "crossed")


def postdose(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return processes.postdose("alerts", *arguments, folder=folder, **environ)


def protocol_in(folder: Path) -> StudyProtocol:
    whole = (Path(__file__).parents[2] / "deployments/studies/CYT107-IV/protocol.yaml").read_text()
    path = folder / "protocol.yaml"
    path.write_text(whole.partition("\nalerts:")[0] + ROUTES)
    return load_protocol(path)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with one alert: the physician has it, the chair's channel is not set."""
    protocol = protocol_in(tmp_path)
    ledger = Ledger(f"sqlite:///{tmp_path / 'postdose.sqlite'}")
    cutoff = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    facts = LookFacts("0123456789abcdef", cutoff, "signal", (), {}, (RULE,), (), (), (), ())
    looked = Looked(facts, {"three_cases": "new"}, CHANGES.empty(), "report.html")
    decision = partial(alerts_of_look, looked=looked, protocol=protocol, now=NOW)
    payload = {"look_id": facts.look_id, "data_cutoff": cutoff, "verdict": "signal"}
    ledger.record_look(protocol.study.id, payload, decision=decision, now=NOW)
    run_alerts(ledger, protocol, NOW, addresses={}, watching=False)
    return tmp_path


def listed(study: Path, *arguments: str) -> list[dict[str, Any]]:
    done = postdose(study, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["alerts"]
    return found


def test_open_alerts_are_listed_with_whom_they_were_told(study: Path) -> None:
    (signal,) = (one for one in listed(study) if one["about"] == "signal:three_cases")
    assert (signal["state"], signal["given_up"]) == ("open", ["dsmb_chair"])
    assert [one["role"] for one in signal["told"]] == ["safety_physician", "dsmb_chair"]
    shown = postdose(study, "list").stdout
    assert f"{signal['id']}  open" in shown and "told: safety physician, dsmb chair" in shown


def test_the_first_characters_are_enough_to_take_it_and_the_name_is_said_to_be_claimed(study: Path) -> None:
    (signal,) = (one for one in listed(study) if one["about"] == "signal:three_cases")
    done = postdose(study, "ack", signal["id"][:8], "--by", "Dr. Ærø", "--reason", "assessing S1 to S3")
    assert done.returncode == 0, done.stderr
    first, claimed, _ = done.stdout.splitlines()
    assert first.endswith("is acknowledged by Dr. Ærø: assessing S1 to S3")
    assert claimed == "The name is as claimed: postdose authenticates nobody."
    (taken,) = (one for one in listed(study) if one["id"] == signal["id"])
    assert taken["state"] == "acknowledged"
    assert (taken["acknowledgement"]["by"], taken["acknowledgement"]["reason"]) == (
        "Dr. Ærø",
        "assessing S1 to S3",
    )
    first, *history = postdose(study, "show", signal["id"]).stdout.splitlines()
    assert first.endswith("; acknowledged by Dr. Ærø")
    happened = [line.partition(" UTC  ")[2] for line in history]
    assert (happened[0], happened[-1]) == (
        "raised: safety physician, dsmb chair",
        "acknowledged: Dr. Ærø: assessing S1 to S3",
    )
    given_up = "given up: dsmb chair: env:POSTDOSE_CHAIR_URL: found no value"
    assert sum(line.startswith(given_up) for line in happened) == 1
    assert sum(line.startswith("delivered: safety physician: written as ") for line in happened) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ack", "ffff", "--by", "A", "--reason", "B"], "which fits no alert of this ledger"),
        (["ack", "", "--by", "A", "--reason", "B"], "its first 4 characters or more"),
        (["ack", "ffff", "--by", " ", "--reason", "B"], "--by: found nothing"),
        (["ack", "ffff", "--by", "A", "--reason", ""], "--reason: found nothing"),
    ],
)
def test_what_cannot_be_taken_exits_2_and_records_nothing(
    study: Path, arguments: list[str], said: str
) -> None:
    done = postdose(study, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert Ledger(f"sqlite:///{study / 'postdose.sqlite'}").records(kind=Kind.ACKNOWLEDGEMENT) == ()


def test_a_signal_is_closed_with_a_reason_once(study: Path) -> None:
    (signal,) = (one for one in listed(study) if one["about"] == "signal:three_cases")
    said = ("--by", "Dr A", "--reason", "aspiration in each")
    done = postdose(study, "close", signal["id"][:8], *said, "--json")
    assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "closed")
    assert "closed: Dr A: aspiration in each" in postdose(study, "show", signal["id"]).stdout
    again = postdose(study, "close", signal["id"], *said)
    assert again.returncode == 2 and "closed already" in again.stderr
    (record,) = Ledger(f"sqlite:///{study / 'postdose.sqlite'}").records(kind=Kind.CLOSED)
    assert record.payload["reason"] == "aspiration in each"


def test_without_a_ledger_it_says_where_it_looked_and_makes_none(tmp_path: Path) -> None:
    done = postdose(tmp_path, "list")
    assert done.returncode == 2 and "postdose.sqlite" in done.stderr
    assert not (tmp_path / "postdose.sqlite").exists()


def test_what_was_given_up_is_sent_again_once_its_channel_is_mended(study: Path) -> None:
    (signal,) = (one for one in listed(study) if one["about"] == "signal:three_cases")
    resend = ["resend", str(study / "protocol.yaml"), signal["id"], "--by", "Dr. Ærø"]
    still = postdose(study, *resend)
    assert (still.returncode, still.stdout) == (40, "dsmb_chair, env:POSTDOSE_CHAIR_URL: NOT TAKEN\n")
    mended = postdose(study, *resend, "--json", POSTDOSE_CHAIR_URL="json://127.0.0.1:1/")
    assert mended.returncode == 40  # nobody listens there: it waits, and is tried again
    ledger = Ledger(f"sqlite:///{study / 'postdose.sqlite'}")
    assert [one.outgoing.role for one in ledger.outbox.undelivered("CYT107-IV")] == ["dsmb_chair"]
    asked = [
        one.payload["resent_by"] for one in ledger.records(kind=Kind.ALERT) if "resent_by" in one.payload
    ]
    assert asked == ["Dr. Ærø", "Dr. Ærø"]
