"""Each fact judged once says of every row what Great Expectations says of the whole column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import great_expectations
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.validation import Judged
from checks.validation.adapter import judge
from checks.validation.catalogue import Between, Check, Distinct, Filled, Listed, OneOf, PartlyFilled, Rule

TEXTS = st.lists(st.sampled_from(["a", "b", "absent", "", " a", None]), min_size=1, max_size=12)
NUMBERS = st.lists(
    st.sampled_from([-1.5, -0.1, 0.0, 0.5, 1.0, 1.0000001, 7.0, None]), min_size=1, max_size=12
)


@dataclass(frozen=True)
class Case:
    rule: Rule
    column: str
    expectation: str
    arguments: dict[str, Any]


CASES = [
    Case(OneOf(("a", "absent")), "text", "ExpectColumnValuesToBeInSet", {"value_set": ["a", "absent"]}),
    Case(Listed("names"), "text", "ExpectColumnValuesToBeInSet", {"value_set": ["b"]}),
    Case(Filled(), "text", "ExpectColumnValuesToNotBeNull", {}),
    Case(Distinct(), "text", "ExpectColumnValuesToBeUnique", {}),
    Case(Between(0, 1), "number", "ExpectColumnValuesToBeBetween", {"min_value": 0, "max_value": 1}),
    Case(Between(maximum=0), "number", "ExpectColumnValuesToBeBetween", {"max_value": 0}),
    Case(Between(minimum=0), "number", "ExpectColumnValuesToBeBetween", {"min_value": 0}),
    Case(Filled(), "number", "ExpectColumnValuesToNotBeNull", {}),
    Case(Distinct(), "number", "ExpectColumnValuesToBeUnique", {}),
    Case(
        PartlyFilled(),
        "number",
        "ExpectColumnProportionOfNonNullValuesToBeBetween",
        {"min_value": 0, "strict_min": True},
    ),
]
CHECKS = [
    (Check("one", ("VS",), "conformance", "quarantines", case.column, case.rule, "", "", ""), case.column)
    for case in CASES
]


@pytest.fixture(scope="module")
def batches() -> Any:
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return (
        context.data_sources.add_pandas("whole")
        .add_dataframe_asset("t")
        .add_batch_definition_whole_dataframe("b")
    )


def whole_columns(table: pd.DataFrame, batches: Any) -> list[tuple[bool, list[int]]]:
    """Ask Great Expectations about every row, as one does without facts or memory."""
    expectations = [
        getattr(great_expectations.expectations, case.expectation)(
            column=case.column, meta={"at": at}, **case.arguments
        )
        for at, case in enumerate(CASES)
    ]
    suite = great_expectations.ExpectationSuite(name="whole", expectations=expectations)
    found = batches.get_batch({"dataframe": table}).validate(suite, result_format="COMPLETE").results
    by_place = {one.expectation_config.meta["at"]: one for one in found}
    return [
        (bool(by_place[at].success), sorted(by_place[at].result.get("unexpected_index_list") or []))
        for at in range(len(CASES))
    ]


def judged(table: pd.DataFrame, memory: Judged | None) -> Sequence[tuple[str, list[int], int]]:
    found = judge(table, CHECKS, {"names": ["b"]}, memory)
    return [(one.outcome, one.unexpected.tolist(), one.denominator) for one in found]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=3))
def test_a_memory_changes_nothing_and_rows_fare_as_in_the_whole_column(
    tables: list[tuple[list[str | None], list[float | None]]], batches: Any
) -> None:
    memory = Judged()
    for texts, numbers in tables:
        rows = min(len(texts), len(numbers))
        table = pd.DataFrame(
            {
                "text": pd.Series(texts[:rows], dtype="str"),
                "number": np.array(numbers[:rows], dtype=np.float64),
            }
        )
        remembered = judged(table, memory)
        assert remembered == judged(table, None)
        assert remembered == judged(table, memory)
        for (outcome, rows_found, counted), (success, whole) in zip(
            remembered, whole_columns(table, batches), strict=True
        ):
            assert rows_found == whole
            assert outcome == ("not_applicable" if not counted else "passed" if success else "failed")
