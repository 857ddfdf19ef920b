"""Deliveries of one domain, written as rows of text."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.feeds import Feeds
from checks.tables import DeliveredTable, Delivery

Deliver = Callable[..., DeliveredTable]
Study = Callable[..., Deliveries]


@pytest.fixture(scope="session")
def good() -> StudyProtocol:
    return load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")


@pytest.fixture
def deliver() -> Deliver:
    """One file: its column names, its rows, the day of March 2026 on whose noon it was received."""

    def one(
        columns: str, *rows: Sequence[Any], received: int | None = None, name: str = "file.csv"
    ) -> DeliveredTable:
        table = pd.DataFrame([list(row) for row in rows], columns=columns.split(), dtype="str")
        table["source_file"] = pd.Series(name, index=table.index, dtype="str")
        table["source_row"] = pd.Series(range(2, len(table) + 2), dtype="int64")
        at = None if received is None else datetime(2026, 3, received, 12, tzinfo=UTC)
        return DeliveredTable(Delivery(name, f"hash of {name} {received}", len(table), at), table)

    return one


@pytest.fixture
def study(good: StudyProtocol) -> Study:
    """Deliveries of some domains; each is fed as ``modes`` and ``known_at`` say."""

    def of(
        *, modes: str = "cumulative", known_at: str | None = None, **files: list[DeliveredTable]
    ) -> Deliveries:
        sources: dict[str, Any] = {"dm": {"path": "dm"}, "ex": {"path": "ex"}, "ae": {"path": "ae"}}
        for domain in files:
            timed = known_at if domain != "dm" else None
            sources[domain] = {"path": domain, "mode": modes, "known_at": timed}
        return Deliveries(files, good.model_copy(update={"feeds": Feeds.model_validate(sources)}))

    return of
