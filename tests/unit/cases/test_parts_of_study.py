"""A study is divided by subject: each wholly in one part, of about as many rows each."""

import numpy as np
import pandas as pd

from checks.cases.parts_of_study import divide, rows_by_part


def of(*subjects: str | None) -> "pd.Series[str]":
    return pd.Series(subjects, dtype="str")


def test_parts_have_about_as_many_rows_and_no_subject_is_in_two() -> None:
    rows = of(*("A" * 6), *("B" * 2), *("C" * 1), *("D" * 3))
    division = divide(rows, 2)
    assert division.of(rows).tolist() == [0] * 6 + [1] * 6


def test_there_are_no_more_parts_than_subjects() -> None:
    rows = of("A", "B", "A")
    division = divide(rows, 8)
    assert division.parts == 2
    assert division.of(rows).tolist() == [0, 1, 0]


def test_blank_and_unknown_subjects_are_in_the_first_part() -> None:
    division = divide(of("A", None, "B"), 2)
    assert division.of(of("B", None, "Z", "A")).tolist() == [1, 0, 0, 0]


def test_a_table_without_rows_is_one_part() -> None:
    division = divide(of(), 4)
    assert division.parts == 1
    assert division.of(of("A")).tolist() == [0]


def test_rows_keep_their_order_in_their_part() -> None:
    rows = rows_by_part(np.array([1, 0, 1, 0, 0], dtype=np.int64), 3)
    assert [part.tolist() for part in rows] == [[1, 3, 4], [0, 2], []]
