"""Binomial counts whose trials differ in their chance, by hand."""

import numpy as np
import pytest

from checks.statistics.binomial import binomial_tail, log_likelihood_ratio, success_distribution


def test_unequal_chances_by_hand():
    assert success_distribution([1, 1], [0.1, 0.3]) == pytest.approx([0.9 * 0.7, 0.1 * 0.7 + 0.9 * 0.3, 0.03])


def test_a_group_of_trials_is_so_many_trials():
    grouped, alone = success_distribution([2, 1], [0.1, 0.3]), success_distribution([1] * 3, [0.1, 0.1, 0.3])
    assert grouped == pytest.approx(alone)


def test_no_trial_has_no_success():
    assert success_distribution([], []).tolist() == [1.0]
    assert success_distribution([0], [0.2]).tolist() == [1.0]


def test_the_tail_from_no_event_on_is_certain():
    assert binomial_tail(np.array([0.0, 15.0]), np.array([0.0, 0.0]), 0.02).tolist() == [1.0, 1.0]


def test_a_rate_at_or_below_the_null_is_no_evidence():
    found = log_likelihood_ratio(np.array([10, 10, 2]), np.array([1, 2, 2]), 0.2)
    assert found.tolist() == pytest.approx([0.0, 0.0, 2 * np.log(5)])
