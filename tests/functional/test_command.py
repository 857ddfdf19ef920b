"""`postdose` as a process: exit codes, what it prints where, and what it leaves on disk."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from processes import environment_without_ours, postdose

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """No network beyond loopback is needed, and no configuration: only a Prefect home of its own."""
    return {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect"))}


@pytest.fixture
def served(home: Mapping[str, str], prefect_url: str) -> Mapping[str, str]:
    """The same with the session's Prefect server; the demo starts its own."""
    return {**home, "PREFECT_API_URL": prefect_url}


def started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What Python does with these arguments, with nothing loaded before."""
    return subprocess.run(
        [sys.executable, *command],
        env={**environment_without_ours(), **environment},
        cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(
    home: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo")
    command = ("-m", "flows.commands.cli", "demo", "--out", str(folder / "demo"))
    return started(command, home), folder / "demo"


def planted(study: Path) -> list[str]:
    return sorted(case["USUBJID"] for case in json.loads((study / "truth.json").read_text())["cases"])


def test_the_demo_finds_exactly_what_it_planted(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, study = demo
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("SIGNAL")
    assert len(planted(study)) == 3
    assert all(subject in done.stdout for subject in planted(study))
    assert "A look with this verdict exits 20" in done.stdout


def test_the_demo_prints_80_columns_and_no_arm(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, study = demo
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Report:")]
    assert max(map(len, lines)) <= 80
    look = next((study / "looks").rglob("look.json")).parent
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(look.iterdir()))
    for tells_arm in ("PLACEBO", "CYT107 10", "ACTARM", "EXDOSE", "EXTRT"):
        assert tells_arm not in written + done.stdout + done.stderr


def test_a_look_leaves_its_seven_files_and_nothing_half_written(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    look = next((demo[1] / "looks").rglob("look.json")).parent
    assert sorted(path.name for path in look.iterdir()) == [
        "cases.csv",
        "changes.csv",
        "doses.csv",
        "look.json",
        "quarantine.csv",
        "report.html",
        "validation.json",
    ]


def test_a_look_with_a_signal_exits_20_and_json_is_all_it_prints(
    demo: tuple[subprocess.CompletedProcess[str], Path], served: Mapping[str, str]
) -> None:
    study = demo[1]
    cutoff = json.loads((study / "truth.json").read_text())["data_cutoff"]
    told = sorted(path.name for path in (study / "outbox").iterdir())
    done = postdose("look", str(study / "protocol.yaml"), "--data-cutoff", cutoff, "--json", **served)
    assert done.returncode == 20, done.stderr
    assert told == sorted(path.name for path in (study / "outbox").iterdir())  # the same again is no news
    again = json.loads(done.stdout)
    first = json.loads(next((study / "looks").rglob("look.json")).read_text(encoding="utf-8"))
    for history in ("ledger", "signals", "standing", "delivery"):
        again.pop(history), first.pop(history)
    assert again == first


def test_a_ledger_that_cannot_be_written_is_said_beside_the_signal(
    demo: tuple[subprocess.CompletedProcess[str], Path], served: Mapping[str, str], tmp_path: Path
) -> None:
    study = demo[1]
    cutoff = json.loads((study / "truth.json").read_text())["data_cutoff"]
    unwritable = f"sqlite:///{study / 'protocol.yaml' / 'state.sqlite'}"
    done = postdose(
        "look", str(study / "protocol.yaml"), "--data-cutoff", cutoff, "--state", unwritable,
        "--out", str(tmp_path / "look"), **served,
    )  # fmt: skip
    assert done.returncode == 20
    assert "ledger could not be written" in done.stderr
    assert "SIGNAL" in done.stdout


@pytest.mark.slow
def test_cases_planted_in_charts_are_a_study_that_can_be_looked_at(
    demo: tuple[subprocess.CompletedProcess[str], Path], served: Mapping[str, str], tmp_path: Path
) -> None:
    charts, out = str(demo[1] / "feeds"), tmp_path / "planted"
    asked = (
        "simulate",
        "planted",
        "--charts",
        charts,
        "--out",
        str(out),
        "--cases",
        "4",
        "--window",
        "1",
        "4",
    )
    done = postdose(*asked, **served)
    assert done.returncode == 0, done.stderr
    truth = json.loads((out / "truth.json").read_text())
    assert (truth["subjects"], len(truth["planted"]), truth["window"]) == (18, 4, [1.0, 4.0])
    assert f"18 subjects, {truth['doses']} doses, 4 cases planted" in done.stdout
    command = done.stdout.splitlines()[-1].split()[1:]
    seen = postdose(*command, "--out", str(tmp_path / "look"), **served)
    assert seen.returncode in {10, 20, 30}, seen.stderr
    assert "SIMULATED study" in seen.stdout
    again = postdose(*asked, **served)
    assert again.returncode == 2 and "found feeds there already" in again.stderr


def test_a_protocol_with_problems_exits_2_and_names_lines(home: Mapping[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "protocol.yaml"
    bad.write_text("schema_version: 1\nstudy: {id: S, timezone: Mars/Olympus}\n")
    done = postdose("check", str(bad), **home)
    assert done.returncode == 2
    assert "protocol.yaml:2: study.timezone" in done.stderr
    assert "to correct" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["look", "p.yaml", "--data-cutoff", "yesterday"], "ISO 8601"),
        (["look", "p.yaml", "--data-cutoff", "2025-01-01T00:00"], "without a zone"),
        (["simulate", "nothing-like-it", "--out", "x"], "invalid choice"),
        (["check", "no-such-file.yaml"], "no-such-file.yaml"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_allowed(
    home: Mapping[str, str], tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = postdose(*arguments, folder=tmp_path, **home)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_simulated_study_is_never_written_over_another(home: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = postdose("simulate", "null", "--out", str(tmp_path), **home)
    assert done.returncode == 2
    assert f"--out {tmp_path}: found thesis.txt there already; allowed: a new folder" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_demo_refuses_a_folder_that_is_not_its_own(home: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = postdose("demo", "--out", str(tmp_path), **home)
    assert done.returncode == 2
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.slow
def test_a_demo_takes_an_empty_folder_and_then_the_place_of_an_earlier_demo_alone(
    served: Mapping[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "there"
    out.mkdir()
    for _ in range(2):
        done = postdose("demo", "--out", str(out), **served)
        assert done.returncode == 0, done.stderr
    (out / "protocol.yaml").write_text("mine")
    done = postdose("demo", "--out", str(out), **served)
    assert done.returncode == 2
    assert "found protocol.yaml there, which no demo left so; allowed: a new folder" in done.stderr
    assert (out / "protocol.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", [pytest.param("report.html", marks=pytest.mark.slow), "look.json"])
def test_a_look_is_not_written_over_what_is_not_its_studys(
    demo: tuple[subprocess.CompletedProcess[str], Path], served: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("{}")
    protocol = str(demo[1] / "protocol.yaml")
    for command in ("look", "replay"):
        taken = name if command == "look" else "looks.jsonl"
        (tmp_path / taken).write_text("{}")
        done = postdose(command, protocol, "--out", str(tmp_path), **served)
        assert done.returncode == 2, done.stderr
        assert f"--out {tmp_path}: found {taken} there" in done.stderr
        assert (tmp_path / taken).read_text() == "{}"


def test_help_needs_neither_prefect_nor_great_expectations(home: Mapping[str, str]) -> None:
    script = (
        "import sys\n"
        "from flows.commands.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'prefect', 'great_expectations', 'pandas', 'scipy', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = started(("-c", script), home)
    assert done.returncode == 0, done.stderr
    assert "COMMAND" in done.stdout
