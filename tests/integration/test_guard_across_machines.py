"""One look of a study at a time among machines that share a ledger in PostgreSQL; two folders stand for two."""

import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from flows.looks.guard import is_looking, turn_of_look

HOLDER = """
import os, sys
from pathlib import Path
from flows.looks.guard import turn_of_look
with turn_of_look(Path(sys.argv[1]), "S", state_url=os.environ["STATE"]):
    print("held", flush=True)
    sys.stdin.read()
"""
LONGEST = timedelta(seconds=0.4)


def holder(folder: Path, url: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "STATE": url},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_look_waits_for_one_on_another_machine_until_that_is_killed(
    tmp_path: Path, postgresql_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="postdose")
    here, there = tmp_path / "here", tmp_path / "there"
    assert not is_looking(here, "S", state_url=postgresql_database)
    other = holder(there, postgresql_database)
    try:
        assert is_looking(here, "S", state_url=postgresql_database)
        assert not is_looking(here, "T", state_url=postgresql_database)
        with turn_of_look(here, "S", state_url=postgresql_database, longest=LONGEST):
            pass  # beside one that hangs
    finally:
        other.kill()
        other.wait(30)
    said = [one.partition(";")[0] for one in caplog.messages]
    assert said == [
        "Waiting for the look that is being made",
        "The look before has not ended for 0:00:00.400000",
    ]
    caplog.clear()
    with turn_of_look(
        here, "S", state_url=postgresql_database
    ):  # at once, or after the server knows of the kill
        assert is_looking(there, "S", state_url=postgresql_database)
    assert not is_looking(there, "S", state_url=postgresql_database)
    assert "going on beside it" not in caplog.text


def test_a_session_that_is_ended_meanwhile_costs_no_look(tmp_path: Path, postgresql_database: str) -> None:
    with turn_of_look(tmp_path, "S", state_url=postgresql_database):
        engine = create_engine(postgresql_database)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        engine.dispose()
    assert not is_looking(tmp_path, "S", state_url=postgresql_database)


def test_a_ledger_that_cannot_be_reached_keeps_no_look_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = "postgresql://nobody:hunter2@127.0.0.1:9/none"
    with turn_of_look(tmp_path, "S", state_url=nowhere):
        assert is_looking(tmp_path, "S", state_url="sqlite://")  # this machine knows all the same
    assert "Whether another machine looks cannot be asked" in caplog.text
    assert "hunter2" not in caplog.text
