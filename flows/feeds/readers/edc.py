"""EDC exports: the rows of a domain, by the layout that the study protocol declares.

It acts on what any reader of tables found, so that an export may be CSV, SAS, Parquet or the result of a
query. Every row keeps the line or record number of the row that it came from; see ``checks.protocol.layout``
for examples.

Exports of one row an item have the attributes of CDISC ODM 1.3.2 (ClinicalData) as columns: a record is
what the keys of subject, event, form and item group tell apart; its row number is that of its first item.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from checks.errors import FeedError
from checks.protocol.date_formats import format_of
from checks.protocol.layout import Layout
from flows.feeds.content import Content, FeedOptions
from flows.feeds.dates import read_dates
from flows.feeds.records import Records, blank_rows, check_names, said_of_blank


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The columns of an export of one row an item, in upper case: whose, which item, its value, and the other keys.

    The keys tell records apart; an export has those that its study uses.
    """

    subject: str
    item: str
    value: str
    keys: tuple[str, ...]


ITEM_COLUMNS: Final[Mapping[str, ItemColumns]] = {
    "odm": ItemColumns(
        "SUBJECTKEY", "ITEMOID", "VALUE",
        ("STUDYOID", "METADATAVERSIONOID", "LOCATIONOID", "SITEOID", "STUDYEVENTOID", "STUDYEVENTREPEATKEY",
         "FORMOID", "FORMREPEATKEY", "ITEMGROUPOID", "ITEMGROUPREPEATKEY"),
    ),
    "redcap": ItemColumns(
        "RECORD", "FIELD_NAME", "VALUE",
        ("PROJECT_ID", "EVENT_ID", "EVENT", "INSTANCE", "REDCAP_EVENT_NAME", "REDCAP_REPEAT_INSTRUMENT",
         "REDCAP_REPEAT_INSTANCE", "REDCAP_DATA_ACCESS_GROUP"),
    ),
    "viedoc": ItemColumns(
        "SUBJECTID", "ITEMID", "ITEMVALUE",
        ("SITECODE", "EVENTSEQ", "EVENTID", "EVENTNAME", "EVENTDATE", "EVENTREPEATKEY", "FORMID", "FORMSEQ",
         "FORMREPEATKEY", "SUBJECTFORMSEQ"),
    ),
    "clinsight": ItemColumns(
        "SUBJECT_ID", "ITEM_NAME", "ITEM_VALUE",
        ("SITE_CODE", "EVENT_REPEAT", "EVENT_ID", "EVENT_NAME", "EVENT_DATE", "FORM_ID", "FORM_REPEAT", "ITEM_GROUP"),
    ),
}  # fmt: skip
"""By the ``system`` of a layout. Sources: CDISC ODM 1.3.2, ClinicalData; REDCap, export of records of type ``eav``,
and its table of data; the raw Viedoc exports, and the tidy form, of the R package clinsight (openpharma, 2025)."""


def gather_items(table: pd.DataFrame, named: Sequence[str], columns: ItemColumns, file: str) -> pd.DataFrame:
    """Return a row for each record that has one of the named items: its keys, and a column for each of them.

    ``table`` has a row for each item, indexed by row number, in ``columns``; ``named`` are the columns that the
    layout names, keys and items, in upper case as those of the table. Items of other forms are left out.

    Raises
    ------
    FeedError
        When a needed column is missing, or a record has two values of one item: an export without the repeat
        key of a visit or a line would mix them up.
    """
    needed = (columns.subject, columns.item, columns.value)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        allowed = f"{', '.join(needed)} in item rows, or another `system` of the layout"
        raise FeedError(file, f"no column {', '.join(missing)}", allowed)
    item = table[columns.item].str.upper()
    all_keys = (columns.subject, *columns.keys)
    table = table.assign(**{columns.item: item})[item.isin(set(named) - set(all_keys))]
    keys = [name for name in all_keys if name in table.columns]
    # Records are numbered as they begin, so that the heads below stand in the same order.
    record = pd.Series(table.groupby(keys, dropna=False, sort=False).ngroup().to_numpy())
    item, value = (table[name].reset_index(drop=True) for name in (columns.item, columns.value))
    rows = pd.DataFrame({"record": record, "item": item, "value": value})
    _refuse_second_value(rows, table.index, file)
    wide = rows.groupby(["record", "item"], sort=False)["value"].first().unstack("item")
    heads = table[keys].iloc[np.flatnonzero(~record.duplicated())]
    return heads.assign(**{str(name): wide[name].to_numpy() for name in wide.columns})


def _refuse_second_value(rows: pd.DataFrame, numbers: "pd.Index[int]", file: str) -> None:
    distinct = rows.dropna().drop_duplicates()
    again = distinct.index[distinct.duplicated(["record", "item"])]
    if len(again):
        found = f"a second value of {rows['item'][again[0]]} for one record, in line {int(numbers[again[0]])}"
        allowed = "one value of an item for each record: are the repeat keys in the export?"
        raise FeedError(file, found, allowed)


Reader = Callable[[Content, FeedOptions], Records]

NOT_DONE = "NOT DONE"
"""The --STAT of a test that was not done (CDISC code list ND)."""


def arranged(reader: Reader) -> Reader:
    """Return a reader of the same files whose records are those of the domain.

    The reader raises FeedError, beside what ``reader`` raises, when a column that the layout names is not
    there, or when one record has two values of an item.
    """

    def read(content: Content, options: FeedOptions) -> Records:
        if options.layout is None:
            raise TypeError("an EDC export is read by a layout")
        records = reader(content, options)
        table = _as_frame(records, options.layout.header_rows, content.name)
        blank = blank_rows(table)
        remarks = (*records.remarks, *said_of_blank(blank, table.index.to_numpy(dtype=np.int64)))
        table = table[~blank]
        if options.layout.rows == "items":
            columns = ITEM_COLUMNS[options.layout.system]
            table = gather_items(table, _named(options.layout), columns, content.name)
        return _as_records(_arrange(table, options.layout, options.domain, content.name), remarks)

    return read


def _as_frame(records: Records, header_rows: int, file: str) -> pd.DataFrame:
    """Return the records as trimmed text, indexed by their row numbers, without the row of labels."""
    check_names(records.names, file)
    names = [name.strip().upper() for name in records.names]
    columns = {
        name: pd.Series(pd.array(column, dtype="str")).str.strip()
        for name, column in zip(names, records.columns, strict=True)
    }
    frame = pd.DataFrame(columns).set_axis(records.source_rows)
    return frame.mask(frame == "").iloc[header_rows - 1 :]


def _as_records(frame: pd.DataFrame, remarks: tuple[str, ...]) -> Records:
    text = pa.large_string()
    cells = (frame[name].astype(object) for name in frame)
    columns = [pa.chunked_array([pa.array(one, type=text, from_pandas=True)], type=text) for one in cells]
    numbers = frame.index.to_numpy(dtype=np.int64)
    return Records([str(name) for name in frame.columns], columns, numbers, remarks)


def _arrange(table: pd.DataFrame, layout: Layout, domain: str, file: str) -> pd.DataFrame:
    _refuse_missing(table, layout, file)
    variables = {
        name: _variable(table, name, sources, layout, file) for name, sources in layout.columns.items()
    }
    rows = pd.DataFrame(variables, index=table.index)
    return rows if not layout.results else _each_result(rows, table, layout, domain)


def _named(layout: Layout) -> tuple[str, ...]:
    """Return the columns that a layout names, in upper case, in its order."""
    named = [source for sources in layout.columns.values() for source in sources]
    for result in layout.results.values():
        named += [result.column, *([result.unit_column] if result.unit_column else [])]
    return tuple(dict.fromkeys(name.upper() for name in named))


def _refuse_missing(table: pd.DataFrame, layout: Layout, file: str) -> None:
    """Refuse a table without a named column: a misspelt one would pass for a test that nobody did."""
    missing = [name for name in _named(layout) if name not in table.columns]
    if missing:
        kind = "item" if layout.rows == "items" else "column"
        allowed = f"those that the protocol's `layout` names; the file has {len(table.columns)} columns"
        raise FeedError(file, f"no {kind} {', '.join(missing)}", allowed)


def _variable(
    table: pd.DataFrame, name: str, sources: Sequence[str], layout: Layout, file: str
) -> "pd.Series[str]":
    """Return one variable: its columns joined; a stamp where the variable is one and the layout names its form."""
    texts = [table[source.upper()] for source in sources]
    date_format = format_of(layout.date_format, name, is_date=name.endswith("DTC"))
    if date_format is not None:
        return read_dates(_with_time(texts, " "), date_format, name, file)
    if name.endswith("DTC"):
        return _with_time(texts, "T")
    return reduce(lambda joined, text: joined + "-" + text, texts)  # whole, since it identifies


def _with_time(texts: "Sequence[pd.Series[str]]", by: str) -> "pd.Series[str]":
    """Join a date and a time; without a time the date stands alone."""
    date, *times = texts
    for time in times:
        date = date.where(time.isna(), date + by + time)
    return date


def _each_result(rows: pd.DataFrame, table: pd.DataFrame, layout: Layout, domain: str) -> pd.DataFrame:
    """Return a row for each test of each row, in the order of the rows, then of the tests."""
    tests = [
        _one_result(rows, table[result.column.upper()], _unit(table, result.unit, result.unit_column), test)
        for test, result in layout.results.items()
    ]
    named = [test.rename(columns=lambda name: name.replace("--", domain)) for test in tests]
    stacked = pd.concat(named).sort_index(kind="stable")  # by the row's number: then as the tests stand
    sequence = f"{domain}SEQ"
    if sequence in stacked:
        stacked[sequence] = stacked[sequence] + "." + stacked[f"{domain}TESTCD"]
    return stacked


def _one_result(
    rows: pd.DataFrame, value: "pd.Series[str]", unit: "pd.Series[str]", test: str
) -> pd.DataFrame:
    """Return the rows of one test; an empty cell of a wide row says that the test was not done."""
    status = pd.Series(NOT_DONE, index=rows.index, dtype="str").where(value.isna())
    code = pd.Series(test, index=rows.index, dtype="str")
    return rows.assign(**{"--TESTCD": code, "--ORRES": value, "--ORRESU": unit, "--STAT": status})


def _unit(table: pd.DataFrame, unit: str | None, unit_column: str | None) -> "pd.Series[str]":
    if unit_column is not None:
        return table[unit_column.upper()]
    return pd.Series(unit, index=table.index, dtype="str")
