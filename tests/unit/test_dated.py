"""Dates that a system stamped as midnights of UTC become days again; times of day stay what they are."""

from collections.abc import Sequence

import pandas as pd

from checks.instants import TOLD_AS_INSTANT, parse_column

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
WINTER_AND_SUMMER = [
    "2015-01-09T19:00:00-05:00",
    "2014-02-27T19:00:00-05:00",
    "2019-03-25T20:00:00-04:00",
    "2017-10-01T20:00:00-04:00",
    "2019-03-26T00:00:00Z",  # the same instant as any other way of writing it
]


def read(stamps: Sequence[str], zone: str = NEW_YORK, enrolled: bool = True) -> pd.DataFrame:
    column = pd.Series(list(stamps), dtype="str")
    zones = pd.Series(zone, index=column.index, dtype="str")
    return parse_column(column, zones, pd.Series(enrolled, index=column.index))


def test_midnights_of_utc_at_two_hours_of_the_day_are_dates() -> None:
    spans = read([*WINTER_AND_SUMMER, "2016-12"])
    # The tenth of January in New York, 5 h behind UTC; then the 26th of March, 4 h behind.
    assert spans["earliest"].iloc[0] == pd.Timestamp("2015-01-10T05:00:00Z")
    assert spans["latest"].iloc[0] == pd.Timestamp("2015-01-11T04:59:59Z")
    assert spans["earliest"].iloc[2] == spans["earliest"].iloc[4] == pd.Timestamp("2019-03-26T04:00:00Z")
    assert not spans["timed"].any()
    assert (spans["note"].iloc[:5] == TOLD_AS_INSTANT).all() and pd.isna(spans["note"].iloc[5])
    assert spans["earliest"].iloc[5] == pd.Timestamp("2016-12-01T05:00:00Z")


def test_a_dose_every_evening_at_seven_is_given_at_seven() -> None:
    spans = read([f"2015-01-{day:02}T19:00:00-05:00" for day in range(1, 29)])
    assert spans["timed"].all() and (spans["earliest"] == spans["latest"]).all()


def test_one_real_time_says_that_the_column_has_times() -> None:
    assert read([*WINTER_AND_SUMMER, "2015-01-09T19:05:00-05:00"])["timed"].all()


def test_four_stamps_are_too_few_to_tell() -> None:
    assert read(WINTER_AND_SUMMER[:4])["timed"].all()


def test_stamps_without_an_offset_are_of_the_sites_clock() -> None:
    assert read([stamp[:19] for stamp in WINTER_AND_SUMMER], "UTC")["timed"].all()


def test_subjects_without_a_site_say_nothing_of_its_clock() -> None:
    assert read(WINTER_AND_SUMMER, enrolled=False)["timed"].all()
    assert read(WINTER_AND_SUMMER, TOKYO)["timed"].all()  # 09:00 there, by any writing: a time
