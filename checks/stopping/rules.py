"""Decide whether a stopping rule on counts, on a rate or on a lab limit is crossed, in each of its cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from checks.evaluation import Evidence, PathStep, RuleResult, RuleVerdict, Tally, not_evaluable
from checks.protocol.rules import RATE_OPTIONS, CountRule, LabLimitRule, RateRule
from checks.stopping import METHODS, Boundary
from checks.stopping.backgrounds import contradiction, over_backgrounds, tail

READINGS = ("best", "main", "worst")
KEPT = 64
"""Boundaries kept: a replay asks for those of the same rules at every data cut-off."""

ROUNDING = 1e-9  # sixths of a subject do not add up to whole ones in binary


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk along the path: units complete and events at each look reached, and whether it crossed."""

    n: float
    events: int
    looks: tuple[int, ...]
    events_at_looks: tuple[int, ...]
    crossed: bool


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
    """Return whether the rate boundary was crossed along the path of subjects or windows.

    The boundary is met at each of its looks by the events among the units complete by then. A unit that is
    still open counts by its weight, so the number of units is approximate until all are complete.
    """
    boundary = rate_boundary(rule)
    path = evidence.subject_path if rule.unit == "subject" else evidence.window_path
    walks = {reading: walk(path, reading, boundary) for reading in READINGS}
    main = walks["main"]
    if not walks["worst"].looks:
        first = boundary.looks[0]
        return not_evaluable(
            rule.id, rule.kind, rule.method, f"{main.n:.2f} {rule.unit}s complete; first look at {first}"
        )
    return RuleResult(
        rule.id,
        rule.kind,
        rule.method,
        _verdict(main.crossed),
        _verdict(walks["best"].crossed),
        _verdict(walks["worst"].crossed),
        events=main.events,
        n_evaluable=round(main.n, 2),
        boundary=_boundary_at(boundary, main.n),
        p_value=_p_value(rule, evidence, main),
        detail=_rate_detail(rule, evidence, walks, boundary),
    )


def _p_value(rule: RateRule, evidence: Evidence, main: Walk) -> float:
    """Return the tail at the assumed background, at the null rate where the protocol assumes none."""
    assumed = evidence.background.assumed.get(rule.unit)
    return tail(main.events, main.n, rule.null_rate if assumed is None else assumed.rate)


def _rate_detail(
    rule: RateRule, evidence: Evidence, walks: Mapping[str, Walk], boundary: Boundary
) -> Mapping[str, Any]:
    main, background = walks["main"], evidence.background
    detail: dict[str, Any] = {
        "boundary_is": "events",
        "p_value_is": "exact binomial tail at this n, not adjusted for the looks before",
        "unit": rule.unit,
        "null_rate": rule.null_rate,
        "size": boundary.size,
        "events_best": walks["best"].events,
        "events_worst": walks["worst"].events,
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


def walk(path: Sequence[PathStep], reading: str, boundary: Boundary) -> Walk:
    """Walk along the path up to the boundary's last look; once crossed, it stays crossed."""
    n, events, crossed = 0.0, 0, False
    looks: list[int] = []
    at_looks: list[int] = []
    fewest = dict(zip(boundary.looks, boundary.events, strict=True))
    for step in path:
        event = bool(getattr(step, reading))
        if n + ROUNDING >= boundary.looks[-1]:
            break
        n, events = n + (1.0 if event else step.weight), events + event
        reached = [look for look in boundary.looks[len(looks) :] if look <= n + ROUNDING]
        for look in reached:
            looks.append(look)
            at_looks.append(events)
            limit = fewest[look]
            crossed = crossed or (limit is not None and events >= limit)
    return Walk(n, events, tuple(looks), tuple(at_looks), crossed)


def _boundary_at(boundary: Boundary, n: float) -> int | None:
    reached = [
        events for look, events in zip(boundary.looks, boundary.events, strict=True) if look <= n + ROUNDING
    ]
    return reached[-1] if reached else None


def _path(main: Walk, boundary: Boundary) -> Mapping[str, Any]:
    fewest = dict(zip(boundary.looks, boundary.events, strict=True))
    return {
        "n": list(main.looks),
        "events": list(main.events_at_looks),
        "boundary": [fewest[look] for look in main.looks],
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
