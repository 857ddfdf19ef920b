"""What a value and its unit mean; expected conversions are worked out by hand: C = (F - 32) / 1.8."""

import math

import pandas as pd
import pytest

from checks.measurements import VITALS
from checks.numbers import read_number, read_numbers
from checks.validation import states
from checks.validation.values import (
    ANOTHER_UNIT,
    BLANK,
    NOT_A_NUMBER,
    UNKNOWN_UNIT,
    read_vital,
    read_vitals,
)


@pytest.mark.parametrize(
    ("vital", "text", "unit", "value"),
    [
        ("TEMP", "38.3", "C", 38.3),
        ("TEMP", "101", "F", 38.333333333333336),
        ("TEMP", "98.6", "Deg. F", 37.0),
        ("TEMP", "98.6", "?F", 37.0),
        ("TEMP", "31.1", "C", 31.1),
        ("RESP", "30", "breaths/min", 30.0),
        ("OXYSAT", "97%", None, 97.0),
        ("FIO2", "40%", None, 0.4),
        ("FIO2", "40", "%", 0.4),
        ("FIO2", "40", None, 0.4),
        ("FIO2", "0.4", None, 0.4),
        ("FIO2", "0.4", "fraction", 0.4),
        ("FIO2", "1", None, 1.0),
        ("FIO2", "20.9", "%", 0.209),
    ],
)
def test_a_reading_is_converted_to_the_unit_of_its_vital(
    vital: str, text: str, unit: str | None, value: float
) -> None:
    reading = read_vital(vital, text, unit)
    assert reading.value == pytest.approx(value, abs=1e-12)
    assert (reading.value_state, reading.unit_state, reading.unit_fit) == (
        states.NUMBER,
        states.KNOWN,
        states.FITS,
    )
    assert reading.position is not None and 0 <= reading.position <= 1
    assert math.isnan(reading.alternative)


@pytest.mark.parametrize(
    ("vital", "text", "unit", "alternative"),
    [
        ("TEMP", "97.2", "C", 36.22222222222222),
        ("TEMP", "98.9", "C", 37.166666666666667),
        ("TEMP", "37", "F", 37.0),
        ("FIO2", "40", "fraction", 0.4),
        ("FIO2", "0.4", "%", 0.4),
    ],
)
def test_a_number_that_only_another_unit_explains_keeps_both_readings(
    vital: str, text: str, unit: str, alternative: float
) -> None:
    reading = read_vital(vital, text, unit)
    assert reading.unit_fit == ANOTHER_UNIT
    assert reading.alternative == pytest.approx(alternative, abs=1e-12)
    assert reading.position is None


@pytest.mark.parametrize(
    ("vital", "text", "unit"),
    [
        ("RESP", "0", "/min"),
        ("OXYSAT", "0", "%"),
        ("TEMP", "370", "C"),
        ("HR", "5555", "bpm"),
        ("OXYSAT", "101", "%"),
    ],
)
def test_what_no_living_subject_has_lies_outside_the_limits(vital: str, text: str, unit: str) -> None:
    reading = read_vital(vital, text, unit)
    assert reading.unit_fit == states.FITS
    assert reading.position is not None and not 0 <= reading.position <= 1


@pytest.mark.parametrize("vital", sorted(VITALS))
def test_the_limits_themselves_are_plausible(vital: str) -> None:
    for limit in VITALS[vital].plausible:
        position = read_vital(vital, repr(limit), VITALS[vital].units[0].name).position
        assert position in (0.0, 1.0)


@pytest.mark.parametrize(
    "text", ["<0.5", "37,2", "1,2,3", "positive", "nan", "inf", "1_0", "0x10", "٣٧", "3 7", "-", ""]
)
def test_what_is_no_plain_number_is_not_read_as_one(text: str) -> None:
    assert math.isnan(read_number(text))
    assert read_vital("TEMP", text, "C").value_state == NOT_A_NUMBER


@pytest.mark.parametrize(("unit", "state"), [(None, BLANK), ("K", UNKNOWN_UNIT), ("%", UNKNOWN_UNIT)])
def test_a_unit_is_never_guessed_but_what_it_could_be_is_kept(unit: str | None, state: str) -> None:
    celsius, fahrenheit = read_vital("TEMP", "38.5", unit), read_vital("TEMP", "101.3", unit)
    assert celsius.unit_state == fahrenheit.unit_state == state
    assert celsius.value == 38.5 and math.isnan(celsius.alternative)
    assert math.isnan(fahrenheit.value) and fahrenheit.alternative == pytest.approx(38.5, abs=1e-12)
    assert celsius.unit_fit is None and celsius.position is None


def test_a_blank_value_has_no_state_of_its_own() -> None:
    assert read_vital("TEMP", None, "C").value_state is None


def test_rows_are_read_alone_and_keep_their_index() -> None:
    table = read_vitals(
        pd.Series(["TEMP", "RESP", "TEMP"], index=[4, 9, 2]),
        pd.Series(["37", "20", "37"], index=[4, 9, 2]),
        pd.Series(["C", None, "C"], index=[4, 9, 2], dtype="str"),
    )
    assert list(table.index) == [4, 9, 2]
    assert list(table["value"]) == [37.0, 20.0, 37.0]
    assert list(table["unit_state"]) == [states.KNOWN, BLANK, states.KNOWN]


def test_no_rows_give_no_readings() -> None:
    nothing = pd.Series([], dtype="str")
    assert len(read_vitals(nothing, nothing, nothing)) == 0


def test_numbers_are_missing_where_the_text_is() -> None:
    numbers = read_numbers(pd.Series(["1", None, "x"], dtype="str"))
    assert numbers.iloc[0] == 1 and numbers.isna().tolist() == [False, True, True]
