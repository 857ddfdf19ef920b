"""Parquet files, their typed columns as text."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from checks.errors import FeedError
from flows.feeds.content import PARQUET, Content, FeedOptions
from flows.feeds.records import Records, as_text

INT96 = "INT96"


def read(content: Content, options: FeedOptions) -> Records:
    """Read a Parquet file; a time-zone-aware stamp keeps the offset of its zone.

    Raises
    ------
    FeedError
        When it is not Parquet, damaged, or has a column of lists, records or raw bytes.
    """
    content.require(PARQUET, allowed="a Parquet file, as its name says")
    try:
        file = pq.ParquetFile(content.stream)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise FeedError(content.name, "a Parquet file that is damaged or cut short", "a whole one") from error
    columns = [
        _rendered(content.name, name, table.column(place)) for place, name in enumerate(table.column_names)
    ]
    for place, name in enumerate(table.column_names):
        if _is_int96(file, name):
            columns[place] = pc.binary_join_element_wise(columns[place], _text(INT96), _text(" "))
    return Records(table.column_names, columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _is_int96(file: pq.ParquetFile, name: str) -> bool:
    """Whether a column is of the type by which Spark and Impala wrote times before Parquet had one for them.

    It carries no zone: Spark writes UTC, Impala and Hive the clock of the place. The reader does not choose: the
    stamp keeps the name of the type, by which no time can be read from it.
    """
    schema = file.schema
    columns = (schema.column(place) for place in range(len(schema)))
    return any(one.path == name and one.physical_type == INT96 for one in columns)


def _rendered(file: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return as_text(column)
    except (TypeError, pa.ArrowException) as error:
        found = f"the column {name} of type {column.type}, which has no text form here"
        raise FeedError(file, found, "text, numbers, dates, times and stamps") from error
