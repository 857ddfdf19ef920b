"""How numbers, intervals, instants and names are said to people who were not there when they were computed."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flows.inert import UNSEEN

UNPRINTABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{UNSEEN}]")
"""Characters that a feed may carry and no page or terminal should, but for blanks and ends of lines."""

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
AT_MOST = "\N{LESS-THAN OR EQUAL TO}"

NOT_A_DEVICE = "postdose recommends; a DSMB decides. It is not a medical device."

SIMULATED = "SIMULATED study: no participant is a real person."
"""What stands above everything that is made of a simulated study."""


def printable(text: str) -> str:
    """Return the text with each unprintable character replaced, so that it can neither hide nor command."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def spoken(name: str) -> str:
    """Return an identifier as words: ``respiratory_distress`` is "respiratory distress"."""
    return name.replace("_", " ")


def number(value: float | None, *, missing: str = DASH) -> str:
    """Return a number with at most two decimals and no idle zeros, or ``missing``."""
    if value is None or math.isnan(value):
        return missing
    if math.isinf(value):
        return "no limit"
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", MINUS)


def ratio(value: float | None, *, missing: str = DASH) -> str:
    """Return a ratio to about three digits, which is more than few events can support."""
    if value is None or not math.isfinite(value):
        return missing
    places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def rate(value: float | None) -> str:
    """Return a rate to three significant digits, since two decimals would round a rare event to none."""
    return DASH if value is None else f"{value:.3g}"


def p_text(value: float | None) -> str:
    """Return a p-value to two significant digits, never below what the method can honestly print."""
    if value is None or math.isnan(value):
        return DASH
    return "<0.0001" if value < 0.0001 else f"{value:.2g}"


def span(ends: Sequence[float | None] | None, *, missing: str = "time not known") -> str:
    """Return an interval of hours: "5.2" to "7.4", one number when both ends agree, or ``missing``."""
    if not ends or ends[0] is None or ends[-1] is None:
        return missing
    first, last = number(ends[0]), number(ends[-1])
    if first == last:
        return first
    return f"{first}{DASH}{last}" if ends[0] >= 0 and ends[-1] >= 0 else f"{first} to {last}"


def plural(count: int, noun: str) -> str:
    """Return the count with its noun: "1 case", "3 cases"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(share: float | None, *, missing: str = "-") -> str:
    """Return a probability as a percentage that says neither never nor always where it is not."""
    if share is None:
        return missing
    if 0 < share < 0.0001:
        return "<0.01%"
    if share >= 0.9995:
        return ">99.9%"
    return f"{share:.1%}" if share >= 0.1 or share == 0 else f"{share:.2%}"


def utc_text(stamp: str | None) -> str:
    """Return an ISO 8601 instant as "2023-05-04 06:10 UTC", seconds only where there are any."""
    if not stamp:
        return DASH
    moment = datetime.fromisoformat(stamp).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if moment.second else "%Y-%m-%d %H:%M UTC")


def local_text(stamp: str, timezone: str) -> str:
    """Return, to be set behind it, the same instant as a clock in the study's time zone shows it; in UTC nothing."""
    moment = datetime.fromisoformat(stamp).astimezone(ZoneInfo(timezone))
    return "" if timezone == "UTC" else f" ({moment:%Y-%m-%d %H:%M} {timezone})"
