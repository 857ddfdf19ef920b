"""The first minute at which a rule is crossed, against a walk over every minute."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from checks.cases import Case
from flows.looks.replay.delays import MINUTE, Seen, delay_of, first_crossing, first_seen, whole_minute

START = datetime(2026, 3, 1, tzinfo=UTC)


def world(spans: list[tuple[datetime, datetime]]) -> Callable[[datetime], Seen]:
    """Return looks at a rule that is crossed in these spans."""

    def look_at(moment: datetime) -> Seen:
        crossed = any(begin <= moment < end for begin, end in spans)
        return Seen(frozenset({"rule"} if crossed else ()), ())

    return look_at


@given(minutes=st.integers(1, 5_000), seconds=st.integers(0, 59), until=st.integers(0, 9_000))
def test_a_rule_that_stays_crossed_is_found_to_the_minute(minutes: int, seconds: int, until: int) -> None:
    begins = START + timedelta(minutes=minutes, seconds=seconds)
    last = begins + timedelta(seconds=until)
    found = first_crossing(world([(begins, begins.replace(year=2027))]), "rule", START, last)
    assert found == min(whole_minute(begins), last)


def test_hints_find_a_crossing_that_is_cleared_again() -> None:
    first = START + 100 * MINUTE
    look_at = world([(first, first + 50 * MINUTE), (START + 900 * MINUTE, START + 2000 * MINUTE)])
    until = START + 1000 * MINUTE
    assert first_crossing(look_at, "rule", START, until, [first, START + 120 * MINUTE]) == first
    # the minute before a hint tells what the hint itself ends
    assert first_crossing(look_at, "rule", START, until, [first + 50 * MINUTE]) == first
    assert first_crossing(look_at, "rule", START, until) == START + 900 * MINUTE


def test_a_rule_that_is_never_crossed_has_no_minute() -> None:
    look_at = world([])
    assert first_crossing(look_at, "rule", START, START + 10 * MINUTE, [START + 5 * MINUTE]) is None


def test_a_look_at_a_second_within_the_minute_is_the_latest_answer() -> None:
    begins, last = START + timedelta(seconds=90), START + timedelta(seconds=95)
    look_at = world([(begins, begins.replace(year=2027))])
    assert first_crossing(look_at, "rule", START, last) == last


def test_the_parts_of_a_delay_add_up_to_the_whole() -> None:
    hours = [0.0, 1.5, 4.25, 14.0, 17.0]
    fall = delay_of(*(START + timedelta(hours=hour) for hour in hours))["hours"]
    assert fall == {"open_window": 1.5, "entry": 2.75, "delivery": 9.75, "look": 3.0, "total": 17.0}
    assert delay_of(None, None, None, START, START + MINUTE)["hours"]["total"] is None


def test_a_case_is_first_seen_with_the_measurement_that_makes_it_not_at_its_hour() -> None:
    """Begun between 5 and 7.5 h, so that its hour is the middle, 6.25; seen at 7.5 h."""
    seen = START + timedelta(hours=7, minutes=30)
    start, when = pd.Timestamp(START), int(seen.timestamp())
    case = Case("S", 1, start, "definite", "yes", False, 6.25, (5.0, 7.5), {}, {}, when, 1)
    assert first_seen(case) == seen
