"""What ``checks.statistics`` offers: its names, and the examples in their documentation."""

import doctest
from importlib import import_module

import pytest

from checks import statistics

MODULES = [
    "checks.statistics",
    "checks.statistics.boundaries.methods",
    "checks.statistics.boundaries.boundary",
    "checks.statistics.timing.conditional",
    "checks.statistics.timing.e_process",
    "checks.statistics.timing.self_controlled",
    "checks.statistics.timing.severity",
    "checks.statistics.timing.spending",
    "checks.statistics.timing.maxsprt_binomial",
    "checks.statistics.timing.maxsprt_poisson",
    "checks.statistics.timing.maxsprt_conditional",
]


def test_the_public_names():
    assert statistics.__all__ == [
        "METHODS",
        "conditional",
        "e_process",
        "maxsprt_binomial",
        "maxsprt_conditional",
        "maxsprt_poisson",
        "operating_characteristics",
        "self_controlled",
        "severity",
        "severity_e_values",
        "spending_boundary",
    ]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name):
    failed, attempted = doctest.testmod(import_module(name))
    assert attempted > 0
    assert failed == 0
