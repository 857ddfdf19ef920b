"""`postdose look --closed` as a process: what it refuses, what it writes where, and what it leaves alone."""

import json
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import processes
import pytest

from checks.closed import telltales_in

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
CUTOFF = "2024-06-12T06:00Z"
WHY = ("--closed", "--reason", "meeting of the DSMB", "--by", "A. Statistician")
TELLTALES = ("QZACTIVE", "QZCONTROL", "731.25")

pytestmark = pytest.mark.timeout(600)

Postdose = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path_factory.mktemp("closed") / "study"))


@pytest.fixture(scope="module")
def postdose(study: Path, prefect_url: str) -> Postdose:
    home = {"PREFECT_HOME": str(study.parent / "prefect"), "PREFECT_API_URL": prefect_url}

    def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        look = ("look", str(study / "protocol.yaml"), "--data-cutoff", CUTOFF)
        return processes.postdose(*look, *options, folder=study.parent, **home, **environment)

    return run


@pytest.fixture(scope="module")
def done(postdose: Postdose, study: Path) -> subprocess.CompletedProcess[str]:
    out = str(study / "both")
    return postdose("--json", "--out", out, *WHY, POSTDOSE_CLOSED="allowed")


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (WHY, {}, "POSTDOSE_CLOSED=allowed"),
        (("--reason", "why"), {}, "--reason, --by: found without --closed"),
        (("--closed", "--by", "me"), {"POSTDOSE_CLOSED": "allowed"}, "--reason: found no printable text"),
        pytest.param(
            ("--closed", "--reason", "why"),
            {"POSTDOSE_CLOSED": "allowed"},
            "--by: found no printable text",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_not_allowed_exits_2_before_the_look(
    postdose: Postdose,
    study: Path,
    options: tuple[str, ...],
    environment: Mapping[str, str],
    said: str,
) -> None:
    refused = postdose("--out", str(study / "refused"), *options, **environment)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert not (study / "refused").exists()


def test_a_look_with_its_closed_report_exits_as_the_look(
    done: subprocess.CompletedProcess[str], study: Path
) -> None:
    assert done.returncode == 20, done.stderr
    assert json.loads(done.stdout)["blinded"] is True
    assert f"Closed report: {study / 'both' / 'closed' / 'closed.html'}" in done.stderr
    closed = json.loads((study / "both" / "closed" / "closed.json").read_text(encoding="utf-8"))
    assert closed["blinded"] is False
    assert {arm["arm"] for arm in closed["arms"]} == {"QZACTIVE", "QZCONTROL", "not known"}
    assert closed["telltales_in_the_blinded_look"] == {}


def test_the_folder_and_its_files_are_the_owners_alone(
    done: subprocess.CompletedProcess[str], study: Path
) -> None:
    folder = study / "both" / "closed"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_arm_is_in_the_closed_folder_alone(done: subprocess.CompletedProcess[str], study: Path) -> None:
    assert telltales_in((done.stdout + done.stderr).encode(), TELLTALES) == ()
    inputs = {path.name for path in FIXTURE.iterdir()}
    told = {
        path.parent.name
        for path in study.parent.rglob("*")
        if path.is_file()
        and not (path.name in inputs and path.parent == study)
        and telltales_in(path.read_bytes(), TELLTALES)
    }
    assert told == {"closed"}


def test_the_ledger_has_the_access_and_no_arm(done: subprocess.CompletedProcess[str], study: Path) -> None:
    with sqlite3.connect(study / "postdose.sqlite") as database:
        rows = database.execute("select payload from ledger where kind = 'closed_access'").fetchall()
        everything = "\n".join(database.iterdump())
    (access,) = (json.loads(payload) for (payload,) in rows)
    assert (access["by"], access["reason"]) == ("A. Statistician", "meeting of the DSMB")
    assert access["look_id"] == json.loads(done.stdout)["look_id"]
    assert telltales_in(everything.encode(), TELLTALES) == ()


def test_the_blinded_look_is_the_same_without_it(
    done: subprocess.CompletedProcess[str], postdose: Postdose, study: Path
) -> None:
    postdose("--out", str(study / "alone"))
    both, alone = study / "both", study / "alone"
    names = {path.name for path in alone.iterdir()}
    assert {path.name for path in both.iterdir()} == names | {"closed"}
    for name in names - {"look.json", "report.html"}:  # those two name the ledger's newest record
        assert (both / name).read_bytes() == (alone / name).read_bytes()
    with_history = ("ledger", "signals", "standing", "delivery")
    looks = [json.loads((folder / "look.json").read_text(encoding="utf-8")) for folder in (both, alone)]
    first, second = ({name: look[name] for name in look if name not in with_history} for look in looks)
    assert first == second


def test_without_a_ledger_there_is_no_closed_report(postdose: Postdose, study: Path) -> None:
    """The verdict is a signal, which exits 20 whatever else went wrong, and says so."""
    (study / "file").write_text("")
    state = f"sqlite:///{study}/file/ledger.sqlite"
    out = study / "no-ledger"
    failed = postdose("--out", str(out), "--state", state, *WHY, POSTDOSE_CLOSED="allowed")
    assert failed.returncode == 20
    assert "no closed report: " in failed.stderr
    assert not list((out / "closed").iterdir())
