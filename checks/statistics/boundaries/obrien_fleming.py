"""The O'Brien-Fleming boundary: strict at first, near the fixed-sample test at the end.

Statistic: (s - n p0) / sqrt(N p0 (1 - p0)), N = n_max; crossed where it is above the critical value c, that
is above b = n p0 + c sqrt(N p0 (1 - p0)): a line parallel to the expected count. It is the Wang-Tsiatis
family at delta 0; the size is exact. Assumes independent subjects with one rate.
O'Brien PC, Fleming TR, Biometrics 1979;35:549-556.
"""

from collections.abc import Sequence

from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.boundaries.wang_tsiatis import standardised


def obrien_fleming(
    n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None = None
) -> Boundary:
    """Return the boundary at a constant distance above the expected events.

    Parameters and errors as in :func:`checks.statistics.boundaries.pocock.pocock`.
    """
    design = checked_design(n_max, null_rate, alpha, looks)
    return calibrate("obrien_fleming", design, standardised(design, 0.0))
