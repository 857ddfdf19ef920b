"""The conditional test at planned looks, each with an equal share of alpha.

Estimator: at a look, the exact tail of the number of events in risk hours among those judged by then, held against
alpha / planned looks (Bonferroni: all looks together keep to alpha). What calls a look must tell nothing of where
events fell, as a number of closed doses does.
Assumptions: as the conditional test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.statistics import parameters
from checks.statistics.timing.conditional import Conditional, conditional


@dataclass(frozen=True, slots=True)
class PlannedLooks:
    """The planned looks taken so far: the test of each, and the share of alpha that it is held against."""

    taken: tuple[Conditional, ...]
    share: float

    @property
    def p_values(self) -> tuple[float, ...]:
        """The p-value of each."""
        return tuple(one.p_value for one in self.taken)

    @property
    def within(self) -> tuple[bool, ...]:
        """Whether the p-value of each is within its share of alpha."""
        return tuple(one.p_value <= self.share for one in self.taken)


def planned_looks(
    looks: Sequence[tuple[Sequence[bool], Sequence[float]]],
    alpha: float,
    planned: int,
    *,
    gamma: float = 1.0,
) -> PlannedLooks:
    """Take the looks that were called so far.

    Parameters
    ----------
    looks : sequence of (in_risk, probabilities)
        The events known at each look, as ``conditional`` takes them.
    alpha : float
        Largest allowed probability that any of the planned looks crosses when the drug does nothing.
    planned : int
        The number of looks planned, those to come among them.
    gamma : float
        As for ``conditional``.

    Returns
    -------
    PlannedLooks

    Raises
    ------
    DesignError
        On impossible parameters, and on more looks than planned.
    """
    alpha, planned = parameters.share("alpha", alpha), parameters.count("planned", planned, at_least=1)
    if len(looks) > planned:
        raise parameters.impossible("looks", f"{len(looks)} looks", f"at most planned = {planned}")
    return PlannedLooks(tuple(conditional(*one, gamma=gamma) for one in looks), alpha / planned)
