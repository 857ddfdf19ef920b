"""Rules that count: how a number is held against a limit, and what a boundary does under stated true rates.

Design: exact, by the one recursion.
Assumes independent units with one rate, all of them complete; what open dose windows change is simulated.
"""

import numpy as np

from checks.rules.designs import CountedDesign, PendingSize
from checks.rules.evidence import AssumedRate
from checks.rules.plan import doubtful_rates
from checks.rules.rule import BoundaryIs, Rule, RuleResult, verdicts
from checks.rules.trials import BoolArray, FloatArray, IntArray
from checks.scenario import ByScenario
from checks.statistics import parameters
from checks.statistics.boundaries import Boundary, CountBoundary, operating_characteristics

FIRST_RATE = 0.01
"""Where the rates begin when the protocol names no rate without harm."""

ROUND_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""True rates at which power is read off: round numbers, so that two designs can be compared."""

RATES_ABOVE = 6
"""How many of them above the null rate are shown: from the null rate to rates that no DSMB would accept."""

CURVE_POINTS = 61
"""Points of a power curve: a step of a few pixels in a figure of a third of a page."""


def reaches(number: int | IntArray, least: int) -> BoolArray:
    """Return whether so many cross a limit that is a number: the one step of a look and of a simulated trial."""
    return np.asarray(np.asarray(number) >= least)


def against_number(rule: Rule, counted: ByScenario[int], n_evaluable: int, least: int) -> RuleResult:
    """Return the answer of a rule whose limit is a number of subjects."""
    if not n_evaluable and not counted.worst:
        return rule.not_evaluable("no subject could be evaluated")
    return rule.answer(
        verdicts(counted.map(lambda number: bool(reaches(number, least)))),
        events=counted.main,
        n_evaluable=n_evaluable,
        boundary=least,
        detail={
            "boundary_is": BoundaryIs.EVENTS,
            "events_best": counted.best,
            "events_worst": counted.worst,
        },
    )


def rates_from(null_rate: float) -> tuple[float, ...]:
    """Return the null rate and the round rates above it, ascending; a DesignError unless it lies within 0 and 1."""
    parameters.share("null_rate", null_rate)
    return (null_rate, *[rate for rate in ROUND_RATES if rate > null_rate][:RATES_ABOVE])


def curve_rates(highest: float) -> FloatArray:
    """Return evenly spaced rates from 0 to the highest, for a curve."""
    return np.linspace(0.0, highest, CURVE_POINTS)


def design_counted(
    rule: Rule,
    boundary: CountBoundary,
    *,
    null_rate: float | None,
    background: AssumedRate | None,
    unit: str,
    pending: tuple[PendingSize, ...] = (),
    notes: tuple[str, ...] = (),
) -> CountedDesign:
    """Return what a rule's boundary in events does; rates are per ``unit``, ``subject`` or ``window``."""
    doubtful = doubtful_rates(background)
    rates = tuple(sorted({*rates_from(FIRST_RATE if null_rate is None else null_rate), *doubtful}))
    exact = operating_characteristics(boundary, rates)
    null = None if null_rate is None else rates.index(null_rate)
    curve = curve_rates(rates[-1])
    crossing = operating_characteristics(boundary, curve).reject_probability
    calibrated = boundary if isinstance(boundary, Boundary) else None
    return CountedDesign(
        id=rule.id,
        kind=rule.kind,
        method=calibrated.method if calibrated else None,
        unit=unit,
        n_max=boundary.n_max,
        looks=boundary.looks,
        events=boundary.events,
        null_rate=null_rate,
        alpha=calibrated.alpha if calibrated else None,
        critical_value=calibrated.critical_value if calibrated else None,
        size=None if null is None else float(exact.reject_probability[null]),
        size_by_look=None if null is None else tuple(exact.reject_by_look[null].tolist()),
        rates=rates,
        reject_probability=tuple(exact.reject_probability.tolist()),
        expected_n=tuple(exact.expected_n.tolist()),
        expected_events=tuple(exact.expected_events.tolist()),
        background=tuple((rate, float(exact.reject_probability[rates.index(rate)])) for rate in doubtful),
        curve=tuple(zip(curve.tolist(), crossing.tolist(), strict=True)),
        pending=pending,
        notes=notes,
    )
