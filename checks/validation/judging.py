"""What a suite says of a feed: each check's outcome, counts and rows; and Great Expectations' own results.

Nothing of a row's values is kept: of a result its counts alone, of an exception its kind.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.validation.catalogue.check import FILLED, Check
from checks.validation.results import ExpectationResult, Outcome, SuiteResult

Positions = npt.NDArray[np.int64]

COUNTED: Final = (
    "element_count",
    "unexpected_count",
    "missing_count",
    "unexpected_percent",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
)
"""What is kept of a result: nothing else is free of values."""

NO_ROWS: Final = "no rows"
"""The fault of a check that quarantines, failed, and named no row."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Great Expectations says of one check: ``numerator`` of ``denominator`` did not conform.

    ``unexpected`` has the positions of rows, ``missing`` the columns that a whole feed lacks. ``fault`` says
    of an error what kind it is: of exception, or that the table lacks a column that the check names.
    """

    check: Check
    outcome: Outcome
    numerator: int = 0
    denominator: int = 0
    unexpected: Positions = field(default_factory=lambda: np.array([], dtype=np.int64))
    missing: tuple[str, ...] = ()
    fault: str = ""


@cache
def great_expectations() -> ModuleType:
    """Return the module that speaks with Great Expectations, imported when first needed: it takes seconds."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # it reads this once, on import: no usage data leaves
    from checks.validation import checkpoint

    return checkpoint


def judge(
    domain: str, table: pd.DataFrame, checks: Sequence[Check]
) -> tuple[tuple[Judgement, ...], SuiteResult]:
    """Judge a prepared table by a suite: one judgement a check, in their order, and the same as it is written.

    The table has one row a record, with a plain index from 0; where a value is missing, a check does not concern
    the row. One that concerns no row at all is not asked for: each takes Great Expectations 5 ms, whatever the rows.
    """
    blank = frozenset(table.columns[~table.notna().any()])
    concerned = [place for place, one in enumerate(checks) if _concerns_some(one, blank)]
    places = concerned or range(len(checks))
    asked = [checks[place] for place in places]
    configs, reads = [one.config() for one in asked], [one.reads for one in asked]
    found = great_expectations().run(domain, configs, reads, table)
    results = [found[place] for place in range(len(asked))]
    judged = [Judgement(one, "not_applicable") for one in checks]
    for place, one, result in zip(places, asked, results, strict=True):
        judged[place] = _judgement(one, result, table)
    return tuple(judged), _suite_result(domain, asked, results)


def _concerns_some(check: Check, blank: Set[str]) -> bool:
    """Whether a check concerns some row, or the whole table; what a study expects itself is always asked for."""
    if check.file or check.is_structural or not check.columns or check.expected.type == FILLED.type:
        return True
    return not blank >= set(check.columns)


def _judgement(check: Check, result: Any, table: pd.DataFrame) -> Judgement:  # noqa: ANN401  untyped there
    """Tell passed, failed, not applicable and error apart."""
    if check.columns and not len(table):  # passed, says Great Expectations
        return Judgement(check, "not_applicable")
    if _raised(result):
        lacking = [name for name in check.reads if name not in table.columns]
        fault = f"no column {' or '.join(lacking)}" if lacking else _kind(result.exception_info)
        return Judgement(check, "error", fault=fault)
    found = (_of_rows if "element_count" in result.result else _of_table)(check, result)
    if found.outcome == "failed" and check.severity == "quarantines" and not len(found.unexpected):
        return Judgement(check, "error", fault=NO_ROWS)
    return found


def _of_rows(check: Check, result: Any) -> Judgement:  # noqa: ANN401 - untyped there
    """Judge an expectation of each row: those without a value are no concern of it."""
    counts = result.result
    denominator = int(counts["element_count"]) - int(counts.get("missing_count") or 0)
    if not denominator:
        return Judgement(check, "not_applicable")
    # of a check that passes all the same (``mostly``) no row is named
    rows = [] if result.success else counts.get("unexpected_index_list") or []
    unexpected = np.sort(np.array(rows, dtype=np.int64))
    return Judgement(check, _outcome(result), int(counts["unexpected_count"]), denominator, unexpected)


def _of_table(check: Check, result: Any) -> Judgement:  # noqa: ANN401 - untyped there
    """Judge an expectation of the whole table, or of a whole column: it counts as one, or as its columns."""
    columns = check.expected.kwargs.get("column_set")
    if isinstance(columns, list):
        lacking = result.result.get("details", {}).get("mismatched", {}).get("missing", ())
        named = zip(check.columns or columns, columns, strict=True)
        missing = tuple(column for column, name in named if name in lacking)
        return Judgement(check, _outcome(result), len(missing), len(columns), missing=missing)
    return Judgement(check, _outcome(result), int(not result.success), 1)


def _outcome(result: Any) -> Outcome:  # noqa: ANN401 - untyped there
    return "passed" if result.success else "failed"


def _raised(result: Any) -> bool:  # noqa: ANN401 - untyped there
    """Whether an expectation raised: its information is then by metric, and does not say so at its top."""
    info: Mapping[str, object] = result.exception_info or {}
    return bool(info.get("raised_exception", True))


def _kind(info: Mapping[str, object]) -> str:
    """Return the kind of the exception: its message may hold values, its traceback ends in its name."""
    each = [info, *(one for one in info.values() if isinstance(one, Mapping))]
    traceback = "\n".join(str(one.get("exception_traceback")) for one in each)
    kind = re.search(
        r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception))\b", traceback, flags=re.MULTILINE
    )
    return kind[1] if kind else "an exception"


def _suite_result(domain: str, checks: Sequence[Check], results: Sequence[Any]) -> SuiteResult:
    """Return the results in Great Expectations' form, without a value of any row."""
    kept = tuple(
        ExpectationResult(
            success=bool(result.success),
            expectation_config=check.shown_config(),
            result={name: _finite(result.result[name]) for name in COUNTED if name in result.result},
            exception_info=_scrubbed(result),
        )
        for check, result in zip(checks, results, strict=True)
    )
    succeeded = sum(one.success for one in kept)
    statistics = {
        "evaluated_expectations": len(kept),
        "successful_expectations": succeeded,
        "unsuccessful_expectations": len(kept) - succeeded,
        "success_percent": 100 * succeeded / len(kept),
    }
    meta = {"great_expectations_version": version("great_expectations")}
    return SuiteResult(succeeded == len(kept), domain, kept, statistics, meta)


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number


def _scrubbed(result: Any) -> dict[str, bool | str | None]:  # noqa: ANN401 - untyped there
    raised = _raised(result)
    message = _kind(result.exception_info) if raised else None
    return {"raised_exception": raised, "exception_message": message, "exception_traceback": None}
