"""Decide how likely each number of successes is when the chances differ between groups of trials.

Estimator: the distribution of a sum of independent binomial counts, by exact convolution.
Assumption: trials are independent given their chances.
Reference: Wang YH. On the number of successes in independent trials. Statistica Sinica 1993;3:295-312.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy


def binomial_distribution(trials: int, chance: float) -> NDArray[np.float64]:
    """Return P(X = 0..trials) for a binomial count, shape ``(trials + 1,)``."""
    k = np.arange(trials + 1)
    ways = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    return np.asarray(np.exp(ways + xlogy(k, chance) + xlogy(trials - k, 1 - chance)))


def success_distribution(trials: Sequence[int], chances: Sequence[float]) -> NDArray[np.float64]:
    """Return P(successes = 0..n) over groups of trials that share a chance, n their total number.

    Parameters
    ----------
    trials : sequence of int
        Number of trials in each group.
    chances : sequence of float, same length
        Chance of success of each trial in the group.

    Returns
    -------
    ndarray, shape (sum(trials) + 1,)
    """
    distribution = np.ones(1)
    for number, chance in zip(trials, chances, strict=True):
        distribution = np.convolve(distribution, binomial_distribution(number, chance))
    return distribution
