"""The critical value of a rate boundary: the most sensitive one whose exact size is within alpha.

Every method orders the pairs (n subjects, s events) by one number, its evidence, which never falls as s
rises, and crosses where the evidence is above a critical value c. The boundary changes only where c passes an
evidence that some pair attains, so the finitely many attained values give all the boundaries there are. The
size falls as c rises, and bisection over the sorted values finds the smallest c within alpha. At least one
event is needed to cross.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from checks.errors import DesignError
from checks.statistics import parameters
from checks.statistics.binomial import binomial_tail
from checks.statistics.boundaries.boundary import Boundary, Option
from checks.statistics.recursion import FloatArray, crossing_probability

IntArray = NDArray[np.intp]
Evidence = Callable[[FloatArray, FloatArray], FloatArray]
"""Evidence of harm at (subjects, events), element by element; never falls as events rise."""

RELATIVE_TIE, ABSOLUTE_TIE = 1e-12, 1e-14
"""Evidence equal in exact arithmetic differs by some units of rounding (2.2e-16, times the operations); pairs
closer than this are one value, so that rounding cannot split them."""

FIRST_BAND = 32
"""Counts looked at above the lowest possible boundary before more are; the answer does not depend on it."""


@dataclass(frozen=True, slots=True)
class Design:
    """The largest number of subjects, the null rate, alpha, and the looks written out."""

    n_max: int
    null_rate: float
    alpha: float
    looks: tuple[int, ...]


def checked_design(n_max: int, null_rate: float, alpha: float, looks: Sequence[int] | None = None) -> Design:
    """Return the design; without `looks`, one after every subject.

    Raises
    ------
    DesignError
        When a parameter is impossible; names it, what was found and what is allowed.
    """
    n_max = parameters.counted("n_max", n_max)
    null_rate, alpha = parameters.share("null_rate", null_rate), parameters.share("alpha", alpha)
    return Design(n_max, null_rate, alpha, parameters.whole_looks(looks, n_max))


@dataclass(frozen=True, slots=True)
class _Band:
    """The pairs near the boundary: `lowest` and up to a band above it, at each look."""

    lowest: IntArray
    """At each look a count that must not cross: alone it has a probability above alpha, or is 0."""
    value: FloatArray
    """Distinct evidence values, ascending."""
    rank: IntArray
    """Of each pair, look by look, its place among the values."""
    starts: IntArray
    """Where each look's pairs start."""
    known: int
    """Ranks up to this one have their boundary wholly within the band."""

    def fewest(self, critical: int) -> IntArray:
        """Return, for each look, the fewest events ranked above the critical one; look + 1 where none is."""
        return self.lowest + np.add.reduceat(self.rank <= critical, self.starts, dtype=np.intp)


def calibrate(
    method: str,
    design: Design,
    evidence: Evidence,
    *,
    options: tuple[tuple[str, Option], ...] = (),
    published: Callable[[float], float] = float,
) -> Boundary:
    """Return the boundary with the smallest critical value whose exact size does not exceed alpha.

    ``evidence`` is the ordering of (subjects, events) by the ``method``; ``published`` turns a critical evidence into
    the scale in which it is published. ``options`` are the method's own, carried by the boundary.

    Raises
    ------
    DesignError
        When no number of events at any look can cross without the size exceeding alpha.
    """
    band, critical = _smallest_within_alpha(design, evidence)
    fewest = band.fewest(critical)
    events = tuple(b if b <= n else None for b, n in zip(fewest.tolist(), design.looks, strict=True))
    if not any(events):
        raise DesignError(
            f"{method}: found no number of events that can cross within {design.looks[-1]} subjects with a "
            f"size of at most alpha {design.alpha:g} at null rate {design.null_rate:g}; allowed: a larger "
            "alpha, or more subjects at the last look"
        )
    return Boundary(
        n_max=design.n_max,
        looks=design.looks,
        events=events,
        method=method,
        null_rate=design.null_rate,
        alpha=design.alpha,
        options=options,
        critical_value=published(float(band.value[critical])),
        size=_size(design, fewest),
    )


def _smallest_within_alpha(design: Design, evidence: Evidence) -> tuple[_Band, int]:
    """Return the band, and the smallest rank in it whose boundary has a size within alpha."""
    looks = np.asarray(design.looks, dtype=np.intp)
    lowest, counts = _lowest(design, looks), FIRST_BAND
    while True:
        band = _band(looks, lowest, counts, evidence)
        low, high = int(band.rank[band.starts].max()), band.known
        if low <= high and _size(design, band.fewest(high)) <= design.alpha:
            break
        counts *= 2
    ranks = range(low, high)
    return band, low + bisect_left(
        ranks, True, key=lambda rank: _size(design, band.fewest(rank)) <= design.alpha
    )


def _lowest(design: Design, looks: IntArray) -> IntArray:
    """Return at each look the largest count that is alone too probable to cross, by bisection."""
    low, high = np.zeros_like(looks), looks + 1
    limit = design.alpha * (1.0 + RELATIVE_TIE)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        probable = (
            binomial_tail(looks.astype(np.float64), middle.astype(np.float64), design.null_rate) > limit
        )
        low, high = np.where(probable, middle, low), np.where(probable, high, np.maximum(middle, low + 1))
    return low


def _band(looks: IntArray, lowest: IntArray, counts: int, evidence: Evidence) -> _Band:
    """Rank the evidence of the counts from the lowest upward, at every look."""
    sizes = np.minimum(looks - lowest + 1, counts)
    starts = np.cumsum(sizes) - sizes
    events = np.arange(sizes.sum()) + np.repeat(lowest - starts, sizes)
    attained = evidence(np.repeat(looks, sizes).astype(np.float64), events.astype(np.float64))
    order = np.argsort(attained)
    ascending = attained[order]
    apart = np.diff(ascending) > ABSOLUTE_TIE + RELATIVE_TIE * np.abs(ascending[1:])
    rank = np.empty(attained.size, dtype=np.intp)
    rank[order] = np.concatenate(([0], np.cumsum(apart)))
    tops = rank[starts + sizes - 1][sizes < looks - lowest + 1]
    value = ascending[np.concatenate((apart, [True]))]
    return _Band(lowest, value, rank, starts, int(tops.min()) - 1 if tops.size else value.size - 1)


def _size(design: Design, fewest: IntArray) -> float:
    """Return the exact probability of ever crossing at the null rate."""
    return crossing_probability(design.looks, fewest.tolist(), design.null_rate)
