"""Columns of stamps in which a system turned dates into midnights of UTC: the instants that they mean.

Exports of such systems show 2015-01-09T19:00:00-05:00 for the tenth of January: as a time of day it is wrong, and
at a site west of Greenwich a day early.
"""

from typing import Final

import pandas as pd

from checks.instants import parse_stamps

TOLD_AS_INSTANT: Final = (
    "midnight in UTC on every row, whatever the clocks of the sites say: a date, not a time"
)

FEWEST: Final = 5
"""So many stamps, each on the hour, are all of one hour by chance in one of 24 ** 4 = 331,776 columns."""

_OFFSET: Final = r"T.*(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"


def parse_column(
    stamps: "pd.Series[str]", zones: "pd.Series[str]", enrolled: "pd.Series[bool]"
) -> pd.DataFrame:
    """Turn the stamps of one column into spans, as ``parse_stamps`` does; dates told as instants become days again.

    A column has such dates where each of its clock times, ``FEWEST`` at least, has an offset and is midnight in
    UTC, though at the sites these are different times of day (by daylight saving, or by zone): what is done at
    one hour of the day, whichever, is not done at two. The date in UTC is then the date as it was entered, and the
    row spans that day at its site. Only the rows of ``enrolled`` subjects have a site.
    """
    spans = parse_stamps(stamps, zones)
    timed = spans["timed"]
    instants = spans.loc[timed, "earliest"]
    if len(instants) < FEWEST or (instants.dt.normalize() != instants).any():
        return spans
    if not stamps[timed].str.contains(_OFFSET).all():
        return spans
    if not _hours_differ(instants[enrolled[timed]], zones[timed & enrolled]):
        return spans
    days = parse_stamps(stamps.mask(timed, spans["earliest"].dt.strftime("%Y-%m-%d")), zones)
    return days.assign(note=days["note"].astype("str").mask(timed, TOLD_AS_INSTANT).astype("category"))


def _hours_differ(instants: "pd.Series[pd.Timestamp]", zones: "pd.Series[str]") -> bool:
    hours = {
        hour
        for zone, here in instants.groupby(zones)
        for hour in here.dt.tz_convert(str(zone)).dt.strftime("%H:%M").unique()
    }
    return len(hours) > 1
