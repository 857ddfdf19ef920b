"""Simulated time, whole minutes since an origin in UTC, and the stamps that are written of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

ORIGIN = datetime(2024, 9, 1, tzinfo=UTC)
"""Where simulated time begins: any year would do; enrolment from here meets four daylight-saving changes
(27 October and 30 March in France, 3 November and 9 March in the United States)."""


def from_local(moment: datetime, zone: str) -> int:
    """Return the minute of a naive local moment at a site."""
    return round((moment.replace(tzinfo=ZoneInfo(zone)) - ORIGIN).total_seconds() / 60)


def to_local(minute: int, zone: str) -> datetime:
    """Return the naive local moment of a minute at a site."""
    return (ORIGIN + timedelta(minutes=minute)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def local_stamp(minute: int, zone: str) -> str:
    """Return an SDTM stamp to the minute in the site's own time, without an offset, as sites write them."""
    return to_local(minute, zone).strftime("%Y-%m-%dT%H:%M")


def local_date(minute: int, zone: str) -> str:
    """Return an SDTM stamp that has lost its clock time."""
    return to_local(minute, zone).strftime("%Y-%m-%d")


def local_stamps(minutes: Sequence[int], zone: str) -> list[str]:
    """Return ``local_stamp`` of many minutes at once."""
    return _index(minutes).tz_convert(zone).strftime("%Y-%m-%dT%H:%M").tolist()


def utc_stamps(minutes: Sequence[int]) -> list[str]:
    """Return stamps in UTC with their ``Z``, as a database writes them."""
    return _index(minutes).strftime("%Y-%m-%dT%H:%MZ").tolist()


def _index(minutes: Sequence[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.Timestamp(ORIGIN) + pd.to_timedelta(list(minutes), unit="min"))
