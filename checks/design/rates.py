"""Decide at which true rates a rule is judged, and turn rates per dose window into rates per subject.

Assumption of the conversion: the dose windows of a subject are independent and equally likely to hold a case,
so that a subject with k planned doses is a case with probability 1 - (1 - rate per window)^k.
"""

from dataclasses import dataclass

import numpy as np

from checks.protocol import StudyProtocol
from checks.protocol.rules import RateRule
from checks.recursion import FloatArray

ROUND_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""True rates at which power is read off: round numbers, so that two designs can be compared."""

RATES_ABOVE = 6
"""How many of them above the null rate are shown: from the null rate to rates that no DSMB would accept."""

CURVE_POINTS = 61
"""Points of a power curve: a step of a few pixels in a figure of a third of a page."""


@dataclass(frozen=True, slots=True)
class Background:
    """The rate of cases without the drug, per unit, and the range over which it is doubtful."""

    rate: float
    low: float | None
    high: float | None

    @property
    def rates(self) -> tuple[float, ...]:
        """The low end, the rate and the high end, without what was not declared."""
        return tuple(dict.fromkeys(rate for rate in (self.low, self.rate, self.high) if rate is not None))


def per_window(subject_rate: float, doses: int) -> float:
    """Return the rate per dose window that gives a rate per subject over ``doses`` windows."""
    return float(-np.expm1(np.log1p(-subject_rate) / doses))


def per_subject(window_rate: float, doses: int) -> float:
    """Return the rate per subject over ``doses`` windows that a rate per dose window gives."""
    return float(-np.expm1(doses * np.log1p(-window_rate)))


def declared_background(protocol: StudyProtocol, unit: str) -> Background | None:
    """Return the protocol's background per ``unit``; None without one, or when it cannot be converted."""
    declared, doses = protocol.background, protocol.treatment.planned_doses
    if declared is None or (declared.unit != unit and doses is None):
        return None

    def converted(rate: float) -> float:
        if declared.unit == unit:
            return rate
        return (per_subject if unit == "subject" else per_window)(rate, doses or 1)

    low, high = declared.range or (None, None)
    return Background(
        converted(declared.rate),
        None if low is None else converted(low),
        None if high is None else converted(high),
    )


def null_subject_rate(protocol: StudyProtocol) -> float | None:
    """Return the rate per subject taken for harmless: the background, else a rate rule's null rate."""
    background = declared_background(protocol, "subject")
    if background is not None:
        return background.rate
    nulls = (rule.null_rate for rule in subject_rate_rules(protocol))
    return next(nulls, None)


def subject_rate_rules(protocol: StudyProtocol) -> tuple[RateRule, ...]:
    """Return the rate rules that count subjects."""
    return tuple(rule for rule in protocol.rules if isinstance(rule, RateRule) and rule.unit == "subject")


def rates_from(null_rate: float) -> tuple[float, ...]:
    """Return the null rate and the round rates above it, ascending."""
    return (null_rate, *[rate for rate in ROUND_RATES if rate > null_rate][:RATES_ABOVE])


def curve_rates(highest: float) -> FloatArray:
    """Return evenly spaced rates from 0 to the highest, for a curve."""
    return np.linspace(0.0, highest, CURVE_POINTS)
