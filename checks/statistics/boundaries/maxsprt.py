"""The MaxSPRT boundary: the likelihood ratio of the observed rate against the null rate.

Statistic: s log(s/(n p0)) + (n - s) log((n - s)/(n (1 - p0))) where s > n p0, else 0; crossed where it is
above the critical value c, calibrated on the exact size. Assumes independent subjects with one rate.
Kulldorff M, Davis RL, Kolczak M, Lewis E, Lieu T, Platt R, Sequential Analysis 2011;30:58-78.
"""

from collections.abc import Sequence

from checks.statistics.binomial import log_likelihood_ratio
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.recursion import FloatArray


def maxsprt(n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None = None) -> Boundary:
    """Return the boundary of the maximised likelihood ratio; it needs no alternative rate.

    Parameters and errors as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        return log_likelihood_ratio(subjects, events, design.null_rate)

    return calibrate("maxsprt", design, evidence)
