"""Simulated studies shared by the tests of the simulator: each is composed once a session."""

from collections.abc import Callable
from functools import cache

import pytest

from flows.simulate.study import Study, compose


@cache
def _study(scenario: str, seed: int = 1, subjects: int = 21) -> Study:
    return compose(scenario, seed=seed, subjects=subjects)


@pytest.fixture(scope="session")
def study() -> Callable[..., Study]:
    """Return a function that composes a study once and gives the same one again."""
    return _study
