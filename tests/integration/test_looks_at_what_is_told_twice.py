"""Whole looks at studies in which a second column contradicts what the first says: doubted, and named."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from four_subjects import FIRST, SECOND, FourSubjects, clock

Fault = Callable[[FourSubjects], None]


def another_result_in_characters(study: FourSubjects) -> None:
    """The second subject's fever stands in VSSTRESC alone."""
    for row in study.vs:
        row |= {"VSSTRESC": row["VSORRES"], "VSSTRESN": row["VSORRES"], "VSSTRESU": row["VSORRESU"]}
    for row in study.rows(SECOND, "TEMP", (6, 7)):
        row["VSSTRESN"] = row["VSORRES"] = "36.8"


def an_end_that_cannot_be_read(study: FourSubjects) -> None:
    """Each result stands for four hours, and the ends of the second subject's are not ISO 8601."""
    for row in study.vs:
        hour = int(row["VSDTC"][11:13]) - 8
        row["VSENDTC"] = clock(
            hour + 4, form="%d%b%Y %H:%M" if row["USUBJID"] == SECOND else "%Y-%m-%dT%H:%M"
        )


def a_date_kept_past_midnight(study: FourSubjects) -> None:
    """From hour 6 on the second subject's rows have the date of the day before; time points are numbered."""
    for row in study.vs:
        hour = int(row["VSDTC"][11:13]) - 8
        row |= {"VSTPTREF": "DOSE", "VSTPTNUM": str(hour + 10)}
        if row["USUBJID"] == SECOND and hour >= 6:
            row["VSDTC"] = clock(hour - 24)


def a_month_mistyped(study: FourSubjects) -> None:
    """What the second subject's case shows is dated a month before the first dose, at a visit of day 1."""
    for subject in study.dm:
        subject["RFSTDTC"] = clock(0, form="%Y-%m-%d")
    for row in study.vs:
        row["VISITDY"] = "1"
    for row in study.rows(SECOND, "", (6, 7)):
        row["VSDTC"] = row["VSDTC"].replace("2024-06", "2024-05")


def a_dose_of_another_month(study: FourSubjects) -> None:
    """All are dosed every third day; the second subject's last dose, the one before the case, is dated in May."""
    study.ex = [
        row | {"EXSTDTC": clock(hour), "EXENDTC": clock(hour + 0.5)}
        for row in study.ex
        for hour in (-216, -144, -72, 0)
    ]
    study.protocol["limits"]["max_unobserved"] = 1.0  # of the earlier doses nothing was charted
    last = study.ex[7]
    last |= {name: last[name].replace("2024-06", "2024-05") for name in ("EXSTDTC", "EXENDTC")}


# Fault -> the verdicts that are right, and what must be named.
FAULTS: Final[dict[Fault, tuple[str, str]]] = {
    another_result_in_characters: ("watch", r"VSSTRESC \(another value\)"),
    an_end_that_cannot_be_read: (
        "watch|not_assessable",
        r"VSENDTC is not ISO 8601, but of the form 99AAA9999",
    ),
    a_date_kept_past_midnight: ("watch", r"VSTPTNUM \(out of order"),
    a_dose_of_another_month: ("watch", "rhythm of the other doses"),
    a_month_mistyped: ("watch", r"VISITDY \(out of order"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
def test_a_fault_that_a_second_column_shows_is_doubted_and_named(fault: Fault, tmp_path: Path) -> None:
    study = FourSubjects()
    study.make_ill(FIRST)
    study.make_ill(SECOND)
    fault(study)
    found = study.looked_at(tmp_path)
    right, named = FAULTS[fault]
    assert found.verdict in right.split("|")
    assert re.search(named, found.seen())
