"""Ends what a run of tests started and left behind, however the run itself ended: SIGKILL lets it tell nobody.

Whoever calls ``watch`` is given a watcher of its own, to which Linux says that its parent has died. Everything that
was started meanwhile has inherited the mark of the run in its environment, a server's own children too, and also
what was put into a session of its own; the watcher ends what has it. Elsewhere than on Linux there is none.
"""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MARK = "STARTED_BY_TESTS"
SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

GRACE_SECONDS = 5.0
"""From SIGTERM to SIGKILL: PostgreSQL and Prefect end their own children first."""


def pytest_configure(config: pytest.Config) -> None:
    """Watch this process; a worker of a run is watched by itself."""
    watch()


def watch() -> None:
    """From now on what this process starts is ended when it has died; call it in the thread that lives longest."""
    if sys.platform != "linux":
        return
    mark = secrets.token_hex(8)
    unmarked = {
        name: value for name, value in os.environ.items() if name != MARK
    }  # a worker's outlives its run's
    subprocess.Popen(
        [sys.executable, __file__, mark, str(os.getpid())], env=unmarked,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True,
    )  # fmt: skip
    os.environ[MARK] = mark


def _end_when_orphaned(mark: str, parent: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() == parent:  # else it has died already, and nothing will say so
        signal.sigwait({signal.SIGTERM})
    deadline = time.monotonic() + GRACE_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        while _send(mark, number) and time.monotonic() < deadline:
            time.sleep(0.1)
            number = 0  # noqa: PLW2901  # only ask whether it is still there
        deadline += GRACE_SECONDS


def _send(mark: str, number: int) -> bool:
    """Send a signal to all that has the mark and is no zombie; return whether there was any."""
    found = [pid for pid in _marked(mark) if pid != os.getpid()]
    for pid in found:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    return bool(found)


def _marked(mark: str) -> Iterator[int]:
    told = f"{MARK}={mark}".encode()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and told in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)
        except OSError:  # it has ended, or is another account's
            continue


if __name__ == "__main__":
    _end_when_orphaned(sys.argv[1], int(sys.argv[2]))
