"""Decide at which true rates a rule is judged, and which rate is taken for harmless."""

import numpy as np

from checks.protocol import StudyProtocol
from checks.protocol.background import background_per
from checks.protocol.model import Background
from checks.protocol.rules import RateRule
from checks.statistics import parameters
from checks.statistics.recursion import FloatArray

ROUND_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""True rates at which power is read off: round numbers, so that two designs can be compared."""

RATES_ABOVE = 6
"""How many of them above the null rate are shown: from the null rate to rates that no DSMB would accept."""

CURVE_POINTS = 61
"""Points of a power curve: a step of a few pixels in a figure of a third of a page."""


def doubtful_rates(background: Background | None) -> tuple[float, ...]:
    """Return the low end, the rate and the high end of a background, without what was not declared."""
    if background is None:
        return ()
    low, high = background.range or (background.rate, background.rate)
    return tuple(dict.fromkeys((low, background.rate, high)))


def null_subject_rate(protocol: StudyProtocol) -> float | None:
    """Return the rate per subject taken for harmless: the background, else a rate rule's null rate."""
    background = background_per("subject", protocol)
    if background is not None:
        return background.rate
    nulls = (rule.null_rate for rule in subject_rate_rules(protocol))
    return next(nulls, None)


def subject_rate_rules(protocol: StudyProtocol) -> tuple[RateRule, ...]:
    """Return the rate rules that count subjects."""
    return tuple(rule for rule in protocol.rules if isinstance(rule, RateRule) and rule.unit == "subject")


def rates_from(null_rate: float) -> tuple[float, ...]:
    """Return the null rate and the round rates above it, ascending; a DesignError unless it lies within 0 and 1."""
    parameters.share("null_rate", null_rate)
    return (null_rate, *[rate for rate in ROUND_RATES if rate > null_rate][:RATES_ABOVE])


def curve_rates(highest: float) -> FloatArray:
    """Return evenly spaced rates from 0 to the highest, for a curve."""
    return np.linspace(0.0, highest, CURVE_POINTS)
