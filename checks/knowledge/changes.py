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
from checks.quoting import quoted_numbers
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
    1970 UTC. ``delivery`` is what the file that brought the change is called.
    """

    kind: Integers
    before: Integers
    after: Integers
    known: Integers
    delivery: "pd.Series[str]"


class Comparison:
    """Compares delivered rows of one domain; made once for the rows that can be compared."""

    def __init__(self, delivered: Delivered, rows: Integers) -> None:
        domain, known_at = delivered.domain, delivered.known_at
        self._domain, self._nothing = domain, CHANGES.empty()
        self._rows = np.unique(rows)
        table = delivered.table.take(delivered.of[self._rows]).reset_index(drop=True)
        self._subject = table["USUBJID"] if "USUBJID" in table.columns else _blanks(len(table))
        self._record = _record_names(table, domain)
        self._columns: list[tuple[str, Integers, pd.Series[str], Flags]] = []
        for name in table.columns:
            if _is_listed(name, domain, known_at):
                codes, values = pd.factorize(table[name])
                texts = pd.Series(values, dtype="str")
                self._columns.append((name, codes, texts, delivered.has(self._rows, name)))

    def list_changes(self, pairs: Pairs) -> pd.DataFrame:
        """Return the CHANGES of these records: a row for each value that differs, and for each that came or went."""
        if not len(pairs.kind):
            return self._nothing
        before, after = (np.searchsorted(self._rows, rows) for rows in (pairs.before, pairs.after))
        lines = self._lines(pairs, after)
        parts = [lines[pairs.kind != CORRECTION]]
        for name, codes, texts, there in self._columns:
            differ = (codes[before] != codes[after]) & there[before] & there[after] & (pairs.kind != DELETION)
            if differ.any():
                was, now = (
                    WITHHELD if tells_arm(name) else texts.reindex(codes[rows[differ]]).to_numpy()
                    for rows in (before, after)
                )
                parts.append(lines[differ].assign(kind=CORRECTED, variable=name, before=was, after=now))
        return CHANGES.conform(pd.concat(parts).sort_index(kind="stable"))

    def _lines(self, pairs: Pairs, after: Integers) -> pd.DataFrame:
        """Return what is said of each pair whatever changed; of a record that came or went that is all."""
        return pd.DataFrame(
            {
                "domain": self._domain,
                "USUBJID": self._subject.take(after).to_numpy(),
                "record": self._record.take(after).to_numpy(),
                "kind": np.array(KINDS, dtype=object)[pairs.kind],
                "variable": _blanks(len(after)),
                "before": _blanks(len(after)),
                "after": _blanks(len(after)),
                "known_at": pd.to_datetime(pairs.known, unit="s", utc=True).astype(TIME),
                "delivery": pairs.delivery.to_numpy(),
            }
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
    return (f"{domain}SEQ=" + quoted_numbers(sequence_of(table, domain))).fillna(natural)


def _blanks(length: int) -> "pd.Series[str]":
    return pd.Series(pd.NA, index=range(length), dtype="str")
