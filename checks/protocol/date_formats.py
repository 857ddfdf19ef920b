"""Date formats: how the dates of a feed are written, where that is not ISO 8601, as the protocol says it.

One for all dates of a feed, or one for each column::

    date_format: DD-MMM-YYYY hh:mm
    date_format: {VSDTC: MM/DD/YYYY hh:mm AM, ENTERED: EXCEL-1900}

A spreadsheet's number of a date counts days, from 1900 or from 1904: which, the file does not tell.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from checks.fields import Frozen, NotEmpty, Text
from checks.problems import ProblemAt, refuse_all, shown

DATE_TOKENS: Final = ("YYYY", "YY", "MMM", "MM", "DD", "hh", "mm", "ss", "AM")
"""What a ``date_format`` is made of, the longer first; MMM is the month's name (Jan, janv.), MM its number."""

SERIAL: Final[Mapping[str, str]] = {"EXCEL-1900": "1899-12-30", "EXCEL-1904": "1904-01-01"}
"""Day 0 of a spreadsheet's two ways to count days (ECMA-376, part 1, 18.17.4.1), for days after February 1900."""

_TOKEN: Final = re.compile("|".join(DATE_TOKENS))
_NEEDED: Final = (("YYYY", "YY"), ("MMM", "MM"), ("DD",))
_CLOCKS: Final[tuple[list[str], ...]] = (
    [],
    ["hh", "mm"],
    ["hh", "mm", "ss"],
    ["hh", "mm", "AM"],
    ["hh", "mm", "ss", "AM"],
)


_ALLOWED: Final = (
    "a date of YYYY or YY, MMM or MM, and DD, then hh:mm, hhmm or hh:mm:ss if any: DD-MMM-YYYY hh:mm, or "
    f"MM/DD/YYYY hh:mm AM, or {', '.join(SERIAL)}"
)

ALL: Final = ""
"""The column of a format that is that of every date."""


def _is_format(text: str) -> bool:
    if text in SERIAL:
        return True
    tokens = _TOKEN.findall(text)
    rest = _TOKEN.sub("", text)
    whole = all(sum(tokens.count(one) for one in part) == 1 for part in _NEEDED)
    days = [place for place, one in enumerate(tokens) if one not in ("hh", "mm", "ss", "AM")]
    return whole and days == [0, 1, 2] and tokens[3:] in _CLOCKS and not re.search("[A-Za-z0-9]", rest)


def _by_column(given: object) -> object:
    return {ALL: given} if isinstance(given, str) else given


def _each(formats: Mapping[str, str]) -> Mapping[str, str]:
    wrong = {column: text for column, text in formats.items() if not _is_format(text)}
    refuse_all(
        [ProblemAt((column,) if column else (), shown(text), _ALLOWED) for column, text in wrong.items()]
    )
    return {column.upper(): text for column, text in formats.items()}


DateFormats = Annotated[
    Mapping[str, Text],
    BeforeValidator(_by_column, json_schema_input_type=Text | Mapping[str, Text]),
    NotEmpty,
    AfterValidator(_each),
    *Frozen,
]
"""The format of each column; under ``ALL`` that of every date of the feed."""


def format_of(formats: Mapping[str, str] | None, column: str, *, is_date: bool) -> str | None:
    """Return the format of a column's dates; None where they are ISO 8601, or the column holds none."""
    told = formats or {}
    return told.get(column) or (told.get(ALL) if is_date else None)
