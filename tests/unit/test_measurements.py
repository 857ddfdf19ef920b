"""The catalogue of tests: spellings that real files hold, conversions checked against published pairs, codes."""

import numpy as np
import pytest

from checks.measurements import (
    CATALOGUE,
    VITALS,
    CatalogueTest,
    convert,
    convert_difference,
    unit_of,
    units_for,
)


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
        ("TEMP", "\u2103", "C"),
        ("TEMP", "\u2109", "F"),
        ("TEMP", "Degrees Celsius", "C"),
        ("TEMP", "degrees fahrenheit", "F"),
        ("TEMP", "degree  C", "C"),
        ("TEMP", "oC", "C"),
        ("TEMP", "\u00baF", "F"),
        ("TEMP", "\u02daC", "C"),
        ("TEMP", "Deg_F", "F"),
        ("TEMP", "\u00c2\u00b0C", "C"),
        ("TEMP", "\ufffdC", "C"),
        ("TEMP", "\uff23", "C"),
        ("TEMP", "C\u00b0", "C"),
        ("RESP", "1/min", "breaths/min"),
        ("RESP", "min-1", "breaths/min"),
        ("RESP", "min^-1", "breaths/min"),
        ("RESP", "min\u207b\u00b9", "breaths/min"),
        ("RESP", "breaths per minute", "breaths/min"),
        ("RESP", "Breaths\u00b7min\u207b\u00b9", "breaths/min"),
        ("RESP", "br/min", "breaths/min"),
        ("RESP", "rpm", "breaths/min"),
        ("RESP", "resp/min", "breaths/min"),
        ("RESP", "b/min", "breaths/min"),
        ("HR", "b/min", "beats/min"),
        ("HR", "{Beats}/min", "beats/min"),
        ("HR", "count/min", "beats/min"),
        ("OXYSAT", "% O2", "%"),
        ("OXYSAT", "%SpO2", "%"),
        ("OXYSAT", "% sat", "%"),
        ("OXYSAT", "Percent", "%"),
        ("OXYSAT", "\uff05", "%"),
        ("FIO2", "% O2", "%"),
        ("FIO2", "vol.%", "%"),
        ("SYSBP", "mm Hg", "mmHg"),
    ],
)
def test_spellings_of_a_unit(vital: str, spelling: str, unit: str) -> None:
    assert unit_of(vital, spelling) == unit


@pytest.mark.parametrize(
    ("vital", "spelling"),
    [
        ("TEMP", "mmHg"),
        ("TEMP", "K"),
        ("RESP", "beats/min"),
        ("OXYSAT", "/min"),
        ("HR", ""),
        ("HEIGHT", "C"),
        ("HR", "rpm"),
        ("HR", "breaths per minute"),
        ("FIO2", "L/min"),
        ("FIO2", "% SpO2"),
        ("TEMP", "%"),
        ("OXYSAT", "1"),
        ("TEMP", "deg"),
    ],
)
def test_a_unit_of_another_vital_is_none(vital: str, spelling: str) -> None:
    assert unit_of(vital, spelling) is None
    with pytest.raises(ValueError, match=f"no unit of {vital}"):
        convert(vital, 1.0, spelling)


@pytest.mark.parametrize("vital", VITALS.values(), ids=list(VITALS))
def test_a_vital_has_units_with_spellings_of_their_own_and_limits(vital: CatalogueTest) -> None:
    spellings = [spelling for unit in vital.units for spelling in unit.spellings]
    assert len(set(spellings)) == len(spellings) > 0
    assert all(spelling == spelling.upper() for spelling in spellings)
    assert all(unit_of(vital.code, unit.name) == unit.name for unit in vital.units)
    assert units_for(vital.code) == tuple(unit.name for unit in vital.units)
    canonical, (lowest, highest) = vital.units[0], vital.plausible
    assert (canonical.subtract, canonical.divide_by) == (0.0, 1.0)
    assert 0 < lowest < highest


def test_a_code_names_one_test_and_every_test_has_a_label_and_a_code() -> None:
    codes = [code for one in CATALOGUE for code in (*one.loinc, *one.snomed)]
    assert len(set(codes)) == len(codes)
    assert all(one.loinc and one.label for one in CATALOGUE)
    assert len({(one.domain, one.code) for one in CATALOGUE}) == len(CATALOGUE)


def test_a_loinc_code_ends_in_its_check_digit() -> None:
    """LOINC Users' Guide, appendix on check digits: modulus 10, each second digit from the right doubled.

    3150-6 (inhaled oxygen concentration) is published so, in LOINC as in US Core, against the rule.
    """
    for code in (code for one in CATALOGUE for code in one.loinc if code != "3150-6"):
        number, digit = code.split("-")
        doubled = "".join(str(int(one) * (2 - place % 2)) for place, one in enumerate(reversed(number)))
        assert -sum(map(int, doubled)) % 10 == int(digit), code


def test_a_snomed_code_ends_in_its_check_digit() -> None:
    """SNOMED CT, Release File Specifications, appendix: Verhoeff's check digit over the whole identifier is 0."""
    for code in (code for one in CATALOGUE for code in one.snomed):
        assert verhoeff(code) == 0, code


def verhoeff(number: str) -> int:
    """Verhoeff J. Error detecting decimal codes. Mathematisch Centrum 1969: the dihedral group of ten."""
    permutation = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check = 0
    for place, digit in enumerate(map(int, reversed(number))):
        permuted = digit
        for _ in range(place % 8):
            permuted = permutation[permuted]
        check = product(check, permuted)
    return check


def product(left: int, right: int) -> int:
    if left < 5:
        return (left + right) % 5 + (5 if right >= 5 else 0)
    return (left - right) % 5 + (0 if right >= 5 else 5)
