"""What is remembered of a rule answers only for what it settles."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.validation.catalogue import Between, Distinct, Exists, Filled, HasRows, OneOf, PartlyFilled, Rule
from checks.validation.judged import ONCE, REPEATED, UNKNOWN, Column, Judged, facts_of

LIMITS = st.sampled_from([(0.0, 1.0), (None, 0.0), (0.0, None)])
NUMBERS = st.lists(st.one_of(st.sampled_from([0.0, 1.0, -0.1, 1.1]), st.floats(-3, 3)), max_size=6)


@given(limits=LIMITS, batches=st.lists(NUMBERS, max_size=5), asked=NUMBERS)
def test_a_remembered_range_never_says_what_the_rule_would_not(
    limits: tuple[float | None, float | None], batches: list[list[float]], asked: list[float]
) -> None:
    rule = Between(*limits)

    def conforms(number: float) -> bool:
        low, high = limits
        return (low is None or number >= low) and (high is None or number <= high)

    judged = Judged()
    for batch in batches:
        judged.learn((rule, ()), batch, [conforms(number) for number in batch])
    answers = judged.recall((rule, ()), asked)
    assert all(answer in (UNKNOWN, conforms(number)) for number, answer in zip(asked, answers, strict=True))
    learned = [number for batch in batches for number in batch if conforms(number)]
    assert UNKNOWN not in judged.recall((rule, ()), learned)


TABLE = pd.DataFrame(
    {
        "state": pd.Series(["b", None, "a", "b"], dtype="str"),
        "key": [2.0, 1.0, 2.0, np.nan],
        "nothing": [np.nan] * 4,
    }
)


@pytest.mark.parametrize(
    ("rule", "column", "codes", "values"),
    [
        (OneOf(("a",)), "state", [0, -1, 1, 0], ["b", "a"]),
        (Distinct(), "key", [1, 0, 1, -1], [ONCE, REPEATED]),
        (Filled(), "state", [1, 0, 1, 1], [False, True]),
        (Filled(), "nothing", [0, 0, 0, 0], [False]),
        (PartlyFilled(), "nothing", [0], [False]),
        (PartlyFilled(), "key", [0], [True]),
        (Exists(), "missing", [0], [Column.ABSENT]),
        (OneOf(("a",)), "missing", [0], [Column.ABSENT]),
        (HasRows(), "", [0], [True]),
    ],
)
def test_each_row_points_to_the_fact_that_settles_it(
    rule: Rule, column: str, codes: list[int], values: list[object]
) -> None:
    facts = facts_of(TABLE, rule, column)
    assert (facts.codes.tolist(), list(facts.values)) == (codes, values)


def test_a_word_that_a_subject_wrote_is_never_a_missing_column() -> None:
    written = pd.DataFrame({"state": pd.Series(["absent", "ABSENT", "Column.ABSENT"], dtype="str")})
    assert Column.ABSENT not in facts_of(written, OneOf(("absent",)), "state").values


def test_what_was_said_of_one_list_is_not_said_of_another() -> None:
    judged = Judged()
    judged.learn((OneOf(("a",)), ()), ["a", "b"], [True, False])
    assert judged.recall((OneOf(("a",)), ()), ["b", "a", "c"]).tolist() == [0, 1, UNKNOWN]
    assert judged.recall((OneOf(("b",)), ()), ["a", "b"]).tolist() == [UNKNOWN, UNKNOWN]
