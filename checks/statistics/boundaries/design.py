"""Decide whether the parameters of a stopping boundary are possible, and say what is allowed when not."""

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real

from checks.errors import DesignError


@dataclass(frozen=True, slots=True)
class Design:
    """What every method is calibrated to: the largest number of subjects, the null rate, alpha, the looks."""

    n_max: int
    null_rate: float
    alpha: float
    looks: tuple[int, ...]


def checked_design(n_max: int, null_rate: float, alpha: float, looks: Iterable[int] | None) -> Design:
    """Return the design with its looks written out; without `looks`, one after every subject.

    Raises
    ------
    DesignError
        When a parameter is impossible; names it, what was found and what is allowed.
    """
    n_max = checked_count("n_max", n_max)
    null_rate = checked_between("null_rate", null_rate, 0.0, 1.0)
    alpha = checked_between("alpha", alpha, 0.0, 1.0)
    chosen = tuple(range(1, n_max + 1)) if looks is None else checked_looks(looks, n_max)
    return Design(n_max, null_rate, alpha, chosen)


def checked_count(name: str, value: object) -> int:
    """Return a whole number of 1 or more."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # it raises
    except TypeError:
        number = 0
    if number < 1:
        raise DesignError(f"{name}: found {value!r}; allowed: a whole number, 1 or more")
    return number


def checked_between(name: str, value: object, low: float, high: float, *, closed: bool = False) -> float:
    """Return a finite number between two limits, which are themselves allowed when `closed`."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    inside = low <= number <= high if closed else low < number < high
    if not inside:
        how = f"a number from {low:g} to {high:g}" if closed else f"a number above {low:g} and below {high:g}"
        raise DesignError(f"{name}: found {value!r}; allowed: {how}")
    return number


def checked_looks(looks: Iterable[int], n_max: int) -> tuple[int, ...]:
    """Return the looks: increasing numbers of subjects, none above `n_max`."""
    if isinstance(looks, str) or not isinstance(looks, Iterable):
        raise DesignError(f"looks: found {looks!r}; allowed: increasing whole numbers of subjects")
    numbers = tuple(checked_count("looks", look) for look in looks)
    if not numbers:
        raise DesignError("looks: found none; allowed: one look or more")
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise DesignError(f"looks: found {list(numbers)}; allowed: each look larger than the one before")
    if numbers[-1] > n_max:
        raise DesignError(f"looks: found {numbers[-1]}; allowed: none above n_max, which is {n_max}")
    return numbers


def checked_prior(value: object) -> tuple[float, float]:
    """Return the two parameters of a beta prior, both positive."""
    pair = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if len(pair) != 2:
        raise DesignError(f"prior: found {value!r}; allowed: two numbers (a, b) of a beta distribution")
    first, second = (checked_between("prior", number, 0.0, math.inf) for number in pair)
    return first, second
