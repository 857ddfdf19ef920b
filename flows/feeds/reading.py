"""Decide, file by file, whether a feed can be read; what cannot is the feed's problem, not an exception."""

from collections.abc import Callable, Mapping

import pandas as pd

from checks.errors import FeedError
from checks.tables import Delivery, Feed
from flows.feeds import dataset_json, delimited, parquet, sas
from flows.feeds.content import Content, opened
from flows.feeds.location import ENDINGS, DeliveredFile, find_files
from flows.feeds.records import Records, to_table
from flows.feeds.told import Told

Reader = Callable[[Content, Told], Records]

READERS: Mapping[str, Reader] = {
    ".csv": delimited.read,
    ".txt": delimited.read,
    ".tsv": delimited.read,
    ".xpt": sas.read_xpt,
    ".sas7bdat": sas.read_sas7bdat,
    ".json": dataset_json.read,
    ".ndjson": dataset_json.read_lines,
    ".dsjc": dataset_json.read_lines,
    ".parquet": parquet.read,
}
"""The reader of each ending; a further ``.gz`` says that the file is compressed."""


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
    told = Told(encoding, delimiter, decimal)
    try:
        files = find_files(location)
    except FeedError as error:
        return Feed(domain, None, (), str(error))
    read = [_read_file(file, told) for file in files]
    deliveries = tuple(delivery for delivery, _, _ in read if delivery is not None)
    problems = [problem for _, _, problem in read if problem is not None]
    if problems:
        return Feed(domain, None, deliveries, "\n".join(problems))
    tables = [table for _, table, _ in read if table is not None]
    return Feed(domain, tables[0] if len(tables) == 1 else _stack(tables), deliveries)


def _read_file(file: DeliveredFile, told: Told) -> tuple[Delivery | None, pd.DataFrame | None, str | None]:
    """Return the delivery, its table and its problem; this is where a FeedError becomes a problem."""
    delivery = None
    try:
        reader = _reader_of(file.name)
        with opened(file) as content:
            delivery = Delivery(file.name, content.sha256, 0)
            table = to_table(reader(content, told), file.name, told.decimal)
        return Delivery(file.name, delivery.sha256, len(table)), table, None
    except FeedError as error:
        return delivery, None, str(error)


def _reader_of(name: str) -> Reader:
    lowered = name.lower()
    if not lowered.endswith(ENDINGS):
        raise FeedError(name, "a file name without a known ending", f"a name ending {', '.join(ENDINGS)}")
    stem = lowered.removesuffix(".gz")
    return READERS[stem[stem.rindex(".") :]]


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table; a column that a file does not have is missing there. Provenance stands last."""
    table = pd.concat(tables, ignore_index=True)
    provenance = ["source_file", "source_row"]
    return table[[name for name in table.columns if name not in provenance] + provenance]
