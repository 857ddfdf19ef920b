"""SAS transport (XPT v5, v8) and SAS7BDAT files, read through ReadStat when they are whole.

Layout of transport files: SAS Institute, TS-140 (v5) and "Record Layout of a SAS Version 8 or 9 Data Set in
SAS Transport Format": records of 80 bytes, the rows packed behind the OBS header and padded with blanks.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat

from checks.errors import FeedError
from flows.feeds.content import SAS7BDAT, XPT_V5, XPT_V8, Content, FeedOptions
from flows.feeds.decoding import known_codec
from flows.feeds.records import Records, as_text, check_columns

RECORD = 80
"""Bytes of a record of a transport file (TS-140)."""

HEADER = b"HEADER RECORD*******"
"""How each header record of a transport file begins (TS-140)."""

Read = Callable[..., tuple[pd.DataFrame, Any]]


def read_xpt(content: Content, options: FeedOptions) -> Records:
    """Read a SAS transport file, version 5 or 8, with one data set.

    Raises
    ------
    FeedError
        When it is something else, cut short, or its text is not in the encoding of the options.
    """
    content.require(XPT_V5, XPT_V8, allowed="a SAS transport file (XPT v5 or v8), as its name says")
    found = _observations(content.stream)
    if found.datasets > 1:
        raise FeedError(content.name, f"{found.datasets} data sets in one file", "one data set a file")
    frame, metadata = _read(pyreadstat.read_xport, content, options)
    _refuse_incomplete(content, found, len(frame), sum(metadata.variable_storage_width.values()))
    return _as_records(frame)


def read_sas7bdat(content: Content, options: FeedOptions) -> Records:
    """Read a SAS7BDAT file; it says its own encoding unless the protocol tells another.

    Raises
    ------
    FeedError
        When it is something else, cut short, or its text is not in the encoding of the options.
    """
    content.require(SAS7BDAT, allowed="a SAS7BDAT file, as its name says")
    _, said = _read(partial(pyreadstat.read_sas7bdat, metadataonly=True), content, options)
    check_columns(said.number_columns, content.name)
    # rows may be compressed: by what the header says, before they are read
    content.require_room((said.number_rows or 0) * sum(said.variable_storage_width.values()))
    frame, metadata = _read(pyreadstat.read_sas7bdat, content, options)
    if len(frame) != metadata.number_rows:
        raise FeedError(
            content.name, f"{len(frame)} rows", f"{metadata.number_rows}, as the file's header says"
        )
    return _as_records(frame)


def _read(read: Read, content: Content, options: FeedOptions) -> tuple[pd.DataFrame, Any]:
    if options.encoding is not None:
        known_codec(content.name, options.encoding)
    content.stream.seek(0)
    try:
        return read(content.stream, encoding=options.encoding)
    except UnicodeDecodeError as error:
        found = f"a byte 0x{error.object[error.start]:02X} in a text that is not {error.encoding.upper()}"
        allowed = "UTF-8, or the encoding that the protocol's `encoding` names (such as WINDOWS-1252)"
        raise FeedError(content.name, found, allowed) from error
    except pyreadstat.ReadstatError as error:
        raise FeedError(
            content.name, _reason(error, options), "a whole SAS file, in the encoding of the options"
        ) from error
    except (OverflowError, ValueError) as error:
        raise FeedError(
            content.name, "a date or time that no calendar has", "dates of the years 1 to 9999"
        ) from error


def _reason(error: Exception, options: FeedOptions) -> str:
    """ReadStat's reasons, in the words of whoever must act on them."""
    text = str(error)
    if "byte sequence" in text or "character set" in text:
        return f"text that cannot be read as {options.encoding or 'the encoding the file says'}"
    return "a SAS file that is damaged or cut short"


def _as_records(frame: pd.DataFrame) -> Records:
    columns = [as_text(pa.chunked_array([pa.array(column, from_pandas=True)])) for _, column in frame.items()]
    return Records(list(frame.columns), columns, np.arange(1, len(frame) + 1, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Observations:
    """A transport file's data sets, the first byte of its rows, the number of rows said, all its bytes."""

    datasets: int
    start: int
    said: int | None
    size: int


def _refuse_incomplete(content: Content, found: Observations, rows: int, width: int) -> None:
    """Refuse a file that is cut: v5 does not say its number of rows, but pads them to whole records."""
    if found.said is not None and found.said != rows:
        raise FeedError(content.name, f"{rows} rows", f"{found.said}, as the file's header says")
    content.stream.seek(found.start + rows * width)
    rest = content.stream.read(RECORD)
    if found.size % RECORD or len(rest) >= RECORD or rest.strip(b" "):
        raise FeedError(content.name, f"a file cut short after row {rows}", "a whole SAS transport file")


def _observations(stream: IO[bytes]) -> Observations:
    datasets, start, said, size = 0, 0, None, 0
    for position, record in _headers(stream):
        if record[20:28] in (b"MEMBER  ", b"MEMBV8  "):
            datasets += 1
        elif record[20:28] in (b"OBS     ", b"OBSV8   ") and not start:
            start = position + RECORD
            count = record[48:].split()[0] if record[20:28] == b"OBSV8   " else b""
            said = int(count) if count.isdigit() and count.strip(b"0") else None
    size = stream.seek(0, io.SEEK_END)
    return Observations(datasets, start, said, size)


def _headers(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield each header record and its position; they stand at multiples of 80 bytes."""
    stream.seek(0)
    position = 0
    while block := stream.read(RECORD * 50_000):
        found = block.find(HEADER)
        while found >= 0:
            if found % RECORD == 0:
                yield position + found, block[found : found + RECORD]
            found = block.find(HEADER, found + 1)
        position += len(block)
