"""Which looks the nightly check makes again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.looks import code_version
from checks.protocol import load_protocol
from checks.stamps import stamp
from flows.feeds import Receipt
from flows.ledger import Kind
from flows.ledger.chain import next_record
from flows.looks.nightly import MOST_LOOKS, recent_looks

PROTOCOL = load_protocol(Path(__file__).parents[3] / "flows" / "simulate" / "protocol.yaml")
NOW = datetime(2026, 3, 9, 4, 30, tzinfo=UTC)


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


def receipt(received: float, written: float) -> Receipt:
    """A receipt of so many hours ago, written down so many hours ago."""
    at, recorded_at = (NOW - timedelta(hours=hours) for hours in (received, written))
    return Receipt("VS", "vs.csv", "a" * 64, 1, at, recorded_at, Path())


def again(
    *looks: dict[str, Any], kind: Kind = Kind.LOOK, kept: tuple[Receipt, ...] = (receipt(99, 99),)
) -> list[str]:
    records: list[Any] = []
    for one in looks:
        records.append(next_record(records[-1] if records else None, "S", kind, one, None))
    return [one["look_id"] for one in recent_looks(tuple(records), PROTOCOL, NOW, kept=kept)]


def test_looks_of_the_last_three_days_are_made_again_the_newest_first() -> None:
    assert again(look(73), look(72), look(5), look(1), look(-1)) == ["1 h ago", "5 h ago", "72 h ago"]


@pytest.mark.parametrize(
    "changed",
    [
        {"protocol_sha256": "b" * 64},
        {"code_version": "0.0.0"},
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


def test_a_look_from_before_a_receipt_of_its_time_was_written_down_is_not() -> None:
    history = (receipt(99, 99), receipt(40, 3))
    assert again(look(50), look(30), look(5), look(1), kept=history) == ["1 h ago", "50 h ago"]
