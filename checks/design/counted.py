"""Decide what a count rule and a rate rule do under stated true rates: exactly, by the one recursion.

Assumes independent units with one rate, all of them complete; what open dose windows change is simulated.
"""

from checks.design.pending import pending_sizes
from checks.design.rates import (
    curve_rates,
    doubtful_rates,
    null_subject_rate,
    rates_from,
    subject_rate_rules,
)
from checks.design.results import CountedDesign, PendingSize, UnratedDesign
from checks.errors import DesignError
from checks.protocol import StudyProtocol
from checks.protocol.background import background_per
from checks.protocol.model import Background
from checks.protocol.rules import CountRule, RateRule
from checks.rules.counts_and_rates import rate_boundary
from checks.statistics import parameters
from checks.statistics.boundaries import Boundary, CountBoundary, operating_characteristics

FIRST_RATE = 0.01
"""Where the rates begin when the protocol names no rate without harm."""


def planned_subjects(protocol: StudyProtocol, given: int | None = None) -> int | None:
    """Return the planned subjects: those given, else the most that a rate rule of the protocol plans for.

    Raises
    ------
    DesignError
        When fewer than one is given.
    """
    if given is not None:
        return parameters.count("subjects", given, at_least=1)
    return max((rule.n_max for rule in subject_rate_rules(protocol)), default=None)


def design_rate(rule: RateRule, protocol: StudyProtocol, *, seed: int, simulations: int) -> CountedDesign:
    """Return the design of a rate rule.

    Raises
    ------
    DesignError
        When no boundary keeps to the rule's alpha; names the rule.
    """
    boundary = rule_boundary(rule)
    doses = protocol.treatment.planned_doses or 1
    pends = rule.unit == "subject" and doses > 1
    pending = (
        pending_sizes(boundary, rule.null_rate, doses=doses, seed=seed, simulations=simulations)
        if pends
        else ()
    )
    background = background_per(rule.unit, protocol)
    return _counted(rule, boundary, rule.null_rate, background, unit=rule.unit, pending=pending)


def rule_boundary(rule: RateRule) -> Boundary:
    """Return the boundary that a rate rule declares; a DesignError names the rule that has none."""
    try:
        return rate_boundary(rule)
    except DesignError as error:
        raise DesignError(f"rule {rule.id}: {error}") from error


def design_count(
    rule: CountRule, protocol: StudyProtocol, subjects: int | None
) -> CountedDesign | UnratedDesign:
    """Return the design of a count rule: so many cases, whenever they come, among the planned subjects."""
    if subjects is None:
        note = "Not computed: no rate rule plans a number of subjects, and none was given."
        return UnratedDesign(id=rule.id, kind=rule.kind, notes=(note,))
    if rule.cases > subjects:
        note = f"Can never cross: {rule.cases} cases are asked of {subjects} planned subjects."
        return UnratedDesign(id=rule.id, kind=rule.kind, notes=(note,))
    looks = tuple(range(rule.cases, subjects + 1))
    boundary = CountBoundary(n_max=subjects, looks=looks, events=(rule.cases,) * len(looks))
    null, background = null_subject_rate(protocol), background_per("subject", protocol)
    return _counted(rule, boundary, null, background, unit="subject")


def _counted(
    rule: CountRule | RateRule,
    boundary: CountBoundary,
    null_rate: float | None,
    background: Background | None,
    *,
    unit: str,
    pending: tuple[PendingSize, ...] = (),
) -> CountedDesign:
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
        notes=_notes(rule, unit),
    )


COUNT_NOTE = "A count has no alpha of its own: the background and the planned number decide what it spends."
WINDOW_NOTE = "Windows of one subject are taken as independent; where cases recur, the error is larger."


def _notes(rule: CountRule | RateRule, unit: str) -> tuple[str, ...]:
    if isinstance(rule, CountRule):
        return (COUNT_NOTE,)
    return (WINDOW_NOTE,) if unit == "window" else ()
