"""Decide whether the latest days hold more events than a known background, over any number of latest days.

Estimator: the prospective temporal scan on counts. Over all windows that end now, with c events where b were
expected: max of c ln(c / b) - c + b where c > b. The p-value is (r + 1) / (R + 1), r of R simulated series of
Poisson counts at least as extreme; ties count, as they must when the statistic is discrete.
Assumption: independent Poisson counts with known expectations.
Reference: Kulldorff M. Prospective time periodic geographical disease surveillance using a scan statistic.
J R Stat Soc A 2001;164:61-72; expectation-based form: Neill DB, et al. KDD 2005:218-227.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from checks.statistics import parameters

SAME = 1e-9
"""Statistics nearer than this are tied."""


@dataclass(frozen=True, slots=True)
class CountScan:
    """The strongest window that ends now, and its p-value.

    ``duration`` is its number of latest intervals, 0 when none holds more than expected (the p-value is then
    1). ``ties`` is how many simulated series equal the observed statistic: they are among the extreme ones.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    seed: int
    simulations: int
    duration: int
    statistic: float
    ties: int
    p_value: float


def scan_counts(
    counts: Sequence[int], expected: Sequence[float], seed: int, *, simulations: int = 9999
) -> CountScan:
    """Scan the latest intervals of a series of counts for an excess over its expectations.

    Parameters
    ----------
    counts, expected : sequences of one length
        Events and expected events an interval, the latest last.
    seed, simulations : int
        Seed and number of the simulated series.

    Returns
    -------
    CountScan

    Raises
    ------
    DesignError
        On an empty series, lengths that differ, negative counts, or an expectation that is not above 0.
    """
    observed = tuple(parameters.count("counts", count) for count in parameters.sequence("counts", counts))
    baseline = tuple(
        parameters.positive("expected", value) for value in parameters.sequence("expected", expected)
    )
    if len(observed) != len(baseline) or not observed:
        found = f"{len(observed)} counts and {len(baseline)} expectations"
        raise parameters.impossible("counts and expected", found, "one of each for every interval")
    seed = parameters.count("seed", seed)
    simulations = parameters.count("simulations", simulations, at_least=1)
    scores = _scores(np.asarray([observed]), np.asarray(baseline))[0]
    statistic = float(scores.max())
    simulated = np.random.default_rng(seed).poisson(baseline, size=(simulations, len(baseline)))
    maxima = _scores(simulated, np.asarray(baseline)).max(axis=1)
    extreme, ties = int((maxima >= statistic - SAME).sum()), int((np.abs(maxima - statistic) < SAME).sum())
    duration = int(scores.argmax()) + 1 if statistic > 0 else 0
    p_value = (extreme + 1) / (simulations + 1)
    return CountScan(observed, baseline, seed, simulations, duration, statistic, ties, p_value)


def _scores(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the statistic of each series (row) over its latest 1, 2, ... intervals (column)."""
    c, b = np.cumsum(counts[:, ::-1], axis=1), np.cumsum(expected[::-1])
    return np.asarray(np.where(c > b, xlogy(c, c / b) - c + b, 0.0))
