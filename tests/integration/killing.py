"""Kill what a look does after its verdict, and what the alert loop does, at every step, and tell what was left.

A step is each SQL statement and each commit, before and after; each file that is opened for writing, made durable,
renamed or made as a folder; each sending of a message, before and after. How many there are is found by going on
until a process lives. One process is warmed up and forks: a child that is killed at its k-th step, then another
that looks at what is left and starts again.

``python tests/integration/killing.py [--postgresql URL]`` prints a table, or with ``--json`` what it holds.
"""

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import create_engine, event, make_url, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, Pool

from checks.errors import UsageError
from checks.protocol import StudyProtocol, load_protocol
from flows import monitor, tasks
from flows.alerts import run_alerts, sending
from flows.ledger import Kind, Ledger
from flows.ledger.schema import OUTBOX

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
CUTOFF = datetime(2024, 6, 12, 6, tzinfo=UTC)
STUDY = "BLIND"
URL, UNSET = "POSTDOSE_PHYSICIAN_URL", "POSTDOSE_NOBODY_URL"
ROUTES = [
    {"role": "physician", "verdicts": ["watch", "signal"], "channels": ["file:physician/", f"env:{URL}"],
     "ack_within_minutes": 60, "escalate_to": "chair"},
    {"role": "chair", "verdicts": ["not_assessable"], "channels": [f"env:{URL}", f"env:{UNSET}"],
     "ack_within_minutes": 60, "escalate_to": "sponsor"},
    {"role": "sponsor", "verdicts": ["not_assessable"], "channels": ["file:sponsor/", f"env:{URL}"]},
]  # fmt: skip
"""The chair is told by escalation alone, and one of its channels is a dead end: the sponsor follows at once."""

LATE = timedelta(minutes=61)
LAPSED = timedelta(minutes=3)
"""After which what a killed process had claimed may be sent by another: a claim is held for two and a half."""

WRITES = os.O_WRONLY | os.O_RDWR


# --- steps ---


class Steps:
    """Counts the steps of this process, and kills it at one of them, whose name goes to ``killed_at``."""

    def __init__(self, work: Path) -> None:
        self._work, self._lock = str(work), threading.Lock()
        self._seen, self._last, self._killed_at = 0, 0, Path()
        sys.addaudithook(self._audited)
        self._watch_fsync()
        self._watch_sql()
        self._watch_sends()

    def kill_at(self, last: int, killed_at: Path) -> None:
        """From now on count, and end this process at a step; 0 counts none."""
        self._seen, self._last, self._killed_at = 0, last, killed_at

    def step(self, name: str) -> None:
        if not self._last:
            return
        with self._lock:  # messages are sent in threads of their own
            self._seen += 1
            if self._seen == self._last:
                self._last = 0
                self._killed_at.write_text(name)
                os.kill(os.getpid(), signal.SIGKILL)

    def _audited(self, name: str, arguments: tuple[Any, ...]) -> None:
        if not self._last or name not in ("open", "os.rename", "os.mkdir"):
            return
        path = str(arguments[0])
        if path.startswith(self._work) and (name != "open" or (arguments[2] or 0) & WRITES):
            self.step(f"{name.removeprefix('os.')} {Path(path).name}")

    def _watch_fsync(self) -> None:
        real = os.fsync

        def watched(descriptor: Any) -> None:
            self.step("before fsync")
            real(descriptor)
            self.step("after fsync")

        os.fsync = watched

    def _watch_sql(self) -> None:
        def said(statement: str) -> str:
            words = [word for word in statement.split()[:12] if word.isupper() or word in ("ledger", "outbox")]
            return " ".join(words[:4])

        event.listen(Engine, "before_cursor_execute", lambda *told: self.step(f"before {said(told[2])}"))
        event.listen(Engine, "after_cursor_execute", lambda *told: self.step(f"after {said(told[2])}"))
        event.listen(Engine, "commit", lambda *_: self.step("before COMMIT"))
        event.listen(Pool, "checkin", lambda *_: self.step("after the transaction"))

    def _watch_sends(self) -> None:
        real = sending.resolve

        def watched(channel: str, **told: Any) -> Any:
            send = real(channel, **told)

            def sent(*message: Any) -> str:
                self.step(f"before sending to {channel}")
                receipt = send(*message)
                self.step(f"after sending to {channel}")
                return receipt

            return sent

        sending.resolve = watched


# --- processes ---


def forked(work: Callable[[], None]) -> int:
    """Do something in a child, and return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:  # a child never goes on as its parent
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)


def status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def receiver(log: Path) -> Iterator[int]:
    """A process that takes every message and writes down its path and key before it answers; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with log.open("a") as kept:
                kept.write(f"{self.path} {self.headers['Idempotency-Key']}\n")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    log.touch()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    child = forked(server.serve_forever)
    server.socket.close()
    try:
        yield server.server_port
    finally:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


# --- databases ---


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A file for each trial, copied from an earlier one's."""

    name: str = "sqlite"

    def url(self, trial: Path) -> str:
        return f"sqlite:///{trial / 'state.sqlite'}"

    def make(self, trial: Path, base: Path | None) -> None:
        if base is not None:
            shutil.copyfile(base / "state.sqlite", trial / "state.sqlite")

    def drop(self, trial: Path) -> None:
        """The file goes with its folder."""


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A database for each trial, made from an earlier one's as template."""

    server: str
    name: str = "postgresql"

    def url(self, trial: Path) -> str:
        return make_url(self.server).set(database=self._named(trial)).render_as_string(hide_password=False)

    def make(self, trial: Path, base: Path | None) -> None:
        self._execute(f"CREATE DATABASE {self._named(trial)} TEMPLATE {base and self._named(base) or 'template1'}")

    def drop(self, trial: Path) -> None:
        self._execute(f"DROP DATABASE {self._named(trial)} WITH (FORCE)")

    def _named(self, trial: Path) -> str:
        return f"kill_{os.getpid() if trial is None else '_'.join(trial.parts[-2:])}"

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))


Server = Sqlite | Postgresql


# --- what is killed ---


@dataclass(frozen=True, slots=True)
class Trial:
    """One folder with a protocol, its receivers and its database."""

    folder: Path
    server: Server
    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        path = "/".join(self.folder.parts[-2:])
        return {
            "POSTDOSE_STATE": self.server.url(self.folder),
            URL: f"http://127.0.0.1:{self.port}/{self.server.name}/{path}",
        }

    @property
    def protocol(self) -> StudyProtocol:
        return load_protocol(self.folder / "protocol.yaml")

    def look(self) -> None:
        """Make the look of the study, as a function."""
        os.environ.update(self.environment)
        monitor.monitor_study.fn(str(self.folder / "protocol.yaml"), data_cutoff=CUTOFF)

    def turn(self, now: datetime) -> None:
        """Take one turn of the alert loop."""
        ledger = Ledger(self.environment["POSTDOSE_STATE"])
        run_alerts(ledger, self.protocol, now, addresses=self.environment, watching=False)
