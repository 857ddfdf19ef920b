"""The Pocock boundary: the same one-sided binomial tail probability at every look.

Statistic: P(Bin(n, p0) >= s), the exact p-value of the look; crossed where it is below the critical value c.
Assumes independent subjects with one rate. Pocock SJ, Biometrika 1977;64:191-199; after each subject:
Ivanova A, Qaqish BF, Schell MJ, Biometrics 2005;61:540-545.
"""

from collections.abc import Sequence

from checks.statistics.binomial import binomial_tail
from checks.statistics.boundaries.boundary import Boundary
from checks.statistics.boundaries.calibration import calibrate, checked_design
from checks.statistics.recursion import FloatArray


def pocock(n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None = None) -> Boundary:
    """Return the boundary whose tail probability is below one constant at each look.

    Parameters
    ----------
    n_max : int
        Largest number of subjects.
    null_rate : float
        Acceptable rate p0 of events per subject, between 0 and 1.
    alpha : float
        Largest probability allowed of ever crossing at `null_rate`.
    looks : sequence of int, optional
        Increasing numbers of subjects; after every subject when not given.

    Returns
    -------
    Boundary
        The fewest events that cross at each look, with its exact size and all that was given.

    Raises
    ------
    DesignError
        When a parameter is impossible or no boundary keeps to `alpha`.

    Examples
    --------
    >>> found = pocock(15, 0.2, 0.05, looks=[5, 10, 15])
    >>> found.looks, found.events
    ((5, 10, 15), (4, 5, 7))
    >>> round(found.size, 6)
    0.04132
    """
    design = checked_design(n_max, null_rate, alpha, looks)

    def evidence(subjects: FloatArray, events: FloatArray) -> FloatArray:
        return -binomial_tail(subjects, events, design.null_rate)

    return calibrate("pocock", design, evidence, published=lambda tail: -tail)
