"""At which data cut-offs a replay looks."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import UsageError
from flows.looks.replay.schedule import MOST_LOOKS, Schedule, day_of, parse_every, whole_schedule

DAY = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "every"),
    [("30min", timedelta(minutes=30)), ("6h", 6 * HOUR), ("1d", 24 * HOUR), ("10d", 240 * HOUR)],
)
def test_the_time_between_looks_is_a_number_and_a_unit(text: str, every: timedelta) -> None:
    assert parse_every(text) == every


@pytest.mark.parametrize("text", ["", "0h", "6", "h", "6 h", "1w", "-1d", "1.5h", "999999d"])
def test_another_time_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="allowed: a number and min, h or d"):
        parse_every(text)


def test_looks_are_made_at_the_first_moment_and_none_after_the_last() -> None:
    cutoffs = list(Schedule(DAY, DAY + 13 * HOUR, 6 * HOUR).cutoffs())
    assert cutoffs == [DAY, DAY + 6 * HOUR, DAY + 12 * HOUR]
    assert list(Schedule(DAY, DAY, 6 * HOUR).cutoffs()) == [DAY]


@pytest.mark.parametrize(("known", "last"), [(0, 0), (1, 6), (6, 6), (7, 12)])
def test_the_last_look_is_the_first_that_misses_nothing(known: int, last: int) -> None:
    assert whole_schedule(DAY, DAY + known * HOUR, 6 * HOUR).last == DAY + last * HOUR


def test_a_day_begins_at_midnight_utc() -> None:
    assert day_of(datetime.fromisoformat("2026-03-02T01:30+02:00")) == DAY


def test_times_that_make_no_sense_are_refused() -> None:
    with pytest.raises(
        UsageError, match="--to: found 2026-02-28T00:00Z; allowed: 2026-03-01T00:00Z or later"
    ):
        Schedule(DAY, DAY - 24 * HOUR, HOUR)
    with pytest.raises(UsageError, match=f"at most {MOST_LOOKS:,}"):
        Schedule(DAY, DAY.replace(year=2126), timedelta(minutes=1))
