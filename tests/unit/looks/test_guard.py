"""One process serves a study, and one look of it is made at a time; a turn ends with its process."""

import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from checks.errors import UsageError
from flows.looks.guard import is_looking, only_server, turn_of_look

SQLITE = "sqlite://"
HOLDER = """
import sys
from pathlib import Path
from functools import partial
from flows.looks.guard import only_server, turn_of_look
turn_of_look = partial(turn_of_look, state_url="sqlite://")
with {turn}(Path(sys.argv[1]), "S"):
    print("held", flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that has a turn until it is told to end, or killed."""

    def __init__(self, turn: str, folder: Path) -> None:
        command = [sys.executable, "-c", HOLDER.format(turn=turn), str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


def test_a_second_server_is_refused_and_told_who_serves_until_the_first_is_gone(tmp_path: Path) -> None:
    first = Holder("only_server", tmp_path)
    try:
        with pytest.raises(UsageError, match=f"study S: found that process {first.process.pid} serves it"):
            only_server(tmp_path, "S").__enter__()
        with only_server(tmp_path, "T"):  # of another study
            pass
    finally:
        first.kill()
    with only_server(tmp_path, "S"):
        assert (tmp_path / "serve-S.lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        only_server(tmp_path / "nowhere", "S").__enter__()


def test_a_look_waits_for_the_one_before_and_goes_on_beside_one_that_hangs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="postdose")
    before = Holder("turn_of_look", tmp_path)
    try:
        with turn_of_look(tmp_path, "S", state_url=SQLITE, longest=timedelta(seconds=0.3)):
            pass
    finally:
        before.kill()
    assert [one.partition(";")[0] for one in caplog.messages] == [
        "Waiting for the look that is being made",
        "The look before has not ended for 0:00:00.300000",
    ]
    caplog.clear()
    with turn_of_look(tmp_path, "S", state_url=SQLITE):
        pass
    assert caplog.messages == []


def test_a_look_is_being_made_as_long_as_its_process_lives(tmp_path: Path) -> None:
    assert not is_looking(tmp_path, "S", state_url=SQLITE)
    look = Holder("turn_of_look", tmp_path)
    try:
        assert is_looking(tmp_path, "S", state_url=SQLITE)
        assert not is_looking(tmp_path, "T", state_url=SQLITE)
    finally:
        look.kill()
    assert not is_looking(tmp_path, "S", state_url=SQLITE)
    with turn_of_look(tmp_path, "S", state_url=SQLITE, longest=timedelta(0)):  # asking took it from nobody
        assert is_looking(tmp_path, "S", state_url=SQLITE)
