"""The self-controlled comparison: its defined limits, its options and its messages."""

import math

import numpy as np
import pytest

from checks.errors import DesignError
from checks.statistics.timing.self_controlled import self_controlled, self_controlled_strata


@pytest.mark.parametrize("alternative", ["greater", "two-sided", "less"])
@pytest.mark.parametrize("hours", [(3, 45), (0, 45), (3, 0), (0, 0)])
def test_without_events_nothing_is_said(hours, alternative):
    found = self_controlled(0, 0, *hours, alternative)
    assert (found.relative_incidence, found.ci95, found.p_value) == (None, (0.0, math.inf), 1.0)


@pytest.mark.parametrize(("counts", "hours"), [((2, 0), (3, 0)), ((0, 2), (0, 45))])
def test_events_that_could_not_have_fallen_elsewhere_say_nothing(counts, hours):
    found = self_controlled(*counts, *hours)
    assert (found.relative_incidence, found.ci95, found.p_value) == (None, (0.0, math.inf), 1.0)


def test_no_control_event_means_an_infinite_estimate_with_a_finite_lower_limit():
    found = self_controlled(3, 0, 3, 45)
    assert found.relative_incidence == math.inf
    assert 8 < found.ci95[0] < 9
    assert found.ci95[1] == math.inf


def test_no_risk_event_means_an_estimate_of_zero():
    found = self_controlled(0, 4, 3, 45, "less")
    assert found.relative_incidence == 0.0
    assert found.ci95[0] == 0.0
    assert found.p_value == pytest.approx((45 / 48) ** 4)


def test_strata_by_hand():
    """Two strata with chances 1/4 and 1/2: both events in risk has probability 1/8."""
    found = self_controlled_strata([1, 1], [0, 0], [1, 2], [3, 2])
    assert found.p_value == pytest.approx(1 / 8)
    one = self_controlled_strata([1, 0], [0, 1], [1, 2], [3, 2], "two-sided")
    # r/(r + 3) + r/(r + 1) = 1 at r = sqrt 3
    assert one.relative_incidence == pytest.approx(math.sqrt(3))
    # P(0, 1, 2 in risk) = 3/8, 4/8, 1/8: nothing is likelier than what was seen
    assert one.p_value == pytest.approx(1.0)
    assert (one.events_in_risk, one.events_in_control) == (1, 1)


def test_a_stratum_without_control_hours_takes_no_part():
    with_it = self_controlled_strata([2, 1], [1, 0], [3, 2], [45, 0])
    without = self_controlled(2, 1, 3, 45)
    assert with_it.p_value == pytest.approx(without.p_value)
    assert with_it.ci95 == pytest.approx(without.ci95)


def test_numpy_numbers_are_numbers():
    found = self_controlled(np.int64(3), np.int64(1), np.float64(3), np.float32(45))
    assert found.p_value == pytest.approx(0.0009307861328125)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 3, 45), "events_in_risk: found -1; allowed: a whole number, 0 or more"),
        ((1.5, 0, 3, 45), "events_in_risk: found 1.5; allowed: a whole number, 0 or more"),
        ((True, 0, 3, 45), "events_in_risk: found True; allowed: a whole number, 0 or more"),
        ((1, 0, -3, 45), "hours_in_risk: found -3; allowed: a finite number, 0 or more"),
        ((1, 0, 3, math.nan), "hours_in_control: found nan; allowed: a finite number, 0 or more"),
        ((1, 0, 0, 45), "hours_in_risk: found 0; allowed: more than 0 hours where there are events"),
        ((0, 1, 3, 0), "hours_in_control: found 0; allowed: more than 0 hours where there are events"),
        ((1, 1, 3, 45, "larger"), "alternative: found 'larger'; allowed: greater or two-sided or less"),
    ],
)
def test_impossible_input_is_named(arguments, message):
    with pytest.raises(DesignError) as error:
        self_controlled(*arguments)
    assert str(error.value) == message


def test_strata_of_different_lengths_are_refused():
    with pytest.raises(
        DesignError, match=r"strata: found \[1, 2, 1, 1\]; allowed: four sequences of one length"
    ):
        self_controlled_strata([1], [0, 1], [3], [45])
