"""What would have been known had data come sooner than they did: without entry lag, without deliveries.

Both are made of what is known at the end of the replay, corrections included. With *perfect* data a row is
known at the moment it tells of. As *entered*, it is known when the feed says that it became known, and not
before the moment it tells of; a feed that does not say so is known at that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from checks.instants import parse_stamps
from checks.knowledge import Knowledge
from checks.knowledge.keys import NATURAL
from checks.protocol import StudyProtocol
from checks.tables import CHANGES, Feed


@dataclass(frozen=True, slots=True)
class Timeline:
    """Feeds, and the instant at which each row of them is known; a row without one is known throughout."""

    feeds: Mapping[str, Feed]
    instants: Mapping[str, "pd.Series[pd.Timestamp]"]

    def at(self, cutoff: datetime) -> Knowledge:
        """Return the feeds with the rows that are known at a moment; nothing was ever changed."""
        moment = pd.Timestamp(cutoff)
        feeds = {
            domain: feed
            if feed.table is None or domain not in self.instants
            else replace(feed, table=feed.table[~(self.instants[domain] > moment).to_numpy()])
            for domain, feed in self.feeds.items()
        }
        return Knowledge(feeds, CHANGES.empty())


def perfect(feeds: Mapping[str, Feed], zones: Mapping[str, str]) -> Timeline:
    """Return the feeds as if every row had been known at the moment it tells of; ``zones`` are by subject."""
    stamps = {domain: NATURAL[domain.upper()][1] for domain in feeds if domain.upper() in NATURAL}
    return Timeline(feeds, _instants(feeds, stamps, zones))


def entered(feeds: Mapping[str, Feed], zones: Mapping[str, str], protocol: StudyProtocol) -> Timeline:
    """Return the feeds as if each row had been delivered the moment it was entered."""
    declared = protocol.feeds.by_domain().items()
    columns = {domain.lower(): source.known_at.upper() for domain, source in declared if source.known_at}
    happened, written = perfect(feeds, zones).instants, _instants(feeds, columns, zones)
    instants = {
        domain: pd.concat([part[domain] for part in (happened, written) if domain in part], axis=1).max(
            axis=1
        )
        for domain in happened.keys() | written.keys()
    }
    return Timeline(feeds, instants)


def _instants(
    feeds: Mapping[str, Feed], columns: Mapping[str, str], zones: Mapping[str, str]
) -> dict[str, "pd.Series[pd.Timestamp]"]:
    """Return the first instant that each stamp can mean, by domain; missing where it cannot be read."""
    found = {}
    for domain, column in columns.items():
        table = feeds[domain].table if domain in feeds else None
        if table is not None and column in table.columns and "USUBJID" in table.columns:
            where = table["USUBJID"].astype("str").str.strip().map(dict(zones)).astype("str").fillna("UTC")
            found[domain] = parse_stamps(table[column], where)["earliest"]
    return found
