"""Reading a feed file by file: what cannot be read is the feed's problem, not an exception."""

from collections.abc import Sequence
from dataclasses import replace

import fsspec
import pandas as pd

from checks.errors import FeedError
from checks.tables import DeliveredTable, Delivery, Feed
from flows.feeds.content import opened
from flows.feeds.location import DeliveredFile, file_name, find_files
from flows.feeds.options import FeedOptions
from flows.feeds.readers import ENDINGS, reader_of
from flows.feeds.records import to_table
from flows.feeds.store import Receipt


def read_feed(
    location: str, *, domain: str, encoding: str | None = None, delimiter: str = ",", decimal: str = "."
) -> Feed:
    """Read one domain's feed from a file, a folder or a URL.

    Parameters
    ----------
    location
        A file; a folder, of which every file with a known ending is read in name order; or an fsspec URL.
    domain
        The SDTM domain, such as ``VS``.
    encoding, delimiter, decimal
        As the protocol tells them: the encoding of text that is not UTF-8, the delimiter of a delimited
        text file, and ``","`` where numbers have a decimal comma.

    Returns
    -------
    Feed
        Its table, or ``table=None`` and the problem of each file that cannot be read. Bad data never raises.

    Raises
    ------
    UsageError
        When the delimiter or the decimal mark is impossible: a mistake of the caller.
    """
    read = read_deliveries(location, FeedOptions(encoding, delimiter, decimal, domain))
    deliveries = tuple(one.delivery for one in read if one.delivery.sha256)
    problems = [one.problem for one in read if one.problem is not None]
    if problems:
        return Feed(domain, None, deliveries, "\n".join(problems))
    tables = [one.table for one in read if one.table is not None]
    return Feed(domain, tables[0] if len(tables) == 1 else _stack(tables), deliveries)


def read_deliveries(arrived: str | Sequence[Receipt], options: FeedOptions) -> tuple[DeliveredTable, ...]:
    """Read one domain's deliveries, each by itself: the files of a location as found, or those of receipts.

    Parameters
    ----------
    arrived
        A location as in ``read_feed``, whose files have no time of receipt; or receipts of a delivery store.
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


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table; a column that a file does not have is missing there. Provenance stands last."""
    table = pd.concat(tables, ignore_index=True)
    provenance = ["source_file", "source_row"]
    return table[[name for name in table.columns if name not in provenance] + provenance]
