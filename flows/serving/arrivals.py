"""What has wholly arrived of a study, taken in once, and what of it no look has seen.

Nothing of this is remembered but in the delivery store and the ledger: a look is owed while anything was received
after the newest data cut-off that was looked at. So a look that was killed is owed again, and one that another
deployment made in the meantime is not.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.events import emit_event

from checks.errors import FeedError
from checks.protocol import StudyProtocol
from flows.feeds import Inbox, Receipt
from flows.feeds.content import opened
from flows.feeds.intake import Intake
from flows.feeds.location import DeliveredFile, Stamp
from flows.ledger import Ledger

LOGGER = logging.getLogger("postdose")

RECEIVED: Final = "postdose.delivery.received"
"""The event of a delivery, for automations of the Prefect server."""

SETTLED: Final = timedelta(seconds=2)
"""A file that nobody has written to for so long has wholly arrived: transfers write many times a second."""


class Arrivals:
    """Watches where the feeds of a study arrive; what it has taken in it does not read again."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._first_seen: dict[tuple[str, str], tuple[Stamp, datetime]] = {}
        self._kept: dict[tuple[str, str], Stamp] = {}
        self._told: set[tuple[str, str]] = set()

    def take_in(self, now: datetime) -> tuple[Receipt, ...]:
        """Take in every file that has wholly arrived, and return the receipts of those that are new.

        They are received at the next full second, so that a look whose data cut-off is in this second, and which
        may have read the feed already, is followed by another.

        ``now`` is UTC.
        """
        received_at = now.replace(microsecond=0) + timedelta(seconds=1 if now.microsecond else 0)
        taken = [
            receipt
            for domain, source in self._inbox.protocol.feeds.by_domain().items()
            if source.query is None  # a database is asked by each look
            for receipt in self._of_feed(domain, now, received_at)
        ]
        return tuple(receipt for receipt in taken if receipt.received_at == received_at)

    def _of_feed(self, domain: str, now: datetime, received_at: datetime) -> Iterator[Receipt]:
        try:
            files = self._inbox.files(domain)
        except Exception:
            return  # the next look meets the same problem, and tells of it
        intake = self._inbox.intake(domain, now=received_at)
        for file in files:
            try:
                stamp = file.stamp()
                if self._kept.get((domain, file.path)) != stamp and self._has_settled(
                    domain, file, stamp, now
                ):
                    yield self._keep(domain, file, stamp, intake)
            except Exception as error:  # gone meanwhile, or not to be read: asked again, told once
                self._tell(domain, file, error)

    def _tell(self, domain: str, file: DeliveredFile, error: Exception) -> None:
        said = str(error)
        if not isinstance(error, FeedError):  # the text of others may hold a path or a value
            said = f"found a file that cannot be taken in ({type(error).__name__})"
        if (domain, said) not in self._told:
            self._told.add((domain, said))
            LOGGER.error("%s: %s", domain, said.removeprefix(f"{domain}: "))

    def _keep(self, domain: str, file: DeliveredFile, stamp: Stamp, intake: Intake) -> Receipt:
        with opened(file, self._inbox.protocol.limits) as content:
            receipt = intake.take(file.name, content.stream.read())
        self._kept[domain, file.path] = stamp
        return receipt

    def _has_settled(self, domain: str, file: DeliveredFile, stamp: Stamp, now: datetime) -> bool:
        """Whether a file is as it was a while ago, by its own time or as we saw it, or its sender says it is done."""
        seen, since = self._first_seen.get((domain, file.path), (None, now))
        if seen != stamp:
            self._first_seen[domain, file.path] = stamp, now
            since = now
        if now - since >= SETTLED:
            return True
        if stamp.modified is not None and now - stamp.modified >= SETTLED:
            return True
        return file.is_marked_done()


def unseen_feeds(inbox: Inbox, ledger: Ledger, now: datetime) -> tuple[str, ...]:
    """Return the feeds of which something was received after the newest data cut-off that was looked at.

    By a moment (UTC): a data cut-off to come does not count as looked at.
    """
    store, look = inbox.store, ledger.newest_look(inbox.protocol.study.id, now)
    seen = None if look is None else datetime.fromisoformat(look["data_cutoff"])
    by = now + timedelta(seconds=1)  # a delivery is received at the next full second
    return tuple(
        domain
        for domain in store.domains()
        if any(seen is None or one.received_at > seen for one in store.receipts(domain, by=by))
    )


def announce(protocol: StudyProtocol, receipts: tuple[Receipt, ...]) -> None:
    """Emit the event of each delivery: which study, which feed, which content; nothing of what it holds."""
    study = protocol.study.id
    for one in receipts:
        emit_event(
            event=RECEIVED,
            occurred=one.received_at.astimezone(UTC),
            resource={
                "prefect.resource.id": f"postdose.study.{study}.feed.{one.domain}",
                "prefect.resource.name": f"{study} {one.domain}",
            },
            payload={"sha256": one.sha256},
        )
