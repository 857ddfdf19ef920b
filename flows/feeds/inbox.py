"""What a look reads of each feed: what was received by its data cut-off, or the files as they are found.

What lies where a feed arrives is taken into the study's delivery store first, when the look is of now. A feed
that cannot be kept, for a full disk or a folder without permission, is read as it is found, with the problem:
harm must not go unseen for want of a copy.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import fsspec

from checks.errors import FeedError, MissingFeedError
from checks.protocol import StudyProtocol
from checks.protocol.feeds import FeedSource
from checks.tables import DeliveredTable, Delivery
from flows.feeds.content import FeedOptions, opened
from flows.feeds.database import database_url, query_content
from flows.feeds.dates import dated
from flows.feeds.location import DeliveredFile, file_name, find_files, passed_over
from flows.feeds.readers import ENDINGS, export_of, reader_of
from flows.feeds.readers.fhir.export import Export
from flows.feeds.records import to_table, with_site
from flows.feeds.store import DeliveryStore, Receipt

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

    def read(self, domain: str, by: datetime) -> Arrived:
        """Return what is on record as received by an instant; without any record, the files as found."""
        source = self._source(domain)
        if self.found is not None or not self.store.domains():
            return self._as_found(domain, source)
        receipts = self.store.receipts(domain, by=by)
        if not receipts:
            nothing = f"nothing received by {by:%Y-%m-%dT%H:%M:%SZ}"
            return (_unusable(domain, MissingFeedError(domain, nothing, "a delivery received by then"), by),)
        return read_deliveries(receipts, FeedOptions.of(source, domain))

    def take_in(self, domain: str, now: datetime) -> Arrived:
        """Take in what lies where the feed arrives, and return everything received by now.

        An incremental feed whose files were taken away after they had been taken in has nothing new.
        """
        source = self._source(domain)
        options = FeedOptions.of(source, domain)
        try:
            for name, content in self._contents(domain, source, now):
                self.keep(domain, name, content, now=now)
        except OSError as error:
            full = FeedError(
                domain, f"that deliveries cannot be kept ({error.strerror})", "room, and permission"
            )
            return (*self._as_found(domain, source), _unusable(domain, full, now))
        except FeedError as error:
            received = read_deliveries(self.store.receipts(domain, by=now), options)
            nothing_new = source.mode == "incremental" and isinstance(error, MissingFeedError)
            return received if received and nothing_new else (*received, _unusable(domain, error, now))
        receipts = self.store.receipts(domain, by=now)
        if not receipts:  # the first file of all is still arriving
            nothing = MissingFeedError(domain, "no file that has wholly arrived", "a delivery")
            return (_unusable(domain, nothing, now),)
        return (*read_deliveries(receipts, options), *self._passed_over(domain, source, now))

    def _passed_over(self, domain: str, source: FeedSource, now: datetime) -> Arrived:
        """Return the problem of files that lie where the feed arrives and that nobody can read, if there are any."""
        found = None if source.query else passed_over(self._location(domain, source), ENDINGS)
        return () if found is None else (_unusable(domain, found, now),)

    def keep(self, domain: str, name: str, content: bytes, *, now: datetime) -> Receipt:
        """Take in one file of a feed, received now; what is kept already stays as it was first received.

        Raises
        ------
        OSError
            When it cannot be kept.
        """
        reverts = self._source(domain).mode == "cumulative"
        return self.store.take_in(domain, name, content, received_at=now, recorded_at=now, reverts=reverts)

    def files(self, domain: str) -> tuple[DeliveredFile, ...]:
        """Return the files that lie where a feed arrives, in the order of their names; none of a database.

        Raises
        ------
        FeedError
            When there is none, or the location cannot be reached.
        """
        source = self._source(domain)
        return () if source.query is not None else find_files(self._location(domain, source), ENDINGS)

    def _source(self, domain: str) -> FeedSource:
        return self.protocol.feeds.by_domain()[domain.upper()]

    def _location(self, domain: str, source: FeedSource) -> str:
        """Return where a feed arrives: in the folder given, at its own URL, or beside the protocol."""
        if self.found is not None:
            return str(
                self.found / (Path(source.path).name if source.query is None else f"{domain.lower()}.csv")
            )
        return source.path if "://" in source.path else str(self.protocol.folder / source.path)

    def _contents(self, domain: str, source: FeedSource, now: datetime) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the bytes of each file that lies where the feed arrives, and has wholly arrived."""
        if source.query is not None and source.variable is not None:
            url = database_url(source.variable, self.addresses, feed=domain)
            yield f"{domain.lower()}.csv", query_content(url, source.query, feed=domain)
            return
        for file in self.files(domain):
            if not self._is_arriving(file, now):
                with opened(file) as content:
                    yield file.name, content.stream.read()

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
        options = FeedOptions.of(source, domain)
        if source.query is None or self.found is not None:
            return read_deliveries(self._location(domain, source), options)
        with tempfile.TemporaryDirectory() as folder:
            once = replace(self, store=DeliveryStore(Path(folder)))
            try:
                contents = self._contents(domain, source, _EVER)
                receipts = [once.keep(domain, name, content, now=_EVER) for name, content in contents]
            except FeedError as error:
                return (_unusable(domain, error, None),)
            read = read_deliveries(receipts, options)
        return tuple(replace(one, delivery=replace(one.delivery, received_at=None)) for one in read)


def _unusable(domain: str, error: FeedError, received_at: datetime | None) -> DeliveredTable:
    """Return a delivery of which nothing can be used but its problem."""
    return DeliveredTable(Delivery(domain, "", 0, received_at), None, str(error))


def read_deliveries(arrived: str | Sequence[Receipt], options: FeedOptions) -> tuple[DeliveredTable, ...]:
    """Read one domain's deliveries, each by itself: the files of a location as found, or those of receipts.

    A location is a file; a folder, of which every file with a known ending is read in name order; or an fsspec URL:
    files there have no time of receipt. What is returned has one for each file, in the order of names or of the
    receipts: its table, or its problem. A file that cannot be opened has an empty hash, and so has a location
    without a file. Bad data never raises.
    """
    if not isinstance(arrived, str):
        return _read_receipts(arrived, options)
    try:
        files = find_files(arrived, ENDINGS)
    except FeedError as error:
        return (DeliveredTable(Delivery(file_name(arrived), "", 0), None, str(error)),)
    export = export_of(options) if len(files) > 1 else None
    if export is not None:
        export.take(files)
    unread = passed_over(arrived, ENDINGS)
    left = () if unread is None else (_unusable(file_name(arrived), unread, None),)
    return (*(_read_file(file, options, export) for file in files), *left)


def _read_receipts(receipts: Sequence[Receipt], options: FeedOptions) -> tuple[DeliveredTable, ...]:
    """Read what receipts are for, in their order; a delivery is read with what those before it said, and no later."""
    export = export_of(options) if len(receipts) > 1 else None
    read: list[DeliveredTable] = []
    for _, delivery in groupby(receipts, key=lambda receipt: receipt.received_at):
        together = tuple(delivery)
        if export is not None:
            export.take([_kept(receipt) for receipt in together])
        read.extend(_read_receipt(receipt, options, export) for receipt in together)
    return tuple(read)


def _kept(receipt: Receipt) -> DeliveredFile:
    return DeliveredFile(fsspec.filesystem("file"), str(receipt.content), receipt.name)


def _read_receipt(receipt: Receipt, options: FeedOptions, export: Export | None) -> DeliveredTable:
    """Read what a receipt is for; content that is not what was received is not used."""
    read = _read_file(_kept(receipt), options, export)
    delivery = replace(read.delivery, sha256=receipt.sha256, received_at=receipt.received_at)
    if read.delivery.sha256 in (receipt.sha256, ""):
        return replace(read, delivery=delivery)
    damaged = FeedError(
        receipt.name, "kept content that is not what was received", "the content as it was received"
    )
    return DeliveredTable(replace(delivery, rows=0), None, str(damaged))


def _read_file(file: DeliveredFile, options: FeedOptions, export: Export | None) -> DeliveredTable:
    """Return a file's table or its problem; this is where a FeedError becomes a problem."""
    delivery = Delivery(file.name, "", 0)
    try:
        reader = reader_of(file.name, options, export)
        with opened(file) as content:
            delivery = Delivery(file.name, content.sha256, 0)
            read = to_table(reader(content, options), file.name, options.decimal)
        table = read.table if options.date_format is None else dated(read.table, options, file.name)
        table = table if options.site is None else with_site(table, options.site)
        return DeliveredTable(replace(delivery, rows=len(table), remarks=read.remarks), table)
    except FeedError as error:
        return DeliveredTable(delivery, None, str(error))
