"""Dates of an SDTM feed in the format that the protocol says, and what is refused as another one."""

import fsspec
import pytest

from checks.tables import DeliveredTable
from flows.feeds.content import FeedOptions
from flows.feeds.deliveries import read_deliveries

HEADER = "USUBJID,VSDTC,VSTESTCD,ENTERED"


def read(rows: str, **told) -> DeliveredTable:
    fsspec.filesystem("memory").pipe({"/dates/vs.csv": f"{HEADER}\n{rows}".encode()})
    (delivered,) = read_deliveries("memory://dates/vs.csv", FeedOptions(domain="VS", **told))
    return delivered


def test_one_format_is_that_of_every_date_and_of_the_time_of_entry() -> None:
    table = read(
        "S1,10-Jun-2024 08:00,TEMP,11-JUN-2024\nS1,2024-06-10T09:00,10-Jun-2024,\n",
        date_format={"": "DD-MMM-YYYY hh:mm"},
        known_at="entered",
    ).table
    assert table is not None
    assert table["VSDTC"].tolist() == ["2024-06-10T08:00", "2024-06-10T09:00"]  # ISO 8601 stays
    assert table["VSTESTCD"].tolist() == ["TEMP", "10-Jun-2024"]
    assert table["ENTERED"].fillna("").tolist() == ["2024-06-11", ""]


def test_a_format_of_one_column_is_not_that_of_another() -> None:
    table = read("S1,6/10/2024 8:00 AM,TEMP,10.06.2024\n", date_format={"VSDTC": "MM/DD/YYYY hh:mm AM"}).table
    assert table is not None
    assert (table["VSDTC"][0], table["ENTERED"][0]) == ("2024-06-10T08:00", "10.06.2024")


def test_a_column_of_a_format_must_be_there() -> None:
    problem = read("S1,6/10/2024,TEMP,\n", date_format={"VSDT": "MM/DD/YYYY"}).problem or ""
    assert problem == "VS 1: found no column VSDT; allowed: those that the protocol's `date_format` names"


def test_the_other_order_of_day_and_month_is_refused_where_the_data_show_it() -> None:
    days = "S1,05/06/2024,TEMP,\nS1,13/06/2024,TEMP,\n"
    problem = read(days, date_format={"": "MM/DD/YYYY"}).problem or ""
    assert "found 1 of 2 different dates of VSDTC with a month above 12 by MM/DD/YYYY" in problem
    assert read(days, date_format={"": "DD/MM/YYYY"}).problem is None


@pytest.mark.parametrize("told", ["MM/DD/YYYY"])
def test_one_mistyped_date_is_left_to_be_asked_for(told: str) -> None:
    table = read("S1,06/13/2024,TEMP,\nS1,13/06/2024,TEMP,\n", date_format={"": told}).table
    assert table is not None
    assert table["VSDTC"].tolist() == ["2024-06-13", "2024-13-06"]  # no such date, says validation
