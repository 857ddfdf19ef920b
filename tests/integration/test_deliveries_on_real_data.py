"""Intensive-care data delivered in twenty parts out of order, through the store, make the look of one delivery."""

import csv
import os
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from checks.knowledge import Deliveries, Knowledge
from checks.looks import look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import RAW_PROVENANCE
from flows.feeds import DeliveryStore, FeedOptions, read_deliveries

pytestmark = pytest.mark.skipif(
    "POSTDOSE_TEST_DATA" not in os.environ, reason="POSTDOSE_TEST_DATA is unset: no real data at hand"
)

CUTOFF = datetime(2201, 12, 14, tzinfo=UTC)  # an hour after the last reading
RECEIVED = datetime(2201, 12, 1, tzinfo=UTC)
PARTS = 20


@pytest.fixture(scope="module")
def protocol() -> StudyProtocol:
    """The protocol of the demo; doses and vital signs come in parts."""
    one = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols_real" / "icu_vancomycin.yaml")
    sources = {
        name: getattr(one.feeds, name).model_copy(update={"mode": "incremental"}) for name in ("ex", "vs")
    }
    return one.model_copy(update={"feeds": one.feeds.model_copy(update=sources)})


def source(name: str) -> Path:
    return Path(os.environ["POSTDOSE_TEST_DATA"]) / "data" / "mimic_iv_demo" / f"{name}.csv"


def parts(name: str, chance: random.Random) -> list[bytes]:
    """Deal the rows of a file at random to twenty files, a tenth of them to two."""
    with source(name).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    dealt: list[list[list[str]]] = [[] for _ in range(PARTS)]
    for row in rows:
        for place in chance.sample(range(PARTS), 2 if chance.random() < 0.1 else 1):
            dealt[place].append(row)
    for part in dealt:
        chance.shuffle(part)
    return ["\n".join(map(",".join, [header, *part])).encode() for part in dealt]


@pytest.fixture(scope="module")
def in_parts(protocol: StudyProtocol, tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    store, chance = DeliveryStore(tmp_path_factory.mktemp("deliveries")), random.Random(7)
    for name in ("dm", "ex", "vs"):
        files = [source(name).read_bytes()] if name == "dm" else parts(name, chance)
        for order, content in enumerate(files):
            at = RECEIVED + timedelta(hours=order)
            store.take_in(name, f"{name}_{chance.random()}.csv", content, received_at=at, recorded_at=at)
    return known(protocol, lambda name: store.receipts(name, by=CUTOFF))


@pytest.fixture(scope="module")
def at_once(protocol: StudyProtocol) -> Knowledge:
    return known(protocol, lambda name: str(source(name.lower())))


def known(protocol: StudyProtocol, arrived: Callable[[str], Any]) -> Knowledge:
    delivered = {
        domain: read_deliveries(arrived(domain), FeedOptions.of(feed, domain))
        for domain, feed in protocol.feeds.by_domain().items()
    }
    return Deliveries(delivered, protocol).known_at(CUTOFF)


def look(one: Knowledge, protocol: StudyProtocol) -> tuple[dict[str, Any], pd.DataFrame]:
    found = look_at(one, protocol, data_cutoff=CUTOFF)
    return found.document(), found.quarantine


def test_every_row_is_known_once(in_parts: Knowledge, at_once: Knowledge) -> None:
    for name, rows in (("dm", 14), ("ex", 141), ("vs", 16461)):
        table, expected = in_parts.feeds[name].table, at_once.feeds[name].table
        assert table is not None and expected is not None and len(table) == rows
        assert_frame_equal(*(each.drop(columns=list(RAW_PROVENANCE)) for each in (table, expected)))
    delivered = sum(delivery.rows for delivery in in_parts.feeds["vs"].deliveries)
    assert len(in_parts.feeds["vs"].deliveries) == PARTS
    assert in_parts.feeds["vs"].superseded == delivered - 16461 > 1000
    assert in_parts.changes.empty and in_parts.feeds["vs"].problem is None


def test_the_look_is_that_of_one_delivery(
    in_parts: Knowledge, at_once: Knowledge, protocol: StudyProtocol
) -> None:
    (document, quarantine), (expected, expected_quarantine) = (
        look(in_parts, protocol),
        look(at_once, protocol),
    )
    told = {"sha256", "rows_superseded", "rows_not_yet_known", "received"}
    for one in (document, expected):
        del one["look_id"]
        caveats = (
            text
            for text in one["caveats"]
            if "is not on record" not in text and "not counted yet" not in text
        )
        one["caveats"] = [
            re.sub(r" In VS [0-9]+, rows? .*", "", text) for text in caveats
        ]  # files and rows are others
        one["checks"] = [{**check, "place": ""} for check in one["checks"]]
        one["feeds"] = [
            {name: said for name, said in feed.items() if name not in told} for feed in one["feeds"]
        ]
    assert document == expected
    assert_frame_equal(
        *(each.drop(columns=list(RAW_PROVENANCE)) for each in (quarantine, expected_quarantine))
    )
    # Each withheld row is found in the file that brought it.
    assert quarantine["source_file"].str.fullmatch("VS [0-9]+").all() and len(quarantine) == 7
