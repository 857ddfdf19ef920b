"""Instants as people read them: in UTC, and on the study's own clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flows.pages.kit.words import DASH


def utc_text(stamp: str | None) -> str:
    """Return an ISO 8601 instant as "2023-05-04 06:10 UTC", seconds only where there are any."""
    if not stamp:
        return DASH
    moment = datetime.fromisoformat(stamp).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if moment.second else "%Y-%m-%d %H:%M UTC")


def local_text(stamp: str, timezone: str) -> str:
    """Return the same instant as a clock in the study's time zone shows it."""
    moment = datetime.fromisoformat(stamp).astimezone(ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M} {timezone}"
