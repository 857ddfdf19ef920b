"""As time goes on in a trial, no rule that was crossed is cleared; a correction that removes the cases clears it.

Trials are made of doses, cases and control events with their hours; each cut-off shows what had happened by
then, and the evidence is gathered as a look gathers it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cases import Case, Findings, gather_evidence
from checks.cases.dose_windows import DOSES
from checks.cases.opportunity import DoseOpportunity
from checks.cases.placing import ControlEvent
from checks.protocol import load_protocol
from checks.rules import RuleVerdict
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.rate import RateRule
from checks.rules.kinds.timing import TimingRule
from checks.signals import SignalState, update_signals
from checks.tables import MEASUREMENTS

DOSES_EACH, INTERVAL, LAST_HOUR = 3, 96, 48
WHY = {"rationale": "an example", "source": "no charter"}
GOOD = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
PROTOCOL = GOOD.model_copy(
    update={
        "treatment": GOOD.treatment.model_copy(update={"planned_doses": DOSES_EACH}),
        "risk_window_hours": (5.0, 8.0),
        "control_windows_hours": ((-24.0, -6.0), (12.0, 48.0)),
    }
)
RATE = {"kind": "rate", "n_max": 6, "null_rate": 0.05, "alpha": 0.1, **WHY}
TIMING = {"kind": "timing", "alpha": 0.1, **WHY}
RULES = (
    CountRule.model_validate({"id": "count", "kind": "count", "cases": 2, **WHY}),
    RateRule.model_validate({"id": "pocock", "method": "pocock", "unit": "subject", **RATE}),
    RateRule.model_validate({"id": "sparse", "method": "pocock", "unit": "subject", "looks": (2, 5), **RATE}),
    RateRule.model_validate({"id": "window", "method": "obrien_fleming", "unit": "window", **RATE}),
    TimingRule.model_validate({"id": "planned", "method": "self_controlled", "looks": 3, **TIMING}),
    TimingRule.model_validate({"id": "scan", "method": "scan", "looks": 2, **TIMING}),
    TimingRule.model_validate({"id": "binomial", "method": "maxsprt_binomial", "n_max": 8, **TIMING}),
    TimingRule.model_validate({"id": "poisson", "method": "maxsprt_poisson", "expected_max": 2.0, **TIMING}),
    TimingRule.model_validate({"id": "e_process", "method": "e_process", **TIMING}),
)
DAY = pd.Timestamp("2026-03-02", tz="UTC")
WINDOW = {"surely": "yes", "yes": "yes", "possible": "possible"}


@dataclass(frozen=True)
class Event:
    """An event of one dose, at an hour since it: in the risk window, in control hours, or in neither."""

    subject: int
    dose: int
    hour: float
    certainty: str

    @property
    def in_risk(self):
        return 5 <= self.hour < 8

    @property
    def in_control(self):
        return -24 <= self.hour < -6 or 12 <= self.hour < LAST_HOUR


@dataclass(frozen=True)
class Trial:
    """When each subject receives the first dose, in hours; doses are four days apart. Windows never observed."""

    entries: tuple[int, ...]
    events: tuple[Event, ...]
    unobserved: frozenset[tuple[int, int]]

    @property
    def doses(self):
        return [
            (subject, dose, entry + INTERVAL * dose)
            for subject, entry in enumerate(self.entries)
            for dose in range(DOSES_EACH)
        ]

    @property
    def end(self):
        return max(self.entries) + INTERVAL * DOSES_EACH


@st.composite
def trials(draw):
    waits = draw(st.lists(st.sampled_from([0, 1, 2, 30, 200]), min_size=2, max_size=9))
    entries = tuple(sum(waits[: n + 1]) for n in range(len(waits)))
    places = st.tuples(st.integers(0, len(entries) - 1), st.integers(0, DOSES_EACH - 1))
    hours = st.sampled_from([5.0, 5.25, 6.0, 6.5, 7.75, 8.0, 14.0, 30.0, 47.0, -10.0, -20.0])
    drawn = st.tuples(places, hours, st.sampled_from(sorted(WINDOW)))
    found = draw(st.lists(drawn, max_size=14, unique_by=lambda one: (one[0], one[1] // 3)))
    events = tuple(Event(*place, hour, certainty) for place, hour, certainty in found)
    held = {(event.subject, event.dose) for event in events}
    return Trial(entries, events, frozenset(draw(st.frozensets(places, max_size=4)) - held))


def at(hours):
    return DAY + pd.Timedelta(seconds=round(3600 * hours))


def seconds(hours):
    return int(at(hours).timestamp())


def findings(trial, now):
    """Return what a look at hour ``now`` finds."""
    started = {(subject, dose): start for subject, dose, start in trial.doses if start <= now}
    rows, opportunities = [], []
    for (subject, dose), start in started.items():
        seen = (subject, dose) not in trial.unobserved
        until = float(INTERVAL) if (subject, dose + 1) in started else float("inf")
        fate = "open" if start + 8 > now else "evaluable" if seen else "unobserved"
        given = opportunity(subject, dose, now - start, seen=seen)
        name, at_risk, beside = f"S{subject}", given.in_risk, given.in_control
        told = (at(start + 8), at_risk, beside, False, True, 1, str(dose), 0.0, 1, "", at(start))
        rows.append((name, dose + 1, at(start), at(start), until, True, fate, *told))
        opportunities.append(given)
    known = [
        event
        for event in trial.events
        if (event.subject, event.dose) in started
        and started[event.subject, event.dose] + max(0.0, event.hour) <= now
    ]
    return Findings(
        DOSES.conform(pd.DataFrame(rows, columns=list(DOSES.columns))),
        tuple(case(event, started) for event in known if event.hour > 0),
        tuple(control(event, started) for event in known if event.in_control),
        tuple(opportunities),
        at(now).to_pydatetime(),
        round(3600 * sum(one.in_risk for one in opportunities)),
    )


def opportunity(subject, dose, hours, *, seen):
    """Return what may be seen of a dose so many hours after it: all, but for the risk window where it is unobserved.

    Before it lie the control hours on this side of it, and those after the dose before.
    """
    at_risk = min(3.0, max(0.0, hours - 5)) if seen else 0.0
    after = min(36.0, max(0.0, hours - 12))
    spans = ((min(LAST_HOUR, hours) / 2, float(min(LAST_HOUR, hours))),) if hours > 0 else ()
    return DoseOpportunity(
        f"S{subject}", dose + 1, at_risk, 18.0 + after, 18.0 + 36.0 * (dose > 0), {}, spans
    )


def case(event, started):
    sure = event.certainty != "possible"
    window = WINDOW[event.certainty] if event.in_risk else "no"
    hours = (event.hour, event.hour)
    start = at(started[event.subject, event.dose])
    return Case(
        f"S{event.subject}", event.dose + 1, start, "definite" if sure else "possible", window,
        event.in_risk and event.certainty == "surely", event.hour, hours, {}, {}, known_at(event, started), None,
    )  # fmt: skip


def control(event, started):
    """Return an event in control hours; the dose whose risk window comes next is its own, or the one after."""
    following = event.dose if event.hour < 0 else event.dose + 1
    return ControlEvent(
        f"S{event.subject}", event.dose + 1, event.certainty != "possible", event.certainty == "surely",
        event.hour, following + 1 if (event.subject, following) in started else None,
        known_at(event, started), None, able=True,
    )  # fmt: skip


def known_at(event, started):
    return seconds(started[event.subject, event.dose] + event.hour)


def answers(trial, now):
    seen = gather_evidence(findings(trial, now), MEASUREMENTS.empty(), PROTOCOL)
    return {rule.id: rule.evaluate(seen) for rule in RULES}


def crossed(result):
    verdicts = (result.best_case, result.verdict, result.worst_case)
    return [verdict is RuleVerdict.CROSSED for verdict in verdicts]


def moments(trial):
    """Return cut-offs at which something has just been decided, and some in between."""
    starts = {start + after for _, _, start in trial.doses for after in (6.6, 8, 20, 48)}
    return sorted(moment for moment in starts if moment <= trial.end)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(trials(), st.data())
def test_what_was_crossed_stays_crossed_as_time_goes_on(trial, data):
    """Whatever happens later: doses, windows without a case, control hours, new subjects, more cases."""
    cutoffs = sorted(data.draw(st.lists(st.sampled_from(moments(trial)), min_size=3, max_size=5)))
    before, signals = {}, ()
    for now in cutoffs:
        found = answers(trial, now)
        for name, was in before.items():
            for reading, (then, still) in enumerate(zip(was, crossed(found[name]), strict=True)):
                assert still or not then, (name, reading, cutoffs)
        signals = update_signals(signals, tuple(found.values()), "S")
        assert SignalState.CLEARED not in {one.state for one in signals}
        before = {name: crossed(result) for name, result in found.items()}
        for name, (best, main, worst) in before.items():
            assert best <= main <= worst, name


@settings(max_examples=25, deadline=None)
@given(trials(), st.integers(1, 5))
def test_healthy_subjects_who_enter_later_clear_nothing(trial, more):
    later = tuple(trial.end + 10 * n for n in range(more))
    grown = replace(trial, entries=(*trial.entries, *later))
    after = answers(grown, grown.end)
    for name, result in answers(trial, trial.end).items():
        for was, still in zip(crossed(result), crossed(after[name]), strict=True):
            assert still or not was, name


@settings(max_examples=25, deadline=None)
@given(trials())
def test_a_correction_that_removes_the_cases_clears_and_says_so(trial):
    before = answers(trial, trial.end)
    without = replace(trial, events=tuple(event for event in trial.events if not event.in_risk))
    after = answers(without, trial.end)
    states = {
        one.rule: one.state
        for one in update_signals(update_signals((), tuple(before.values()), "S"), tuple(after.values()), "S")
    }
    for name in states.keys() - {"scan"}:
        assert after[name].verdict is not RuleVerdict.CROSSED
        assert states[name] is SignalState.CLEARED, name


SYNCHRONOUS = Trial((0,) * 6, (Event(5, 0, 6.0, "surely"),), frozenset())


@pytest.mark.parametrize("unit", ["subject", "window"])
def test_a_case_in_an_open_window_is_not_held_against_itself_alone(unit):
    """Six subjects dosed at once: at hour 6.6 one is a case, and the windows of five close with its own.

    Counted at once, alone among units complete, it would be one case of one.
    """
    rule = RateRule.model_validate({**RATE, "id": "rate", "method": "pocock", "unit": unit})
    result = rule.evaluate(gather_evidence(findings(SYNCHRONOUS, 6.6), MEASUREMENTS.empty(), PROTOCOL))
    last = {"subject": ([1, 2], [0, 1]), "window": ([1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 1])}[unit]
    assert (result.detail["path"]["n"], result.detail["path"]["events"]) == last
    later = rule.evaluate(gather_evidence(findings(SYNCHRONOUS, 8), MEASUREMENTS.empty(), PROTOCOL))
    assert later.detail["path"]["n"][: len(last[0])] == last[0]
    assert later.detail["path"]["events"][: len(last[1])] == last[1]
