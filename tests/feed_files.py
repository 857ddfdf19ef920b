"""One domain's feed read from files as they are found, as one table: where tests of readers and looks begin."""

import pandas as pd

from checks.tables import Feed
from flows.feeds.content import FeedOptions
from flows.feeds.deliveries import read_deliveries


def read_feed(
    location: str, *, domain: str, encoding: str | None = None, delimiter: str = ",", decimal: str = "."
) -> Feed:
    """Return a feed's table, or ``table=None`` and the problem of each file that cannot be read."""
    read = read_deliveries(location, FeedOptions(encoding, delimiter, decimal, domain))
    deliveries = tuple(one.delivery for one in read if one.delivery.sha256)
    problems = [one.problem for one in read if one.problem is not None]
    if problems:
        return Feed(domain, None, deliveries, "\n".join(problems))
    tables = [one.table for one in read if one.table is not None]
    return Feed(domain, tables[0] if len(tables) == 1 else _stack(tables), deliveries)


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    provenance = ["source_file", "source_row"]
    return table[[name for name in table.columns if name not in provenance] + provenance]
