"""Each rate method, each parameter, each way of being impossible: a DesignError that names it."""

import math

import pytest

from checks.errors import DesignError
from checks.statistics.boundaries import METHODS, CountBoundary, operating_characteristics

COUNT = (-1, 0, 1.5, 15.0, math.nan, math.inf, "5", None, True)
SHARE = (-0.1, 0, 1, 1.0, 1.5, math.nan, math.inf, "5%", None, True)
LOOKS = (5, "5,15", [], [0, 15], [5, 5], [15, 5], [1.5, 15], [5, 16], [None])
PRIOR = (0, None, "1,1", (1,), (1, 2, 3), (0, 1), (1, -1), (1, math.nan), (1, math.inf))
COMMON = {"n_max": COUNT, "null_rate": SHARE, "alpha": SHARE, "looks": LOOKS}
OPTIONS = {
    "wang_tsiatis": {"delta": (0.25, (-0.1, 1.1, math.nan, "1", None))},
    "beta_binomial": {"prior": ((0.2, 0.8), PRIOR)},
    "chen_chaloner": {
        "prior": ((0.4, 1.6), PRIOR),
        "alternative_rate": (0.3, (*SHARE, 0.2, 0.1)),
        "nu": (0.5, (-0.1, 1.1, math.nan, "1", None)),
    },
    "sprt": {"alternative_rate": (0.4, (*SHARE, 0.2, 0.1))},
}
CASES = [(method, name, bad) for method in METHODS for name, bads in COMMON.items() for bad in bads] + [
    (method, name, bad)
    for method, options in OPTIONS.items()
    for name, (_, bads) in options.items()
    for bad in bads
]


@pytest.mark.parametrize(("method", "name", "bad"), CASES)
def test_an_impossible_parameter_is_refused_by_name(method, name, bad):
    good = {"n_max": 15, "null_rate": 0.2, "alpha": 0.05}
    good |= {one: value for one, (value, _) in OPTIONS.get(method, {}).items()}
    with pytest.raises(DesignError, match=rf"{name}: found .*; allowed: "):
        METHODS[method](**{**good, name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("n_max", bad) for bad in COUNT),
        *(("looks", bad) for bad in ((), (0, 3), (3, 3), (3, 1), (3, 16), 3, "3")),
        *(("events", bad) for bad in ((), (0,), (1.5,), (2, 2), 2, None, "2")),
    ],
)
def test_an_impossible_count_boundary_is_refused(name, bad):
    with pytest.raises(DesignError, match=r"found .*; allowed: "):
        CountBoundary(**{"n_max": 15, "looks": (3,), "events": (2,), name: bad})


def test_true_rates_of_0_and_1_are_possible_and_no_rates_have_no_rows():
    boundary = CountBoundary(n_max=3, looks=(3,), events=(2,))
    assert operating_characteristics(boundary, [0.0, 1.0]).reject_probability.tolist() == [0.0, 1.0]
    assert operating_characteristics(boundary, []).reject_probability.tolist() == []
