"""Dates of EDC exports: the SDTM stamp that a date, and a time if any, mean in the export's form.

Nothing is completed: a part that the site entered as unknown (UN, UNK, or dashes) becomes an unknown part of
the stamp (SDTM Implementation Guide, section 4.4). What does not fit the form stays as it is, for validation
to ask about.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from checks.protocol.layout import DATE_TOKENS

CENTURY_TURNS_AT: Final = 69
"""Years of two digits from 69 on are of the 1900s, those below of the 2000s (POSIX.1-2017, strptime, %y)."""

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNKNOWN: Final = r"UNK?|NK|-{1,4}"
_PARTS: Final = {
    "YYYY": rf"(?P<year>[0-9]{{4}}|{_UNKNOWN})",
    "YY": rf"(?P<year>[0-9]{{2}}|{_UNKNOWN})",
    "MMM": rf"(?P<month>[A-Z]{{3}}|{_UNKNOWN})",
    "MM": rf"(?P<month>[0-9]{{1,2}}|{_UNKNOWN})",
    "DD": rf"(?P<day>[0-9]{{1,2}}|{_UNKNOWN})",
}
_CLOCK: Final = (
    r"(?:\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    rf"|\s+(?:(?:{_UNKNOWN}):?)+)?"
)


def stamp_reader(date_format: str) -> Callable[[str], str]:
    """Return the function that turns one text of that form into an SDTM stamp.

    Parameters
    ----------
    date_format
        Of the tokens of ``checks.protocol.layout.DATE_TOKENS``; a clock time may be absent in every text.
    """
    form = re.compile(_pattern(date_format), re.IGNORECASE)

    def read(text: str) -> str:
        match = form.fullmatch(text.strip())
        stamp = None if match is None else _stamp(match)
        return text if stamp is None else stamp

    return read


def _pattern(date_format: str) -> str:
    date = re.split(r"[^A-Za-z]*hh", date_format)[0]
    pieces = re.split(f"({'|'.join(DATE_TOKENS)})", date)
    return "".join(_PARTS.get(piece, re.escape(piece)) for piece in pieces) + _CLOCK


def _stamp(match: re.Match[str]) -> str | None:
    month = _month(match["month"])
    if month is None:
        return None
    date = [_year(match["year"]), month, _number(match["day"])]
    if match["hour"] is not None:
        clock = f"{match['hour']:0>2}:{match['minute']}" + (f":{match['second']}" if match["second"] else "")
        return f"{'-'.join(date)}T{clock}"
    return "-".join(_cut_off(date))


def _cut_off(parts: Sequence[str]) -> Sequence[str]:
    """Drop the unknown parts at the end; without a year the date is left as SDTM writes it."""
    known = [place for place, part in enumerate(parts, start=1) if part != "-"]
    return parts[: max(known, default=1)]


def _number(text: str) -> str:
    return f"{text:0>2}" if text.isdigit() else "-"


def _year(text: str) -> str:
    if not text.isdigit():
        return "-"
    return text if len(text) == 4 else ("19" if int(text) >= CENTURY_TURNS_AT else "20") + text


def _month(text: str) -> str | None:
    """Return a month's two digits, ``-`` where it is unknown; None for letters that name no month."""
    if text.upper() in _MONTHS:
        return f"{_MONTHS.index(text.upper()) + 1:02}"
    known_form = text.isdigit() or re.fullmatch(_UNKNOWN, text, re.IGNORECASE)
    return _number(text) if known_form else None
