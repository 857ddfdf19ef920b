"""What lies wrongly in a delivery store is one named fault of its domain, and hides nothing else."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.feeds import DeliveryStore
from flows.feeds.receipts import OURSELVES, Decision

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = MONDAY + 9 * DAY
ROWS = [f"USUBJID,AESEQ\nS1,{number}\n".encode() for number in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> DeliveryStore:
    """Three deliveries of AE, one a day, numbered."""
    store = DeliveryStore(tmp_path)
    for place, rows in enumerate(ROWS):
        at = MONDAY + place * DAY
        store.take_in("AE", f"ae{place}.csv", rows, received_at=at, recorded_at=at)
        store.number("AE")
    return store


def path_of(folder: Path, number: int) -> Path:
    paths = (folder / "receipts" / "AE").glob("*.json")
    return next(path for path in paths if json.loads(path.read_text())["number"] == number)


def edited(**changed: object) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_link(path: Path) -> None:
    path.rename(path.with_suffix(".kept"))
    path.symlink_to(path.with_suffix(".kept"))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILT: dict[str, Callable[[Path], None]] = {
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:60]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes()),
    "a list": lambda path: path.write_text("[1, 2]"),
    "a number": lambda path: path.write_text("1" * 5000),
    "nested": lambda path: path.write_text("[" * 100_000),
    "huge": lambda path: path.write_bytes(b" " * (1 << 21)),
    "another domain": edited(domain="VS"),
    "another content": edited(sha256="0" * 64),
    "no domain": edited(domain="../AE"),
    "a name with a folder": edited(name="../x.csv"),
    "half a surrogate": edited(name="\udc80.csv"),
    "a size in words": edited(size="many"),
    "no zone": edited(received_at="2026-03-03T12:00:00"),
    "no time": edited(received_at="yesterday"),
    "before the first year": edited(received_at="0001-01-01T00:00:00+14:00"),
    "decisions of no form": edited(decisions=[1]),
    "an unknown decision": edited(decisions=[{"kind": "lost", "at": str(MONDAY), "by": "", "reason": ""}]),
    "a FIFO": as_fifo,
    "a link": as_link,
    "a folder": as_folder,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_receipt_is_named_by_its_number_and_the_others_are_used(
    store: DeliveryStore, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(path_of(tmp_path, 2))
    assert [one.number for one in store.receipts("AE", by=NOW)] == [1, 3]
    (fault,) = store.faults("AE", by=NOW, now=NOW)
    assert (fault.number, fault.since) == (2, MONDAY)
    assert fault.said.startswith("AE 2: found a receipt that cannot be read; allowed: ")
    assert store.faults("AE", by=MONDAY - DAY, now=NOW) == ()  # then it had not come


def test_a_file_that_was_never_a_receipt_is_named(store: DeliveryStore, tmp_path: Path) -> None:
    (tmp_path / "receipts" / "AE" / "notes.json").write_text("{}")
    (fault,) = store.faults("AE", by=NOW, now=NOW)
    assert (fault.number, "a file among its receipts that is none" in fault.said) == (None, True)
    assert len(store.receipts("AE", by=NOW)) == 3


def test_what_is_sent_again_after_its_receipt_was_torn_is_received_anew(
    store: DeliveryStore, tmp_path: Path
) -> None:
    path_of(tmp_path, 2).write_bytes(b"")
    store.take_in("AE", "ae1.csv", ROWS[1], received_at=NOW, recorded_at=NOW)
    assert [one.number for one in store.receipts("AE", by=NOW)] == [1, 3, 4]


def test_what_is_sent_again_after_a_receipt_of_the_future_is_received_anew(tmp_path: Path) -> None:
    store, ahead = DeliveryStore(tmp_path), NOW + 400 * DAY
    store.take_in("AE", "ae.csv", ROWS[0], received_at=ahead, recorded_at=ahead)
    assert store.receipts("AE", by=NOW) == ()
    (fault,) = store.faults("AE", by=NOW, now=NOW)
    assert fault.said == (
        "AE 1: found that it was received at 2027-04-15T12:00:00Z, a time to come: it is not used; allowed: a time "
        "that has passed: `postdose deliveries restore` gives it another"
    )
    store.take_in("AE", "ae.csv", ROWS[0], received_at=NOW, recorded_at=NOW)
    assert [one.received_at for one in store.receipts("AE", by=NOW)] == [NOW]
    store.take_in("AE", "ae.csv", ROWS[0], received_at=NOW + DAY, recorded_at=NOW + DAY)
    assert len(store.kept("AE")) == 2


def test_content_that_was_torn_is_written_again_when_it_comes_again(store: DeliveryStore) -> None:
    (first, *_) = store.receipts("AE", by=NOW)
    first.content.write_bytes(bytes(len(ROWS[0])))
    store.take_in("AE", "ae0.csv", ROWS[0], received_at=NOW, recorded_at=NOW)
    assert first.content.read_bytes() == ROWS[0]
    assert len(store.receipts("AE", by=NOW)) == 3


def test_a_number_stays_when_a_clock_was_ahead_and_receipts_come_later(store: DeliveryStore) -> None:
    ahead = NOW + 400 * DAY
    store.take_in("AE", "ahead.csv", b"1", received_at=ahead, recorded_at=ahead)
    store.number("AE")
    store.take_in("AE", "after.csv", b"2", received_at=NOW, recorded_at=NOW)
    assert {one.name: one.number for one in store.number("AE")} == {
        "ae0.csv": 1,
        "ae1.csv": 2,
        "ae2.csv": 3,
        "ahead.csv": 4,
        "after.csv": 5,
    }


def test_a_set_aside_delivery_is_not_read_from_then_on_and_comes_back_restored(store: DeliveryStore) -> None:
    receipt = store.kept("AE")[1]
    store.set_aside(receipt, by="A. Person", reason="of another study", at=MONDAY + 5 * DAY)
    numbers = {day: [one.number for one in store.receipts("AE", by=MONDAY + day * DAY)] for day in (4, 5)}
    assert numbers == {4: [1, 2, 3], 5: [1, 3]}
    assert [one.number for one in store.withheld("AE", by=MONDAY + 5 * DAY)] == [2]
    assert store.withheld("AE", by=MONDAY + 4 * DAY) == ()


def test_what_postdose_set_aside_was_never_read(store: DeliveryStore) -> None:
    store.set_aside(store.kept("AE")[1], by=OURSELVES, reason="longer than 60 s", at=NOW)
    early = store.receipts("AE", by=MONDAY + DAY)
    assert [one.set_aside is not None for one in early] == [False, True]
    assert store.withheld("AE", by=NOW) == ()


def test_decisions_on_new_deliveries_in_any_order_put_none_out(tmp_path: Path) -> None:
    """What has come together has no number of its own yet: each would have the number of another."""
    store = DeliveryStore(tmp_path)
    for place, rows in enumerate(ROWS):
        store.take_in("AE", f"ae{place}.csv", rows, received_at=MONDAY, recorded_at=MONDAY)
    before = store.kept("AE")
    for one in reversed(before):
        store.decided(one, Decision("set_aside", MONDAY, OURSELVES, "its reader died"))
    after = store.kept("AE")
    assert [(one.name, one.number) for one in after] == [(one.name, one.number) for one in before]
    assert all(one.set_aside is not None for one in after)
    assert not list(tmp_path.rglob("*.put-out")) and store.faults("AE", by=NOW, now=NOW) == ()


@pytest.mark.parametrize("name", [b"x y", b"\xff", b"ae", b"A-E"])
def test_a_folder_of_no_domain_is_one_fault_and_hides_no_domain(
    store: DeliveryStore, tmp_path: Path, name: bytes
) -> None:
    folder = tmp_path / "receipts" / os.fsdecode(name)
    folder.mkdir()
    (folder / "a.json").touch()
    assert store.domains() == ("AE",)
    (fault,) = store.foreign_folders()
    assert fault.said.startswith("deliveries: found files in folders of receipts that are no domain's (1)")
