"""A small study with a signal, and a look of it in a process of its own that may die, hang or fail."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from kill_points import forked

from flows.ledger import Kind, Ledger
from flows.looks import monitor

FIXTURE = Path(__file__).parents[2] / "fixtures" / "blind"
STUDY, SIGNAL = "BLIND", 20
LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """How a look ended, by the number that the command exits with, and what it printed."""

    code: int
    printed: str


def study(folder: Path) -> Path:
    """Make a study whose adverse events come as files in a folder, and whose alerts go to files; return it."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "feeds" / "ae").mkdir(parents=True)
    for file in FIXTURE.glob("*.csv"):
        shutil.copyfile(file, folder / "feeds" / file.name)
    (folder / "feeds" / "ae.csv").rename(folder / "feeds" / "ae" / "ae_1.csv")
    said = yaml.safe_load((FIXTURE / "protocol.yaml").read_text(encoding="utf-8"))
    for feed in said["feeds"].values():
        feed["path"] = f"feeds/{feed['path']}"
        feed["max_age_hours"] = 1_000_000
    said["feeds"]["ae"]["path"] = "feeds/ae"
    said["alerts"]["routes"][0]["channels"] = ["file:outbox/"]
    (folder / "protocol.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return folder


def look(folder: Path, looks: int, before: Callable[[], None] = lambda: None) -> Seen:
    """Make a look of now, without Prefect, after something that is done in its process.

    Required is that it ends by itself, without a traceback, and that it is on record and its alerts are in files.
    """
    said, end = folder / f"printed_{looks}", folder / f"exit_{looks}"

    def work() -> None:
        file = os.open(said, os.O_WRONLY | os.O_CREAT, 0o600)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        code = os.open(end, os.O_WRONLY | os.O_CREAT, 0o600)  # before there is no descriptor left
        before()
        outcome = monitor._look(monitor.Asked(str(folder / "protocol.yaml")))
        os.write(code, str(outcome.exit_code).encode())

    ended = within(forked(work))
    told = said.read_text(encoding="utf-8", errors="replace")
    assert ended == 0, f"ended with {ended}: {told[-300:]}"
    assert "Traceback" not in told, told[-300:]
    require_told(folder, looks)
    return Seen(int(end.read_text()), told)


def require_told(folder: Path, looks: int) -> None:
    """Require so many looks on record, in a chain that verifies, and a message where people look for it."""
    ledger = Ledger(f"sqlite:///{folder / 'postdose.sqlite'}", must_exist=True)
    ledger.verify()
    assert len(ledger.records(STUDY, Kind.LOOK)) == looks, "the look is not on record"
    assert list((folder / "outbox").glob("*.json")), "nobody was told"


def within(child: int) -> int:
    """Return how a child ended; one that has not in time is killed."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(how)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError(f"no end after {LONGEST_SECONDS} s")
