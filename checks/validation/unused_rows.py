"""Rows of a feed that no stage uses: why, of which test, and how many."""

from difflib import get_close_matches
from typing import Final

import pandas as pd

from checks.measurements import CODES, VITALS
from checks.quoting import Quotes
from checks.terms import letters
from checks.validation.results import UnusedRows
from checks.validation.test_codes import ReadCodes

MOST: Final = 100
"""Codes that are told one by one: more than a study has tests; the rest of a code with free text is told together."""


def count_unused(reason: str, among: "pd.Series[bool]") -> tuple[UnusedRows, ...]:
    """Return how many rows there are for a reason."""
    rows = int(among.sum())
    return (UnusedRows(reason, None, rows),) if rows else ()


def count_codes(
    reason: str, among: "pd.Series[bool]", codes: "pd.Series[str]", quotes: Quotes
) -> tuple[UnusedRows, ...]:
    """Return how many rows there are for a reason, by test code as it may be quoted, the most first."""
    shown = codes[among].map({code: quotes.code(code) for code in codes[among].dropna().unique()})
    counted = sorted(shown.value_counts().items(), key=lambda one: (-one[1], one[0]))
    told = [UnusedRows(reason, str(code), int(rows)) for code, rows in counted[:MOST]]
    rest = sum(int(rows) for _, rows in counted[MOST:])
    return (*told, UnusedRows(reason, f"{len(counted) - MOST} further codes", rest)) if rest else tuple(told)


def count_tests(read: ReadCodes, among: "pd.Series[bool]", quotes: Quotes) -> tuple[UnusedRows, ...]:
    """Return how many rows of VS are of tests that no criterion names, with the nearest vital of a code not known."""
    known = read.test.isin(list(VITALS))
    unknown = count_codes("a test code that is not known", among & ~known, read.name, quotes)
    return (
        *count_codes("a test that no criterion names", among & known, read.name, quotes),
        *(UnusedRows(one.reason, one.code, one.rows, nearest(one.code or "")) for one in unknown),
    )


def nearest(code: str) -> str | None:
    """Return the vital whose code or spelling is nearest to a code; None where none is near."""
    found = get_close_matches(letters(code), list(CODES), n=1)
    return CODES[found[0]] if found else None
