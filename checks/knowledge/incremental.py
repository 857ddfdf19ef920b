"""Incremental feeds: all deliveries together, the latest version of each record.

Versions are in order of their own word about when they became known, where the feed has one, else of receipt;
then of receipt; then of their content. What was delivered before and comes again is the version it was.
"""

import numpy as np
import pandas as pd

from checks.knowledge.arrivals import Integers, unreadable
from checks.knowledge.changes import CORRECTION, DELETION, RESTORATION, Comparison, Pairs
from checks.knowledge.distinct_rows import Delivered, Known


class Union:
    """An incremental feed, ready for any cut-off."""

    def __init__(self, delivered: Delivered) -> None:
        rows, record, self._pool = delivered.rows, delivered.record, delivered.pool
        self._ordered, self._columns = delivered.ordered, rows.columns
        counts = np.maximum(rows.received, rows.known)
        self._received, self._counts = np.sort(rows.received), np.sort(counts)
        first = self._pool.first
        order = np.lexsort([np.arange(len(first)), rows.arrival[first], rows.known[first], record[first]])
        self._versions = first[order]
        self._record, self._from = record[self._versions], counts[self._versions]
        versions = np.bincount(self._record, minlength=1)
        self._several = np.flatnonzero(versions[self._record] > 1)
        some = self._versions[self._several]
        self._comparison = Comparison(self._pool, some, delivered.domain, delivered.known_at)

    def at(self, cutoff: int, arrived: int) -> Known:
        """Return what is known at a cut-off, in seconds since 1970 UTC, by which that many deliveries arrived."""
        there = [place for place in range(arrived) if place in self._columns]
        problem = self._problem(arrived)
        if not there:
            return Known(None, problem)
        rows = self._latest(cutoff)
        known = int(np.searchsorted(self._counts, cutoff, side="right"))
        received = int(np.searchsorted(self._received, cutoff, side="right"))
        return Known(self._pool.take(rows, there), problem, known - len(rows), received - known)

    def _latest(self, cutoff: int) -> Integers:
        """Return the rows that hold, in canonical order: of each record the latest version, if not taken back."""
        there = np.flatnonzero(self._from <= cutoff)
        record = self._record[there]
        last = np.append(record[1:] != record[:-1], np.ones(min(len(record), 1), dtype=bool))
        rows = self._versions[there[last]]
        return self._pool.ordered(rows[~self._pool.taken_back[self._pool.of[rows]]])

    def _problem(self, arrived: int) -> str | None:
        """Return the problems of files that cannot be read, and that no readable one of their name followed."""
        unread: dict[str, str] = {}
        for file in (file for one in self._ordered[:arrived] for file in one.files):
            unread.pop(file.delivery.name, None)
            if file.table is None:
                unread[file.delivery.name] = unreadable(file)
        return "\n".join(unread.values()) or None

    def changes(self, cutoff: int) -> pd.DataFrame:
        """Return the CHANGES that were known at a cut-off."""
        there = self._several[self._from[self._several] <= cutoff]
        follows = self._record[there[1:]] == self._record[there[:-1]]
        before, after = self._versions[there[:-1][follows]], self._versions[there[1:][follows]]
        gone, going = (self._pool.taken_back[self._pool.of[rows]] for rows in (before, after))
        kind = np.select([going, gone], [DELETION, RESTORATION], CORRECTION).astype(np.int64)
        some = ~(gone & going)
        known = self._from[there[1:][follows]][some]
        files = self._pool.file(after[some])
        return self._comparison.list_changes(Pairs(kind[some], before[some], after[some], known, files))
