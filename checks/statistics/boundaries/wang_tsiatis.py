"""The Wang-Tsiatis boundary: from O'Brien-Fleming's shape (delta 0) to a constant z value (0.5).

Statistic: (s - n p0) / ((n/N)^(delta - 1/2) sqrt(n p0 (1 - p0))), N = n_max; crossed where it is above the
critical value c, that is above b = n p0 + c (n/N)^(delta - 1/2) sqrt(n p0 (1 - p0)). The normal form only
orders the outcomes: the size is exact. Assumes independent subjects with one rate.
Wang SK, Tsiatis AA, Biometrics 1987;43:193-199.
"""

from collections.abc import Sequence

import numpy as np

from checks.statistics import parameters
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import Design, Evidence, calibrate, checked_design
from checks.statistics.recursion import FloatArray


def wang_tsiatis(
    n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None = None, *, delta: float
) -> Boundary:
    """Return the boundary of the power family with shape `delta`, 0 to 1.

    Parameters and errors otherwise as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)
    delta = parameters.between("delta", delta, 0.0, 1.0, closed=True)
    return calibrate("wang_tsiatis", design, standardised(design, delta), options=(("delta", delta),))


def standardised(design: Design, delta: float) -> Evidence:
    """Return the excess of events over the expected count, in units of the family's standard deviation."""
    variance = design.null_rate * (1.0 - design.null_rate)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        unit = (subjects / design.n_max) ** (delta - 0.5) * np.sqrt(subjects * variance)
        excess: FloatArray = (events - subjects * design.null_rate) / unit
        return excess

    return evidence
