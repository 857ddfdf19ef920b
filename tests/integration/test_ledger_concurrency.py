"""Two processes that write at once, and one that verifies meanwhile: one chain, no fork, no lost record."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ledger import Kind, Ledger

RECORDS = 1_000
WRITER = """
import os, sys, time
from flows.ledger import Kind, Ledger
ledger = Ledger(os.environ["STATE"])
for number in range(int(sys.argv[2])):
    ledger.record(sys.argv[1], Kind.LOOK, {"number": number})
    time.sleep(0.05 if number % 100 == 0 else 0)
"""
"""A writer without a pause may keep SQLite's lock from the other to its own end: that would be no test of two."""


@pytest.fixture(params=["sqlite", "postgresql"])
def busy_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database, in memory where the machine can: thousands of commits to a disk take minutes."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgresql_database")
        return
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield f"sqlite:///{folder}/state.sqlite"


def start(state_url: str, study: str, records: int) -> subprocess.Popen[bytes]:
    """Start a writer; the URL goes by the environment, for it holds a password."""
    command = [sys.executable, "-c", WRITER, study, str(records)]
    return subprocess.Popen(command, env={**os.environ, "STATE": state_url})


def test_two_processes_write_one_chain(busy_url: str) -> None:
    writers = {study: start(busy_url, study, RECORDS) for study in ("A", "B")}  # both find no tables yet
    ledger = Ledger(busy_url)
    seen = [ledger.verify()]
    while any(writer.poll() is None for writer in writers.values()):
        seen.append(ledger.verify())
        time.sleep(0.2)  # a reader at every moment would only make the writers wait
    assert [writer.returncode for writer in writers.values()] == [0, 0]
    assert seen == sorted(seen)
    assert ledger.verify() == 2 * RECORDS
    for study in writers:
        written = [record.payload["number"] for record in ledger.records(study, Kind.LOOK)]
        assert written == list(range(RECORDS))
    studies = "".join(record.study for record in ledger.records())
    assert "AB" in studies and "BA" in studies  # they did write at once
