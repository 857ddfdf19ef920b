"""How far times are from the nearest of others of the same subject, and whether many are off by one amount."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

ALIKE: Final = 5 / 60
"""Hours. Times off by amounts this near are off by one: a clock, not the hands of those who charted."""

NEARLY_ALL: Final = 0.9
"""The share of rows off by one amount that is a shift of all: a tenth may be mistyped besides."""

_SUBJECT: Final = 1 << 36
_TO_POSITIVE: Final = 1 << 33
"""Seconds since 1970 of the years 1900 to 2300, made positive by the second number, are below the first."""

Keys = npt.NDArray[np.int64]


def durations(hours: "pd.Series[float]") -> "pd.Series[pd.Timedelta]":
    """Return hours, none missing, as durations to the second: no year is too far for them."""
    return (hours * 3600).round().astype("int64").astype("timedelta64[s]")


def gaps(asked: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return of each span how far it is from the nearest of some, of its subject.

    Both tables have ``USUBJID``, ``earliest`` and ``latest``.

    Returns
    -------
    pandas.DataFrame
        With the index of ``asked``: ``hours`` from the nearest (above 0: later than it; 0: they can meet; missing
        where the subject has none), and ``place``, its position among ``points`` where they do not meet.
    """
    codes = pd.factorize(pd.concat([points["USUBJID"], asked["USUBJID"]]))[0]
    of_points, mine = codes[: len(points)], codes[len(points) :]
    starts, ends = (_keys(of_points, points[name]) for name in ("earliest", "latest"))
    first, last = (_keys(mine, asked[name]) for name in ("earliest", "latest"))
    by_start, by_end = np.argsort(starts, kind="stable"), np.argsort(ends, kind="stable")
    begun = np.searchsorted(starts[by_start], last, side="right")
    over = np.searchsorted(ends[by_end], first, side="left")
    nowhere = np.int64(-1)
    after, before = np.append(by_start, nowhere)[begun], np.append(by_end, nowhere)[over - 1]
    since, until = _apart(first, ends, before), _apart(last, starts, after)
    nearer = since <= until
    hours = np.where(begun > over, 0.0, np.where(nearer, since, -until)) / 3600
    place = np.where(nearer, before, after)
    known = np.where(np.isinf(hours), np.nan, hours)
    return pd.DataFrame({"hours": known, "place": place}, index=asked.index)


def _keys(codes: npt.NDArray[np.int64], instants: "pd.Series[pd.Timestamp]") -> Keys:
    """Return instants as numbers that keep subjects apart."""
    keys: Keys = codes * _SUBJECT + instants.dt.as_unit("s").astype("int64").to_numpy() + _TO_POSITIVE
    return keys


def _apart(asked: Keys, points: Keys, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the seconds between instants and points at some places; infinite where those are of another subject."""
    if not len(points):
        return np.full(len(asked), np.inf)
    theirs = points[places]
    same = (places >= 0) & (theirs // _SUBJECT == asked // _SUBJECT)
    return np.where(same, np.abs(asked - theirs), np.inf)


def shifts(
    hours: "pd.Series[float]", groups: "pd.Series[str]", *, over: float, fewest: int
) -> "pd.Series[float]":
    """Return of each row by how many hours nearly all of its group are off; missing where they are not.

    Parameters
    ----------
    hours
        How far each row is off.
    groups
        Of the same index: rows without one are in none.
    over
        What is not further off than so many hours is not off.
    fewest
        So many rows, at least, make a group.
    """
    by_group = hours.groupby(groups)
    middle, size = by_group.transform("median"), by_group.transform("size")
    alike = ((hours - middle).abs() <= ALIKE).groupby(groups).transform("mean")
    return middle.where((middle.abs() > over) & (alike >= NEARLY_ALL) & (size >= fewest))
