"""Parquet files, their typed columns as text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from checks.errors import FeedError
from flows.feeds.content import PARQUET, Content, FeedOptions
from flows.feeds.records import Records, as_text, check_columns

INT96 = "INT96"

BATCH = 1 << 16
"""Rows read at a time, as Arrow itself has it."""


def read(content: Content, options: FeedOptions) -> Records:
    """Read a Parquet file; a time-zone-aware stamp keeps the offset of its zone.

    Raises
    ------
    FeedError
        When it is not Parquet, damaged, has a column of lists, records or raw bytes, or becomes too large.
    """
    content.require(PARQUET, allowed="a Parquet file, as its name says")
    try:
        file = _opened(content)
        table = pa.Table.from_batches(_counted(file, content), schema=file.schema_arrow)
    except MemoryError:  # which Arrow's own is too
        raise
    except (pa.ArrowException, OSError) as error:
        raise FeedError(content.name, "a Parquet file that is damaged or cut short", "a whole one") from error
    columns = [
        _rendered(content.name, place + 1, table.column(place))
        for place, name in enumerate(table.column_names)
    ]
    for place, name in enumerate(table.column_names):
        if _is_int96(file, name):
            columns[place] = pc.binary_join_element_wise(columns[place], _text(INT96), _text(" "))
    return Records(table.column_names, columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _opened(content: Content) -> pq.ParquetFile:
    """Open a file that, by what it says of itself, is not too large; nothing of its rows is read.

    Text is read by its dictionary: a long value that stands in a million rows is held once until it is counted.
    """
    said = pq.ParquetFile(content.stream)
    check_columns(said.metadata.num_columns, content.name)
    for position, field in enumerate(said.schema_arrow, start=1):
        if pa.types.is_nested(field.type):
            raise _formless(content.name, position, field.type)
    groups = [said.metadata.row_group(place) for place in range(said.metadata.num_row_groups)]
    cells = sum(group.num_rows for group in groups) * said.metadata.num_columns
    # a cell is a byte of CSV at least; a column's size is that before its compression
    content.require_room(max(cells, sum(group.total_byte_size for group in groups)))
    text = [said.schema.column(place) for place in range(said.metadata.num_columns)]
    names = [one.path for one in text if one.physical_type == "BYTE_ARRAY"]
    return pq.ParquetFile(content.stream, read_dictionary=names)


def _counted(file: pq.ParquetFile, content: Content) -> Iterator[pa.RecordBatch]:
    """Yield the rows, as long as all their text is not too large."""
    size = 0
    for batch in file.iter_batches(batch_size=BATCH):
        size += sum(map(_size, batch.columns))
        content.require_room(size)
        yield batch


def _size(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    try:
        lengths = pc.binary_length(column.dictionary)
    except pa.ArrowNotImplementedError:  # of numbers
        return int(column.nbytes)
    return int(pc.sum(lengths.cast(pa.int64()).take(column.indices)).as_py() or 0)


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


def _rendered(file: str, position: int, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return as_text(column)
    except MemoryError:
        raise
    except (TypeError, pa.ArrowException) as error:
        raise _formless(file, position, column.type) from error


def _formless(file: str, position: int, kind: pa.DataType) -> FeedError:
    """Return the problem of a column; its type is named without the names of fields in it."""
    found = f"column {position} of type {str(kind).partition('<')[0]}, which has no text form here"
    return FeedError(file, found, "text, numbers, dates, times and stamps")
