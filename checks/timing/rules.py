"""Decide whether onsets cluster in the risk window by more than the protocol's timing rule allows."""

from collections.abc import Callable, Mapping

from checks.evaluation import Evidence, RuleResult, RuleVerdict, not_evaluable
from checks.protocol.rules import TimingRule
from checks.timing.self_controlled import Comparison, self_controlled


def compare(evidence: Evidence, reading: str = "main") -> Comparison:
    """Return the self-controlled comparison of risk with control hours, in one reading of the evidence."""
    timing = evidence.timing
    return self_controlled(
        getattr(timing.in_risk, reading),
        getattr(timing.in_control, reading),
        timing.hours_in_risk,
        timing.hours_in_control,
    )


def evaluate_self_controlled(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the exact self-controlled p-value is below the share of alpha of one planned look."""
    timing = evidence.timing
    if timing.hours_in_risk <= 0 or timing.hours_in_control <= 0:
        return not_evaluable(
            rule.id, rule.kind, rule.method, "no observed hours in the risk window or in control hours"
        )
    share = rule.alpha / (rule.looks or 1)
    p_values = {reading: compare(evidence, reading).p_value for reading in ("best", "main", "worst")}
    crossed = {
        reading: _verdict(p <= share and _enough(rule, evidence, reading)) for reading, p in p_values.items()
    }
    main = compare(evidence)
    return RuleResult(
        rule.id,
        rule.kind,
        rule.method,
        crossed["main"],
        crossed["best"],
        crossed["worst"],
        events=timing.in_risk.main,
        n_evaluable=timing.in_risk.main + timing.in_control.main,
        boundary=share,
        statistic=_finite(main.relative_incidence),
        p_value=p_values["main"],
        detail={"p_best": p_values["best"], "p_worst": p_values["worst"], "planned_looks": rule.looks},
    )


RULES: Mapping[str, Callable[[TimingRule, Evidence], RuleResult]] = {
    "self_controlled": evaluate_self_controlled
}


def evaluate_timing(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return the answer of a timing rule by its method."""
    if rule.method not in RULES:
        return not_evaluable(
            rule.id, rule.kind, rule.method, f"method {rule.method} is not available in a look yet"
        )
    return RULES[rule.method](rule, evidence)


def _enough(rule: TimingRule, evidence: Evidence, reading: str) -> bool:
    events, subjects = evidence.timing.in_risk, evidence.timing.subjects
    return bool(
        getattr(events, reading) >= rule.min_events and getattr(subjects, reading) >= rule.min_subjects
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or value in {float("inf"), float("-inf")} or value != value else value  # noqa: PLR0124


def _verdict(crossed: bool) -> RuleVerdict:
    return RuleVerdict.CROSSED if crossed else RuleVerdict.NOT_CROSSED
