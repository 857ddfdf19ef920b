"""How grave a case is: the highest grade among the adverse events that show it or begin in its interval."""

from pathlib import Path

import pandas as pd
import pytest

from checks.cases import Case, Charts
from checks.cases.case_finding import find_cases
from checks.cases.charts import highest_grade
from checks.protocol import load_protocol
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DOSE = pd.Timestamp("2026-03-02 08:00", tz="UTC")
ALL_DAY = (-8.0, 15.98)

VITALS = {
    "TEMP": ((-1, 37.0), (2, 37.0), (5, 37.1), (6, 38.5)),
    "OXYSAT": ((-1, 97), (2, 97), (5, 96), (6, 96), (6.25, 88)),
}
"""Hours since dose, value: fever newly present at 6 h, distress at 6.25 h, last seen absent at 6 h."""


NO_END = (None, None)


def at(hours: float) -> pd.Timestamp:
    return DOSE + pd.Timedelta(hours=hours)


def event(seq, term, grade, hours, *, until=None, trusted=True, subject="S"):
    """An adverse event that begins at an hour since dose, or somewhere between two."""
    last = hours if until is None else until
    return (
        subject,
        str(seq),
        term,
        None,
        grade,
        "Y",
        False,
        at(hours),
        at(last),
        *NO_END,
        until is None,
        trusted,
    )


def cases(*events, vitals=VITALS) -> tuple[Case, ...]:
    given = [("S", "1", DOSE, DOSE, *NO_END, None, True)]
    readings = [
        ("VS", "S", f"{vital}-{place}", vital, float(value), None, "", None, at(hours), at(hours), True)
        for vital, charted in vitals.items()
        for place, (hours, value) in enumerate(charted)
    ]
    tables = [
        contract.conform(pd.DataFrame(rows, columns=list(contract.columns)))
        for contract, rows in (
            (ADMINISTRATIONS, given),
            (MEASUREMENTS, readings),
            (ADVERSE_EVENTS, list(events)),
        )
    ]
    charts = Charts(tables[1], tables[2], pd.Index(["S", "T"]))
    return find_cases(tables[0], charts, PROTOCOL, at(200).to_pydatetime()).cases


def grade(*events) -> str | None:
    (case,) = cases(*events)
    return case.grade


def test_without_an_adverse_event_there_is_no_grade():
    assert grade() is None


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (event(1, "pyrexia", "3", 6.0), "3"),  # evidence of fever
        (event(1, "headache", "4", 6.1), "4"),  # begins in the interval, 6 to 6.25 h
        (event(1, "headache", "4", 6.0), "4"),  # the interval is closed
        (event(1, "headache", "4", 6.25), "4"),
        (event(1, "headache", "4", 5.9), None),  # before it, and no evidence
        (event(1, "headache", "4", 6.3), None),  # after it
        (event(1, "headache", "5", ALL_DAY[0], until=ALL_DAY[1]), None),  # a date: not surely in the interval
        (event(1, "headache", "5", 0.0, until=6.1), None),  # nor when only its end is
        (event(1, "pyrexia", "2", ALL_DAY[0], until=ALL_DAY[1]), "2"),  # a date, but evidence of fever
        (event(1, "headache", "4", 6.1, subject="T"), None),  # somebody else
        (event(1, "headache", "4", 6.1, trusted=False), None),  # in quarantine: the case does not rest on it
        (event(1, "headache", "SEVERE", 6.1), "severe"),
        (event(1, "headache", None, 6.1), None),
        (event(1, "headache", "UNKNOWN", 6.1), None),
    ],
)
def test_what_counts_shows_the_case_or_begins_in_its_interval(one, expected):
    assert grade(one) == expected


def test_the_highest_grade_stands_and_any_grade_before_any_word():
    assert (
        grade(event(1, "pyrexia", "2", 6.0), event(2, "hypoxia", "4", 6.25), event(3, "cough", "3", 6.1))
        == "4"
    )
    assert grade(event(1, "pyrexia", "1", 6.0), event(2, "hypoxia", "SEVERE", 6.25)) == "1"


def test_a_possible_case_that_rests_on_a_quarantined_event_has_its_grade():
    """A quarantined hypoxia at 7 h after the fever at 6 h, when oxygen saturation stays normal."""
    quiet = {**VITALS, "OXYSAT": VITALS["OXYSAT"][:4]}
    (case,) = cases(event(1, "hypoxia", "4", 7.0, trusted=False), vitals=quiet)
    assert (case.certainty, case.in_risk_window, case.grade) == ("possible", "possible", "4")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([], None),
        ([None, float("nan"), ""], None),
        (["0", "6", "9"], None),  # CTCAE has 1 to 5
        (["MILD", "SEVERE", "MODERATE"], "severe"),
        (["SEVERE", "1"], "1"),
        (["1", "5", "3"], "5"),
    ],
)
def test_the_order_of_grades_and_words(stated, expected):
    assert highest_grade(stated) == expected
