"""Parts of a study: which subjects are judged together, apart from the others, and how parts are put together again.

A subject is wholly in one part: all that is judged of a row but shares, limits and counts depends on the rows of
its subject alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Division:
    """The part of each subject, from 0 to ``parts`` - 1; subjects without a row, and blank ones, are in the first."""

    subjects: pd.Index
    part: Integers
    parts: int

    def of(self, subjects: "pd.Series[str]") -> Integers:
        """Return the part of each row, by its subject."""
        codes, names = pd.factorize(subjects)
        place = self.subjects.get_indexer(pd.Index(names))
        known = np.append(self.part, 0)[place]  # -1, a subject without a row, is the last of it
        found: Integers = np.append(known, 0)[codes]
        return found


def divide(subjects: "pd.Series[str]", most: int) -> Division:
    """Divide the subjects of the longest table's rows into at most so many parts, of about as many rows each.

    There are never more parts than subjects; ``most`` is at least 1.
    """
    codes, names = pd.factorize(subjects)
    parts = max(1, min(most, len(names)))
    rows = np.bincount(codes[codes >= 0], minlength=len(names))
    middle = np.cumsum(rows) - rows / 2
    part = (middle * parts / max(1, rows.sum())).astype(np.int64)
    return Division(pd.Index(names), np.minimum(part, parts - 1), parts)


def rows_by_part(part: Integers, parts: int) -> list[Integers]:
    """Return the positions of the rows of each part, in their order."""
    order = np.argsort(part, kind="stable").astype(np.int64)
    return np.split(order, np.searchsorted(part[order], np.arange(1, parts)))
