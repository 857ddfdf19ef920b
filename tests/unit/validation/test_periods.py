"""Results of a period reach over it: short ones keep their place, long ones may be of any instant."""

import pandas as pd
import pytest

from checks.instants import parse_stamps
from checks.validation.periods import over_periods

CUTOFF = pd.Timestamp("2024-06-11T12:00Z")


def read(start: str, end: str) -> pd.Series:
    spans, ends = (parse_stamps(pd.Series([text], dtype="str"), "UTC") for text in (start, end))
    return over_periods(spans, ends, "VSENDTC", CUTOFF).iloc[0]


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2024-06-{text}Z")


def test_a_period_of_an_hour_stands_at_its_start_until_its_end() -> None:
    row = read("2024-06-10T13:00", "2024-06-10T14:00")
    assert (row["earliest"], row["latest"], row["until"]) == (at("10T13:00"), at("10T13:00"), at("10T14:00"))
    assert row["note"] == "the start of a period (VSENDTC): what it shows may be of any instant in it"


# Start, end -> the span of the row, which has no place of its own among the others.
SPANS = {
    ("2024-06-10T13:00", "2024-06-10T17:00"): ("10T13:00", "10T17:00"),
    ("2024-06-10T13:00", "2024-06-10"): ("10T13:00", "10T13:00"),  # the date of the start tells nothing
    ("2024-06-10T13:00", "2024-06-10T13:00"): ("10T13:00", "10T13:00"),
    ("2024-06-10T13:00", "2024-06-10T13:05"): ("10T13:00", "10T13:00"),  # as long as one measurement takes
    ("2024-06-10T13:00", ""): ("10T13:00", "10T13:00"),
    ("2024-06-10T13:00", "2024-06-10T11:00"): ("10T11:00", "10T13:00"),  # one of the two is wrong
    ("2024-06-11T08:00", "2024-06-12T08:00"): ("11T08:00", "11T12:00"),  # not known beyond the cut-off
}


@pytest.mark.parametrize(("start", "end"), SPANS)
def test_other_periods_are_spans(start: str, end: str) -> None:
    row = read(start, end)
    assert (row["earliest"], row["latest"]) == tuple(at(text) for text in SPANS[start, end])
    assert pd.isna(row.get("until"))


@pytest.mark.parametrize(
    ("others", "latest", "said"),
    [
        (["2024-06-10T12:00", "2024-06-10T12:00", "2024-06-10T20:00"], "10T17:00", "cannot be read"),
        ([], "10T13:00", ""),  # nothing tells how long
        (["2024-06-10"], "10T13:00", ""),
    ],
)
def test_a_period_whose_end_cannot_be_read_is_as_long_as_the_others(
    others: list[str], latest: str, said: str
) -> None:
    starts = pd.Series(["2024-06-10T13:00", *["2024-06-10T08:00"] * len(others)], dtype="str")
    ends = pd.Series(["10JUN2024 14:00", *others], dtype="str")
    row = over_periods(parse_stamps(starts, "UTC"), parse_stamps(ends, "UTC"), "VSENDTC", CUTOFF).iloc[0]
    assert (row["earliest"], row["latest"]) == (at("10T13:00"), at(latest))
    assert said in str(row["note"])
