"""Stamps that contradict the zone of their site: an offset from UTC that no clock there ever has."""

from typing import Final

import numpy as np
import pandas as pd

FOREIGN: Final = "with an offset from UTC that the clocks of its site never have"

_IN_UTC: Final = 20
"""The letters of 2024-06-10T08:00:00Z: only stamps with more have another offset than Z."""

_OFFSET: Final = r"(?:^|\n)[^T\n]*+T.*(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?$"


def mark_foreign(spans: pd.DataFrame, stamps: "pd.Series[str]", zones: "pd.Series[str]") -> pd.DataFrame:
    """Return spans (see ``parse_stamps``) with a note on those whose stamp has an offset unknown at the site.

    The instant is certain, by its offset; that the site keeps the clock that the protocol says is not. UTC is no
    offset of a place.
    """
    longer = stamps.str.len() > _IN_UTC
    if not longer.any():
        return spans
    parts = stamps[longer].str.extract(_OFFSET)
    minutes = pd.to_numeric(parts["hours"]) * 60 + pd.to_numeric(parts["minutes"]).fillna(0)
    told = minutes.where(parts["sign"] == "+", -minutes)
    told = told[(minutes > 0) & spans["earliest"].notna()[longer]]
    foreign = told.index[~_kept(told, spans["earliest"][told.index].dt.year, zones[told.index])]
    if not len(foreign):
        return spans
    notes = spans["note"].astype("object")
    return spans.assign(note=notes.mask(notes.isna() & notes.index.isin(foreign), FOREIGN).astype("category"))


def _kept(
    told: "pd.Series[float]", years: "pd.Series[int]", zones: "pd.Series[str]"
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return whether each offset in minutes is one that the zone has in winter or in summer of that year."""
    known: dict[tuple[int, str], set[float]] = {}
    for year, zone in {*zip(years, zones.astype("str"), strict=True)}:
        days = pd.DatetimeIndex([f"{year}-01-01", f"{year}-07-01"], tz=zone)
        known[year, zone] = {day.utcoffset().total_seconds() / 60 for day in days.to_pydatetime()}
    return np.array(
        [
            one in known[key]
            for one, key in zip(told, zip(years, zones.astype("str"), strict=True), strict=True)
        ],
        bool,
    )
