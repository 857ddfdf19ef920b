"""The adapter against the real Great Expectations: what it lets pass, and what it only mentions."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from checks.validation.adapter import judge
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


def check_of(rule: Rule) -> Check:
    return Check("one", ("VS",), "conformance", "quarantines", "value", rule, "bad", "all", "{column}")


TABLE = pd.DataFrame(
    {
        "state": pd.Series(["fine", "bad", None, "fine"], dtype="str"),
        "number": [0.0, 1.5, None, -0.1],
        "key": [1, 2, 2, 3],
        "nothing": pd.Series([None] * 4, dtype="float64"),
    }
)


@pytest.mark.parametrize(
    ("rule", "column", "outcome", "unexpected", "denominator"),
    [
        (OneOf(("fine",)), "state", "failed", [1], 3),
        (OneOf(("fine", "bad")), "state", "passed", [], 3),
        (Listed("names"), "state", "failed", [0, 3], 3),
        (Listed("nobody"), "state", "failed", [0, 1, 3], 3),
        (Between(minimum=0, maximum=1), "number", "failed", [1, 3], 3),
        (Between(minimum=0), "number", "failed", [3], 3),
        (Between(maximum=0), "number", "failed", [1], 3),
        (Distinct(), "key", "failed", [1, 2], 4),
        (Filled(), "state", "failed", [2], 4),
        (Filled(), "nothing", "failed", [0, 1, 2, 3], 4),
        (OneOf(("fine",)), "nothing", "not_applicable", [], 0),
        (Exists(), "state", "passed", [], 1),
        (Exists(), "missing", "failed", [], 1),
        (PartlyFilled(), "state", "passed", [], 1),
        (PartlyFilled(), "nothing", "failed", [], 1),
        (HasRows(), "", "passed", [], 1),
        # A column that is missing is an error of the check, not a failure of the rows.
        (OneOf(("fine",)), "missing", "error", [], 0),
        (PartlyFilled(), "missing", "error", [], 0),
    ],
)
def test_a_rule_gives_its_rows_and_its_counts(
    rule: Rule, column: str, outcome: str, unexpected: list[int], denominator: int
) -> None:
    (found,) = judge(TABLE, [(check_of(rule), column)], {"names": ["bad"], "nobody": []})
    assert (found.outcome, found.unexpected.tolist(), found.denominator) == (outcome, unexpected, denominator)


def test_a_table_without_rows_passes_nothing() -> None:
    rules = (OneOf(("fine",)), Between(minimum=0), Distinct(), Filled(), PartlyFilled())
    found = judge(TABLE.head(0), [(check_of(rule), "number") for rule in rules], {})
    assert {one.outcome for one in found} == {"not_applicable"}
    (rows,) = judge(TABLE.head(0), [(check_of(HasRows()), "")], {})
    assert rows.outcome == "failed"


def test_looks_may_judge_at_the_same_time() -> None:
    pairs = [(check_of(OneOf(("fine",))), "state"), (check_of(Filled()), "state")]
    sizes = [1, 2, 3, 4] * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: judge(TABLE.head(size), pairs, {}), sizes))
    expected = {1: ([], []), 2: ([1], []), 3: ([1], [2]), 4: ([1], [2])}
    assert [tuple(one.unexpected.tolist() for one in each) for each in found] == [
        expected[size] for size in sizes
    ]


def test_judgements_come_in_the_order_of_the_checks() -> None:
    pairs = [
        (check_of(rule), column) for rule in (Filled(), Distinct()) for column in ("key", "state", "number")
    ]
    assert [(one.check, one.column) for one in judge(TABLE, pairs, {})] == pairs
