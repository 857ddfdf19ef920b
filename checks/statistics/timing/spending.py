"""A boundary that spends alpha event by event, each event with a probability of its own.

Estimator: forward recursion on P(so many events in risk hours, not yet crossed). After n events A(n) = alpha
min(n, n_max) / n_max may be used; the boundary is the fewest events in risk hours, ``min_events`` or more, of which
the probability newly absorbed does not exceed A(n) less what was used before. Its size is exact for every sequence of
probabilities that earlier events did not choose.
Assumptions: as the conditional test; events come in an order that does not depend on where they fell (that in which
their doses close, those of one dose together).
Reference: Lan KKG, DeMets DL. Biometrika 1983;70:659-663 (alpha spending); Kulldorff M, Davis RL, Kolczak M, et al.
Sequential Analysis 2011;30:58-78 (events in risk and control time, one by one).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checks.statistics import parameters
from checks.statistics.recursion import FloatArray
from checks.statistics.timing.conditional import checked_events, checked_probabilities

ROUNDING = 1e-15
"""Sums of products of probabilities that should equal what may be spent, in binary."""


@dataclass(frozen=True, slots=True)
class SpendingBoundary:
    """Fewest events in risk hours that cross after each event, and what of alpha is used by then.

    Attributes
    ----------
    probabilities, alpha, n_max, min_events, looks
        What it was made for.
    events : tuple of int or None, one an event
        Fewest events in risk hours that cross after it; None where none can, or no look is taken.
    used : tuple of float, one an event
        Probability of having crossed by then when the drug does nothing.
    """

    probabilities: tuple[float, ...]
    alpha: float
    n_max: int
    min_events: int
    looks: tuple[int, ...]
    events: tuple[int | None, ...]
    used: tuple[float, ...]

    @property
    def size(self) -> float:
        """Probability of ever crossing when the drug does nothing; 0.0 without events."""
        return self.used[-1] if self.used else 0.0

    def crossed_at(self, in_risk: Sequence[bool]) -> int | None:
        """Return the number of the event after which so many were in risk hours that it crossed; None without one.

        Raises
        ------
        DesignError
            When there are not as many events as probabilities.
        """
        flags, _ = checked_events(in_risk, self.probabilities)
        seen = np.cumsum(flags).tolist()
        crossed = (
            number
            for number, (least, so_far) in enumerate(zip(self.events, seen, strict=True), start=1)
            if least is not None and so_far >= least
        )
        return next(crossed, None)


def spending_boundary(
    probabilities: Sequence[float],
    alpha: float,
    n_max: int,
    min_events: int = 1,
    *,
    looks: Sequence[int] | None = None,
) -> SpendingBoundary:
    """Lay down the boundary along events with probabilities of their own.

    Parameters
    ----------
    probabilities : sequence of float, one an event
        In the order in which events are judged: probability of lying in risk hours when the drug does nothing.
    alpha : float
        Largest allowed probability of ever crossing when the drug does nothing.
    n_max : int
        Events over which alpha is spent; what is left of it may be used after them.
    min_events : int
        Fewest events in risk hours that may cross.
    looks : sequence of int, optional
        Numbers of events after which it is judged, increasing; after every event by default. Events that become
        known together have one look, after the last of them.

    Returns
    -------
    SpendingBoundary

    Raises
    ------
    DesignError
        On impossible parameters.

    Examples
    --------
    >>> boundary = spending_boundary([1 / 7, 1 / 19, 1 / 19, 1 / 4, 1 / 10], 0.05, 20, 2)
    >>> boundary.events, round(boundary.size, 10)
    ((None, None, 3, 3, 3), 0.0111396913)
    """
    chances = checked_probabilities(probabilities)
    alpha = parameters.share("alpha", alpha)
    n_max = parameters.counted("n_max", n_max)
    min_events = parameters.count("min_events", min_events, at_least=1)
    planned = parameters.whole_looks(looks, len(chances)) if chances else ()
    events: list[int | None] = []
    used: list[float] = []
    live, so_far = np.ones(1), 0.0
    for number, chance in enumerate(chances, start=1):
        live = np.convolve(live, (1 - chance, chance))
        least = None
        if number in planned:
            room = alpha * min(number, n_max) / n_max - so_far
            least = _fewest(live, room, min_events)
        if least is not None:
            so_far += float(live[least:].sum())
            live[least:] = 0.0
        events.append(least)
        used.append(so_far)
    return SpendingBoundary(chances, alpha, n_max, min_events, planned, tuple(events), tuple(used))


def _fewest(live: FloatArray, room: float, min_events: int) -> int | None:
    """Return the fewest events, ``min_events`` or more, whose probability fits into the room; None without."""
    tails = np.cumsum(live[::-1])[::-1]
    fits = np.flatnonzero(tails <= room + ROUNDING)
    least = max(int(fits[0]), min_events) if fits.size else len(live)
    return least if least < len(live) else None
