"""What a witness says of the times of rows: of which it speaks, and which it contradicts."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

TWO_DAYS: Final = 48.0
TEN_HOURS: Final = 10.0
"""Hours: what is further apart is told in days, or in whole hours, so that few sizes are told."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness says: of which rows it speaks, why it contradicts one, and when that row was by its word.

    Reason and span are missing where it does not contradict.
    """

    speaks: "pd.Series[bool]"
    against: "pd.Series[str]"
    earliest: "pd.Series[pd.Timestamp]"
    latest: "pd.Series[pd.Timestamp]"


def testimony(index: pd.Index, speaks: pd.Index, against: "pd.Series[str]", told: pd.DataFrame) -> Testimony:
    """Return a testimony of all rows from what it is of: where it speaks, and each reason with the time told."""
    there = told.loc[against.index, ["earliest", "latest"]].reindex(index)
    return Testimony(
        pd.Series(index.isin(speaks), index), against.reindex(index), there["earliest"], there["latest"]
    )


def apart(hours: float) -> str:
    """Say how far a time is from what its witness tells: "4 h ahead", "90 min behind", "3 days ahead"."""
    size, side = abs(hours), "ahead" if hours > 0 else "behind"
    if size > TWO_DAYS:
        return f"{size / 24:.0f} days {side}"
    minutes = round(size * 60)
    if size < TEN_HOURS and minutes % 60:
        return f"{minutes} min {side}"
    return f"{size:.0f} h {side}"
