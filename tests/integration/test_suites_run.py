"""Suites through the real Great Expectations: what it lets pass, what it only mentions, and what it would tell."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from checks.validation.catalogue.check import (
    FILLED,
    HAS_ROWS,
    UNIQUE,
    Check,
    Expected,
    between,
    in_set,
)
from checks.validation.judging import NO_ROWS, Judgement, great_expectations, judge


def check_of(expected: Expected, column: str = "", **changes: Any) -> Check:
    kwargs = ({"column": column} if column else {}) | dict(expected.kwargs)
    columns = tuple(str(kwargs[name]) for name in ("column", "column_A", "column_B") if name in kwargs)
    given = {"name": "one", "severity": "quarantines", "beside": ()} | changes
    return Check(
        domains=("VS",),
        category="conformance",
        columns=columns,
        expected=Expected(expected.type, kwargs),
        numerator="bad",
        denominator="all",
        message="{column}",
        **given,
    )


TABLE = pd.DataFrame(
    {
        "state": pd.Series(["fine", "bad", None, "fine"], dtype="category"),
        "other": pd.Series(["fine", "fine", "bad", "worse"], dtype="category"),
        "number": [0.0, 1.5, None, -0.1],
        "key": [1, 2, 2, 3],
        "nothing": pd.Series([None] * 4, dtype="float64"),
        "first": pd.to_datetime(["2024-01-01", "2024-01-02", None, "2024-01-04"]),
        "second": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-04"]),
    }
)
PARTLY_FILLED = Expected(
    "expect_column_proportion_of_non_null_values_to_be_between", {"min_value": 0, "strict_min": True}
)
COLUMNS = Expected("expect_table_columns_to_match_set", {"column_set": ["key", "lost"], "exact_match": False})
MEAN = Expected("expect_column_mean_to_be_between", {"max_value": -1})
IN_ORDER = Expected(
    "expect_column_pair_values_a_to_be_greater_than_b",
    {"column_A": "second", "column_B": "first", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
)


def judge_one(check: Check, table: pd.DataFrame = TABLE) -> Judgement:
    (found,), _ = judge("VS", table, [check])
    return found


@pytest.mark.parametrize(
    ("expected", "column", "outcome", "unexpected", "counts"),
    [
        (in_set("fine"), "state", "failed", [1], (1, 3)),
        (in_set("fine", "bad"), "state", "passed", [], (0, 3)),
        (in_set(), "state", "failed", [0, 1, 3], (3, 3)),
        (between(0, 1), "number", "failed", [1, 3], (2, 3)),
        (between(0), "number", "failed", [3], (1, 3)),
        (between(maximum=0), "number", "failed", [1], (1, 3)),
        (UNIQUE, "key", "failed", [1, 2], (2, 4)),
        (FILLED, "state", "failed", [2], (1, 4)),
        (FILLED, "nothing", "failed", [0, 1, 2, 3], (4, 4)),
        # what is missing is no concern of a check: of nothing it says nothing
        (in_set("fine"), "nothing", "not_applicable", [], (0, 0)),
        (IN_ORDER, "", "failed", [1], (1, 3)),
        # a column that is missing is an error of the check, not a failure of the rows, nor a pass
        (in_set("fine"), "missing", "error", [], (0, 0)),
        (PARTLY_FILLED, "missing", "error", [], (0, 0)),
        # so is what the values cannot bear
        (between(0), "state", "error", [], (0, 0)),
    ],
)
def test_a_check_gives_its_rows_and_its_counts(
    expected: Expected, column: str, outcome: str, unexpected: list[int], counts: tuple[int, int]
) -> None:
    found = judge_one(check_of(expected, column))
    assert (found.outcome, found.unexpected.tolist()) == (outcome, unexpected)
    assert (found.numerator, found.denominator) == counts


@pytest.mark.parametrize(
    ("expected", "column", "outcome", "counts", "missing"),
    [
        (HAS_ROWS, "", "passed", (0, 1), ()),
        (PARTLY_FILLED, "state", "passed", (0, 1), ()),
        (PARTLY_FILLED, "nothing", "failed", (1, 1), ()),
        (COLUMNS, "", "failed", (1, 2), ("lost",)),
    ],
)
def test_a_check_of_the_whole_feed_counts_columns(
    expected: Expected, column: str, outcome: str, counts: tuple[int, int], missing: tuple[str, ...]
) -> None:
    found = judge_one(check_of(expected, column, severity="blocks"))
    assert (found.outcome, found.missing) == (outcome, missing)
    assert (found.numerator, found.denominator) == counts


def test_a_table_without_rows_passes_nothing() -> None:
    empty = TABLE.head(0)
    each = [check_of(one, "number") for one in (in_set("fine"), between(0), UNIQUE, FILLED, PARTLY_FILLED)]
    assert {judge_one(check, empty).outcome for check in each} == {"not_applicable"}
    assert judge_one(check_of(HAS_ROWS, severity="blocks"), empty).outcome == "failed"


def test_a_failure_without_rows_withholds_none_and_so_is_an_error() -> None:
    found = judge_one(check_of(MEAN, "number"))
    assert (found.outcome, found.fault) == ("error", NO_ROWS)
    assert judge_one(check_of(MEAN, "number", severity="warns")).outcome == "failed"


def test_texts_that_are_compared_with_each_other_without_common_categories_pass_nothing() -> None:
    pair = Expected("expect_column_pair_values_to_be_equal", {"column_A": "state", "column_B": "other"})
    assert judge_one(check_of(pair)).outcome == "error"


def test_rows_beside_a_condition_keep_their_places() -> None:
    condition = {"row_condition": 'state == "fine"', "condition_parser": "pandas"}
    expected = Expected(between(0).type, {"min_value": 0.0} | condition)
    found = judge_one(check_of(expected, "number", beside=("state",)))
    assert (found.unexpected.tolist(), found.denominator) == ([3], 2)


def test_judgements_come_in_the_order_of_the_checks() -> None:
    checks = [
        check_of(expected, column, name=f"{expected.type} {column}")
        for expected in (FILLED, UNIQUE)
        for column in ("key", "state", "number")
    ]
    found, suite = judge("VS", TABLE, checks)
    assert [one.check for one in found] == checks
    assert [one.expectation_config for one in suite.results] == [one.config() for one in checks]


def test_looks_may_judge_at_the_same_time() -> None:
    checks = [check_of(in_set("fine"), "state", name="a"), check_of(FILLED, "state", name="b")]
    sizes = [1, 2, 3, 4] * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: judge("VS", TABLE.head(size), checks)[0], sizes))
    expected: Mapping[int, Any] = {1: ([], []), 2: ([1], []), 3: ([1], [2]), 4: ([1], [2])}
    assert [tuple(one.unexpected.tolist() for one in each) for each in found] == [
        expected[size] for size in sizes
    ]


SECRET = pd.DataFrame(
    {
        "text": pd.Series(["SUBJECT-77", "fine"] * 2, dtype="category"),
        "number": [731.25, 1.0, 2.0, np.nan],
    }
)


def test_results_show_counts_and_no_value_of_a_row() -> None:
    checks = [
        check_of(in_set("fine"), "text", name="a"),
        check_of(between(maximum=5), "number", name="b"),
        check_of(Expected("expect_column_max_to_be_between", {"max_value": 5}), "number", severity="warns", name="c"),
        check_of(Expected("expect_column_distinct_values_to_be_in_set", {"value_set": ["fine"]}), "text",
                 severity="warns", name="d"),
        check_of(between(maximum=5), "text", name="e"),  # raises: compares a text with a number
    ]  # fmt: skip
    judgements, suite = judge("VS", SECRET, checks)
    assert [one.outcome for one in judgements] == ["failed", "failed", "failed", "failed", "error"]
    shown = json.dumps(asdict(suite), allow_nan=False) + repr([one.fault for one in judgements])
    assert "SUBJECT-77" not in shown and "731" not in shown
    assert suite.results[0].result["unexpected_count"] == 2
    assert suite.results[2].result == {}
    assert suite.results[4].exception_info["raised_exception"] is True
    assert judgements[4].fault == "TypeError"


def test_results_are_in_the_form_of_great_expectations() -> None:
    _, suite = judge("VS", TABLE, [check_of(FILLED, "state")])
    from great_expectations.core.expectation_validation_result import (  # noqa: PLC0415  takes seconds
        expectationSuiteValidationResultSchema,
    )

    written = json.loads(json.dumps(asdict(suite)))
    read = expectationSuiteValidationResultSchema.load(written)
    assert (read["success"], read["suite_name"]) == (False, "VS")
    (result,) = read["results"]
    assert result.expectation_config.type == FILLED.type
    assert result.result["unexpected_count"] == 1


def test_nothing_of_a_run_is_kept_but_the_suite() -> None:
    judge("VS", TABLE, [check_of(FILLED, "state")])
    context, _ = great_expectations()._context()
    assert context.validation_results_store.list_keys() == []


def test_an_expectation_of_a_suite_makes_its_configuration_once() -> None:
    engine = great_expectations()
    config = asdict(check_of(between(0, 1), "number").config())
    settled, plain = engine._settled_expectation(config), engine.expectation_of(config)
    assert settled.configuration is settled.configuration
    assert settled.configuration.kwargs == plain.configuration.kwargs == config["kwargs"]
    before, settled.id = settled.configuration, "another"
    assert settled.configuration is not before and settled.configuration.id == "another"


def test_what_concerns_no_row_is_not_asked_for() -> None:
    """Beside a check of some rows; of the study's own, of the whole feed and of what is blank all are asked."""
    several = [
        check_of(in_set("fine"), "state"),
        check_of(in_set("fine"), "nothing"),
        check_of(FILLED, "nothing"),
        check_of(HAS_ROWS, severity="blocks"),
    ]
    found, suite = judge("VS", TABLE, several)
    assert [one.outcome for one in found] == ["failed", "not_applicable", "failed", "passed"]
    assert len(suite.results) == 3
