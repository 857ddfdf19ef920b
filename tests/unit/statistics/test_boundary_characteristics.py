"""Operating characteristics of boundaries small enough to be worked out by hand."""

import pytest
from scipy import stats

from checks.errors import DesignError
from checks.statistics.boundaries import CountBoundary, operating_characteristics


def test_two_of_three_by_hand():
    # Stop at the second event, looking after each of 3 subjects, rate p: crossing at 2 has probability p^2,
    # at 3 2 p^2 (1 - p). E(n) = 2 p^2 + 3 (1 - p^2); E(events) = p E(n).
    boundary = CountBoundary(n_max=3, looks=(1, 2, 3), events=(None, 2, 2))
    known = operating_characteristics(boundary, [0.5, 0.1])
    assert known.reject_by_look[0] == pytest.approx([0, 0.25, 0.25])
    assert known.reject_by_look[1] == pytest.approx([0, 0.01, 0.018])
    assert known.reject_probability == pytest.approx([0.5, 0.028])
    assert known.expected_n == pytest.approx([2.75, 2.99])
    assert known.expected_events == pytest.approx([1.375, 0.299])


def test_enrolment_goes_on_after_the_last_look():
    # One look at 2 of 4 subjects, both events stop: E(n) = 2 p^2 + 4 (1 - p^2) = 3.5 at p = 1/2.
    known = operating_characteristics(CountBoundary(n_max=4, looks=(2,), events=(2,)), [0.5])
    assert known.expected_n == pytest.approx([3.5])
    assert known.expected_events == pytest.approx([1.75])


def test_rates_of_zero_and_one():
    known = operating_characteristics(CountBoundary(n_max=6, looks=(2, 4, 6), events=(3, 3, 3)), [0, 1])
    assert known.reject_probability.tolist() == [0, 1]
    assert known.expected_n.tolist() == [6, 4]
    assert known.expected_events.tolist() == [0, 4]


def test_a_boundary_that_none_can_cross():
    known = operating_characteristics(CountBoundary(n_max=5, looks=(1, 5), events=(2, None)), 0.3)
    assert known.reject_probability.tolist() == [0]
    assert known.expected_n == pytest.approx([5])
    assert known.expected_events == pytest.approx([1.5])


def test_many_subjects_between_looks():
    known = operating_characteristics(CountBoundary(n_max=2000, looks=(2000,), events=(121,)), [0.05])
    assert known.reject_probability == pytest.approx([stats.binom.sf(120, 2000, 0.05)], rel=1e-10)


def test_the_result_carries_its_inputs():
    boundary = CountBoundary(n_max=3, looks=(3,), events=(2,))
    known = operating_characteristics(boundary, (0.1, 0.2))
    assert known.boundary is boundary
    assert known.rates.tolist() == [0.1, 0.2]
    assert known.reject_by_look.shape == (2, 1)


@pytest.mark.parametrize("rates", [[-0.1], [1.01], [float("nan")], "high", [[0.1], [0.2]], None])
def test_impossible_rates_are_refused(rates):
    with pytest.raises(DesignError, match=r"rates: found .*; allowed: numbers from 0 to 1"):
        operating_characteristics(CountBoundary(n_max=3, looks=(3,), events=(2,)), rates)


REFUSED = [
    (
        {"n_max": 2, "looks": (3,), "events": (2,)},
        "looks: found (3,); allowed: one look or more, increasing, none above n_max = 2",
    ),
    (
        {"n_max": 3, "looks": (1, 3), "events": (2,)},
        "events: found (2,); allowed: one for each of 2 looks",
    ),
    ({"n_max": 3, "looks": (3,), "events": (0,)}, "events: found 0; allowed: a whole number, 1 or more"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_a_boundary_that_does_not_fit_its_looks_is_refused(given, message):
    with pytest.raises(DesignError) as refusal:
        CountBoundary(**given)
    assert str(refusal.value) == message
