"""Without an effect, a rule that is looked at after every event crosses no more often than its alpha allows.

Trials are simulated as a monitor meets them: subjects enter at random, doses follow, and the walk of a look goes
through every moment. The bound is alpha and three standard errors of the simulation; each test names its size.
"""

import math
from dataclasses import replace

import numpy as np
import pytest

from checks.rules.evidence import Event, Evidence, Opportunity
from checks.rules.kinds.timing import TimingRule
from checks.rules.rate_looks import Unit, walk
from checks.rules.scan_looks import DoseClock, planned_scans
from checks.scenario import ByScenario, Scenario
from checks.statistics.boundaries import METHODS

WHY = {"id": "rule", "kind": "timing", "rationale": "an example", "source": "no charter"}
DOSES, INTERVAL = 3, 96.0
ALWAYS = ByScenario(best=True, main=True, worst=True)
SPEEDS = [1.0, 16.0]
"""Subjects that enter while one receives all doses: hardly any pending, nearly all pending."""


def within(crossings, alpha):
    """Whether so many trials cross as alpha allows, to three standard errors; 2,000 trials at 0.05: 0.065."""
    share = np.mean(crossings)
    return 0 < share <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / len(crossings))


def entries(random, subjects, course, speed):
    return np.cumsum(random.exponential(course / speed, size=subjects))


def pending_path(random, subjects, rate, doses, speed):
    """Subjects whose windows are equally likely to hold their first case, as at the end of the trial."""
    path = []
    for entry in entries(random, subjects, doses, speed):
        held = int(random.geometric(1 - (1 - rate) ** (1 / doses)))
        closings, case = tuple(entry + n for n in range(doses)), held <= doses
        moment = entry + held - 1 if case else None
        path.append(Unit(0, closings, (), doses, ByScenario(moment, moment, moment)))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("looks", [None, (7, 14, 20)])
def test_a_rate_rule_keeps_alpha_while_subjects_are_pending(speed, looks):
    """Evaluated anew at each closing with the weights of that moment, the same rule crosses in 8 % of trials."""
    boundary, random = (
        METHODS["pocock"](n_max=20, null_rate=0.1, alpha=0.05, looks=looks),
        np.random.default_rng(1),
    )
    paths = (pending_path(random, 20, 0.1, 6, speed) for _ in range(2000))
    assert within([walk(path, Scenario.MAIN, boundary).crossed for path in paths], 0.05)


def crosses(rule, evidence):
    known = rule.judge.known(rule, evidence, Scenario.MAIN)
    return rule.judge.walk(rule, known, rule.gamma).crossed_at is not None


SICK = 7
"""Of twenty subjects: they have half of the events, and control hours until 20 h after a dose alone."""


def trial(random, speed):
    """Twenty subjects with some fifteen events in hours 5 to 8 and in control hours of each of three doses.

    Events come at one rate of each subject in all its hours. What differs between subjects is what pooled hours
    cannot stand: the sick have more events and fewer control hours.
    """
    starts = np.add.outer(entries(random, 20, DOSES * INTERVAL, speed), INTERVAL * np.arange(DOSES))
    events, doses = [], []
    for subject, dose in np.ndindex(*starts.shape):
        control, rate = (8.0, 15 / 2 / SICK) if subject < SICK else (54.0, 15 / 2 / 13)
        for where, hours in (("in_risk", 3.0), ("in_control", control)):
            expected = rate / DOSES * hours / (3.0 + control)
            events += [Event(subject, dose, **{where: ALWAYS})] * random.poisson(expected)
        closes = starts[subject, dose] + control
        doses.append(Opportunity(subject, dose, 3.0, control, 0.0, closes, closes))
    return Evidence(tuple(events), (), opportunities=tuple(doses))


@pytest.mark.slow
@pytest.mark.parametrize("speed", SPEEDS)
def test_timing_rules_keep_alpha_when_looked_at_after_every_event(speed):
    """1,500 trials at 0.05: a bound of 0.067. Pooled hours, tested once at the end, cross in 25 %."""
    random = np.random.default_rng(2)
    trials = [trial(random, speed) for _ in range(1500)]
    for method, planned in (
        ({"method": "sequential", "n_max": 20}, None),
        ({"method": "e_process"}, None),
        ({"method": "self_controlled", "looks": 1}, 20),
        ({"method": "self_controlled", "looks": 2, "min_events": 3}, None),
        ({"method": "self_controlled", "looks": 5}, 20),
    ):
        rule = TimingRule.model_validate({**WHY, **method, "alpha": 0.05})
        crossed = [
            crosses(rule, replace(one, planned_subjects=planned, planned_doses=DOSES)) for one in trials
        ]
        assert within(crossed, 0.05), method


@pytest.mark.slow
@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("looks", [1, 3])
def test_a_scan_keeps_alpha_at_its_planned_looks(speed, looks):
    """300 trials at 0.1: a bound of 0.152. Looks taken at the moment of an event cross in some 19 % of trials."""
    rule = TimingRule.model_validate({**WHY, "method": "scan", "looks": looks, "alpha": 0.1})
    random, crossings = np.random.default_rng(3), []
    for trial in range(300):
        clocks = []
        for subject, entry in enumerate(entries(random, 12, DOSES * INTERVAL, speed)):
            for dose in range(DOSES):
                hours = tuple(sorted(random.uniform(0, 48, random.poisson(0.2)).tolist()))
                closes = entry + INTERVAL * dose + 48
                clocks.append(DoseClock(subject, ((0.0, 48.0),), ByScenario(hours, hours, hours), closes))
        found = planned_scans(rule, clocks, Scenario.MAIN, trial)
        crossings.append(any(look.crossed for look in found.taken))
    assert within(crossings, 0.1)


RHYTHM, PEAK = 0.6, 15.5
"""Onsets are up to 1.6 times as frequent in the afternoon and 0.4 times in the night: without harm, and no matter."""
QUARTERS = 9 + np.arange(-24, 48, 0.25) + 0.125
"""Of the clock, around a dose at nine."""


def kind_of(quarter):
    """In risk hours 5 to 8, in control hours, or in neither."""
    since = quarter - 9
    return "in_risk" if 5 <= since < 8 else "in_control" if since < -6 or since >= 12 else None


def by_block():
    hours = {block: [0.0, 0.0] for block in range(6)}
    for quarter in QUARTERS:
        if kind_of(quarter):
            hours[int(quarter % 24 // 4)][kind_of(quarter) == "in_control"] += 0.25
    return {block: tuple(both) for block, both in hours.items()}


def rhythmic_trial(random):
    """Sixty doses at nine, with some twenty events that follow the clock alone."""
    rate = 1 + RHYTHM * np.cos(2 * np.pi * (QUARTERS - PEAK) / 24)
    events = [
        Event(dose, 1, block=int(QUARTERS[place] % 24 // 4), **{kind_of(QUARTERS[place]): ALWAYS})
        for dose in range(60)
        for place in np.flatnonzero(random.random(len(QUARTERS)) < rate / 600)
        if kind_of(QUARTERS[place])
    ]
    doses = tuple(Opportunity(n, 1, 3.0, 54.0, 18.0, float(n), float(n), by_block()) for n in range(60))
    return Evidence(tuple(events), (), opportunities=doses, planned_subjects=60, planned_doses=1)


@pytest.mark.slow
def test_a_rhythm_with_a_dosing_hour_is_held_by_the_clock_or_by_gamma():
    """1,000 trials at 0.05: a bound of 0.071. Conditioning on the subject alone does not hold it: 12 % cross."""
    random = np.random.default_rng(5)
    trials = [rhythmic_trial(random) for _ in range(1000)]

    def crossing(**options):
        method = {"method": "self_controlled", "looks": 1, "alpha": 0.05, **options}
        rule = TimingRule.model_validate({**WHY, **method})
        return [crosses(rule, one) for one in trials]

    assert within(crossing(clock="hours"), 0.05)
    assert within(crossing(gamma=1.5), 0.05)
    assert not within(crossing(), 0.05)
