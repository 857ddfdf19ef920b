"""The beta-binomial boundary: the posterior probability that the rate exceeds the null rate.

Statistic: P(p > p0 | s events in n subjects) under a Beta(a, b) prior; crossed where it is above the critical
value c, which is calibrated on the exact size. Assumes independent subjects with one rate.
Geller NL, Follman D, Leifer ES, Carter SL, in: Geller (ed.), Advances in Clinical Trial Biostatistics, 2003.
"""

from collections.abc import Sequence

from checks.statistics import parameters
from checks.statistics.binomial import posterior_at_most
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.recursion import FloatArray


def beta_binomial(
    n_max: int,
    null_rate: float,
    alpha: float,
    looks: Sequence[int] | None = None,
    *,
    prior: tuple[float, float],
) -> Boundary:
    """Return the boundary for a Beta(a, b) prior: `prior` = (a, b), both positive, worth a + b subjects.

    Parameters and errors otherwise as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)
    prior = parameters.beta_prior("prior", prior)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        return -posterior_at_most(design.null_rate, subjects, events, prior)

    return calibrate("beta_binomial", design, evidence, options=(("prior", prior),), published=above)


def above(negative_at_most: float) -> float:
    """Return P(p > rate) from the evidence, which is -P(p <= rate)."""
    return 1.0 + negative_at_most
