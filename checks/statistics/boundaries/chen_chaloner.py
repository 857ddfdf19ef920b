"""The Chen-Chaloner boundary: surely above the null rate, and probably above an unacceptable one.

Statistic: P(p > p0 | data) under a Beta(a, b) prior; crossed where it is above the critical value c and
P(p > p1 | data) is above nu as well. c is calibrated on the exact size. Assumes independent subjects with one
rate.
Chen C, Chaloner K, Statistics in Medicine 2006;25:2956-2966.
"""

from collections.abc import Sequence

import numpy as np

from checks.statistics import parameters
from checks.statistics.binomial import posterior_at_most
from checks.statistics.boundaries.beta_binomial import above
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.recursion import FloatArray

CERTAINLY_NOT = -1.0
"""Evidence where the second condition fails: as if P(p > p0 | data) were 0."""


def chen_chaloner(
    n_max: int,
    null_rate: float,
    alpha: float,
    looks: Sequence[int] | None = None,
    *,
    prior: tuple[float, float],
    alternative_rate: float,
    nu: float,
) -> Boundary:
    """Return the boundary for a Beta(a, b) prior that also asks P(p > `alternative_rate` | data) > `nu`.

    `alternative_rate` is the unacceptable rate p1, above the null rate; `nu` is from 0 to 1. Parameters and
    errors otherwise as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)
    prior = parameters.beta_prior("prior", prior)
    alternative_rate = parameters.between("alternative_rate", alternative_rate, design.null_rate, 1.0)
    nu = parameters.between("nu", nu, 0.0, 1.0, closed=True)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        also = posterior_at_most(alternative_rate, subjects, events, prior) < 1.0 - nu
        return np.where(also, -posterior_at_most(design.null_rate, subjects, events, prior), CERTAINLY_NOT)

    options = (("prior", prior), ("alternative_rate", alternative_rate), ("nu", nu))
    return calibrate("chen_chaloner", design, evidence, options=options, published=above)
