"""Timing methods against a small extract of published and hand-calculated numbers; needs no data folder."""

import math

import pytest
from scipy.stats import binom

from checks.statistics.binomial import binomial_tail, posterior_at_most
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson
from checks.statistics.timing.self_controlled import self_controlled
from checks.statistics.timing.sequential import BinomialBoundary


@pytest.mark.parametrize(
    ("in_control", "alternative", "ratio", "limits", "p_value"),
    [  # R 4.2.2: poisson.test(c(3, in_control), c(3, 45), alternative = ...)
        (0, "greater", math.inf, (8.74932680042817, math.inf), 0.000244140625),
        (0, "two-sided", math.inf, (6.19847032546341, math.inf), 0.000244140625),
        (1, "two-sided", 45.0, (3.61320341743893, 2362.38132412216), 0.0009307861328125),
        (2, "greater", 22.5, (3.50151031849572, math.inf), 0.00221824645996094),
        (5, "two-sided", 9.0, (1.39762561490263, 46.2586905562227), 0.0107717167120427),
    ],
)
def test_three_events_in_three_hours_against_forty_five(in_control, alternative, ratio, limits, p_value):
    found = self_controlled(3, in_control, 3, 45, alternative)
    assert found.relative_incidence == pytest.approx(ratio, rel=1e-12)
    assert found.ci95 == pytest.approx(limits, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-12)


def test_two_sided_adds_the_other_tail():
    # R 4.2.2: poisson.test(c(10, 20), c(2, 7)), p = 0.183939973200647, interval 0.73152 to 3.91714
    found = self_controlled(10, 20, 2, 7, "two-sided")
    assert found.p_value == pytest.approx(0.183939973200647, rel=1e-12)
    assert found.ci95 == pytest.approx((0.731520877583415, 3.91714065485471), rel=1e-9)


@pytest.mark.parametrize(
    ("expected_max", "min_events", "critical_value"),
    [  # Sequential 4.5.1 (method: Kulldorff M, et al. Sequential Analysis 2011;30:58-78), alpha 0.05
        (1, 1, 2.853937),
        (10, 1, 3.467952),
        (50, 1, 3.819903),
        (1, 3, 1.774218),
        (10, 3, 3.064248),
    ],
)
def test_poisson_critical_values(expected_max, min_events, critical_value):
    test = maxsprt_poisson(expected_max, 0.05, min_events)
    assert test.critical_value == pytest.approx(critical_value, abs=1e-6)


@pytest.mark.parametrize(
    ("n_max", "ratio", "alpha", "does_not_signal", "size"),
    [  # Sequential 4.5.1: CV.Binomial(N = n_max, alpha = alpha, M = 1, z = ratio), which signals above it
        (10, 1, 0.05, 2.77259, 0.041015625),
        (20, 3, 0.05, 2.77259, 0.0477240282771163),
        (50, 3, 0.05, 3.31895, 0.0483631623000831),
        (20, 15, 0.01, 4.33885, 0.00994193655265604),
    ],
)
def test_binomial_critical_values(n_max, ratio, alpha, does_not_signal, size):
    test = maxsprt_binomial(n_max, ratio, alpha)
    reached = [binomial_llr(c, n - c, ratio) for n in range(1, n_max + 1) for c in range(1, n + 1)]
    assert test.critical_value == pytest.approx(min(one for one in reached if one > does_not_signal))
    assert test.size == pytest.approx(size, abs=1e-12)


@pytest.mark.parametrize(("n_max", "ratio"), [(10, 1), (20, 3), (50, 3)])
def test_who_carries_a_critical_value_over_gets_its_size(n_max, ratio):
    """Signalling at the critical value or above has the size that is told; with what Sequential prints it exceeds."""
    test = maxsprt_binomial(n_max, ratio, 0.05)

    def size(critical_value):
        events = tuple(
            next((c for c in range(1, n + 1) if binomial_llr(c, n - c, ratio) >= critical_value), None)
            for n in range(1, n_max + 1)
        )
        return BinomialBoundary(tuple(range(1, n_max + 1)), events, ratio).size()

    assert size(test.critical_value) == test.size <= 0.05
    reached = {binomial_llr(c, n - c, ratio) for n in range(1, n_max + 1) for c in range(1, n + 1)}
    below = max(one for one in reached if one < test.critical_value - 1e-9)
    assert size(below) > 0.05


def test_binomial_boundary_by_hand():
    """Ten events, equal time, alpha 0.05: LLR of n in risk out of n is n ln 2; five of five is 3.466.

    Four of four (2.7726) must not signal: its size alone is 1/16 = 0.0625. Of the sequences that first signal
    at event 5 there is one (probability 1/32); Sequential gives 0.041015625 = 42/1024 within ten events.
    """
    test = maxsprt_binomial(10, 1, 0.05)
    assert test.critical_value == pytest.approx(
        8 * math.log(16 / 9) + math.log(2 / 9)
    )  # eight of nine: 3.099
    assert test.boundary.events[:5] == (None, None, None, None, 5)
    assert test.size == 42 / 1024


@pytest.mark.parametrize(
    ("background", "p_value", "posterior"),
    [  # 1 - pbinom(2, 15, b), and 1 - pbeta(b, 10 b + 3, 10 (1 - b) + 12), R 4.2.2
        (0.02, 0.0030, 0.992),
        (0.05, 0.036, 0.939),
        (0.10, 0.184, 0.786),
        (0.15, 0.396, 0.615),
        (0.20, 0.602, 0.460),
    ],
)
def test_three_of_fifteen_moves_with_the_background(background, p_value, posterior):
    assert binomial_tail(15, 3, background) == pytest.approx(p_value, abs=0.0005)
    found = 1 - posterior_at_most(background, 15, 3, (10 * background, 10 * (1 - background)))
    assert found == pytest.approx(posterior, abs=0.0005)


@pytest.mark.parametrize(("events", "size"), [(10, 0.011), (20, 0.019), (40, 0.028)])
def test_the_fixed_p_value_is_no_stopping_rule(events, size):
    """Looked at after each event, a self-controlled p-value of 0.01 (3 h against 45 h) exceeds its level."""
    fewest = tuple(
        next((x for x in range(n + 1) if binom.sf(x - 1, n, 3 / 48) <= 0.01), None)
        for n in range(1, events + 1)
    )
    boundary = BinomialBoundary(tuple(range(1, events + 1)), fewest, 15.0)
    assert boundary.size() == pytest.approx(size, abs=0.0005)
