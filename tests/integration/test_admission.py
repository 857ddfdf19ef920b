"""A new delivery whose reader dies, hangs or fills the memory: survived, set aside by name, and never read again.

No file is known here that ends one of today's libraries, so the process of these tests has a reader that ends as the
file says: what a library can do to a process, done to it for real.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from small_studies import COLUMNS, small_protocol

from checks.protocol import load_protocol
from checks.protocol.feeds import FeedSource
from checks.protocol.limits import Limits
from flows.feeds import Inbox, admission, open_inbox, read_deliveries
from flows.feeds.content import FeedOptions
from flows.feeds.receipts import Decision

NOW = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
GOOD = ",".join(COLUMNS["vs"]) + "\nS-01,1,TEMP,36.6,C,2025-03-03T00:00\n"

DEADLY = """\
from flows.feeds import readers
import ctypes, os, signal, time
sound = readers.READERS[".csv"]

def read(content, options):
    said = content.stream.read(40)
    content.stream.seek(0)
    if b"segfault" in said: ctypes.string_at(0)
    if b"abort" in said: os.abort()
    if b"kill" in said: os.kill(os.getpid(), signal.SIGKILL)
    if b"leave" in said: os._exit(3)
    if b"raise" in said: raise SystemExit(5)
    if b"sleep" in said: time.sleep(1000)
    while b"loop" in said: pass
    if b"fill" in said: held = [bytes(1 << 28) for _ in range(10_000)]
    return sound(content, options)

readers.READERS[".csv"] = read
"""
DEATHS = {
    "segfault": "that its reader was ended by signal 11",
    "abort": "that its reader was ended by signal 6",
    "kill": "that its reader was ended by signal 9",
    "leave": "that its reader ended with status 3",
    "raise": "that its reader ended with status 1",
    "sleep": "that reading it takes longer than 2 s",
    "loop": "that reading it takes longer than 2 s",
    "fill": "that reading it takes more memory than one file may",
}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    told = small_protocol(
        limits={"max_quarantined": 0.5, "max_unobserved": 0.5, "max_read_seconds": 2},
        feeds={name: {"path": f"{name}.csv"} for name in ("dm", "ex")}
        | {"vs": {"path": "vs", "mode": "incremental"}},
    )
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(told))
    (tmp_path / "vs").mkdir()
    (tmp_path / "vs" / "good.csv").write_text(GOOD)
    return tmp_path


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    start = admission._START.replace("serve(socket", f"exec({DEADLY!r})\nserve(socket")
    monkeypatch.setattr(admission, "_START", start)


@pytest.fixture(autouse=True)
def none_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let none that another test has started be found."""
    monkeypatch.setattr(admission, "_SPARE", admission._Spare())


def inbox_of(study: Path) -> Inbox:
    return open_inbox(load_protocol(study / "protocol.yaml"), {}, None)


def children() -> set[int]:
    """Return the processes that this one has started, those that ended unheard of too."""
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if int((one / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(one.name))
        except OSError:
            continue
    return found


@pytest.mark.timeout(60)
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.usefixtures("deadly")
def test_what_ends_its_reader_is_set_aside_and_the_rest_is_read(death: str, study: Path) -> None:
    before, inbox = children(), inbox_of(study)
    (study / "vs" / "a_bad.csv").write_text(f"{death}\n1\n")
    for moment in (NOW, LATER):
        read = inbox.take_in("VS", moment)
        assert [len(one.table) for one in read if one.table is not None] == [1]
        (problem,) = [one.problem for one in read if one.problem]
        assert DEATHS[death] in problem
        assert "set aside" in problem
        assert "a_bad" not in problem
    (refused,) = [one for one in inbox.store.kept("VS") if one.set_aside]
    assert DEATHS[death] in (refused.set_aside.reason if refused.set_aside else "")
    assert children() == before


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("deadly")
def test_what_was_set_aside_is_not_tried_again_until_it_is_restored(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = inbox_of(study)
    (study / "vs" / "a_bad.csv").write_text(f"kill{GOOD}")
    inbox.take_in("VS", NOW)
    (refused,) = [one for one in inbox.store.kept("VS") if one.set_aside]
    (study / "vs" / "a_bad.csv").unlink()
    monkeypatch.setattr(admission, "_START", "raise SystemExit")  # a process would be noticed
    again = inbox_of(study)
    assert [one.problem is None for one in again.take_in("VS", LATER)].count(False) == 1
    assert not caplog.records
    monkeypatch.undo()  # the reader was mended
    again.store.decided(refused, Decision("restored", LATER, "a data manager", "the reader was mended"))
    found = inbox_of(study).take_in("VS", LATER + timedelta(hours=1))
    assert all(one.problem is None for one in found)
    assert sum(len(one.table) for one in found if one.table is not None) == 2


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("deadly")
def test_files_as_they_are_found_are_read_so_each_time(study: Path) -> None:
    (study / "vs" / "a_bad.csv").write_text("abort\n1\n")
    inbox = open_inbox(load_protocol(study / "protocol.yaml"), {}, str(study))
    for _ in range(2):
        bad, good = inbox.read("VS", NOW)
        assert DEATHS["abort"] in (bad.problem or "")
        assert good.table is not None
    assert not (study / "deliveries").exists()


@pytest.mark.timeout(90)
@pytest.mark.usefixtures("deadly")
@pytest.mark.slow
def test_many_slow_files_keep_no_look_from_its_end_and_the_next_goes_on(study: Path) -> None:
    """Three may hang for as long as one may take, 2 s; what comes after them is read by the next look."""
    for name in "abcd":
        (study / "vs" / f"{name}.csv").write_text(f"sleep{name}\n1\n")
    inbox = inbox_of(study)
    read = inbox.take_in("VS", NOW)
    later = "that the new files before it took 6 s to read (3 times `limits.max_read_seconds`)"
    assert [later in (one.problem or "") for one in read] == [False, False, False, True, True]
    assert [one.delivery.name for one in read if later in (one.problem or "")] == ["d.csv", "good.csv"]
    assert {one.name for one in inbox.store.kept("VS") if one.set_aside is None} == {"d.csv", "good.csv"}
    again = inbox.take_in("VS", LATER)
    assert [len(one.table) for one in again if one.table is not None] == [1]
    assert [one.name for one in inbox.store.kept("VS") if one.set_aside is None] == ["good.csv"]
    found = read_deliveries(str(study / "vs"), FeedOptions.of(*source_of(study)), inbox.admission)
    assert [later in (one.problem or "") for one in found] == [False, False, False, True, True]


def source_of(study: Path) -> tuple[FeedSource, str, Limits]:
    protocol = load_protocol(study / "protocol.yaml")
    return protocol.feeds.by_domain()["VS"], "VS", protocol.limits


def test_the_tables_of_a_feed_together_fit_into_the_memory_of_one(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of three files is a table of some hundred bytes; there is room for two."""
    for name in ("a", "b"):
        (study / "vs" / f"{name}.csv").write_text(GOOD.replace("S-01", f"S-0{name}"))
    inbox = inbox_of(study)
    (one, *_) = [one.table for one in inbox.take_in("VS", NOW) if one.table is not None]
    room = int(one.memory_usage(index=False, deep=True).sum()) * 5 // 2
    monkeypatch.setattr("flows.feeds.first_reading.MEMORY_SHARE", 0.0)
    monkeypatch.setattr("flows.feeds.first_reading.LEAST_MEMORY", room)
    read = inbox.take_in("VS", LATER)
    assert [one.table is None for one in read] == [False, False, True]
    assert "together take more memory than one feed may" in (read[-1].problem or "")


def test_without_a_process_the_feed_is_read_all_the_same_and_it_is_said_once(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(admission, "_START", "raise SystemExit")
    inbox = inbox_of(study)
    (study / "vs" / "b.csv").write_text(GOOD.replace("36.6", "36.7"))
    (study / "dm.csv").write_text("USUBJID,SITEID\nS-01,S1\n")
    with inbox.admission.reading():
        found = (*inbox.take_in("VS", NOW), *inbox.take_in("DM", NOW))
    assert [one.problem for one in found] == [None, None, None]
    assert len([one for one in caplog.records if "No process" in one.message]) == 1


def test_what_was_admitted_once_needs_no_process_again(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert [one.problem for one in inbox_of(study).take_in("VS", NOW)] == [None]
    monkeypatch.setattr(admission, "_START", "raise SystemExit")
    assert [one.problem for one in inbox_of(study).take_in("VS", LATER)] == [None]
    assert [one.problem for one in inbox_of(study).read("VS", LATER)] == [None]
    assert not caplog.records


def test_a_process_that_is_kept_reads_the_next_delivery_and_is_there_no_more_at_the_end(study: Path) -> None:
    before = children()
    with admission.servers_kept():
        inbox_of(study).take_in("VS", NOW)
        (kept,) = children() - before
        (study / "vs" / "b.csv").write_text(GOOD.replace("36.6", "36.7"))
        inbox_of(study).take_in("VS", LATER)
        assert children() - before == {kept}
        os.kill(kept, signal.SIGKILL)
        (study / "vs" / "c.csv").write_text(GOOD.replace("36.6", "36.8"))
        last = inbox_of(study).take_in("VS", LATER + timedelta(hours=1))
        assert [one.problem for one in last] == [None, None, None]
    assert children() == before


ADMIT = """\
import sys
from datetime import UTC, datetime
from pathlib import Path
from checks.protocol import load_protocol
from flows.feeds import admission, open_inbox
admission._START = admission._START.replace("serve(socket", f"exec({sys.argv[2]!r})\\nserve(socket")
open_inbox(load_protocol(Path(sys.argv[1])), {}, None).take_in("VS", datetime(2025, 3, 3, tzinfo=UTC))
"""


def readers_of(started: int) -> set[int]:
    """Return the processes of the server that a process has started, and of its children."""
    parents = {}
    for one in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(one.name)] = int((one / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    servers = {pid for pid, parent in parents.items() if parent == started}
    return servers | {pid for pid, parent in parents.items() if parent in servers}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_stays_behind_a_look_that_is_ended(how: signal.Signals, study: Path) -> None:
    told = (study / "protocol.yaml").read_text().replace("max_read_seconds: 2", "max_read_seconds: 600")
    (study / "protocol.yaml").write_text(told)
    (study / "vs" / "a_bad.csv").write_text("loop\n1\n")
    looking = subprocess.Popen([sys.executable, "-c", ADMIT, str(study / "protocol.yaml"), DEADLY])
    while len(readers_of(looking.pid)) < 2:
        time.sleep(0.05)
    time.sleep(0.3)
    readers = readers_of(looking.pid)
    looking.send_signal(how)
    looking.wait(20)
    until = time.monotonic() + 10
    while (left := [pid for pid in readers if Path(f"/proc/{pid}").exists()]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left


def test_content_that_was_changed_on_disk_is_not_read(study: Path) -> None:
    inbox = inbox_of(study)
    inbox.take_in("VS", NOW)
    (receipt,) = inbox.store.kept("VS")
    receipt.content.chmod(0o600)
    receipt.content.write_text(GOOD.replace("36.6", "41.0"))
    (study / "vs" / "good.csv").unlink()
    (read, *_) = inbox_of(study).read("VS", LATER)
    assert read.table is None
    assert "not what was received" in (read.problem or "")


@pytest.mark.parametrize("lies_there", ["a named pipe", "a link to a device without end", "too large"])
def test_a_file_of_admissions_that_is_none_is_not_waited_for(
    lies_there: str, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MOST_REMEMBERED", 1 << 16)
    given = FeedOptions(domain="AE")
    path = admission.Admitted(study, given)._path
    if lies_there == "a named pipe":
        os.mkfifo(path)
    elif lies_there == "too large":
        path.write_bytes(b"a" * (1 << 16) + b"\n")
    else:
        path.symlink_to("/dev/zero")
    admitted = admission.Admitted(study, given)
    admitted.add("ae.csv", "0" * 64)
    assert admitted.has("ae.csv", "0" * 64) and not admission.Admitted(study, given).has("ae.csv", "0" * 64)
