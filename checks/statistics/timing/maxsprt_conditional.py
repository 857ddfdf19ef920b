"""Conditional MaxSPRT: whether events come faster than in a short history, whose own uncertainty counts.

Estimator: the conditional maximised sequential probability ratio test. With h historical events in
person-time V and a k-th event of surveillance at person-time P, x = P / (P + V) and n = h + k:
LLR = k ln((k / n) / x) + h ln((h / n) / (1 - x)) when k / P > h / V, else 0. It signals when LLR reaches the
critical value and k >= min_events; equivalently when P / V <= a_k. The size is exact: given their number,
events are uniform over the elapsed time, so a forward recursion gives P(no signal | count), and the count by
a_k V is Poisson mixed over the distribution of V.
Assumptions: history and surveillance are Poisson processes with one rate when the drug does nothing.
Reference: Li L, Kulldorff M. A conditional maximized sequential probability ratio test for pharmacovigilance.
Stat Med 2010;29:284-295; exact distribution: Silva IR, Li L, Kulldorff M. Sequential Analysis
2019;38:115-133.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, xlogy

from checks.statistics import parameters
from checks.statistics.timing.sequential import SequentialCharacteristics

HistoryEnd = Literal["between_events", "last_event", "next_event"]
HISTORY_ENDS: tuple[HistoryEnd, ...] = ("between_events", "last_event", "next_event")
PRECISION = 1e-13
"""Tolerance of the critical value; far below what a size can show."""
ABOVE = 1e-10
"""The critical value where every excess signals: no excess has the statistic 0. Less than a size can show."""
NEWTON_STEPS = 60
"""Upper bound on Newton steps for a_k; convergence from the left is monotone and takes about ten."""
_NODES, _MASSES = np.polynomial.legendre.leggauss(128)
SHARES, WEIGHTS = (_NODES + 1) / 2, _MASSES / 2
"""Gauss-Legendre rule on (0, 1): exact to rounding while the last event's time ratio is below about 100."""


@dataclass(frozen=True, slots=True)
class MaxSPRTConditional:
    """A conditional MaxSPRT and its exact size. Times are in events of surveillance.

    ``ratios[j]`` is the largest person-time over historical person-time at which event number ``events[j]``
    signals. ``critical_value`` is the smallest LLR that signals: at it or above; it is ``ABOVE`` when ``min_events``
    alone keeps the size within alpha, so that every excess signals.
    """

    cases_max: int
    historical_cases: int
    alpha: float
    min_events: int
    history_end: HistoryEnd
    critical_value: float
    size: float
    events: tuple[int, ...]
    ratios: tuple[float, ...]

    def characteristics(self, relative_risk: float) -> SequentialCharacteristics:
        """Return power and expected times, in events of surveillance, at a true relative risk.

        Raises
        ------
        DesignError
            When ``relative_risk`` is not a finite number above 0.
        """
        relative_risk = parameters.positive("relative_risk", relative_risk)
        history = _History(self.historical_cases, self.history_end)
        scaled = relative_risk * np.asarray(self.ratios)
        paths = zip(_quiet_paths(scaled, self.events), scaled.tolist(), strict=True)
        quiet = [1.0, *(_quiet_probability(path, ratio, history) for path, ratio in paths)]
        signalled = -np.diff(quiet)
        power, mass = float(signalled.sum()), float(signalled @ np.asarray(self.events))
        return SequentialCharacteristics.of_signals(relative_risk, power, mass, self.cases_max)


@dataclass(frozen=True, slots=True)
class _History:
    cases: int
    end: HistoryEnd


def maxsprt_conditional(
    cases_max: int,
    historical_cases: int,
    alpha: float,
    min_events: int = 1,
    *,
    history_end: HistoryEnd = "between_events",
) -> MaxSPRTConditional:
    """Calibrate a conditional MaxSPRT on its exact size.

    Parameters
    ----------
    cases_max : int
        Events of surveillance after which it ends.
    historical_cases : int
        Events in the history.
    alpha : float
        Largest allowed probability of a signal when the drug does nothing.
    min_events : int
        Fewest events that may signal.
    history_end : {"between_events", "last_event", "next_event"}
        Where the history was cut: at a date (anywhere in the gap after its last event, alike likely), at its
        last event, or at the event after it (the most cautious reading of a date).

    Returns
    -------
    MaxSPRTConditional

    Raises
    ------
    DesignError
        On impossible parameters.

    Examples
    --------
    >>> test = maxsprt_conditional(20, 20, 0.05)
    >>> round(test.critical_value, 4), round(test.size, 6)
    (3.3962, 0.05)
    """
    cases_max = parameters.count("cases_max", cases_max, at_least=1)
    historical_cases = parameters.count("historical_cases", historical_cases, at_least=1)
    alpha = parameters.share("alpha", alpha)
    min_events = parameters.count("min_events", min_events, at_least=1)
    if min_events > cases_max:
        raise parameters.impossible("min_events", min_events, f"at most cases_max = {cases_max}")
    parameters.choice("history_end", history_end, HISTORY_ENDS)
    events = tuple(range(min_events, cases_max + 1))
    history = _History(historical_cases, history_end)

    def size(critical_value: float) -> float:
        ratios = _ratios(critical_value, events, historical_cases)
        return max(0.0, 1 - _quiet_probability(_quiet_paths(ratios, events)[-1], float(ratios[-1]), history))

    value = _calibrate(size, alpha)
    ratios = tuple(_ratios(value, events, historical_cases).tolist())
    return MaxSPRTConditional(
        cases_max, historical_cases, alpha, min_events, history.end, value, size(value), events, ratios
    )


def _calibrate(size: Callable[[float], float], alpha: float) -> float:
    if size(ABOVE) <= alpha:
        return ABOVE
    high = 1.0
    while size(high) > alpha:
        high *= 2
    return float(brentq(lambda value: size(value) - alpha, ABOVE, high, xtol=PRECISION))


def _ratios(critical_value: float, events: Sequence[int], historical_cases: int) -> NDArray[np.float64]:
    """Return a_k: the time ratio at which the LLR of the k-th event equals the critical value.

    Newton's method on ln x from a point left of the root, where the LLR is convex in ln x.
    """
    k, h = np.asarray(events, dtype=np.float64), float(historical_cases)
    at_null = xlogy(k, k / (k + h)) + xlogy(h, h / (k + h)) - critical_value
    log_x = at_null / k
    for _ in range(NEWTON_STEPS):
        x = np.exp(log_x)
        slope = -k + h * x / (1 - x)
        step = np.where(slope < 0, (at_null - k * log_x - h * np.log1p(-x)) / slope, 0.0)
        log_x = log_x - step
        if np.abs(step).max() < 1e-15:
            break
    x = np.minimum(np.exp(log_x), k / (k + h))
    return np.asarray(x / (1 - x))


def _quiet_paths(ratios: NDArray[np.float64], events: Sequence[int]) -> list[NDArray[np.float64]]:
    """Return, at each a_k, P(no signal yet | s events by then) for s = 0..k-1.

    Given their number the events are uniform over the elapsed time, whatever the rate: binomial thinning.
    """
    log_factorial = gammaln(np.arange(events[-1]) + 1)
    quiet = [np.ones(events[0])]
    for event, share in zip(events[1:], (ratios[:-1] / ratios[1:]).tolist(), strict=True):
        s, j = np.arange(event)[:, None], np.arange(event - 1)[None, :]
        later = np.maximum(s - j, 0)
        ways = log_factorial[s] - log_factorial[j] - log_factorial[later]
        thinned = np.where(j <= s, np.exp(ways + xlogy(j, share) + xlogy(later, 1 - share)), 0.0)
        quiet.append(thinned @ quiet[-1])
    return quiet


def _arrivals(ratio: float, number: int, history: _History) -> NDArray[np.float64]:
    """Return P(s events by ``ratio`` times the historical person-time), s = 0..number-1.

    With V gamma the count is negative binomial. A history cut between events adds a uniform share U of one
    more exponential gap: a geometric count, mixed over U by quadrature.
    """
    j, shape = np.arange(number), history.cases + (history.end == "next_event")
    ways = gammaln(shape + j) - gammaln(shape) - gammaln(j + 1)
    counts = np.exp(ways - shape * np.log1p(ratio) + j * np.log(ratio / (1 + ratio)))
    if history.end == "between_events":
        gap = 1 / (1 + ratio * SHARES[:, None])
        counts = np.convolve(counts, WEIGHTS @ (gap * (1 - gap) ** j))[:number]
    return np.asarray(counts)


def _quiet_probability(quiet: NDArray[np.float64], ratio: float, history: _History) -> float:
    return float(quiet @ _arrivals(ratio, len(quiet), history))
