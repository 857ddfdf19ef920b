"""The conditional test at planned looks, each with an equal share of alpha.

Estimator: at a look, the exact tail of the number of events in risk hours among those judged by then, held against
alpha / planned looks (Bonferroni: all looks together keep to alpha). What calls a look tells nothing of where events
fell: a share of the planned doses has closed. Where no number is planned, a look is taken at each of the first
events in risk hours: the c-th of them comes within n events exactly when n events hold c, so that a test at the c-th
errs with at most its share.
Assumptions: as the conditional test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checks.statistics import parameters
from checks.statistics.timing.conditional import checked_events, upper_tail


@dataclass(frozen=True, slots=True)
class PlannedLooks:
    """The planned looks taken so far.

    Attributes
    ----------
    in_risk, probabilities, looks, share
        What they were made for: events with their probabilities, the numbers of events at each look taken, and
        the share of alpha of each.
    p_values : tuple of float, one a look taken
        P(as many events in risk hours or more) among the events of the look.
    """

    in_risk: tuple[bool, ...]
    probabilities: tuple[float, ...]
    looks: tuple[int, ...]
    share: float
    p_values: tuple[float, ...]

    @property
    def crossed_at(self) -> int | None:
        """The number of events at the first look whose p-value is within its share of alpha; None without one."""
        judged = zip(self.looks, self.p_values, strict=True)
        return next((look for look, p_value in judged if p_value <= self.share), None)


def planned_looks(
    in_risk: Sequence[bool], probabilities: Sequence[float], looks: Sequence[int], share: float
) -> PlannedLooks:
    """Take looks at the first so many events, each at a share of alpha.

    Parameters
    ----------
    in_risk, probabilities
        As for ``conditional``, in the order in which events are judged.
    looks : sequence of int
        Numbers of events known at each look taken, not decreasing: none may be known yet, or no more than before.
    share : float
        The share of alpha of one look.

    Returns
    -------
    PlannedLooks

    Raises
    ------
    DesignError
        On impossible parameters.
    """
    flags, chances = checked_events(in_risk, probabilities)
    share = parameters.share("share", share)
    numbers = tuple(parameters.count("looks", one) for one in parameters.sequence("looks", looks))
    if list(numbers) != sorted(numbers) or any(one > len(flags) for one in numbers):
        raise parameters.impossible("looks", numbers, f"not decreasing, none above {len(flags)} events")
    p_values = tuple(upper_tail(chances[:one], sum(flags[:one])) for one in numbers)
    return PlannedLooks(flags, chances, numbers, share, p_values)


def looks_at_events_in_risk(in_risk: Sequence[bool], first: int, planned: int) -> tuple[int, ...]:
    """Return the numbers of events at the ``first``-th event in risk hours and those after it, ``planned`` in all."""
    places = np.flatnonzero(np.asarray(in_risk, dtype=bool)) + 1
    return tuple(places[first - 1 : first - 1 + planned].tolist())
