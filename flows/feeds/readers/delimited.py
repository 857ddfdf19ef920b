"""Delimited text: one header, and as many fields in every line, or a problem that names the line.

Two readers give the same table. The quick one (Arrow) serves regular files of any size. A file that it
refuses, or in which a record is not exactly one line, goes to the exact one (the csv module), which knows
every line's number and says what is wrong with it.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from checks.errors import FeedError
from flows.feeds.content import CHUNK, GZIP, TEXT, Content, FeedOptions, decompressed
from flows.feeds.decoding import Measure, as_text, codec_of, line_breaks, measure
from flows.feeds.records import Records, check_names, gather

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
"""The delimiters that a message can recognise in a header."""

DIRECTIVE = re.compile(r'"?sep=(\\t|[^A-Za-z0-9"\r\n])"?[ ,;\t]*[\r\n]', re.IGNORECASE)
"""A first line by which spreadsheets are told the delimiter (Microsoft Excel's ``sep=;``): no header, no row."""

# a narrative may exceed the module's 128 KB; an unclosed quote is reported at its end
csv.field_size_limit(1 << 27)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is laid out: its name, what was measured, the delimiter, and the header's names."""

    file: str
    measured: Measure
    delimiter: str
    names: Sequence[str]
    header_line: int
    remarks: tuple[str, ...] = ()


def read(content: Content, options: FeedOptions) -> Records:
    """Read a delimited text file, compressed or not.

    Raises
    ------
    FeedError
        When it is not such a file, or not a table.
    """
    zipped = content.file.lower().endswith(".gz")
    if zipped:
        content.require(GZIP, allowed="a gzip file, as its name says")
    with decompressed(content) if zipped else nullcontext(content) as plain:
        plain.require(TEXT, allowed="delimited text with a header line")
        told, own = _delimiter(plain.file, options), _own_delimiter(plain, options)
        measured = measure(plain, options.encoding, delimiter=own or told)
        layout = _layout(plain, measured, told, own)
        quick = _read_quickly(plain, layout)
        records = _read_exactly(plain, layout) if quick is None else quick
    _refuse_repeated_header(records, layout)
    return replace(records, remarks=layout.remarks)


def _delimiter(name: str, options: FeedOptions) -> str:
    """Return the delimiter of the options; the ending .tsv stands for a tab where they have the default."""
    tabbed = name.lower().removesuffix(".gz").endswith(".tsv")
    return "\t" if tabbed and options.delimiter == "," else options.delimiter


def _own_delimiter(content: Content, options: FeedOptions) -> str | None:
    """Return the delimiter that the first line of a file names; None where it is no such line."""
    codec = codec_of(content, options.encoding)
    head = content.stream.read(64).decode(codec, errors="replace")  # longer than the line in any encoding
    content.stream.seek(0)
    named = DIRECTIVE.match(head)
    return None if named is None else named[1].replace("\\t", "\t")


def _layout(content: Content, measured: Measure, told: str, own: str | None) -> Layout:
    """Find the header: below a line that names the delimiter, which then holds, whatever the protocol says."""
    delimiter, remarks = own or told, tuple[str, ...]()
    if own is not None:
        found = f"its first line names the {_called(own)} as its delimiter, which is used"
        remarks = (found if own == told else f"{found}; the protocol's `delimiter` is the {_called(told)}",)
    with as_text(content, measured.codec) as text:
        for number, names in _rows(text, delimiter, content.name):
            if own is not None and number == 1:
                continue
            _refuse_other_delimiter(content.name, names, delimiter)
            stripped = [name.strip() for name in names]
            while len(stripped) > 1 and not stripped[-1]:
                stripped.pop()
            check_names(stripped, content.name)
            return Layout(content.name, measured, delimiter, stripped, number, remarks)
    raise FeedError(content.name, "no header line", "a header line, then one line a record")


def _called(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))


def _refuse_other_delimiter(file: str, names: Sequence[str], delimiter: str) -> None:
    others = [mark for mark in DELIMITERS if mark != delimiter and mark in names[0]]
    if len(names) == 1 and others:
        found = max(others, key=names[0].count)
        raise FeedError(
            file,
            f"a header delimited by {DELIMITERS[found]}",
            f"{_called(delimiter)}, or the protocol's `delimiter` must say {found!r}",
        )


def _read_quickly(content: Content, layout: Layout) -> Records | None:
    """Return the table when each record is exactly one line, else None."""
    measured, rows = layout.measured, layout.measured.lines - layout.header_line
    plain_header = not any(line_breaks(name) for name in layout.names)
    plain_quotes = measured.quotes.plain and _ends_closed(content.stream, layout)
    if (
        not plain_header
        or not plain_quotes
        or len(layout.names) == 1
        or not measured.codec.startswith("utf-8")
    ):
        return None
    if rows == 0:
        return gather((), layout.names)
    try:
        table = _arrow_table(content.stream, layout)
    except pa.ArrowInvalid:
        return None  # the exact reader says which line, and why
    if table.num_rows != rows:
        return None  # blank lines, or quoted line ends: lines and records are not the same
    numbers = np.arange(1, rows + 1, dtype=np.int64) + layout.header_line
    return Records(layout.names, table.columns, numbers)


def _ends_closed(stream: IO[bytes], layout: Layout) -> bool:
    """Whether the last line opens no quotation mark: there alone a record cut short still is one line."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - CHUNK))
    last = stream.read().decode(errors="replace").splitlines()[-1:]
    try:
        return len(list(csv.reader(last, delimiter=layout.delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _arrow_table(stream: IO[bytes], layout: Layout) -> pa.Table:
    stream.seek(0)
    positions = [str(position) for position in range(len(layout.names))]
    return pcsv.read_csv(
        pa.PythonFile(_Unclosed(stream), mode="r"),
        read_options=pcsv.ReadOptions(column_names=positions, skip_rows=layout.header_line, block_size=CHUNK),
        parse_options=pcsv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=layout.measured.quotes.number > 0,
            ignore_empty_lines=True,
        ),
        convert_options=pcsv.ConvertOptions(
            column_types=dict.fromkeys(positions, pa.large_string()), strings_can_be_null=False
        ),
    )


class _Unclosed:
    """Lends a stream to a reader that would close it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.closed = stream, False

    def read(self, size: int = -1) -> bytes:
        return self.stream.read(size)

    def close(self) -> None:
        self.closed = True


def _read_exactly(content: Content, layout: Layout) -> Records:
    with as_text(content, layout.measured.codec) as text:
        return gather(_of_width(text, layout), layout.names)


def _of_width(text: Iterable[str], layout: Layout) -> Iterator[tuple[int, Sequence[str]]]:
    width, fields = len(layout.names), 0
    for number, row in _rows(text, layout.delimiter, layout.file):
        if number <= layout.header_line:
            continue
        if not any(map(str.strip, row)):  # delimiters alone, as many as a spreadsheet likes
            yield number, [""] * width
            continue
        fields = fields or max(len(row), width)
        if len(row) != fields or any(map(str.strip, row[width:])):
            raise _wrong_width(layout, number, len(row), fields)
        yield number, row[:width]


def _wrong_width(layout: Layout, number: int, width: int, fields: int) -> FeedError:
    header = len(layout.names)
    blank = f", or {fields} in every line, the last of them blank" if fields > header else ""
    return FeedError(
        layout.file, f"{width} fields in line {number}", f"{header} fields, as in the header{blank}"
    )


def _rows(text: Iterable[str], delimiter: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the line on which it begins."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    begins = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            found = f"a quotation mark in line {begins} that is never closed, or text after the closing one"
            raise FeedError(
                file, found, 'quotation marks in pairs, doubled ("") inside a quoted field'
            ) from error
        if len(row) > 1 or any(map(str.strip, row)):
            yield begins, row
        begins = reader.line_num + 1


def _refuse_repeated_header(records: Records, layout: Layout) -> None:
    """Refuse a header that comes twice: two files were joined, or labels were written below the names."""
    same = pc.equal(pc.utf8_trim_whitespace(records.columns[0]), layout.names[0])
    suspects = np.flatnonzero(same.to_numpy())
    for index in suspects:
        if [column[int(index)].as_py().strip() for column in records.columns] == list(layout.names):
            line = int(records.source_rows[index])
            raise FeedError(layout.file, f"the header again in line {line}", "one header, in the first line")
