"""Receipts are on record in the ledger, and what the record contradicts or lacks is told."""

import json
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.errors import LedgerBrokenError
from flows.feeds import DeliveryStore
from flows.feeds.receipts import OURSELVES
from flows.ledger import DeliveryPayload, Kind, Ledger
from flows.looks.custody import compare, on_record, put_on_record

STUDY = "S-01"
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = MONDAY + 9 * DAY


@dataclass(frozen=True)
class Kept:
    """A store and the ledger of its study."""

    folder: Path
    store: DeliveryStore
    ledger: Ledger

    def receive(self, at: datetime, content: str) -> None:
        self.store.take_in("AE", "secret_arm.csv", content.encode(), received_at=at, recorded_at=at)

    def recorded(self) -> list[DeliveryPayload]:
        return [one.read(DeliveryPayload) for one in self.ledger.records(STUDY, Kind.DELIVERY)]

    def told(self) -> list[str]:
        return [one.said for one in put_on_record(self.store, self.ledger, STUDY, NOW)]

    def path(self, number: int) -> Path:
        paths = (self.folder / "store" / "receipts" / "AE").glob("*.json")
        return next(path for path in paths if json.loads(path.read_text())["number"] == number)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Three deliveries of AE, one a day, on record."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    kept = Kept(tmp_path, DeliveryStore(tmp_path / "store"), ledger)
    for place in range(3):
        kept.receive(MONDAY + place * DAY, f"a,{place}")
        assert put_on_record(kept.store, ledger, STUDY, MONDAY + place * DAY) == ()
    return kept


def test_each_receipt_is_recorded_once_and_never_its_name(kept: Kept) -> None:
    assert kept.told() == []
    payloads = kept.recorded()
    assert [[part["number"] for part in one["deliveries"]] for one in payloads] == [[1], [2], [3]]
    (part,) = payloads[1]["deliveries"]
    assert (part["domain"], part["size"], part["received_at"]) == ("AE", 3, "2026-03-03T12:00:00Z")
    assert part["sha256"] == kept.store.kept("AE")[1].sha256
    assert not any("secret_arm" in one.text for one in kept.ledger.records())


def test_what_could_not_be_recorded_is_made_up_for_together(kept: Kept) -> None:
    kept.receive(NOW - 2 * DAY, "b,1")
    kept.receive(NOW - DAY, "b,2")
    assert kept.told() == []
    assert [part["number"] for part in kept.recorded()[-1]["deliveries"]] == [4, 5]


def test_a_receipt_that_nobody_recorded_and_that_is_older_than_the_record_is_told(kept: Kept) -> None:
    kept.receive(MONDAY + DAY / 2, "b,1")
    assert kept.told() == [
        "AE 4: found a receipt that nobody recorded; allowed: what is on record: `postdose deliveries restore` "
        "mends it"
    ]
    assert len(kept.recorded()) == 3


def test_the_callers_own_receipt_is_recorded_whatever_another_recorded_before(kept: Kept) -> None:
    at = MONDAY + DAY / 2
    own = kept.store.take_in("AE", "a.csv", b"own", received_at=at, recorded_at=at)
    assert put_on_record(kept.store, kept.ledger, STUDY, NOW, taken=[own]) == ()


def changed(name: str, value: object) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))


CONTRADICTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "later": (changed("received_at", "2026-03-03T14:00:00+00:00"), "another received_at than is on record"),
    "to come": (changed("received_at", "2027-04-03T14:00:00+00:00"), "another received_at than is on record"),
    "recorded": (changed("recorded_at", "2026-03-04T14:00:00+00:00"), "another recorded_at than is on record"),
    "larger": (changed("size", 4), "another size than is on record"),
    "gone": (Path.unlink, "no receipt, though it is on record"),
    "set aside by hand": (
        changed("decisions", [{"kind": "set_aside", "at": "2026-03-05T00:00:00Z", "by": "X", "reason": "no"}]),
        "a decision that nobody recorded",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "found"), CONTRADICTED.values(), ids=CONTRADICTED.keys())
def test_a_receipt_that_the_record_contradicts_is_told(
    kept: Kept, tamper: Callable[[Path], None], found: str
) -> None:
    tamper(kept.path(2))
    assert kept.told() == [
        f"AE 2: found {found}; allowed: what is on record: `postdose deliveries restore` mends it"
    ]
    assert kept.told() != []  # and again: nothing was made good by the telling


def test_another_content_under_a_receipt_is_told(kept: Kept) -> None:
    path, content = kept.path(2), kept.store.content_of("0" * 64)
    content.write_bytes(b"x,y")
    changed("sha256", "0" * 64)(path)
    path.rename(path.with_name(f"{'0' * 64}.json"))
    (said,) = kept.told()
    assert "another sha256 than is on record" in said


def test_a_store_that_is_gone_is_told_in_one_sentence(kept: Kept) -> None:
    shutil.rmtree(kept.folder / "store")
    assert kept.told() == [
        "AE 1, 2, 3: found no receipt, though it is on record; allowed: what is on record: `postdose deliveries "
        "restore` mends it"
    ]


def test_a_new_receipt_never_takes_the_number_of_one_that_is_lost(kept: Kept) -> None:
    kept.path(3).unlink()
    kept.receive(NOW, "c,1")
    kept.told()
    assert [one.number for one in kept.store.kept("AE")] == [1, 2, 4]


def test_what_postdose_sets_aside_by_itself_is_recorded_by_the_next(kept: Kept) -> None:
    kept.store.set_aside(kept.store.kept("AE")[1], by=OURSELVES, reason="longer than 60 s", at=NOW)
    assert kept.told() == []
    (record,) = kept.ledger.records(STUDY, Kind.SET_ASIDE)
    assert (record.payload["number"], record.payload["by"], record.payload["reason"]) == (
        2,
        "postdose",
        "longer than 60 s",
    )
    assert kept.told() == []
    assert len(kept.ledger.records(STUDY, Kind.SET_ASIDE)) == 1


def test_a_decision_that_is_taken_out_of_its_receipt_is_told(kept: Kept) -> None:
    kept.store.set_aside(kept.store.kept("AE")[1], by=OURSELVES, reason="longer than 60 s", at=NOW)
    kept.told()
    changed("decisions", [])(kept.path(2))
    assert ["lacks a decision that is on record" in one for one in kept.told()] == [True]


def test_a_record_that_says_what_none_can_hides_no_other(kept: Kept) -> None:
    for payload in ({}, {"at": "", "deliveries": [{"domain": "AE"}]}, {"at": "", "deliveries": 1}):
        kept.ledger.record(STUDY, Kind.DELIVERY, payload)  # type: ignore[arg-type]  # a record of another hand
    kept.ledger.record(STUDY, Kind.SET_ASIDE, {"domain": "AE", "number": 77})  # type: ignore[arg-type]  # as before
    assert kept.told() == []
    assert len(on_record(kept.ledger, STUDY)) == 3


def test_a_domain_that_a_record_of_another_hand_makes_up_hides_no_lost_receipt(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    part = kept.recorded()[0]["deliveries"][0]
    for domain in ("x y", "ae", "", "\udcff"):
        forged: DeliveryPayload = {"at": part["recorded_at"], "deliveries": [{**part, "domain": domain}]}
        kept.ledger.record(STUDY, Kind.DELIVERY, forged)
    kept.path(2).unlink()
    assert ["AE 2: found no receipt" in one for one in kept.told()] == [True]
    assert "Record 4 says what no record of its kind can (deliveries.0.domain: value error)" in caplog.text
    with pytest.raises(LedgerBrokenError, match="record 4 says what no record of its kind can"):
        kept.ledger.verify()


def test_what_cannot_be_numbered_is_a_fault_of_its_domain_and_hides_no_other(kept: Kept) -> None:
    kept.store.take_in("VS", "v.csv", b"v", received_at=NOW, recorded_at=NOW)
    kept.path(2).unlink()
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (100, allowed[1])
    )  # the disk is full: no receipt can be written
    try:
        said = [one.partition(";")[0] for one in kept.told()]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    unnumbered = (
        "VS: found that its receipts cannot be numbered (File too large), so that none is put on record"
    )
    assert said == [unnumbered, "AE 2: found no receipt, though it is on record"]
    assert len(kept.recorded()) == 3
    kept.told()
    assert [part["domain"] for part in kept.recorded()[-1]["deliveries"]] == ["VS"]


def test_a_clock_that_was_ahead_once_makes_no_later_receipt_suspicious(kept: Kept) -> None:
    kept.receive(NOW + 400 * DAY, "ahead")
    assert kept.told() == []
    kept.receive(NOW, "after")
    assert kept.told() == []
    assert compare(kept.store, on_record(kept.ledger, STUDY), NOW).entries == ()
