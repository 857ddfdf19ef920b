"""Boundaries of any design: against all 2^n paths, against an exhaustive search, monotone, within alpha."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import stats

from checks.errors import DesignError
from checks.statistics.boundaries import METHODS, CountBoundary, operating_characteristics

rates = st.floats(0.01, 0.95)


@st.composite
def any_looks(draw, largest):
    looks = draw(st.sets(st.integers(1, largest), min_size=1))
    return tuple(sorted(looks))


@st.composite
def any_boundary(draw, largest=12):
    looks = draw(any_looks(largest))
    events = tuple(draw(st.one_of(st.none(), st.integers(1, look + 2))) for look in looks)
    return CountBoundary(n_max=looks[-1] + draw(st.integers(0, 3)), looks=looks, events=events)


@st.composite
def any_call(draw, largest=60):
    """A method with its arguments; not every one has a boundary within alpha."""
    null_rate = draw(st.floats(0.01, 0.6))
    above_null = null_rate + draw(st.floats(0.02, 0.95)) * (1 - null_rate) * 0.99
    prior = (draw(st.floats(0.05, 5)), draw(st.floats(0.05, 20)))
    method = draw(st.sampled_from(sorted(METHODS)))
    options = {
        "wang_tsiatis": {"delta": draw(st.floats(0, 1))},
        "beta_binomial": {"prior": prior},
        "chen_chaloner": {"prior": prior, "alternative_rate": above_null, "nu": draw(st.floats(0, 0.9))},
        "sprt": {"alternative_rate": above_null},
    }.get(method, {})
    looks = draw(any_looks(largest))
    alpha = draw(st.floats(0.001, 0.5))
    return method, {"n_max": looks[-1], "null_rate": null_rate, "alpha": alpha, "looks": looks, **options}


def calibrated(call):
    method, arguments = call
    try:
        return METHODS[method](**arguments)
    except DesignError as refusal:
        assert "found no number of events that can cross" in str(refusal)
        return None


def by_every_path(boundary, rate):
    """Probability of crossing at each look, mean events, mean subjects, summed over all 2^n paths."""
    fewest = dict(zip(boundary.looks, boundary.events, strict=True))
    by_look, mean_events, mean_n = dict.fromkeys(boundary.looks, 0.0), 0.0, 0.0
    for path in itertools.product((0, 1), repeat=boundary.n_max):
        chance = math.prod(rate if event else 1 - rate for event in path)
        stop = next(
            (n for n in boundary.looks if fewest[n] is not None and sum(path[:n]) >= fewest[n]),
            None,
        )
        if stop is not None:
            by_look[stop] += chance
        mean_n += chance * (stop or boundary.n_max)
        mean_events += chance * sum(path[: stop or boundary.n_max])
    return list(by_look.values()), mean_events, mean_n


@settings(max_examples=25, deadline=None)
@given(any_boundary(largest=9), rates)
def test_the_recursion_agrees_with_every_path(boundary, rate):
    by_look, mean_events, mean_n = by_every_path(boundary, rate)
    known = operating_characteristics(boundary, [rate])
    assert known.reject_by_look[0] == pytest.approx(by_look, abs=1e-12)
    assert known.reject_probability[0] == pytest.approx(sum(by_look), abs=1e-12)
    assert known.expected_events[0] == pytest.approx(mean_events, abs=1e-11)
    assert known.expected_n[0] == pytest.approx(mean_n, abs=1e-11)


def exact_size(looks, events, null_rate):
    """The same size in rational numbers, counting survivors in a dictionary."""
    survivors, size, seen = {0: Fraction(1)}, Fraction(0), 0
    for look, fewest in zip(looks, events, strict=True):
        for _ in range(look - seen):
            after = dict.fromkeys(range(max(survivors, default=0) + 2), Fraction(0))
            for count, chance in survivors.items():
                after[count] += chance * (1 - null_rate)
                after[count + 1] += chance * null_rate
            survivors = after
        seen = look
        if fewest is not None:
            size += sum(chance for count, chance in survivors.items() if count >= fewest)
            survivors = {count: chance for count, chance in survivors.items() if count < fewest}
    return size


def published_statistic(method, arguments, n, s):
    """What the literature compares with the critical value, by scipy.stats; rises with s.

    Small probabilities by their logarithms, whose order is the same: 1e-9 and 1e-11 differ by more than rounding.
    """
    p0, n_max = arguments["null_rate"], arguments["n_max"]
    if method == "pocock":
        return -stats.binom.logsf(s - 1, n, p0)
    if method in {"obrien_fleming", "wang_tsiatis"}:
        delta = arguments.get("delta", 0.0)
        return (s - n * p0) / ((n / n_max) ** (delta - 0.5) * math.sqrt(n * p0 * (1 - p0)))
    if method in {"beta_binomial", "chen_chaloner"}:
        a, b = arguments["prior"]
        posterior = stats.beta(a + s, b + n - s)
        if method == "chen_chaloner" and posterior.sf(arguments["alternative_rate"]) <= arguments["nu"]:
            return -1.0
        return -posterior.logcdf(p0)
    if method == "sprt":
        p1 = arguments["alternative_rate"]
        return stats.binom.logpmf(s, n, p1) - stats.binom.logpmf(s, n, p0)
    return 0.0 if s <= n * p0 else stats.binom.logpmf(s, n, s / n) - stats.binom.logpmf(s, n, p0)


def by_exhaustion(method, arguments):
    """The most sensitive boundary within alpha, by trying every attained value of the statistic in turn."""
    looks, alpha = arguments["looks"], arguments["alpha"]
    table = {n: [published_statistic(method, arguments, n, s) for s in range(n + 1)] for n in looks}
    attained = sorted({round(value, 9) for row in table.values() for value in row})
    floor = max(row[0] for row in table.values())
    best = None
    for critical in reversed([value for value in attained if value >= floor - 1e-9]):
        events = tuple(
            next((s for s, value in enumerate(table[n]) if value > critical + 1e-8), None) for n in looks
        )
        if exact_size(looks, events, Fraction(arguments["null_rate"])) > Fraction(alpha):
            break
        best = events
    return best


@settings(max_examples=60, deadline=None)
@example(
    (
        "beta_binomial",
        {"n_max": 2, "null_rate": 1 / 64, "alpha": 1 / 64, "looks": (2,), "prior": (4.0, 1.0)},
    )
)
@given(any_call(largest=10))
def test_the_calibration_agrees_with_exhaustive_search(call):
    method, arguments = call
    boundary, expected = calibrated(call), by_exhaustion(method, arguments)
    if boundary is None:
        assert not any(expected)
    else:
        assert boundary.events == expected
        assert boundary.size == pytest.approx(
            float(exact_size(boundary.looks, boundary.events, Fraction(boundary.null_rate))), rel=1e-12
        )


@settings(max_examples=150, deadline=None)
@given(any_call(largest=150))
def test_the_size_never_exceeds_alpha(call):
    boundary = calibrated(call)
    assume(boundary is not None)
    assert 0 < boundary.size <= boundary.alpha
    (reject,) = operating_characteristics(boundary, [boundary.null_rate]).reject_probability
    assert reject == pytest.approx(boundary.size, rel=1e-11)
    assert reject <= boundary.alpha * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(any_call(), st.floats(0.001, 0.5))
def test_a_larger_alpha_never_needs_more_events(call, other_alpha):
    method, arguments = call
    small, large = sorted((arguments["alpha"], other_alpha))
    strict, lenient = (calibrated((method, {**arguments, "alpha": alpha})) for alpha in (small, large))
    assume(strict is not None)
    assert lenient is not None
    for few, many in zip(lenient.events, strict.events, strict=True):
        assert (few or math.inf) <= (many or math.inf)


@settings(max_examples=60, deadline=None)
@given(any_call())
def test_more_subjects_never_lower_the_boundary(call):
    boundary = calibrated(call)
    assume(boundary is not None)
    events = [fewest for fewest in boundary.events if fewest is not None]
    assert events == sorted(events)


@settings(max_examples=60, deadline=None)
@given(any_boundary(largest=40), st.lists(rates, min_size=2, max_size=6).map(sorted))
def test_a_higher_rate_crosses_more_and_sooner(boundary, ordered):
    known = operating_characteristics(boundary, ordered)
    assert (known.reject_probability[1:] >= known.reject_probability[:-1] - 1e-12).all()
    assert (known.expected_n[1:] <= known.expected_n[:-1] + 1e-9).all()
    # Wald's identity: the stopping time is bounded
    assert known.expected_events == pytest.approx(known.expected_n * known.rates, rel=1e-9)
    assert known.reject_by_look.sum(axis=1) == pytest.approx(known.reject_probability, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(any_boundary(largest=40), st.data())
def test_fewer_events_to_cross_never_cross_less(boundary, data):
    index = data.draw(st.integers(0, len(boundary.looks) - 1))
    fewest = boundary.events[index]
    assume(fewest is not None and fewest > 1)
    events = (*boundary.events[:index], fewest - 1, *boundary.events[index + 1 :])
    easier = CountBoundary(n_max=boundary.n_max, looks=boundary.looks, events=events)
    rate = [data.draw(rates)]
    before, after = (operating_characteristics(b, rate).reject_probability[0] for b in (boundary, easier))
    assert after >= before - 1e-14
