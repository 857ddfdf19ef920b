"""Rows of an incremental feed that return: they were delivered before, and another version of their record since.

Such a row is a version again: a value that was corrected back, a record that was restored. It is none where it comes
beside the version that holds (deliveries often overlap), or a new one, or in a file that was sent again as a whole.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

from checks.knowledge.arrivals import Flags, Integers
from checks.knowledge.distinct_rows import Delivered


def returns(delivered: Delivered) -> Integers:
    """Return the delivered rows that return, in order of receipt: of one record at most one a delivery."""
    rows = _rows_that_may(delivered)
    if not len(rows):
        return rows
    holds, seen = np.full((2, len(delivered.table)), -1, dtype=np.int64)
    found = [*_each_delivery(delivered, rows[~_sent_again(delivered, rows)], holds, seen)]
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def _rows_that_may(delivered: Delivered) -> Integers:
    """Return the rows of records with several versions of which one was delivered more than once."""
    of, record = delivered.of, delivered.record
    versions = np.bincount(record[delivered.first], minlength=1)[record] > 1
    repeated = versions & (np.bincount(of, minlength=1)[of] > 1)
    return np.flatnonzero(np.isin(record, record[repeated]))


def _each_delivery(
    delivered: Delivered, rows: Integers, holds: Integers, seen: Integers
) -> Iterator[Integers]:
    """Yield the rows of each delivery that return, and keep which version of each record holds after it.

    ``holds`` has the distinct row that holds, by record; ``seen`` says which distinct rows came before.
    """
    for some in np.split(rows, np.flatnonzero(np.diff(delivered.rows.arrival[rows])) + 1):
        of, record = delivered.of[some], delivered.record[some]
        new = seen[of] < 0
        order = np.lexsort([of, new, record])
        last = order[
            np.append(record[order][1:] != record[order][:-1], np.ones(min(len(some), 1), dtype=bool))
        ]
        beside = np.unique(record[holds[record] == of])
        back = ~new[last] & ~np.isin(record[last], beside)
        taken = last[new[last] | back]
        holds[record[taken]], seen[of] = of[taken], 1
        yield some[last[back]]


def _sent_again(delivered: Delivered, rows: Integers) -> Flags:
    """Whether each row came in a file whose rows, all of them, were those of an earlier file."""
    size, edges = (
        len(delivered.of),
        (np.diff(delivered.rows.arrival) != 0) | (np.diff(delivered.file_of) != 0),
    )
    again, known = np.zeros(size, dtype=bool), set()
    for file in np.split(np.arange(size), np.flatnonzero(edges) + 1):
        content = hashlib.sha256(np.unique(delivered.of[file]).tobytes()).digest()
        again[file] = content in known
        known.add(content)
    return again[rows]
