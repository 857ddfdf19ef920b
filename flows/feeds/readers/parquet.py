"""Parquet files, their typed columns as text."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from checks.errors import FeedError
from flows.feeds.content import PARQUET, Content, FeedOptions
from flows.feeds.records import Records, as_text


def read(content: Content, options: FeedOptions) -> Records:
    """Read a Parquet file; a time-zone-aware stamp keeps the offset of its zone.

    Raises
    ------
    FeedError
        When it is not Parquet, damaged, or has a column of lists, records or raw bytes.
    """
    content.require(PARQUET, allowed="a Parquet file, as its name says")
    try:
        table = pq.ParquetFile(content.stream).read()
    except (pa.ArrowException, OSError) as error:
        raise FeedError(content.name, "a Parquet file that is damaged or cut short", "a whole one") from error
    columns = [
        _rendered(content.name, name, table.column(place)) for place, name in enumerate(table.column_names)
    ]
    return Records(table.column_names, columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _rendered(file: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return as_text(column)
    except (TypeError, pa.ArrowException) as error:
        found = f"the column {name} of type {column.type}, which has no text form here"
        raise FeedError(file, found, "text, numbers, dates, times and stamps") from error
