"""The exact probability that a running count of events is stopped at each look.

Estimator: forward recursion on P(S_n = s, not yet stopped) for S_n ~ Binomial(n, rate); at a look the mass at
or above the boundary leaves, so the vector never outgrows the boundary. Assumes independent subjects with one
common rate. Armitage P, McPherson CK, Rowe BC, Journal of the Royal Statistical Society A 1969;132:235-244;
Schultz JR, Nichol FR, Elfring GL, Weed SD, Biometrics 1973;29:293-300.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

MOST_AT_ONCE = 512
"""Subjects whose binomial coefficients fit a double (C(1030, 515) does not); more are taken in halves."""


@dataclass(frozen=True, slots=True, eq=False)
class StoppingDistribution:
    """When a count is stopped, if ever."""

    probability: FloatArray
    """P(stopped at this look), shape (rates, looks)."""
    never: FloatArray
    """P(not stopped at any look), shape (rates,)."""


def stopping_distribution(
    looks: Sequence[int], events: Sequence[int | None], rates: ArrayLike
) -> StoppingDistribution:
    """Run the recursion through every look, for all rates at once.

    Parameters
    ----------
    looks : sequence of int, shape (looks,)
        Increasing numbers of subjects (or of any Bernoulli trials) at which the count is compared.
    events : sequence of int or None, shape (looks,)
        Fewest events, 1 or more, that stop at that look; None, or more than the look, where none can.
    rates : array_like, shape (rates,)
        Probabilities of an event.

    Returns
    -------
    StoppingDistribution
        Exact up to rounding: all terms are sums and products of numbers in [0, 1].
    """
    rate = np.asarray(rates, dtype=np.float64).reshape(-1)
    probability = np.zeros((rate.size, len(looks)))
    live, spare = np.zeros((2, rate.size, looks[-1] + 1))
    live[:, 0] = 1.0
    seen, width = 0, 1
    for index, (look, fewest) in enumerate(zip(looks, events, strict=True)):
        width, seen = _enrol(live, spare, rate, width, look - seen), look
        if fewest is None or fewest >= width:
            continue
        # After every subject one count at most can stop: it needs no sum, which saves a quarter of the time.
        stopped = live[:, fewest] if width == fewest + 1 else live[:, fewest:width].sum(axis=1)
        probability[:, index] = stopped
        live[:, fewest:width] = 0.0
        width = fewest
    return StoppingDistribution(probability, live[:, :width].sum(axis=1))


def crossing_probability(looks: Sequence[int], events: Sequence[int | None], rate: float) -> float:
    """Return the probability of ever being stopped, at one rate: the form that a calibration calls in a loop.

    Parameters as in :func:`stopping_distribution`. The count never falls, so a look whose boundary is no
    lower than that of a later one stops nothing more, and is passed over.
    """
    fewest = np.array([look + 1 if b is None else b for look, b in zip(looks, events, strict=True)])
    later = np.append(np.minimum.accumulate(fewest[::-1])[::-1][1:], looks[-1] + 2)
    live, seen, crossed = np.ones(1), 0, 0.0
    for index in np.flatnonzero(fewest < later).tolist():
        look, boundary = looks[index], int(fewest[index])
        live, seen = np.convolve(live, _events_among(look - seen, rate)), look
        crossed += float(live[boundary:].sum())
        live = live[:boundary]
    return crossed


def _enrol(live: FloatArray, spare: FloatArray, rate: FloatArray, width: int, subjects: int) -> int:
    """Let `subjects` more have their outcome, in place; return how many counts are now possible."""
    before = live[:, :width]
    if subjects == 1:
        chance = rate[:, None]
        moved = np.multiply(before, chance, out=spare[:, :width])
        before *= 1.0 - chance
        live[:, 1 : width + 1] += moved
    else:
        for row, one in enumerate(rate.tolist()):
            live[row, : width + subjects] = np.convolve(before[row], _events_among(subjects, one))
    return width + subjects


@lru_cache(maxsize=256)
def _events_among(subjects: int, rate: float) -> FloatArray:
    """Return P(Bin(subjects, rate) = s) for s = 0..subjects."""
    if subjects > MOST_AT_ONCE:
        half = subjects // 2
        return np.convolve(_events_among(half, rate), _events_among(subjects - half, rate))
    s = np.arange(subjects + 1.0)
    ways: FloatArray = special.binom(subjects, s)
    return ways * rate**s * (1.0 - rate) ** (subjects - s)
