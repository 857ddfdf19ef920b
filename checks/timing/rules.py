"""Decide whether onsets cluster in the risk window by more than the protocol's timing rule allows.

A fixed-sample method (self-controlled, scan) spends an equal share of alpha at each planned look. A sequential
one is walked along the events in the order in which they were first seen: once crossed, crossed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from checks.errors import DesignError
from checks.evaluation import Evidence, RuleResult, RuleVerdict, not_evaluable
from checks.protocol.rules import TimingRule
from checks.timing.clustered import READINGS, ClusterReading, scan_clocks
from checks.timing.self_controlled import Comparison, self_controlled
from checks.timing.walks import Walk, walk_binomial, walk_e_process, walk_poisson

NO_HOURS = "no observed hours in the risk window or in control hours"


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
        return not_evaluable(rule.id, rule.kind, rule.method, NO_HOURS)
    share = rule.alpha / (rule.looks or 1)
    p_values = {reading: compare(evidence, reading).p_value for reading in READINGS}
    crossed = {reading: p <= share and _enough(rule, evidence, reading) for reading, p in p_values.items()}
    return _result(
        rule,
        crossed,
        events=timing.in_risk.main,
        n_evaluable=timing.in_risk.main + timing.in_control.main,
        boundary=share,
        statistic=_finite(compare(evidence).relative_incidence),
        p_value=p_values["main"],
        detail={
            "boundary_is": "p_value",
            "statistic_is": "relative_incidence",
            "p_best": p_values["best"],
            "p_worst": p_values["worst"],
            "events_best": timing.in_risk.best,
            "events_worst": timing.in_risk.worst,
            "planned_looks": rule.looks,
        },
    )


def evaluate_maxsprt_binomial(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the binomial MaxSPRT crossed along the path of risk and control events."""
    return _evaluate_path(rule, evidence, walk_binomial, "log_likelihood_ratio")


def evaluate_e_process(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the e-process crossed along the path of risk and control events."""
    return _evaluate_path(rule, evidence, walk_e_process, "e_value")


def _evaluate_path(
    rule: TimingRule, evidence: Evidence, walk: Callable[..., Walk], boundary_is: str
) -> RuleResult:
    """Walk the events of each reading; the ratio is that of all hours observed up to the data cut-off."""
    timing = evidence.timing
    if timing.hours_in_risk <= 0 or timing.hours_in_control <= 0:
        return not_evaluable(rule.id, rule.kind, rule.method, NO_HOURS)
    ratio = timing.hours_in_control / timing.hours_in_risk
    try:
        walks = {reading: walk(rule, getattr(timing.path, reading), ratio) for reading in READINGS}
    except DesignError as error:
        reason = f"{ratio:.3g} observed control hours for each risk hour allow no boundary ({error})"
        return not_evaluable(rule.id, rule.kind, rule.method, reason)
    detail = {"boundary_is": boundary_is, "ratio": ratio}
    return _walked(rule, walks, detail, n_evaluable=len(timing.path.main))


def evaluate_maxsprt_poisson(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the Poisson MaxSPRT crossed along the dose windows, in the order in which they closed.

    Each window adds the background per window to the expected count when it closes, and its event, if it
    holds one, is judged then: a window is never judged before its own background is counted.
    """
    assumed = evidence.background.assumed.get("window")
    if assumed is None:
        reason = "the study protocol declares no background, or none that can be turned into one per window"
        return not_evaluable(rule.id, rule.kind, rule.method, reason)
    try:
        walks = {
            reading: walk_poisson(rule, evidence.window_path, reading, assumed.rate) for reading in READINGS
        }
    except DesignError as error:
        return not_evaluable(rule.id, rule.kind, rule.method, str(error))
    detail = {
        "boundary_is": "log_likelihood_ratio",
        "expected_per_window": assumed.rate,
        "expected_max": rule.expected_max,
    }
    return _walked(rule, walks, detail | {"expected": walks["main"].length}, n_evaluable=None)


def _walked(
    rule: TimingRule, walks: Mapping[str, Walk], detail: Mapping[str, Any], *, n_evaluable: int | None
) -> RuleResult:
    main = walks["main"]
    p_values = (
        {} if main.p_value is None else {f"p_{name}": walks[name].p_value for name in ("best", "worst")}
    )
    return _result(
        rule,
        {reading: walked.crossed_at is not None for reading, walked in walks.items()},
        events=main.in_risk,
        n_evaluable=n_evaluable,
        boundary=main.boundary,
        statistic=_finite(main.statistic),
        p_value=main.p_value,
        detail={
            **detail,
            "statistic_is": "the largest on the path",
            **p_values,
            "events_best": walks["best"].in_risk,
            "events_worst": walks["worst"].in_risk,
            "crossed_at": main.crossed_at,
            "size": main.size,
        },
    )


def evaluate_scan(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether events cluster at some hour since dose, at the share of alpha of one planned look.

    The readings differ in their events, and the scan may find another window in each. The best case is the
    less striking of the best and the main reading, the worst case the more striking of the worst and the main.
    """
    timing = evidence.timing
    if not any(clock.observed for clock in timing.clocks):
        return not_evaluable(rule.id, rule.kind, rule.method, "no observed hours since a dose")
    found = {reading: scan_clocks(rule, timing.clocks, reading, timing.seed) for reading in READINGS}
    share, main = rule.alpha / (rule.looks or 1), found["main"]
    p_best = max(found["best"].p_value, main.p_value)
    p_worst = min(found["worst"].p_value, main.p_value)
    crossed = {reading: _clustered(rule, one, share) for reading, one in found.items()}
    return _result(
        rule,
        {
            "best": crossed["best"] and crossed["main"],
            "main": crossed["main"],
            "worst": crossed["worst"] or crossed["main"],
        },
        events=main.events_in_window,
        n_evaluable=main.events,
        boundary=share,
        statistic=main.statistic,
        p_value=main.p_value,
        detail=_scan_detail(rule, main) | {"p_best": p_best, "p_worst": p_worst},
    )


def _clustered(rule: TimingRule, found: ClusterReading, share: float) -> bool:
    return (
        found.p_value <= share
        and found.events_in_window >= rule.min_events
        and found.subjects_in_window >= rule.min_subjects
    )


def _scan_detail(rule: TimingRule, found: ClusterReading) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "boundary_is": "p_value",
        "statistic_is": "log_likelihood_ratio",
        "window_hours": None if found.window_hours is None else list(found.window_hours),
        "expected_in_window": found.expected_in_window,
        "subjects_in_window": found.subjects_in_window,
        "events_outside_observed": found.outside_observed,
        "permutations": found.permutations,
        "planned_looks": rule.looks,
    }
    if found.outside_observed:
        detail["left_out"] = (
            f"{found.outside_observed} of {found.events + found.outside_observed} events with a known hour lie "
            "outside the observed hours of their dose and take no part in the scan"
        )
    return detail


RULES: Mapping[str, Callable[[TimingRule, Evidence], RuleResult]] = {
    "self_controlled": evaluate_self_controlled,
    "scan": evaluate_scan,
    "maxsprt_binomial": evaluate_maxsprt_binomial,
    "maxsprt_poisson": evaluate_maxsprt_poisson,
    "e_process": evaluate_e_process,
}


def evaluate_timing(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return the answer of a timing rule by its method."""
    return RULES[rule.method](rule, evidence)


def _result(rule: TimingRule, crossed: Mapping[str, bool], **answer: Any) -> RuleResult:  # noqa: ANN401 - the fields of RuleResult
    verdicts = {
        reading: RuleVerdict.CROSSED if yes else RuleVerdict.NOT_CROSSED for reading, yes in crossed.items()
    }
    return RuleResult(
        rule.id, rule.kind, rule.method, verdicts["main"], verdicts["best"], verdicts["worst"], **answer
    )


def _enough(rule: TimingRule, evidence: Evidence, reading: str) -> bool:
    events, subjects = evidence.timing.in_risk, evidence.timing.subjects
    return bool(
        getattr(events, reading) >= rule.min_events and getattr(subjects, reading) >= rule.min_subjects
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or value in {float("inf"), float("-inf")} or value != value else value  # noqa: PLR0124
