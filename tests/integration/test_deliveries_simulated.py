"""What is known over the life of a simulated trial, by its times of entry, counted again from the files."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import RAW_PROVENANCE, DeliveredTable, Delivery
from flows.feeds import FeedOptions, read_deliveries
from flows.simulate import simulate

FIRST, LAST = datetime(2024, 9, 13, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)
TIMED = ("vs", "ae", "lb")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("cyt107", tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def protocol(written: Path) -> StudyProtocol:
    return load_protocol(written / "protocol.yaml")


@pytest.fixture(scope="module")
def found(protocol: StudyProtocol) -> dict[str, tuple[DeliveredTable, ...]]:
    sources = protocol.feeds.by_domain().items()
    return {
        domain.lower(): read_deliveries(str(protocol.folder / source.path), FeedOptions.of(source, domain))
        for domain, source in sources
    }


def entered(written: Path, name: str) -> list[datetime]:
    with (written / "feeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [datetime.fromisoformat(row["ENTERED"]) for row in csv.DictReader(file)]


def test_rows_are_known_from_when_they_were_entered(
    written: Path, protocol: StudyProtocol, found: dict[str, tuple[DeliveredTable, ...]]
) -> None:
    deliveries = Deliveries(found, protocol)
    stamps = {name: entered(written, name) for name in TIMED}
    for weeks in range(0, 34, 3):
        # Within a day, at a minute at which something was entered.
        moment = max([at for at in stamps["vs"] if at <= FIRST + timedelta(weeks=weeks)], default=FIRST)
        known = deliveries.known_at(moment)
        for name in TIMED:
            feed = known.feeds[name]
            counted = Counter(at <= moment for at in stamps[name])
            assert feed.table is not None
            assert (len(feed.table), feed.not_yet_known) == (counted[True], counted[False])
        assert known.changes.empty


def test_increments_of_a_day_tell_what_the_whole_file_tells(
    protocol: StudyProtocol, found: dict[str, tuple[DeliveredTable, ...]]
) -> None:
    """Each midnight brings what was entered since the last: at midnight both know the same."""
    sources = {name: getattr(protocol.feeds, name) for name in TIMED}
    update = {name: source.model_copy(update={"mode": "incremental"}) for name, source in sources.items()}
    daily = protocol.model_copy(update={"feeds": protocol.feeds.model_copy(update=update)})
    increments = {name: by_day(found[name][0].table) for name in TIMED}
    whole, parts = Deliveries(found, protocol), Deliveries({**found, **increments}, daily)
    assert len(increments["vs"]) > 150
    for days in range(5, 230, 25):
        midnight = FIRST + timedelta(days=days)
        expected, known = whole.known_at(midnight).feeds, parts.known_at(midnight).feeds
        for name in TIMED:
            tables = [feed[name].table for feed in (known, expected)]
            told = [table.drop(columns=list(RAW_PROVENANCE)) for table in tables if table is not None]
            if len(told) == 2:
                assert_frame_equal(*told)
            else:  # nothing had been delivered yet
                assert tables[0] is None and len(told[0]) == 0
    assert parts.known_at(LAST).changes.empty


def by_day(table: pd.DataFrame | None) -> list[DeliveredTable]:
    assert table is not None
    midnights = pd.to_datetime(table["ENTERED"], utc=True).dt.ceil("D")
    return [
        DeliveredTable(Delivery(f"{at:%Y-%m-%d}.csv", f"{at}", len(rows), at.to_pydatetime()), rows)
        for at, rows in table.groupby(midnights)
    ]
