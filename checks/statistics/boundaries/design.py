"""What every rate boundary is calibrated to: subjects, null rate, alpha and looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.statistics import parameters


@dataclass(frozen=True, slots=True)
class Design:
    """The largest number of subjects, the null rate, alpha, and the looks written out."""

    n_max: int
    null_rate: float
    alpha: float
    looks: tuple[int, ...]


def checked_design(n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None) -> Design:
    """Return the design; without `looks`, one after every subject.

    Raises
    ------
    DesignError
        When a parameter is impossible; names it, what was found and what is allowed.
    """
    n_max = parameters.count("n_max", n_max, at_least=1)
    null_rate, alpha = parameters.share("null_rate", null_rate), parameters.share("alpha", alpha)
    return Design(n_max, null_rate, alpha, parameters.whole_looks(looks, n_max))
