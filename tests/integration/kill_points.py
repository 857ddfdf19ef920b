"""Kill a process with SIGKILL at its k-th step, on databases of its own, and take what it sends.

A step is each SQL statement, before and after, and each transaction's end, before and after; each file that is
opened for writing, made durable or renamed, and each folder that is made; each sending of a message, before and
after.
"""

import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, Pool

from flows.alerts import attempts

WRITES = os.O_WRONLY | os.O_RDWR


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

    @property
    def seen(self) -> int:
        """How many steps were taken since they are counted."""
        return self._seen

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
            tables = [name for name in ("outbox", "ledger") if name in statement]
            return " ".join((statement.split(maxsplit=1)[0], *tables[:1]))

        event.listen(Engine, "before_cursor_execute", lambda *told: self.step(f"before {said(told[2])}"))
        event.listen(Engine, "after_cursor_execute", lambda *told: self.step(f"after {said(told[2])}"))
        event.listen(Engine, "commit", lambda *_: self.step("before COMMIT"))
        event.listen(Pool, "checkin", lambda *_: self.step("after the transaction"))

    def _watch_sends(self) -> None:
        real = attempts.resolve

        def watched(channel: str, **told: Any) -> Any:
            send = real(channel, **told)

            def sent(*message: Any) -> str:
                self.step(f"before sending to {channel}")
                receipt = send(*message)
                self.step(f"after sending to {channel}")
                return receipt

            return sent

        attempts.resolve = watched


def forked(work: Callable[[], None]) -> int:
    """Do something in a child, and return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:  # a child never goes on as its parent
        traceback.print_exception(error)
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
        template = "template1" if base is None else self._named(base)
        self._execute(f"CREATE DATABASE {self._named(trial)} TEMPLATE {template}")

    def drop(self, trial: Path) -> None:
        self._execute(f"DROP DATABASE {self._named(trial)} WITH (FORCE)")

    def _named(self, trial: Path) -> str:
        return "_".join(("killed", *trial.parts[-2:]))

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))


Server = Sqlite | Postgresql
