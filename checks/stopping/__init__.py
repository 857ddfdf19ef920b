"""Decide which rate boundary a name stands for: one method a file, one registry, one calibration for all."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from checks.errors import DesignError
from checks.stopping.beta_binomial import beta_binomial
from checks.stopping.boundary import Boundary, CountBoundary
from checks.stopping.characteristics import OperatingCharacteristics, operating_characteristics
from checks.stopping.chen_chaloner import chen_chaloner
from checks.stopping.maxsprt import maxsprt
from checks.stopping.obrien_fleming import obrien_fleming
from checks.stopping.pocock import pocock
from checks.stopping.sprt import sprt
from checks.stopping.wang_tsiatis import wang_tsiatis

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


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "pocock": _naming_parameters(pocock),
        "obrien_fleming": _naming_parameters(obrien_fleming),
        "wang_tsiatis": _naming_parameters(wang_tsiatis),
        "beta_binomial": _naming_parameters(beta_binomial),
        "chen_chaloner": _naming_parameters(chen_chaloner),
        "sprt": _naming_parameters(sprt),
        "maxsprt": _naming_parameters(maxsprt),
    }
)
"""Method name, as written in a study protocol, to the function that returns its boundary."""
