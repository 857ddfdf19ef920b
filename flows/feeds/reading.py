"""Reading a feed file by file: what cannot be read is the feed's problem, not an exception."""

from collections.abc import Sequence
from dataclasses import replace

import fsspec

from checks.errors import FeedError
from checks.tables import DeliveredTable, Delivery
from flows.feeds.content import opened
from flows.feeds.location import DeliveredFile, file_name, find_files
from flows.feeds.options import FeedOptions
from flows.feeds.readers import ENDINGS, reader_of
from flows.feeds.records import to_table
from flows.feeds.store import Receipt


def read_deliveries(arrived: str | Sequence[Receipt], options: FeedOptions) -> tuple[DeliveredTable, ...]:
    """Read one domain's deliveries, each by itself: the files of a location as found, or those of receipts.

    Parameters
    ----------
    arrived
        A file; a folder, of which every file with a known ending is read in name order; or an fsspec URL: files
        of a location have no time of receipt. Or receipts of a delivery store.
    options
        What the protocol tells of the feed.

    Returns
    -------
    tuple of DeliveredTable
        One for each file, in the order of names or of the receipts: its table, or its problem. A file that
        cannot be opened has an empty hash, and so has a location without a file. Bad data never raises.
    """
    if not isinstance(arrived, str):
        return tuple(_read_receipt(receipt, options) for receipt in arrived)
    try:
        files = find_files(arrived, ENDINGS)
    except FeedError as error:
        return (DeliveredTable(Delivery(file_name(arrived), "", 0), None, str(error)),)
    return tuple(_read_file(file, options) for file in files)


def _read_receipt(receipt: Receipt, options: FeedOptions) -> DeliveredTable:
    """Read what a receipt is for; content that is not what was received is not used."""
    file = DeliveredFile(fsspec.filesystem("file"), str(receipt.content), receipt.name)
    read = _read_file(file, options)
    delivery = replace(read.delivery, sha256=receipt.sha256, received_at=receipt.received_at)
    if read.delivery.sha256 in (receipt.sha256, ""):
        return replace(read, delivery=delivery)
    damaged = FeedError(
        receipt.name, "kept content that is not what was received", "the content as it was received"
    )
    return DeliveredTable(replace(delivery, rows=0), None, str(damaged))


def _read_file(file: DeliveredFile, options: FeedOptions) -> DeliveredTable:
    """Return a file's table or its problem; this is where a FeedError becomes a problem."""
    delivery = Delivery(file.name, "", 0)
    try:
        reader = reader_of(file.name, options)
        with opened(file) as content:
            delivery = Delivery(file.name, content.sha256, 0)
            table = to_table(reader(content, options), file.name, options.decimal)
        return DeliveredTable(replace(delivery, rows=len(table)), table)
    except FeedError as error:
        return DeliveredTable(delivery, None, str(error))
