"""`postdose alerts route-test` and `postdose check` as processes: would an alert arrive, and what stops it."""

import json
from pathlib import Path

import pytest
from processes import postdose

ROUTES = """
alerts:
  routes:
    - role: safety_physician
      verdicts: [signal]
      channels: ["env:POSTDOSE_PHYSICIAN_URL", "file:outbox/"]
      ack_within_minutes: 60
      escalate_to: dsmb_chair
    - {role: dsmb_chair, verdicts: [signal], channels: ["console:"], brief: true}
"""
UNSET = "env:POSTDOSE_PHYSICIAN_URL: found no value; allowed: an address in that environment variable"


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = (Path(__file__).parents[2] / "deployments/studies/CYT107-IV/protocol.yaml").read_text()
    path = tmp_path_factory.mktemp("study") / "protocol.yaml"
    path.write_text(whole.partition("\nalerts:")[0] + ROUTES)
    return path


def test_each_channel_of_each_role_is_tried_and_answered_for(protocol: Path) -> None:
    done = postdose("alerts", "route-test", str(protocol))
    assert done.returncode == 40
    unset, file, console, total = done.stdout.splitlines()
    assert unset.startswith(f"safety_physician: NOT TAKEN: {UNSET}")
    assert file.startswith("safety_physician: taken: file:outbox/: written as ")
    assert console == "dsmb_chair: taken: console:: written to the console"
    assert total == "2 of 3 test messages were taken."
    (message,) = (protocol.parent / "outbox").glob("*.json")
    told = json.loads(message.read_text())
    assert told["test"] is True
    assert "TEST" in told["subject"] and "There is no alert" in told["text"]
    assert done.stderr.startswith("ALERT postdose TEST")
    assert "CYT107-IV" not in done.stderr  # a brief route names no study
    assert not list(protocol.parent.glob("*.sqlite"))


def test_one_role_may_be_tested_alone(protocol: Path) -> None:
    done = postdose("alerts", "route-test", str(protocol), "--role", "dsmb_chair", "--json")
    assert (done.returncode, json.loads(done.stdout)["tests"]) == (
        0,
        [{"role": "dsmb_chair", "channel": "console:", "taken": True, "detail": "written to the console"}],
    )
    wrong = postdose("alerts", "route-test", str(protocol), "--role", "nobody")
    assert wrong.returncode == 2
    assert "allowed: a role of the study protocol (safety_physician, dsmb_chair)" in wrong.stderr


def test_check_says_which_channels_are_not_set_here_and_finds_no_fault_in_the_file(protocol: Path) -> None:
    unset = postdose("check", str(protocol))
    assert (unset.returncode, unset.stderr) == (0, "")
    assert f"From here no alert would leave through {UNSET}" in unset.stdout
    wrong = postdose("check", str(protocol), POSTDOSE_PHYSICIAN_URL="https:///s3cret")
    assert "through env:POSTDOSE_PHYSICIAN_URL: its value is not an address" in wrong.stdout
    assert "s3cret" not in wrong.stdout + wrong.stderr
    right = postdose("check", str(protocol), POSTDOSE_PHYSICIAN_URL="https://127.0.0.1:1/")
    assert "no alert would leave" not in right.stdout
