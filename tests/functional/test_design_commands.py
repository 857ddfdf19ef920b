"""`postdose boundary` and `postdose design` as processes: JSON, bytes, exit codes, messages."""

import json
import subprocess
import sys
from pathlib import Path

import processes
import pytest

ROOT = Path(__file__).parents[2]
GOOD = ROOT / "tests" / "fixtures" / "protocols" / "good.yaml"
POCOCK = ("boundary", "pocock", "--n-max", "15", "--null-rate", "0.2", "--alpha", "0.05")


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    done = processes.postdose(*arguments)
    return subprocess.CompletedProcess(arguments, done.returncode, done.stdout.encode(), done.stderr.encode())


def _started(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The same, started anew, so that Python hashes with another seed."""
    return subprocess.run(
        [sys.executable, "-m", "flows.commands.cli", *arguments], cwd=ROOT, capture_output=True, check=False
    )


def test_boundary_prints_one_json_document_and_nothing_else() -> None:
    done = _run(*POCOCK, "--looks", "5,10,15", "--rates", "0.2,0.3", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = json.loads(done.stdout)
    assert shown["schema"] == "postdose/boundary/1"
    assert (shown["looks"], shown["events"]) == ([5, 10, 15], [4, 5, 7])  # stoppingrule 0.6, R 4.2.2
    assert shown["size"] <= 0.05
    assert len(shown["operating_characteristics"]["reject_probability"]) == 2


def test_boundary_prints_a_table_by_default() -> None:
    done = _run(*POCOCK)
    assert done.returncode == 0
    text = done.stdout.decode("ascii")
    assert "true rate" in text
    assert "#" in text


@pytest.mark.parametrize(
    ("arguments", "found", "allowed"),
    [
        (
            ("boundary", "pocock", "--n-max", "15", "--null-rate", "2", "--alpha", "0.05"),
            "found 2.0",
            "allowed: a number between 0 and 1, both excluded",
        ),
        ((*POCOCK, "--looks", "5,4"), "found (5, 4)", "allowed: one look or more, increasing"),
        ((*POCOCK, "--prior", "1,4"), "prior", "allowed: n_max, null_rate, alpha, looks"),
        (("boundary", "median", *POCOCK[2:]), "median", "pocock"),
        (("boundary", "beta_binomial", *POCOCK[2:]), "prior", "allowed: n_max"),
    ],
)
def test_a_bad_parameter_exits_2_and_says_what_is_allowed(
    arguments: tuple[str, ...], found: str, allowed: str
) -> None:
    done = _run(*arguments, "--json")
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert found in message
    assert allowed in message
    assert "Traceback" not in message


@pytest.mark.slow
def test_the_same_protocol_gives_the_same_bytes(tmp_path: Path) -> None:
    first = _run(
        "design", str(GOOD), "--out", str(tmp_path / "a"), "--trials", "1", "--subjects", "12", "--json"
    )
    again = _started(
        "design", str(GOOD), "--out", str(tmp_path / "b"), "--trials", "1", "--subjects", "12", "--json"
    )
    assert first.returncode == 0
    assert b"Simulating charting: 10 trials, 1 of each kind; some" in first.stderr
    assert first.stdout == again.stdout
    for name in ("design.json", "design.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert first.stdout == (tmp_path / "a" / "design.json").read_bytes()
    design = json.loads(first.stdout)
    assert design["schema"] == "postdose/design/1"
    assert [rule["id"] for rule in design["rules"]] == ["three_cases", "rate", "timing", "registered_alc"]
    assert design["simulated_charting"]["trials"] == 1


def test_design_says_where_the_page_to_sign_is(tmp_path: Path) -> None:
    done = _run("design", str(GOOD), "--out", str(tmp_path), "--trials", "1", "--subjects", "12")
    assert done.returncode == 0
    assert f"Page to sign: {tmp_path / 'design.html'}" in done.stdout.decode()


def test_design_of_a_protocol_with_problems_exits_2(tmp_path: Path) -> None:
    done = _run("design", str(GOOD.parent / "no_rules.yaml"), "--out", str(tmp_path))
    assert done.returncode == 2
    assert b"found" in done.stderr
    assert not list(tmp_path.iterdir())


def test_design_refuses_no_subjects(tmp_path: Path) -> None:
    done = _run("design", str(GOOD), "--out", str(tmp_path), "--subjects", "0")
    assert done.returncode == 2
    assert b"--subjects: found 0; allowed: 1 or more" in done.stderr
