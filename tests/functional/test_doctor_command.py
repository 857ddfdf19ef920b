"""`postdose doctor` and `postdose prefect` as processes: exit codes, lines, one document, nothing left behind."""

import json
from pathlib import Path

import pytest
from processes import postdose


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "study"
    postdose("simulate", "null", "--out", str(folder), "--subjects", "4")
    return folder


def test_a_study_in_order_exits_0_and_nothing_is_left_behind(study: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    done = postdose("doctor", str(study / "protocol.yaml"))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "this machine"
    assert "  ok                ledger     none yet: the first look makes it" in lines
    assert max(map(len, lines)) <= 80
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_without_a_study_the_machine_alone_is_examined() -> None:
    done = postdose("doctor", "--json")
    assert done.returncode == 0
    assert {one["where"] for one in json.loads(done.stdout)["checks"]} == {"this machine"}


def test_what_would_stop_a_look_decides_the_exit_code_and_no_secret_is_shown(study: Path) -> None:
    url = "postgresql://monitor:s3cret@127.0.0.1:1/ledger"
    done = postdose("doctor", str(study / "protocol.yaml"), "--json", POSTDOSE_STATE=url)
    assert done.returncode == json.loads(done.stdout)["exit_code"] == 41
    (ledger,) = [one for one in json.loads(done.stdout)["checks"] if one["check"] == "ledger"]
    assert ledger["status"] == "would stop a look"
    assert "s3cret" not in done.stdout + done.stderr


def test_prefects_own_command_has_our_settings(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://monitor:s3cret@127.0.0.1/both\n")
    told = {"POSTDOSE_DATABASE_FILE": str(secret), "PREFECT_HOME": str(tmp_path)}
    done = postdose("prefect", "--no-prompt", "config", "view", "--show-secrets", **told)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.replace("\n", "")
    assert "postgresql+asyncpg://monitor:s3cret@127.0.0.1/both" in shown
    assert "PREFECT_SERVER_ANALYTICS_ENABLED='False'" in shown or "ANALYTICS_ENABLED='false'" in shown
