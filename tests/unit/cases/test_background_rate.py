"""The background is estimated from control hours with exact limits, and said per window and per subject."""

import math
from pathlib import Path

import pytest
from scipy import stats

from checks.cases.background_rate import background_evidence, poisson_limits
from checks.protocol import load_protocol

PROTOCOLS = Path(__file__).parents[2] / "fixtures" / "protocols"
GOOD = load_protocol(PROTOCOLS / "good.yaml")  # window of 3 h, 6 planned doses, background 0.02 per subject
MINIMAL = load_protocol(PROTOCOLS / "good_minimal.yaml")  # neither planned doses nor a background


def test_the_limits_of_none_and_of_one_event_by_hand():
    """P(0 | m) = exp(-m) is 0.025 at -ln 0.025, and P(1 or more | m) is 0.025 at -ln 0.975."""
    assert poisson_limits(0) == (0.0, pytest.approx(-math.log(0.025)))
    assert poisson_limits(1)[0] == pytest.approx(-math.log(0.975))


@pytest.mark.parametrize("events", [1, 2, 7])
def test_each_limit_leaves_out_a_fortieth(events):
    low, high = poisson_limits(events)
    assert stats.poisson.sf(events - 1, low) == pytest.approx(0.025)
    assert stats.poisson.cdf(events, high) == pytest.approx(0.025)


def test_a_rate_becomes_a_probability_per_window_and_per_subject():
    """5 in 1500 h: 1 - exp(-0.01) in 3 h, 1 - exp(-0.06) in six windows."""
    found = background_evidence(5, 1500.0, GOOD)
    assert (found.events, found.hours) == (5, 1500.0)
    assert found.estimated["window"].estimate == pytest.approx(0.00995017)
    assert found.estimated["subject"].estimate == pytest.approx(0.05823547)
    low, high = found.estimated["window"].ci95
    assert low < found.estimated["window"].estimate < high
    assert found.estimated["subject"].ci95 == pytest.approx((1 - (1 - low) ** 6, 1 - (1 - high) ** 6))


def test_the_assumed_rate_is_spread_over_the_planned_doses():
    assumed = background_evidence(0, 10.0, GOOD).assumed
    assert (assumed["subject"].rate, assumed["subject"].range) == (0.02, (0.005, 0.10))
    assert 1 - (1 - assumed["window"].rate) ** 6 == pytest.approx(0.02)
    assert assumed["window"].range is not None
    assert [1 - (1 - one) ** 6 for one in assumed["window"].range] == pytest.approx([0.005, 0.10])


def test_without_control_hours_planned_doses_or_background_nothing_is_said():
    assert background_evidence(0, 0.0, GOOD).estimated == {}
    found = background_evidence(1, 300.0, MINIMAL)
    assert set(found.estimated) == {"window"}
    assert found.assumed == {}
