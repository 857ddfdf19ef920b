"""Distinct rows of all deliveries in one order, and how a choice among them becomes a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from checks.knowledge.arrivals import Arrival, Flags, Integers, Rows
from checks.knowledge.keys import Codes, canonical_order, content_columns, text
from checks.tables import DELETED, RAW_PROVENANCE

TAKEN_BACK: Final = "Y"


class Pool:
    """Each distinct row of one domain once, in canonical order; ``of`` says which one each delivered row is."""

    def __init__(self, rows: Rows, codes: Codes, domain: str) -> None:
        first = np.unique(codes.content, return_index=True)[1]
        distinct = _taken(rows.table, first)
        order = canonical_order(distinct, domain)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        self.of = place[codes.content]
        self.first = first[order]
        self.table = _taken(distinct[content_columns(distinct)], order)
        self.taken_back: Flags = (text(self.table, DELETED) == TAKEN_BACK).fillna(False).to_numpy(dtype=bool)
        # Arrays are taken from faster than a frame, and one history may be looked at hundreds of times.
        self._texts = {name: self.table[name].array for name in self.table.columns}
        self.subject = codes.subject
        self._arrival, self._columns = rows.arrival, rows.columns
        self._file, files = pd.factorize(rows.table["source_file"])
        self._files = pd.Series(files, dtype=RAW_PROVENANCE["source_file"])
        self._line = rows.table["source_row"].to_numpy(dtype=np.int64)

    def ordered(self, rows: Integers) -> Integers:
        """Return delivered rows in canonical order; repeats of one keep theirs."""
        return rows[np.argsort(self.of[rows], kind="stable")]

    def take(self, rows: Integers, arrivals: Iterable[int]) -> pd.DataFrame:
        """Return delivered rows as a feed's table, with the columns that these arrivals have."""
        there = frozenset().union(*(self._columns.get(place, frozenset()) for place in arrivals))
        places = self.of[rows]
        taken = {name: texts.take(places) for name, texts in self._texts.items() if name in there}
        provenance = {"source_file": self._files.array.take(self._file[rows]), "source_row": self._line[rows]}
        return pd.DataFrame(taken | provenance, index=range(len(rows)), copy=False)

    def file(self, rows: Integers) -> "pd.Series[str]":
        """Return the name of the file that each delivered row came in."""
        return pd.Series(self._files.array.take(self._file[rows]))

    def has(self, rows: Integers, column: str) -> Flags:
        """Whether the delivery of each row has a column."""
        there = np.array([place for place, names in self._columns.items() if column in names], dtype=np.int64)
        return np.isin(self._arrival[rows], there)


def _taken(table: pd.DataFrame, rows: Integers) -> pd.DataFrame:
    """Return rows of a table that is indexed from 0; nothing is copied where they are all of it, in its order."""
    if np.array_equal(rows, np.arange(len(table))):
        return table
    return table.take(rows).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Delivered:
    """All that was delivered of one domain: in order of receipt, the rows, the record of each, the distinct ones."""

    domain: str
    ordered: tuple[Arrival, ...]
    rows: Rows
    record: Integers
    pool: Pool
    known_at: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a feed tells at a cut-off, and how many rows do not: replaced, or not yet known (see ``Feed``)."""

    table: pd.DataFrame | None
    problem: str | None = None
    superseded: int = 0
    not_yet_known: int = 0
