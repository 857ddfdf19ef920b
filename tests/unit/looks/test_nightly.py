"""Which looks the nightly check makes again."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.errors import LedgerWriteError
from checks.looks import code_version
from checks.protocol import load_protocol
from checks.stamps import stamp
from flows.feeds import Receipt
from flows.feeds.receipts import Decision
from flows.ledger import Kind
from flows.ledger.chain import next_record
from flows.looks.nightly import MOST_LOOKS, compare_each, recent_looks

PROTOCOL = load_protocol(Path(__file__).parents[3] / "flows" / "simulate" / "protocol.yaml")
NOW = datetime(2026, 3, 9, 4, 30, tzinfo=UTC)


EARLY = {("VS", 1): 0, ("VS", 2): 0}
CONTENTS = {1: "a", 2: "c"}


def look(hours_ago: float = 1.0, **changed: Any) -> dict[str, Any]:
    return {
        "look_id": f"{hours_ago} h ago",
        "at": stamp(NOW - timedelta(hours=hours_ago)),
        "data_cutoff": stamp(NOW - timedelta(hours=hours_ago)),
        "protocol_sha256": PROTOCOL.sha256,
        "code_version": code_version(),
        "feed_faults": {},
        "feeds": {"VS": ["a" * 64], "DM": []},
        **changed,
    }


def receipt(received: float, number: int = 1, *decisions: Decision) -> Receipt:
    """A receipt of so many hours ago, of a content of its own."""
    at = NOW - timedelta(hours=received)
    return Receipt("VS", "vs.csv", CONTENTS[number] * 64, 1, at, at, Path(), number, decisions)


def again(
    *looks: dict[str, Any],
    kind: Kind = Kind.LOOK,
    kept: tuple[Receipt, ...] = (receipt(99),),
    recorded: Mapping[tuple[str, int], int] = EARLY,
) -> list[str]:
    """Return which looks are made again, with what they cannot have seen."""
    records: list[Any] = []
    for one in looks:
        records.append(next_record(records[-1] if records else None, "S", kind, one, None))
    found = recent_looks(records, PROTOCOL, NOW, kept=kept, recorded=recorded)
    return [" but for ".join((one.look["look_id"], *one.unseen)) for one in found]


def test_looks_of_the_last_three_days_are_made_again_the_newest_first() -> None:
    assert again(look(73), look(72), look(5), look(1), look(-1)) == ["1 h ago", "5 h ago", "72 h ago"]


@pytest.mark.parametrize(
    "changed",
    [
        {"protocol_sha256": "b" * 64},
        {"code_version": "0.0.0"},
        {"as_found": True},
        {"feed_faults": {"VS": {"fault": "blocked", "latest": None}}},
        {"feeds": {"VS": ["c" * 64]}},  # of files as found
        {"feeds": {"VS": ["a" * 64], "DM": ["c" * 64]}},  # of which some are kept
        {"feeds": {"VS": []}},
    ],
)
def test_a_look_of_what_the_store_or_this_code_does_not_have_is_not(changed: dict[str, Any]) -> None:
    assert again(look(**changed)) == []


def test_a_look_with_a_stale_feed_is() -> None:
    assert again(look(feed_faults={"VS": {"fault": "stale", "latest": None}})) == ["1.0 h ago"]


def test_no_other_record_is_taken_for_a_look() -> None:
    assert again(look(), kind=Kind.EVIDENCE) == []


def test_the_newest_are_made_again_where_there_are_too_many() -> None:
    many = again(*(look(hours) for hours in (70 - n * 0.1 for n in range(MOST_LOOKS + 5))))
    assert len(many) == MOST_LOOKS
    assert many[-1] == f"{70 - 5 * 0.1} h ago"


def test_a_look_is_made_again_without_what_came_after_its_record_and_it_does_not_name() -> None:
    kept, recorded = (receipt(99), receipt(40, 2)), {("VS", 1): 0, ("VS", 2): 3}
    found = again(look(50), look(30), look(5), look(1), kept=kept, recorded=recorded)
    assert found == ["1 h ago", "5 h ago", "30 h ago but for VS 2", "50 h ago"]
    named = look(30, feeds={"VS": ["a" * 64, "c" * 64]})
    assert again(look(50), named, kept=kept, recorded=recorded) == ["30 h ago", "50 h ago"]
    assert again(look(30), kept=kept, recorded={("VS", 1): 0}) == ["30 h ago but for VS 2"]


def test_a_look_from_before_a_person_dated_a_receipt_of_its_time_anew_is_not() -> None:
    at = NOW - timedelta(hours=3)
    decision = Decision("restored", at, "Dr A", "the clock was ahead", NOW - timedelta(hours=40))
    kept = (receipt(99), receipt(40, 2, decision))
    assert again(look(50), look(30), look(1), kept=kept) == ["1 h ago", "50 h ago"]


def met(error: Exception) -> Callable[[], Iterator[str]]:
    def compare() -> Iterator[str]:
        yield "one is another"
        raise error

    return compare


def test_a_comparison_that_meets_what_nobody_foresaw_is_named_and_hinders_no_other() -> None:
    compared = {"the looks": met(KeyError("secret")), "the heads": lambda: ["line 1 is no head"]}
    found = [*compare_each(compared)]
    assert found == ["The looks cannot be compared (KeyError).", "Line 1 is no head."]
    with pytest.raises(LedgerWriteError):
        list(compare_each({"the looks": met(LedgerWriteError("gone"))}))
