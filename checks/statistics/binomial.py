"""Binomial counts: their distribution, also where trials differ in their chance, their tail, and a rate's posterior.

A sum of independent binomial counts is distributed as their exact convolution (Poisson-binomial).
Assumption: trials are independent given their chances.
Reference: Wang YH. On the number of successes in independent trials. Statistica Sinica 1993;3:295-312.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, xlogy

from checks.statistics.recursion import FloatArray

Numbers: TypeAlias = FloatArray | NDArray[np.int64]


def binomial_distribution(trials: int, chance: float) -> FloatArray:
    """Return P(X = 0..trials) for a binomial count, shape ``(trials + 1,)``."""
    k = np.arange(trials + 1)
    ways = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    return np.asarray(np.exp(ways + xlogy(k, chance) + xlogy(trials - k, 1 - chance)))


def success_distribution(trials: Sequence[int], chances: Sequence[float]) -> FloatArray:
    """Return P(successes = 0..n), shape ``(n + 1,)``, over groups of trials that share a chance, n in all."""
    distribution = np.ones(1)
    for number, chance in zip(trials, chances, strict=True):
        distribution = np.convolve(distribution, binomial_distribution(number, chance))
    return distribution


def binomial_tail(n: FloatArray, events: FloatArray, rate: float) -> FloatArray:
    """Return P(Bin(n, rate) >= events), element by element, with full relative precision in the tail."""
    tail: FloatArray = betainc(events, n - events + 1.0, rate)
    return tail


def posterior_at_most(
    rate: float, n: FloatArray, events: FloatArray, prior: tuple[float, float]
) -> FloatArray:
    """Return P(p <= rate | data): the small side of the posterior, so that it keeps its precision near 0."""
    probability: FloatArray = betainc(prior[0] + events, prior[1] + n - events, rate)
    return probability


def log_likelihood_ratio(n: Numbers, events: Numbers, rate: float) -> FloatArray:
    """Return the maximised log-likelihood ratio of a rate above ``rate``, 0 where no excess is seen, elementwise.

    Kulldorff M, Davis RL, Kolczak M, et al. Sequential Analysis 2011;30:58-78.
    """
    excess = xlogy(events, events / (n * rate)) + xlogy(n - events, (n - events) / (n * (1 - rate)))
    return np.asarray(np.where(events > n * rate, excess, 0.0))
