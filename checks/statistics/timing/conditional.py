"""The conditional test: whether events fall into risk hours more often than the chance of each explains.

Estimator: given that it happened, event i lies in risk hours with probability p_i = R_i / (R_i + C_i), from the
hours of its own subject (and dose) in which it could have been seen. The number in risk hours is then a
Poisson-binomial count, and the p-value its exact upper tail. ``gamma`` multiplies the odds of every p_i: Rosenbaum's
bound on what a daily rhythm or another cause may do to them; the tipping gamma is the largest at which a rule still
crosses. The log-likelihood ratio is that of one common odds ratio theta >= 1, which depends on the events in risk
hours by their number alone.
Assumptions: events of a subject are independent given their number; nothing but the drug moves an event between
risk and control hours by more than gamma.
Reference: Hong Y. Comput Stat Data Anal 2013;59:41-51 (the distribution); Farrington CP, Whitaker HJ, Hocine MN.
Biostatistics 2009;10:3-16 (what an event may change); Rosenbaum PR. Observational Studies. 2nd ed. 2002, ch. 4.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from checks.statistics import parameters

HALVINGS = 50
"""Of the logarithm of a tipping gamma: to the last digit of a double."""

LARGEST_LOG_GAMMA = 100.0
"""Odds times e^100: beyond it nothing crosses any more, and nobody would ask."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """How rare it is that so many events lie in risk hours.

    Attributes
    ----------
    in_risk, probabilities, gamma
        What it was made for: of each event whether it lies in risk hours and the probability of that without
        harm; and by how much the odds of each may be larger than that.
    p_value : float
        P(as many events in risk hours or more), exact; 1.0 without one.
    """

    in_risk: tuple[bool, ...]
    probabilities: tuple[float, ...]
    gamma: float
    p_value: float

    @property
    def events_in_risk(self) -> int:
        """Number of events in risk hours."""
        return sum(self.in_risk)

    @property
    def smallest_attainable_p(self) -> float:
        """The p-value had every event been in risk hours; 1.0 without events."""
        return math.prod(allowing(self.probabilities, self.gamma))

    @property
    def log_likelihood_ratio(self) -> float:
        """The maximised log-likelihood ratio of more events in risk hours, 0.0 where no excess is seen."""
        return tilted_llr(self.events_in_risk, allowing(self.probabilities, self.gamma))[0]

    def tipping_gamma(self, alpha: float) -> float | None:
        """Return the largest gamma at which the p-value is within alpha; None where it is not even at 1."""
        return tipping_gamma(
            lambda gamma: upper_tail(allowing(self.probabilities, gamma), self.events_in_risk) <= alpha
        )


def conditional(
    in_risk: Sequence[bool], probabilities: Sequence[float], *, gamma: float = 1.0
) -> Conditional:
    """Test the number of events in risk hours, each event with its own probability.

    Parameters
    ----------
    in_risk : sequence of bool (or 0 and 1), one an event
        Whether it lies in risk hours.
    probabilities : sequence of float, one an event
        Its probability of that when the drug does nothing, between 0 and 1. An event that could have fallen one
        way only says nothing: leave it out.
    gamma : float
        1 or more: by how much rhythm or confounding may multiply the odds of each.

    Returns
    -------
    Conditional

    Raises
    ------
    DesignError
        On lengths that differ, a probability of 0 or 1, or a gamma below 1.

    Examples
    --------
    >>> found = conditional([1, 1, 1, 0, 0], [1 / 7, 1 / 19, 1 / 19, 1 / 4, 1 / 10])
    >>> round(found.p_value, 10), round(found.tipping_gamma(0.05), 10)
    (0.0111396913, 1.9311902396)
    """
    flags, chances = checked_events(in_risk, probabilities)
    gamma = checked_gamma(gamma)
    return Conditional(flags, chances, gamma, upper_tail(allowing(chances, gamma), sum(flags)))


def checked_gamma(gamma: float) -> float:
    """Return gamma as a number of 1 or more; a DesignError otherwise."""
    return parameters.between("gamma", gamma, 1, math.exp(LARGEST_LOG_GAMMA), closed=True)


def checked_events(
    in_risk: Sequence[bool], probabilities: Sequence[float]
) -> tuple[tuple[bool, ...], tuple[float, ...]]:
    """Return the flags and the probabilities of events, one each; a DesignError where they do not fit."""
    flags = parameters.sequence("in_risk", in_risk)
    chances = checked_probabilities(probabilities)
    if len(flags) != len(chances):
        raise parameters.impossible("in_risk", f"{len(flags)} events", f"{len(chances)}, as probabilities")
    for flag in flags:
        if flag not in (0, 1):
            raise parameters.impossible("in_risk", flag, "True or False")
    return tuple(map(bool, flags)), chances


def checked_probabilities(probabilities: Sequence[float]) -> tuple[float, ...]:
    """Return probabilities strictly between 0 and 1 as a tuple; a DesignError otherwise."""
    given = parameters.sequence("probabilities", probabilities)
    if all(type(one) is float and 0 < one < 1 for one in given):  # nearly always, and in a tenth of the time
        return given
    return tuple(parameters.share("probabilities", one) for one in given)


def allowing(probabilities: Sequence[float], gamma: float) -> tuple[float, ...]:
    """Return the probabilities with their odds multiplied by gamma."""
    return tuple(gamma * one / (1 - one + gamma * one) for one in probabilities)


def upper_tail(probabilities: Sequence[float], events: int) -> float:
    """Return P(so many events in risk hours or more)."""
    if events <= 0:
        return 1.0
    distribution = np.ones(1)
    for one in probabilities:
        distribution = np.convolve(distribution, (1 - one, one))
    return float(distribution[events:].sum())


def tipping_gamma(crosses: Callable[[float], bool]) -> float | None:
    """Return the largest gamma, 1 or more, at which something crosses; None where it does not even at 1.

    ``crosses`` falls once, from True to False, as gamma grows.
    """
    if not crosses(1.0):
        return None
    low, high = 0.0, 1.0
    while high < LARGEST_LOG_GAMMA and crosses(math.exp(high)):
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if crosses(math.exp(middle)) else (low, middle)
    return math.exp(low)


def tilted_llr(events_in_risk: int, probabilities: Sequence[float]) -> tuple[float, float]:
    """Return the largest log-likelihood ratio over odds ratios theta >= 1, and the theta that has it.

    sup of S log theta - sum log(1 - p_i + theta p_i): 0 at theta 1 where no excess is seen, -sum log p_i at an
    infinite theta where every event lies in risk hours.
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    if events_in_risk <= chances.sum():
        return 0.0, 1.0
    if events_in_risk >= len(chances):
        return float(-np.log(chances).sum()), math.inf
    odds = np.log(chances) - np.log1p(-chances)

    def missing(log_theta: float) -> float:
        return float(expit(odds + log_theta).sum()) - events_in_risk

    high = 1.0
    while missing(high) < 0:
        high *= 2
    log_theta = brentq(missing, 0.0, high, xtol=1e-14, rtol=1e-15)
    ratio = events_in_risk * log_theta - np.log1p(chances * math.expm1(log_theta)).sum()
    return float(ratio), math.exp(log_theta)
