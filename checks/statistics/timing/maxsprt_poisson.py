"""Poisson MaxSPRT: whether events come faster than a known background rate explains, at any moment.

Estimator: the Poisson maximised sequential probability ratio test. With c events where mu were expected:
LLR = c ln(c / mu) - c + mu when c > mu, else 0; it signals when LLR reaches the critical value cv and c reaches
``min_events``, from ``delay`` expected events on. A k-th event signals when it comes at or before
mu_k = -k W0(-exp(-1 - cv / k)). The size is exact: a forward recursion on the counts at mu_k, truncated below k.
Assumptions: events form a Poisson process whose expected count is known, not estimated (else the conditional
test).
Reference: Kulldorff M, Davis RL, Kolczak M, et al. Sequential Analysis 2011;30:58-78; minimum events and
delayed start: Kulldorff M, Silva IR. REVSTAT 2017;15:373-394.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, gammaln, lambertw, xlogy

from checks.statistics import parameters
from checks.statistics.timing.sequential import SequentialCharacteristics

PRECISION = 1e-13
"""Tolerance of the critical value; far below what a size can show."""

ABOVE = 1e-10
"""How far above an LLR that must not signal the critical value lies: more than rounding, less than a size shows."""

MOST_EXPECTED = 1000
"""Longest surveillance, in expected events: its boundary takes some ten seconds, and the time grows as the square."""


@dataclass(frozen=True, slots=True)
class MaxSPRTPoisson:
    """A Poisson MaxSPRT and its exact size. Times are in events expected without the drug.

    ``critical_value`` is the smallest LLR that signals: at it or above. It is ``ABOVE`` when ``min_events`` alone
    keeps the size within alpha, so that every excess signals; and lies as far above the LLR of a count at the
    delayed start that must not signal. ``times[j]`` and ``events[j]`` are the boundary: by ``times[j]`` expected
    events, ``events[j]`` seen have signalled.
    """

    expected_max: float
    alpha: float
    min_events: int
    delay: float
    critical_value: float
    size: float
    times: tuple[float, ...]
    events: tuple[int, ...]

    def characteristics(self, relative_risk: float) -> SequentialCharacteristics:
        """Return power and expected times, in events expected without the drug, at a true relative risk.

        Raises
        ------
        DesignError
            When ``relative_risk`` is not a finite number above 0.
        """
        relative_risk = parameters.positive("relative_risk", relative_risk)
        path = (self.times, self.events)
        states = _states(path, relative_risk)
        power = max(0.0, 1 - float(states[-1].sum()))
        mass = _signal_time(path, self.delay, states, relative_risk)
        return SequentialCharacteristics.of_signals(relative_risk, power, mass, self.expected_max)

    def crossing_probabilities(self, relative_risk: float = 1.0) -> NDArray[np.float64]:
        """Return the probability of signalling first between a time of the boundary and the one before it.

        Shape ``(len(times),)``.

        Raises
        ------
        DesignError
            When ``relative_risk`` is not a finite number above 0.
        """
        relative_risk = parameters.positive("relative_risk", relative_risk)
        states = _states((self.times, self.events), relative_risk)
        return np.asarray(-np.diff([1.0, *(float(state.sum()) for state in states)]))


def maxsprt_poisson(
    expected_max: float, alpha: float, min_events: int = 1, delay: float = 0.0
) -> MaxSPRTPoisson:
    """Calibrate a Poisson MaxSPRT on its exact size.

    Parameters
    ----------
    expected_max : float
        Events expected without the drug at the planned end, at most ``MOST_EXPECTED``.
    alpha : float
        Largest allowed probability of a signal when the drug does nothing.
    min_events : int
        Fewest events that may signal.
    delay : float
        Expected events before the first look; from then on the test looks continuously.

    Returns
    -------
    MaxSPRTPoisson

    Raises
    ------
    DesignError
        On impossible parameters.

    Examples
    --------
    >>> test = maxsprt_poisson(10.0, 0.05)
    >>> round(test.critical_value, 6)
    3.467952
    >>> round(test.characteristics(2.0).power, 3)
    0.685
    """
    expected_max, alpha = parameters.positive("expected_max", expected_max), parameters.share("alpha", alpha)
    if expected_max > MOST_EXPECTED:
        raise parameters.impossible("expected_max", expected_max, f"at most {MOST_EXPECTED}")
    min_events = parameters.count("min_events", min_events, at_least=1)
    delay = parameters.not_negative("delay", delay)
    if delay >= expected_max:
        raise parameters.impossible("delay", delay, f"less than expected_max = {expected_max}")
    critical_value, path = _calibrate(expected_max, alpha, min_events, delay)
    size = _crossing_probability(path)
    return MaxSPRTPoisson(expected_max, alpha, min_events, delay, critical_value, size, *path)


def poisson_llr(events: int, expected: float) -> float:
    """Return the log-likelihood ratio of an excess of events, 0.0 where there is none.

    Raises
    ------
    DesignError
        On a negative or fractional count, or an expected count that is not above 0.
    """
    events = parameters.count("events", events)
    expected = parameters.positive("expected", expected)
    return float(_llr(np.array([events]), np.array([expected]))[0])


def _llr(events: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    # two logarithms, since the quotient overflows at a few 1e-309 expected events
    excess = xlogy(events, events) - xlogy(events, expected) - events + expected
    return np.asarray(np.where(events > expected, excess, 0.0))


def _most_events(critical_value: float, expected: float) -> int:
    """Return a count whose LLR surely reaches the critical value (Bernstein bound on the deviance)."""
    third = critical_value / 3
    return math.ceil(expected + third + math.sqrt(third * third + 2 * critical_value * expected)) + 1


Path: TypeAlias = tuple[tuple[float, ...], tuple[int, ...]]


def _path(critical_value: float, expected_max: float, fewest: int, delay: float) -> Path:
    """Return the times by which each count signals, from ``fewest`` on, the last of them the planned end."""
    last = max(_most_events(critical_value, expected_max), fewest)
    k = np.arange(fewest, last + 1)
    # W0(-1/e) = -1, which rounding may push out of the domain
    latest = -k * np.nan_to_num(lambertw(-np.exp(-1 - critical_value / k)).real, nan=-1.0)
    times = np.clip(latest, delay, expected_max)
    used = int(np.argmax(times >= expected_max)) + 1
    steps, events = times[:used].tolist(), k[:used].tolist()
    return ((delay, *steps), (fewest, *events)) if delay else (tuple(steps), tuple(events))


def _states(path: Path, relative_risk: float = 1.0) -> list[NDArray[np.float64]]:
    """Return P(count = s, no signal so far) at each time, truncated below that time's limit."""
    times, limits = path
    steps = relative_risk * np.diff(np.asarray(times), prepend=0.0)
    j = np.arange(max(limits))
    arrivals = np.exp(xlogy(j, steps[:, None]) - steps[:, None] - gammaln(j + 1))
    states, state = [], np.ones(1)
    for arrival, limit in zip(arrivals, limits, strict=True):
        state = np.convolve(state, arrival[:limit])[:limit]
        states.append(state)
    return states


def _crossing_probability(path: Path) -> float:
    return max(0.0, 1 - float(_states(path)[-1].sum()))


def _signal_time(
    path: Path, delay: float, states: Sequence[NDArray[np.float64]], relative_risk: float
) -> float:
    """Return E[time of the signal; signal]: a gamma-distributed wait for the missing events of each state."""
    times, limits = path
    mass = delay * (1 - float(states[0].sum())) if delay else 0.0
    first = 1 if delay else 0
    before, start = (states[0], delay) if delay else (np.ones(1), 0.0)
    for time, limit, state in zip(times[first:], limits[first:], states[first:], strict=True):
        missing = limit - np.arange(len(before))
        reach = relative_risk * (time - start)
        wait = missing / relative_risk * gammainc(missing + 1, reach)
        mass += float(before @ (start * gammainc(missing, reach) + wait))
        before, start = state, time
    return mass


def _calibrate(expected_max: float, alpha: float, min_events: int, delay: float) -> tuple[float, Path]:
    """Return the smallest critical value within alpha, and its boundary.

    Between two LLRs attainable at the delayed start the size falls continuously; just above each of them it jumps.
    """
    fewest, low = max(min_events, math.floor(delay) + 1), ABOVE
    while True:
        high = float(_llr(np.array([fewest]), np.array([delay]))[0]) if delay else math.log(1 / alpha)

        def excess(critical_value: float, fewest: int = fewest) -> float:
            return _crossing_probability(_path(critical_value, expected_max, fewest, delay)) - alpha

        if excess(low) <= 0:
            return low, _path(low, expected_max, fewest, delay)
        while not delay and excess(high) > 0:
            high *= 2
        if excess(high) <= 0:
            root = brentq(excess, low, high, xtol=PRECISION)
            return root, _path(root, expected_max, fewest, delay)
        fewest, low = fewest + 1, high + ABOVE
