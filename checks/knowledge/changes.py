"""Changes of a record by a later delivery: which variables, from what, to what, and what may be shown.

Of EX only times and status are listed: that an amount or a treatment changed at all could tell the arm. Of
domains that no rule uses nothing is listed, as drug concentrations and antibodies could tell it too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from checks.knowledge.arrivals import Flags, Integers
from checks.knowledge.distinct_rows import Delivered
from checks.knowledge.keys import sequence_of, time_of, topic_of
from checks.tables import CHANGES, DELETED, TIME, WITHHELD, tells_arm

CORRECTED: Final = "corrected"
KINDS: Final = (CORRECTED, "deleted", "restored")
CORRECTION, DELETION, RESTORATION = range(3)

LISTED: Final = ("DM", "EX", "VS", "AE", "LB")
TIMES_AND_STATUS: Final = ("DTC", "STAT", "OCCUR")
"""How the names of the variables of EX that are listed end (EXSTDTC, EXSTAT, ECOCCUR)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Changed records: the kind of each (a position in ``KINDS``), the row before, the row after, and when known.

    Rows are delivered rows of one domain; of a deletion both are the row that went. ``known`` is in seconds since
    1970 UTC. ``delivery`` is the name of the file that brought the change.
    """

    kind: Integers
    before: Integers
    after: Integers
    known: Integers
    delivery: "pd.Series[str]"

    def __len__(self) -> int:
        return len(self.kind)


class Comparison:
    """Compares delivered rows of one domain; made once for the rows that can be compared."""

    def __init__(self, delivered: Delivered, rows: Integers) -> None:
        domain, known_at = delivered.domain, delivered.known_at
        self._domain, self._nothing = domain, CHANGES.empty()
        self._rows = np.unique(rows)
        table = delivered.table.take(delivered.of[self._rows]).reset_index(drop=True)
        self._variables = [name for name in table.columns if _is_listed(name, domain, known_at)]
        self._coded = [pd.factorize(table[name]) for name in self._variables]
        self._has = [delivered.has(self._rows, name) for name in self._variables]
        self._subject = table["USUBJID"] if "USUBJID" in table.columns else _blanks(len(table))
        self._record = _record_names(table, domain)

    def list_changes(self, pairs: Pairs) -> pd.DataFrame:
        """Return the CHANGES of these records: a row for each value that differs, and for each that came or went."""
        if not len(pairs):
            return self._nothing
        before, after = (np.searchsorted(self._rows, rows) for rows in (pairs.before, pairs.after))
        parts = [self._whole(pairs, after)]
        whole = pairs.kind == DELETION
        for place in range(len(self._variables)):
            differ = self._differ(place, before, after) & ~whole
            if differ.any():
                parts.append(self._values(place, pairs, before, after, np.flatnonzero(differ)))
        return CHANGES.conform(pd.concat(parts).sort_index(kind="stable"))

    def _differ(self, place: int, before: Integers, after: Integers) -> Flags:
        codes, there = self._coded[place][0], self._has[place]
        differ: Flags = codes[before] != codes[after]
        return differ & there[before] & there[after]

    def _whole(self, pairs: Pairs, after: Integers) -> pd.DataFrame:
        some = np.flatnonzero(pairs.kind != CORRECTION)
        nothing = _blanks(len(some)).set_axis(some)
        return self._frame(pairs, after, some).assign(variable=nothing, before=nothing, after=nothing)

    def _values(
        self, place: int, pairs: Pairs, before: Integers, after: Integers, some: Integers
    ) -> pd.DataFrame:
        name, (codes, values) = self._variables[place], self._coded[place]
        texts = pd.Series(values, dtype="str")
        shown = [
            _blanks(len(some)).fillna(WITHHELD) if tells_arm(name) else texts.reindex(codes[rows[some]])
            for rows in (before, after)
        ]
        frame = self._frame(pairs, after, some).assign(kind=CORRECTED, variable=name)
        return frame.assign(before=shown[0].to_numpy(), after=shown[1].to_numpy())

    def _frame(self, pairs: Pairs, after: Integers, some: Integers) -> pd.DataFrame:
        """Return what every line says; its index is the position of the pair."""
        return pd.DataFrame(
            {
                "domain": self._domain,
                "USUBJID": self._subject.take(after[some]).to_numpy(),
                "record": self._record.take(after[some]).to_numpy(),
                "kind": np.array(KINDS, dtype=object)[pairs.kind[some]],
                "known_at": pd.to_datetime(pairs.known[some], unit="s", utc=True).astype(TIME),
                "delivery": pairs.delivery.take(some).to_numpy(),
            },
            index=some,
        )


def _is_listed(name: str, domain: str, known_at: str | None) -> bool:
    """Whether a change of the column is a correction: a new number or time of entry is none."""
    if domain == "EX":
        return name.endswith(TIMES_AND_STATUS)
    return name not in {f"{domain}SEQ", DELETED, known_at}


def _record_names(table: pd.DataFrame, domain: str) -> "pd.Series[str]":
    """Name each record: --SEQ, else what it is about and its time (of a dose, the time alone)."""
    if domain == "DM":
        return pd.Series("DM", index=table.index, dtype="str")
    time = time_of(table, domain).fillna("")
    topic = time.where(time == "", "") if domain == "EX" else topic_of(table, domain).fillna("")
    natural = topic.str.cat(time, sep=" ").str.strip()
    return (f"{domain}SEQ=" + sequence_of(table, domain)).fillna(natural)


def _blanks(length: int) -> "pd.Series[str]":
    return pd.Series(pd.NA, index=range(length), dtype="str")
