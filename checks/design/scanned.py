"""Decide, by simulation, how often the scan over the dose clock crosses, without harm and with it.

Estimator: the scan of ``checks.timing.scan`` with one event a subject, all subjects observed over the same
hours: without the drug the hours of the events are independent and uniform, so that one simulated null
distribution serves every trial with as many events. A trial crosses when its statistic at a planned look is
reached by so few of the null's that (r + 1) / (R + 1) is within that look's share of alpha.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from checks.design.results import Surveillance
from checks.protocol import StudyProtocol
from checks.protocol.rules import TimingRule

PERMUTATIONS = 9999
"""R of a look's scan."""

SAME = 1e-9
"""Statistics nearer than this are tied, as in a look's scan."""

FEWEST_IN_CLUSTER = 2
"""One event is no cluster."""


def scan_surveillance(
    rule: TimingRule,
    protocol: StudyProtocol,
    lengths: Sequence[int],
    relative_incidences: Sequence[float],
    *,
    seed: int,
    simulations: int,
) -> tuple[Surveillance, ...]:
    """Return size and power of a scan rule, at its planned looks spread evenly over each number of events.

    Parameters
    ----------
    rule, protocol
        The rule's alpha, looks and fewest events; the protocol's windows.
    lengths : sequence of int
        Numbers of events.
    relative_incidences : sequence of float
        True incidence in the risk window over that in all other hours.
    seed, simulations : int
        Seed and number of the simulated trials at each truth.
    """
    random = np.random.default_rng([seed, len(lengths)])
    truths = (1.0, *relative_incidences)
    hours = [simulated_hours(protocol, truth, lengths[-1], simulations, random) for truth in truths]
    return tuple(_one_length(rule, protocol, length, hours, random) for length in lengths)


def simulated_hours(
    protocol: StudyProtocol, relative_incidence: float, events: int, trials: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return event hours, shape (events, trials): in the risk window more often, and uniform elsewhere."""
    first, last = observed_hours(protocol)
    low, high = protocol.risk_window_hours
    others = last - first - (high - low)
    inside = random.random((events, trials)) < relative_incidence * (high - low) / (
        relative_incidence * (high - low) + others
    )
    elsewhere = first + others * random.random((events, trials))
    elsewhere += np.where(elsewhere >= low, high - low, 0.0)
    return np.where(inside, low + (high - low) * random.random((events, trials)), elsewhere)


def observed_hours(protocol: StudyProtocol) -> tuple[float, float]:
    """Return the first and the last hour since dose that the protocol's windows name."""
    windows = (protocol.baseline_hours, protocol.risk_window_hours, *protocol.control_windows_hours)
    return min(start for start, _ in windows), max(end for _, end in windows)


def scan_statistics(
    hours: NDArray[np.float64],
    observed: float,
    *,
    min_width: float = 1.0,
    min_events: int = FEWEST_IN_CLUSTER,
) -> NDArray[np.float64]:
    """Return the scan statistic of each column of event hours, one event a subject.

    Parameters
    ----------
    hours : array, shape (events, trials)
        Hours since dose.
    observed : float
        Hours over which every subject is observed.
    min_width : float
        Narrowest window, in hours.
    min_events : int
        Fewest events that make a cluster.
    """
    ordered, total = np.sort(hours, axis=0), len(hours)
    best = np.zeros(hours.shape[1])
    for inside in range(max(min_events, FEWEST_IN_CLUSTER), total + 1):
        width = (ordered[inside - 1 :] - ordered[: total - inside + 1]).min(axis=0)
        expected = total * np.maximum(width, min_width) / observed
        with np.errstate(divide="ignore", invalid="ignore"):
            score = xlogy(inside, inside / expected)
            score += xlogy(total - inside, (total - inside) / (total - expected))
        np.maximum(best, np.where(inside > expected, score, 0.0), out=best)
    return best


def _one_length(
    rule: TimingRule,
    protocol: StudyProtocol,
    length: int,
    hours: Sequence[NDArray[np.float64]],
    random: np.random.Generator,
) -> Surveillance:
    planned = rule.looks or 1
    looks = tuple(sorted({-(-length * look // planned) for look in range(1, planned + 1)}))
    share, (first, last) = rule.alpha / planned, observed_hours(protocol)
    stopped = [np.full(one.shape[1], np.inf) for one in hours]
    for look in looks:
        null = np.sort(_statistics(random.uniform(first, last, (look, PERMUTATIONS)), last - first, rule))
        for trials, at in zip(hours, stopped, strict=True):
            extreme = PERMUTATIONS - np.searchsorted(
                null, _statistics(trials[:look], last - first, rule) - SAME
            )
            crosses = (extreme + 1) / (PERMUTATIONS + 1) <= share
            at[crosses] = np.minimum(at[crosses], look)
    return _surveillance(length, looks, stopped)


def _statistics(hours: NDArray[np.float64], observed: float, rule: TimingRule) -> NDArray[np.float64]:
    return scan_statistics(hours, observed, min_events=rule.min_events)


def _surveillance(
    length: int, looks: tuple[int, ...], stopped: Sequence[NDArray[np.float64]]
) -> Surveillance:
    share = [float(np.isfinite(at).mean()) for at in stopped]
    errors = [(one * (1 - one) / len(at)) ** 0.5 for one, at in zip(share, stopped, strict=True)]
    return Surveillance(
        length=float(length),
        looks=tuple(float(look) for look in looks),
        events=None,
        size=share[0],
        size_error=errors[0],
        power=tuple(share[1:]),
        power_error=tuple(errors[1:]),
        expected_length=tuple(float(np.minimum(at, length).mean()) for at in stopped[1:]),
    )
