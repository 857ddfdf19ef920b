"""Decide, with Great Expectations, which rows of a table do not conform: the one place that calls it.

Three of its habits are met here. A table without rows passes every column expectation: a check without rows
to judge is not applicable. A missing column is an entry in the result, not a raised error: it is told from a
failure. Results carry raw values unless told otherwise: only the positions of rows are asked for.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.validation.catalogue import (
    Between,
    Check,
    Distinct,
    Exists,
    Filled,
    HasRows,
    Listed,
    OneOf,
    PartlyFilled,
    Rule,
)
from checks.validation.results import Outcome

_ONE_AT_A_TIME: Final = Lock()
"""Great Expectations keeps its context in a variable of the whole process."""

_RESULT_FORMAT: Final = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}

_EXPECTATIONS: Final[Mapping[type[Rule], str]] = {
    OneOf: "ColumnValuesToBeInSet",
    Listed: "ColumnValuesToBeInSet",
    Between: "ColumnValuesToBeBetween",
    Distinct: "ColumnValuesToBeUnique",
    Filled: "ColumnValuesToNotBeNull",
    Exists: "ColumnToExist",
    HasRows: "TableRowCountToBeBetween",
    PartlyFilled: "ColumnProportionOfNonNullValuesToBeBetween",
}

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Great Expectations says of one check on one column: the positions of rows that do not conform."""

    check: Check
    column: str
    outcome: Outcome
    unexpected: Positions
    denominator: int


def judge(
    table: pd.DataFrame, checks: Sequence[tuple[Check, str]], lists: Mapping[str, Sequence[str]]
) -> tuple[Judgement, ...]:
    """Judge a table by checks of the catalogue.

    Parameters
    ----------
    table
        One row a record, with a plain index from 0; a missing value: the check does not concern the row.
    checks
        Each check with the column that it judges.
    lists
        What each ``Listed`` check compares with.

    Returns
    -------
    tuple of Judgement
        One for each of ``checks``, in their order.
    """
    # Great Expectations copies the table for each check: categories copy many times faster than texts.
    texts: list[str] = list(table.select_dtypes("str").columns)
    narrow = table.astype(dict.fromkeys(texts, "category"))
    applied = [index for index, pair in enumerate(checks) if _concerns_a_row(narrow, *pair)]
    with _ONE_AT_A_TIME:
        found = (
            _validate(narrow, [_expectation(*checks[index], lists) for index in applied]) if applied else {}
        )
    results = {index: found[position] for position, index in enumerate(applied)}
    return tuple(
        _judgement(check, column, results.get(index)) for index, (check, column) in enumerate(checks)
    )


@cache
def _table_definition() -> tuple[Any, Any]:
    """Import Great Expectations, which takes 5 s, and tell it what a table is: once a process, for a look."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # it reads this once, on import: no usage data leaves
    import great_expectations

    # this one module sets its own level, and announces a temporary folder for every context
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    gx: Any = great_expectations
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("feed").add_dataframe_asset("table")
    return gx, asset.add_batch_definition_whole_dataframe("all")


def _validate(table: pd.DataFrame, expectations: Sequence[tuple[str, dict[str, Any]]]) -> dict[int, Any]:
    """Run one suite on one table; results by the position of their expectation, whose order they lose."""
    gx, definition = _table_definition()
    suite = gx.ExpectationSuite(
        name="checks",
        expectations=[
            getattr(gx.expectations, name)(meta={"position": position}, **arguments)
            for position, (name, arguments) in enumerate(expectations)
        ],
    )
    batch = definition.get_batch({"dataframe": table})
    validated = batch.validate(suite, result_format=_RESULT_FORMAT)
    return {result.expectation_config.meta["position"]: result for result in validated.results}


def _expectation(check: Check, column: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, Any]]:
    """Return the expectation that a check of the catalogue stands for, and its arguments."""
    name = f"Expect{_EXPECTATIONS[type(check.rule)]}"
    match check.rule:
        case OneOf(values):
            return name, {"column": column, "value_set": list(values)}
        case Listed(listed):
            return name, {"column": column, "value_set": list(lists[listed])}
        case Between(minimum, maximum):
            return name, {"column": column, "min_value": minimum, "max_value": maximum}
        case PartlyFilled():
            return name, {"column": column, "min_value": 0, "strict_min": True}
        case HasRows():
            return name, {"min_value": 1}
        case Distinct() | Filled() | Exists():
            return name, {"column": column}


def _concerns_a_row(table: pd.DataFrame, check: Check, column: str) -> bool:
    """Whether a check has anything to judge: Great Expectations passes a column without values."""
    if isinstance(check.rule, Exists | HasRows):
        return True
    if isinstance(check.rule, Filled | PartlyFilled) or column not in table.columns:
        return len(table) > 0
    return bool(table[column].notna().any())


def _judgement(check: Check, column: str, result: Any) -> Judgement:  # noqa: ANN401  untyped there
    """Tell passed, failed, not applicable and error apart."""
    nothing = np.array([], dtype=np.int64)
    if result is None:
        return Judgement(check, column, "not_applicable", nothing, 0)
    details = result.result
    if not details and not isinstance(check.rule, Exists):
        return Judgement(check, column, "error", nothing, 0)
    if isinstance(check.rule, Exists | HasRows | PartlyFilled):
        return Judgement(check, column, "passed" if result.success else "failed", nothing, 1)
    unexpected = np.sort(np.asarray(details.get("unexpected_index_list") or [], dtype=np.int64))
    denominator = int(details["element_count"]) - int(details.get("missing_count") or 0)
    return Judgement(check, column, "passed" if result.success else "failed", unexpected, denominator)
