"""Cumulative feeds: the records of the newest delivery stand, unless it is shrunken.

A record that the newest delivery lacks was deleted. But a delivery that lacks whole subjects, or more of the
records than may be withheld from a look, is more likely cut short: then nothing is deleted, and the feed says so.
A subject may well have no adverse event left once the only one is deleted; there only the share tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from checks.blinding import blind
from checks.knowledge.arrivals import Arrival, Flags, Integers
from checks.knowledge.changes import CORRECTION, DELETION, RESTORATION, Comparison, Pairs
from checks.knowledge.distinct_rows import Delivered, Known
from checks.knowledge.keys import codes_of
from checks.tables import CHANGES

MAY_LOSE_SUBJECTS: Final = frozenset({"AE"})
"""The domains in which a subject may have no record."""


@dataclass(frozen=True, slots=True)
class State:
    """What stands after one delivery: delivered rows in canonical order, and why a shrunken one deleted nothing.

    ``replaced`` counts the versions that corrections have replaced up to here, but for those that differ in what
    tells the arm alone.
    """

    place: int
    rows: Integers
    replaced: int
    problem: str | None


class Snapshots:
    """A cumulative feed, ready for any cut-off; ``limit`` is the share of records that a whole delivery may lack."""

    def __init__(self, delivered: Delivered, limit: float, treatments: Sequence[str]) -> None:
        self._rows, self._record, self._pool = delivered.rows, delivered.record, delivered.pool
        self._ordered, self._domain, self._limit = delivered.ordered, delivered.domain, limit
        self._treatments = treatments
        self._counts = np.maximum(self._rows.received, self._rows.known)
        self._latest = np.full(len(self._record), -1, dtype=np.int64)
        self._pairs: list[Pairs] = []
        self._states: list[State] = []
        for place in sorted(self._rows.columns):
            self._states.append(self._after(place, self._ordered[place]))
        self._changes = self._list_changes(delivered.known_at)

    def _after(self, place: int, arrival: Arrival) -> State:
        """Return what stands after a delivery, and note what it changed."""
        first, last = np.searchsorted(self._rows.arrival, [place, place + 1])
        here = np.arange(first, last, dtype=np.int64)
        here = self._pool.ordered(here[~self._pool.taken_back[self._pool.of[here]]])
        before = self._states[-1] if self._states else State(-1, here[:0], 0, None)
        missing = before.rows[~np.isin(self._record[before.rows], self._record[here])]
        problem = self._shrunken(before.rows, here, missing, arrival)
        corrected = self._note_changed(before.rows, here)
        if problem is None:
            self._note_deleted(missing, arrival)
        rows = here if problem is None else self._pool.ordered(np.concatenate([here, missing]))
        self._latest[self._record[here]] = here
        return State(place, rows, before.replaced + corrected, problem)

    def _shrunken(self, before: Integers, here: Integers, missing: Integers, arrival: Arrival) -> str | None:
        """Say why a delivery cannot be taken for whole; None when it can."""
        lacking, known = (len(np.unique(self._record[rows])) for rows in (missing, before))
        subjects = np.setdiff1d(self._pool.subject[missing], self._pool.subject[here])
        subjects = subjects[(subjects >= 0) & (self._domain not in MAY_LOSE_SUBJECTS)]
        if not len(subjects) and lacking <= self._limit * known:
            return None
        names = ", ".join(file.delivery.name for file in arrival.files)
        found, allowed = (
            f"lacks {lacking} of the {known} records known before",
            f"at most {self._limit:.1%} of them",
        )
        if len(subjects):
            found += f", and every record of {len(subjects)} subjects"
        if self._domain not in MAY_LOSE_SUBJECTS:
            allowed += ", and no whole subject"
        return f"{self._domain}: {names} {found}; allowed: {allowed}. They stay; ask the sender for the whole file"

    def _note_changed(self, before: Integers, here: Integers) -> int:
        """Note the records that say something else than before, or are back; return how many are corrected."""
        record, places = np.unique(self._record[here], return_index=True)
        now, then = here[places], self._latest[record]
        standing = np.isin(record, self._record[before])
        restored = ~standing & (then >= 0)
        corrected = standing & (self._pool.of[then] != self._pool.of[now])
        for kind, some in ((CORRECTION, corrected), (RESTORATION, restored)):
            after = now[some]
            self._note(kind, then[some], after, self._counts[after], self._pool.file(after))
        if not corrected.any():
            return 0
        before_and_now = (self._said[self._pool.of[rows[corrected]]] for rows in (then, now))
        return int(np.not_equal(*before_and_now).sum())

    @cached_property
    def _said(self) -> Integers:
        """Number the distinct rows by what they say but for what tells the arm."""
        return _blinded(self._domain, self._pool.table, self._treatments)

    def _note_deleted(self, missing: Integers, arrival: Arrival) -> None:
        gone = missing[np.unique(self._record[missing], return_index=True)[1]]
        names = ", ".join(file.delivery.name for file in arrival.files)
        known = np.maximum(self._counts[gone], arrival.received)
        self._note(DELETION, gone, gone, known, pd.Series(names, index=range(len(gone)), dtype="str"))

    def _note(
        self, kind: int, before: Integers, after: Integers, known: Integers, delivery: "pd.Series[str]"
    ) -> None:
        if len(before):
            kinds = np.full(len(before), kind, dtype=np.int64)
            self._pairs.append(Pairs(kinds, before, after, known, delivery))

    def _list_changes(self, known_at: str | None) -> pd.DataFrame:
        rows = [rows for pairs in self._pairs for rows in (pairs.before, pairs.after)]
        if not rows:
            return CHANGES.empty()
        comparison = Comparison(self._pool, np.concatenate(rows), self._domain, known_at)
        return pd.concat([comparison.list_changes(pairs) for pairs in self._pairs], ignore_index=True)

    def at(self, cutoff: int, arrived: int) -> Known:
        """Return what is known at a cut-off, in seconds since 1970 UTC, by which that many deliveries arrived."""
        usable = [state for state in self._states if state.place < arrived]
        newest = self._ordered[arrived - 1].problem if arrived else None
        if not usable:
            return Known(None, newest)
        state = usable[-1]
        known = self._rows.known[state.rows] <= cutoff
        rows = self._known_rows(usable, known, cutoff)
        places = [state.place, *pd.unique(self._rows.arrival[rows]).tolist()]
        table = self._pool.take(rows, places)
        problems = [problem for problem in (newest, state.problem) if problem is not None]
        return Known(table, "\n".join(problems) or None, state.replaced, int((~known).sum()))

    def _known_rows(self, states: Sequence[State], known: Flags, cutoff: int) -> Integers:
        """Return the rows of the newest state that are known; a record entered later is what it was before."""
        rows = states[-1].rows
        chosen = [rows[known]]
        if len(states) == 1 or known.all():
            return chosen[0]
        pending = np.setdiff1d(self._record[rows[~known]], self._record[chosen[0]])
        for earlier in reversed(states[:-1]):
            if not len(pending):
                break
            before = earlier.rows[np.isin(self._record[earlier.rows], pending)]
            before = before[self._rows.known[before] <= cutoff]
            chosen.append(before)
            pending = np.setdiff1d(pending, self._record[before])
        return self._pool.ordered(np.concatenate(chosen))

    def changes(self, cutoff: int) -> pd.DataFrame:
        """Return the CHANGES that were known at a cut-off."""
        if not len(self._changes):
            return self._changes
        return self._changes[self._changes["known_at"] <= pd.Timestamp(cutoff, unit="s", tz="UTC")]


def _blinded(domain: str, table: pd.DataFrame, treatments: Sequence[str]) -> Integers:
    """Return a number for each row that rows share when they agree in all that does not tell the arm."""
    blinded = blind(domain, table, treatments)
    return codes_of([blinded[name] for name in blinded.columns])
