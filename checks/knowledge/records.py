"""Versions of one record: rows of different deliveries that are the same record.

A row is the record that said exactly the same before; else the one with its --SEQ; else the one with its
natural key. When a delivery gives a subject's known contents other numbers, the numbers of that subject name
nothing in it: contents and natural keys decide, and nobody has corrected anything. Nor do numbers name anything
when each delivery of an incremental feed counts again from 1: else its rows would replace those before.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from checks.knowledge.arrivals import Flags, Integers
from checks.knowledge.keys import Codes

FEWEST_TO_TELL: Final = 4
"""So many records that a delivery would replace, time and all, are no coincidence of corrections any more."""


def name_records(codes: Codes, arrival: Integers, known: Integers, *, cumulative: bool) -> Integers:
    """Return a number for the record of each of n rows, which stand in order of receipt (``arrival``).

    From when on a row counts (``known``) tells two versions in one delivery of an incremental feed apart; each
    delivery of a cumulative one holds all records.
    """
    book = _Book(codes, cumulative)
    distinct = ~pd.DataFrame({"arrival": arrival, "content": codes.content}).duplicated().to_numpy()
    rows = np.flatnonzero(distinct)
    bounds = np.flatnonzero(np.diff(arrival[rows])) + 1
    for delivery in np.split(rows, bounds):
        book.take(delivery, known[delivery])
    return book.by_content[codes.content]


@dataclass(slots=True)
class _Step:
    """One delivery on its way into the book: its rows, which record each is (-1 not yet), which numbers name one."""

    rows: Integers
    record: Integers
    numbered: Flags

    def missing(self) -> Integers:
        return np.flatnonzero(self.record < 0)


class _Book:
    """What is known of every record after each delivery; all arrays are indexed by a code or by a record."""

    def __init__(self, codes: Codes, cumulative: bool) -> None:
        size = len(codes.content)
        self._codes, self._cumulative = codes, cumulative
        self.by_content, self._by_body, self._by_sequence = np.full((3, size), -1, dtype=np.int64)
        self._sequence, self._row, self._natural = np.full((3, size), -1, dtype=np.int64)
        self._here = np.zeros(size, dtype=bool)
        self._count = 0

    def take(self, rows: Integers, known: Integers) -> None:
        """Give each row of a delivery its record."""
        step = _Step(rows, self.by_content[self._codes.content[rows]].copy(), self._is_numbered(rows, known))
        self._here[:] = False
        self._here[step.record[step.record >= 0]] = True
        if len(step.missing()):
            if not self._cumulative and self._counts_again(step):
                step.numbered[:] = False
            step.numbered &= ~self._is_renumbered(step)
            self._match_numbers(step)
            self._match_contents(step)
            self._match_naturals(step)
            self._begin(step)
        self._remember(step)

    def _is_numbered(self, rows: Integers, known: Integers) -> Flags:
        """Whether the --SEQ of a row names one record: no other has it, or each is known from another time."""
        sequence = self._codes.sequence[rows]
        table = pd.DataFrame({"sequence": sequence, "known": known})
        shared: Flags = table.duplicated("sequence", keep=False).to_numpy()
        if not self._cumulative and shared.any():
            shared = shared & np.isin(sequence, sequence[table.duplicated().to_numpy()])
        return (sequence >= 0) & ~shared

    def _is_renumbered(self, step: _Step) -> Flags:
        """Whether the delivery gives contents of the row's subject, known before, other numbers.

        A cumulative delivery shows it by lacking the old number; an incremental one only by giving the new
        number, or the old, to another content: two records of a subject can say the same.
        """
        new = step.missing()
        rows = step.rows[new]
        sequence, same = self._codes.sequence[rows], self._by_body[self._codes.body[rows]]
        moved = (same >= 0) & (sequence >= 0)
        moved &= (self._sequence[same] >= 0) & (self._sequence[same] != sequence) & ~self._here[same]
        if not self._cumulative:
            holder = self._by_sequence[sequence]
            given = np.isin(self._sequence[same], self._codes.sequence[step.rows])
            moved &= ((holder >= 0) & (holder != same)) | given
        subjects = self._codes.subject[rows[moved]]
        among: Flags = np.isin(self._codes.subject[step.rows], subjects)
        return among

    def _counts_again(self, step: _Step) -> bool:
        """Whether the delivery's numbers start again from 1: most of them would turn a record into another.

        A correction changes the time of a record, or something else; hardly ever both, in most of a delivery.
        """
        new = np.flatnonzero((step.record < 0) & step.numbered)
        holder = self._by_sequence[self._codes.sequence[step.rows[new]]]
        rows, before = step.rows[new[holder >= 0]], self._row[holder[holder >= 0]]
        other = self._codes.time[rows] != self._codes.time[before]
        other &= self._codes.said[rows] != self._codes.said[before]
        known = len(rows) + int((step.record >= 0).sum())
        if other.sum() < FEWEST_TO_TELL or 2 * other.sum() <= known:
            return False
        numbers = pd.Series(self._codes.number[step.rows]).groupby(self._codes.subject[step.rows])
        return bool((numbers.nunique() == numbers.max()).all())

    def _match_numbers(self, step: _Step) -> None:
        new = np.flatnonzero((step.record < 0) & step.numbered)
        sequence = self._codes.sequence[step.rows[new]]
        holder = self._by_sequence[sequence]
        held = (holder >= 0) & (self._sequence[holder] == sequence)
        step.record[new[held]] = holder[held]
        self._here[holder[held]] = True

    def _match_contents(self, step: _Step) -> None:
        """Take a row for the record that says the same; a number keeps it from a record of another number."""
        new = step.missing()
        same = self._by_body[self._codes.body[step.rows[new]]]
        free = (same >= 0) & ~self._here[same] & self._may_be(step, new, same)
        places, first = np.unique(same[free], return_index=True)
        step.record[new[free][first]] = places
        self._here[places] = True

    def _may_be(self, step: _Step, rows: Integers, records: Integers) -> Flags:
        return ~step.numbered[rows] | (self._sequence[records] < 0)

    def _match_naturals(self, step: _Step) -> None:
        """Take a row for a record with its natural key; several of one key are taken in their order."""
        new = step.missing()
        natural = self._codes.natural[step.rows[new]]
        records = np.flatnonzero(~self._here[: self._count])
        if step.numbered[new].all():
            records = records[self._sequence[records] < 0]
        records = records[np.isin(self._natural[records], natural[natural >= 0])]
        if not len(records):
            return
        there = pd.DataFrame({"natural": self._natural[records], "record": records})
        asked = pd.DataFrame({"natural": natural, "row": new})[natural >= 0]
        for table in (there, asked):
            table["order"] = table.groupby("natural").cumcount()
        pairs = asked.merge(there, on=["natural", "order"])
        rows, found = pairs["row"].to_numpy(), pairs["record"].to_numpy()
        may = self._may_be(step, rows, found)
        step.record[rows[may]] = found[may]
        self._here[found[may]] = True

    def _begin(self, step: _Step) -> None:
        """Give the rows that are left new records: versions that share a number share one."""
        new = step.missing()
        numbers = np.where(step.numbered[new], self._codes.sequence[step.rows[new]], -1 - new)
        step.record[new] = self._count + pd.factorize(numbers)[0]
        self._count = max(self._count, int(step.record.max()) + 1)

    def _remember(self, step: _Step) -> None:
        codes, rows = self._codes, step.rows
        self.by_content[codes.content[rows]] = step.record
        self._by_body[codes.body[rows]] = step.record
        self._natural[step.record] = codes.natural[rows]
        self._row[step.record] = rows
        sequence = codes.sequence[rows]
        alone = (sequence >= 0) & (step.numbered | ~pd.Series(sequence).duplicated(keep=False).to_numpy())
        self._by_sequence[sequence[alone]] = step.record[alone]
        self._sequence[step.record] = np.where(alone, sequence, -1)
