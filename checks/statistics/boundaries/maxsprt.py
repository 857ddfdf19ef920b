"""Decide the MaxSPRT boundary: the likelihood ratio of the observed rate against the null rate.

Statistic: s log(s/(n p0)) + (n - s) log((n - s)/(n (1 - p0))) where s > n p0, else 0; crossed where it is
above the critical value c, calibrated on the exact size. Assumes independent subjects with one rate.
Kulldorff M, Davis RL, Kolczak M, Lewis E, Lieu T, Platt R, Sequential Analysis 2011;30:58-78.
"""

from collections.abc import Iterable

import numpy as np
from scipy import special

from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate
from checks.statistics.boundaries.design import checked_design
from checks.statistics.recursion import FloatArray


def maxsprt(n_max: int, null_rate: float, alpha: float, looks: Iterable[int] | None = None) -> Boundary:
    """Return the boundary of the maximised likelihood ratio; it needs no alternative rate.

    Parameters and errors as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        expected = subjects * design.null_rate
        ratio = special.xlogy(events, events / expected)
        ratio += special.xlogy(subjects - events, (subjects - events) / (subjects - expected))
        return np.where(events > expected, ratio, 0.0)

    return calibrate("maxsprt", design, evidence)
