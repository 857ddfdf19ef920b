"""Decide, with Great Expectations, which rows of a table do not conform: the one place that calls it.

Three of its habits are met here. A table without rows passes every column expectation: a check without rows to
judge is not applicable. A missing column is an entry in the result, not a raised error: it is told from a
failure. Results carry raw values unless told otherwise: only the rows' positions are asked for.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        One row a record, with a plain index from 0; a missing value means that a check does not concern the row.
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
    texts = table.select_dtypes("str").columns
    narrow = table.astype(dict.fromkeys(texts, "category"))
    with _ONE_AT_A_TIME:
        results = _validate(narrow, [_expectation(*pair, lists) for pair in checks])
    return tuple(
        _judgement(check, column, results[index], len(table)) for index, (check, column) in enumerate(checks)
    )


def _validate(table: pd.DataFrame, expectations: Sequence[Any]) -> dict[int, Any]:
    """Run one suite on one table; results by the position of their expectation (they come in another order)."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # read once, on import: no usage data leaves the machine
    import great_expectations as gx  # noqa: PLC0415  takes 5 s, so only a look pays for it

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("feed").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    for index, expectation in enumerate(expectations):
        expectation.meta = {"position": index}
    suite = gx.ExpectationSuite(name="checks", expectations=list(expectations))
    validated = batch.validate(suite, result_format=_RESULT_FORMAT)
    return {result.expectation_config.meta["position"]: result for result in validated.results}


def _expectation(check: Check, column: str, lists: Mapping[str, Sequence[str]]) -> Any:  # noqa: ANN401  untyped there
    """Return the expectation that a check of the catalogue stands for."""
    from great_expectations import expectations as gxe  # noqa: PLC0415  see above

    match check.rule:
        case OneOf(values):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))
        case Listed(name):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(lists[name]))
        case Between(minimum, maximum):
            return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=minimum, max_value=maximum)
        case Distinct():
            return gxe.ExpectColumnValuesToBeUnique(column=column)
        case Filled():
            return gxe.ExpectColumnValuesToNotBeNull(column=column)
        case Exists():
            return gxe.ExpectColumnToExist(column=column)
        case HasRows():
            return gxe.ExpectTableRowCountToBeBetween(min_value=1)
        case PartlyFilled():
            return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
                column=column, min_value=0, strict_min=True
            )


def _judgement(check: Check, column: str, result: Any, rows: int) -> Judgement:  # noqa: ANN401  untyped there
    """Tell passed, failed, not applicable and error apart."""
    nothing = np.array([], dtype=np.int64)
    details = result.result
    if not isinstance(check.rule, Exists | HasRows) and rows == 0:
        return Judgement(check, column, "not_applicable", nothing, 0)
    if not details and not isinstance(check.rule, Exists):
        return Judgement(check, column, "error", nothing, 0)
    if isinstance(check.rule, Exists | HasRows | PartlyFilled):
        return Judgement(check, column, "passed" if result.success else "failed", nothing, 1)
    unexpected = np.sort(np.asarray(details.get("unexpected_index_list") or [], dtype=np.int64))
    denominator = int(details["element_count"]) - int(details.get("missing_count") or 0)
    if denominator == 0:
        return Judgement(check, column, "not_applicable", nothing, 0)
    return Judgement(check, column, "passed" if result.success else "failed", unexpected, denominator)
