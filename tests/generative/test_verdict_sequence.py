"""As a trial grows, healthy subjects clear nothing, a correction that removes cases does, and cases stay in order.

Trials are generated as the rules see them: subjects with windows on a path, and events of risk and control
hours in the order in which they were first seen, each certain, counted or possible.
"""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules import Evidence, RuleVerdict
from checks.rules.evidence import (
    AssumedRate,
    BackgroundEvidence,
    DoseWindow,
    LabResults,
    Opportunity,
)
from checks.rules.evidence import Event as Row
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.lab_limit import LabLimitRule
from checks.rules.kinds.rate import RateRule
from checks.rules.kinds.timing import TimingRule
from checks.scenario import ByScenario
from checks.signals import SignalState, update_signals

WHY = {"rationale": "an example", "source": "no charter"}
PLANNED = 6
"""Doses of a subject: the weight of one is the share of them whose windows have closed."""
RATE = {"kind": "rate", "n_max": 12, "null_rate": 0.05, "alpha": 0.1, **WHY}
RATES = (
    {"method": "pocock", "unit": "subject"},
    {"method": "obrien_fleming", "unit": "window"},
    {"method": "wang_tsiatis", "unit": "subject", "delta": 0.25},
    {"method": "beta_binomial", "unit": "subject", "prior": (0.5, 9.5), "looks": (3, 6, 12)},
    {
        "method": "chen_chaloner",
        "unit": "window",
        "prior": (0.5, 9.5),
        "alternative_rate": 0.3,
        "nu": 0.1,
    },
    {"method": "sprt", "unit": "subject", "alternative_rate": 0.4},
    {"method": "maxsprt", "unit": "window"},
)
TIMING = {"kind": "timing", "alpha": 0.1, "min_events": 2, "min_subjects": 2, **WHY}
TIMINGS = (
    {"method": "self_controlled", "looks": 2},
    {"method": "scan", "looks": 2},
    {"method": "sequential", "n_max": 8, "gamma": 1.5},
    {"method": "maxsprt_poisson", "expected_max": 2.0, "delay": 0.02},
    {"method": "e_process"},
)
RULES = (
    CountRule.model_validate({"id": "count", "kind": "count", "cases": 2, **WHY}),
    LabLimitRule.model_validate(
        {"id": "lab", "kind": "lab_limit", "test": "LYM", "above_times_uln": 2.5, "subjects": 2, **WHY}
    ),
    *(RateRule.model_validate({"id": one["method"], **RATE, **one}) for one in RATES),
    *(TimingRule.model_validate({"id": one["method"], **TIMING, **one}) for one in TIMINGS),
)
RISK_HOURS, CONTROL_HOURS = 3.0, 45.0
"""Observed hours of one window, and of the control hours beside it."""

CERTAIN = {"surely": (True, True, True), "yes": (False, True, True), "possible": (False, False, True)}
"""Whether a risk event of each certainty counts in the best case, the main reading and the worst case."""

ROUNDING = 1e-12
"""A certain p-value is a sum of probabilities, which may end just below 1."""

few = settings(max_examples=60, deadline=None)


@dataclass(frozen=True)
class Event:
    """One event: in risk or control hours, of a subject, at a moment of the trial and an hour of its dose."""

    in_risk: bool
    subject: int
    moment: int
    hour: float
    certainty: str

    @property
    def counts(self):
        risk = CERTAIN[self.certainty]
        return ByScenario(*(risk if self.in_risk else risk[::-1]))


@dataclass(frozen=True)
class Trial:
    """Subjects 0, 1, ... with one window each; the weight of each, their events, and labs above a limit."""

    weights: tuple[float, ...]
    events: tuple[Event, ...]
    above_limit: int

    def with_healthy(self, more):
        return replace(self, weights=(*self.weights, *[1.0] * more))


@st.composite
def trials(draw):
    subjects = draw(st.integers(1, 14))
    moments = draw(st.lists(st.integers(0, 1000), unique=True, max_size=12))
    events = tuple(
        Event(in_risk, subject, moment, hour if in_risk else hour + 20.0, certainty)
        for moment in moments
        for in_risk, subject, hour, certainty in [
            draw(
                st.tuples(
                    st.booleans(),
                    st.integers(0, subjects - 1),
                    st.sampled_from([5.0, 5.5, 6.0, 7.25, 8.0]),
                    st.sampled_from(sorted(CERTAIN)),
                )
            )
        ]
    )
    weights = draw(st.lists(st.sampled_from([1.0, 0.5, 1 / 6]), min_size=subjects, max_size=subjects))
    return Trial(tuple(weights), events, draw(st.integers(0, 3)))


def evidence(trial):
    """Return what the rules see: of several risk events in one subject's window the first is the event."""
    subjects = len(trial.weights)
    hours = CONTROL_HOURS * subjects
    doses = [
        (n, dose) for n, weight in enumerate(trial.weights) for dose in range(1, round(PLANNED * weight) + 1)
    ]
    assumed = {unit: AssumedRate(0.05, (0.01, 0.2)) for unit in ("window", "subject")}
    return Evidence(
        events=tuple(map(row, trial.events)),
        windows=tuple(DoseWindow(*place, 0.0, evaluable=True) for place in doses),
        hours_in_risk=RISK_HOURS * subjects,
        hours_in_control=hours,
        opportunities=tuple(opportunity(*place) for place in doses),
        risk_hours=RISK_HOURS,
        planned_subjects=5,
        planned_doses=PLANNED,
        background=BackgroundEvidence(0, hours, {}, assumed),
        labs={"LYM": labs(trial.above_limit, subjects)},
        seed=1,
    )


def opportunity(subject, dose):
    """The hours of a dose, of which those in control differ by subject; one subject's doses after the other's."""
    closes = 10.0 * subject + dose
    control = CONTROL_HOURS / (1 + subject % 3)
    return Opportunity(subject, dose, RISK_HOURS, control, control / 2, closes, closes, {}, ((0.0, 48.0),))


def row(event):
    """An event of the first dose; those in control hours are onsets on its clock as well."""
    here = {"in_risk": event.counts} if event.in_risk else {"in_control": event.counts}
    known_at = float(event.moment)
    return Row(event.subject, 1, event.hour, known_at, closes=0.0, on_clock=event.counts, **here)


def labs(above, measured):
    """So many subjects above the limit, one more perhaps, and the others below it."""
    subject = np.array([*range(above), above, *range(max(measured, above + 1))])
    times = np.where(np.arange(len(subject)) <= above, 2.6, 1.0)
    after = np.arange(len(subject)) != above
    every = np.ones(len(subject), dtype=bool)
    return LabResults(subject, times, np.ones(len(subject)), after, every, every)


def answers(trial):
    seen = evidence(trial)
    return {rule.id: rule.evaluate(seen) for rule in RULES}


CROSSED = RuleVerdict.CROSSED


def crossed(result):
    return [verdict is CROSSED for verdict in (result.best_case, result.verdict, result.worst_case)]


@given(trials(), st.integers(1, 20))
@few
def test_more_healthy_subjects_never_clear_a_crossed_rule(trial, more):
    """Healthy subjects enter last, fully observed: the ratio of control to risk hours is as before."""
    before, after = answers(trial), answers(trial.with_healthy(more))
    for name, result in before.items():
        for was, still in zip(crossed(result), crossed(after[name]), strict=True):
            assert still or not was, name
    signals = update_signals((), tuple(before.values()), "S")
    later = update_signals(signals, tuple(after.values()), "S")
    assert not [signal for signal in later if signal.state is SignalState.CLEARED]


@given(trials())
@few
def test_a_correction_that_removes_the_cases_clears_each_rule_they_crossed(trial):
    """No rule is crossed without events in risk hours; the lab limit, which has its own, stays.

    A rate rule whose first look is no longer reached once a case is gone says nothing more, and clears as well.
    """
    before = answers(trial)
    corrected = replace(trial, events=tuple(one for one in trial.events if not one.in_risk))
    after = answers(corrected)
    signals = update_signals((), tuple(before.values()), "S")
    states = {one.rule: one.state for one in update_signals(signals, tuple(after.values()), "S")}
    for name, result in before.items():
        if name in {"lab", "scan"} or result.verdict is not CROSSED:
            continue
        assert after[name].verdict is not CROSSED, name
        assert states[name] is SignalState.CLEARED, name
    assert after["lab"] == before["lab"]
    assert after["scan"].detail["subjects_in_window"] <= len({one.subject for one in corrected.events})


@given(trials(), st.data())
@few
def test_removing_one_case_never_crosses_a_rule(trial, data):
    """Not the scan, whose p-value of what is left may be smaller: an event elsewhere is no longer there."""
    risk = [one for one in trial.events if one.in_risk]
    if not risk:
        return
    gone = data.draw(st.sampled_from(risk))
    after = answers(replace(trial, events=tuple(one for one in trial.events if one is not gone)))
    for name, result in answers(trial).items():
        if name != "scan":
            for was, now in zip(crossed(result), crossed(after[name]), strict=True):
                assert was or not now, name


@given(trials())
@few
def test_best_main_and_worst_case_are_in_order(trial):
    for name, result in answers(trial).items():
        if result.verdict is RuleVerdict.NOT_EVALUABLE:
            continue
        best, main, worst = crossed(result)
        assert best <= main <= worst, name
        detail = result.detail
        if name != "scan":
            assert detail["events_best"] <= result.events <= detail["events_worst"], name
        if result.kind == "timing" and result.p_value is not None:
            assert detail["p_best"] >= result.p_value - ROUNDING, name
            assert result.p_value >= detail["p_worst"] - ROUNDING, name
        assert detail["boundary_is"] in {"events", "p_value", "log_likelihood_ratio", "e_value"}


@given(trials())
@few
def test_the_same_evidence_gives_the_same_answers(trial):
    assert answers(trial) == answers(trial)
