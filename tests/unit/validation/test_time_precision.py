"""How exactly the times of a column are known, by their clocks: dates told as instants become days again."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from checks.protocol.feeds import Precision
from checks.validation.clocks import Rows, Use
from checks.validation.time_precision import UTC_MIDNIGHTS, read_times

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
WINTER_AND_SUMMER = [
    "2015-01-09T19:00:00-05:00",
    "2014-02-27T19:00:00-05:00",
    "2019-03-25T20:00:00-04:00",
    "2017-10-01T20:00:00-04:00",
    "2019-03-26T00:00:00Z",  # the same instant as any other way of writing it
]


def read(
    stamps: Sequence[str],
    zone: str = NEW_YORK,
    enrolled: bool = True,
    use: Use = "event",
    sites: Sequence[int] | None = None,
    subjects: Sequence[int] | None = None,
    stated: Precision | None = None,
    ends: "pd.Series[str] | None" = None,
    tests: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Read a column of as many subjects as it has rows."""
    column = pd.Series(list(stamps), dtype="str")
    zones = pd.Series(zone, index=column.index, dtype="str")
    codes = np.arange(len(column)) if subjects is None else np.array(subjects)
    of_tests = np.zeros(len(column), int) if tests is None else np.array(tests)
    groups = [] if sites is None else [(np.array(sites), [" of site A", " of site B"])]
    return read_times(
        column,
        Rows(codes, of_tests, zones, np.full(len(column), enrolled), groups),
        use,
        stated,
        ends,
    )


def days(spans: pd.DataFrame) -> list[bool]:
    """Return which rows span more than an hour."""
    return ((spans["latest"] - spans["earliest"]) > pd.Timedelta(hours=1)).tolist()


def test_midnights_of_utc_at_two_hours_of_the_day_are_dates() -> None:
    spans = read([*WINTER_AND_SUMMER, "2016-12"])
    # The tenth of January in New York, 5 h behind UTC; then the 26th of March, 4 h behind.
    assert spans["earliest"].iloc[0] == pd.Timestamp("2015-01-10T05:00:00Z")
    assert spans["latest"].iloc[0] == pd.Timestamp("2015-01-11T04:59:59Z")
    assert spans["earliest"].iloc[2] == spans["earliest"].iloc[4] == pd.Timestamp("2019-03-26T04:00:00Z")
    assert not spans["timed"].any()
    assert (spans["note"].iloc[:5] == UTC_MIDNIGHTS).all() and pd.isna(spans["note"].iloc[5])
    assert spans["earliest"].iloc[5] == pd.Timestamp("2016-12-01T05:00:00Z")


def test_a_dose_every_evening_at_seven_is_given_at_seven() -> None:
    spans = read([f"2015-01-{day:02}T19:00:00-05:00" for day in range(1, 29)], use="dose")
    assert spans["timed"].all() and (spans["earliest"] == spans["latest"]).all()


def test_one_real_time_says_that_the_column_has_times() -> None:
    stamps = [*WINTER_AND_SUMMER[:4], "2015-01-09T19:05:00-05:00"]
    assert read(stamps)["timed"].all()


def test_four_stamps_are_too_few_to_tell() -> None:
    assert read(WINTER_AND_SUMMER[:4])["timed"].all()


def test_stamps_without_an_offset_are_of_the_sites_clock() -> None:
    assert read([stamp[:19] for stamp in WINTER_AND_SUMMER], "UTC", use="dose")["timed"].all()


def test_subjects_without_a_site_say_nothing_of_its_clock() -> None:
    assert read(WINTER_AND_SUMMER[:4] * 2, enrolled=False)["timed"].all()
    assert read(WINTER_AND_SUMMER, TOKYO, use="dose")["timed"].all()  # 09:00 there, by any writing: a time


PARIS = "Europe/Paris"


def on_days(clock: str, number: int = 7) -> list[str]:
    return [f"2024-06-{day:02}T{clock}" for day in range(1, number + 1)]


MINUTES = [f"2024-06-{day:02}T{day + 5:02}:{day * 7:02}" for day in range(1, 8)]
HOURS = [f"2024-06-{day:02}T{day + 5:02}:00" for day in range(1, 8)]

# Kind of column, what it dates -> which of its rows are days.
ALL, NONE, FIRST = [True] * 7, [False] * 7, [True] + [False] * 6
COLUMNS: dict[tuple[str, Use], tuple[list[str], list[bool]]] = {
    ("00:00 on all rows", "event"): (on_days("00:00"), ALL),
    ("00:00 on all rows", "dose"): (on_days("00:00:00"), ALL),
    ("00:00 on all rows", "result"): (on_days("00:00"), ALL),
    ("23:59:59 on all rows", "dose"): (on_days("23:59:59"), ALL),
    ("12:00 on all rows", "event"): (on_days("12:00"), ALL),
    ("12:00 on all rows", "dose"): (on_days("12:00"), ALL),
    ("08:00 on all rows", "dose"): (on_days("08:00"), NONE),
    ("08:00 on all rows", "result"): (on_days("08:00"), NONE),
    ("08:00 on all rows", "event"): (on_days("08:00"), ALL),
    ("one 00:00 among minutes", "event"): (["2024-06-01T00:00", *MINUTES[1:]], FIRST),
    # The others are all given by day, to other subjects.
    ("one 00:00 among minutes", "dose"): (["2024-06-01T00:00", *MINUTES[1:]], FIRST),
    ("one 23:59 among minutes", "dose"): (["2024-06-01T23:59", *MINUTES[1:]], FIRST),
    ("one UTC midnight", "dose"): (["2024-06-01T02:00+02:00", *MINUTES[1:]], FIRST),
    ("one 00:00 where another is at 01:12", "dose"): (
        ["2024-06-01T00:00", *MINUTES[1:6], "2024-06-09T01:12"],
        NONE,
    ),
    # Every twelve hours, of several subjects: 12:00 explains as many.
    ("00:00 and 12:00 in turn", "dose"): ([*on_days("00:00", 4), *on_days("12:00", 3)], NONE),
    ("one 00:00 beside 08:00", "dose"): (["2024-06-01T00:00", *on_days("08:00", 6)], FIRST),
    ("one 00:00 among minutes", "result"): (["2024-06-01T00:00", *MINUTES[1:]], NONE),
    ("one 23:59 among minutes", "event"): (["2024-06-01T23:59", *MINUTES[1:]], FIRST),
    # With no other whole hour one in 24 is expected: P(2 or more) = .0008.
    ("two 12:00 among minutes", "event"): ([*on_days("12:00", 2), *MINUTES[2:]], [True] * 2 + [False] * 5),
    ("two 12:00 among minutes", "dose"): ([*on_days("12:00", 2), *MINUTES[2:]], NONE),
    ("one 12:00 among minutes", "event"): (["2024-06-01T12:00", *MINUTES[1:]], NONE),
    # With no other whole hour one in 24 is expected; P(2 or more) = .0008, and of one .04.
    ("two 00:00 among minutes", "result"): ([*on_days("00:00", 2), *MINUTES[2:]], [True] * 2 + [False] * 5),
    # Twice a day: as many at 12:00.
    ("Paris midnights told in UTC", "event"): (
        ["2024-01-01T23:00Z", "2024-07-01T22:00Z", *(f"2024-07-0{day}T22:00Z" for day in range(2, 7))],
        ALL,
    ),
    ("New York midnights told in UTC", "event"): (
        ["2024-01-01T05:00Z", "2024-07-01T04:00Z", *(f"2024-03-{day}T04:00Z" for day in range(12, 17))],
        ALL,
    ),
    # US clocks went forward on 10 March 2024, those of Paris on the 31st: at Paris these are 06:00 and 05:00.
    ("New York midnights told in UTC", "dose"): (
        ["2024-01-01T05:00Z", "2024-07-01T04:00Z", *(f"2024-03-{day}T04:00Z" for day in range(12, 17))],
        ALL,
    ),
    ("08:00 of Paris told in UTC", "dose"): (
        ["2024-01-01T07:00Z", "2024-07-01T06:00Z", *(f"2024-03-{day}T07:00Z" for day in range(12, 17))],
        NONE,
    ),
    # Midnight in Tokyo is 15:00 in UTC: 16:00 in Paris in winter, 17:00 in summer.
    ("Tokyo midnights told in UTC", "result"): (
        ["2024-01-01T15:00Z", "2024-07-01T15:00Z", *(f"2024-06-{day}T15:00Z" for day in range(12, 17))],
        ALL,
    ),
}


@pytest.mark.parametrize(("name", "use"), COLUMNS)
def test_which_rows_of_a_column_are_dates(name: str, use: Use) -> None:
    stamps, expected = COLUMNS[name, use]
    spans = read(stamps, PARIS, use=use)
    assert days(spans) == expected
    assert (spans["note"].notna() >= np.array(expected)).all()
    assert not (spans["timed"] & np.array(expected)).any()


def test_an_hourly_chart_has_one_midnight_in_24() -> None:
    stamps = [f"2024-06-{day:02}T{hour:02}:00" for day in range(1, 29) for hour in range(24)]
    assert not any(days(read(stamps, PARIS, use="result")))


def test_a_site_whose_clock_never_moves_tells_dates() -> None:
    stamps = [*on_days("00:00", 3), *MINUTES[3:]]
    spans = read(stamps, PARIS, use="result", sites=[1, 1, 1, 0, 0, 0, 0])
    assert days(spans) == [True] * 3 + [False] * 4
    assert spans["note"].iloc[0] == "at 00:00 on every row of site B: a date, not a time"


def test_a_midnight_told_in_another_zone_is_of_the_day_that_was_entered() -> None:
    tokyo, _ = COLUMNS["Tokyo midnights told in UTC", "result"]
    # 15:00 in UTC on the first of January begins the second in Tokyo.
    assert read(tokyo, PARIS, use="result")["earliest"].iloc[0] == pd.Timestamp("2024-01-01T23:00Z")


def test_events_all_told_in_whole_hours_are_known_to_the_hour() -> None:
    spans = read(HOURS, PARIS)
    assert (spans["latest"] - spans["earliest"] == pd.Timedelta(seconds=3599)).all()
    assert (read(HOURS[:6], PARIS)["latest"] == read(HOURS[:6], PARIS)["earliest"]).all()
    assert (read(HOURS, PARIS, use="result")["latest"] == read(HOURS, PARIS, use="result")["earliest"]).all()


def test_the_protocol_says_how_exactly_times_are_known() -> None:
    assert not any(days(read(on_days("00:00"), PARIS, stated="minute")))
    assert all(days(read(MINUTES, PARIS, use="dose", stated="day")))
    hours = read(MINUTES, PARIS, use="result", stated="hour")
    # 06:07 in Paris is 04:07 in UTC
    assert hours["earliest"].iloc[0] == pd.Timestamp("2024-06-01T04:00Z")
    assert hours["latest"].iloc[0] == pd.Timestamp("2024-06-01T04:59:59Z")


def test_a_drug_given_twice_a_day_is_given_at_midnight() -> None:
    stamps = [*on_days("00:00", 4), *on_days("12:00", 3)]
    assert not any(days(read(stamps, PARIS, use="dose", subjects=[0] * 7)))


def test_a_subject_whose_clock_never_moves_has_dates() -> None:
    """Six results of one test at one 00:00, beside a real chart."""
    spans = read(["2024-06-01T00:00"] * 6 + MINUTES, PARIS, use="result", subjects=[0] * 6 + [1] * 7)
    assert days(spans) == [True] * 6 + [False] * 7


@pytest.mark.parametrize(
    ("start", "end", "dates"),
    [
        ("12:00", "12:30", False),
        ("00:00", "01:45", False),
        ("00:00", "00:00", True),
        ("00:00", "00:01", True),  # an end must be later than its start, says many an entry form
        ("00:00", "08:30", True),  # too long after a midnight that was filled in
        ("23:59", "23:59", True),
        ("12:00", "", True),
    ],
)
def test_doses_that_end_soon_by_another_clock_began_by_one(start: str, end: str, dates: bool) -> None:
    ends = pd.Series(on_days(end) if end else [pd.NA] * 7, dtype="str")
    assert days(read(on_days(start), PARIS, use="dose", ends=ends)) == [dates] * 7


def test_an_end_by_chance_soon_after_a_noon_that_was_filled_in_shows_no_clock() -> None:
    ends = pd.Series(["2024-06-01T13:20", *(f"2024-06-{day:02}T09:30" for day in range(2, 8))], dtype="str")
    assert days(read(on_days("12:00"), PARIS, use="dose", ends=ends)) == ALL


def test_a_dose_at_midnight_among_others_by_day_is_one_by_its_end() -> None:
    ends = pd.Series(["2024-06-01T00:30", *[pd.NA] * 6], dtype="str")
    assert days(read(["2024-06-01T00:00", *MINUTES[1:]], PARIS, use="dose", ends=ends)) == NONE


def test_results_told_again_at_midnight_alone_are_a_days_untimed() -> None:
    """Two values a test at one midnight, 00:00 being no more frequent than the other hours of a chart by day."""
    chart = [f"2024-06-{day:02}T{hour:02}:00" for day in range(1, 8) for hour in range(6, 20)]
    again = ["2024-06-08T00:00"] * 4
    subjects, tests = [0] * len(chart) + [1] * 4, [0] * len(chart) + [0, 0, 1, 1]
    spans = read([*chart, *again], PARIS, use="result", subjects=subjects, tests=tests)
    assert days(spans) == [False] * len(chart) + [True] * 4
    # where the ward measures twice at noon as well, it does so at midnight
    twice = [*chart, *again, *chart[6:60:14]]
    spans = read(twice, PARIS, use="result", subjects=subjects + [0] * 4, tests=tests + [0] * 4)
    assert not any(days(spans))


def test_an_event_at_midnight_in_utc_by_night_is_in_doubt_and_one_by_day_is_not() -> None:
    # 00:00 in UTC is 02:00 in Paris in summer, and 09:00 in Tokyo
    others = ["2024-06-09T10:20:00+02:00", "2024-06-08T17:45:00+02:00"]
    assert days(read([*others, "2024-06-10T02:00:00+02:00"], zone="Europe/Paris")) == [False, False, True]
    assert days(read(["2024-06-10T09:00:00+09:00", "2024-06-09T17:45:00+09:00"], zone=TOKYO)) == [
        False,
        False,
    ]
