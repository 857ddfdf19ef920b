"""A process that takes a delivery in is killed at each of its steps, and of its calls to the file system."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.feeds import DeliveryStore, FeedOptions, read_deliveries

RECEIVED = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = b"USUBJID,AESEQ\nS1,1\n", b"USUBJID,AESEQ\nS1,1\nS1,2\n"

KILLER = """
import json, os, signal, sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from flows.feeds import DeliveryStore

moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALLS = {"open", "os.mkdir", "os.rename"}
seen, last = 0, 0

def touched(event, arguments=()):
    global seen
    if last and event in CALLS:
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

def forced(descriptor, real=os.fsync):
    touched("open")
    real(descriptor)
    touched("open")

def stepped(frame, event, argument):
    if frame.f_code.co_filename == sys.modules["flows.feeds.store"].__file__:
        touched("open")
        return stepped

sys.addaudithook(touched)
os.fsync = forced
statuses = []
for at in count(1):
    store = DeliveryStore(Path(sys.argv[1]) / str(at))
    store.take_in("AE", "first.csv", bytes.fromhex(sys.argv[2]), received_at=moment, recorded_at=moment)
    child = os.fork()
    if child == 0:
        last = at
        sys.settrace(stepped)
        store.take_in("AE", "second.csv", bytes.fromhex(sys.argv[3]), received_at=moment, recorded_at=moment)
        os._exit(0)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if statuses[-1] == 0:
        break
print(json.dumps(statuses))
"""
"""For each step or call, a process that takes the second delivery in and is killed there; until one lives."""


def contents(store: DeliveryStore) -> list[bytes]:
    return [receipt.content.read_bytes() for receipt in store.receipts("AE", by=RECEIVED)]


@pytest.fixture
def store(tmp_path: Path) -> DeliveryStore:
    store = DeliveryStore(tmp_path)
    store.take_in("AE", "first.csv", FIRST, received_at=RECEIVED, recorded_at=RECEIVED)
    return store


def test_killed_at_any_step_a_delivery_is_wholly_in_or_wholly_out(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", KILLER, str(tmp_path), FIRST.hex(), SECOND.hex()]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    *killed, survived = json.loads(ran.stdout)
    assert (set(killed), survived) == ({-signal.SIGKILL}, 0)
    assert len(killed) > 50
    found = []
    for at in range(1, len(killed) + 2):
        store = DeliveryStore(tmp_path / str(at))
        found.append(contents(store))
        # Trying again completes it, and leaves nothing unreadable behind.
        store.take_in("AE", "second.csv", SECOND, received_at=RECEIVED, recorded_at=RECEIVED)
        assert contents(store) == [FIRST, SECOND]
        read = read_deliveries(store.receipts("AE", by=RECEIVED), FeedOptions(domain="AE"))
        assert [(file.delivery.rows, file.problem) for file in read] == [(1, None), (2, None)]
    # It was out until the receipt had its name, and in from then on.
    first_in = found.index([FIRST, SECOND])
    assert found == [[FIRST]] * first_in + [[FIRST, SECOND]] * (len(found) - first_in)
    assert 0 < first_in < len(killed)


def test_content_without_a_receipt_is_not_in(store: DeliveryStore, tmp_path: Path) -> None:
    (tmp_path / "objects" / ("0" * 64)).write_bytes(SECOND)
    assert contents(store) == [FIRST]


def test_a_delivery_is_kept_once_with_its_first_receipt(store: DeliveryStore) -> None:
    later = datetime(2026, 3, 9, tzinfo=UTC)
    again = store.take_in("ae", "other_name.csv", FIRST, received_at=later, recorded_at=later)
    assert (again.name, again.received_at) == ("first.csv", RECEIVED)
    assert len(store.receipts("AE", by=later)) == 1
    assert store.take_in("VS", "first.csv", FIRST, received_at=later, recorded_at=later).domain == "VS"
    assert store.domains() == ("AE", "VS")


def test_receipts_are_in_order_of_receipt_and_not_of_the_future(store: DeliveryStore) -> None:
    early = datetime(2026, 2, 1, tzinfo=UTC)
    store.take_in("AE", "history.csv", SECOND, received_at=early, recorded_at=RECEIVED)
    assert [one.name for one in store.receipts("AE", by=RECEIVED)] == ["history.csv", "first.csv"]
    assert [one.name for one in store.receipts("AE", by=early)] == ["history.csv"]


def test_content_that_was_changed_since_is_not_used(store: DeliveryStore) -> None:
    (receipt,) = store.receipts("AE", by=RECEIVED)
    receipt.content.write_bytes(SECOND)
    (read,) = read_deliveries([receipt], FeedOptions(domain="AE"))
    assert read.table is None and read.delivery.sha256 == receipt.sha256
    assert read.problem == (
        "AE 1: found kept content that is not what was received; allowed: the content as it was received"
    )
    receipt.content.unlink()
    (lost,) = read_deliveries([receipt], FeedOptions(domain="AE"))
    assert lost.problem is not None and lost.problem.startswith("AE 1: found that it cannot be opened")


def test_a_receipt_says_when_it_came_and_when_that_was_written_down(
    store: DeliveryStore, tmp_path: Path
) -> None:
    (path,) = (tmp_path / "receipts" / "AE").iterdir()
    said = json.loads(path.read_text(encoding="utf-8"))
    assert path.stem == said["sha256"]
    assert said["received_at"] == said["recorded_at"] == "2026-03-02T12:00:00+00:00"
