"""The self-controlled comparison: whether events crowd into the risk hours of the very subjects who had them.

Estimator: the self-controlled risk interval. Given x1 events in t1 risk hours and x0 in t0 control hours,
x1 ~ Binomial(x1 + x0, r t1 / (r t1 + t0)) with r the relative incidence; exact tail probabilities, and
Clopper-Pearson limits of the binomial share turned into limits of r. With strata (doses, subjects, time since
admission) whose observed hours differ, x1 is a Poisson-binomial count with one r for all, and the limits
invert its tails in the same way. Fixed differences between subjects cancel.
Assumptions: an event changes neither later observation nor redosing; the rate without the drug is constant
within a stratum; the windows were named before the events. Looked at repeatedly it needs planned looks.
Reference: Clopper CJ, Pearson ES. Biometrika 1934;26:404-413; Farrington CP. Biometrics 1995;51:228-235.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainccinv, betaincinv

from checks.statistics import parameters
from checks.statistics.binomial import success_distribution

Alternative = Literal["greater", "two-sided", "less"]
ALTERNATIVES: tuple[Alternative, ...] = ("greater", "two-sided", "less")
LEVEL = 0.95
"""Coverage of ``ci95``, which the interface fixes by its name."""
TIE = 1 + 1e-7
"""Outcomes this close in probability are equally likely: the convention of R's binom.test."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Events and observed hours, in risk and in control, that share one rate without the drug."""

    events_in_risk: int
    events_in_control: int
    hours_in_risk: float
    hours_in_control: float

    @property
    def events(self) -> int:
        """Number of events in risk and control hours together."""
        return self.events_in_risk + self.events_in_control

    @property
    def informative(self) -> bool:
        """Whether an event of this stratum could have fallen in either kind of hours."""
        return self.events > 0 and self.hours_in_risk > 0 and self.hours_in_control > 0

    @property
    def odds(self) -> float:
        """Odds that an event falls in risk hours when the drug does nothing."""
        return self.hours_in_risk / self.hours_in_control


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the risk hours say against the control hours of the same subjects.

    Attributes
    ----------
    relative_incidence : float or None
        Maximum likelihood estimate: 0.0 without a risk event, ``math.inf`` without a control event, None
        (undefined) without an informative event, that is when there is none at all or one side has no hours.
    ci95 : tuple of float
        Limits of the relative incidence; ``(0.0, math.inf)`` where nothing can be said. With a one-sided
        alternative only the side in question is limited, at 95 %.
    p_value : float
        1.0 without an informative event.
    """

    strata: tuple[Stratum, ...]
    alternative: Alternative
    relative_incidence: float | None
    ci95: tuple[float, float]
    p_value: float

    @property
    def events_in_risk(self) -> int:
        """Events in risk hours, over all strata."""
        return sum(stratum.events_in_risk for stratum in self.strata)

    @property
    def events_in_control(self) -> int:
        """Events in control hours, over all strata."""
        return sum(stratum.events_in_control for stratum in self.strata)


def self_controlled(
    events_in_risk: int,
    events_in_control: int,
    hours_in_risk: float,
    hours_in_control: float,
    alternative: Alternative = "greater",
) -> Comparison:
    """Compare the rate in risk hours with the rate in control hours, exactly.

    Parameters
    ----------
    events_in_risk, events_in_control : int
        Events in each kind of hours.
    hours_in_risk, hours_in_control : float
        Observed subject-hours of each kind. Zero hours are allowed where there are no events: nothing can
        then be said (p-value 1, limits 0 and infinity, relative incidence None).
    alternative : {"greater", "two-sided", "less"}
        The two-sided p-value adds every outcome no likelier than the one seen.

    Returns
    -------
    Comparison

    Raises
    ------
    DesignError
        On a negative or fractional count, negative hours, or events in zero hours.

    Examples
    --------
    >>> found = self_controlled(3, 1, 3.0, 45.0)
    >>> found.relative_incidence, round(found.p_value, 7)
    (45.0, 0.0009308)
    """
    stratum = _stratum(events_in_risk, events_in_control, hours_in_risk, hours_in_control)
    return _compare((stratum,), alternative)


def self_controlled_strata(
    events_in_risk: Sequence[int],
    events_in_control: Sequence[int],
    hours_in_risk: Sequence[float],
    hours_in_control: Sequence[float],
    alternative: Alternative = "greater",
) -> Comparison:
    """Compare risk with control hours within strata whose observed hours differ, exactly (Poisson-binomial).

    Parameters
    ----------
    events_in_risk, events_in_control, hours_in_risk, hours_in_control : sequences of one length
        One value a stratum (a dose, a subject, a span of time since admission); see ``self_controlled``.
        A stratum without hours of one kind says nothing about the relative incidence and takes no part.
    alternative
        As for ``self_controlled``.

    Returns
    -------
    Comparison

    Raises
    ------
    DesignError
        As for ``self_controlled``, and when the lengths differ.
    """
    given = {
        "events_in_risk": events_in_risk,
        "events_in_control": events_in_control,
        "hours_in_risk": hours_in_risk,
        "hours_in_control": hours_in_control,
    }
    columns = [parameters.sequence(name, column) for name, column in given.items()]
    if len({len(column) for column in columns}) != 1:
        raise parameters.impossible(
            "strata", [len(column) for column in columns], "four sequences of one length"
        )
    strata = tuple(_stratum(*row) for row in zip(*columns, strict=True))
    return _compare(strata, alternative)


def _stratum(in_risk: int, in_control: int, hours_in_risk: float, hours_in_control: float) -> Stratum:
    stratum = Stratum(
        parameters.count("events_in_risk", in_risk),
        parameters.count("events_in_control", in_control),
        parameters.not_negative("hours_in_risk", hours_in_risk),
        parameters.not_negative("hours_in_control", hours_in_control),
    )
    if stratum.events_in_risk and not stratum.hours_in_risk:
        raise parameters.impossible(
            "hours_in_risk", hours_in_risk, "more than 0 hours where there are events"
        )
    if stratum.events_in_control and not stratum.hours_in_control:
        raise parameters.impossible(
            "hours_in_control", hours_in_control, "more than 0 hours where there are events"
        )
    if stratum.hours_in_risk and stratum.hours_in_control:
        parameters.time_ratio(
            "hours_in_control over hours_in_risk", stratum.hours_in_control / stratum.hours_in_risk
        )
    return stratum


def _compare(strata: tuple[Stratum, ...], alternative: Alternative) -> Comparison:
    parameters.choice("alternative", alternative, ALTERNATIVES)
    informative = tuple(stratum for stratum in strata if stratum.informative)
    return Comparison(
        strata=strata,
        alternative=alternative,
        relative_incidence=_estimate(informative),
        ci95=_limits(informative, alternative),
        p_value=_p_value(informative, alternative),
    )


def _chances(strata: Sequence[Stratum], ratio: float) -> list[float]:
    return [ratio * stratum.odds / (1 + ratio * stratum.odds) for stratum in strata]


def _distribution(strata: Sequence[Stratum], ratio: float) -> NDArray[np.float64]:
    return success_distribution([stratum.events for stratum in strata], _chances(strata, ratio))


def _seen(strata: Sequence[Stratum]) -> int:
    return sum(stratum.events_in_risk for stratum in strata)


def _p_value(strata: Sequence[Stratum], alternative: Alternative) -> float:
    if not strata:
        return 1.0
    distribution, seen = _distribution(strata, 1.0), _seen(strata)
    as_far = {
        "greater": slice(seen, None),
        "less": slice(seen + 1),
        "two-sided": distribution <= distribution[seen] * TIE,
    }
    return min(1.0, float(distribution[as_far[alternative]].sum()))


def _estimate(strata: Sequence[Stratum]) -> float | None:
    seen, events = _seen(strata), sum(stratum.events for stratum in strata)
    if not events:
        return None
    if seen in (0, events):
        return 0.0 if seen == 0 else math.inf
    if len(strata) == 1:
        return seen / (events - seen) / strata[0].odds
    return _solve(lambda ratio: _expected_in_risk(strata, ratio) - seen)


def _expected_in_risk(strata: Sequence[Stratum], ratio: float) -> float:
    chances = _chances(strata, ratio)
    return sum(stratum.events * chance for stratum, chance in zip(strata, chances, strict=True))


def _limits(strata: Sequence[Stratum], alternative: Alternative) -> tuple[float, float]:
    seen, events = _seen(strata), sum(stratum.events for stratum in strata)
    tail = (1 - LEVEL) / 2 if alternative == "two-sided" else 1 - LEVEL
    lower, upper = 0.0, math.inf
    if alternative != "less" and seen > 0:
        lower = (
            _ratio(strata[0], float(betaincinv(seen, events - seen + 1, tail)))
            if len(strata) == 1
            else _solve(lambda ratio: float(_distribution(strata, ratio)[seen:].sum()) - tail)
        )
    if alternative != "greater" and seen < events:
        upper = (
            _ratio(strata[0], float(betainccinv(seen + 1, events - seen, tail)))
            if len(strata) == 1
            else _solve(lambda ratio: tail - float(_distribution(strata, ratio)[: seen + 1].sum()))
        )
    return lower, upper


def _ratio(stratum: Stratum, chance: float) -> float:
    """Return the relative incidence at which an event of the stratum falls into risk hours with that chance."""
    return chance / (1 - chance) / stratum.odds


def _solve(rising: Callable[[float], float]) -> float:
    """Return the ratio at which a function that rises with the ratio is zero."""
    low, high = -1.0, 1.0
    while rising(math.exp(low)) > 0:
        low *= 2
    while rising(math.exp(high)) < 0:
        high *= 2
    return math.exp(brentq(lambda log_ratio: rising(math.exp(log_ratio)), low, high, xtol=1e-14, rtol=1e-15))
