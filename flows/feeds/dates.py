"""Dates that are not written as ISO 8601, by the format that the study protocol says: as SDTM stamps, never guessed.

Of a date nothing is completed: a part that the site entered as unknown (UN, UNK, or dashes) becomes an unknown part
of the stamp (SDTM Implementation Guide, section 4.4). What does not fit the format stays as it is, for validation to
ask about.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from checks.errors import FeedError
from checks.months import month_of
from checks.protocol.date_formats import DATE_TOKENS, SERIAL, format_of
from flows.feeds.content import FeedOptions

CENTURY_TURNS_AT: Final = 69
"""Years of two digits from 69 on are of the 1900s, those below of the 2000s (POSIX.1-2017, strptime, %y)."""

_UNKNOWN: Final = r"UNK?|NK|-{1,4}"
_PARTS: Final = {
    "YYYY": rf"(?P<year>[0-9]{{4}}|{_UNKNOWN})",
    "YY": rf"(?P<year>[0-9]{{2}}|{_UNKNOWN})",
    "MMM": rf"(?P<month>[^\W\d_]{{3,10}}\.?|{_UNKNOWN})",
    "MM": rf"(?P<month>[0-9]{{1,2}}|{_UNKNOWN})",
    "DD": rf"(?P<day>[0-9]{{1,2}}|{_UNKNOWN})",
}
SERIAL_FEBRUARY_1900: Final = 60
"""29 February 1900, which spreadsheets count and which there was not."""

_TIME: Final = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]+)?))?"
_TIME_WITHOUT_COLON: Final = r"(?P<hour>[0-9]{1,2}):?(?P<minute>[0-9]{2})(?P<second>)"
"""A clock as one number: 0830, or 830 where a spreadsheet has taken it for one; the format says so (hhmm)."""

_HALF: Final = r"\s*(?P<half>[AP])\.?M\.?"
_CLOCK: Final = rf"(?:[\s:T,]*{{time}}{{half}}|\s+(?:(?:{_UNKNOWN}):?)++)?"
"""A clock behind a date: SAS puts a colon before it (10JUN2024:08:00:00)."""


def stamp_reader(date_format: str) -> Callable[[str], str]:
    """Return the function that turns one text of that form, of ``DATE_TOKENS``, into an SDTM stamp.

    A clock time may be absent in every text; where the format has AM, every clock says its half of the day.
    """
    if date_format in SERIAL:
        return lambda text: _of_serial(text, SERIAL[date_format])
    form = re.compile(_pattern(date_format), re.IGNORECASE)

    def read(text: str) -> str:
        match = form.fullmatch(text.strip())
        stamp = None if match is None else _stamp(match)
        return text if stamp is None else stamp

    return read


def _of_serial(text: str, day_0: str) -> str:
    """Return the date of a number of days, with the time to the minute where the number has a fraction."""
    match = re.fullmatch(r"([0-9]{3,6})(?:[.,]([0-9]+))?", text.strip())
    if match is None or int(match[1]) <= SERIAL_FEBRUARY_1900:
        return text
    minutes = round(float(f"0.{match[2] or 0}") * 24 * 60)
    moment = datetime.fromisoformat(day_0) + timedelta(days=int(match[1]), minutes=minutes)
    return f"{moment:%Y-%m-%dT%H:%M}" if minutes else f"{moment:%Y-%m-%d}"


def _pattern(date_format: str) -> str:
    date = re.split(r"[^A-Za-z]*hh", date_format)[0]
    pieces = re.split(f"({'|'.join(DATE_TOKENS)})", date)
    time = _TIME_WITHOUT_COLON if "hhmm" in date_format else _TIME
    clock = _CLOCK.replace("{time}", time).replace("{half}", _HALF if "AM" in date_format else "")
    return "".join(_PARTS.get(piece, re.escape(piece)) for piece in pieces) + clock


def _stamp(match: re.Match[str]) -> str | None:
    month, hour = _month(match["month"]), _hour(match)
    if month is None or hour is None:
        return None
    date = [_year(match["year"]), month, _number(match["day"])]
    if hour:
        clock = f"{hour:0>2}:{match['minute']}" + (f":{match['second']}" if match["second"] else "")
        return f"{'-'.join(date)}T{clock}"
    return "-".join(_cut_off(date))


def _hour(match: re.Match[str]) -> str | None:
    """Return the hour of the day, empty without a clock; None where a clock of twelve hours has no such hour."""
    hour, half = match["hour"] or "", match.groupdict().get("half")
    if not hour or half is None:
        return hour
    if not 1 <= int(hour) <= 12:
        return None
    return str(int(hour) % 12 + (12 if half.upper() == "P" else 0))


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
    if text.isdigit() or re.fullmatch(_UNKNOWN, text, re.IGNORECASE):
        return _number(text)
    month = month_of(text)
    return None if month is None else f"{month:02}"


def read_dates(texts: "pd.Series[str]", date_format: str, column: str, file: str) -> "pd.Series[str]":
    """Return a column's texts as SDTM stamps.

    Raises
    ------
    FeedError
        When some have no such month by the format, and all have one with day and month in the other order: then
        those that either order allows would be read as other days.
    """
    read = stamp_reader(date_format)
    stamps = {text: read(text) for text in texts.dropna().unique()}
    _refuse_other_order(list(stamps.values()), date_format, column, file)
    return texts.map(stamps).astype("str")


def _refuse_other_order(stamps: Sequence[str], date_format: str, column: str, file: str) -> None:
    dates = [
        match for match in (re.match(r"[0-9]{4}-([0-9]{2})-([0-9]{2})", stamp) for stamp in stamps) if match
    ]
    wrong = sum(int(date[1]) > 12 for date in dates)
    if "MMM" in date_format or date_format in SERIAL or not wrong or any(int(date[2]) > 12 for date in dates):
        return
    found = f"{wrong} of {len(stamps)} different dates of {column} with a month above 12 by {date_format}"
    raise FeedError(
        file, found, "the `date_format` in which they were entered: all have day and month the other way"
    )


def dated(table: pd.DataFrame, options: FeedOptions, file: str) -> pd.DataFrame:
    """Return a table in which the columns of which the protocol says the format hold SDTM stamps.

    Raises
    ------
    FeedError
        When a column that the protocol names is not there, or as ``read_dates`` does.
    """
    missing = [name for name in options.date_format or () if name and name not in table.columns]
    if missing:
        raise FeedError(
            file, f"no column {', '.join(missing)}", "those that the protocol's `date_format` names"
        )
    known_at = (options.known_at or "").upper()
    for name in table.columns:
        is_date = str(name).endswith("DTC") or name == known_at
        date_format = format_of(options.date_format, str(name), is_date=is_date)
        if date_format is not None:
            table[name] = read_dates(table[name], date_format, str(name), file)
    return table
