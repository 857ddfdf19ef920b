"""Where rows that failed a check are said to be."""

import pandas as pd
import pytest

from checks.validation.whereabouts import place_of


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([7], "vs.csv, row 7"),
        ([4, 2, 3], "vs.csv, rows 2-4"),
        ([2, 3, 9], "vs.csv, rows 2-3, 9"),
        ([2, 4, 6, 8, 9], "vs.csv, rows 2, 4, 6 and 2 more"),
    ],
)
def test_rows_are_named_by_their_file_in_runs(rows, said):
    assert place_of(pd.DataFrame({"source_file": "vs.csv", "source_row": rows})) == said


def test_of_several_files_that_with_the_most_is_named():
    files = ["a.csv", "b.csv", "b.csv", "c.csv"]
    rows = pd.DataFrame({"source_file": files, "source_row": [2, 5, 6, 2]})
    assert place_of(rows) == "b.csv, rows 5-6, and in 2 more files"
    assert place_of(rows.iloc[:3]) == "b.csv, rows 5-6, and in 1 more file"
