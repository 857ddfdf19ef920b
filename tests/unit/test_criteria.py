"""A measurement meets a criterion: in its canonical unit, against its baseline, or against its own limit."""

import numpy as np
import pytest

from checks.cases.series import named_tests
from checks.criteria import Amounts
from checks.protocol.case_definition import Component


def component(*criteria, how="any_of"):
    return Component.model_validate({how: list(criteria)})


def met(criterion, value, baseline=np.nan, upper_limit=np.nan):
    (one,) = component(criterion).measured
    return bool(one.met(Amounts(np.array([value]), np.array([upper_limit])), np.array([baseline]))[0])


ABSOLUTE = {"vital": "TEMP", "at_least": 38.3, "unit": "C"}
RISE = {"vital": "TEMP", "rise_at_least": 1.0, "and_at_least": 38.0, "unit": "C"}
FALL = {"vital": "OXYSAT", "fall_at_least": 4, "and_below": 94, "unit": "%"}
BELOW = {"vital": "OXYSAT", "below": 90, "unit": "%"}
LYMPHOCYTES = {"lab": "lym", "above_times_uln": 2.5}
OXYGEN = {"vital": "FIO2", "rise_at_least": 0.2, "unit": "fraction"}


@pytest.mark.parametrize(
    ("criterion", "value", "baseline", "expected"),
    [
        (ABSOLUTE, 38.3, np.nan, True),
        (ABSOLUTE, 38.2, np.nan, False),
        (BELOW, 90.0, np.nan, False),
        (BELOW, 89.9, np.nan, True),
        (RISE, 38.0, 37.0, True),
        (RISE, 37.9, 36.0, False),
        (RISE, 38.2, 37.3, False),
        (RISE, 38.3, 37.3, True),
        (RISE, 39.0, np.nan, False),
        (FALL, 93.0, 97.0, True),
        (FALL, 94.0, 99.0, False),
        (FALL, 93.0, 96.0, False),
        (FALL, 80.0, np.nan, False),
        (OXYGEN, 0.6, 0.4, True),
        (OXYGEN, 0.41, 0.21, True),
        (OXYGEN, 0.59, 0.4, False),
        (OXYGEN, 1.0, np.nan, False),
        (ABSOLUTE, np.nan, 37.0, False),
        (OXYGEN, np.nan, 0.4, False),
    ],
)
def test_a_value_meets_a_criterion(criterion, value, baseline, expected):
    """Limits are those of the protocol: at least is closed, below is open; no baseline, no rise or fall."""
    assert met(criterion, value, baseline) is expected


def test_every_charted_tenth_of_a_degree_rises_by_one():
    """38.0 - 37.0, ..., 41.9 - 40.9: what is 1.0 on the chart is at least 1.0, though not always in binary."""
    assert all(met(RISE, tenths / 10, (tenths - 10) / 10) for tenths in range(380, 420))
    assert not any(met(RISE, tenths / 10, (tenths - 9) / 10) for tenths in range(380, 420))


@pytest.mark.parametrize(("value", "expected"), [(38.3, False), (38.3334, True)], ids=["100.94 F", "101 F"])
def test_an_absolute_criterion_in_fahrenheit(value, expected):
    """101 F is (101 - 32) / 1.8 = 38.3333 C."""
    assert met({"vital": "TEMP", "at_least": 101, "unit": "F"}, value) is expected


def test_a_rise_in_fahrenheit_is_a_difference():
    """A rise of 1.8 F is 1.0 C, and 100.4 F is 38.0 C; not (1.8 - 32) / 1.8."""
    criterion = {"vital": "TEMP", "rise_at_least": 1.8, "and_at_least": 100.4, "unit": "F"}
    assert met(criterion, 38.0, 37.0)
    assert not met(criterion, 38.0, 37.1)
    assert not met(criterion, 37.9, 36.0)


def test_oxygen_in_percent_is_a_fraction():
    criterion = {"vital": "FIO2", "rise_at_least": 20, "unit": "%"}
    assert met(criterion, 0.6, 0.4)
    assert not met(criterion, 0.5, 0.4)


@pytest.mark.parametrize(
    ("value", "upper_limit", "expected"),
    [
        (10.1, 4.0, True),
        (10.0, 4.0, False),  # 2.5 times 4.0 is not exceeded by 10.0
        (9.0, 3.5, True),
        (9.0, np.nan, False),
        (np.nan, 4.0, False),
    ],
)
def test_a_laboratory_result_is_held_against_its_own_limit(value, upper_limit, expected):
    assert met(LYMPHOCYTES, value, upper_limit=upper_limit) is expected


def test_a_result_without_its_limit_is_not_measured():
    (one,) = component(LYMPHOCYTES).measured
    amounts = Amounts(np.array([9.0, np.nan, 9.0]), np.array([np.nan, 4.0, 4.0]))
    assert one.comparable(amounts).tolist() == [False, False, True]


def test_a_component_tells_its_tests_and_terms():
    """Tests sorted and once, laboratory tests in upper case; terms case folded."""
    mixed = component(BELOW, FALL, ABSOLUTE, LYMPHOCYTES, {"terms": ["Fever", "PYREXIA"]})
    assert named_tests(mixed.measured) == (("LB", "LYM"), ("VS", "OXYSAT"), ("VS", "TEMP"))
    assert mixed.terms == {"fever", "pyrexia"}
