"""Severity: whether subjects' worst turns lie in their risk blocks rather than in their other blocks of hours.

Estimator: each subject has blocks of hours of one length, each with a score of how much worse the subject became
in it; some are risk blocks. u_i is the highest score of the subject's risk blocks, and the statistic the
``order``-th largest over subjects of max(u_i, floor). Which of a subject's scored blocks are risk blocks is a draw
without replacement, so that u_i reaches t with chance 1 - C(m - n, k) / C(m, k) for k risk blocks among m, n of
which score t or more. The subjects are independent, and the p-value is P(at least ``order`` of them reach the
statistic): what permutation within subjects comes to without end, in closed form and without a seed.
The e-values ask the same at any moment, without a schedule: e_i is the mean over the risk blocks of
g(u) = 1 + 16 max(u - 2, 0), over its mean over all scored blocks. Its expectation is 1 when the drug does nothing,
so the chance that the product over subjects ever reaches 1 / alpha is at most alpha (Ville).
Assumption: without the drug a subject's blocks are exchangeable. Below the floor real ones are not, and nothing is
told apart there. A subject without a scored risk block, or with nothing else, says nothing.
Reference: Pitman EJG. Suppl J R Stat Soc 1937;4:119-130 (permutation); Hong Y. Comput Stat Data Anal
2013;59:41-51 (sums of unequal chances); Ramdas A, Gruenwald P, Vovk V, Shafer G. Stat Sci 2023;38:576-601 (e-values).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from checks.statistics import parameters
from checks.statistics.binomial import success_distribution

SAME = 1e-9
"""Scores nearer than this are tied: a draw that equals the observation counts as extreme as it."""

MARKED = 2.0
"""The score from which the e-values count: an ordinary block seldom turns worse by two robust deviations."""

STEEP = 16.0
"""How much a deviation beyond ``MARKED`` weighs against a block without any. It was chosen on charts of intensive
care, before any look; the e-values are valid whatever it is."""


@dataclass(frozen=True, slots=True)
class Severity:
    """Whether the subjects' worst turns lie in their risk blocks, with all that is needed to compute it again.

    ``highest`` has u_i of each subject, None for one that says nothing; ``informative`` counts the others.
    ``rests_on`` are the places of the subjects that reach the statistic, the highest first; none at the floor.
    ``smallest_p_value`` is the smallest that these scores could have given, wherever the risk blocks lay.
    """

    scores: tuple[tuple[float, ...], ...]
    risk: tuple[tuple[bool, ...], ...]
    order: int
    floor: float
    highest: tuple[float | None, ...]
    informative: int
    rests_on: tuple[int, ...]
    statistic: float
    p_value: float
    smallest_p_value: float


def severity(
    scores: Sequence[Sequence[float]],
    risk: Sequence[Sequence[bool]],
    *,
    order: int = 2,
    floor: float = 1.5,
) -> Severity:
    """Hold the scores of risk blocks against those of the same subjects' other blocks.

    Parameters
    ----------
    scores : one sequence a subject
        The score of each block, in robust deviations of the subject's own chart; nan for one without a score.
    risk : one sequence a subject, of the lengths of ``scores``
        Which of the blocks are risk blocks.
    order : int
        How many subjects must turn worse: one alone, whatever its score, never makes the statistic of 2.
    floor : float
        Scores below it are all alike. 1.5 by default: below it blocks of real charts are not exchangeable, and
        beyond it sick charts, whose deviation is wide, seldom reach.

    Returns
    -------
    Severity

    Raises
    ------
    DesignError
        On lengths that differ, an infinite score, or an impossible order or floor.

    Examples
    --------
    Two subjects whose one risk block scores highest of four:

    >>> severity([[3.1, 0.2, 1.0, -0.4], [2.2, 0.0, 0.7, 1.9]], [[True, False, False, False]] * 2).p_value
    0.0625
    """
    order = parameters.count("order", order, at_least=1)
    floor = parameters.not_negative("floor", floor)
    blocks = _blocks(scores, risk)
    highest = tuple(one.highest if one.informative else None for one in blocks)
    known = [one for one in blocks if one.informative]
    statistic = _order_largest([one.highest for one in known], order, floor)
    reached = [place for place, one in enumerate(highest) if one is not None and one >= statistic - SAME]
    return Severity(
        tuple(tuple(float(score) for score in subject) for subject in scores),
        tuple(tuple(bool(flag) for flag in subject) for subject in risk),
        order,
        floor,
        highest,
        len(known),
        tuple(sorted(reached, key=lambda place: -(highest[place] or 0.0))) if statistic > floor else (),
        statistic,
        _p_value(known, statistic, order, floor),
        _p_value(known, _order_largest([one.all_scores.max() for one in known], order, floor), order, floor),
    )


def severity_e_values(scores: Sequence[Sequence[float]], risk: Sequence[Sequence[bool]]) -> tuple[float, ...]:
    """Return e_i of each subject; 1 for one that says nothing.

    Their product so far is the evidence against the null, at any moment, when each subject comes in whole.
    Parameters and errors are those of ``severity``.

    >>> [round(one, 10) for one in severity_e_values([[7, 0, 1, 2.5, -1, 0.5]], [[True] + [False] * 5])]
    [5.170212766]
    """
    return tuple(one.e_value if one.informative else 1.0 for one in _blocks(scores, risk))


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """The scored blocks of one subject."""

    risk_scores: NDArray[np.float64]
    all_scores: NDArray[np.float64]

    @property
    def informative(self) -> bool:
        """Whether there are risk blocks and others to hold them against."""
        return 0 < len(self.risk_scores) < len(self.all_scores)

    @property
    def highest(self) -> float:
        """u_i, the highest score of the risk blocks."""
        return float(self.risk_scores.max())

    @property
    def e_value(self) -> float:
        """The mean weight of the risk blocks over that of all."""
        risk, every = (1 + STEEP * (one - MARKED).clip(min=0) for one in (self.risk_scores, self.all_scores))
        return float(risk.mean() / every.mean())

    def chance_to_reach(self, score: float) -> float:
        """Return the chance that a draw of the risk blocks holds one of at least this score."""
        below = int((self.all_scores < score - SAME).sum())
        drawn = len(self.risk_scores)
        draws = comb(len(self.all_scores), drawn)
        return (draws - comb(below, drawn)) / draws


def _blocks(scores: Sequence[Sequence[float]], risk: Sequence[Sequence[bool]]) -> tuple[_Blocks, ...]:
    if len(scores) != len(risk):
        raise parameters.impossible("risk", f"{len(risk)} subjects", f"{len(scores)}, as scores")
    return tuple(_subject(number, *one) for number, one in enumerate(zip(scores, risk, strict=True), start=1))


def _subject(number: int, scores: Sequence[float], risk: Sequence[bool]) -> _Blocks:
    if len(scores) != len(risk):
        raise parameters.impossible(
            f"risk of subject {number}", f"{len(risk)} blocks", f"{len(scores)}, as scores"
        )
    every, flags = np.asarray(scores, np.float64), np.asarray(risk, bool)
    if np.isinf(every).any():
        raise parameters.impossible(f"scores of subject {number}", scores, "finite scores, nan where none is")
    scored = ~np.isnan(every)
    return _Blocks(every[scored & flags], every[scored])


def _order_largest(highest: Sequence[float], order: int, floor: float) -> float:
    """Return the ``order``-th largest, at least the floor."""
    if len(highest) < order:
        return floor
    return max(float(sorted(highest, reverse=True)[order - 1]), floor)


def _p_value(subjects: Sequence[_Blocks], statistic: float, order: int, floor: float) -> float:
    """Return P(at least ``order`` subjects reach the statistic); the floor is always reached."""
    if statistic <= floor:
        return 1.0
    chances = [one.chance_to_reach(statistic) for one in subjects]
    return float(success_distribution([1] * len(chances), chances)[order:].sum().clip(max=1.0))
