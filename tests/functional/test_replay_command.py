"""`postdose replay` as a process: what it prints and leaves, whatever interrupts it, and that `look` agrees."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from processes import environment_without_ours, postdose
from servers import PASSWORD

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)
FIRST_DOSE = datetime(2026, 3, 1, 8, tzinfo=UTC)
SUBJECTS = ("A", "B", "C")
SCHEDULE = ("--from", "2026-03-03T06:00Z", "--to", "2026-03-04T00:00Z", "--every", "3h")
LOOKS = 7
FILES = ("looks.jsonl", "replay.json", "replay.txt")
pytestmark = pytest.mark.timeout(900)

PROTOCOL = """
schema_version: 1
study: {id: BY-HAND, title: "SIMULATED: by hand", timezone: UTC, simulated: true}
sites: {S1: UTC}
treatment: {names: [DRUG], planned_doses: 1}
feeds:
  dm: {path: feeds/dm.csv}
  ex: {path: feeds/ex.csv}
  vs: {path: feeds/vs.csv, known_at: ENTERED}
case_definition:
  name: fever_with_fast_breathing
  components:
    fever: {any_of: [{vital: TEMP, at_least: 38.3, unit: C}]}
    fast_breathing: {any_of: [{vital: RESP, at_least: 30, unit: breaths/min}]}
baseline_hours: [-6, 0]
risk_window_hours: [5, 8]
control_windows_hours: [[-24, -6], [12, 48]]
rules:
  - {id: three, kind: count, cases: 3, rationale: by hand, source: by hand}
"""


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three subjects, dosed on three days, ill six hours later; readings are entered after three hours."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "feeds").mkdir()
    (folder / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    doses = {one: FIRST_DOSE + 24 * HOUR * place for place, one in enumerate(SUBJECTS)}
    lines = {
        "dm": ["USUBJID,SITEID", *(f"{one},S1" for one in SUBJECTS)],
        "ex": [
            "USUBJID,EXSEQ,EXTRT,EXDOSE,EXSTDTC",
            *(f"{one},1,DRUG,1,{stamp(at)}" for one, at in doses.items()),
        ],
        "vs": ["USUBJID,VSSEQ,VSTESTCD,VSORRES,VSORRESU,VSDTC,ENTERED"],
    }
    for one, at in doses.items():
        for hour in range(-8, 13):
            ill = 6 <= hour <= 8
            for number, reading in enumerate(
                (f"TEMP,{39.0 if ill else 37.0},C", f"RESP,{32 if ill else 16},breaths/min")
            ):
                taken = at + hour * HOUR
                lines["vs"].append(
                    f"{one},{2 * hour + 17 + number},{reading},{stamp(taken)},{stamp(taken + 3 * HOUR)}"
                )
    for domain, rows in lines.items():
        (folder / "feeds" / f"{domain}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, prefect_url: str) -> Mapping[str, str]:
    return {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "PREFECT_API_URL": prefect_url,
        "PREFECT_API_AUTH_STRING": PASSWORD,
    }


@pytest.fixture(scope="module")
def environment(told: Mapping[str, str]) -> Mapping[str, str]:
    return {**environment_without_ours(), **told}


def start(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.commands.cli", *arguments]
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that a kill takes along what it started
        preexec_fn=_may_be_interrupted,  # noqa: PLW1509 - no thread runs beside these tests
    )


def _may_be_interrupted() -> None:
    """Undo what a shell does to what it runs in the background: to ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    process = start(environment, *arguments)
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def whole(study: Path, environment: Mapping[str, str]) -> tuple[subprocess.CompletedProcess[str], Path]:
    done = run(environment, "replay", str(study / "protocol.yaml"), *SCHEDULE)
    return done, study / "replay" / "BY-HAND"


def test_it_prints_when_each_rule_could_have_fired_and_touches_neither_ledger_nor_outbox(
    whole: tuple[subprocess.CompletedProcess[str], Path], study: Path
) -> None:
    done, out = whole
    assert done.returncode == 0, done.stderr
    # seen 14:00, entered 17:00; found as they are, the files add no delay; the next look is at 18:00
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("three "))
    assert line.split() == ["three", "2026-03-03", "18:00", "UTC", "0.0", "3.0", "0.0", "1.0", "4.0"]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.rstrip() == (out / "replay.txt").read_text(encoding="ascii").rstrip()
    assert f"{LOOKS} of {LOOKS} looks" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert sorted(path.name for path in study.iterdir()) == ["feeds", "protocol.yaml", "replay"]


@pytest.mark.slow
def test_whatever_interrupts_it_the_next_start_goes_on_and_leaves_the_same_files(
    whole: tuple[subprocess.CompletedProcess[str], Path],
    study: Path,
    environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    command = ("replay", str(study / "protocol.yaml"), *SCHEDULE, "--out", str(tmp_path))
    for signal_sent, looks in ((signal.SIGKILL, 1), (signal.SIGINT, 3)):
        process = start(environment, *command)
        wait_for_looks(process, tmp_path / "looks.jsonl", looks)
        if signal_sent is signal.SIGKILL:
            os.killpg(process.pid, signal_sent)
        else:
            process.send_signal(signal_sent)
        _, err = process.communicate(timeout=300)
        assert process.returncode == (130 if signal_sent is signal.SIGINT else -signal_sent), err
        assert not (tmp_path / "replay.json").exists()
    assert "the same command goes on after them" in err
    assert "Traceback" not in err
    done = run(environment, *command)
    assert done.returncode == 0, done.stderr
    assert "looks made before" in done.stderr
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole[1] / name).read_bytes()


def wait_for_looks(process: subprocess.Popen[str], path: Path, looks: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if path.is_file() and path.read_bytes().count(b"\n") > looks:
            return
        time.sleep(0.02)
    pytest.fail(f"no {looks} looks were made; the process ended with {process.poll()}")


def test_a_look_of_the_replay_is_the_look_that_look_makes_at_that_cut_off(
    whole: tuple[subprocess.CompletedProcess[str], Path],
    study: Path,
    told: Mapping[str, str],
    tmp_path: Path,
) -> None:
    entry = lines_of(whole[1] / "looks.jsonl")[-3]
    state = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    done = postdose(
        *("look", str(study / "protocol.yaml"), "--json", "--state", state),
        *("--data-cutoff", entry["data_cutoff"], "--out", str(tmp_path / "look")),
        **told,
    )
    assert done.returncode == 20, done.stderr
    look = json.loads(done.stdout)
    for history in ("ledger", "signals", "standing", "delivery"):
        del look[history]
    text = json.dumps(look, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert hashlib.sha256(text.encode()).hexdigest() == entry["look_sha256"]


def test_a_mistake_is_named_before_anything_is_read(study: Path) -> None:
    done = postdose("replay", str(study / "protocol.yaml"), "--every", "often")
    assert done.returncode == 2
    assert "--every: found 'often'; allowed: a number and min, h or d" in done.stderr
