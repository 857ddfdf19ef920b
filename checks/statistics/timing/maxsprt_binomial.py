"""Binomial MaxSPRT: whether the self-controlled events run too often into the risk hours, event by event.

Estimator: the binomial maximised sequential probability ratio test. After n events, c of them in risk hours
and p = 1 / (1 + ratio): LLR = c ln(c / (n p)) + (n - c) ln((n - c) / (n (1 - p))) when c / n > p, else 0. It
signals when LLR reaches the critical value: the smallest attainable one whose exact size does not exceed alpha. Only
finitely many values of LLR can be attained, so the search runs over them and is exact.
Assumptions: as the self-controlled comparison; events enter one at a time in their order.
Reference: Kulldorff M, Davis RL, Kolczak M, et al. A maximized sequential probability ratio test for drug and
vaccine safety surveillance. Sequential Analysis 2011;30:58-78.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from checks.statistics import parameters
from checks.statistics.binomial import log_likelihood_ratio
from checks.statistics.timing.sequential import BinomialBoundary, EventTest, risk_chance

SAME = 1e-10
"""Attainable LLRs nearer than this are one value reached in two ways, apart by rounding alone."""


def maxsprt_binomial(n_max: int, ratio: float, alpha: float, min_events: int = 1) -> EventTest:
    """Calibrate a binomial MaxSPRT on its exact size.

    Parameters
    ----------
    n_max : int
        Events (risk and control together) after which surveillance ends.
    ratio : float
        Control time over risk time.
    alpha : float
        Largest allowed probability of a signal when the drug does nothing.
    min_events : int
        Fewest events in risk hours that may signal.

    Returns
    -------
    EventTest
        Its ``critical_value`` is the smallest LLR that signals: at it or above.

    Raises
    ------
    DesignError
        On impossible parameters, and when no count within ``n_max`` events is rare enough to signal.

    Examples
    --------
    >>> test = maxsprt_binomial(10, 1, 0.05)
    >>> test.boundary.events[:6]
    (None, None, None, None, 5, 6)
    >>> test.size
    0.041015625
    >>> round(test.characteristics(5.0).power, 3)
    0.596
    """
    n_max = parameters.counted("n_max", n_max)
    ratio, alpha = parameters.time_ratio("ratio", ratio), parameters.share("alpha", alpha)
    min_events = parameters.count("min_events", min_events, at_least=1)
    if min_events > n_max:
        raise parameters.impossible("min_events", min_events, f"at most n_max = {n_max}")
    scores = _scores(n_max, ratio, min_events)
    critical_value = _calibrate(scores, ratio, alpha)
    boundary = _boundary(scores, ratio, critical_value)
    return EventTest(n_max, ratio, alpha, min_events, critical_value, boundary.size(), boundary)


def binomial_llr(events_in_risk: int, events_in_control: int, ratio: float) -> float:
    """Return the log-likelihood ratio of an excess in risk hours, 0.0 where there is none.

    Raises
    ------
    DesignError
        On negative or fractional counts, or a ratio that is not above 0.
    """
    in_risk = parameters.count("events_in_risk", events_in_risk)
    n = in_risk + parameters.count("events_in_control", events_in_control)
    ratio = parameters.time_ratio("ratio", ratio)
    return float(log_likelihood_ratio(np.array(n), np.array(in_risk), risk_chance(ratio))) if n else 0.0


def _scores(n_max: int, ratio: float, min_events: int) -> NDArray[np.float64]:
    """Return the LLR at each event (row) and each count in risk (column); -1 where it may not signal."""
    c, n = np.arange(n_max + 1)[None, :], np.arange(1, n_max + 1)[:, None]
    scores = log_likelihood_ratio(n, np.minimum(c, n), risk_chance(ratio))
    return np.where((c <= n) & (c >= min_events) & (scores > 0), scores, -1.0)


def _calibrate(scores: NDArray[np.float64], ratio: float, alpha: float) -> float:
    """Return the smallest attainable LLR at or above which the exact size is within alpha."""
    attained = np.sort(scores[scores > 0])
    # of values apart by rounding alone the least: all of them signal
    candidates = attained[np.diff(attained, prepend=-np.inf) > SAME].tolist()
    small = bisect_left(candidates, True, key=lambda value: _boundary(scores, ratio, value).size() <= alpha)
    if small == len(candidates):
        rarest = _boundary(scores, ratio, candidates[-1]).size() if candidates else 0.0
        raise parameters.impossible(
            "alpha",
            alpha,
            f"{rarest:.6g} or more: within {len(scores)} events at these looks nothing is rarer",
        )
    return float(candidates[small])


def _boundary(scores: NDArray[np.float64], ratio: float, critical_value: float) -> BinomialBoundary:
    crosses = scores >= critical_value
    fewest = np.where(crosses.any(axis=1), crosses.argmax(axis=1), -1)
    events = tuple(int(k) if k >= 0 else None for k in fewest)
    return BinomialBoundary(tuple(range(1, len(scores) + 1)), events, ratio)
