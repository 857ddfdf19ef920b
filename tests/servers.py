"""Real servers and processes: each on its own loopback port, bounded, stopped by process id."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
START_SECONDS = 240
BUSY_TRIES = 10
PASSWORD = "tests:no-secret"


def authorization() -> dict[str, str]:
    """The header that a server of the tests asks for."""
    return {"Authorization": f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postdose(*arguments: str) -> list[str]:
    """The command as its installed entry point runs it."""
    return [sys.executable, "-m", "flows.commands.cli", *arguments]


def wait_for(what: str, ready: Callable[[], Any], *, seconds: float, said: Callable[[], str] = str) -> Any:
    """Return the first answer that is one, and fail with what a log says when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds:g} s for {what}\n{said()}")


def end(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM, *, within: float = 30) -> None:
    """Send a process a signal, and SIGKILL when that does not end it."""
    process.send_signal(number)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)


@contextmanager
def started(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own, so that nothing of it can outlive whoever started it."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=dict(environment), stdout=said, stderr=said, cwd=ROOT, start_new_session=True
        )
    try:
        yield process
    finally:
        end_group(process)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and whatever of its group is left."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(90)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@contextmanager
def webhook(take: Callable[[Mapping[str, str], bytes], int]) -> Iterator[str]:
    """A receiver on loopback that answers with the status that ``take`` returns; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            with suppress(OSError):  # of a sender that was killed
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def taking_all() -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """A webhook that takes every message: its address, and the messages as they arrive."""
    told: list[Mapping[str, Any]] = []

    def take(_headers: Mapping[str, str], body: bytes) -> int:
        told.append(json.loads(body))
        return HTTPStatus.NO_CONTENT

    with webhook(take) as url:
        yield url, told


def call(environment: Mapping[str, str], path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the Prefect server of an environment, again while it is busy, as its own clients do."""
    request = urllib.request.Request(
        environment["PREFECT_API_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **authorization()},
    )
    for _ in range(BUSY_TRIES):
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                content = answer.read()
                return json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        time.sleep(2)
    raise TimeoutError(f"{path}: the server was busy {BUSY_TRIES} times")


def prefect_environment(home: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a Prefect server on a free port, and of its clients."""
    return {
        **base,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # SQLite is locked for longer on a busy machine
    }


@dataclass
class Prefect:
    """A Prefect server that keeps its port however often it is started."""

    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> "Prefect":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        port = urlsplit(self.environment["PREFECT_API_URL"]).port
        server = postdose("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                server, env=dict(self.environment), stdout=log, stderr=log, cwd=ROOT
            )
        try:
            wait_for("the Prefect server", self._has_started, seconds=START_SECONDS, said=self.said)
        except BaseException:
            self.end()
            raise
        if self.process.poll() is not None:
            raise RuntimeError(f"The Prefect server did not start: {self.said()}")

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            end(self.process, number)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def _has_started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return True  # it has ended, and need not be waited for
        try:
            with urllib.request.urlopen(self.environment["PREFECT_API_URL"] + "/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
