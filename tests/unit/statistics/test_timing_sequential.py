"""The sequential timing tests: results that carry their inputs, paths that cross, and messages."""

import math

import pytest

from checks.errors import DesignError
from checks.statistics.timing.conditional import conditional
from checks.statistics.timing.e_process import e_process, e_process_boundary
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson, poisson_llr
from checks.statistics.timing.planned_looks import planned_looks
from checks.statistics.timing.sequential import BinomialBoundary
from checks.statistics.timing.spending import spending_boundary


def test_a_boundary_that_nothing_crosses_has_no_time_to_signal():
    found = BinomialBoundary((5,), (None,), 1.0).characteristics(2)
    assert (found.power, found.expected_length) == (0.0, 5.0)
    assert math.isnan(found.expected_time_to_signal)


def test_results_carry_their_inputs():
    binomial = maxsprt_binomial(20, 15, 0.025, 3)
    assert (binomial.n_max, binomial.ratio, binomial.alpha, binomial.min_events) == (20, 15, 0.025, 3)
    assert binomial.boundary.looks == tuple(range(1, 21))
    poisson = maxsprt_poisson(5, 0.05, 2, 1.0)
    assert (poisson.expected_max, poisson.alpha, poisson.min_events, poisson.delay) == (5, 0.05, 2, 1.0)
    conditional = maxsprt_conditional(5, 4, 0.05)
    assert (conditional.cases_max, conditional.historical_cases, conditional.alpha) == (5, 4, 0.05)
    anytime = e_process([True, False], [0.1, 0.2])
    assert (anytime.in_risk, anytime.probabilities) == ((True, False), (0.1, 0.2))


def test_statistics_by_hand():
    assert binomial_llr(3, 0, 15) == pytest.approx(3 * math.log(16))
    assert binomial_llr(1, 1, 1) == 0.0  # no excess
    assert binomial_llr(0, 0, 1) == 0.0
    assert poisson_llr(3, 1.0) == pytest.approx(3 * math.log(3) - 2)
    assert poisson_llr(1, 2.0) == 0.0


def test_fewer_than_min_events_never_signal():
    test = maxsprt_binomial(20, 15, 0.025, min_events=3)
    assert test.boundary.events[:4] == (None, None, 3, 3)


def test_a_count_signals_up_to_its_time_on_the_boundary():
    test = maxsprt_poisson(5, 0.05, min_events=2)
    latest = dict(zip(test.events, test.times, strict=True))
    just, late = latest[2] * 0.999, latest[2] * 1.001
    assert poisson_llr(2, just) > test.critical_value > poisson_llr(2, late)
    assert test.events[0] == 2


def test_a_delayed_poisson_test_looks_first_at_its_delay():
    test = maxsprt_poisson(5, 0.05, delay=1.0)
    assert test.times[0] == 1.0


def test_min_events_alone_may_keep_the_size():
    # P(4 or more | 1 expected) = 0.0190 < 0.05: every fourth event above expectation signals
    test = maxsprt_poisson(1, 0.05, min_events=4)
    assert 0 < test.critical_value < 1e-9, "no excess, of which the statistic is 0, signals nothing"
    assert test.size == pytest.approx(1 - math.exp(-1) * (1 + 1 + 1 / 2 + 1 / 6))
    assert 0 < maxsprt_conditional(3, 50, 0.9, 3).critical_value < 1e-9


def test_a_long_history_is_a_known_rate():
    """With ever more history the conditional test tends to the Poisson one with as many events."""
    near, far = (maxsprt_conditional(5, history, 0.05).critical_value for history in (50, 5000))
    assert abs(far - near) < 0.02


def test_histories_are_ordered_by_caution():
    values = [
        maxsprt_conditional(5, 5, 0.05, history_end=end).critical_value
        for end in ("last_event", "between_events", "next_event")
    ]
    assert values == sorted(values)


def test_an_e_value_by_hand():
    """One event in risk at p = 1/2: the mean over theta of 2 theta / (1 + theta); none yet: no evidence."""
    by_hand = sum(2 * theta / (1 + theta) for theta in (2, 4, 8, 16, 32, 64)) / 6
    assert e_process([1], [0.5]).values[0] == pytest.approx(by_hand)
    nothing = e_process([], [])
    assert (nothing.values, nothing.p_value) == ((), 1.0)
    assert e_process([1] * 400, [0.01] * 400).values[-1] == math.inf
    assert e_process([0, 0], [0.5, 0.5]).p_value == 1.0


IMPOSSIBLE = [
    (lambda: maxsprt_binomial(10**9, 1, 0.05), "n_max: found 1000000000; allowed: at most 100,000"),
    (lambda: maxsprt_binomial(0, 1, 0.05), "n_max: found 0; allowed: a whole number, 1 or more"),
    (lambda: maxsprt_binomial(10, 0, 0.05), "ratio: found 0; allowed: a finite number above 0"),
    (lambda: maxsprt_binomial(10, 1, 1), "alpha: found 1; allowed: a number between 0 and 1, both excluded"),
    (lambda: maxsprt_binomial(10, 1, 0.05, 11), "min_events: found 11; allowed: at most n_max = 10"),
    (
        lambda: maxsprt_binomial(3, 1, 0.05),
        "alpha: found 0.05; allowed: 0.125 or more: within 3 events at these looks nothing is rarer",
    ),
    (lambda: maxsprt_poisson(0, 0.05), "expected_max: found 0; allowed: a finite number above 0"),
    (lambda: maxsprt_poisson(5, "5%"), "alpha: found '5%'; allowed: a number between 0 and 1, both excluded"),
    (lambda: maxsprt_poisson(5, 0.05, 1, 5), "delay: found 5.0; allowed: less than expected_max = 5.0"),
    (
        lambda: maxsprt_conditional(5, 0, 0.05),
        "historical_cases: found 0; allowed: a whole number, 1 or more",
    ),
    (lambda: maxsprt_conditional(5, 5, 0.05, 6), "min_events: found 6; allowed: at most cases_max = 5"),
    (
        lambda: maxsprt_conditional(5, 5, 0.05, history_end="now"),
        "history_end: found 'now'; allowed: between_events or last_event or next_event",
    ),
    (
        lambda: e_process_boundary(1, 1, 0.05),
        "n_max: found 1; allowed: more events: no count within so few can cross",
    ),
    (
        lambda: conditional([1, 0, 1], [0.1, 0.2]),
        "in_risk: found '3 events'; allowed: 2, as probabilities",
    ),
    (
        lambda: conditional([1, 0], [0.1, 0]),
        "probabilities: found 0; allowed: a number between 0 and 1, both excluded",
    ),
    (lambda: conditional([2], [0.1]), "in_risk: found 2; allowed: True or False"),
    (
        lambda: spending_boundary([0.1], 0.05, 20).crossed_at([1, 0]),
        "in_risk: found '2 events'; allowed: 1, as probabilities",
    ),
    (
        lambda: planned_looks([([], []), ([], [])], 0.05, 1),
        "looks: found '2 looks'; allowed: at most planned = 1",
    ),
    (
        lambda: maxsprt_poisson(5, 0.05).characteristics(-1),
        "relative_risk: found -1; allowed: a finite number above 0",
    ),
]


@pytest.mark.parametrize(("call", "message"), IMPOSSIBLE, ids=[message for _, message in IMPOSSIBLE])
def test_impossible_input_is_named(call, message):
    with pytest.raises(DesignError) as error:
        call()
    assert str(error.value) == message
