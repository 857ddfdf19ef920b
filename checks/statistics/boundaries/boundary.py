"""Stopping boundaries on rates: at each look, the fewest events that cross.

A boundary carries everything it was made from, so that it can be printed, signed and made again.
"""

from dataclasses import dataclass

from checks.statistics import parameters

Option = float | tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountBoundary:
    """Fewest events that cross at each look, however they were chosen.

    Attributes
    ----------
    n_max : int
        Subjects enrolled when the boundary is never crossed; no look is above it.
    looks : tuple of int
        Increasing numbers of subjects at which the events are compared.
    events : tuple of int or None
        Fewest events that cross at that look; None where none can.

    Raises
    ------
    DesignError
        When looks and events do not fit each other.
    """

    n_max: int
    looks: tuple[int, ...]
    events: tuple[int | None, ...]

    def __post_init__(self) -> None:
        looks = parameters.sequence("looks", self.looks)
        parameters.whole_looks(looks, parameters.count("n_max", self.n_max, at_least=1))
        parameters.fewest_events(self.events, looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary(CountBoundary):
    """A boundary calibrated by a method, with its inputs.

    Attributes
    ----------
    method : str
        Its name in ``METHODS``.
    null_rate : float
        Rate of events per subject that is acceptable.
    alpha : float
        Largest probability allowed of ever crossing at the null rate.
    options : tuple of (name, value)
        Parameters of the method alone.
    critical_value : float
        Value of the method's statistic that must be passed to cross (see the method).
    size : float
        Exact probability of ever crossing at the null rate; never above `alpha`.
    """

    method: str
    null_rate: float
    alpha: float
    options: tuple[tuple[str, Option], ...] = ()
    critical_value: float
    size: float
