"""The history of a feed: what stands after each of its deliveries, as it is delivered.

Incremental feeds: all deliveries together, the latest version of each record. Versions are in order of their own
word about when they became known, where the feed has one, else of receipt; then of receipt; then of their content.
By its own word, what comes again is the version it was; without one the newer receipt holds, so that it is a
correction back, or a record restored (``checks.knowledge.returns``).

Cumulative feeds: the records of the newest delivery stand, unless it is shrunken. A record that the newest delivery
lacks was deleted. But a delivery that lacks whole subjects, or more of the records than may be withheld from a look,
is more likely cut short: then nothing is deleted, and the feed says so. A subject may well have no adverse event left
once the only one is deleted; there only the share tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from checks.blinding import blind
from checks.knowledge.arrivals import AS_FOUND, Arrival, Flags, Integers, unreadable
from checks.knowledge.changes import CORRECTION, DELETION, RESTORATION, Comparison, Pairs
from checks.knowledge.distinct_rows import Delivered
from checks.knowledge.keys import codes_of
from checks.knowledge.parts import missing_parts
from checks.knowledge.returns import returns
from checks.tables import CHANGES, Feed

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
        self._all, self._rows, self._record = delivered, delivered.rows, delivered.record
        self._limit, self._treatments = limit, treatments
        self._latest = np.full(len(self._record), -1, dtype=np.int64)
        self._pairs: list[Pairs] = []
        self._states: list[State] = []
        for place in sorted(self._rows.columns):
            self._states.append(self._after(place, delivered.arrivals[place]))
        self._changes = self._list_changes()

    def _after(self, place: int, arrival: Arrival) -> State:
        """Return what stands after a delivery, and note what it changed."""
        first, last = np.searchsorted(self._rows.arrival, [place, place + 1])
        here = np.arange(first, last, dtype=np.int64)
        here = self._all.ordered(here[~self._all.taken_back[self._all.of[here]]])
        before = self._states[-1] if self._states else State(-1, here[:0], 0, None)
        missing = before.rows[~np.isin(self._record[before.rows], self._record[here])]
        problem = self._shrunken(before.rows, here, missing, arrival)
        corrected = self._note_changed(before.rows, here)
        if problem is None:
            self._note_deleted(missing, arrival)
        rows = here if problem is None else self._all.ordered(np.concatenate([here, missing]))
        self._latest[self._record[here]] = here
        return State(place, rows, before.replaced + corrected, problem)

    def _shrunken(self, before: Integers, here: Integers, missing: Integers, arrival: Arrival) -> str | None:
        """Say why a delivery cannot be taken for whole; None when it can."""
        domain = self._all.domain
        lacking, known = (len(np.unique(self._record[rows])) for rows in (missing, before))
        subjects = np.setdiff1d(self._all.subject[missing], self._all.subject[here])
        subjects = subjects[(subjects >= 0) & (domain not in MAY_LOSE_SUBJECTS)]
        if not len(subjects) and lacking <= self._limit * known:
            return None
        names = ", ".join(file.delivery.called for file in arrival.files)
        found, allowed = (
            f"lacks {lacking} of the {known} records known before",
            f"at most {self._limit:.1%} of them",
        )
        if len(subjects):
            found += f", and every record of {len(subjects)} subjects"
        if domain not in MAY_LOSE_SUBJECTS:
            allowed += ", and no whole subject"
        return f"{domain}: {names} {found}; allowed: {allowed}. They stay; ask the sender for the whole file"

    def _note_changed(self, before: Integers, here: Integers) -> int:
        """Note the records that say something else than before, or are back; return how many are corrected."""
        record, places = np.unique(self._record[here], return_index=True)
        now, then = here[places], self._latest[record]
        standing = np.isin(record, self._record[before])
        restored = ~standing & (then >= 0)
        corrected = standing & (self._all.of[then] != self._all.of[now])
        for kind, some in ((CORRECTION, corrected), (RESTORATION, restored)):
            after = now[some]
            self._note(kind, then[some], after, self._all.counts[after], self._all.file(after))
        if not corrected.any():
            return 0
        before_and_now = (self._said[self._all.of[rows[corrected]]] for rows in (then, now))
        return int(np.not_equal(*before_and_now).sum())

    @cached_property
    def _said(self) -> Integers:
        """Number the distinct rows by what they say but for what tells the arm."""
        blinded = blind(self._all.domain, self._all.table, self._treatments)
        return codes_of([blinded[name] for name in blinded.columns])

    def _note_deleted(self, missing: Integers, arrival: Arrival) -> None:
        gone = missing[np.unique(self._record[missing], return_index=True)[1]]
        names = ", ".join(file.delivery.called for file in arrival.files)
        known = np.maximum(self._all.counts[gone], arrival.received)
        self._note(DELETION, gone, gone, known, pd.Series(names, index=range(len(gone)), dtype="str"))

    def _note(
        self, kind: int, before: Integers, after: Integers, known: Integers, delivery: "pd.Series[str]"
    ) -> None:
        # of two states that were found together it is not on record when the newer became known
        told = known > AS_FOUND
        if told.any():
            kinds = np.full(int(told.sum()), kind, dtype=np.int64)
            self._pairs.append(Pairs(kinds, before[told], after[told], known[told], delivery[told]))

    def _list_changes(self) -> pd.DataFrame:
        rows = [rows for pairs in self._pairs for rows in (pairs.before, pairs.after)]
        if not rows:
            return CHANGES.empty()
        comparison = Comparison(self._all, np.concatenate(rows))
        return pd.concat([comparison.list_changes(pairs) for pairs in self._pairs], ignore_index=True)

    def at(self, cutoff: int, arrived: int) -> Feed:
        """Return what is known at a cut-off, in seconds since 1970 UTC, by which that many deliveries arrived."""
        usable = [state for state in self._states if state.place < arrived]
        newest = self._all.arrivals[arrived - 1].problem if arrived else None
        if not usable:
            return Feed(self._all.domain, None, problem=newest)
        state = usable[-1]
        known = self._rows.known[state.rows] <= cutoff
        rows = self._known_rows(usable, known, cutoff)
        places = [state.place, *pd.unique(self._rows.arrival[rows]).tolist()]
        table = self._all.take(rows, places)
        problem = "\n".join(one for one in (newest, state.problem) if one is not None) or None
        pending = int((~known).sum())
        return Feed(self._all.domain, table, (), problem, superseded=state.replaced, not_yet_known=pending)

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
        return self._all.ordered(np.concatenate(chosen))

    def changes(self, cutoff: int) -> pd.DataFrame:
        """Return the CHANGES that were known at a cut-off."""
        if not len(self._changes):
            return self._changes
        return self._changes[self._changes["known_at"] <= pd.Timestamp(cutoff, unit="s", tz="UTC")]


class Union:
    """An incremental feed, ready for any cut-off."""

    def __init__(self, delivered: Delivered) -> None:
        self._all, rows, record = delivered, delivered.rows, delivered.record
        counts, first = delivered.counts, delivered.first
        self._received, self._counts = np.sort(rows.received), np.sort(counts)
        versions = first if delivered.known_at else np.append(first, returns(delivered))
        of, arrival, known = delivered.of[versions], rows.arrival[versions], rows.known[versions]
        self._versions = versions[np.lexsort([of, arrival, known, record[versions]])]
        self._record, self._from = record[self._versions], counts[self._versions]
        counted = np.bincount(self._record, minlength=1)
        self._several = np.flatnonzero(counted[self._record] > 1)
        self._comparison = Comparison(delivered, self._versions[self._several])

    def at(self, cutoff: int, arrived: int) -> Feed:
        """Return what is known at a cut-off, in seconds since 1970 UTC, by which that many deliveries arrived."""
        there = [place for place in range(arrived) if place in self._all.rows.columns]
        problem = self._problem(arrived)
        if not there:
            return Feed(self._all.domain, None, problem=problem)
        rows = self._latest(cutoff)
        known = int(np.searchsorted(self._counts, cutoff, side="right"))
        received = int(np.searchsorted(self._received, cutoff, side="right"))
        table = self._all.take(rows, there)
        replaced, pending = known - len(rows), received - known
        return Feed(self._all.domain, table, (), problem, superseded=replaced, not_yet_known=pending)

    def _latest(self, cutoff: int) -> Integers:
        """Return the rows that hold, in canonical order: of each record the latest version, if not taken back."""
        there = np.flatnonzero(self._from <= cutoff)
        record = self._record[there]
        last = np.append(record[1:] != record[:-1], np.ones(min(len(record), 1), dtype=bool))
        rows = self._versions[there[last]]
        return self._all.ordered(rows[~self._all.taken_back[self._all.of[rows]]])

    def _problem(self, arrived: int) -> str | None:
        """Return the problems of files that cannot be read, and that no readable one of their name followed.

        Numbered parts of a file that are missing are a problem too.
        """
        unread: dict[str, str] = {}
        for file in (file for one in self._all.arrivals[:arrived] for file in one.files):
            unread.pop(file.delivery.name, None)
            if file.table is None:
                unread[file.delivery.name] = unreadable(file)
        names = (file.delivery.name for one in self._all.arrivals[:arrived] for file in one.files)
        lacking = missing_parts(names)
        problems = [*unread.values(), *([f"{self._all.domain}: {lacking}"] if lacking else [])]
        return "\n".join(problems) or None

    def changes(self, cutoff: int) -> pd.DataFrame:
        """Return the CHANGES that were known at a cut-off."""
        there = self._several[self._from[self._several] <= cutoff]
        follows = self._record[there[1:]] == self._record[there[:-1]]
        before, after = self._versions[there[:-1][follows]], self._versions[there[1:][follows]]
        gone, going = (self._all.taken_back[self._all.of[rows]] for rows in (before, after))
        kind = np.select([going, gone], [DELETION, RESTORATION], CORRECTION).astype(np.int64)
        some = ~(gone & going)
        known = self._from[there[1:][follows]][some]
        files = self._all.file(after[some])
        return self._comparison.list_changes(Pairs(kind[some], before[some], after[some], known, files))
