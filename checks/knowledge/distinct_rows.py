"""Distinct rows of all deliveries in one order, and how a choice among them becomes a table."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from checks.flags import TAKEN_BACK, answers
from checks.knowledge.arrivals import Arrival, Flags, Integers, Rows
from checks.knowledge.keys import canonical_order, code_rows, content_columns, text
from checks.knowledge.records import name_records
from checks.tables import DELETED, RAW_PROVENANCE


class Delivered:
    """All that was delivered of one domain: n rows in order of receipt, and each distinct one in canonical order.

    ``record`` is the record of each of the n rows, ``of`` the distinct row that it is, ``file_of`` its file's number.
    """

    def __init__(
        self, domain: str, arrivals: Sequence[Arrival], rows: Rows, known_at: str | None, *, cumulative: bool
    ) -> None:
        codes = code_rows(rows.table, domain, known_at)
        self.domain, self.arrivals, self.known_at = domain, arrivals, known_at
        self.rows = rows
        self.record = name_records(codes, rows.arrival, rows.known, cumulative=cumulative)
        self.counts = np.maximum(rows.received, rows.known)
        first = np.unique(codes.content, return_index=True)[1]
        distinct = _taken(rows.table, first)
        order = canonical_order(distinct, domain)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        self.of = place[codes.content]
        self.first = first[order]
        self.table = _taken(distinct[content_columns(distinct)], order)
        self.taken_back: Flags = answers(text(self.table, DELETED), TAKEN_BACK).yes.to_numpy(dtype=bool)
        # Arrays are taken from faster than a frame, and one history may be looked at hundreds of times.
        self._texts = {name: self.table[name].array for name in self.table.columns}
        self.subject = codes.subject
        self.file_of, files = pd.factorize(rows.table["source_file"])
        self._files = pd.Series(files, dtype=RAW_PROVENANCE["source_file"])
        self._line = rows.table["source_row"].to_numpy(dtype=np.int64)

    def ordered(self, rows: Integers) -> Integers:
        """Return delivered rows in canonical order; repeats of one keep theirs."""
        return rows[np.argsort(self.of[rows], kind="stable")]

    def take(self, rows: Integers, places: Iterable[int]) -> pd.DataFrame:
        """Return delivered rows as a feed's table, with the columns that the arrivals at these places have."""
        there = frozenset().union(*(self.rows.columns.get(place, frozenset()) for place in places))
        distinct = self.of[rows]
        taken = {name: texts.take(distinct) for name, texts in self._texts.items() if name in there}
        provenance = {
            "source_file": self._files.array.take(self.file_of[rows]),
            "source_row": self._line[rows],
        }
        return pd.DataFrame(taken | provenance, index=range(len(rows)), copy=False)

    def file(self, rows: Integers) -> "pd.Series[str]":
        """Return the name of the file that each delivered row came in."""
        return pd.Series(self._files.array.take(self.file_of[rows]))

    def has(self, rows: Integers, column: str) -> Flags:
        """Whether the delivery of each row has a column."""
        there = np.array(
            [place for place, names in self.rows.columns.items() if column in names], dtype=np.int64
        )
        return np.isin(self.rows.arrival[rows], there)


def _taken(table: pd.DataFrame, rows: Integers) -> pd.DataFrame:
    """Return rows of a table that is indexed from 0; nothing is copied where they are all of it, in its order."""
    if np.array_equal(rows, np.arange(len(table))):
        return table
    return table.take(rows).reset_index(drop=True)
