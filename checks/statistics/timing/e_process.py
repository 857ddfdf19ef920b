"""The e-process: whether events run too often into the risk hours, at any moment and without a schedule.

Estimator: E_n = mean over odds ratios theta of the product of theta^x_i / (1 - p_i + theta p_i), with x_i whether
event i lies in risk hours and p_i its probability of that. It is a test martingale when the drug does nothing, so the
chance that it ever reaches 1 / alpha is at most alpha (Ville), whenever and however often one looks, for every p_i
that is fixed before its event is known.
Assumptions: as the conditional test.
Reference: Ramdas A, Gruenwald P, Vovk V, Shafer G. Game-theoretic statistics and safe anytime-valid inference. Stat
Sci 2023;38:576-601.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from checks.statistics import parameters
from checks.statistics.recursion import FloatArray
from checks.statistics.timing.conditional import checked_events
from checks.statistics.timing.sequential import BinomialBoundary, risk_chance

ODDS_RATIOS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Mixed with equal weights: doublings over all harm that a trial can see, from barely to nearly every event."""

_LOG_RATIOS, _EXCESS = np.log(ODDS_RATIOS), np.asarray(ODDS_RATIOS) - 1


@dataclass(frozen=True, slots=True)
class EProcess:
    """The evidence against "no harm" after each event.

    Attributes
    ----------
    in_risk, probabilities
        What it was made for.
    log_values : tuple of float, one an event
        Logarithm of the e-value after it.
    """

    in_risk: tuple[bool, ...]
    probabilities: tuple[float, ...]
    log_values: tuple[float, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The e-values, infinite where a double cannot hold them."""
        with np.errstate(over="ignore"):
            return tuple(np.exp(self.log_values).tolist())

    @property
    def p_value(self) -> float:
        """1 over the largest e-value on the way, at most 1: valid whenever one looked."""
        return math.exp(-max(0.0, *self.log_values)) if self.log_values else 1.0


def e_process(in_risk: Sequence[bool], probabilities: Sequence[float]) -> EProcess:
    """Weigh events as they come, each with its own probability; it crosses at 1 / alpha.

    Parameters
    ----------
    in_risk : sequence of bool (or 0 and 1), one an event
        Whether it lies in risk hours, in the order in which events are judged.
    probabilities : sequence of float, one an event
        Its probability of that when the drug does nothing, between 0 and 1.

    Returns
    -------
    EProcess

    Raises
    ------
    DesignError
        On lengths that differ, or a probability of 0 or 1.

    Examples
    --------
    >>> e_process([1, 0, 1], [1 / 7, 1 / 19, 1 / 19]).values[-1].__round__(10)
    17.2112126778
    """
    flags, chances = checked_events(in_risk, probabilities)
    x, p = np.asarray(flags, dtype=np.float64)[:, None], np.asarray(chances)[:, None]
    paths = np.cumsum(x * _LOG_RATIOS - np.log1p(p * _EXCESS), axis=0)
    return EProcess(flags, chances, tuple(_mixed(paths).tolist()))


def _mixed(log_ratios: FloatArray) -> FloatArray:
    """Return the logarithm of the mean over the odds ratios, which are the last axis."""
    return np.asarray(logsumexp(log_ratios, axis=-1) - math.log(len(ODDS_RATIOS)))


def e_process_boundary(n_max: int, ratio: float, alpha: float) -> BinomialBoundary:
    """Return the fewest events in risk hours that cross after each event, where all have one probability.

    Parameters
    ----------
    n_max : int
        Events up to which the boundary is given; validity does not end there.
    ratio : float
        Control time over risk time.
    alpha : float
        Largest allowed probability of ever crossing when the drug does nothing.

    Returns
    -------
    BinomialBoundary

    Raises
    ------
    DesignError
        On impossible parameters, and when no count within ``n_max`` events can cross.
    """
    n_max = parameters.counted("n_max", n_max)
    ratio, alpha = parameters.time_ratio("ratio", ratio), parameters.share("alpha", alpha)
    x = np.arange(n_max + 1)[:, None]
    per_event = np.log1p(risk_chance(ratio) * _EXCESS)
    fewest: list[int | None] = []
    for n in range(1, n_max + 1):
        # the e-value rises with the events in risk hours
        reached = np.flatnonzero(_mixed(x[: n + 1] * _LOG_RATIOS - n * per_event) >= -math.log(alpha))
        fewest.append(int(reached[0]) if reached.size else None)
    if all(events is None for events in fewest):
        raise parameters.impossible("n_max", n_max, "more events: no count within so few can cross")
    return BinomialBoundary(tuple(range(1, n_max + 1)), tuple(fewest), ratio)
