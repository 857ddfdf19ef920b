"""Planned looks called by closed doses: what calls a look must tell nothing of where anything fell.

A dose closes when its last risk and control hours have elapsed. A look is called when a share of the planned doses
has closed, the last when all have. Where the protocol plans no number of doses, the first is called by ``FIRST``
closed doses and each further one by twice as many as the one before.
"""

from collections.abc import Iterable
from math import ceil

FIRST = 20
"""Closed doses at a first look where no number is planned: about what ten participants receive in two weeks."""


def doses_at_looks(looks: int, subjects: int | None, doses: int | None) -> tuple[int, ...]:
    """Return how many doses must have closed at each of so many looks.

    ``subjects`` and ``doses`` of each are planned; None where no number is.
    """
    if subjects is None or doses is None:
        return tuple(FIRST * 2**number for number in range(looks))
    return tuple(ceil(subjects * doses * number / looks) for number in range(1, looks + 1))


def moments_of_looks(
    closes: Iterable[float], numbers: Iterable[int], data_cutoff: float
) -> tuple[float, ...]:
    """Return the moments at which the looks taken so far were called.

    Parameters
    ----------
    closes
        The moment at which each dose closes.
    numbers
        How many must have closed at each look.
    data_cutoff
        The moment up to which doses have closed.
    """
    closed = sorted(moment for moment in closes if moment <= data_cutoff)
    return tuple(closed[number - 1] for number in numbers if number <= len(closed))
