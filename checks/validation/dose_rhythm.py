"""Doses whose month contradicts the rhythm of their subject's others: a month mistyped, which nothing else tells."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from checks.validation.testimony import Testimony, apart, testimony
from checks.validation.time_gaps import durations

FEWEST: Final = 4
"""Doses of a subject: three that keep one interval to the day are a rhythm, and one more may break it."""

FEW: Final = 0.1
"""Of the subjects: what more of them have is how the study doses, and not a slip of the pen."""

LONGEST_DAYS: Final = 14
"""Of an interval: where doses are rarer, a month is no more than a dose left out, which is no slip."""

DAY: Final = pd.Timedelta(days=1)


def months_mistyped(starts: pd.DataFrame, index: pd.Index) -> Iterator[Testimony]:
    """Doubt a dose without which its subject's keep one interval, and which a month away would keep it too.

    ``starts`` has ``USUBJID``, ``earliest`` and ``latest`` of the doses given, by the index of their rows.
    """
    dated = starts[starts["latest"] - starts["earliest"] < DAY]
    day = (dated["earliest"] + (dated["latest"] - dated["earliest"]) / 2).dt.floor("D")
    dates = pd.DataFrame({"subject": dated["USUBJID"], "day": day}).drop_duplicates()
    dates = dates.sort_values(["subject", "day"])
    candidates = dates[_has_one_interval(dates)]
    if not len(candidates):
        return
    off = pd.concat([_misplaced(one) for _, one in candidates.groupby("subject")["day"]])
    if not 0 < len(off) <= max(1, FEW * dates["subject"].nunique()):
        return
    wrong = dates.loc[off.index].assign(off=off)
    rows = dated[["USUBJID"]].assign(day=day).reset_index()
    rows = rows.merge(wrong, left_on=["USUBJID", "day"], right_on=["subject", "day"]).set_index("index")
    told = starts.loc[rows.index, ["earliest", "latest"]].sub(durations(24.0 * rows["off"]), axis=0)
    against = [f"the rhythm of the other doses ({apart(24 * by)}: a month mistyped?)" for by in rows["off"]]
    yield testimony(index, dated.index, pd.Series(against, rows.index, dtype="str"), told)


def _has_one_interval(dates: pd.DataFrame) -> "pd.Series[bool]":
    """Whether the steps between the dates of a subject are one, or twice it, but for the two beside one date."""
    step = dates.groupby("subject")["day"].diff().dt.days
    by_subject = step.groupby(dates["subject"])
    usual, count = by_subject.transform("median"), by_subject.transform("count")
    kept = ((step == usual) | (step == 2 * usual)).groupby(dates["subject"]).transform("sum")
    uneven = (step.notna() & (step != usual)).groupby(dates["subject"]).transform("any")
    found: pd.Series[bool] = uneven & (count >= FEWEST - 1) & (kept >= count - 2) & (usual <= LONGEST_DAYS)
    return found


def _misplaced(dates: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    """Return the one date of a subject that a month mistyped explains, and by how many days it is off; or none."""
    days = dates.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    within = days - months.astype("datetime64[D]")
    count = len(days)
    right = np.concatenate([(months + off).astype("datetime64[D]") + within for off in (-1, 1)])
    # a row for each date and each month beside it: the dates of the subject, were it of that month
    moved = np.tile(days, (2 * count, 1))
    moved[np.arange(2 * count), np.tile(np.arange(count), 2)] = right
    steps = np.diff(np.sort(moved, axis=1), axis=1).astype(np.int64)
    even = (steps == steps[:, :1]).all(axis=1) & (steps[:, 0] > 0) & (steps[:, 0] <= LONGEST_DAYS)
    places = np.flatnonzero(even) if even.sum() == 1 else np.flatnonzero(even)[:0]
    off = (days[places % count] - right[places]).astype(np.int64)
    return pd.Series(off, dates.index[places % count])
