"""The data cut-offs at which a replay looks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.errors import UsageError

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_EVERY = re.compile(r"([1-9][0-9]{0,4})(min|h|d)")
DEFAULT_EVERY = "1d"
MOST_LOOKS = 200_000
"""A look takes some tenths of a second: more than this is a mistaken date, not a wish."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Looks at ``first``, then every ``every``, none later than ``last``; all in UTC."""

    first: datetime
    last: datetime
    every: timedelta

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError(
                f"--to: found {self.last:%Y-%m-%dT%H:%MZ}; allowed: {self.first:%Y-%m-%dT%H:%MZ} or later"
            )
        if len(self) > MOST_LOOKS:
            raise UsageError(f"--every: found {len(self):,} looks to make; allowed: at most {MOST_LOOKS:,}")

    def __len__(self) -> int:
        return (self.last - self.first) // self.every + 1

    def cutoffs(self) -> Iterator[datetime]:
        """Yield the data cut-offs in order."""
        return (self.first + number * self.every for number in range(len(self)))


def parse_every(text: str) -> timedelta:
    """Return the time between two looks, from a text such as 1d, 6h or 30min.

    Raises
    ------
    UsageError
        When the text is something else.
    """
    found = _EVERY.fullmatch(text)
    if found is None:
        raise UsageError(f"--every: found {text!r}; allowed: a number and min, h or d, as 30min, 6h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def whole_schedule(begins: datetime, known: datetime, every: timedelta) -> Schedule:
    """Return the schedule whose last look is the first that misses nothing of what was known."""
    return Schedule(begins, begins + max(0, -((begins - known) // every)) * every, every)


def day_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's day in UTC, where a replay begins unless told otherwise."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
