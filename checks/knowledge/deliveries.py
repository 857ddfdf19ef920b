"""What was known of each feed at a data cut-off: which deliveries, which rows, which version of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from checks.instants import require_zoned
from checks.knowledge.arrivals import Arrival, arrivals, stack
from checks.knowledge.changes import LISTED
from checks.knowledge.distinct_rows import Delivered
from checks.knowledge.histories import Snapshots, Union
from checks.knowledge.parts import in_order, with_parts
from checks.protocol import StudyProtocol
from checks.protocol.feeds import FeedSource
from checks.tables import CHANGES, DeliveredTable, Feed


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was known at a data cut-off: each feed by lower-case domain, and the CHANGES known by then."""

    feeds: Mapping[str, Feed]
    changes: pd.DataFrame = field(default_factory=CHANGES.empty)


class Deliveries:
    """Every delivery of a study, made ready for any number of data cut-offs.

    Parameters
    ----------
    delivered
        By domain, the files that arrived, in any order, read (``DeliveredTable``). All deliveries may be given
        at once: those received after a cut-off have no part in what was known at it.
    protocol
        The study protocol: how each feed is delivered, the column that says when a row became known, sites with
        their time zones, and how much of a feed may be withheld.
    """

    def __init__(self, delivered: Mapping[str, Sequence[DeliveredTable]], protocol: StudyProtocol) -> None:
        files = {domain.lower(): tuple(some) for domain, some in delivered.items()}
        zones = _zones(arrivals(files.get("dm", ())), protocol)
        self._domains = {
            domain.lower(): _Domain(domain, files.get(domain.lower(), ()), source, protocol, zones)
            for domain, source in protocol.feeds.by_domain().items()
        }

    def known_at(self, data_cutoff: datetime) -> Knowledge:
        """Return what was known at a data cut-off.

        Raises
        ------
        UsageError
            When the data cut-off has no offset from UTC.
        """
        require_zoned(data_cutoff)
        cutoff = int(data_cutoff.timestamp() // 1)
        feeds = {domain: one.feed(cutoff) for domain, one in self._domains.items()}
        changed = [one.changes(cutoff) for one in self._domains.values()]
        changed = [some for some in changed if len(some)]
        if not changed:
            return Knowledge(feeds)
        changes = pd.concat(changed).sort_values("known_at", kind="stable")
        return Knowledge(feeds, CHANGES.conform(changes))


def _zones(ordered: Sequence[Arrival], protocol: StudyProtocol) -> Mapping[str, str]:
    """Return the time zone of each subject's site, as the first delivery of DM that has the subject says.

    A later word about the site would move what was known at an earlier cut-off.
    """
    zones: dict[str, str] = {}
    # The earliest delivery comes last here, and so it holds.
    for file in (file for arrival in reversed(ordered) for file in arrival.files):
        if file.table is not None and {"USUBJID", "SITEID"} <= set(file.table.columns):
            known = file.table["SITEID"].map(dict(protocol.sites))
            zones |= dict(zip(file.table["USUBJID"][known.notna()], known.dropna(), strict=True))
    return zones


class _Domain:
    """The deliveries of one domain, made ready for any cut-off as its feed is delivered."""

    def __init__(
        self,
        domain: str,
        files: Sequence[DeliveredTable],
        source: FeedSource,
        protocol: StudyProtocol,
        zones: Mapping[str, str],
    ) -> None:
        known_at = source.known_at.upper() if source.known_at else None
        self._lasting = arrivals([one for one in files if one.lasting])
        files = [one for one in files if not one.lasting]
        whole = source.mode == "cumulative"
        ordered = in_order(arrivals(files), domain) if whole else arrivals(files)
        self._domain, self._ordered = domain, ordered
        self._instants = np.array([one.received for one in ordered], dtype=np.int64)
        ordered = with_parts(ordered, domain) if whole else ordered
        rows = stack(ordered, known_at, zones, otherwise=protocol.study.timezone, whole=whole)
        delivered = Delivered(domain, ordered, rows, known_at, cumulative=whole)
        share, treatments = protocol.limits.max_quarantined, protocol.treatment.names
        self._history = Snapshots(delivered, share, treatments) if whole else Union(delivered)

    def feed(self, cutoff: int) -> Feed:
        """Return what was known of the domain at a cut-off, in seconds since 1970 UTC."""
        there = self._ordered[: int(np.searchsorted(self._instants, cutoff, side="right"))]
        deliveries = tuple(file.delivery for one in there for file in one.files if file.delivery.sha256)
        known = replace(self._history.at(cutoff, len(there)), deliveries=deliveries)
        lasting = [file for one in self._lasting if one.received <= cutoff for file in one.files]
        remarked = tuple(one.delivery for one in lasting if one.delivery.remarks)
        problems = [known.problem, *(one.problem for one in lasting)]
        problem = "\n".join(one for one in problems if one is not None) or None
        return replace(known, deliveries=(*deliveries, *remarked), problem=problem)

    def changes(self, cutoff: int) -> pd.DataFrame:
        """Return the CHANGES of the domain known at a cut-off; none of a domain that may list none."""
        return self._history.changes(cutoff) if self._domain in LISTED else CHANGES.empty()
