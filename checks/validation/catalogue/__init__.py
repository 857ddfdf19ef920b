"""The catalogue of checks that a feed must meet: each one named entry, and every suite is made from these.

``checks.validation.suites`` applies the entries to a domain of a study.
"""

from typing import Final

from checks.validation.catalogue.check import ALL, HAS_COLUMNS, HAS_ROWS, Check
from checks.validation.catalogue.doses import DOSES
from checks.validation.catalogue.events import EVENTS
from checks.validation.catalogue.records import RECORDS
from checks.validation.catalogue.results import RESULTS
from checks.validation.catalogue.times import TIMES
from checks.validation.catalogue.witnesses import WITNESSES

STRUCTURE: Final = (
    Check(
        "rows_present", ALL, "completeness", "blocks", (), HAS_ROWS,
        "feeds without a row", "feeds",
        "the feed has no rows; no data is not the same as no events. Ask the sender for it again",
    ),
    Check(
        "column_present", ALL, "conformance", "blocks", (), HAS_COLUMNS,
        "needed columns that are missing", "needed columns",
        "{column} is missing; the column is needed. Ask the sender to add it, or correct the delimiter",
    ),
    Check(
        "column_filled", ALL, "completeness", "blocks", (), HAS_COLUMNS,
        "needed columns that are blank on every row", "needed columns that are present",
        "{column} is blank on every row; the column is needed. Ask the sender to fill it",
    ),
)  # fmt: skip
"""Checks of a whole feed: its rows, its needed columns, and which of them are filled (``raw.Needed.filled``)."""

ROWS: Final = (*RECORDS, *TIMES, *DOSES, *RESULTS, *EVENTS, *WITNESSES)
"""Checks of each row of a feed; the sites, and the limits of each vital, are those of the study."""
