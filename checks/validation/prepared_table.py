"""The table that a suite judges: only the columns of a feed that it names, in types that are quick to judge.

Beside the columns that a domain prepares (``VSDTC_state`` and the like), a study's own expectations may name any
column as it was delivered, a text or, where SDTM has a number, that number; and of a column ``X`` its number
(``X_number``) and the first and last instant in UTC that its stamp can mean (``X_earliest``, ``X_latest``). What
cannot be read is missing there.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from checks.instants import parse_stamps
from checks.numbers import read_numbers
from checks.validation.catalogue.check import Check
from checks.validation.raw import Needed, Prepared, Shown, Source

_NUMERIC: Final = re.compile(r"[A-Z]{2}(STRESN|STNRLO|STNRHI|SEQ|DY|STDY|ENDY)|VISITNUM|VISITDY|AGE")
"""Variables that are numbers in SDTM, whatever type a delivery gives them."""

_DERIVED: Final = re.compile(r"(?P<column>\w+?)_(?P<what>number|earliest|latest)")


def table_for(
    checks: Iterable[Check],
    source: Source,
    needed: Sequence[Needed],
    prepared: Prepared | None,
) -> pd.DataFrame:
    """Return the columns that the checks name and the feed has, by those names, indexed from 0."""
    names = dict.fromkeys(name for check in checks if not check.is_structural for name in check.reads)
    asked_for = {str(one): one.columns for one in needed}
    columns = {name: _column(name, source, asked_for, prepared) for name in names}
    there = {name: _quick(column) for name, column in columns.items() if column is not None}
    index = pd.RangeIndex(len(source))
    return pd.DataFrame(_form(source, needed, len(index)) | there, index=index)


def _form(source: Source, needed: Sequence[Needed], rows: int) -> dict[str, object]:
    """Return a column for each needed one that was delivered, and one for each that is filled on some row.

    That they are there is all that is asked of them, so that their texts need not be made ready.
    """
    delivered = [str(one) for one in needed if any(source.has(column) for column in one.columns)]
    on_some_row = [one.filled for one in needed if source.fills(one.columns)]
    return dict.fromkeys((*delivered, *on_some_row), np.ones(rows, dtype=np.bool_))


def shown_of(check: Check, source: Source, prepared: Prepared) -> Shown:
    """Return what quarantine shows for a check: its columns as they were delivered."""
    shown = [prepared.shown.get(name) or _delivered(name, source) for name in check.columns]
    if len(shown) == 1:
        return shown[0]
    texts = pd.concat([one.text.fillna("") for one in shown], axis=1).agg("; ".join, axis=1)
    return Shown(", ".join(check.columns), texts)


def _column(
    name: str,
    source: Source,
    asked_for: Mapping[str, Sequence[str]],
    prepared: Prepared | None,
) -> "pd.Series[Any] | None":
    if name in asked_for:
        columns = asked_for[name]
        return source.first_of(columns) if any(source.has(column) for column in columns) else None
    if prepared is not None and name in prepared.judged:
        return prepared.judged[name]
    if source.has(name):
        return read_numbers(source.text(name)) if _NUMERIC.fullmatch(name) else source.text(name)
    derived = _DERIVED.fullmatch(name)
    if derived is None or not source.has(derived["column"]):
        return None
    return _derived(source.text(derived["column"]), derived["what"], source)


def _derived(texts: "pd.Series[str]", what: str, source: Source) -> "pd.Series[Any]":
    if what == "number":
        return read_numbers(texts)
    instants: pd.Series[pd.Timestamp] = parse_stamps(texts, source.zones)[what]
    return instants.dt.tz_localize(None)


def _quick(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return texts as categories: Great Expectations takes twice as long for others."""
    return column.astype("category") if column.dtype in ("str", "object") else column


def _delivered(name: str, source: Source) -> Shown:
    derived = _DERIVED.fullmatch(name)
    variable = derived["column"] if derived else name.partition("_")[0]
    column = name if source.has(name) else variable
    return Shown(column, source.text(column))
