"""Decide, by simulation, how often the scan over the dose clock crosses, without harm and with it.

Estimator: the scan of ``checks.statistics.timing.scan`` with one event a subject, all subjects observed over the same
hours: without the drug the hours of the events are independent and uniform, so that one simulated null
distribution serves every trial with as many events. A trial crosses when its statistic at a planned look is
reached by so few of the null's that (r + 1) / (R + 1) is within that look's share of alpha.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from checks.design.results import Surveillance
from checks.protocol import StudyProtocol
from checks.protocol.rules import TimingRule
from checks.rules.timing_looks import FEWEST_IN_CLUSTER

PERMUTATIONS = 9999
"""R of a look's scan."""

SAME = 1e-9
"""Statistics nearer than this are tied, as in a look's scan."""


def scan_surveillance(
    rule: TimingRule,
    protocol: StudyProtocol,
    lengths: Sequence[int],
    relative_incidences: Sequence[float],
    *,
    seed: int,
    simulations: int,
) -> tuple[Surveillance, ...]:
    """Return size and power of a scan rule, at those of its planned looks that each number of events calls.

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
    return tuple(_one_length(rule, protocol, length, truths, hours, random) for length in lengths)


def simulated_hours(
    protocol: StudyProtocol, relative_incidence: float, events: int, trials: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return event hours, shape (events, trials): in the risk window more often, and uniform elsewhere."""
    first, last = observed_hours(protocol)
    low, high = protocol.risk_window_hours
    others = last - first - (high - low)
    inside = random.random((events, trials)) < chance_in_window(protocol, relative_incidence)
    elsewhere = first + others * random.random((events, trials))
    elsewhere += np.where(elsewhere >= low, high - low, 0.0)
    return np.where(inside, low + (high - low) * random.random((events, trials)), elsewhere)


def chance_in_window(protocol: StudyProtocol, relative_incidence: float) -> float:
    """Return the chance that an event falls into the risk window, of all the hours that a look scans."""
    (first, last), (low, high) = observed_hours(protocol), protocol.risk_window_hours
    within = relative_incidence * (high - low)
    return within / (within + last - first - (high - low))


def observed_hours(protocol: StudyProtocol) -> tuple[float, float]:
    """Return the hours since dose over which a look scans: from the dose to the last that a window names."""
    ends = (protocol.risk_window_hours[1], *(end for _, end in protocol.control_windows_hours))
    return 0.0, max(ends)


def scan_looks(rule: TimingRule) -> tuple[int, ...]:
    """Return the numbers of events at which the planned looks are taken, as ``checks.rules.scan_looks`` does."""
    step = max(rule.min_events, rule.min_subjects, FEWEST_IN_CLUSTER)
    return tuple(step * look for look in range(1, (rule.looks or 1) + 1))


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
    best = np.zeros(hours.shape[1])
    for _, _, score in _windows(hours, observed, min_width, min_events):
        np.maximum(best, score, out=best)
    return best


def strongest_windows(
    hours: NDArray[np.float64],
    observed: float,
    *,
    min_width: float = 1.0,
    min_events: int = FEWEST_IN_CLUSTER,
) -> NDArray[np.bool_]:
    """Return which events of each column lie in its strongest window; parameters as ``scan_statistics``."""
    best, low, high = np.zeros((3, hours.shape[1]))
    for start, end, score in _windows(hours, observed, min_width, min_events):
        better = score > best + SAME
        best[better], low[better], high[better] = score[better], start[better], end[better]
    return np.asarray((hours >= low) & (hours <= high) & (best > 0))


def _windows(
    hours: NDArray[np.float64], observed: float, min_width: float, min_events: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Yield, for each number of events inside, the narrowest window of each column and its statistic."""
    ordered, total = np.sort(hours, axis=0), len(hours)
    columns = np.arange(hours.shape[1])
    for inside in range(max(min_events, FEWEST_IN_CLUSTER), total + 1):
        widths = ordered[inside - 1 :] - ordered[: total - inside + 1]
        first = widths.argmin(axis=0)
        start, width = ordered[first, columns], widths[first, columns]
        expected = total * np.maximum(width, min_width) / observed
        with np.errstate(divide="ignore", invalid="ignore"):
            score = xlogy(inside, inside / expected)
            score += xlogy(total - inside, (total - inside) / (total - expected))
        yield start, start + width, np.where(inside > expected, score, 0.0)


def _one_length(
    rule: TimingRule,
    protocol: StudyProtocol,
    length: int,
    truths: Sequence[float],
    hours: Sequence[NDArray[np.float64]],
    random: np.random.Generator,
) -> Surveillance:
    planned = rule.looks or 1
    looks = tuple(look for look in scan_looks(rule) if look <= length)
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
    return _surveillance(length, looks, stopped, [chance_in_window(protocol, one) for one in truths])


def _statistics(hours: NDArray[np.float64], observed: float, rule: TimingRule) -> NDArray[np.float64]:
    return scan_statistics(hours, observed, min_events=rule.min_events)


def _surveillance(
    length: int, looks: tuple[int, ...], stopped: Sequence[NDArray[np.float64]], in_window: Sequence[float]
) -> Surveillance:
    share = [float(np.isfinite(at).mean()) for at in stopped]
    errors = [(one * (1 - one) / len(at)) ** 0.5 for one, at in zip(share, stopped, strict=True)]
    lengths = [float(np.minimum(at, length).mean()) for at in stopped]
    in_risk = [one * chance for one, chance in zip(lengths, in_window, strict=True)]  # Wald's identity
    return Surveillance(
        length=float(length),
        looks=tuple(float(look) for look in looks),
        events=None,
        size=share[0],
        size_error=errors[0],
        power=tuple(share[1:]),
        power_error=tuple(errors[1:]),
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(in_risk[1:]),
        without_harm=(lengths[0], in_risk[0]),
        size_by_look=tuple(float((stopped[0] == look).mean()) for look in looks),
    )
