"""`postdose look` is killed with SIGKILL, through Prefect: as it reads, right after its commit, as it delivers.

One study goes through all of it: each look is the restart after the kill of the one before.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Event

import pytest
import yaml
from processes import environment_without_ours
from servers import webhook

from flows.ledger import Kind, Ledger

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
VARIABLE = "POSTDOSE_PHYSICIAN_URL"
LONGEST_LOOK = 240
SIGNAL = 20

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(900)]


@dataclass
class Receiver:
    """Counts each key; kills the process it is told of once the first message has come, before it answers.

    While it ``stands`` it neither counts nor answers.
    """

    url: str = ""
    keys: Counter[str] = field(default_factory=Counter)
    victim: int | None = None
    stands: Event | None = None

    def take(self, headers: Mapping[str, str], _body: bytes) -> int:
        if self.stands is not None:
            self.stands.wait()
            return HTTPStatus.SERVICE_UNAVAILABLE
        self.keys[headers["Idempotency-Key"]] += 1
        victim, self.victim = self.victim, None
        if victim is not None:
            os.kill(victim, signal.SIGKILL)  # whom no answer reaches any more
        return HTTPStatus.OK


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    with webhook(told.take) as told.url:
        yield told


@dataclass(frozen=True, slots=True)
class Study:
    """A study's folder, and how a look of it is made."""

    folder: Path
    environment: Mapping[str, str]
    receiver: Receiver

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment["POSTDOSE_STATE"])

    def look(self) -> subprocess.Popen[bytes]:
        named = (str(self.folder / "protocol.yaml"), "--out", str(self.out))
        command = [sys.executable, "-m", "flows.commands.cli", "look", *named]
        with (self.folder / "look.log").open("ab") as log:
            return subprocess.Popen(command, env=dict(self.environment), stdout=log, stderr=log)

    def killed_when(self, reached: Callable[[], bool]) -> None:
        look, deadline = self.look(), time.monotonic() + LONGEST_LOOK
        while not reached():
            assert look.poll() is None and time.monotonic() < deadline, (self.folder / "look.log").read_text()
            time.sleep(0.001)
        look.kill()
        assert look.wait(30) == -signal.SIGKILL

    def received_feeds(self) -> int:
        return len(list((self.folder / "deliveries" / "BLIND" / "receipts").glob("*/*.json")))

    def has_look(self) -> bool:
        file = self.folder / "state.sqlite"
        if not file.is_file():
            return False
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            try:
                return bool(connection.execute("SELECT 1 FROM ledger WHERE kind = 'look'").fetchone())
            except sqlite3.OperationalError:  # no tables yet
                return False

    def states(self) -> Mapping[str, str]:
        with closing(sqlite3.connect(self.folder / "state.sqlite")) as connection:
            return dict(connection.execute("SELECT id, state FROM outbox").fetchall())


@pytest.fixture
def study(tmp_path: Path, prefect_url: str, receiver: Receiver) -> Study:
    for file in FIXTURE.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    protocol = yaml.safe_load((FIXTURE / "protocol.yaml").read_text())
    protocol["alerts"]["routes"][0]["channels"] = [f"env:{VARIABLE}", "file:outbox/"]
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    environment = {
        **environment_without_ours(),
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "POSTDOSE_STATE": state,
        VARIABLE: receiver.url,
    }
    return Study(tmp_path, environment, receiver)


def test_a_look_killed_three_times_through_prefect_loses_and_forks_nothing(study: Study) -> None:
    study.killed_when(lambda: study.received_feeds() >= 2)
    assert not study.has_look() and not study.receiver.keys

    stands = study.receiver.stands = Event()  # so the look stands still after its commit
    study.killed_when(study.has_look)
    study.receiver.stands = None
    stands.set()
    verified, queued = study.ledger.verify(), study.states()
    assert len(study.ledger.records("BLIND", Kind.LOOK)) == 1
    assert study.ledger.records("BLIND", Kind.RAISED) and set(queued.values()) == {"pending"}
    assert not study.receiver.keys

    third = study.look()
    study.receiver.victim = third.pid
    assert third.wait(LONGEST_LOOK) == -signal.SIGKILL, (study.folder / "look.log").read_text()
    assert study.ledger.verify() > verified
    (on_its_way,) = study.receiver.keys
    assert study.states()[on_its_way] == "pending", "sent, and its receipt not on record"

    assert study.look().wait(LONGEST_LOOK) == SIGNAL
    states = study.states()
    assert queued.keys() <= states.keys() and set(states.values()) == {"delivered"}
    filed = {file.stem for file in (study.folder / "outbox").glob("*.json")}  # not what a kill cut off
    assert states.keys() == study.receiver.keys.keys() | filed
    assert study.receiver.keys[on_its_way] == 2
    assert [key for key, times in study.receiver.keys.items() if times > 1] == [on_its_way]
    assert len(study.ledger.records("BLIND", Kind.LOOK)) == 3
    assert study.ledger.verify() == len(study.ledger.records())
    assert study.received_feeds() == 5
