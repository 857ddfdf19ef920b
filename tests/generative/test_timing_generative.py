"""Timing methods against brute force over all sequences, and against simulation with a Monte Carlo bound."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kstest

from checks.errors import DesignError
from checks.statistics.binomial import success_distribution
from checks.statistics.timing.conditional import allowing, conditional
from checks.statistics.timing.e_process import e_process
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson, poisson_llr
from checks.statistics.timing.scan import scan
from checks.statistics.timing.self_controlled import self_controlled, self_controlled_strata
from checks.statistics.timing.spending import spending_boundary

ratios = st.floats(0.2, 20)
alphas = st.floats(0.005, 0.3)


def within_monte_carlo(frequency: float, probability: float, runs: int) -> bool:
    return abs(frequency - probability) <= 4.5 * math.sqrt(probability * (1 - probability) / runs) + 1 / runs


def first_signal(path, min_events, signals) -> int | None:
    """The definition, word by word: the first event at which the statistic of the counts signals."""
    for n in range(1, len(path) + 1):
        in_risk = sum(path[:n])
        if in_risk >= min_events and signals(in_risk, n - in_risk):
            return n
    return None


def first_crossing(boundary, path) -> int | None:
    """The first look of a boundary at which the events in risk are as many as it asks for."""
    seen = np.cumsum(path)
    looks = zip(boundary.looks, boundary.events, strict=True)
    return next((n for n, fewest in looks if fewest is not None and seen[n - 1] >= fewest), None)


def poisson_signal(test, times) -> float | None:
    """The first time at which the boundary is reached: when an event comes, or the delay ends."""
    reached = [
        max(times[events - 1], test.delay)
        for time, events in zip(test.times, test.events, strict=True)
        if len(times) >= events and times[events - 1] <= time
    ]
    return min(reached, default=None)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 10),
    ratios,
    alphas,
    st.integers(1, 3),
    st.floats(0.3, 8),
)
def test_binomial_maxsprt_over_all_sequences(n_max, ratio, alpha, min_events, relative_risk):
    try:
        test = maxsprt_binomial(n_max, ratio, alpha, min_events)
    except DesignError:
        rarest = (1 / (1 + ratio)) ** n_max
        assert min_events > n_max or rarest > alpha
        return
    chance = relative_risk / (relative_risk + ratio)
    size = power = time = length = 0.0
    for path in itertools.product([True, False], repeat=n_max):
        null, true = (math.prod(p if flag else 1 - p for flag in path) for p in (1 / (1 + ratio), chance))
        at = first_signal(
            path,
            min_events,
            lambda x, y: binomial_llr(x, y, ratio) >= test.critical_value - 1e-12,
        )
        assert at == first_crossing(test.boundary, path)
        if at is not None:
            size, power, time = size + null, power + true, time + true * at
        length += true * (at or n_max)
    found = test.characteristics(relative_risk)
    assert size == pytest.approx(test.size, abs=1e-12)
    assert size <= alpha + 1e-12
    assert found.power == pytest.approx(power, abs=1e-12)
    assert found.expected_time_to_signal == pytest.approx(time / power, rel=1e-9)
    assert found.expected_length == pytest.approx(length, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), ratios, alphas)
def test_binomial_maxsprt_spends_all_it_may(n_max, ratio, alpha):
    """Letting the next statistic signal too would exceed alpha: no smaller critical value is allowed."""
    try:
        test = maxsprt_binomial(n_max, ratio, alpha)
    except DesignError:
        return
    attained = [binomial_llr(x, n - x, ratio) for n in range(1, n_max + 1) for x in range(1, n + 1)]
    smaller = [llr for llr in attained if 0 < llr < test.critical_value - 1e-9]
    if smaller:
        events = tuple(
            next((x for x in range(n + 1) if binomial_llr(x, n - x, ratio) >= max(smaller) - 1e-9), None)
            for n in test.boundary.looks
        )
        assert type(test.boundary)(test.boundary.looks, events, ratio).size() > alpha


@pytest.mark.parametrize(
    ("expected_max", "alpha", "min_events", "delay", "relative_risk"),
    [
        (5.0, 0.05, 1, 0.0, 1.0),
        (5.0, 0.05, 3, 0.0, 2.0),
        (8.0, 0.05, 1, 2.0, 1.0),
        (8.0, 0.10, 2, 1.0, 1.7),
    ],
)
def test_poisson_maxsprt_by_simulation(expected_max, alpha, min_events, delay, relative_risk):
    test = maxsprt_poisson(expected_max, alpha, min_events, delay)
    found = test.characteristics(relative_risk)
    random, runs = np.random.default_rng(7), 4000
    ends, signalled = np.empty(runs), np.empty(runs, dtype=bool)
    for run in range(runs):
        times = np.cumsum(random.exponential(1 / relative_risk, size=60))
        at = poisson_signal(test, times[times <= expected_max])
        signalled[run], ends[run] = at is not None, expected_max if at is None else at
    assert within_monte_carlo(signalled.mean(), found.power, runs)
    assert abs(ends.mean() - found.expected_length) < 4.5 * ends.std() / math.sqrt(runs)
    times = ends[signalled]
    assert abs(times.mean() - found.expected_time_to_signal) < 4.5 * times.std() / math.sqrt(len(times))


@settings(max_examples=30, deadline=None)
@example(1.0, 0.25, 1, 5e-324)
@given(st.floats(1, 20), alphas, st.integers(1, 4), st.floats(0, 0.6))
def test_poisson_boundary_is_where_the_statistic_meets_the_critical_value(
    expected_max, alpha, min_events, share
):
    test = maxsprt_poisson(expected_max, alpha, min_events, share * expected_max)
    assert test.size <= alpha + 1e-9
    assert list(test.times) == sorted(test.times)
    assert test.times[-1] == expected_max
    for time, events in zip(test.times, test.events, strict=True):
        if test.delay < time < expected_max:
            assert poisson_llr(events, time) == pytest.approx(test.critical_value, abs=1e-6)


def conditional_llr(events, time, historical_cases, historical_time) -> float:
    """The log-likelihood ratio of one rate before and another since, by its definition."""
    before, since, both = historical_time, time, time + historical_time
    rates = historical_cases / before, events / since, (events + historical_cases) / both
    if rates[1] <= rates[0]:
        return 0.0
    return events * math.log(rates[1] / rates[2]) + historical_cases * math.log(rates[0] / rates[2])


@pytest.mark.parametrize("history_end", ["between_events", "last_event", "next_event"])
@pytest.mark.parametrize("relative_risk", [1.0, 2.5])
def test_conditional_maxsprt_by_simulation(history_end, relative_risk):
    cases, history, runs = 8, 5, 4000
    test = maxsprt_conditional(cases, history, 0.05, 2, history_end=history_end)
    random = np.random.default_rng(11)
    gap = random.exponential(size=runs)
    share = {"between_events": random.uniform(size=runs), "last_event": 0.0, "next_event": 1.0}[history_end]
    historical = random.gamma(history, size=runs) + share * gap
    times = np.cumsum(random.exponential(1 / relative_risk, size=(runs, cases)), axis=1)
    at = []
    for series, before in zip(times.tolist(), historical.tolist(), strict=True):
        crossing = next(
            (k for k, ratio in zip(test.events, test.ratios, strict=True) if series[k - 1] / before <= ratio),
            None,
        )
        by_definition = next(
            (
                k
                for k, time in enumerate(series, start=1)
                if k >= 2 and conditional_llr(k, time, history, before) >= test.critical_value
            ),
            None,
        )
        assert crossing == by_definition
        at.append(crossing)
    found = test.characteristics(relative_risk)
    signalled = [k for k in at if k is not None]
    assert within_monte_carlo(len(signalled) / runs, found.power, runs)
    error = np.std(signalled) / math.sqrt(len(signalled))
    assert abs(np.mean(signalled) - found.expected_time_to_signal) < 4.5 * error
    assert found.expected_length == pytest.approx(
        found.power * found.expected_time_to_signal + (1 - found.power) * cases
    )


unequal = st.lists(st.floats(0.01, 0.9), min_size=1, max_size=9)


@settings(max_examples=25, deadline=None)
@given(unequal)
def test_e_value_has_mean_one_without_an_effect(chances):
    """The martingale property, over all sequences, whatever the probabilities: the mean e-value is 1 throughout."""
    mean = np.zeros(len(chances))
    for path in itertools.product([1, 0], repeat=len(chances)):
        null = math.prod(p if x else 1 - p for x, p in zip(path, chances, strict=True))
        mean += null * np.array(e_process(path, chances).values)
    assert mean.tolist() == pytest.approx([1.0] * len(chances))


@settings(max_examples=40, deadline=None)
@given(unequal, st.floats(0.01, 0.3), st.integers(1, 12), st.integers(1, 3), st.data())
def test_spending_boundary_over_all_sequences(chances, alpha, n_max, min_events, data):
    """The exact chance of a crossing is the size told, within what may be spent by then, at some events or all."""
    every = list(range(1, len(chances) + 1))
    looks = data.draw(st.lists(st.sampled_from(every), unique=True, min_size=1).map(sorted))
    boundary = spending_boundary(chances, alpha, n_max, min_events, looks=looks)
    crossed = np.zeros(len(chances))
    for path in itertools.product([1, 0], repeat=len(chances)):
        at = boundary.crossed_at(path)
        if at is not None:
            crossed[at - 1 :] += math.prod(p if x else 1 - p for x, p in zip(path, chances, strict=True))
    assert boundary.used == pytest.approx(crossed.tolist(), abs=1e-12)
    may = [alpha * min(n, n_max) / n_max for n in every]
    assert all(used <= allowed + 1e-12 for used, allowed in zip(boundary.used, may, strict=True))
    assert all(least is None or least >= min_events for least in boundary.events)


@settings(max_examples=40, deadline=None)
@given(unequal, st.data())
def test_more_gamma_is_never_rarer(chances, data):
    path = data.draw(st.lists(st.booleans(), min_size=len(chances), max_size=len(chances)))
    p_values = [conditional(path, chances, gamma=gamma).p_value for gamma in (1, 1.3, 2, 7)]
    assert p_values == sorted(p_values)
    e_values = [e_process(path, allowing(chances, gamma)).log_values[-1] for gamma in (1, 1.3, 2, 7)]
    assert e_values == sorted(e_values, reverse=True)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_three_uniform_events_within_a_fraction(share):
    """P(three uniform events lie within a fraction r of the time) = 3 r^2 - 2 r^3."""
    hours, permutations = 100.0, 9999
    events = [[20.0], [20.0 + 100 * share], [20.0 + 50 * share]]
    found = scan(events, [[(0.0, hours)]] * 3, 1, permutations=permutations, min_width=1e-9, min_events=3)
    exact = 3 * share**2 - 2 * share**3
    assert within_monte_carlo(found.p_value, exact, permutations)


def naive_scan(events, observed, min_width):
    """All windows from an event, one by one, from the definition."""
    pooled = sorted(hour for subject in events for hour in subject)
    total = len(pooled)
    seen = [span for subject, spans in zip(events, observed, strict=True) if subject for span in spans]
    grid = sorted({edge for span in seen for edge in span})
    union = sum(
        after - before
        for before, after in itertools.pairwise(grid)
        if any(start <= before and after <= end for start, end in seen)
    )
    best = 0.0
    for first, hour in itertools.product(pooled, pooled):
        start, end = first, max(hour, first + min_width)
        inside = sum(start <= h <= end for h in pooled)
        mu = 0.0
        for subject, spans in zip(events, observed, strict=True):
            overlap = sum(max(0.0, min(e, end) - max(s, start)) for s, e in spans)
            mu += len(subject) * overlap / sum(e - s for s, e in spans)
        mu = max(mu, total * min_width / union)
        if inside > mu and inside >= 2:
            outside = total - inside
            rest = outside * math.log(outside / (total - mu)) if outside else 0.0
            best = max(best, inside * math.log(inside / mu) + rest)
    return best


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_scan_against_every_window(data):
    observed = [[(0.0, data.draw(st.floats(5, 20))), (24.0, data.draw(st.floats(30, 48)))] for _ in range(4)]
    events = [
        [
            data.draw(st.floats(*data.draw(st.sampled_from(spans))))
            for _ in range(data.draw(st.integers(0, 3)))
        ]
        for spans in observed
    ]
    found = scan(events, observed, 1, permutations=9, min_width=2.0)
    assert found.statistic == pytest.approx(naive_scan(events, observed, 2.0), abs=1e-9)
    if found.window_hours:
        start, end = found.window_hours
        inside = sum(start <= hour <= end for subject in events for hour in subject)
        assert found.events_in_window == inside


def test_scan_p_value_is_uniform_without_an_effect():
    """300 null trials, unevenly observed: their p-values are uniform (Kolmogorov-Smirnov)."""
    random, p_values = np.random.default_rng(13), []
    observed = [[(0.0, 10.0 + 3 * i), (20.0 + 3 * i, 48.0)] for i in range(3)] * 2
    for trial in range(300):
        events = []
        for spans in observed:
            lengths = np.diff(spans)[:, 0]
            picks = random.choice(len(spans), size=2, p=lengths / lengths.sum())
            events.append([float(random.uniform(*spans[pick])) for pick in picks])
        p_values.append(scan(events, observed, trial, permutations=199, min_width=2.0).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.001
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_scan_does_not_depend_on_the_origin_of_time_or_the_order_of_spans():
    events, observed = [[5.0, 30.0], [6.0], [6.5, 40.0]], [[(0.0, 20.0), (24.0, 48.0)]] * 3
    found = scan(events, observed, 4, permutations=499)
    moved = scan(
        [[hour + 100 for hour in subject] for subject in events],
        [[(start + 100, end + 100) for start, end in reversed(spans)] for spans in observed],
        4,
        permutations=499,
    )
    assert moved.statistic == pytest.approx(found.statistic)
    assert moved.p_value == found.p_value


counts = st.integers(0, 12)
hours = st.floats(0.5, 200)


@settings(max_examples=60, deadline=None)
@given(counts, counts, hours, hours, st.sampled_from(["greater", "less", "two-sided"]))
def test_self_controlled_against_the_binomial_test(in_risk, in_control, at_risk, at_control, alternative):
    found = self_controlled(in_risk, in_control, at_risk, at_control, alternative)
    if in_risk + in_control == 0:
        assert (found.relative_incidence, found.p_value) == (None, 1.0)
        return
    share = at_risk / (at_risk + at_control)
    expected = binomtest(in_risk, in_risk + in_control, share, alternative)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-7)
    exact = expected.proportion_ci(0.95, "exact")
    odds = at_control / at_risk
    low, high = (math.inf if q == 1 else q / (1 - q) * odds for q in (exact.low, exact.high))
    assert found.ci95 == pytest.approx((low, high), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=4), hours, hours)
def test_strata_with_the_same_hours_are_one_stratum(pairs, at_risk, at_control):
    in_risk, in_control = zip(*pairs, strict=True)
    number = len(pairs)
    strata = self_controlled_strata(
        in_risk, in_control, [at_risk] * number, [at_control] * number, "two-sided"
    )
    pooled = self_controlled(sum(in_risk), sum(in_control), at_risk, at_control, "two-sided")
    assert strata.p_value == pytest.approx(pooled.p_value, rel=1e-9)
    assert strata.ci95 == pytest.approx(pooled.ci95, rel=1e-7)
    if pooled.relative_incidence is not None:
        assert strata.relative_incidence == pytest.approx(pooled.relative_incidence, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8), st.data())
def test_success_distribution_over_all_outcomes(chances, data):
    events = data.draw(st.integers(0, len(chances)))
    brute = sum(
        math.prod(p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True))
        for outcome in itertools.product([True, False], repeat=len(chances))
        if sum(outcome) >= events
    )
    distribution = success_distribution([1] * len(chances), chances)
    assert distribution[events:].sum() == pytest.approx(brute, rel=1e-9)
