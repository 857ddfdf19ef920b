"""The clocks that the stamps of a column show: as they are written, at their sites, and in UTC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Use = Literal["event", "dose", "result"]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

HOUR: Final = 3600
DAY: Final = 24 * HOUR
NOON: Final = 12 * HOUR
LAST_MINUTE: Final = DAY - 60

_INSTANTS: Final = 1 << 35
"""More than the seconds between the years 1900 and 2300."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Whom and what the rows of a column are of: codes of subject, test and groups (-1: none); zones of their sites.

    ``groups`` are the ways to part the rows beside all together: by site, by file; each with the words for a part.
    """

    subject: Numbers
    test: Numbers
    zones: "pd.Series[str]"
    enrolled: Flags
    groups: Sequence[tuple[Numbers, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a column's stamps, in seconds of the day: as written, at the site, and in UTC.

    ``measured`` has one number for rows of one subject and test at one instant.
    """

    rows: Rows
    stamps: "pd.Series[str]"
    instants: "pd.Series[pd.Timestamp]"
    written: Numbers
    local: Numbers
    utc: Numbers
    zoned: Flags
    measured: Numbers

    @classmethod
    def of(cls, stamps: "pd.Series[str]", spans: pd.DataFrame, rows: Rows) -> "Clocks":
        """Return the clocks of stamps that are parsed."""
        written = spans["clock"].to_numpy(np.int64)
        zoned = spans["zoned"].to_numpy(bool) & spans["timed"].to_numpy(bool)
        local = written.copy()
        for places, zone in by_zone(rows.zones, np.flatnonzero(zoned)):
            local[places] = clock_in(spans["earliest"].iloc[places], zone)
        seconds = np.asarray(spans["earliest"].astype("int64"), np.int64)
        measured = (rows.subject * (rows.test.max(initial=0) + 2) + rows.test) * _INSTANTS + seconds
        return cls(rows, stamps, spans["earliest"], written, local, seconds % DAY, zoned, measured)

    def written_dates(self, places: Numbers) -> npt.NDArray[np.object_]:
        """Return the dates of some rows as they are written."""
        return self.stamps.iloc[places].str[:10].to_numpy(dtype=object)

    def dates_in(self, zone: str, places: Numbers) -> npt.NDArray[np.object_]:
        """Return the dates of some rows in a zone."""
        return self.instants.iloc[places].dt.tz_convert(zone).dt.strftime("%Y-%m-%d").to_numpy(dtype=object)

    def local_dates(self, places: Numbers) -> npt.NDArray[np.object_]:
        """Return the dates of some rows at their sites; of a midnight as it is written, that date."""
        dates = self.written_dates(places)
        told = self.zoned[places] & (self.written[places] != 0)
        for here, zone in by_zone(self.rows.zones.iloc[places], np.flatnonzero(told)):
            dates[here] = self.dates_in(zone, places[here])
        return dates

    def days(self, places: Numbers) -> int:
        """Count the days of subjects among some rows: what befalls one subject at one time is told of once."""
        days = np.asarray(self.instants.iloc[places].astype("int64"), np.int64) // DAY
        return len(np.unique(self.rows.subject[places] * 10**6 + days))

    def evidence(self, places: Numbers, use: Use) -> int:
        """Count what speaks for a default: days of subjects, and results at the very time of another."""
        return self.days(places) + (int(self.told_again(places).sum()) if use == "result" else 0)

    def told_again(self, places: Numbers) -> Flags:
        """Return which of some rows are of one subject and test at the very time of another before them."""
        return pd.Series(self.measured[places]).duplicated().to_numpy(bool)

    def clocks_at_sites(self, places: Numbers) -> Numbers:
        """Return the distinct clocks of some rows at their sites, as far as these are known."""
        return np.unique(self.local[places[self.rows.enrolled[places]]])


def by_zone(zones: "pd.Series[str]", places: Numbers) -> Iterator[tuple[Numbers, str]]:
    """Yield some places by the zone that they are in."""
    codes, names = pd.factorize(zones.iloc[places])
    yield from ((places[codes == code], str(name)) for code, name in enumerate(names))


def clock_in(instants: "pd.Series[pd.Timestamp]", zone: str) -> Numbers:
    """Return the clocks of instants in a zone, in seconds of the day."""
    there = instants.dt.tz_convert(zone).dt
    return np.asarray((there.hour * 60 + there.minute) * 60 + there.second, np.int64)
