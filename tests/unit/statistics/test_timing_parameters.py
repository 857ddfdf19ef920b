"""Each public timing function, each parameter, each way of being impossible: a DesignError that names it."""

import math

import numpy as np
import pytest

from checks.errors import DesignError
from checks.statistics.timing.conditional import conditional
from checks.statistics.timing.e_process import e_process, e_process_boundary
from checks.statistics.timing.maxsprt_binomial import binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson, poisson_llr
from checks.statistics.timing.planned_looks import planned_looks
from checks.statistics.timing.scan import scan
from checks.statistics.timing.self_controlled import self_controlled, self_controlled_strata
from checks.statistics.timing.sequential import BinomialBoundary
from checks.statistics.timing.spending import spending_boundary

COUNT = (-1, 1.5, math.nan, math.inf, "5", None, True)
POSITIVE = (-1.0, 0, math.nan, math.inf, "5", None, True)
RATIO = (*POSITIVE, 1e-13, 1e13)
SHARE = (-0.1, 0, 1, 1.5, math.nan, "5%", None)
ROW = (-1, 1.5, None, "5")
FLAGS = (None, "1", 1, [], [1, 0, 1], [2, 0], [None, 0])
CHANCES = (None, "5", 0.1, [], [0.1] * 3, [0, 0.1], [1, 0.1], [math.nan, 0.1], [True, 0.1], ["1", 0.1])

GOOD = {
    conditional: {
        "in_risk": ([1, 0], FLAGS),
        "probabilities": ([0.1, 0.2], CHANCES),
        "gamma": (1.5, (0.9, -1, math.nan, math.inf, "2", None, True)),
    },
    e_process: {"in_risk": ([True, False], FLAGS), "probabilities": ([0.1, 0.2], CHANCES)},
    e_process_boundary: {
        "n_max": (20, (*COUNT, 0, 1)),
        "ratio": (15.0, RATIO),
        "alpha": (0.05, SHARE),
    },
    spending_boundary: {
        "probabilities": ([0.1, 0.2], (*CHANCES[:3], *CHANCES[5:])),
        "alpha": (0.05, SHARE),
        "n_max": (20, (*COUNT, 0)),
        "min_events": (2, (*COUNT, 0)),
        "looks": ([1, 2], (0, "1", [], [0], [2, 1], [1, 3])),
    },
    planned_looks: {
        "looks": ([([1], [0.1]), ([1, 0], [0.1, 0.2])], ([([1], [0.1, 0.2])], [([1], [0])], [([], [])] * 4)),
        "alpha": (0.05, SHARE),
        "planned": (3, (*COUNT, 0, 1)),
        "gamma": (1.5, (0.9, "2", None)),
    },
    self_controlled: {
        "events_in_risk": (3, COUNT),
        "events_in_control": (1, COUNT),
        "hours_in_risk": (3.0, (-1.0, 0, 1e-13, math.nan, math.inf, "5", None)),
        "hours_in_control": (45.0, (-1.0, 0, 1e14, math.nan, math.inf, "5", None)),
        "alternative": ("greater", ("more", None)),
    },
    self_controlled_strata: {
        "events_in_risk": ([3], (*ROW, [], [-1])),
        "events_in_control": ([1], (*ROW, [], [1.5])),
        "hours_in_risk": ([3.0], (*ROW, [], [0])),
        "hours_in_control": ([45.0], (*ROW, [], [math.nan])),
    },
    maxsprt_binomial: {
        "n_max": (10, (*COUNT, 0)),
        "ratio": (1.0, RATIO),
        "alpha": (0.05, SHARE),
        "min_events": (1, (*COUNT, 0, 11)),
    },
    maxsprt_poisson: {
        "expected_max": (5.0, (*POSITIVE, 1001)),
        "alpha": (0.05, SHARE),
        "min_events": (1, (*COUNT, 0)),
        "delay": (0.0, (-1.0, 5, math.nan, "1", None)),
    },
    maxsprt_conditional: {
        "cases_max": (5, (*COUNT, 0)),
        "historical_cases": (4, (*COUNT, 0)),
        "alpha": (0.05, SHARE),
        "min_events": (1, (*COUNT, 0, 6)),
        "history_end": ("next_event", ("now", None)),
    },
    BinomialBoundary: {
        "looks": ((5, 10), ((), (0, 10), (10, 5), (5, 5), 5, "5", (5,))),
        "events": ((3, None), ((0, 3), (3,), (1.5, 3), 3, "35")),
        "ratio": (1.0, RATIO),
    },
    binomial_llr: {"events_in_risk": (1, COUNT), "events_in_control": (1, COUNT), "ratio": (1.0, RATIO)},
    poisson_llr: {"events": (1, COUNT), "expected": (1.0, POSITIVE)},
    scan: {
        "event_hours": ([[5.0]], (5, None, "5", [], [[49.0]], [[math.nan]])),
        "observed": ([[(0.0, 48.0)]], (5, None, [], [[]], [[(48.0, 0.0)]])),
        "seed": (1, COUNT),
        "permutations": (9, (*COUNT, 0)),
        "min_width": (1.0, POSITIVE),
        "min_events": (2, (*COUNT, 0)),
    },
}
CASES = [
    (function, name, bad)
    for function, parameters in GOOD.items()
    for name, (_, bads) in parameters.items()
    for bad in bads
]


@pytest.mark.parametrize(
    ("function", "name", "bad"), CASES, ids=[f"{f.__name__}-{name}-{bad}" for f, name, bad in CASES]
)
def test_an_impossible_parameter_is_refused(function, name, bad):
    good = {one: value for one, (value, _) in GOOD[function].items()}
    with pytest.raises(DesignError, match=r"found .*; allowed: "):
        function(**{**good, name: bad})


@pytest.mark.parametrize("function", GOOD)
def test_the_possible_parameters_are_accepted(function):
    assert function(**{name: value for name, (value, _) in GOOD[function].items()}) is not None


def test_a_refusal_names_the_parameter_what_was_found_and_what_is_allowed():
    with pytest.raises(DesignError) as refusal:
        maxsprt_poisson(1001, 0.05)
    assert str(refusal.value) == "expected_max: found 1001.0; allowed: at most 1000"
    with pytest.raises(DesignError) as refusal:
        maxsprt_binomial(10, 1e-13, 0.05)
    assert str(refusal.value) == "ratio: found 1e-13; allowed: a ratio from 1e-12 to 1e+12"
    with pytest.raises(DesignError) as refusal:
        scan(5, [], seed=1)
    assert str(refusal.value) == "event_hours: found 5; allowed: a sequence of values"


# What is possible but says nothing is no mistake: it has a neutral answer.


def test_no_events_are_never_rare():
    assert self_controlled(0, 0, 3, 45).p_value == 1.0
    assert scan([[]], [[(0.0, 48.0)]], seed=1, permutations=9).p_value == 1.0
    assert scan([], [], seed=1, permutations=9).p_value == 1.0


def test_no_hours_say_nothing():
    nothing = self_controlled(0, 0, 0, 0)
    assert (nothing.p_value, nothing.ci95, nothing.relative_incidence) == (1.0, (0.0, math.inf), None)
    assert self_controlled_strata([], [], [], []).p_value == 1.0


@pytest.mark.parametrize("bad", POSITIVE)
def test_a_true_relative_risk_is_above_0(bad):
    tests = (maxsprt_binomial(10, 1, 0.05), maxsprt_poisson(5, 0.05), e_process_boundary(20, 15, 0.05))
    for test in tests:
        with pytest.raises(DesignError, match="relative_risk: found"):
            test.characteristics(bad)
    with pytest.raises(DesignError, match="relative_risk: found"):
        maxsprt_poisson(5, 0.05).crossing_probabilities(bad)


def test_the_poisson_test_spends_its_size_along_its_boundary():
    for test in (maxsprt_poisson(5, 0.05), maxsprt_poisson(5, 0.05, 2, 1.0)):
        spent = test.crossing_probabilities()
        assert len(spent) == len(test.times)
        assert float(spent.sum()) == pytest.approx(test.size, abs=1e-9)
        assert np.all(spent > -1e-12)
