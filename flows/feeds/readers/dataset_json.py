"""Dataset-JSON 1.1, its NDJSON and its compressed form: whole and consistent, or a problem.

Source: CDISC Dataset-JSON v1.1 specification and Compressed Dataset-JSON v1.1 (DSJC).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checks.errors import FeedError
from checks.quoting import Quotes
from flows.feeds.content import GZIP, JSON, ZLIB, Content, FeedOptions, decompressed
from flows.feeds.decoding import as_text, measure
from flows.feeds.records import Records, check_names, gather, plain_number

VERSION = re.compile(r"1\.1(\.(0|[1-9][0-9]*))?")
"""The pattern of datasetJSONVersion in the specification's table of attributes."""


@dataclass(frozen=True, slots=True)
class Head:
    """The metadata that the rows are held against: names, the decimal columns, the number of records."""

    file: str
    names: tuple[str, ...]
    decimals: tuple[bool, ...]
    records: int


def read(content: Content, options: FeedOptions) -> Records:
    """Read a Dataset-JSON file (one JSON object).

    Raises
    ------
    FeedError
        When it is not such a file, not version 1.1, or its rows do not agree with its metadata.
    """
    content.require(JSON, allowed="Dataset-JSON, as the name says")
    with as_text(content, measure(content, options.encoding).codec) as text:
        document = _parsed(text.read(), content.name, 1)
    head = _head(document, content.name)
    rows = document.get("rows", []) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise FeedError(
            content.name, "`rows` that are not an array", "an array with an array for each record"
        )
    return _collected(enumerate(rows, start=1), head, "record")


def read_lines(content: Content, options: FeedOptions) -> Records:
    """Read NDJSON: metadata in line 1, then a line for each record; plain, gzip, or DSJC.

    Raises
    ------
    FeedError
        As for `read`, naming the line.
    """
    lowered = content.file.lower()
    if lowered.endswith((".gz", ".dsjc")):
        # published DSJC examples are gzip streams
        kinds = (GZIP,) if lowered.endswith(".gz") else (ZLIB, GZIP)
        content.require(*kinds, allowed="a compressed file, as its name says")
    with decompressed(content) as plain:
        plain.require(JSON, allowed="Dataset-JSON in lines (NDJSON)")
        with as_text(plain, measure(plain, options.encoding).codec, newline="\n") as text:
            lines = ((number, line) for number, line in enumerate(text, start=1) if line.strip())
            head = _head_of_lines(lines, content.name)
            rows = ((number, _parsed(line, content.name, number)) for number, line in lines)
            return _collected(rows, head, "line")


def _head_of_lines(lines: Iterable[tuple[int, str]], file: str) -> Head:
    number, line = next(iter(lines))
    metadata = _parsed(line, file, number)
    if isinstance(metadata, dict) and "rows" in metadata:
        raise FeedError(
            file, "`rows` inside line 1", "one line a record; a single object has the ending .json"
        )
    return _head(metadata, file)


def _parsed(text: str, file: str, line: int) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        at = f"line {line + error.lineno - 1}, column {error.colno}"
        found = (
            f"more after the end of the JSON at {at}" if error.msg == "Extra data" else f"broken JSON at {at}"
        )
        raise FeedError(file, found, "whole, valid JSON (NDJSON has the ending .ndjson)") from error
    except (ValueError, RecursionError) as error:
        raise FeedError(
            file, f"no valid JSON from line {line} on", "JSON numbers, and no deeper nesting"
        ) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _version(said: object) -> str:
    """Say which version a file says it has, if it is one."""
    told = isinstance(said, str) and Quotes().may(said, "VERSION")
    return f"datasetJSONVersion {said!r}" if told else "another datasetJSONVersion"


def _head(metadata: object, file: str) -> Head:
    if not isinstance(metadata, dict):
        raise FeedError(file, "JSON without the Dataset-JSON metadata", "an object with datasetJSONVersion")
    version = metadata.get("datasetJSONVersion")
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        found = "no datasetJSONVersion" if version is None else _version(version)
        raise FeedError(file, found, "Dataset-JSON 1.1 (1.1.x)")
    records = metadata.get("records")
    if not isinstance(records, int) or isinstance(records, bool) or records < 0:
        raise FeedError(file, "`records` that are no number", "the number of records")
    columns = metadata.get("columns")
    if not isinstance(columns, list) or not columns or not all(map(_is_column, columns)):
        raise FeedError(file, "no usable `columns`", "an array of columns, each with a name")
    names = tuple(column["name"] for column in columns)
    check_names(names, file)
    return Head(file, names, tuple(column.get("dataType") == "decimal" for column in columns), records)


def _is_column(column: object) -> bool:
    return isinstance(column, dict) and isinstance(column.get("name"), str)


def _collected(rows: Iterable[tuple[int, object]], head: Head, unit: str) -> Records:
    cells = ((number, _cells(row, head, f"{unit} {number}")) for number, row in rows)
    try:
        records = gather(cells, head.names)
    except UnicodeEncodeError as error:
        raise FeedError(
            head.file, "an escape that is half a character (\\ud800 to \\udfff)", "Unicode"
        ) from error
    if len(records.source_rows) != head.records:
        raise FeedError(
            head.file, f"{len(records.source_rows)} rows", f"{head.records}, the number that `records` says"
        )
    return records


def _cells(row: object, head: Head, place: str) -> list[str | None]:
    values = _in_order(row, head, place)
    try:
        return [
            value.replace(",", "") if decimal and isinstance(value, str) else _cell(value)
            for value, decimal in zip(values, head.decimals, strict=True)
        ]
    except TypeError as error:
        raise FeedError(
            head.file, f"an array or object as a value in {place}", "text, number or null"
        ) from error
    except ValueError as error:
        found = f"{len(values)} values in {place}"
        raise FeedError(head.file, found, f"{len(head.names)}, one for each of `columns`") from error


def _in_order(row: object, head: Head, place: str) -> Sequence[object]:
    """Return a row's values; DSJC also allows an object, by name, as a row."""
    if isinstance(row, list):
        return row
    if isinstance(row, dict) and row.keys() <= set(head.names):
        return [row.get(name) for name in head.names]
    raise FeedError(head.file, f"no usable row in {place}", "an array with a value for each of `columns`")


def _cell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain_number(repr(value))
    raise TypeError
