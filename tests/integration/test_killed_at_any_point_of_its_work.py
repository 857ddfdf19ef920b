"""A look and the alert loop are killed with SIGKILL at their steps and started again: nothing is lost or half done.

``killed_at_each_step.py`` beside this does it, and prints the table of every step; ``-s`` shows the one of here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

KILLING = Path(__file__).with_name("killed_at_each_step.py")
EVERY = 11
"""Every eleventh step here, which keeps this below a minute; the program takes each when it is run by itself."""

WORKS = ("first use", "look", "escalation", "one of two")

Left = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kills:
    """The rows of one kind of work in one database: each kill, and the process that lived."""

    killed: Sequence[Mapping[str, Any]]
    lived: Mapping[str, Any]

    def each(self) -> Iterator[tuple[str, Left, Left]]:
        for row in self.killed:
            yield row["at"], row["then"], row["after"]


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Sequence[Mapping[str, Any]]:
    command = [sys.executable, str(KILLING), "--json", "--every", str(EVERY)]
    try:
        command += ["--postgresql", request.getfixturevalue("postgresql_url")]
    except pytest.skip.Exception:
        print("PostgreSQL is not installed: SQLite alone")
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    rows: list[Mapping[str, Any]] = json.loads(done.stdout)
    print("\n" + "\n".join(row["line"] for row in rows))
    return rows


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, table: Sequence[Mapping[str, Any]]) -> str:
    name: str = request.param
    if not any(row["database"] == name for row in table):
        pytest.skip("no PostgreSQL server is installed")
    return name


@pytest.fixture(params=WORKS)
def kills(request: pytest.FixtureRequest, database: str, table: Sequence[Mapping[str, Any]]) -> Kills:
    found = [row for row in table if (row["killed"], row["database"]) == (request.param, database)]
    return Kills(found[:-1], found[-1])


def delivered(left: Left) -> set[str]:
    return {name for name, state in left["messages"].items() if state == "delivered"}


def test_no_verdict_is_without_its_alerts_and_no_alert_without_its_verdict(kills: Kills) -> None:
    known = kills.lived["then"]["messages"].keys() | kills.lived["after"]["messages"].keys()
    for at, then, _ in kills.each():
        assert bool(then["looks"]) == bool(then["alerts"]) == bool(then["messages"]), at
        assert then["messages"].keys() <= known, at
        assert then["received"].keys() <= then["messages"].keys(), f"{at}: sent, and not on record"


def test_no_receipt_is_without_its_delivery(kills: Kills) -> None:
    for at, then, after in kills.each():
        for left in (then, after):
            assert delivered(left) <= left["received"].keys(), at
            assert len(delivered(left)) == left["receipts"], at


def test_the_restart_comes_to_what_a_process_that_lived_comes_to(kills: Kills) -> None:
    lived = kills.lived["after"]
    for at, then, after in kills.each():
        assert after["messages"] == lived["messages"], at
        assert (after["alerts"], after["escalations"]) == (lived["alerts"], lived["escalations"]), at
        assert after["chain"] >= then["chain"], at


def test_every_message_arrives_and_none_with_a_receipt_arrives_again(kills: Kills) -> None:
    for at, then, after in kills.each():
        assert delivered(after) <= after["received"].keys(), at
        assert set(after["messages"].values()) <= {"delivered", "dead"}, at
        again = {name for name, times in after["received"].items() if times > then["received"].get(name, 0)}
        assert not again & delivered(then), f"{at}: a message with its receipt was sent again"
        assert max(after["received"].values(), default=0) <= 2, f"{at}: one kill, and three times the same"


def test_two_loops_at_once_send_each_message_once(kills: Kills) -> None:
    left = kills.lived["then"]
    assert left["received"].keys() == delivered(left) and set(left["received"].values()) <= {1}


def test_no_file_is_ever_half_written(kills: Kills) -> None:
    assert [(at, then["torn"], after["torn"]) for at, then, after in kills.each() if then["torn"]] == []


def test_the_kills_fall_before_amid_and_after_each_part(
    table: Sequence[Mapping[str, Any]], database: str
) -> None:
    rows = [row for row in table if row["database"] == database and row["at"] != "lived"]
    assert len(rows) >= 30
    look = [row["then"] for row in rows if row["killed"] == "look"]
    assert {left["looks"] for left in look} == {0, 1}
    assert {bool(left["receipts"]) for left in look if left["looks"]} == {False, True}
    late = [row["then"] for row in rows if row["killed"] == "escalation"]
    assert {left["escalations"] for left in late} == {0, 1, 2}
    assert {left["messages"].keys() <= left["received"].keys() for left in late} == {False, True}
