"""Which instants a stamp can mean; expected instants are worked out by hand from the published clock changes.

Paris is UTC+1, in summer UTC+2; in 2024 its clocks went forward on 31 March, back on 27 October, at 01:00Z.
"""

import numpy as np
import pandas as pd
import pytest

from checks import instants
from checks.errors import UsageError
from checks.instants import parse_stamps


def parse_one(stamp: str | None, zone: str = "Europe/Paris") -> pd.Series:
    return parse_stamps(pd.Series([stamp], dtype="str"), zone).iloc[0]


@pytest.mark.parametrize(
    ("stamp", "earliest", "latest", "timed"),
    [
        ("2024-01-15T07:15:30", "2024-01-15T06:15:30Z", "2024-01-15T06:15:30Z", True),
        ("2024-01-15T07:15:30.9", "2024-01-15T06:15:30Z", "2024-01-15T06:15:30Z", True),
        ("2024-01-15T07:15", "2024-01-15T06:15:00Z", "2024-01-15T06:15:00Z", True),
        ("2024-07-15T07:15", "2024-07-15T05:15:00Z", "2024-07-15T05:15:00Z", True),
        ("2024-01-15 07:15", "2024-01-15T06:15:00Z", "2024-01-15T06:15:00Z", True),
        ("2024-01-15 07:15:30", "2024-01-15T06:15:30Z", "2024-01-15T06:15:30Z", True),
        ("2024-01-15 07", "2024-01-15T06:00:00Z", "2024-01-15T06:59:59Z", False),
        (" 2024-01-15T07:15 ", "2024-01-15T06:15:00Z", "2024-01-15T06:15:00Z", True),
        ("2024-01-15T07", "2024-01-15T06:00:00Z", "2024-01-15T06:59:59Z", False),
        ("2024-01-15T07:-:30", "2024-01-15T06:00:00Z", "2024-01-15T06:59:59Z", False),
        ("2024-01-15", "2024-01-14T23:00:00Z", "2024-01-15T22:59:59Z", False),
        ("2024-01-15T-:15", "2024-01-14T23:00:00Z", "2024-01-15T22:59:59Z", False),
        ("2012-02", "2012-01-31T23:00:00Z", "2012-02-29T22:59:59Z", False),
        ("2016-12--", "2016-11-30T23:00:00Z", "2016-12-31T22:59:59Z", False),
        ("2003---15", "2002-12-31T23:00:00Z", "2003-12-31T22:59:59Z", False),
        ("2003", "2002-12-31T23:00:00Z", "2003-12-31T22:59:59Z", False),
        ("2137-08-10T18:06", "2137-08-10T16:06:00Z", "2137-08-10T16:06:00Z", True),
    ],
)
def test_a_stamp_spans_what_it_leaves_open(stamp: str, earliest: str, latest: str, timed: bool) -> None:
    row = parse_one(stamp)
    assert (row["earliest"], row["latest"]) == (pd.Timestamp(earliest), pd.Timestamp(latest))
    assert row["timed"] == timed
    assert pd.isna(row["problem"]) and pd.isna(row["note"])


@pytest.mark.parametrize(
    ("stamp", "instant"),
    [
        ("2024-01-15T07:15Z", "2024-01-15T07:15Z"),
        ("2024-01-15 07:15:00+00:00", "2024-01-15T07:15Z"),
        ("2024-01-15 07:15Z", "2024-01-15T07:15Z"),
        ("2024-01-15T07:15+02:00", "2024-01-15T05:15Z"),
        ("2024-01-15T07:15-0500", "2024-01-15T12:15Z"),
        ("2024-01-15T07:15:00+05:30", "2024-01-15T01:45Z"),
        ("2024-03-31T02:30+01:00", "2024-03-31T01:30Z"),
    ],
)
def test_an_offset_in_the_stamp_wins_over_the_zone(stamp: str, instant: str) -> None:
    row = parse_one(stamp)
    assert row["earliest"] == row["latest"] == pd.Timestamp(instant)
    assert pd.isna(row["note"])


@pytest.mark.parametrize(
    ("stamp", "problem"),
    [
        (None, instants.BLANK),
        ("  ", instants.BLANK),
        ("20220921", instants.NOT_ISO),
        ("8931928-1231231-123123", instants.NOT_ISO),
        ("2024-01-15  07:15", instants.NOT_ISO),
        ("15-Jan-2024", instants.NOT_ISO),
        ("2024-1-5", instants.NOT_ISO),
        ("2024-01-15T07:15:30 Z", instants.NOT_ISO),
        ("\uff12\uff10\uff12\uff14-01-15", instants.NOT_ISO),  # digits, but full-width ones
        ("-----T07:15", instants.NO_DATE),
        ("--12-15", instants.NO_DATE),
        ("2022-02-31", instants.NO_SUCH_DATE),
        ("2023-02-29", instants.NO_SUCH_DATE),
        ("2020-13-01", instants.NO_SUCH_DATE),
        ("2020-00-10", instants.NO_SUCH_DATE),
        ("2024-01-15T24:00", instants.NO_SUCH_TIME),
        ("2024-01-15T07:60", instants.NO_SUCH_TIME),
        ("2024-01-15T07:15:60", instants.NO_SUCH_TIME),
        ("2024-01-15T07:15+15:00", instants.NO_SUCH_OFFSET),
        ("2024-01-15T07:15+02:75", instants.NO_SUCH_OFFSET),
        ("0000-01-01", instants.YEAR_OUTSIDE),
        ("1899-12-31", instants.YEAR_OUTSIDE),
        ("2301", instants.YEAR_OUTSIDE),
    ],
)
def test_what_is_no_stamp_has_a_problem_and_no_span(stamp: str | None, problem: str) -> None:
    row = parse_one(stamp)
    assert row["problem"] == problem
    assert pd.isna(row["earliest"]) and pd.isna(row["latest"])
    assert not row["timed"]


@pytest.mark.parametrize(
    ("stamp", "earliest", "latest", "note"),
    [
        ("2024-10-27T02:30", "2024-10-27T00:30Z", "2024-10-27T01:30Z", instants.OVERLAP),
        ("2024-03-31T02:30", "2024-03-31T00:30Z", "2024-03-31T01:30Z", instants.GAP),
        ("2024-10-27T02", "2024-10-27T00:00:00Z", "2024-10-27T01:59:59Z", instants.OVERLAP),
    ],
)
def test_a_clock_change_leaves_two_instants(stamp: str, earliest: str, latest: str, note: str) -> None:
    row = parse_one(stamp)
    assert (row["earliest"], row["latest"]) == (pd.Timestamp(earliest), pd.Timestamp(latest))
    assert row["note"] == note


@pytest.mark.parametrize(
    ("stamp", "zone", "hours"),
    [
        ("2024-03-31", "Europe/Paris", 23),
        ("2024-10-27", "Europe/Paris", 25),
        ("2024-03-10", "America/New_York", 23),
        ("2024-06-01", "Europe/Paris", 24),
        # Brazil put its clocks forward at midnight: that day has no 00:00.
        ("2017-10-15", "America/Sao_Paulo", 23),
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(stamp: str, zone: str, hours: int) -> None:
    row = parse_one(stamp, zone)
    assert (row["latest"] - row["earliest"]).total_seconds() + 1 == hours * 3600
    assert pd.isna(row["note"])


def test_each_row_is_read_in_its_own_zone_and_keeps_its_index() -> None:
    stamps = pd.Series(["2024-01-15T07:15"] * 3, index=[7, 3, 5])
    zones = pd.Series(["Europe/Paris", "America/New_York", None], index=[7, 3, 5], dtype="str")
    parsed = parse_stamps(stamps, zones)
    assert list(parsed.index) == [7, 3, 5]
    assert list(parsed["earliest"].iloc[:2]) == [
        pd.Timestamp("2024-01-15T06:15Z"),
        pd.Timestamp("2024-01-15T12:15Z"),
    ]
    assert list(parsed["problem"].isna()) == [True, True, False]
    assert parsed["problem"].iloc[2] == instants.NO_ZONE


def test_a_stamp_with_an_offset_needs_no_zone() -> None:
    parsed = parse_stamps(pd.Series(["2024-01-15T07:15Z"]), pd.Series([None], dtype="str"))
    assert parsed["earliest"].iloc[0] == pd.Timestamp("2024-01-15T07:15Z")


def test_nothing_gives_nothing_with_the_declared_types() -> None:
    parsed = parse_stamps(pd.Series([], dtype="str"), "UTC")
    assert len(parsed) == 0
    assert str(parsed["earliest"].dtype) == "datetime64[s, UTC]"
    assert parsed["timed"].dtype == np.bool_


def test_an_unknown_zone_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(UsageError, match=r"'Paris'; allowed: a name of the IANA database"):
        parse_one("2024-01-15", "Paris")
