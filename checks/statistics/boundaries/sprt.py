"""The truncated SPRT boundary: the likelihood ratio of one unacceptable rate against the null rate.

Statistic: s log(p1/p0) + (n - s) log((1 - p1)/(1 - p0)); crossed where it is above the critical value c. Only
the upper limit is used and the trial ends at `n_max`, so c is calibrated on the exact size, not taken as
log(1/alpha). Assumes independent subjects with one rate.
Wald A, Annals of Mathematical Statistics 1945;16:117-186.
"""

import math
from collections.abc import Sequence

from checks.statistics import parameters
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.recursion import FloatArray


def sprt(
    n_max: int,
    null_rate: float,
    alpha: float,
    looks: Sequence[int] | None = None,
    *,
    alternative_rate: float,
) -> Boundary:
    """Return the boundary against `alternative_rate`, the unacceptable rate p1, above the null rate.

    Parameters and errors otherwise as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)
    alternative_rate = parameters.between("alternative_rate", alternative_rate, design.null_rate, 1.0)
    per_event = math.log(alternative_rate / design.null_rate)
    per_non_event = math.log1p(-alternative_rate) - math.log1p(-design.null_rate)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        return events * per_event + (subjects - events) * per_non_event

    return calibrate("sprt", design, evidence, options=(("alternative_rate", alternative_rate),))
