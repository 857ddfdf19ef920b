"""One table of text from any reader's records: typed values as text, names, blanks, decimal commas, provenance."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from checks.errors import FeedError
from checks.tables import RAW_PROVENANCE

CHUNK_ROWS = 50_000
"""Rows held as Python objects at a time, about 100 MB of them for a wide domain."""

MOST_COLUMNS = 16_384
"""What a worksheet may have (Microsoft, Excel specifications and limits); no SDTM domain has 100."""

LONGEST_NAME = 1_024
"""Characters of a column's name: four times a label of SAS; a longer one is a line without a delimiter."""

DECIMAL_COMMA = r"^([+-]?[0-9]+),([0-9]+(?:[eE][+-]?[0-9]+)?)$"
"""A cell that is wholly one number with a decimal comma; '1.234,5' is not."""


@dataclass(frozen=True, slots=True)
class Records:
    """What a reader found: column names as delivered, a text column for each, and where each row stands.

    ``columns`` are Arrow text columns of n cells, ``source_rows`` the n line or record numbers. ``remarks`` say what
    of the file is no row, and how it was taken.
    """

    names: Sequence[str]
    columns: list[pa.ChunkedArray]
    source_rows: npt.NDArray[np.int64]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The table of one file, and what of the file is no row of it."""

    table: pd.DataFrame
    remarks: tuple[str, ...]


def gather(rows: Iterable[tuple[int, Sequence[str | None]]], names: Sequence[str]) -> Records:
    """Return rows of Python text, each behind its line or record number: a chunk at a time, so that millions fit."""
    remaining, numbers, chunks = iter(rows), [np.empty(0, np.int64)], []
    while some := list(islice(remaining, CHUNK_ROWS)):
        numbers.append(np.array([number for number, _ in some], dtype=np.int64))
        columns = zip(*(cells for _, cells in some), strict=True)
        chunks.append([pa.array(column, type=pa.large_string()) for column in columns])
    return Records(
        names,
        [
            pa.chunked_array([chunk[place] for chunk in chunks], type=pa.large_string())
            for place in range(len(names))
        ],
        np.concatenate(numbers),
    )


def to_table(records: Records, file: str, decimal: str) -> Rows:
    """Return the table of one file: upper-case names, trimmed text, missing where blank, and provenance.

    A row without any text is none: spreadsheets write hundreds of them below their last one. The columns are taken
    out of ``records``, each let go once it is cleaned, so that none is held twice.

    Raises
    ------
    FeedError
        When a column has no name, or two have the same.
    """
    names = [name.strip().upper() for name in records.names]
    check_names(names, file)
    nul = _Replaced()
    series = {name: _as_series(_clean(nul.of(records.columns.pop(0)), decimal)) for name in names}
    frame = pd.DataFrame(series, index=range(len(records.source_rows)))
    blank = blank_rows(frame)
    numbers = records.source_rows[~blank]
    if blank.any():
        frame = frame[~blank].reset_index(drop=True)
    source_file = pa.repeat(pa.scalar(file, pa.large_string()), len(frame))
    frame["source_file"] = _as_series(pa.chunked_array([source_file]))
    frame["source_row"] = numbers
    table = frame.astype(
        {"source_file": RAW_PROVENANCE["source_file"], "source_row": RAW_PROVENANCE["source_row"]}
    )
    return Rows(table, (*records.remarks, *nul.remarks(), *said_of_blank(blank, records.source_rows)))


@dataclass(slots=True)
class _Replaced:
    """The cells with a NUL character: no database of text takes one, so a replacement character stands there."""

    cells: int = 0

    def of(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column without them."""
        found = pc.sum(pc.match_substring(column, "\0")).as_py() or 0
        self.cells += found
        return pc.replace_substring(column, "\0", "\ufffd") if found else column

    def remarks(self) -> tuple[str, ...]:
        """Say how many cells had one."""
        return (f"{self.cells:,} cells hold a NUL character: \ufffd stands for it",) if self.cells else ()


def with_site(table: pd.DataFrame, site: str) -> pd.DataFrame:
    """Return DM with a site for the subjects of whom the feed names none."""
    if "SITEID" not in table:
        named = len(table.columns) - len(RAW_PROVENANCE)
        table.insert(named, "SITEID", pd.Series(pd.NA, index=table.index, dtype="str"))
    table["SITEID"] = table["SITEID"].fillna(site)
    return table


def blank_rows(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows of trimmed text, missing where it is blank, have none at all."""
    blank = np.ones(len(frame), dtype=np.bool_)
    for name in frame.columns:
        blank &= frame[name].isna().to_numpy()
        if not blank.any():  # so it is of the first column of most files, and the others are not looked at
            break
    return blank


def said_of_blank(blank: npt.NDArray[np.bool_], numbers: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Say how many rows are blank, and where those are that others follow."""
    if not blank.any():
        return ()
    filled = np.flatnonzero(~blank)
    among = np.flatnonzero(blank[: filled[-1] + 1]) if len(filled) else filled
    where = "all below the last row"
    if len(among):
        where = f"{len(among)} of them above the last row, the first in line {int(numbers[among[0]])}"
    return (f"{int(blank.sum())} blank rows are no records and are left out, {where}",)


def check_names(names: Sequence[str], file: str) -> None:
    """Refuse a column without a name, and two columns whose names differ in case or blanks alone, and too many.

    Raises
    ------
    FeedError
        Naming the column.
    """
    seen: dict[str, int] = {}
    check_columns(len(names), file)
    for position, name in enumerate((name.strip().upper() for name in names), start=1):
        if not name:
            raise FeedError(
                file, f"no name for column {position}", "a name for each column that holds values"
            )
        if len(name) > LONGEST_NAME:
            found = f"{len(name):,} characters as the name of column {position}"
            raise FeedError(file, found, f"at most {LONGEST_NAME:,}")
        if re.search("[\0\ud800-\udfff]", name):  # which no page, table or database could hold
            found = f"a NUL or half a character in the name of column {position}"
            raise FeedError(file, found, "Unicode")
        if name in seen:
            raise FeedError(file, f"one name for columns {seen[name]} and {position}", "each name once")
        seen[name] = position


def check_columns(number: int, file: str) -> None:
    """Refuse more columns than any table of a trial has.

    Raises
    ------
    FeedError
        Naming how many there are.
    """
    if number > MOST_COLUMNS:
        raise FeedError(file, f"{number:,} columns", f"at most {MOST_COLUMNS:,}")


def _clean(column: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    if decimal == ",":
        trimmed = pc.replace_substring_regex(trimmed, DECIMAL_COMMA, r"\1.\2")
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)


def _as_series(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(pd.array(column, dtype="str"))


OFFSET = r"([+-][0-9]{2}:[0-9]{2})?"
"""The UTC offset that ends a rendered stamp which has one."""


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text, missing where it is missing or not a number.

    Raises
    ------
    TypeError
        For a type that has no text form, such as a list.
    pyarrow.ArrowInvalid
        For bytes that are not UTF-8, or a time zone unknown to this machine.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        wide = pa.types.is_string(kind.value_type)  # whose own text form holds 2 GiB at most
        return as_text(column.cast(pa.large_string() if wide else kind.value_type))
    if pa.types.is_timestamp(kind):
        return _stamp(column)
    if pa.types.is_time(kind):
        return _without_empty_fraction(column.cast(pa.large_string()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(column)
    if pa.types.is_nested(kind) or pa.types.is_duration(kind):
        raise TypeError(str(kind))
    return (column.cast(pa.date32()) if pa.types.is_date64(kind) else column).cast(pa.large_string())


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    written = column.cast(pa.large_string())
    written = pc.if_else(pc.equal(written, "nan"), pa.scalar(None, written.type), written)
    unusual = pc.fill_null(pc.match_substring_regex(written, r"[eE]|^-0|\.[0-9]*0$"), False).combine_chunks()
    if not pc.any(unusual).as_py():
        return written
    plain = [plain_number(text) for text in written.filter(unusual).to_pylist()]
    return pc.replace_with_mask(written, unusual, pa.array(plain, type=written.type))


def plain_number(text: str) -> str:
    """Return a number's text without exponent or empty fraction: ``1e-07`` as ``0.0000001``."""
    if text in ("inf", "-inf"):
        return text
    plain = format(Decimal(text), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def _stamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    offset = "%Ez" if column.type.tz else ""
    written = pc.strftime(column, format=f"%Y-%m-%dT%H:%M:%S{offset}").cast(pa.large_string())
    return written if column.type.unit == "s" else _without_empty_fraction(written)


def _without_empty_fraction(written: pa.ChunkedArray) -> pa.ChunkedArray:
    """Drop the digits that the resolution of the type adds, not the file."""
    whole = pc.replace_substring_regex(written, rf"\.0+{OFFSET}$", r"\1")
    return pc.replace_substring_regex(whole, rf"(\.[0-9]*[1-9])0+{OFFSET}$", r"\1\2")
