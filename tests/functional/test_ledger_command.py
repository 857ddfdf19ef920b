"""`postdose ledger` as a process, and looks whose ledger fails them: exit codes, and what is printed where."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from processes import postdose

from flows.ledger import Head, Kind, Ledger
from flows.simulate import simulate

ROOT = Path(__file__).parents[2]
KEY = "0123456789abcdef" * 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def heads(file: Path) -> list[Head]:
    """The heads of a ledger of three records, as they were written."""
    ledger = Ledger(f"sqlite:///{file}")
    return [ledger.record("Sé", Kind.REVIEW, {"reason": f"rückfrage {place}"}) for place in (1, 2, 3)]


def edit(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for what in ("update", "delete"):
            connection.execute(f"DROP TRIGGER ledger_no_{what}")
        for statement in statements:
            connection.execute(statement)


def test_a_sound_chain_exits_0_and_finds_the_head_of_an_earlier_report(file: Path, heads: list[Head]) -> None:
    state = f"sqlite:///{file}"
    done = postdose("ledger", "verify", "--expect-head", heads[1].sha256.upper(), "--state", state)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "The chain holds: 3 records.",
        f"Newest: record 3, {heads[2].sha256}",
        "Expected head: found, record 2.",
        "Seals were not verified (POSTDOSE_LEDGER_KEY is not set).",
    ]
    told = postdose("ledger", "verify", "--expect-head", heads[1].sha256, "--json", POSTDOSE_STATE=state)
    assert json.loads(told.stdout) == {
        "verified": True, "records": 3, "seals_verified": False,
        "sequence": 3, "sha256": heads[2].sha256, "expected_head_sequence": 2,
    }  # fmt: skip


def test_head_names_the_newest_record(file: Path, heads: list[Head]) -> None:
    shutil.copy(file, file.with_name("postdose.sqlite"))  # the default database of a folder
    done = postdose("ledger", "head", folder=file.parent)
    assert (done.returncode, done.stdout) == (0, f"3 {heads[2].sha256}\n")
    told = postdose("ledger", "head", "--json", folder=file.parent)
    assert json.loads(told.stdout) == {"sequence": 3, "sha256": heads[2].sha256}


def recomputed(records: list[Mapping[str, Any]]) -> str:
    """The recipe of deployments/README.md, with nothing of ours."""
    previous = "0" * 64
    for record in records:
        parts = [str(record["sequence"]), record["study"], record["kind"], record["payload"], previous]
        hashed = hashlib.sha256()
        for part in parts:
            written = part.encode("utf-8")
            hashed.update(str(len(written)).encode("ascii") + b":" + written)
        previous = hashed.hexdigest()
    return previous


def test_the_chain_can_be_computed_again_from_its_export(file: Path, heads: list[Head]) -> None:
    done = postdose("ledger", "export", "--state", f"sqlite:///{file}")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [recomputed(records[:length]) for length in (1, 2, 3)] == [head.sha256 for head in heads]
    assert json.loads(records[1]["payload"]) == {"reason": "rückfrage 2"}
    as_one = postdose("ledger", "export", "--json", "--state", f"sqlite:///{file}")
    assert json.loads(as_one.stdout) == records


def test_an_edited_record_exits_4_and_is_named(file: Path, heads: list[Head]) -> None:
    edit(file, "UPDATE ledger SET payload = '{}' WHERE sequence = 2")
    done = postdose("ledger", "verify", "--json", "--state", f"sqlite:///{file}")
    assert done.returncode == 4
    assert "record 2 was changed" in done.stderr
    assert json.loads(done.stdout) == {
        "verified": False,
        "problem": "record 2 was changed: its content does not give its hash",
    }


def test_what_differs_beside_the_records_exits_4_until_it_is_written_anew(
    file: Path, heads: list[Head]
) -> None:
    edit(file, "DELETE FROM standings")
    verify = ("ledger", "verify", "--state", f"sqlite:///{file}")
    done = postdose(*verify)
    assert (done.returncode, "says nothing of study Sé" in done.stderr) == (4, True)
    assert postdose(*verify, "--rebuild").returncode == 0
    assert postdose(*verify).returncode == 0


def test_records_cut_off_the_end_exit_4_when_the_head_is_known(file: Path, heads: list[Head]) -> None:
    edit(file, "DELETE FROM ledger WHERE sequence = 3")
    done = postdose("ledger", "verify", "--expect-head", heads[2].sha256, "--state", f"sqlite:///{file}")
    assert done.returncode == 4
    assert f"no record has the hash {heads[2].sha256} (record 2 is the newest)" in done.stderr


def test_a_moved_ledger_has_the_same_head(file: Path, heads: list[Head]) -> None:
    new = f"sqlite:///{file.with_name('new.sqlite')}"
    done = postdose("ledger", "move", "--to", new, "--json", "--state", f"sqlite:///{file}")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"sequence": 3, "sha256": heads[2].sha256})
    assert Ledger(new).verify() == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "--state", "sqlite:///nowhere.sqlite"], "found no file nowhere.sqlite"),
        (["verify", "--expect-head", "2"], "allowed: a SHA-256, 64 hexadecimal digits"),
    ],
)
def test_a_mistake_of_the_command_exits_2_and_makes_no_database(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = postdose("ledger", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies: one none of whose feeds has come, and one with three planted cases."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "silent").mkdir()
    shutil.copy(ROOT / "flows" / "simulate" / "protocol.yaml", folder / "silent" / "protocol.yaml")
    simulate("cyt107", folder / "crossed", seed=1, subjects=8)
    return folder


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look printed, its exit code, and its document."""

    said: str
    problems: str
    code: int
    document: Mapping[str, Any]

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str], study: Path) -> "Looked":
        document = json.loads(next(study.rglob("look.json")).read_text(encoding="utf-8"))
        return cls(done.stdout, done.stderr, done.returncode, document)


@pytest.fixture(scope="module")
def looks(folder: Path, prefect_url: str) -> Mapping[str, Looked]:
    """A look whose receipts the ledger does not take, and one of which it takes nothing."""
    file = folder / "silent" / "postdose.sqlite"
    Ledger(f"sqlite:///{file}", key=KEY.encode())
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TRIGGER no_receipts BEFORE INSERT ON ledger WHEN NEW.kind = 'receipt' "
            "BEGIN SELECT RAISE(ABORT, 'no more receipts'); END"
        )
    silent, crossed = folder / "silent", folder / "crossed"
    cutoff = json.loads((crossed / "truth.json").read_text())["data_cutoff"]
    told = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": prefect_url,
        "POSTDOSE_LEDGER_KEY": KEY,
    }
    read_only = {"POSTDOSE_STATE": f"sqlite:///file:{file}?mode=ro&uri=true"}
    unheard = postdose(
        "look", str(silent / "protocol.yaml"), "--feeds", str(silent), "--data-cutoff", "2026-03-01T06:00Z", **told
    )  # fmt: skip
    alone = postdose("look", str(crossed / "protocol.yaml"), "--data-cutoff", cutoff, **told, **read_only)
    return {"receipts": Looked.of(unheard, silent), "read-only": Looked.of(alone, crossed)}


@pytest.mark.parametrize(
    ("name", "verdict", "code", "why"),
    [
        ("receipts", "NOT ASSESSABLE", 41, "no more receipts"),
        ("read-only", "SIGNAL", 20, "readonly"),  # a signal keeps its code, whatever else is wrong
    ],
)
def test_a_ledger_that_fails_a_look_hides_no_verdict(
    looks: Mapping[str, Looked], name: str, verdict: str, code: int, why: str
) -> None:
    look = looks[name]
    assert look.code == code
    assert verdict in look.said
    assert "ledger could not be written" in look.problems and why in look.problems
    assert KEY not in look.said + look.problems


def test_a_ledger_keeps_what_it_took_of_a_look_whose_receipts_it_did_not_take(
    looks: Mapping[str, Looked], folder: Path
) -> None:
    state, head = f"sqlite:///{folder / 'silent' / 'postdose.sqlite'}", looks["receipts"].document["ledger"]
    with sqlite3.connect(folder / "silent" / "postdose.sqlite") as connection:
        connection.execute("DROP TRIGGER no_receipts")  # which is not ours, and named as long as it stands
    done = postdose(
        "ledger", "verify", "--json", "--expect-head", head["head_sha256"],
        "--state", state, POSTDOSE_LEDGER_KEY=KEY,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["verified"], told["seals_verified"]) == (True, True)
    assert told["expected_head_sequence"] == head["sequence"]
    records = Ledger(state, key=KEY.encode()).records()
    raised = [record.payload["about"] for record in records if record.kind == Kind.RAISED]
    # The look's own alert is written with it, up to the head that it names; then what the monitor finds due.
    assert raised == ["verdict:not_assessable", *(f"feed_blocked:{feed}" for feed in BLOCKED)]
    of_look = [Kind.LOOK, Kind.EVIDENCE, Kind.RAISED, Kind.ALERT]
    assert [record.kind for record in records] == of_look + [Kind.RAISED, Kind.ALERT] * len(BLOCKED)
    assert head["sequence"] == len(of_look)


BLOCKED = ("AE", "DM", "EX", "LB", "VS")
"""Every feed of that study: none has come."""


def test_a_crossed_rule_is_told_once_where_the_ledger_takes_nothing(
    looks: Mapping[str, Looked], folder: Path
) -> None:
    look = looks["read-only"]
    assert look.document["ledger"] is None
    assert look.document["delivery"] == {"outcome": "delivered", "recorded": False}
    sent = [json.loads(file.read_text()) for file in (folder / "crossed" / "outbox").glob("*.json")]
    crossed = {rule["id"] for rule in look.document["rules"] if rule["verdict"] == "crossed"}
    assert {one["about"] for one in sent} == {f"signal:{rule}" for rule in crossed} != set()
    assert all(one["recorded"] is False and "is not recorded" in one["text"] for one in sent)
    assert "ALERT postdose" not in look.problems  # the second role is on the console: it is not told
