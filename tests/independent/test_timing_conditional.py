"""Timing tests of events with probabilities of their own, against numbers computed apart and brute force.

The ten-digit numbers were computed by a program of its own (convolution, forward recursion, direct products). The
p-values of equal probabilities are those of R's pbinom; the sums over all sequences follow the definitions.
"""

import itertools
import math

import numpy as np
import pytest

from checks.statistics import conditional, e_process, spending_boundary
from checks.statistics.timing.conditional import allowing, tilted_llr, upper_tail
from checks.statistics.timing.e_process import e_process_boundary
from checks.statistics.timing.planned_looks import planned_looks

DIGITS = {"abs": 0.6e-10, "rel": 0}
FIVE = [1 / 7, 1 / 19, 1 / 19, 1 / 4, 1 / 10]
FOURTEEN = [0.05 + 0.02 * (i % 6) for i in range(14)]


def distribution(chances):
    """P(exactly so many in risk hours), from two tails each."""
    tails = [upper_tail(chances, events) for events in range(len(chances) + 2)]
    return [more - fewer for more, fewer in itertools.pairwise(tails)]


def test_the_poisson_binomial_distribution():
    printed = [0.5192718639, 0.3750296795, 0.0945587653, 0.0105955679, 0.0005342303, 0.0000098932]
    assert distribution(FIVE) == pytest.approx(printed, **DIGITS)


@pytest.mark.parametrize(
    ("in_risk", "p_value"), [("11000", 0.1056984567), ("10101", 0.0111396913), ("11110", 0.0005441235)]
)
def test_the_upper_tail(in_risk, p_value):
    assert conditional(list(map(int, in_risk)), FIVE).p_value == pytest.approx(p_value, **DIGITS)


def test_the_distribution_is_that_of_all_paths():
    by_hand = np.zeros(6)
    for path in itertools.product((0, 1), repeat=5):
        by_hand[sum(path)] += chance_of(path, FIVE)
    assert distribution(FIVE) == pytest.approx(by_hand.tolist(), rel=1e-9)


@pytest.mark.parametrize(
    ("in_control", "p_value"), [(0, 0.0002441406), (1, 0.0009307861), (2, 0.0022182465), (5, 0.0107717167)]
)
def test_equal_probabilities_are_a_binomial_count(in_control, p_value):
    """1 - pbinom(2, 3 + in_control, 1/16)."""
    found = conditional([1] * 3 + [0] * in_control, [1 / 16] * (3 + in_control))
    assert found.p_value == pytest.approx(p_value, **DIGITS)


def test_healthy_subjects_without_events_change_nothing():
    """Seven sick subjects with 21 risk and 70 control hours, three of six events in risk: p = 21 / 91 for each.

    Pooled with the hours of twenty healthy ones the very same events would have had .0048978738.
    """
    found = conditional([1, 1, 1, 0, 0, 0], [21 / 91] * 6)
    assert found.p_value == pytest.approx(0.1402187242, **DIGITS)


def test_the_known_example_of_four_hourly_temperatures():
    """R 4 and C 54 able hours for hours that are 3 and 54: 4 / 58."""
    assert conditional([1], [4 / 58]).p_value == pytest.approx(0.0689655172, **DIGITS)


@pytest.mark.parametrize(
    ("gamma", "one", "three"),
    [
        (1.5, 0.1034482759, 0.0011070565),
        (2, 0.1333333333, 0.0023703704),
        (3, 0.1875, 0.0065917969),
    ],
)
def test_gamma_multiplies_the_odds(gamma, one, three):
    """Odds of 4 to 52 times gamma."""
    assert allowing([4 / 56], gamma)[0] == pytest.approx(one, **DIGITS)
    assert conditional([1] * 3, [4 / 56] * 3, gamma=gamma).p_value == pytest.approx(three, **DIGITS)


def test_the_tipping_gamma():
    found = conditional([1, 1, 1, 0, 0], FIVE)
    tipping = found.tipping_gamma(0.05)
    assert tipping == pytest.approx(1.9311902396, **DIGITS)
    assert conditional(found.in_risk, FIVE, gamma=tipping).p_value == pytest.approx(0.05, rel=1e-9)
    assert conditional([1, 1, 0, 0, 0], FIVE).tipping_gamma(0.05) is None
    # all of one event: gamma p / (1 - p + gamma p) = alpha, so gamma = odds of alpha over those of p
    assert conditional([1], [0.01]).tipping_gamma(0.05) == pytest.approx((0.05 / 0.95) / (0.01 / 0.99))


def test_the_smallest_attainable_p_is_that_of_all_events_in_risk():
    assert conditional([0] * 5, FIVE).smallest_attainable_p == pytest.approx(math.prod(FIVE))
    assert conditional([1] * 5, FIVE).p_value == pytest.approx(0.0000098932, **DIGITS)


@pytest.mark.parametrize(
    ("in_risk", "ratio", "theta"),
    [(3, 3.5449519435, 13.9071903656), (5, 11.5236675615, math.inf), (1, 0.1392496144, None)],
)
def test_the_log_likelihood_ratio(in_risk, ratio, theta):
    found = tilted_llr(in_risk, FIVE)
    assert found[0] == pytest.approx(ratio, **DIGITS)
    assert theta is None or found[1] == pytest.approx(theta, **DIGITS)
    path = [1] * in_risk + [0] * (5 - in_risk)
    assert conditional(path, FIVE).log_likelihood_ratio == found[0]


def test_no_excess_has_no_log_likelihood_ratio():
    assert tilted_llr(0, FIVE) == (0.0, 1.0)
    assert conditional([], []).log_likelihood_ratio == 0.0


def test_the_e_process_along_its_path():
    printed = [4.3226076555, 2.2619342261, 17.2112126778, 3.8826048732, 19.7674259822]
    assert e_process([1, 0, 1, 0, 1], FIVE).values == pytest.approx(printed, **DIGITS)
    printed = [4.3226076555, 41.4147293847, 477.0780301093, 1736.7210121629, 13820.6383779574]
    found = e_process([1] * 5, FIVE)
    assert found.values == pytest.approx(printed, rel=1e-13, abs=0.6e-10)
    assert found.p_value == pytest.approx(1 / 13820.6383779574)


def test_the_spending_boundary():
    found = spending_boundary(FIVE, 0.05, 20, 2)
    assert found.events == (None, None, 3, 3, 3)
    assert found.size == pytest.approx(0.0111396913, **DIGITS)
    longer = spending_boundary(FOURTEEN, 0.05, 20, 2)
    assert longer.events == (None, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5)
    assert longer.size == pytest.approx(0.0295700242, **DIGITS)


def chance_of(path, probabilities):
    return math.prod(p if x else 1 - p for x, p in zip(path, probabilities, strict=True))


def test_all_sixteen_thousand_paths_equal_the_recursions():
    """The size of each test, summed over every sequence of fourteen events by its definition."""
    boundary = spending_boundary(FOURTEEN, 0.05, 20, 2)
    spent = looked = weighed = 0.0
    for path in itertools.product((0, 1), repeat=14):
        chance = chance_of(path, FOURTEEN)
        spent += chance * (boundary.crossed_at(path) is not None)
        at_risk = [n for n, x in enumerate(path, start=1) if x][
            1:6
        ]  # the second event in risk hours to the sixth
        looks = [(path[:n], FOURTEEN[:n]) for n in at_risk]
        looked += chance * any(planned_looks(looks, 0.05, 5).within)
        weighed += chance * (e_process(path, FOURTEEN).p_value <= 0.05)
    assert spent == pytest.approx(boundary.size, rel=1e-12)
    assert spent == pytest.approx(0.0295700242, **DIGITS)
    assert looked == pytest.approx(0.0174761011, **DIGITS)
    assert weighed == pytest.approx(0.0206970812, **DIGITS)


def test_a_boundary_of_events_that_become_known_together_by_all_paths():
    """Looks after 3, 4 and 8 events alone: the order within a group changes nothing."""
    looks, chances = [3, 4, 8], FOURTEEN[:8]
    boundary = spending_boundary(chances, 0.05, 8, 1, looks=looks)
    assert [n for n, least in enumerate(boundary.events, start=1) if least is not None] == looks
    crossed = sum(
        chance_of(path, chances)
        for path in itertools.product((0, 1), repeat=8)
        if any(sum(path[:n]) >= boundary.events[n - 1] for n in looks)
    )
    assert crossed == pytest.approx(boundary.size, rel=1e-12)
    assert 0 < crossed <= 0.05


def test_planned_looks_keep_alpha_over_all_paths():
    """Looks when 4, 8 and 14 events are judged: three tails of a third of alpha each."""
    crossed = sum(
        chance_of(path, FOURTEEN)
        for path in itertools.product((0, 1), repeat=14)
        if any(planned_looks([(path[:n], FOURTEEN[:n]) for n in (4, 8, 14)], 0.05, 3).within)
    )
    most = sum(max(t for t in tails(n) if t <= 0.05 / 3) for n in (4, 8, 14))
    assert 0.005 < crossed <= most <= 0.05


def tails(n):
    return [upper_tail(FOURTEEN[:n], events) for events in range(n + 1)]


def test_an_e_process_of_equal_probabilities_has_a_boundary():
    boundary = e_process_boundary(12, 15, 0.05)
    for n, least in zip(boundary.looks, boundary.events, strict=True):
        values = [
            e_process([1] * x + [0] * (n - x), [1 / 16] * n).values[-1] for x in range(n + 1)
        ]  # the last value does not depend on the order
        assert least == next((x for x, value in enumerate(values) if value >= 20), None)
    assert boundary.size() <= 0.05
