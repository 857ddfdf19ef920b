"""Segments of an administration: when giving stopped and was resumed, in words, and when it ended."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.spans import HOUR

NONE: Final = ""
"""What is said of an administration without a pause."""


def segments_of(rows: pd.DataFrame, dose: "pd.Series[int]") -> pd.DataFrame:
    """Return of each dose how many ``segments`` it has, its ``interruptions`` in words, and when it ``ended``.

    Parameters
    ----------
    rows
        Rows of EX by subject and start, with ``reach``: the end of each, or its start where none is known.
    dose
        The dose of each row.

    Hours run from the first start. A pause is between the end of all rows before and the start of the next; where
    one of those has no end, or a time is not known to the instant, nothing is said of when it began.
    """
    before = rows["reach"].groupby(dose).cummax().groupby(dose).shift()
    paused = rows["earliest"] > before
    ended = rows["ends_latest"].where(rows["ends_latest"].notna().groupby(dose).transform("all"))
    return pd.DataFrame(
        {
            "segments": paused.groupby(dose).sum() + 1,
            "interruptions": _interruptions(rows, dose, before, paused),
            "ended": ended.groupby(dose).max(),
        },
        index=np.sort(dose.unique()),
    ).fillna({"interruptions": NONE})


def _interruptions(
    rows: pd.DataFrame, dose: "pd.Series[int]", before: "pd.Series[pd.Timestamp]", paused: "pd.Series[bool]"
) -> "pd.Series[str]":
    """Return in words, by dose, the pauses between what was given ``before`` and the rows that resume."""
    if not paused.any():
        return pd.Series(dtype="str")
    exact = (rows["earliest"] == rows["latest"]) & (rows["ends_earliest"] == rows["ends_latest"])
    known = exact.groupby(dose).cummin().groupby(dose).shift().fillna(value=False).astype("bool")
    begun = rows["earliest"].groupby(dose).transform("min")
    sure = paused & known & (rows["earliest"] == rows["latest"])
    words = _words(*(_hours((one - begun)[sure]) for one in (before, rows["earliest"])))
    said = pd.Series(words, index=rows.index[sure], dtype="str")
    return said.groupby(dose[sure]).agg("; ".join)


def _hours(times: "pd.Series[pd.Timedelta]") -> npt.NDArray[np.float64]:
    return np.asarray(times.dt.total_seconds() / HOUR, np.float64)


def _words(stopped: npt.NDArray[np.float64], resumed: npt.NDArray[np.float64]) -> list[str]:
    pairs = zip(stopped.round(2), resumed.round(2), strict=True)
    return [f"interrupted at {one:g} h, resumed at {other:g} h" for one, other in pairs]
