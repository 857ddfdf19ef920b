"""What a look reads of each feed: what was received by its data cut-off, or the files as they are found.

What lies where a feed arrives is taken into the study's delivery store first, when the look is of now. A feed
that cannot be kept, for a full disk or a folder without permission, is read as it is found, with the problem:
harm must not go unseen for want of a copy. Whatever a feed makes anything here meet, foreseen or not, is that feed's
problem, and the look is made without it.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.errors import FeedError, FeedTooLargeError, MissingFeedError
from checks.protocol import StudyProtocol
from checks.protocol.feeds import FeedSource
from checks.protocol.limits import Limits
from checks.stamps import stamp
from checks.tables import DeliveredTable, Delivery
from flows.feeds.admission import Admission, Admitted
from flows.feeds.allowance import Spent
from flows.feeds.content import FeedOptions, opened
from flows.feeds.database import database_url, query_content
from flows.feeds.deliveries import kept_file, read_deliveries, unread, unusable
from flows.feeds.intake import Intake
from flows.feeds.location import DeliveredFile, find_files, passed_over
from flows.feeds.one_file import unforeseen
from flows.feeds.readers import ENDINGS
from flows.feeds.receipts import OURSELVES, Decision, Receipt
from flows.feeds.store import DeliveryStore, StoreFault

Arrived = tuple[DeliveredTable, ...]

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""A time of receipt for what is not kept, and is handed on without one."""


STORE = "deliveries"
"""The folder, beside the protocol, of every study's delivery store."""


def open_inbox(
    protocol: StudyProtocol, addresses: Mapping[str, str], found: str | None, *, quiet_seconds: float = 0.0
) -> "Inbox":
    """Return the inbox of a study, with its delivery store beside the protocol."""
    store = DeliveryStore(protocol.folder / STORE / protocol.study.id)
    return Inbox(protocol, store, addresses, None if found is None else Path(found), quiet_seconds)


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where a study's feeds arrive and are kept.

    ``found`` is a folder that holds the feeds in place of the protocol's paths; they are then read as they are
    found there, and neither kept nor looked up among the deliveries on record. ``addresses`` are those of
    databases, by the environment variable that the protocol names. A file that was written to within
    ``quiet_seconds`` is still arriving: it is left where it lies, for a later look.
    """

    protocol: StudyProtocol
    store: DeliveryStore
    addresses: Mapping[str, str]
    found: Path | None = None
    quiet_seconds: float = 0.0
    admission: Admission = field(default_factory=Admission)

    def read(self, domain: str, by: datetime, *, now: datetime | None = None) -> Arrived:
        """Return what is on record as received by an instant; without any record, the files as found.

        What is received later than ``now``, where that is told, is a fault of the feed.
        """
        try:
            found = self._on_record(domain, by)
        except Exception as error:  # whatever it is
            found = (unusable(domain, unforeseen(domain, error), by),)
        return (*found, *self._of_store(domain, by, now))

    def _of_store(self, domain: str, by: datetime, now: datetime | None) -> Arrived:
        """Return what is wrong with what is kept of a feed, and what of it a person has set aside."""
        if self.found is not None:
            return ()
        faults = self.store.faults(domain, by=by, now=now or datetime.max.replace(tzinfo=UTC))
        return (
            *(lasting_problem(one) for one in faults),
            *(_left_out(one) for one in self.store.withheld(domain, by=by)),
        )

    def _on_record(self, domain: str, by: datetime) -> Arrived:
        source = self._source(domain)
        if self.found is not None or not self.store.domains():
            return self._as_found(domain, source)
        receipts = self.store.receipts(domain, by=by)
        if not receipts:
            nothing = self._all_set_aside(domain, by) or f"nothing received by {by:%Y-%m-%dT%H:%M:%SZ}"
            missing = MissingFeedError(domain, nothing, "a delivery received by then")
            return (unusable(domain, missing, by),)
        return self._read(receipts, FeedOptions.of(source, domain, self.protocol.limits))

    def _all_set_aside(self, domain: str, by: datetime) -> str | None:
        """Say that nothing is left, where a person has set aside all that was received."""
        labels = ", ".join(one.label for one in self.store.withheld(domain, by=by))
        return f"that all that was received is set aside ({labels})" if labels else None

    def take_in(self, domain: str, now: datetime) -> Arrived:
        """Take in what lies where the feed arrives, and return everything received by now.

        An incremental feed whose files were taken away after they had been taken in has nothing new.
        """
        return (*self._arrived(domain, now), *self._of_store(domain, now, now))

    def _arrived(self, domain: str, now: datetime) -> Arrived:
        try:
            return self._taken_in(domain, self._source(domain), now)
        except Exception as error:  # whatever it is
            problem = unforeseen(domain, error)
        try:  # what was received earlier stands all the same
            return (*self._on_record(domain, now), unusable(domain, problem, now))
        except Exception:
            return (unusable(domain, problem, now),)

    def _taken_in(self, domain: str, source: FeedSource, now: datetime) -> Arrived:
        options = FeedOptions.of(source, domain, self.protocol.limits)
        try:
            refused = self._keep_all(domain, source, now)
        except OSError as error:
            full = FeedError(
                domain, f"that deliveries cannot be kept ({error.strerror})", "room, and permission"
            )
            return (*self._as_found(domain, source), unusable(domain, full, now))
        except FeedError as error:
            received = self._read(self.store.receipts(domain, by=now), options)
            nothing_new = source.mode == "incremental" and isinstance(error, MissingFeedError)
            return received if received and nothing_new else (*received, unusable(domain, error, now))
        problems = [unusable(domain, error, now) for error in refused]
        receipts = self.store.receipts(domain, by=now)
        if not receipts and not problems:  # the first file of all is still arriving
            found = self._all_set_aside(domain, now) or "no file that has wholly arrived"
            nothing = MissingFeedError(domain, found, "a delivery")
            return (unusable(domain, nothing, now),)
        return (*self._read(receipts, options), *problems, *self._passed_over(domain, source, now))

    def _read(self, receipts: Sequence[Receipt], options: FeedOptions) -> Arrived:
        """Read deliveries on record, each that is new by the admission first, which may refuse it."""
        admitted, spent = Admitted(self.store.admissions, options), Spent(options.limits.max_read_seconds)
        known: list[Receipt] = []
        later: list[DeliveredTable] = []
        with self.admission.reading():
            for one in receipts:
                is_new = not (one.set_aside or admitted.has(one.name, one.sha256) or one.has_outgrown())
                if is_new and (problem := spent.problem(one.label)) is not None:
                    later.append(unread(one, problem))
                elif is_new:
                    known.append(self._admitted(one, options, admitted, spent))
                else:
                    known.append(one)
            return (*read_deliveries(known, options), *later)

    def _admitted(self, receipt: Receipt, options: FeedOptions, admitted: Admitted, spent: Spent) -> Receipt:
        """Return the receipt of a new file, set aside by ourselves if its content is refused."""
        try:
            if self.admission.admit(kept_file(receipt), options, spent) == receipt.sha256:
                admitted.add(receipt.name, receipt.sha256)
            return receipt  # of another hash it is not read at all
        except FeedTooLargeError as error:
            return self._set_aside(receipt, error.found)
        except FeedError:
            return receipt  # it cannot be opened, which reading it says

    def _set_aside(self, receipt: Receipt, reason: str) -> Receipt:
        """Set a delivery aside by ourselves, in its receipt where that can be written."""
        decision = Decision("set_aside", datetime.now(UTC).replace(microsecond=0), OURSELVES, reason)
        try:
            return self.store.decided(receipt, decision)
        except OSError:  # so it is refused by every look until it can
            return replace(receipt, decisions=(*receipt.decisions, decision))

    def _keep_all(self, domain: str, source: FeedSource, now: datetime) -> list[FeedError]:
        """Take in what lies where the feed arrives, and return the problem of each file that cannot be read."""
        refused, intake = [], self.intake(domain, now=now)
        for content in self._contents(domain, source, now):
            if isinstance(content, FeedError):
                refused.append(content)
            else:
                intake.take(content.name, content.content)
        return refused

    def _passed_over(self, domain: str, source: FeedSource, now: datetime) -> Arrived:
        """Return the problem of files that lie where the feed arrives and that nobody can read, if there are any."""
        found = None if source.query else passed_over(self._location(domain, source), ENDINGS, domain)
        return () if found is None else (unusable(domain, found, now),)

    def intake(self, domain: str, *, now: datetime) -> Intake:
        """Return what takes in files of a feed, received now."""
        reverts = self._source(domain).mode == "cumulative"
        return self.store.intake(domain, received_at=now, recorded_at=now, reverts=reverts)

    def files(self, domain: str) -> tuple[DeliveredFile, ...]:
        """Return the files that lie where a feed arrives, in the order of their names; none of a database.

        Raises
        ------
        FeedError
            When there is none, or the location cannot be reached.
        """
        source = self._source(domain)
        found = (
            () if source.query is not None else find_files(self._location(domain, source), ENDINGS, domain)
        )
        return tuple(replace(file, label=domain) for file in found)  # it has no number until it is received

    def finds_any(self) -> bool:
        """Whether any feed lies in the folder given, whatever it is."""
        sources = self.protocol.feeds.by_domain().items()
        return any(os.path.lexists(self._location(domain, source)) for domain, source in sources)

    def _source(self, domain: str) -> FeedSource:
        return self.protocol.feeds.by_domain()[domain.upper()]

    def _location(self, domain: str, source: FeedSource) -> str:
        """Return where a feed arrives: in the folder given, at its own URL, or beside the protocol."""
        if self.found is not None:
            return str(
                self.found / (Path(source.path).name if source.query is None else f"{domain.lower()}.csv")
            )
        return source.path if "://" in source.path else str(self.protocol.folder / source.path)

    def _contents(self, domain: str, source: FeedSource, now: datetime) -> Iterator["Arriving | FeedError"]:
        """Yield each file that lies where the feed arrives, and has wholly arrived, or why it cannot be read."""
        if source.query is not None and source.variable is not None:
            url = database_url(source.variable, self.addresses, feed=domain)
            limits = self.protocol.limits
            yield Arriving(
                f"{domain.lower()}.csv", query_content(url, source.query, feed=domain, limits=limits)
            )
            return
        for file in self.files(domain):
            if not self._is_arriving(file, now):
                yield _whole(file, self.protocol.limits)

    def _is_arriving(self, file: DeliveredFile, now: datetime) -> bool:
        """Whether it was written to a moment ago; a clock that is far off says nothing."""
        quiet = timedelta(seconds=self.quiet_seconds)
        if not quiet:
            return False
        try:
            modified = file.stamp().modified
            return modified is not None and abs(now - modified) < quiet and not file.is_marked_done()
        except OSError:  # it is gone: reading it says so
            return False

    def _as_found(self, domain: str, source: FeedSource) -> Arrived:
        """Read a feed without keeping it; of a database, its answer."""
        options = FeedOptions.of(source, domain, self.protocol.limits)
        if source.query is None or self.found is not None:
            return read_deliveries(self._location(domain, source), options, self.admission)
        with tempfile.TemporaryDirectory() as folder:
            once = replace(self, store=DeliveryStore(Path(folder)))
            try:
                once._keep_all(domain, source, _EVER)
            except FeedError as error:
                return (unusable(domain, error, None),)
            read = once._read(once.store.receipts(domain, by=_EVER), options)
        return tuple(replace(one, delivery=replace(one.delivery, received_at=None)) for one in read)


@dataclass(frozen=True, slots=True)
class Arriving:
    """A file to take in: its name, and its bytes."""

    name: str
    content: bytes


def _whole(file: DeliveredFile, limits: Limits) -> Arriving | FeedError:
    """Return a file with all its bytes, or why it cannot be read."""
    try:
        with opened(file, limits) as content:
            return Arriving(file.name, content.stream.read())
    except FeedError as error:
        return error
    except MemoryError as error:
        return unforeseen(file.label, error)


def lasting_problem(fault: StoreFault) -> DeliveredTable:
    """Return what is wrong with the store of a feed as a problem of the feed."""
    delivery = Delivery(fault.domain, "", 0, fault.since, label=fault.domain)
    return DeliveredTable(delivery, None, fault.said, lasting=True)


def _left_out(receipt: Receipt) -> DeliveredTable:
    """Return what is said of a delivery that a person has set aside."""
    decision = receipt.set_aside
    said = (
        ()
        if decision is None
        else (f"set aside by {decision.by} at {stamp(decision.at)}: {decision.reason}",)
    )
    at = None if decision is None else decision.at
    delivery = Delivery(receipt.name, "", 0, at, said, label=receipt.label)
    return DeliveredTable(delivery, None, lasting=True)
