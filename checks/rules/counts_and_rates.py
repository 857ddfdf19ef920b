"""Decide whether a stopping rule on counts, on a rate or on a lab limit is crossed, in each of its cases."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from checks.evaluation import Evidence, RuleResult, RuleVerdict, Tally, not_evaluable
from checks.protocol.rules import RATE_OPTIONS, CountRule, LabLimitRule, RateRule
from checks.rules.backgrounds import contradiction, over_backgrounds, tail
from checks.rules.rate_looks import Walk, walk
from checks.statistics.boundaries import METHODS, Boundary

READINGS = ("best", "main", "worst")
"""From the reading that speaks most for the study drug to the one that speaks most against it."""

KEPT = 64
"""Boundaries kept: a replay asks for those of the same rules at every data cut-off."""


def evaluate_count(rule: CountRule, evidence: Evidence) -> RuleResult:
    """Return whether enough distinct subjects are cases; crossed on known cases, however few were observed."""
    return _against_number(rule, evidence.subjects_with_case, evidence.subjects_evaluable, rule.cases)


def evaluate_lab_limit(rule: LabLimitRule, evidence: Evidence) -> RuleResult:
    """Return whether enough subjects were above the multiple of the upper limit of normal."""
    lab = evidence.labs[rule.id]
    if not lab.measured and not lab.subjects.worst:
        return not_evaluable(rule.id, rule.kind, None, f"no {rule.test} result after a first dose")
    return _against_number(rule, lab.subjects, lab.measured, rule.subjects)


def evaluate_rate(rule: RateRule, evidence: Evidence) -> RuleResult:
    """Return whether the rate boundary was crossed at any look taken so far along the path of its units.

    How a look is taken, and why it stays: ``checks.rules.rate_looks``. A reading that has not reached the first
    look says nothing yet. What crosses in one reading crosses in those that speak more against the drug: an
    additional case of a pending subject can bring a look forward, before a case that another reading counts.
    """
    boundary = rate_boundary(rule)
    path = evidence.subject_path if rule.unit == "subject" else evidence.window_path
    walks = {reading: walk(path, reading, boundary) for reading in READINGS}
    verdicts = _verdicts(walks)
    main = walks["main"]
    return RuleResult(
        rule.id,
        rule.kind,
        rule.method,
        verdicts["main"],
        verdicts["best"],
        verdicts["worst"],
        events=main.events,
        n_evaluable=round(main.n, 2),
        boundary=boundary.events[len(main.looks) - 1] if main.looks else None,
        p_value=_p_value(rule, evidence, main) if main.looks else None,
        detail=_rate_detail(rule, evidence, walks, boundary),
    )


def _verdicts(walks: Mapping[str, Walk]) -> Mapping[str, RuleVerdict]:
    crossed, verdicts = False, {}
    for reading, one in walks.items():
        crossed = crossed or one.crossed
        unknown = not one.looks and not crossed
        verdicts[reading] = RuleVerdict.NOT_EVALUABLE if unknown else _verdict(crossed)
    return verdicts


def _p_value(rule: RateRule, evidence: Evidence, main: Walk) -> float:
    """Return the tail at the assumed background, at the null rate where the protocol assumes none."""
    assumed = evidence.background.assumed.get(rule.unit)
    return tail(main.events, main.n, rule.null_rate if assumed is None else assumed.rate)


def _rate_detail(
    rule: RateRule, evidence: Evidence, walks: Mapping[str, Walk], boundary: Boundary
) -> Mapping[str, Any]:
    main, background = walks["main"], evidence.background
    if not main.looks:
        reason = f"{main.n:.2f} {rule.unit}s complete; first look at {boundary.looks[0]}"
        return {"boundary_is": "events", "reason": reason, "events_known": main.known}
    detail: dict[str, Any] = {
        "boundary_is": "events",
        "p_value_is": "exact binomial tail at this n, not adjusted for the looks before",
        "unit": rule.unit,
        "null_rate": rule.null_rate,
        "size": boundary.size,
        "events_best": walks["best"].events,
        "events_worst": walks["worst"].events,
        "events_known": main.known,
        "next_look": next(iter(boundary.looks[len(main.looks) :]), None),
        "path": _path(main, boundary),
        "backgrounds": over_backgrounds(rule, main.events, main.n, background),
    }
    contradicted = contradiction(rule, background)
    return detail if contradicted is None else {**detail, "background_contradicts": contradicted}


@lru_cache(KEPT)
def rate_boundary(rule: RateRule) -> Boundary:
    """Return the boundary that a rate rule of the protocol declares; it depends on the rule alone."""
    options = {name: getattr(rule, name) for name in RATE_OPTIONS[rule.method]}
    return METHODS[rule.method](
        n_max=rule.n_max, null_rate=rule.null_rate, alpha=rule.alpha, looks=rule.looks, **options
    )


def _path(main: Walk, boundary: Boundary) -> Mapping[str, Any]:
    return {
        "n": list(main.looks),
        "events": list(main.events_at_looks),
        "boundary": list(boundary.events[: len(main.looks)]),
    }


def _against_number(
    rule: CountRule | LabLimitRule, tally: Tally, n_evaluable: int, number: int
) -> RuleResult:
    if not n_evaluable and not tally.worst:
        return not_evaluable(rule.id, rule.kind, None, "no subject could be evaluated")
    crossed = {reading: _verdict(getattr(tally, reading) >= number) for reading in READINGS}
    return RuleResult(
        rule.id,
        rule.kind,
        None,
        crossed["main"],
        crossed["best"],
        crossed["worst"],
        events=tally.main,
        n_evaluable=n_evaluable,
        boundary=number,
        detail={"boundary_is": "events", "events_best": tally.best, "events_worst": tally.worst},
    )


def _verdict(crossed: bool) -> RuleVerdict:
    return RuleVerdict.CROSSED if crossed else RuleVerdict.NOT_CROSSED
