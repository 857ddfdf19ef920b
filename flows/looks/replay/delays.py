"""The minute at which a rule is first crossed, and the hours into which its delay to a look falls apart.

An event can be first seen and a boundary crossed, or a look made, long after. The hours between are told apart
by asking when the rule would have been crossed had the data come sooner: with perfect data; as entered; as
delivered. Each question is answered by looks at minutes in between, halving the time: within it a rule that
becomes crossed is taken to stay so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from checks.cases import Case
from checks.instants import parse_stamps
from checks.knowledge import Knowledge
from checks.knowledge.keys import NATURAL
from checks.protocol import StudyProtocol
from checks.stamps import stamp
from checks.tables import CHANGES, Feed
from flows.pages.replay import DelayPart


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


MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look in between saw: the rules that it finds crossed, and its cases."""

    crossed: frozenset[str]
    cases: tuple[Case, ...]


LookAt = Callable[[datetime], Seen]


def delay_of(
    onset: datetime | None,
    perfect: datetime | None,
    entered: datetime | None,
    delivered: datetime,
    looked: datetime,
) -> DelayPart:
    """Return the moments of a delay and the hours between them; with all moments known these add up to ``total``.

    ``onset`` is when the last of the cases that the rule needed was first seen at the bedside. A moment is None
    where the rule is not crossed in that way of knowing: what was delivered was corrected later.
    """
    return {
        "onset": None if onset is None else stamp(onset),
        "perfect": None if perfect is None else stamp(perfect),
        "entered": None if entered is None else stamp(entered),
        "delivered": stamp(delivered),
        "looked": stamp(looked),
        "hours": {
            "open_window": _between(onset, perfect),
            "entry": _between(perfect, entered),
            "delivery": _between(entered, delivered),
            "look": _between(delivered, looked),
            "total": _between(onset, looked),
        },
    }


def _between(earlier: datetime | None, later: datetime | None) -> float | None:
    if earlier is None or later is None:
        return None
    return round((later - earlier) / timedelta(hours=1), 4)


def first_crossing(
    look_at: LookAt, rule: str, after: datetime, until: datetime, hints: Iterable[datetime] = ()
) -> datetime | None:
    """Return the first minute later than ``after``, not later than ``until``, at which a rule is crossed.

    ``after`` is when it is not crossed, or when nobody asks. At ``hints`` it may become crossed, or may have been
    just before: between two of them it is taken to change once at most. None when it is crossed at none of the
    moments looked at.
    """
    before = after
    for moment in sorted({*_around(hints, after, until), until}):
        if rule in look_at(moment).crossed:
            return _halve(look_at, rule, before, moment)
        before = moment
    return None


def _around(hints: Iterable[datetime], after: datetime, until: datetime) -> set[datetime]:
    """Return the whole minute of each hint and the minute before it, within the time asked about."""
    minutes = {whole_minute(hint) for hint in hints}
    return {moment for hint in minutes for moment in (hint - MINUTE, hint) if after < moment < until}


def _halve(look_at: LookAt, rule: str, before: datetime, crossed: datetime) -> datetime:
    """Return the first whole minute after ``before`` from which on the rule is crossed, else ``crossed``."""
    first = before.replace(second=0, microsecond=0) + MINUTE
    least, most = -1, max(0, -((first - crossed) // MINUTE))
    while most - least > 1:
        middle = (least + most) // 2
        if rule in look_at(first + middle * MINUTE).crossed:
            most = middle
        else:
            least = middle
    return min(first + most * MINUTE, crossed)


def whole_minute(moment: datetime) -> datetime:
    """Return a moment, rounded up to the minute."""
    minute = moment.replace(second=0, microsecond=0)
    return minute if minute == moment else minute + MINUTE


def first_seen(case: Case) -> datetime:
    """Return when a case was first seen, or by when it had begun where only dates are known."""
    return datetime.fromtimestamp(case.seen, UTC)
