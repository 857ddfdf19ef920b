"""Stamps that are no time: placeholders of computers, before birth, years before all else of their subject."""

import pandas as pd
import pytest

from checks.instants import parse_stamps
from checks.validation.placeholders import contacts_of, without_placeholders

CUTOFF = pd.Timestamp("2024-06-12T12:00Z")
OTHER_FEEDS = {
    "VS": pd.DataFrame(
        {"USUBJID": ["S1"] * 3, "VSDTC": ["2024-06-10T04:00", "2024-06-11T20:00", "1970-01-01"]}
    ),
    "EX": pd.DataFrame({"USUBJID": ["S1"], "EXSTDTC": ["2024-06-10T08:00"]}),
}


def read(stamps: list[str], domain: str, born: str = "", met: str = "") -> pd.DataFrame:
    """Read stamps of the subject S1 beside VS and EX of June 2024."""
    one = [pd.Series([text], dtype="str") for text in ("S1", born, met)]
    contacts = contacts_of(one[0], one[1], [one[2]], OTHER_FEEDS)
    spans = parse_stamps(pd.Series(stamps, dtype="str"), "Europe/Paris")
    codes = pd.Series(0, index=spans.index).to_numpy()
    return without_placeholders(spans, (codes, pd.Index(["S1"])), domain, contacts, CUTOFF)


# Stamp, domain -> what must be named of it; empty: it is believed.
STAMPS = {
    ("1970-01-01T00:00:00", "AE"): "1970-01-01, a placeholder",
    ("1970-01-01", "AE"): "1970-01-01, a placeholder",
    ("1969-12-31T19:00:00-05:00", "AE"): "1970-01-01, a placeholder",
    ("1960-01-01T00:00", "VS"): "1960-01-01, a placeholder",
    ("1900-01-01", "EX"): "1900-01-01, a placeholder",
    ("2023-06-10T08:00", "EX"): "in 2023, a year or more before all else",
    ("2023-06-10T08:00", "AE"): "in 2023, a year or more before all else",
    ("2019-01-01T02:00", "VS"): "in 2019, a year or more before all else",
    ("2042-06-10T08:00", "VS"): "in 2042, a year or more after all else",
    ("2025-06-10", "AE"): "in 2025, a year or more after all else",
    ("2024-08-10T08:00", "VS"): "",  # not due yet
    ("1985", "AE"): "",  # a condition of long standing
    ("2023-11-20T08:00", "EX"): "",  # 203 days before
    ("2024-06-10T08:00", "EX"): "",
}


@pytest.mark.parametrize(("stamp", "domain"), STAMPS)
def test_a_stamp_that_is_no_time_may_be_of_any_time_of_the_study(stamp: str, domain: str) -> None:
    (row,) = read([stamp], domain).itertuples()
    named = STAMPS[stamp, domain]
    if named:
        assert str(row.note).startswith(named)
        # a day before the first of the other feeds, whatever their zone
        assert (row.earliest, row.latest) == (pd.Timestamp("2024-06-09", tz="UTC"), CUTOFF)
        assert not row.timed and pd.isna(row.problem)
    else:
        assert pd.isna(row.note)


def test_a_measurement_before_birth_is_of_no_time() -> None:
    spans = read(["1950-05-01T08:00", "2024-06-10T08:00"], "VS", born="1951-03-04")
    assert spans["note"].iloc[0] == "in 1950, before the subject was born: a time not known"
    assert pd.isna(spans["note"].iloc[1])


def test_a_dose_years_before_consent_is_of_no_time() -> None:
    (row,) = read(["2022-06-10T08:00"], "EX", met="2024-06-01").itertuples()
    assert str(row.note).startswith("in 2022, a year or more before the subject's first contact by DM")
    assert row.earliest == pd.Timestamp("2024-05-31", tz="UTC")


def test_a_stay_in_hospital_years_before_is_no_mistake() -> None:
    """Measured for weeks five years before the dose, at another season, and again around it."""
    before = [f"2019-02-{day:02}T08:00" for day in range(1, 20)]
    assert read([*before, "2024-06-10T09:00"], "VS")["note"].isna().all()


@pytest.mark.parametrize("year", ["2023", "2019", "2004", "1964"])
def test_one_row_of_a_year_with_another_digit_among_others_is_a_mistake(year: str) -> None:
    spans = read([f"{year}-06-10T09:00", "2024-06-10T10:00", "2024-06-10T11:00"], "VS")
    assert spans["note"].notna().tolist() == [True, False, False]


def test_a_year_in_which_the_subject_goes_on_is_not_due_yet() -> None:
    """A look at the past, by files that hold what came later: a row a month."""
    later = [f"2024-{month:02}-10T08:00" for month in range(7, 13)] + ["2025-06-10T08:00"]
    assert read(["2024-06-10T09:00", *later], "VS")["note"].isna().all()
