"""Stopping boundaries on rates: one method a file, one registry, one calibration for all."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from checks.errors import DesignError
from checks.statistics.boundaries.beta_binomial import beta_binomial
from checks.statistics.boundaries.boundary import (
    Boundary,
    CountBoundary,
    OperatingCharacteristics,
    operating_characteristics,
)
from checks.statistics.boundaries.chen_chaloner import chen_chaloner
from checks.statistics.boundaries.maxsprt import maxsprt
from checks.statistics.boundaries.obrien_fleming import obrien_fleming
from checks.statistics.boundaries.pocock import pocock
from checks.statistics.boundaries.sprt import sprt
from checks.statistics.boundaries.wang_tsiatis import wang_tsiatis

__all__ = ["METHODS", "Boundary", "CountBoundary", "OperatingCharacteristics", "operating_characteristics"]

Method = Callable[..., Boundary]


def _naming_parameters(method: Method) -> Method:
    """Make a missing or unknown parameter a DesignError that lists those allowed."""
    signature = inspect.signature(method)
    name = str(getattr(method, "__name__", method))

    @functools.wraps(method)
    def checked(*args: object, **options: object) -> Boundary:
        try:
            signature.bind(*args, **options)
        except TypeError as problem:
            allowed = ", ".join(signature.parameters)
            raise DesignError(f"{name}: found {problem}; allowed: {allowed}") from None
        return method(*args, **options)

    return checked


_METHODS = (pocock, obrien_fleming, wang_tsiatis, beta_binomial, chen_chaloner, sprt, maxsprt)

METHODS: Mapping[str, Method] = MappingProxyType(
    {method.__name__: _naming_parameters(method) for method in _METHODS}
)
"""Method name, as written in a study protocol, to the function that returns its boundary.

Each is called as ``METHODS[name](n_max, null_rate, alpha, looks=None, **options)`` with the options of its own:
``delta`` of ``wang_tsiatis``; ``prior`` of ``beta_binomial``; ``prior``, ``alternative_rate`` and ``nu`` of
``chen_chaloner``; ``alternative_rate`` of ``sprt``; none of the others.
"""
