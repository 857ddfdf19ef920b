"""Rows whose times contradict the order in which they were planned: of time points, and of the days of visits.

A plan says which of two was to be first, and no more: visits are late by weeks, and time points by minutes. Where the
order of the times is another, by more than that, one of the two times is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.numbers import read_numbers
from checks.validation.raw import Source
from checks.validation.testimony import Testimony, apart, testimony
from checks.validation.time_gaps import durations

DAY_HOURS: Final = 24.0
MONTH_HOURS: Final = 31 * DAY_HOURS
"""A time is mistyped, or its date kept when it was over, by whole days; a date by whole months."""

POINT_HOURS: Final = 1.0
"""What is charted by hand is charted within the hour: two time points within it may change places."""

VISIT_HOURS: Final = 14 * DAY_HOURS
"""Visits change places by less: of 4,300 in the pilot study of CDISC one does, by 12 days."""

DATE_HOURS: Final = 25.0
"""Hours of the longest day; of what may be of several days no date is told."""

BEFORE_DAY_1: Final = 0.5
"""Where the first dose is in the order of VISITDY, which has no day 0: a visit of day 1 may be of its very day."""

FEW: Final = 1 / 3
"""Of the times of a group that have to be wrong for the others to be in order: of more nobody knows which are."""

FEWEST_OVER: Final = 3
"""So many of the highest numbers, all before all others, are told of a day, or of a year, that was over."""

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
_POINT: Final = ["group", "number", "first", "last"]


def compare_order(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    """Yield what the planned order of time points and of visits says of the times of rows."""
    yield from _time_points(source, spans, placed)
    yield from _visits(source, spans, placed)


def _time_points(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    """Hold the times of a reference against the order of their --TPTNUM."""
    domain = source.domain
    column = f"{domain}TPTNUM"
    where = (f"{domain}TPTREF", f"{domain}RFTDTC", "VISITNUM", "VISIT", "VISITDY")
    if not (source.has(column) and source.fills(where)):
        return
    number = read_numbers(source.text(column))
    texts = [source.text(name) for name in where if source.has(name)]
    rows = placed & number.notna() & np.logical_or.reduce([one.notna() for one in texts])
    named = pd.DataFrame({str(place): one[rows] for place, one in enumerate(texts)})
    group = named.assign(subject=source.subject[rows]).groupby([*named, "subject"], dropna=False).ngroup()
    points = _points(source, spans, number, rows).assign(group=group)
    yield _testimony(points, spans, column, POINT_HOURS, DAY_HOURS)


def _visits(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    """Hold the dates of a subject's visits against the order of their VISITDY, and the first dose as one of day 1."""
    if not source.has("VISITDY"):
        return
    number = read_numbers(source.text("VISITDY"))
    rows = placed & number.notna()
    if not rows.any():
        return
    points = _points(source, spans, number, rows).assign(group=source.subject[rows])
    # of a visit the date alone is compared, which that of the middle is in every zone
    middle = points[["first", "last"]].mean(axis=1)[points["last"] - points["first"] <= DATE_HOURS]
    date = middle - middle % DAY_HOURS
    points = points.loc[date.index].assign(first=date, last=date + DAY_HOURS)
    firsts = pd.Series(source.setting.dose_times.first_dates, dtype="str").rename_axis("group")
    firsts = firsts[firsts.index.isin(points["group"])]
    day = pd.to_datetime(firsts, utc=True, errors="coerce").dropna()
    first = pd.DataFrame(
        {"group": day.index, "number": BEFORE_DAY_1, "series": -2, "first": _hours(day).to_numpy()}
    )
    together = pd.concat([points, first.assign(last=first["first"] + DAY_HOURS).set_axis(-1 - first.index)])
    yield _testimony(together, spans, "VISITDY", VISIT_HOURS, MONTH_HOURS)


def _points(
    source: Source, spans: pd.DataFrame, number: "pd.Series[float]", rows: "pd.Series[bool]"
) -> pd.DataFrame:
    """Return rows as ``out_of_order`` takes them, but for their group; a series is of one test."""
    tests = pd.Series(source.clocked.test, spans.index)
    first, last = (_hours(spans.loc[rows, name]) for name in ("earliest", "latest"))
    return pd.DataFrame({"number": number[rows], "series": tests[rows], "first": first, "last": last})


def _hours(instants: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    return instants.dt.as_unit("s").astype("int64") / 3600


def _testimony(
    points: pd.DataFrame, spans: pd.DataFrame, column: str, tolerance: float, step: float
) -> Testimony:
    """Return the testimony of an order, of the rows among some points."""
    found = out_of_order(points, tolerance=tolerance, step=step)
    found = found[found.index >= 0]
    since = pd.Timestamp(0, tz="UTC").as_unit("s")
    told = pd.DataFrame(
        {"earliest": since + durations(found["first"]), "latest": since + durations(found["last"])}
    )
    against = pd.Series(
        [f"{column} (out of order, {apart(by)})" for by in found["off"]], found.index, dtype="str"
    )
    return testimony(spans.index, points.index, against, told)


# --- Which are out of order ------------------------------------------------------------------------------


def out_of_order(rows: pd.DataFrame, *, tolerance: float, step: float) -> pd.DataFrame:
    """Return of the rows that are out of order when they were by the order of the others.

    Parameters
    ----------
    rows
        ``group``, within which ``number`` (none missing) tells the order; ``series``, in which a number of a
        group is of one time: what is told again and again is no place in an order; ``first`` and ``last``, the hours
        between which each was.
    tolerance
        Hours. Times no further apart are in order, whichever is first.
    step
        Hours by which a time without a neighbour is wrong, or by whole multiples of it.

    Returns
    -------
    pandas.DataFrame
        Of the contradicted rows alone: ``first`` and ``last`` as the others tell them, and ``off``, by how many hours
        the row is out of order (below 0: too early). A number that is out of order as often as not is none.
    """
    places = rows.groupby(["group", "number"], sort=True).agg(first=("first", "max"), last=("last", "min"))
    before = places["first"].groupby("group").cummax().groupby("group").shift()
    groups = places.index[before - places["last"] > tolerance].get_level_values("group").unique()
    suspects = rows[rows["group"].isin(groups)]
    points = _once(suspects, tolerance)[_POINT].drop_duplicates()
    if not len(points):
        return pd.DataFrame(columns=["first", "last", "off"], dtype="float64")
    found = pd.concat([_of_group(each, tolerance, step) for _, each in points.groupby("group")])
    found = found[found["over"] | _often_in_order(found, places)]
    joined = suspects.reset_index().merge(found, on=_POINT).set_index("index")
    return joined[["told_first", "told_last", "off"]].set_axis(["first", "last", "off"], axis=1)


def _once(rows: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Return the rows whose number stands for one time in its group, but for few."""
    of_series = rows.groupby(["group", "series", "number"])
    aside = (rows["first"] - of_series["first"].transform("median")).abs() > tolerance
    share = aside.groupby([rows["group"], rows["series"], rows["number"]]).transform("mean")
    repeated = (share > FEW).groupby([rows["group"], rows["number"]]).transform("any")
    return rows[~repeated]


def _often_in_order(found: pd.DataFrame, places: pd.DataFrame) -> "pd.Series[bool]":
    wrong = found.drop_duplicates(["group", "number"])["number"].value_counts()
    every = places.index.get_level_values("number").value_counts()
    return found["number"].map(2 * wrong <= every.reindex(wrong.index))


@dataclass(frozen=True, slots=True)
class _Points:
    """The times of one group: their planned places, and the hours between which they were."""

    number: Numbers
    first: Numbers
    last: Numbers
    tolerance: float

    def too_late(self) -> Flags:
        """Return whether each (row) is planned before each other (column), and was after it."""
        planned = self.number[:, None] < self.number[None, :]
        return np.asarray(planned & (self.first[:, None] - self.last[None, :] > self.tolerance), bool)


def _of_group(each: pd.DataFrame, tolerance: float, step: float) -> pd.DataFrame:
    """Return the points of a group that are out of order, and when they were by the others."""
    number, first, last = (each[name].to_numpy(np.float64) for name in _POINT[1:])
    points = _Points(number, first, last, tolerance)
    late = points.too_late()
    floor = np.where(late, points.first[:, None], -np.inf).max(axis=0)
    ceiling = np.where(late, points.last[None, :], np.inf).min(axis=1)
    wrong = _fewest(late | late.T)
    early, late_at_all = np.isfinite(floor) & wrong, np.isfinite(ceiling) & wrong
    told_first, told_last = floor.copy(), ceiling.copy()
    for place in np.flatnonzero(early):
        later = (points.number > points.number[place]) & ~wrong & (points.first >= floor[place])
        shifted = points.last[place] + step * np.ceil((floor[place] - points.last[place]) / step)
        told_last[place] = points.last[later].min() if later.any() else shifted
    for place in np.flatnonzero(late_at_all):
        sooner = (points.number < points.number[place]) & ~wrong & (points.last <= ceiling[place])
        shifted = points.first[place] - step * np.ceil((points.first[place] - ceiling[place]) / step)
        told = points.first[sooner].max() if sooner.any() else shifted
        told_first[place] = min(told, floor[place]) if early[place] else told
    off = np.where(early, points.first - floor, points.last - ceiling)
    over = _are_over(points, early)
    found = each.assign(told_first=told_first, told_last=told_last, off=off, over=over)
    return found[wrong]


def _fewest(conflicts: Flags) -> Flags:
    """Return the points without which the others are in order, as few as there are; of many, all in conflict."""
    wrong = np.zeros(len(conflicts), bool)
    while (counts := (conflicts & ~wrong[:, None] & ~wrong[None, :]).sum(axis=0)).any():
        wrong |= counts == counts.max()
    return wrong if wrong.mean() <= FEW else np.asarray(conflicts.any(axis=0), bool)


def _are_over(points: _Points, early: Flags) -> bool:
    """Whether the highest numbers, several, all lie before all others: the date was kept when its day was over."""
    tail, rest = points.number[early], points.number[~early]
    if len(np.unique(tail)) < FEWEST_OVER or not len(rest) or tail.min() <= rest.max():
        return False
    return bool(points.last[early].max() < points.first[~early].min())
