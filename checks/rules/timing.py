"""Decide whether onsets cluster in the risk window by more than the protocol's timing rule allows.

A sequential method is judged at each event, in the order in which the events became known; a fixed-sample one
(self-controlled, scan) at its planned looks, each with an equal share of alpha. Which events call a look is
said in ``checks.rules.timing_looks`` and ``checks.rules.scan_looks``: information is counted in events, so that the
study's own pace sets the looks and not the clock that starts them. The verdict is that of the looks taken so
far, once crossed, crossed; the p-value beside it is that of all events at the data cut-off, and describes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from checks.errors import DesignError
from checks.evaluation import Evidence, RuleResult, RuleVerdict, not_evaluable
from checks.protocol.rules import TimingRule
from checks.rules.scan_looks import READINGS, ClusterReading, PlannedScans, planned_scans, scan_clocks
from checks.rules.timing_looks import Walk, walk_binomial, walk_e_process, walk_planned, walk_poisson
from checks.statistics.timing.self_controlled import Comparison, self_controlled

NO_HOURS = "no observed hours in the risk window or in control hours"


DESCRIPTIVE = (
    "of all events at the data cut-off, not adjusted: the verdict is that of the planned looks taken"
)


def compare(evidence: Evidence, reading: str = "main") -> Comparison:
    """Return the self-controlled comparison of risk with control hours, in one reading of the evidence.

    The p-value is one-sided, against an excess in risk hours; ``ci95`` has the two-sided Clopper-Pearson limits
    (2.5 % on either side), since an estimate is shown with both its ends. The upper one is infinite without an
    event in control hours.
    """
    timing = evidence.timing
    data = (
        getattr(timing.in_risk, reading),
        getattr(timing.in_control, reading),
        timing.hours_in_risk,
        timing.hours_in_control,
    )
    return replace(self_controlled(*data), ci95=self_controlled(*data, "two-sided").ci95)


def evaluate_self_controlled(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the exact self-controlled test crossed at one of the planned looks taken so far."""
    timing = evidence.timing
    if timing.hours_in_risk <= 0 or timing.hours_in_control <= 0:
        return not_evaluable(rule.id, rule.kind, rule.method, NO_HOURS)
    ratio = timing.hours_in_control / timing.hours_in_risk
    walks = {reading: walk_planned(rule, getattr(timing.path, reading), ratio) for reading in READINGS}
    p_values = {reading: compare(evidence, reading).p_value for reading in READINGS}
    main = walks["main"]
    return _result(
        rule,
        {reading: one.crossed_at is not None for reading, one in walks.items()},
        events=timing.in_risk.main,
        n_evaluable=timing.in_risk.main + timing.in_control.main,
        boundary=rule.alpha / (rule.looks or 1),
        statistic=_finite(compare(evidence).relative_incidence),
        p_value=p_values["main"],
        detail={
            "boundary_is": "p_value",
            "statistic_is": "relative_incidence",
            "p_value_is": DESCRIPTIVE,
            "p_best": p_values["best"],
            "p_worst": p_values["worst"],
            "events_best": timing.in_risk.best,
            "events_worst": timing.in_risk.worst,
            "planned_looks": rule.looks,
            "looks_taken": len(main.p_values),
            "p_at_looks": list(main.p_values),
            "crossed_at": main.crossed_at,
            "next_look": _next_look(main.next_look, "events in the risk window"),
        },
    )


def _next_look(at: int | None, events: str) -> str:
    return "none: all planned looks are taken" if at is None else f"at {at} {events}"


def evaluate_maxsprt_binomial(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the binomial MaxSPRT crossed along the path of risk and control events."""
    return _evaluate_path(rule, evidence, walk_binomial, "log_likelihood_ratio")


def evaluate_e_process(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether the e-process crossed along the path of risk and control events."""
    return _evaluate_path(rule, evidence, walk_e_process, "e_value")


def _evaluate_path(
    rule: TimingRule, evidence: Evidence, walk: Callable[..., Walk], boundary_is: str
) -> RuleResult:
    """Walk the events of each reading; where an event has no ratio of its own, it is that of the data cut-off."""
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
    p_values = _ordered({reading: one.p_value for reading, one in walks.items()})
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


def _ordered(p_values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the p-values of the best and the worst case: what crosses in one reading crosses in the worse."""
    best, main, worst = (p_values[reading] for reading in READINGS)
    if best is None or main is None or worst is None:
        return {}
    return {"p_best": max(best, main), "p_worst": min(worst, main)}


def evaluate_scan(rule: TimingRule, evidence: Evidence) -> RuleResult:
    """Return whether events clustered at some hour since dose at one of the planned looks taken so far.

    The readings differ in their events, and the scan may find another window in each. The best case is the
    less striking of the best and the main reading, the worst case the more striking of the worst and the main.
    """
    timing = evidence.timing
    if not any(clock.observed for clock in timing.clocks):
        return not_evaluable(rule.id, rule.kind, rule.method, "no observed hours since a dose")
    now = {reading: scan_clocks(rule, timing.clocks, reading, timing.seed) for reading in READINGS}
    looks = {reading: planned_scans(rule, timing.clocks, reading, timing.seed) for reading in READINGS[1:]}
    main = now["main"]
    p_values = _ordered({reading: found.p_value for reading, found in now.items()})
    return _result(
        rule,
        {
            "best": any(look.crossed and look.crossed_in_best for look in looks["main"].taken),
            "main": any(look.crossed for look in looks["main"].taken),
            "worst": any(look.crossed for look in looks["worst"].taken),
        },
        events=main.events_in_window,
        n_evaluable=main.events,
        boundary=rule.alpha / (rule.looks or 1),
        statistic=main.statistic,
        p_value=main.p_value,
        detail=_scan_detail(rule, main) | _looks_detail(looks["main"]) | p_values,
    )


def _looks_detail(looks: PlannedScans) -> dict[str, Any]:
    return {
        "p_value_is": DESCRIPTIVE,
        "looks_taken": looks.number,
        "p_at_looks": [look.p_value for look in looks.taken],
        "next_look": _next_look(looks.next_look, "events in doses whose hours have ended"),
    }


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
    """Return the answer; what crosses in one reading crosses in those that speak more against the drug."""
    verdicts, any_so_far = {}, False
    for reading in READINGS:
        any_so_far = any_so_far or crossed[reading]
        verdicts[reading] = RuleVerdict.CROSSED if any_so_far else RuleVerdict.NOT_CROSSED
    return RuleResult(
        rule.id, rule.kind, rule.method, verdicts["main"], verdicts["best"], verdicts["worst"], **answer
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or value in {float("inf"), float("-inf")} or value != value else value  # noqa: PLR0124
