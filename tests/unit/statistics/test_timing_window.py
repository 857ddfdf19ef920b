"""The window test: options, limits, messages."""

import numpy as np
import pytest
from scipy.stats import betabinom

from checks.errors import DesignError
from checks.statistics.timing import posterior_above_background, window_test


def test_an_uncertain_background_is_a_beta_binomial():
    found = window_test(3, 15, prior=(1, 19))
    assert found.p_value == pytest.approx(betabinom.sf(2, 15, 1, 19))
    assert found.p_value > window_test(3, 15, 0.05).p_value  # uncertainty costs


def test_unequal_backgrounds_by_hand():
    assert window_test(2, 2, [0.1, 0.3]).p_value == pytest.approx(0.03)
    assert window_test(1, 2, np.array([0.1, 0.3])).p_value == pytest.approx(1 - 0.9 * 0.7)


def test_zero_events_have_a_p_value_of_one():
    assert window_test(0, 15, 0.02).p_value == 1.0
    assert window_test(0, 0, 0.02).p_value == 1.0


@pytest.mark.parametrize(
    ("arguments", "prior", "message"),
    [
        ((16, 15, 0.1), None, "events: found 16; allowed: at most n = 15"),
        ((1, 15, 0.0), None, "background: found 0.0; allowed: a number between 0 and 1, both excluded"),
        ((1, 3, [0.1, 0.2]), None, "background: found '2 chances'; allowed: one, or n = 3 of them"),
        ((1, 3), None, "background and prior: found (None, None); allowed: one of the two"),
        ((1, 3, 0.1), (1, 1), "background and prior: found (0.1, (1, 1)); allowed: one of the two"),
    ],
)
def test_impossible_input_is_named(arguments, prior, message):
    with pytest.raises(DesignError) as error:
        window_test(*arguments, prior=prior)
    assert str(error.value) == message


def test_the_posterior_needs_a_weight():
    with pytest.raises(DesignError, match="prior_weight: found 0; allowed: a finite number above 0"):
        posterior_above_background(3, 15, 0.1, prior_weight=0)
