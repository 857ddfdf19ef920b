"""Simulated designs against exact ones within their Monte Carlo error, and fast paths against slow ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.design import design_protocol
from checks.protocol import StudyProtocol, load_protocol
from checks.rules import Evidence, RuleVerdict
from checks.rules.designs import Estimate
from checks.rules.evidence import AssumedRate, BackgroundEvidence, Event, Opportunity
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.rate import RateRule
from checks.rules.kinds.timing import TimingRule
from checks.rules.plan import Plan, per_window
from checks.rules.rate_looks import Unit, first_crossings, pending_sizes, walk
from checks.rules.scan_trials import ScanWalk, scan_statistics, strongest_windows
from checks.rules.trials import NEVER, ClockEvents, Trials, simulate_trials
from checks.scenario import ByScenario, Scenario
from checks.statistics.boundaries import METHODS, Boundary, CountBoundary, operating_characteristics
from checks.statistics.timing.scan import scan

GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
WHY = {"rationale": "an example for tests", "source": "no charter"}


def _agrees(simulated: Estimate, exact: float) -> bool:
    """Whether a simulation is within four of its standard errors, taken at the exact value."""
    return abs(simulated.value - exact) <= 4 * (exact * (1 - exact) / simulated.simulations) ** 0.5


def _protocol(*rules: Any) -> StudyProtocol:
    return load_protocol(GOOD).model_copy(update={"rules": rules})


def _rules() -> tuple[Any, ...]:
    rate = {"kind": "rate", "null_rate": 0.02, "alpha": 0.025, **WHY}
    return (
        CountRule.model_validate({"id": "count", "kind": "count", "cases": 3, **WHY}),
        RateRule.model_validate({"id": "every", "method": "pocock", "unit": "subject", "n_max": 40, **rate}),
        RateRule.model_validate(
            {
                "id": "grouped",
                "method": "maxsprt",
                "unit": "subject",
                "n_max": 40,
                "looks": [5, 20, 40],
                **rate,
            }
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_simulated_trials_cross_as_often_as_the_exact_recursion_says(seed: int) -> None:
    design = design_protocol(_protocol(*_rules()), seed=seed, simulations=20_000)
    exact = {rule.id: dict(zip(rule.rates, rule.reject_probability, strict=True)) for rule in design.rules}
    for crossing in design.combined.crossings:
        for name, simulated in crossing.by_rule.items():
            assert _agrees(simulated, exact[name][crossing.rate]), (name, crossing.rate)
    stops = {rule.id: dict(zip(rule.rates, rule.expected_n, strict=True)) for rule in design.rules}
    for crossing in design.combined.crossings:
        for name, mean in crossing.subjects_by_rule.items():
            # a number from 1 to 40 has a standard deviation below 20
            assert mean == pytest.approx(stops[name][crossing.rate], abs=4 * 20 / 20_000**0.5)
            # Wald: cases when it stops are the rate times the subjects
            assert crossing.cases_by_rule[name] == pytest.approx(mean * crossing.rate, abs=0.06)
        assert crossing.subjects <= min(crossing.subjects_by_rule.values())


def test_any_rule_crosses_at_least_as_often_as_each_and_at_most_as_often_as_all_in_sum() -> None:
    timing = {"id": "timing", "kind": "timing", "method": "e_process", "alpha": 0.02, **WHY}
    rules = (*_rules(), TimingRule.model_validate(timing))
    for crossing in design_protocol(_protocol(*rules), seed=3, simulations=2_000).combined.crossings:
        shares = [one.value for one in crossing.by_rule.values()]
        assert max(shares) <= crossing.any_rule.value <= sum(shares) + 1e-12


@pytest.mark.parametrize(
    "rule",
    [
        {"method": "sequential", "n_max": 30},
        {"method": "e_process"},
        {"method": "self_controlled", "looks": 4},
        {"method": "maxsprt_poisson", "expected_max": 4.0},
    ],
)
def test_timing_rules_keep_their_alpha_in_simulated_trials(rule: dict[str, Any]) -> None:
    timing = TimingRule.model_validate({"id": "timing", "kind": "timing", "alpha": 0.05, **rule, **WHY})
    design = design_protocol(_protocol(timing), seed=4, simulations=20_000, subjects=30)
    harmless = [one for one in design.combined.crossings if one.rate == one.background_rate]
    known = harmless if rule["method"] != "maxsprt_poisson" else harmless[:2]  # it needs its background
    for crossing in known:
        assert crossing.by_rule["timing"].ci95[0] <= 0.05
    harmful = design.combined.crossings[-1]
    assert harmful.by_rule["timing"].value > 0.5


def test_with_one_dose_nothing_is_pending() -> None:
    boundary = METHODS["pocock"](n_max=20, null_rate=0.1, alpha=0.05)
    for size in pending_sizes(boundary, 0.1, doses=1, seed=5, simulations=20_000):
        assert _agrees(size.crossing, boundary.size)


def test_subjects_one_after_the_other_are_hardly_ever_pending() -> None:
    boundary = METHODS["pocock"](n_max=20, null_rate=0.1, alpha=0.05)
    slow, _, fast = pending_sizes(boundary, 0.1, doses=6, seed=6, simulations=20_000)
    assert slow.crossing.value == pytest.approx(boundary.size, abs=0.01)
    assert fast.crossing.ci95[0] <= 0.05  # each look is taken once, whatever is pending


def _crosses_by_walking(entries: Any, held: Any, doses: int, boundary: Boundary) -> bool:
    """Walk the path of a look after all windows have closed: it takes each look as it was when it was met."""
    path = []
    for entry, window in zip(entries, held, strict=True):
        moment = entry + window - 1 if window <= doses else None
        closings = tuple(entry + dose for dose in range(doses))
        path.append(Unit(0, closings, (), doses, ByScenario(moment, moment, moment)))
    return walk(path, Scenario.MAIN, boundary).crossed


@settings(max_examples=150, deadline=None)
@given(
    subjects=st.integers(2, 7),
    doses=st.sampled_from([1, 2, 3, 6]),
    rate=st.sampled_from([0.1, 0.3, 0.6]),
    every=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_pending_trials_cross_when_the_path_of_some_look_does(
    subjects: int, doses: int, rate: float, every: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    looks = tuple(range(1, subjects + 1)) if every else (max(1, subjects // 2), subjects)
    fewest = np.sort(random.integers(1, subjects + 1, len(looks)))
    events = tuple(int(k) if k <= look else None for k, look in zip(fewest, looks, strict=True))
    counted = CountBoundary(n_max=subjects, looks=looks, events=events)
    boundary = Boundary(
        n_max=subjects, looks=looks, events=events,
        method="given", null_rate=0.1, alpha=0.1, critical_value=0.0, size=0.0,
    )  # fmt: skip
    # binary fractions of an interval, so that the slow path adds without rounding
    entries = np.cumsum(random.integers(0, 8, (4, subjects)) / 8.0 + np.arange(subjects) / 1024, axis=1)
    held = np.where(
        random.random((4, subjects)) < rate, random.integers(1, doses + 1, (4, subjects)), doses + 1
    )
    fast = first_crossings(entries, held, doses, counted)
    slow = [
        _crosses_by_walking(one.tolist(), at.tolist(), doses, boundary)
        for one, at in zip(entries, held, strict=True)
    ]
    assert fast.tolist() == slow


@settings(max_examples=60, deadline=None)
@given(
    hours=st.lists(st.floats(0, 48, allow_nan=False), min_size=2, max_size=12, unique=True),
    min_events=st.integers(2, 4),
)
def test_fast_scan_statistic_is_that_of_a_look(hours: list[float], min_events: int) -> None:
    slow = scan(
        [[hour] for hour in hours],
        [[(0.0, 48.0)]] * len(hours),
        seed=1,
        permutations=1,
        min_events=min_events,
    )
    fast = scan_statistics(np.array(hours)[:, None], 48.0, min_events=min_events)
    assert fast[0] == pytest.approx(slow.statistic, rel=1e-9, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(hours=st.lists(st.floats(0, 48, allow_nan=False), min_size=3, max_size=10, unique=True))
def test_the_strongest_window_of_simulated_events_is_that_of_a_look(hours: list[float]) -> None:
    slow = scan([[hour] for hour in hours], [[(0.0, 48.0)]] * len(hours), seed=1, permutations=1)
    inside = strongest_windows(np.array(hours)[:, None], 48.0, 2)[:, 0]
    assert inside.sum() == slow.events_in_window or slow.statistic == pytest.approx(
        _statistic(int(inside.sum()), len(hours), np.array(hours)[inside]), rel=1e-9
    )  # of two windows as strong as each other either may be named


def _statistic(inside: int, total: int, hours: Any) -> float:
    expected = total * max(float(np.ptp(hours)), 1.0) / 48
    within = inside * np.log(inside / expected)
    return float(
        within + (total - inside) * np.log((total - inside) / (total - expected))
        if inside < total
        else within
    )


def test_a_scan_keeps_its_alpha_and_finds_harm_in_simulated_trials() -> None:
    timing = {
        "id": "scan",
        "kind": "timing",
        "method": "scan",
        "alpha": 0.05,
        "looks": 4,
        "min_events": 3,
        **WHY,
    }
    protocol = _protocol(TimingRule.model_validate(timing))
    design = design_protocol(protocol, seed=4, simulations=4_000, subjects=30)
    *harmless, _, _, harmful = design.combined.crossings
    for crossing in harmless:
        if crossing.rate == crossing.background_rate:
            assert crossing.by_rule["scan"].ci95[0] <= 0.05
    assert harmful.by_rule["scan"].value > 0.3


def test_a_scan_asks_for_the_subjects_of_its_rule() -> None:
    timing = {
        "id": "scan",
        "kind": "timing",
        "method": "scan",
        "alpha": 0.05,
        "looks": 1,
        "min_events": 3,
        **WHY,
    }
    rule = TimingRule.model_validate({**timing, "min_subjects": 2})
    hours = np.array([5.0, 5.1, 5.2, 5.0, 5.1, 5.2])
    events = ClockEvents(np.array([0, 0, 0, 1, 1, 1]), np.array([4, 4, 4, 4, 4, 6]), hours)
    assert ScanWalk(rule, 48.0, 1).first(events, 3).tolist() == [NEVER, 7, NEVER]


def _evidence(trials: Trials, trial: int, ratio: float, background: float) -> Evidence:
    """Return one simulated trial as a look would see it: doses that close one after the other, all alike."""
    here = trials.trial == trial
    _, subjects, doses = trials.cases.shape
    always = ByScenario(best=True, main=True, worst=True)
    seen = zip(np.diff(trials.in_risk[here], prepend=0), trials.window[here].tolist(), strict=True)
    return Evidence(
        tuple(
            Event((at - 1) // doses, at, **{"in_risk" if risk else "in_control": always}) for risk, at in seen
        ),
        (),
        opportunities=tuple(
            Opportunity((at - 1) // doses, at, 1.0, ratio, 0.0, float(at), float(at))
            for at in range(1, subjects * doses + 1)
        ),
        planned_subjects=subjects,
        planned_doses=doses,
        background=BackgroundEvidence(0, 0.0, {}, {"window": AssumedRate(background, None)}),
    )


@pytest.mark.parametrize(
    "method",
    [
        {"method": "self_controlled", "looks": 2, "min_events": 3},
        {"method": "sequential", "n_max": 12, "min_events": 2},
        {"method": "e_process", "min_events": 2},
        {"method": "maxsprt_poisson", "expected_max": 3.0, "min_events": 2},
        {"method": "maxsprt_poisson", "expected_max": 3.0, "delay": 1.1},
    ],
)
def test_each_simulated_trial_crosses_when_the_walk_of_a_look_does(method: dict[str, Any]) -> None:
    timing = {"id": "timing", "kind": "timing", "alpha": 0.05, "min_subjects": 2, **method, **WHY}
    rule, ratio, rate = TimingRule.model_validate(timing), 4.0, 0.1
    trials = simulate_trials(
        np.random.default_rng(8), 400, (12, 3), rate=0.3, background_rate=rate, blocks=ratio
    )
    plan = Plan((0.0, 1.0), ((2.0, 2.0 + ratio),), subjects=12, doses=3, harmless=rate)
    fast = rule.simulate(plan)(trials) < NEVER
    for trial in range(400):
        if rule.method == "sequential" and (np.diff(trials.window[trials.trial == trial]) == 0).any():
            continue  # a look judges the events of one dose together
        slow = rule.evaluate(_evidence(trials, trial, ratio, per_window(rate, 3)))
        assert bool(fast[trial]) is (slow.verdict is RuleVerdict.CROSSED), trial
    assert 10 < fast.sum() < 390  # both answers are met


def test_power_rises_with_the_true_rate() -> None:
    for rule in design_protocol(_protocol(*_rules()), seed=7, simulations=10).rules:
        shares = [share for _, share in rule.curve]
        assert shares == sorted(shares)
        again = operating_characteristics(
            CountBoundary(n_max=rule.n_max, looks=rule.looks, events=rule.events), rule.rates
        )
        assert tuple(again.reject_probability) == rule.reject_probability
