"""A run of tests that is interrupted, or killed, leaves no server behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from servers import ROOT, end, wait_for

STARTS = """
import os, subprocess, sys, time
from pathlib import Path
from servers import started

SERVER = "import http.server as s; s.HTTPServer(('127.0.0.1', 0), s.BaseHTTPRequestHandler).serve_forever()"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
START = f"p = subprocess.Popen([sys.executable, '-c', {DEAF!r}], start_new_session=True)"
PARENT = f"import subprocess, sys, time; {START}; print(p.pid, flush=True); time.sleep(600)"

def test_it():
    here = Path(os.environ["PIDS"])
    with started([sys.executable, "-c", SERVER], here.with_suffix(".log"), os.environ) as server:
        parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
        part = here.with_suffix(".part")
        part.write_text(f"{os.getpid()} {server.pid} {parent.pid} {parent.stdout.readline()}")
        part.rename(here)
        time.sleep(600)
"""  # a server in a group of its own, a process that is not, and what it has started, which hears no SIGTERM


def lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody is told that a parent has died")
@pytest.mark.parametrize(
    ("number", "of_worker", "options"),
    [
        pytest.param(signal.SIGINT, False, (), marks=pytest.mark.slow),
        (signal.SIGTERM, False, ()),
        pytest.param(signal.SIGKILL, False, (), marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, False, ("-n", "1"), marks=pytest.mark.slow),
        (signal.SIGKILL, True, ("-n", "1", "--max-worker-restart", "0")),
    ],
)
def test_nothing_is_left_of_a_run(
    tmp_path: Path, number: int, of_worker: bool, options: Sequence[str]
) -> None:
    pids, file = tmp_path / "pids", tmp_path / "test_starts.py"
    file.write_text(STARTS)
    command = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "leftovers", *options, str(file)]
    run = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PIDS": str(pids), "PYTHONPATH": str(ROOT / "tests")},
        cwd=tmp_path, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for("servers", pids.exists, seconds=120)
        started = [int(pid) for pid in pids.read_text().split()]
        assert all(lives(pid) for pid in started)
        os.kill(started[0] if of_worker else run.pid, number)
        wait_for("their end", lambda: not any(lives(pid) for pid in started), seconds=120)
    finally:
        end(run, signal.SIGKILL)
