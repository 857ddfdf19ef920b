"""What is written below a study is whole, and its owner's alone whatever the umask; what a kill left is cleared."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import processes
import pytest

from checks.errors import UsageError
from flows.files import BEGINS, ENDS, clear_leftovers, create, make_folder, write_whole

UMASKS = (0o000, 0o022, 0o077, 0o777)

WRITER = """
import os, sys
from pathlib import Path
from flows import files

def stand_still(*_, **__):
    print("standing", flush=True)
    sys.stdin.read()

os.replace = stand_still  # between the last byte and the name
files.write_whole(Path(sys.argv[1]), "new")
"""


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(f"{BEGINS}*{ENDS}"))


@pytest.mark.parametrize(
    ("told", "file", "folder"), [(None, 0o600, 0o700), ("0640", 0o640, 0o750), ("0660", 0o660, 0o770)]
)
@pytest.mark.usefixtures("umask")
def test_files_and_folders_have_the_mode_that_is_told_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, file: int, folder: int
) -> None:
    if told is not None:
        monkeypatch.setenv("POSTDOSE_FILE_MODE", told)
    tmp_path.chmod(0o755)
    written, made = tmp_path / "a" / "b" / "c.json", tmp_path / "made"
    write_whole(written, "text")
    create(made)
    assert [mode(one) for one in (written, made)] == [file, file]
    assert [mode(one) for one in (written.parent, written.parents[1])] == [folder, folder]
    assert mode(tmp_path) == 0o755, "a folder that was there is its owner's"


@pytest.mark.parametrize(
    "told", ["0666", "0777", "0700", "0400", "0000", "0602", "rw", "640.0", "-0640", "1600"]
)
def test_another_mode_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("POSTDOSE_FILE_MODE", told)
    with pytest.raises(UsageError, match=f"POSTDOSE_FILE_MODE: found '{told}'; allowed: 0600, 0640"):
        write_whole(tmp_path / "a.json", "text")
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_open_to_others_is_replaced_by_a_private_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o666)
    write_whole(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)


def test_a_folder_made_below_one_of_a_group_keeps_the_group(tmp_path: Path) -> None:
    tmp_path.chmod(0o2750)
    make_folder(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o2700


@pytest.mark.parametrize("way", ["x", "x/y/z", "../self/x"])
def test_a_file_system_that_takes_no_folder_says_so(tmp_path: Path, way: str) -> None:
    (tmp_path / "looks").symlink_to("/proc/self")
    for folder in (Path("/proc/self") / way, tmp_path / "looks" / way):
        with pytest.raises(FileNotFoundError):
            make_folder(folder)


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_whole(tmp_path / "a.json", "new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_what_a_kill_left_is_cleared_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"standing\n"
        clear_leftovers([tmp_path])
        (part,) = parts(tmp_path)
        assert part.read_text() == "new" and mode(part) == 0o600
        writer.send_signal(signal.SIGKILL)
    assert path.read_text() == "old" and parts(tmp_path) == [part]
    clear_leftovers([tmp_path, tmp_path / "not there"])
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_files_of_others_are_no_leftovers(tmp_path: Path) -> None:
    others = ["a.csv.part", ".a.part", f"{BEGINS}a", "a.json"]
    for name in others:
        (tmp_path / name).touch()
    clear_leftovers([tmp_path])
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(others)


def test_a_writer_whose_file_is_taken_for_a_leftover_writes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, seen = fcntl.flock, []

    def late(file: int, how: int) -> None:
        if not seen:
            seen.append(file)
            clear_leftovers([tmp_path])
        lock(file, how)

    monkeypatch.setattr("flows.files.fcntl.flock", late)
    write_whole(tmp_path / "a.json", "new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_two_that_write_the_same_file_leave_one_of_the_two_whole(tmp_path: Path) -> None:
    path, texts = tmp_path / "a.json", ["a" * 100_000, "b" * 100_000]
    command = "import sys; from pathlib import Path; from flows.files import write_whole\n"
    command += "for _ in range(50): write_whole(Path(sys.argv[1]), sys.argv[2])"
    writers = [subprocess.Popen([sys.executable, "-c", command, str(path), text]) for text in texts]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert path.read_text() in texts and not parts(tmp_path)


@pytest.mark.parametrize("umask", [0o000], indirect=True, ids=oct)
@pytest.mark.usefixtures("umask")
@pytest.mark.slow
def test_every_command_leaves_what_it_writes_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_url: str
) -> None:
    monkeypatch.delenv("POSTDOSE_FILE_MODE", raising=False)
    studies = tmp_path / "studies"
    ill, quiet = (str(studies / name / "protocol.yaml") for name in ("ill", "quiet"))
    environment = {
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "POSTDOSE_STATE": f"sqlite:///{studies}/postdose.sqlite",
    }
    for command in (
        ["simulate", "cyt107", "--out", str(studies / "ill"), "--subjects", "6"],
        ["simulate", "null", "--out", str(studies / "quiet"), "--subjects", "6"],
        ["receive", ill, "VS", str(studies / "ill" / "feeds" / "vs.csv")],
        ["look", ill],
        ["replay", quiet, "--every", "90d"],  # no rule crosses, of which it would seek the hour
        ["check", ill, "--suites", str(studies / "ill" / "suites")],
    ):
        done = processes.postdose(*command, folder=tmp_path, **environment)
        assert done.returncode in (0, 20, 3), (command, done.stderr)
    written = list(studies.rglob("*"))
    assert {"report.html", "postdose.sqlite", "look.lock", "looks.jsonl", "truth.json", "heartbeat.json"} <= {
        one.name for one in written
    }
    assert any(one.parent.name == "outbox" for one in written)
    assert {mode(one) for one in written if one.is_file()} == {0o600}
    assert {mode(one) for one in (studies, *written) if one.is_dir()} == {0o700}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is told by Linux alone")
def test_a_database_is_closed_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, open_then, named = (
        os.link,
        [],
        [],
    )  # to close it later would give up the locks of other threads on it

    def linked(source: str, target: str, **where: int) -> None:
        inode = os.stat(source, dir_fd=where["src_dir_fd"]).st_ino
        numbers = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
        with suppress(OSError):
            open_then.extend(number for number in numbers if os.fstat(number).st_ino == inode)
        real(source, target, **where)
        named.append(target)

    monkeypatch.setattr(os, "link", linked)
    create(tmp_path / "postdose.sqlite")
    assert (named, open_then) == (["postdose.sqlite"], [])
    assert [one.name for one in tmp_path.iterdir()] == ["postdose.sqlite"]
