"""Parameters of boundaries and tests: what is possible, and what is allowed where it is not.

Every function returns the value in the type that the statistics use, or raises a ``DesignError`` that names the
parameter, what was found and what is allowed.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np

from checks.errors import DesignError

FARTHEST = 1e12
"""Most times that control time may be risk time, or the reverse: farther, chances differ from 0 by rounding alone."""


MOST_COUNTED = 100_000
"""Subjects or cases of a design at most: exact chances over as many looks take most of a minute of one core."""


def impossible(name: str, found: object, allowed: str) -> DesignError:
    """Return the error that names a parameter, what was found and what is allowed."""
    return DesignError(f"{name}: found {found!r}; allowed: {allowed}")


def count(name: str, value: object, *, at_least: int = 0) -> int:
    """Return ``value`` as a whole number of at least ``at_least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise impossible(name, value, f"a whole number, {at_least} or more")
    return int(value)


def counted(name: str, value: object) -> int:
    """Return ``value`` as the number of subjects or cases of a design, which is calculated look by look."""
    number = count(name, value, at_least=1)
    if number > MOST_COUNTED:
        raise impossible(name, value, f"at most {MOST_COUNTED:,}")
    return number


def positive(name: str, value: object) -> float:
    """Return ``value`` as a finite number above 0."""
    number = _number(value)
    if not 0 < number < math.inf:
        raise impossible(name, value, "a finite number above 0")
    return number


def not_negative(name: str, value: object) -> float:
    """Return ``value`` as a finite number of 0 or more."""
    number = _number(value)
    if not 0 <= number < math.inf:
        raise impossible(name, value, "a finite number, 0 or more")
    return number


def between(name: str, value: object, low: float, high: float, *, closed: bool = False) -> float:
    """Return ``value`` as a number between two limits, which are themselves allowed when ``closed``."""
    number = _number(value)
    if not (low <= number <= high if closed else low < number < high):
        limits = f"from {low:g} to {high:g}" if closed else f"between {low:g} and {high:g}, both excluded"
        raise impossible(name, value, f"a number {limits}")
    return number


def share(name: str, value: object) -> float:
    """Return ``value`` as a number strictly between 0 and 1."""
    return between(name, value, 0, 1)


def time_ratio(name: str, value: object) -> float:
    """Return ``value`` as a ratio of times within ``FARTHEST``."""
    number = positive(name, value)
    if not 1 / FARTHEST <= number <= FARTHEST:
        raise impossible(name, value, f"a ratio from {1 / FARTHEST:g} to {FARTHEST:g}")
    return number


def sequence(name: str, value: object) -> tuple[Any, ...]:
    """Return ``value`` as a tuple when it is a sequence or an array."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise impossible(name, value, "a sequence of values")
    return tuple(value)


def choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a ``value`` that is none of ``allowed``."""
    if value not in allowed:
        raise impossible(name, value, " or ".join(allowed))


def beta_prior(name: str, value: object) -> tuple[float, float]:
    """Return ``value`` as the two parameters of a beta distribution, both positive."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise impossible(name, value, "two numbers (a, b) of a beta distribution")
    return positive(name, value[0]), positive(name, value[1])


def whole_looks(looks: object, n_max: int) -> tuple[int, ...]:
    """Return the planned looks, increasing and none above ``n_max``; one at every number up to it when None."""
    if looks is None:
        return tuple(range(1, n_max + 1))
    numbers = tuple(count("looks", look, at_least=1) for look in sequence("looks", looks))
    increasing = all(before < after for before, after in pairwise(numbers))
    if not numbers or not increasing or numbers[-1] > n_max:
        raise impossible("looks", numbers, f"one look or more, increasing, none above n_max = {n_max}")
    return numbers


def fewest_events(events: object, looks: Sequence[int]) -> None:
    """Refuse a boundary that has not one count of 1 or more, or None, for each of its looks."""
    fewest = sequence("events", events)
    if len(fewest) != len(looks):
        raise impossible("events", fewest, f"one for each of {len(looks)} looks")
    for number in fewest:
        if number is not None:
            count("events", number, at_least=1)


def _number(value: object) -> float:
    """Return the number that a value is, nan for what is none."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
