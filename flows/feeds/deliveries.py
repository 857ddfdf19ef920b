"""The deliveries of one feed as tables, each by itself: the files of a location as found, or those of receipts.

Whatever a file makes its reader meet, foreseen or not, is its own problem.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import fsspec

from checks.errors import FeedError
from checks.tables import DeliveredTable, Delivery
from flows.feeds.admission import Admission
from flows.feeds.allowance import Room, Spent
from flows.feeds.content import FeedOptions, opened
from flows.feeds.location import DeliveredFile, find_files, passed_over
from flows.feeds.one_file import problem_text, table_of, unforeseen
from flows.feeds.readers import ENDINGS, export_of
from flows.feeds.readers.fhir.export import Export
from flows.feeds.receipts import Receipt


def read_deliveries(
    arrived: str | Sequence[Receipt], options: FeedOptions, admission: Admission | None = None
) -> tuple[DeliveredTable, ...]:
    """Read one domain's deliveries, each by itself: the files of a location as found, or those of receipts.

    A location is a file; a folder, of which every file with a known ending is read in name order; or an fsspec URL:
    files there have no time of receipt. What is returned has one for each file, in the order of names or of the
    receipts: its table, or its problem. A file that cannot be opened has an empty hash, and so has a location
    without a file. Bad data never raises. Files as they are found are read by ``admission`` first, where it is given;
    receipts are of what was admitted.
    """
    if not isinstance(arrived, str):
        return _read_receipts(arrived, options)
    try:
        files = find_files(arrived, ENDINGS, options.domain)
    except FeedError as error:
        return (unusable(options.domain, error, None),)
    spent, room = Spent(options.limits.max_read_seconds), Room()
    admitted = {file: _hash_or_problem(file, options, admission, spent) for file in files}
    read = [file for file, known in admitted.items() if not isinstance(known, FeedError)]
    export = export_of(options) if len(files) > 1 else None
    if export is not None:
        export.take(read)
    unread = passed_over(arrived, ENDINGS, options.domain)
    left = () if unread is None else (unusable(options.domain, unread, None),)
    return (*(room.take(_found(file, options, export, known)) for file, known in admitted.items()), *left)


def _hash_or_problem(
    file: DeliveredFile, options: FeedOptions, admission: Admission | None, spent: Spent
) -> str | FeedError | None:
    """Return the hash of a file as it was admitted, None without admission, or why it is refused."""
    if admission is None or (problem := spent.problem(file.label)) is not None:
        return None if admission is None else problem
    try:
        return admission.admit(file, options, spent)
    except FeedError as error:
        return error


def _found(
    file: DeliveredFile, options: FeedOptions, export: Export | None, known: str | FeedError | None
) -> DeliveredTable:
    if isinstance(known, FeedError):
        return DeliveredTable(Delivery(file.name, "", 0, label=file.label), None, problem_text(known))
    return _read_file(file, options, export, known)


def _read_receipts(receipts: Sequence[Receipt], options: FeedOptions) -> tuple[DeliveredTable, ...]:
    """Read what receipts are for, in their order; a delivery is read with what those before it said, and no later."""
    export = export_of(options) if len(receipts) > 1 else None
    read: list[DeliveredTable] = []
    room = Room()
    for _, delivery in groupby(receipts, key=lambda receipt: receipt.received_at):
        together = tuple(delivery)
        if export is not None:
            export.take([kept_file(receipt) for receipt in together if receipt.set_aside is None])
        read.extend(room.take(_read_receipt(receipt, options, export)) for receipt in together)
    return tuple(read)


def kept_file(receipt: Receipt) -> DeliveredFile:
    """Return the file in which a delivery is kept."""
    return DeliveredFile(fsspec.filesystem("file"), str(receipt.content), receipt.name, receipt.label)


def unread(receipt: Receipt, error: FeedError) -> DeliveredTable:
    """Return the problem of a delivery that a look does not read."""
    known = Delivery(receipt.name, receipt.sha256, 0, receipt.received_at, label=receipt.label)
    return DeliveredTable(known, None, problem_text(error))


def _read_receipt(receipt: Receipt, options: FeedOptions, export: Export | None) -> DeliveredTable:
    """Read what a receipt is for; content that is not what was received, or was set aside, is not used."""
    if receipt.set_aside is not None:
        refused = FeedError(
            receipt.label,
            f"a delivery that was set aside ({receipt.set_aside.reason})",
            "one that can be read",
        )
        return unread(receipt, refused)
    damaged = FeedError(
        receipt.label, "kept content that is not what was received", "the content as it was received"
    )
    if receipt.has_outgrown():
        return replace(unread(receipt, damaged), lasting=True)
    read = _read_file(kept_file(receipt), options, export, receipt.sha256)
    delivery = replace(read.delivery, sha256=receipt.sha256, received_at=receipt.received_at)
    if read.delivery.sha256 == receipt.sha256:
        step = f"; to look without it: `postdose deliveries set-aside PROTOCOL {receipt.label}`"
        return replace(read, delivery=delivery, problem=read.problem and read.problem + step)
    if not read.delivery.sha256:
        return replace(read, delivery=delivery, lasting=not receipt.content.is_file())
    return DeliveredTable(replace(delivery, rows=0), None, problem_text(damaged), lasting=True)


def _read_file(
    file: DeliveredFile, options: FeedOptions, export: Export | None, sha256: str | None
) -> DeliveredTable:
    """Return a file's table or its problem, if it is of that hash; whatever its reader meets becomes a problem."""
    delivery = Delivery(file.name, "", 0, label=file.label)
    try:
        with opened(file, options.limits) as content:
            delivery = replace(delivery, sha256=content.sha256)
            if sha256 not in (
                content.sha256,
                None,
            ):  # what nobody admitted: its hash says so to whoever asked
                raise FeedError(
                    file.label, "that it changed while it was read", "a file that has wholly arrived"
                )
            read = table_of(content, options, export)
        return DeliveredTable(replace(delivery, rows=len(read.table), remarks=read.remarks), read.table)
    except FeedError as error:
        return DeliveredTable(delivery, None, problem_text(error))
    except Exception as error:  # a defect of a reader or its library, or more than the memory holds
        return DeliveredTable(delivery, None, problem_text(unforeseen(file.label, error)))


def unusable(domain: str, error: FeedError, received_at: datetime | None) -> DeliveredTable:
    """Return a delivery of which nothing can be used but its problem."""
    return DeliveredTable(Delivery(domain, "", 0, received_at, label=domain), None, problem_text(error))
