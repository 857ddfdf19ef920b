"""The tables that pass between stages: their columns, types and what a row is.

Times are UTC at a resolution of one second. A time is always a pair, ``earliest`` and ``latest``: a stamp to
the minute or finer has both alike, a coarser one spans what it leaves open (see ``checks.instants``).
``trusted`` is False for a row that failed a check: it takes part in the worst case alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import pandas as pd

TEXT = "str"
FEW = "category"
"""A text of which a table holds few different ones."""
TIME = "datetime64[s, UTC]"
NUMBER = "float64"
FLAG = "bool"
COUNT = "int64"

BLINDED_COLUMNS = frozenset(
    f"{domain}{name}"
    for domain in ("EX", "EC")
    for name in (
        "TRT", "TRTV", "DOSE", "DOSTXT", "DOSTOT", "DOSU", "DOSFRM", "PDOSE", "PSTRG", "PSTRGU", "LOT",
        "VAMT", "VAMTU",
    )
)  # fmt: skip
"""Columns of EX and EC whose values tell, or let one infer, the arm: what was given, how much, from which lot."""

BLINDED_BEGINNINGS = ("ARM", "ACTARM", "TRT")
"""How the names of further such columns begin: arms of DM, and treatments that analysis data repeat on any row."""


def tells_arm(column: str) -> bool:
    """Whether a column's values would tell the arm, so that no blinded output may show them."""
    return column in BLINDED_COLUMNS or column.startswith(BLINDED_BEGINNINGS)


WITHHELD = "withheld"
"""What a listing shows in place of a value that would tell the arm."""


@dataclass(frozen=True, slots=True)
class Table:
    """A column contract: the name of the table, and the type of each of its columns; some may be ``absent``."""

    name: str
    columns: Mapping[str, str]
    absent: Mapping[str, str] = field(default_factory=dict)

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the declared columns in their declared order and types, with a fresh index.

        Raises
        ------
        KeyError
            When a declared column is missing: a defect of the stage that made the frame.
        """
        columns = {**self.columns, **{name: kind for name, kind in self.absent.items() if name in frame}}
        return frame[list(columns)].astype(columns).reset_index(drop=True)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        return _empty(tuple(self.columns.items())).copy()


@cache
def _empty(columns: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """Return a table without rows: a look asks for some a dozen times."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns})


RAW_PROVENANCE: Mapping[str, str] = {"source_file": TEXT, "source_row": COUNT}
"""What every raw feed carries beside its own columns, all of them text as delivered, missing where blank.

``source_file`` is the domain and number of the file (``EX 2``): its name may tell the arm.
"""

DELETED = "DELETED"
"""A raw column that a feed may have: ``Y`` says that this version takes the record back (entered in error)."""

ENTERED = "ENTERED"
"""A raw column that readers of FHIR give: when this version of the record was written, fit for ``known_at``."""

SUBJECTS = Table(
    "subjects",
    {"USUBJID": TEXT, "SITEID": TEXT, "timezone": TEXT, "died_earliest": TIME, "died_latest": TIME},
)
"""DM: one row a subject, with the time zone of its site, and when it died, missing where it is not known to have.

Of a death without a date only ``died_latest`` is there: the data cut-off.
"""

ADMINISTRATIONS = Table(
    "administrations",
    {
        "USUBJID": TEXT,
        "EXSEQ": TEXT,
        "earliest": TIME,
        "latest": TIME,
        "ends_earliest": TIME,
        "ends_latest": TIME,
        "link": TEXT,
        "trusted": FLAG,
    },
)
"""EX: one row for each row that says that study drug was given; no treatment, no amount.

The end is missing where none is known that is not before the start; ``link`` is what rows of one administration
share (EXLNKID, EXLNKGRP or EXREFID), missing where they share nothing.
"""

MEASUREMENTS = Table(
    "measurements",
    {
        "domain": FEW,
        "USUBJID": TEXT,
        "sequence": TEXT,
        "test": FEW,
        "value": NUMBER,
        "alternative": NUMBER,
        "unit": FEW,
        "upper_limit": NUMBER,
        "earliest": TIME,
        "latest": TIME,
        "trusted": FLAG,
    },
    absent={"until": TIME},
)
"""VS and LB: one row a measurement, the value of one test of one subject.

``test`` is VSTESTCD or LBTESTCD, ``sequence`` the --SEQ of the row in its ``domain``. ``value`` is in ``unit``: a
vital sign's canonical one (C, breaths/min, %, beats/min, mmHg, fraction), a laboratory result's as delivered; it is
missing where it cannot be read as a number. ``alternative`` is the value in another unit that the number would fit
(F written as C), missing where there is none. ``upper_limit`` is the upper limit of normal in ``unit``, missing
where it is not given. A value of a period of at most an hour stands at its start; ``until`` is then its end, up to
which what it shows may have begun. It is absent where no feed tells of periods.
"""

ADVERSE_EVENTS = Table(
    "adverse_events",
    {
        "USUBJID": TEXT,
        "AESEQ": TEXT,
        "term": TEXT,
        "verbatim": TEXT,
        "grade": TEXT,
        "serious": TEXT,
        "fatal": FLAG,
        "earliest": TIME,
        "latest": TIME,
        "ends_earliest": TIME,
        "ends_latest": TIME,
        "timed": FLAG,
        "trusted": FLAG,
    },
)
"""AE: one row an event; ``timed`` when the stamp of its start has a clock time.

``term`` is AEDECOD, else AETERM, ``verbatim`` AETERM, missing where it is blank, both folded. The end is missing
where none is known that is not before the start: the event goes on.
"""

QUARANTINE = Table(
    "quarantine",
    {
        "domain": TEXT,
        "source_file": TEXT,
        "source_row": COUNT,
        "USUBJID": TEXT,
        "record": TEXT,
        "check": TEXT,
        "column": TEXT,
        "found": TEXT,
        "message": TEXT,
    },
)
"""One row for each reason that a row was withheld; ``found`` is withheld where it would tell the arm."""


CHANGES = Table(
    "changes",
    {
        "domain": TEXT,
        "USUBJID": TEXT,
        "record": TEXT,
        "kind": TEXT,
        "variable": TEXT,
        "before": TEXT,
        "after": TEXT,
        "known_at": TIME,
        "delivery": TEXT,
    },
)
"""One row for each value that a later delivery corrected, and for each record that one deleted or restored.

``kind`` is corrected, deleted or restored; ``variable``, ``before`` and ``after`` are those of a corrected
value, and withheld where they would tell the arm. ``known_at`` is when the change became known, ``delivery``
the file that brought it, by domain and number.
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file that arrived: its name, the SHA-256 of its bytes, its number of rows, and when it was received.

    ``received_at`` is in UTC; None for a file read as found, whose time of receipt is not on record. ``remarks`` say
    what its reader took in another way than as a table of one row a record. ``label`` is its domain and number
    (``EX 2``), which stands for it wherever it is shown: its name may tell the arm.
    """

    name: str
    sha256: str
    rows: int
    received_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    label: str = ""

    @property
    def called(self) -> str:
        """What it is called where it is shown."""
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class DeliveredTable:
    """One delivery as its reader made it: a table as in ``Feed``, or the problem that prevented it.

    A ``lasting`` one has no rows: its problem, or what its delivery remarks, is of what is kept of the feed, and
    holds from its time of receipt on, whatever arrives later.
    """

    delivery: Delivery
    table: pd.DataFrame | None
    problem: str | None = None
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known of one domain: text columns with provenance, or the problem that prevented it.

    ``table`` has the columns of the source in upper case, all text (missing where blank), and those of
    ``RAW_PROVENANCE``: ``source_row`` is the line of a text file (the header is line 1), else the record number.
    With a ``table`` and a ``problem`` the table is what earlier deliveries told: the newest cannot be used.
    ``superseded`` counts the rows that a later version or an exact repeat replaced, ``not_yet_known`` those
    that had arrived with the deliveries but, by the feed's own word, were entered after the data cut-off.
    """

    domain: str
    table: pd.DataFrame | None
    deliveries: tuple[Delivery, ...] = field(default=())
    problem: str | None = None
    superseded: int = 0
    not_yet_known: int = 0
