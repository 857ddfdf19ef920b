"""Where rows that failed a check are: in which file, and at which of its rows."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

MOST_RUNS: Final = 3
"""Runs of rows that are named: where to look first; ``quarantine.csv`` lists each row."""


def place_of(provenance: pd.DataFrame) -> str:
    """Say in which file some rows are, and their numbers there: "vs.csv, rows 2-40, 44 and 12 more rows".

    Of several files it is that with the most of them; the others are counted.
    """
    files = provenance["source_file"].value_counts()
    first = min(files.index, key=lambda name: (-files[name], name))
    numbers = np.sort(provenance.loc[provenance["source_file"] == first, "source_row"].to_numpy(np.int64))
    others = (
        f", and in {len(files) - 1} more {'file' if len(files) == 2 else 'files'}" if len(files) > 1 else ""
    )
    return f"{first}, {'row' if len(numbers) == 1 else 'rows'} {_runs(numbers)}{others}"


def _runs(numbers: npt.NDArray[np.int64]) -> str:
    runs: Sequence[npt.NDArray[np.int64]] = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:MOST_RUNS]]
    more = sum(len(run) for run in runs[MOST_RUNS:])
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
