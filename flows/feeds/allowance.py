"""What the files of one feed may take together in one look: the time to read new ones, the memory for all tables."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from checks.errors import FeedError
from checks.tables import DeliveredTable
from flows.feeds.first_reading import most_memory

TOGETHER: Final = 3
"""Times as long as one file may take, all new ones of a feed may in one look: one that hangs keeps none from it."""


@dataclass(slots=True)
class Spent:
    """The seconds in which a look has read new files of one feed, of which one alone may take ``longest``.

    So many files, or slow ones, keep no look from its verdict; where files are kept the next look goes on.
    """

    longest: float
    seconds: float = 0.0

    def problem(self, label: str) -> FeedError | None:
        """Return why a further file is not read by this look, once the time is spent."""
        most = TOGETHER * self.longest
        if self.seconds < most:
            return None
        found = f"that the new files before it took {most:g} s to read ({TOGETHER} times `limits.max_read_seconds`)"
        return FeedError(label, found, "fewer new files at once; where files are kept, the next look goes on")

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the time of one file."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - begun


@dataclass(slots=True)
class Room:
    """The bytes that are left of the memory for all tables of one feed."""

    left: int = field(default_factory=most_memory)

    def take(self, read: DeliveredTable) -> DeliveredTable:
        """Return what was read; once those before it have left no room, its problem in its place."""
        if read.table is None:
            return read
        self.left -= int(read.table.memory_usage(index=False, deep=True).sum())
        if self.left >= 0:
            return read
        found = "that the files of its feed together take more memory than one feed may"
        error = FeedError(read.delivery.label, found, "fewer files, or smaller ones")
        return replace(read, delivery=replace(read.delivery, rows=0), table=None, problem=str(error))
