"""Stopping boundaries on rates: at each look, the fewest events that cross; how often that is, and after how many.

A boundary carries everything it was made from, so that it can be printed, signed and made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checks.errors import DesignError
from checks.statistics import parameters
from checks.statistics.recursion import FloatArray, stopping_distribution

Option = float | tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountBoundary:
    """Fewest events that cross at each look, however they were chosen.

    Attributes
    ----------
    n_max : int
        Subjects enrolled when the boundary is never crossed; no look is above it.
    looks : tuple of int
        Increasing numbers of subjects at which the events are compared.
    events : tuple of int or None
        Fewest events that cross at that look; None where none can.

    Raises
    ------
    DesignError
        When looks and events do not fit each other.
    """

    n_max: int
    looks: tuple[int, ...]
    events: tuple[int | None, ...]

    def __post_init__(self) -> None:
        looks = parameters.sequence("looks", self.looks)
        parameters.whole_looks(looks, parameters.counted("n_max", self.n_max))
        parameters.fewest_events(self.events, looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary(CountBoundary):
    """A boundary calibrated by a method, with its inputs.

    Attributes
    ----------
    method : str
        Its name in ``METHODS``.
    null_rate : float
        Rate of events per subject that is acceptable.
    alpha : float
        Largest probability allowed of ever crossing at the null rate.
    options : tuple of (name, value)
        Parameters of the method alone.
    critical_value : float
        Value of the method's statistic that must be passed to cross (see the method).
    size : float
        Exact probability of ever crossing at the null rate; never above `alpha`.
    """

    method: str
    null_rate: float
    alpha: float
    options: tuple[tuple[str, Option], ...] = ()
    critical_value: float
    size: float


def lowest(boundaries: Sequence[CountBoundary]) -> CountBoundary:
    """Return the boundary that is crossed as soon as any of these is: at each of their looks, the fewest events."""
    fewest: dict[int, int | None] = {}
    for boundary in boundaries:
        for look, events in zip(boundary.looks, boundary.events, strict=True):
            found = [one for one in (fewest.get(look), events) if one is not None]
            fewest[look] = min(found, default=None)
    looks = tuple(sorted(fewest))
    return CountBoundary(
        n_max=max(one.n_max for one in boundaries), looks=looks, events=tuple(fewest[look] for look in looks)
    )


@dataclass(frozen=True, slots=True, eq=False)
class OperatingCharacteristics:
    """Exact behaviour of a boundary, with its inputs; arrays have one value per rate.

    Attributes
    ----------
    boundary : CountBoundary
        What was evaluated.
    rates : array, shape (rates,)
        True rates of events per subject.
    reject_probability : array, shape (rates,)
        Probability of ever crossing: type I error at the null rate, power above it.
    reject_by_look : array, shape (rates, looks)
        Probability of crossing at this look for the first time.
    expected_events, expected_n : array, shape (rates,)
        Mean events and mean subjects when the trial stops at the crossing, else at `n_max`.
    """

    boundary: CountBoundary
    rates: FloatArray
    reject_probability: FloatArray
    reject_by_look: FloatArray
    expected_events: FloatArray
    expected_n: FloatArray


def operating_characteristics(boundary: CountBoundary, rates: ArrayLike) -> OperatingCharacteristics:
    """Return the exact operating characteristics of a boundary, all rates in one pass of the recursion.

    Parameters
    ----------
    boundary : CountBoundary
        From a method, or given as looks and events.
    rates : array_like, shape (rates,)
        True rates of events per subject, each from 0 to 1.

    Returns
    -------
    OperatingCharacteristics
        Arrays of shape (rates,); of shape (rates, looks) by look.

    Raises
    ------
    DesignError
        When a rate is not a number from 0 to 1.

    Examples
    --------
    >>> one_look = CountBoundary(n_max=15, looks=(15,), events=(7,))
    >>> operating_characteristics(one_look, [0.2, 0.5]).reject_probability.round(4).tolist()
    [0.0181, 0.6964]
    """
    rate = _checked_rates(rates)
    stopping = stopping_distribution(boundary.looks, boundary.events, rate)
    at_look = np.asarray(boundary.looks, dtype=np.float64)
    expected_n = stopping.probability @ at_look + stopping.never * boundary.n_max
    return OperatingCharacteristics(
        boundary=boundary,
        rates=rate,
        reject_probability=stopping.probability.sum(axis=1),
        reject_by_look=stopping.probability,
        expected_events=rate * expected_n,  # Wald's identity, exact because n stops by n_max
        expected_n=expected_n,
    )


def _checked_rates(rates: ArrayLike) -> FloatArray:
    """Return the rates as a vector of numbers from 0 to 1."""
    try:
        rate = np.atleast_1d(np.asarray(rates, dtype=np.float64))
    except (TypeError, ValueError):
        rate = np.full(1, np.nan)
    if rate.ndim != 1 or not np.all((rate >= 0.0) & (rate <= 1.0)):
        raise DesignError(f"rates: found {rates!r}; allowed: numbers from 0 to 1")
    return rate
