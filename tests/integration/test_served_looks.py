"""A real Prefect server runs a scheduled and a manual look to their verdicts."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.protocol import load_protocol

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 420
BUSY_TRIES = 10

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(900)]


def call(environment: Mapping[str, str], path: str, body: Mapping[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        environment["PREFECT_API_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    for _ in range(BUSY_TRIES):
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        time.sleep(2)  # the server's database is locked: its own clients ask again as well
    pytest.fail(f"{path}: the server was busy {BUSY_TRIES} times")


def wait_for(what: str, ready: Any) -> Any:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(1)
    pytest.fail(f"waited {RUN_SECONDS} s for {what}")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "flows.cli", "simulate", "cyt107", "--out", str(folder), "--seed", "1"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def serving(prefect_server: Mapping[str, str], study: Path) -> Iterator[Mapping[str, str]]:
    """`postdose serve` on the study, with a schedule that is due within a minute."""
    log = (study / "serve.log").open("wb")
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "serve",
        str(study / "protocol.yaml"),
        "--cron",
        "* * * * *",
    ]
    process = subprocess.Popen(command, env=dict(prefect_server), stdout=log, stderr=log)
    try:
        yield prefect_server
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
        log.close()


def deployment(environment: Mapping[str, str], ending: str) -> Any:
    found = call(environment, "/deployments/filter", {})
    return next((one for one in found if one["name"].endswith(ending)), None)


def finished_run(environment: Mapping[str, str], deployment_id: str) -> Any:
    body = {"deployments": {"id": {"any_": [deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
    runs = call(environment, "/flow_runs/filter", body)
    return next((run for run in runs if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}), None)


def test_a_manual_look_runs_to_its_verdict(serving: Mapping[str, str], study: Path) -> None:
    manual = wait_for("the manual deployment", lambda: deployment(serving, "manual"))
    cutoff = json.loads((study / "truth.json").read_text())["data_cutoff"]
    out = study / "by-hand"
    parameters = {"data_cutoff": cutoff, "reason": "a test asked", "out": str(out)}
    call(serving, f"/deployments/{manual['id']}/create_flow_run", {"parameters": parameters})
    run = wait_for("the manual look", lambda: finished_run(serving, manual["id"]))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "signal")
    assert json.loads((out / "look.json").read_text())["verdict"] == "signal"


def test_a_scheduled_look_runs_to_its_verdict(serving: Mapping[str, str], study: Path) -> None:
    scheduled = wait_for("the scheduled deployment", lambda: deployment(serving, "scheduled"))
    run = wait_for("a scheduled look", lambda: finished_run(serving, scheduled["id"]))
    assert run["state_type"] == "COMPLETED"
    assert run["auto_scheduled"]
    # at the present moment the simulated study ended long ago: its known cases still stand
    assert run["state_name"] == "signal"


def test_no_run_carries_a_secret_or_an_arm(serving: Mapping[str, str], study: Path) -> None:
    runs = json.dumps(call(serving, "/flow_runs/filter", {})) + json.dumps(call(serving, "/logs/filter", {}))
    for arm in ("PLACEBO", "ACTARM", "sqlite://"):
        assert arm not in runs


def test_prefect_yaml_repeats_the_protocols_schedule() -> None:
    declared = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    protocol = load_protocol(ROOT / declared[0]["parameters"]["study"])
    assert declared[0]["schedules"] == [{"cron": protocol.schedule.cron, "timezone": protocol.study.timezone}]
    assert {one["entrypoint"] for one in declared} == {"flows.monitor.monitor_study"}
    assert "schedules" not in declared[1]
