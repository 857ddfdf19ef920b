"""Decide whether a parameter of a timing test is possible, and say what is allowed when it is not."""

import itertools
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from checks.errors import DesignError

FARTHEST = 1e12
"""Most times that control time may be risk time, or the reverse: farther, chances differ from 0 by rounding alone."""


def impossible(name: str, found: object, allowed: str) -> DesignError:
    """Return the error that names a parameter, what was found and what is allowed."""
    return DesignError(f"{name}: found {found!r}; allowed: {allowed}")


def count(name: str, value: object, *, at_least: int = 0) -> int:
    """Return ``value`` as a whole number of at least ``at_least``, or raise ``DesignError``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise impossible(name, value, f"a whole number, {at_least} or more")
    return int(value)


def _number(name: str, value: object, allowed: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise impossible(name, value, allowed)
    return float(value)


def positive(name: str, value: object) -> float:
    """Return ``value`` as a finite number above 0, or raise ``DesignError``."""
    number = _number(name, value, "a finite number above 0")
    if number <= 0:
        raise impossible(name, value, "a finite number above 0")
    return number


def not_negative(name: str, value: object) -> float:
    """Return ``value`` as a finite number of 0 or more, or raise ``DesignError``."""
    number = _number(name, value, "a finite number, 0 or more")
    if number < 0:
        raise impossible(name, value, "a finite number, 0 or more")
    return number


def share(name: str, value: object) -> float:
    """Return ``value`` as a number strictly between 0 and 1, or raise ``DesignError``."""
    number = _number(name, value, "a number between 0 and 1, both excluded")
    if not 0 < number < 1:
        raise impossible(name, value, "a number between 0 and 1, both excluded")
    return number


def time_ratio(name: str, value: object) -> float:
    """Return ``value`` as a ratio of times within ``FARTHEST``, or raise ``DesignError``."""
    number = positive(name, value)
    if not 1 / FARTHEST <= number <= FARTHEST:
        raise impossible(name, value, f"a ratio from {1 / FARTHEST:g} to {FARTHEST:g}")
    return number


def sequence(name: str, value: object) -> Sequence[Any]:
    """Return ``value`` as a tuple when it is a sequence or an array, or raise ``DesignError``."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise impossible(name, value, "a sequence of values")
    return tuple(value)


def choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ``DesignError`` when ``value`` is none of ``allowed``."""
    if value not in allowed:
        raise impossible(name, value, " or ".join(allowed))


def beta_prior(name: str, value: object) -> tuple[float, float]:
    """Return ``value`` as the two positive parameters of a beta distribution, or raise ``DesignError``."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise impossible(name, value, "two numbers above 0")
    return positive(name, value[0]), positive(name, value[1])


def whole_looks(looks: Sequence[int] | None, n_max: int) -> tuple[int, ...]:
    """Return the planned looks, every event up to ``n_max`` when None, or raise ``DesignError``."""
    if looks is None:
        return tuple(range(1, n_max + 1))
    checked = tuple(count("looks", look, at_least=1) for look in sequence("looks", looks))
    _increasing(checked, n_max)
    return checked


def timed_looks(looks: Sequence[float], last: float) -> tuple[float, ...]:
    """Return planned looks in expected events that end at ``last``, or raise ``DesignError``."""
    checked = tuple(positive("looks", look) for look in sequence("looks", looks))
    _increasing(checked, last)
    return checked


def _increasing(looks: Sequence[float], last: float) -> None:
    rises = all(before < after for before, after in itertools.pairwise(looks))
    if not looks or not rises or not math.isclose(looks[-1], last, rel_tol=1e-12):
        raise impossible("looks", looks, f"one look or more, increasing, the last of them {last}")
