"""Units of vitals: spellings that real files hold, and conversions checked against published pairs."""

import numpy as np
import pytest

from checks.protocol.units import CANONICAL_UNIT, SYNONYMS, convert, convert_difference, unit_of, units_for


@pytest.mark.parametrize(
    ("fahrenheit", "celsius"),
    # Fixed points of the scales (NIST SP 811, B.9); 38.3 C = 38.3 * 9/5 + 32 = 100.94 F by hand.
    [(32.0, 0.0), (212.0, 100.0), (98.6, 37.0), (-40.0, -40.0), (100.94, 38.3)],
)
def test_fahrenheit_becomes_celsius(fahrenheit: float, celsius: float) -> None:
    assert convert("TEMP", fahrenheit, "F") == pytest.approx(celsius, abs=1e-9)


def test_a_rise_has_no_zero_point() -> None:
    assert convert_difference("TEMP", 1.8, "F") == 1.0
    assert convert_difference("FIO2", 20.0, "%") == pytest.approx(0.2)
    assert convert_difference("TEMP", 1.0, "C") == 1.0


def test_an_inspired_percentage_becomes_the_same_float_as_the_fraction() -> None:
    assert convert("FIO2", 40.0, "%") == 0.4


def test_arrays_are_converted_value_by_value() -> None:
    converted = convert("TEMP", np.array([98.6, np.nan, 212.0]), "Deg. F")
    assert converted.tolist() == pytest.approx([37.0, np.nan, 100.0], nan_ok=True)


@pytest.mark.parametrize(
    ("vital", "spelling", "unit"),
    [
        ("TEMP", "°C", "C"),
        ("TEMP", "cel", "C"),
        ("TEMP", "deg C", "C"),
        ("TEMP", "?F", "F"),
        ("TEMP", "[degF]", "F"),
        ("TEMP", "Deg. F", "F"),
        ("RESP", "BREATHS/MIN", "breaths/min"),
        ("RESP", "/min", "breaths/min"),
        ("HR", "bpm", "beats/min"),
        ("PULSE", "BEATS/MIN", "beats/min"),
        ("PULSE", "/min", "beats/min"),
        ("SYSBP", "mm[Hg]", "mmHg"),
        ("OXYSAT", " % ", "%"),
        ("FIO2", "%", "%"),
        ("FIO2", "1", "fraction"),
    ],
)
def test_spellings_of_a_unit(vital: str, spelling: str, unit: str) -> None:
    assert unit_of(vital, spelling) == unit


@pytest.mark.parametrize(
    ("vital", "spelling"),
    [("TEMP", "mmHg"), ("TEMP", "K"), ("RESP", "beats/min"), ("OXYSAT", "/min"), ("HR", ""), ("HEIGHT", "C")],
)
def test_a_unit_of_another_vital_is_none(vital: str, spelling: str) -> None:
    assert unit_of(vital, spelling) is None
    with pytest.raises(ValueError, match=f"no unit of {vital}"):
        convert(vital, 1.0, spelling)


def test_every_spelling_is_upper_case_and_every_vital_has_its_unit_first() -> None:
    assert all(spelling == spelling.upper() for spelling in SYNONYMS)
    assert all(units_for(vital)[0] == unit_of(vital, unit) for vital, unit in CANONICAL_UNIT.items())
