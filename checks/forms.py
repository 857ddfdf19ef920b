"""How a text that cannot be read is written: its form without its value, and what would let it be read.

A form shows 9 for each digit and A for each letter: what may stand in a message, where a subject's value may not.
What an odd text would mean is for the listing of rows alone, and is never taken for what it means.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from checks.measurements import units_for
from checks.months import month_of
from checks.quoting import Quotes, unquoted

LONGEST: Final = 24
"""A longer text is no number and no date: its form would say nothing."""

MOST: Final = 5
"""Different forms that are told apart; the rarer ones are told as what they are not."""

_MONTH: Final = r"(?P<month>[^\W\d_]{3,10}\.?)"
_CLOCK: Final = (
    r"(?P<clock>[ T:,]*[0-9]{1,2}:[0-9]{2}(?P<second>:[0-9]{2})?(?:\.[0-9]+)?|[ T:,]+(?P<bare>[0-9]{3,4}))?"
    r"(?P<half>\s*[AP]\.?M\.?)?"
)
_NAMED: Final = re.compile(
    rf"[0-9]{{1,2}}(?P<sign>[-/. ]?){_MONTH}(?P=sign)(?P<year>[0-9]{{4}}|[0-9]{{2}}){_CLOCK}", re.IGNORECASE
)
_NUMBERED: Final = re.compile(
    rf"(?P<one>[0-9]{{1,2}})(?P<sign>[-/.])(?P<two>[0-9]{{1,2}})(?P=sign)(?P<year>[0-9]{{4}}|[0-9]{{2}}){_CLOCK}",
    re.IGNORECASE,
)
_YEAR_FIRST: Final = re.compile(
    rf"[0-9]{{4}}(?P<sign>[-/.]?)[0-9]{{1,2}}(?P=sign)[0-9]{{1,2}}{_CLOCK}", re.IGNORECASE
)
_SERIAL: Final = re.compile(r"(?P<days>[2-7][0-9]{4})(?:[.,](?P<fraction>[0-9]+))?")
"""A number of days from 1900 or 1904 that lies between 1954 and 2123."""

_COMMA: Final = re.compile(r"(?P<whole>[+-]?[0-9]+),(?P<rest>[0-9]+)")
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[ ,.'\u2019][0-9]{3})+(?:[.,][0-9]+)?")
_WITH_TEXT: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?\s*[^\s0-9.,][^0-9]*")
_COMPARED: Final = re.compile(r"[<>≤≥~=]+\s*[0-9.,]+")


def form_of(text: str) -> str:
    """Return a text with 9 for each digit and A for each letter."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text))


def _word(text: str, column: str, quotes: Quotes) -> str:
    """Say of a text that holds a word of another column what belongs there; empty where it holds none."""
    digits = text.isprintable() and not any(map(str.isalpha, text))  # their form tells nothing
    return "" if digits or quotes.may(text, column) else f", but {unquoted(text, column)}"


def of_form(text: str) -> str:
    """Say which form a text has, where that says something: it has a digit, and is no narrative.

    Its letters are counted: of a text that holds a word of another column nothing may be said so.
    """
    shown = len(text) <= LONGEST and any(map(str.isdigit, text))
    return f", but of the form {form_of(text)}" if shown else ""


def said_of_stamp(text: str, quotes: Quotes) -> str:
    """Say how a stamp that is not ISO 8601 is written, and which key of the protocol lets it be read."""
    if word := _word(text, "DTC", quotes):
        foreign = ", whose month no language known here names so: ask for it as a number (ISO 8601)"
        return word + (foreign if _NAMED.fullmatch(text) else "")
    if _SERIAL.fullmatch(text):
        return (
            f"{of_form(text)}, a number of days as spreadsheets keep dates, from 1900 or 1904 it does not tell: "
            "export the cells as text, or say `date_format: EXCEL-1900` or EXCEL-1904 of the feed"
        )
    formats = _formats(text)
    if not formats:
        return of_form(text)
    either = ", whichever was entered" if len(formats) > 1 else ""
    said = " or ".join(f"`date_format: {one}`" for one in formats)
    return f"{of_form(text)}: say {said} of the feed in the protocol{either}"


def _formats(text: str) -> list[str]:
    """Return the formats of the protocol that a date may be written in; two where day and month may be either."""
    if (match := _NAMED.fullmatch(text)) and month_of(match["month"]) is not None:
        days = [f"DD{match['sign']}MMM{match['sign']}{'Y' * len(match['year'])}"]
    elif match := _NUMBERED.fullmatch(text):
        orders = [order for order, month in (("MM DD", "one"), ("DD MM", "two")) if int(match[month]) <= 12]
        days = [f"{order} {'Y' * len(match['year'])}".replace(" ", match["sign"]) for order in orders]
    elif match := _YEAR_FIRST.fullmatch(text):
        days = [f"YYYY{match['sign']}MM{match['sign']}DD"]
    else:
        return []
    bare = " hhmm" if match["bare"] else " hh:mm"
    clock = (bare + (":ss" if match["second"] else "")) if match["clock"] else ""
    return [day + clock + (" AM" if match["half"] else "") for day in days]


def said_of_number(text: str, quotes: Quotes) -> str:
    """Say how a result that is no plain number is written, and what lets it be read."""
    if word := _word(text, "ORRES", quotes):
        return word
    if _COMMA.fullmatch(text):
        return f'{of_form(text)}: say `decimal: ","` of the feed in the protocol, if its comma is the decimal sign'
    if _THOUSANDS.fullmatch(text):
        return f"{of_form(text)}, as with thousands apart: export the number without"
    if _COMPARED.fullmatch(text):
        return f"{of_form(text)}, a limit and no value"
    if _WITH_TEXT.fullmatch(text) and of_form(text):
        return f"{of_form(text)}: a unit belongs in the column of units"
    return of_form(text)


def meant(text: str) -> str:
    """Return a text with what it would be, for the listing of rows: a spreadsheet's date, a decimal comma."""
    if serial := _SERIAL.fullmatch(text):
        minutes = round(float(f"0.{serial['fraction'] or 0}") * 24 * 60)
        after = timedelta(days=int(serial["days"]), minutes=minutes)
        dates = (datetime(1899, 12, 30) + after, datetime(1904, 1, 1) + after)
        first, second = (f"{date:%Y-%m-%dT%H:%M}" if minutes else f"{date:%Y-%m-%d}" for date in dates)
        return f"{text} (would be {first} counted from 1900, {second} from 1904)"
    if comma := _COMMA.match(text):
        return f"{text} (would be {comma['whole']}.{comma['rest']} with a decimal comma)"
    return text


def said_of_unit(vital_and_unit: str, quotes: Quotes) -> str:
    """Say of a vital and a unit, with a blank between, which unit it is and which are allowed."""
    vital, _, unit = vital_and_unit.partition(" ")
    if not quotes.may(unit, "ORRESU"):
        shown = unquoted(unit, "ORRESU")
    elif len(unit) <= LONGEST and not any(map(str.isdigit, unit)):
        shown = repr(unit)
    else:
        shown = form_of(unit[:LONGEST])
    return f": {shown} for {vital}; allowed: {', '.join(units_for(vital))}"


def with_forms(
    found: "pd.Series[Any]",
    state: str,
    texts: "pd.Series[str]",
    said: Callable[[str, Quotes], str],
    quotes: Quotes,
) -> "pd.Series[Any]":
    """Return judged states (categories) in which ``state`` says, by the text of each row, how that is written.

    ``texts`` need no more rows than are in that state.
    """
    odd = (found == state).to_numpy(dtype=bool)
    if not odd.any():
        return found
    rows = texts[found.index[odd]]
    written = rows.map({text: said(text, quotes) for text in rows.unique()})
    commonest = written.value_counts().index[:MOST]
    longer = state + written.where(written.isin(commonest), "")
    return found.astype("object").mask(odd, longer.reindex(found.index)).astype("category")
