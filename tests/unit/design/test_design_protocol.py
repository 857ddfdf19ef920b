"""What a design says of each kind of rule, against numbers written out or from scipy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from checks.design import (
    CountedDesign,
    TimingDesign,
    UnratedDesign,
    design_protocol,
    rates_from,
    spend_protocol,
)
from checks.design.study import plan_of, spend
from checks.errors import DesignError
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Multiplicity
from checks.rules.designs import estimate
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.lab_limit import LabLimitRule
from checks.rules.kinds.rate import RateRule
from checks.rules.kinds.timing import TimingRule
from checks.rules.plan import merged, per_subject, per_window
from checks.rules.rate_looks import first_crossings
from checks.rules.scan_looks import look_numbers
from checks.rules.scan_trials import distinct, gaps, uniform_hours
from checks.rules.trials import simulate_trials
from checks.statistics.boundaries import CountBoundary

GOOD = Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml"
WHY = {"rationale": "an example for tests", "source": "no charter"}


def _protocol(*rules: Any, **changes: Any) -> StudyProtocol:
    return load_protocol(GOOD).model_copy(update={"rules": rules, **changes})


def _count(cases: int) -> CountRule:
    return CountRule.model_validate({"id": "count", "kind": "count", "cases": cases, **WHY})


def _rate(**fields: Any) -> RateRule:
    base = {"id": "rate", "kind": "rate", "method": "pocock", "unit": "subject", "n_max": 40}
    return RateRule.model_validate({**base, "null_rate": 0.02, "alpha": 0.025, **fields, **WHY})


def _timing(**fields: Any) -> TimingRule:
    return TimingRule.model_validate({"id": "timing", "kind": "timing", "alpha": 0.025, **fields, **WHY})


def _design(protocol: StudyProtocol, **options: Any) -> Any:
    return design_protocol(protocol, **{"seed": 7, "simulations": 300, **options})


def test_a_count_rule_crosses_as_often_as_so_many_cases_occur() -> None:
    rule = _design(_protocol(_count(3)), subjects=40).rules[0]
    assert isinstance(rule, CountedDesign)
    assert rule.null_rate == 0.02  # the declared background
    assert rule.size == pytest.approx(stats.binom.sf(2, 40, 0.02), rel=1e-12)
    at = dict(zip(rule.rates, rule.reject_probability, strict=True))
    assert at[0.2] == pytest.approx(stats.binom.sf(2, 40, 0.2), rel=1e-12)
    # the third case comes at subject n with negative binomial probability; else all 40 are enrolled
    n = np.arange(3, 41)
    mass = stats.nbinom.pmf(n - 3, 3, 0.2)
    expected = float(n @ mass + 40 * (1 - mass.sum()))
    assert dict(zip(rule.rates, rule.expected_n, strict=True))[0.2] == pytest.approx(expected, rel=1e-12)


def test_a_count_rule_uses_the_subjects_that_the_rate_rule_plans() -> None:
    planned = _design(_protocol(_count(3), _rate(n_max=25)))
    assert planned.planned_subjects == 25
    assert planned.rules[0].size == pytest.approx(stats.binom.sf(2, 25, 0.02), rel=1e-12)


def test_a_count_rule_without_planned_subjects_says_so() -> None:
    design = _design(_protocol(_count(3)))
    assert isinstance(design.rules[0], UnratedDesign)
    assert "no rate rule plans" in design.rules[0].notes[0]
    assert design.combined is None
    assert (design.spending.unknown, design.spending.within) == (("count",), None)  # not known is not within


def test_a_count_that_can_never_be_reached_says_so() -> None:
    rule = _design(_protocol(_count(5)), subjects=4).rules[0]
    assert isinstance(rule, UnratedDesign)
    assert "never" in rule.notes[0]


def test_a_rate_rule_with_one_look_is_a_binomial_test() -> None:
    rule = _design(_protocol(_rate(looks=[20]))).rules[0]
    # P(Bin(20, .02) >= 2) = .0599 and >= 3 = .0071: three cross
    assert rule.events == (3,)
    assert rule.size == pytest.approx(stats.binom.sf(2, 20, 0.02), rel=1e-12)
    assert rule.size_by_look == (rule.size,)
    assert [rate for rate, _ in rule.background] == [0.005, 0.02, 0.1]
    assert rule.background[-1][1] == pytest.approx(stats.binom.sf(2, 20, 0.1), rel=1e-12)


def test_size_by_look_adds_up_and_stays_within_alpha() -> None:
    rule = _design(_protocol(_rate())).rules[0]
    assert sum(rule.size_by_look) == pytest.approx(rule.size, rel=1e-12)
    assert rule.size <= 0.025


def test_a_background_per_subject_is_turned_into_one_per_window() -> None:
    rule = _design(_protocol(_rate(unit="window", n_max=100))).rules[0]
    # six planned doses: 1 - (1 - w)^6 = 0.02
    assert rule.background[1][0] == pytest.approx(1 - 0.98 ** (1 / 6), rel=1e-12)
    assert rule.pending == ()
    assert per_subject(per_window(0.3, 6), 6) == pytest.approx(0.3, rel=1e-14)


def test_a_sequential_rule_says_that_it_goes_on_after_its_planned_events() -> None:
    rule = _design(_protocol(_timing(method="sequential", n_max=5, alpha=0.0225, charting="worst"))).rules[0]
    assert "After 5 events" in rule.notes[0]
    assert "at most 2.25% however many" in rule.notes[0]
    assert "charting: worst" in rule.notes[-1]


def test_a_rate_rule_that_has_no_boundary_is_refused_by_name() -> None:
    with pytest.raises(DesignError, match=r"rule rate: .*allowed: a larger alpha"):
        _design(_protocol(_rate(n_max=2, null_rate=0.5, alpha=0.01)))


def test_a_lab_limit_has_no_error_rates() -> None:
    lab = {"id": "alc", "kind": "lab_limit", "test": "LYM", "above_times_uln": 2.5, "subjects": 1}
    design = _design(_protocol(LabLimitRule.model_validate({**lab, **WHY})), subjects=40)
    assert "No error rates" in design.rules[0].notes[0]
    assert design.spending.spent == {"alc": None}
    assert design.combined.rules == ()


def test_control_time_is_the_union_of_the_control_windows() -> None:
    assert plan_of(_protocol(_count(1))).ratio == (18 + 36) / 3
    overlapping = _protocol(_count(1), control_windows_hours=((12.0, 30.0), (24.0, 48.0)))
    assert plan_of(overlapping).ratio == 36 / 3


def test_a_scan_looks_whenever_as_many_more_events_could_cross() -> None:
    rule = _timing(method="scan", looks=3, min_events=3, min_subjects=4)
    assert look_numbers(rule) == (4, 8, 12)
    assert look_numbers(_timing(method="scan", looks=2)) == (2, 4)  # one event is no cluster


def test_self_controlled_with_one_look_is_one_exact_test_of_all_events() -> None:
    rule = _design(_protocol(_timing(method="self_controlled", looks=1)), subjects=10).rules[0]
    assert isinstance(rule, TimingDesign)
    five, ten = rule.surveillance[:2]
    # chance 1/19 in risk hours: P(Bin(5, 1/19) >= 2) = .0242 <= .025; P(Bin(10, 1/19) >= 2) = .0941, of three .0136
    assert (five.length, five.looks, five.events) == (5.0, (5.0,), (2,))
    assert five.size == pytest.approx(stats.binom.sf(1, 5, 1 / 19), rel=1e-12)
    assert five.power[1] == pytest.approx(stats.binom.sf(1, 5, 5 / 23), rel=1e-12)  # relative incidence 5
    assert (ten.looks, ten.events) == ((10.0,), (3,))


def test_alpha_is_shared_among_planned_looks() -> None:
    rule = _design(_protocol(_timing(method="self_controlled", looks=10)), subjects=10).rules[0]
    for one in rule.surveillance:
        assert one.size <= 0.025
        assert one.looks == tuple(sorted({-(-k * one.length // 10) for k in range(1, 11)}))
        for look, fewest in zip(one.looks, one.events, strict=True):
            if fewest is not None:
                assert stats.binom.sf(fewest - 1, int(look), 1 / 19) <= 0.0025 * (1 + 1e-9)
                assert stats.binom.sf(fewest - 2, int(look), 1 / 19) > 0.0025


def test_fewest_events_of_a_timing_rule_are_kept() -> None:
    for method in ({"method": "self_controlled", "looks": 1}, {"method": "e_process"}):
        rule = _design(_protocol(_timing(**method, min_events=4)), subjects=10).rules[0]
        crossing = [fewest for one in rule.surveillance for fewest in one.events if fewest is not None]
        assert min(crossing) >= 4


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        # one risk hour beside eighteen control hours; five looks at .025 / 5: 1/19 and 1/361 = .0028
        ({"method": "self_controlled", "looks": 5}, [1 / 19, 1 / 361]),
        # twenty looks at .00125 ask for three: 1/6859 = .00015
        ({"method": "self_controlled", "looks": 20}, [1 / 19, 1 / 361, 1 / 6859]),
        ({"method": "self_controlled", "looks": 5, "min_events": 3}, [1 / 19, 1 / 361, 1 / 6859]),
        # odds of 1.5 to 18: 1/13
        ({"method": "self_controlled", "looks": 5, "gamma": 1.5}, [1 / 13, 1 / 169, 1 / 2197]),
        # of .025 two of twenty events may spend .0025, which 1/361 exceeds
        ({"method": "sequential", "n_max": 20}, [1 / 19, 1 / 361, 1 / 6859]),
        ({"method": "scan", "looks": 2}, []),
    ],
)
def test_a_design_says_how_many_events_in_risk_hours_it_takes(
    fields: dict[str, Any], needed: list[float]
) -> None:
    rule = _design(_protocol(_timing(**fields)), subjects=10).rules[0]
    assert rule.smallest_attainable_p == pytest.approx(needed)


def test_what_is_spent_is_held_against_what_is_declared() -> None:
    design = _design(_protocol(_count(3), _rate(), _timing(method="sequential", n_max=20)))
    spent = design.spending
    assert spent.declared == {"count": None, "rate": 0.025, "timing": 0.025}
    assert spent.total_declared == pytest.approx(0.05)
    assert spent.total_spent == pytest.approx(sum(value for value in spent.spent.values()))
    assert spent.within is False  # the count alone spends .0457
    enough = Multiplicity.model_validate({"familywise_alpha": 0.2})
    rules = (_count(3), _rate(), _timing(method="sequential", n_max=20))
    assert _design(_protocol(*rules, multiplicity=enough)).spending.within is True


def test_a_count_rule_is_counted_against_the_declared_alpha() -> None:
    count = float(stats.binom.sf(2, 40, 0.02))  # .0457
    rules = (_count(3), _rate(alpha=0.001), _timing(method="sequential", n_max=20, alpha=0.003))
    spent = spend_protocol(_protocol(*rules))
    assert spent.counts == ("count",)
    assert spent.spent["count"] == pytest.approx(count, rel=1e-12)
    assert spent.within is True
    assert spend_protocol(_protocol(_count(3), _rate(null_rate=0.01, alpha=0.005))).within is False  # .0507
    protocol = _protocol(_count(3), _rate(null_rate=0.01, alpha=0.005))
    assert spend(protocol, plan_of(protocol, subjects=20)).within is True


def crossing_any(limits: Mapping[int, int], rate: float) -> float:
    """Return P(any limit on the number of cases is reached), subject by subject, in plain sums."""
    going, crossed = {0: 1.0}, 0.0
    for subject in range(1, max(limits) + 1):
        after: dict[int, float] = {}
        for cases, chance in going.items():
            after[cases] = after.get(cases, 0.0) + chance * (1 - rate)
            after[cases + 1] = after.get(cases + 1, 0.0) + chance * rate
        limit = limits.get(subject, subject + 1)
        crossed += sum(chance for cases, chance in after.items() if cases >= limit)
        going = {cases: chance for cases, chance in after.items() if cases < limit}
    return crossed


def test_rules_that_count_the_same_subjects_spend_what_the_lowest_of_their_boundaries_does() -> None:
    # Pocock at 2 %, 40 subjects, alpha .02 crosses at two cases of 2 to 7, three of 8 to 22, four of 23 to 40
    # (Bin(n, .02), its size .0194 by the sums above): a count of four never crosses before it, one of three does.
    pocock = {n: 2 if n <= 7 else 3 if n <= 22 else 4 for n in range(2, 41)}
    rate, timing = _rate(alpha=0.02), _timing(method="sequential", n_max=20, alpha=0.03)
    four = spend_protocol(_protocol(_count(4), rate, timing))
    assert four.one_path == ("count", "rate")
    assert four.one_path_spends == pytest.approx(crossing_any(pocock, 0.02), rel=1e-12)
    assert (four.bound, four.within) == (pytest.approx(0.05), True)
    three = spend_protocol(_protocol(_count(3), rate, timing))
    joint = crossing_any({n: min(3, limit) for n, limit in pocock.items()}, 0.02)
    assert three.one_path_spends == pytest.approx(joint, rel=1e-12)
    assert (three.bound, three.within) == (pytest.approx(joint + 0.03), False)


def test_rules_with_other_rates_without_harm_do_not_share_a_path() -> None:
    spent = spend_protocol(_protocol(_count(3), _rate(null_rate=0.01)))
    assert (spent.one_path, spent.one_path_spends) == ((), None)


def test_a_count_that_can_never_be_reached_spends_nothing() -> None:
    protocol = _protocol(_count(5))
    spent = spend(protocol, plan_of(protocol, subjects=4))
    assert (spent.spent, spent.within) == ({"count": 0.0}, True)


def test_a_scan_spends_at_most_its_alpha() -> None:
    spent = spend_protocol(_protocol(_timing(method="scan", looks=2)))
    assert (spent.spent, spent.bound) == ({"timing": 0.025}, 0.025)


@pytest.mark.parametrize(
    "path", ["deployments/studies/CYT107-IV/protocol.yaml", "flows/simulate/protocol.yaml"]
)
def test_the_rules_of_each_example_keep_to_its_alpha_together(path: str) -> None:
    protocol = load_protocol(Path(__file__).parents[3] / path)
    spent = spend_protocol(protocol)
    assert spent.spent["four_cases"] == pytest.approx(stats.binom.sf(3, 40, 0.02), rel=1e-12)
    assert spent.within is True
    assert spent.bound == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: design_protocol(p, seed=-1, simulations=10),
            "seed: found -1; allowed: a whole number, 0 or more",
        ),
        (
            lambda p: design_protocol(p, seed=1, simulations=0),
            "simulations: found 0; allowed: a whole number, 1 or more",
        ),
        (
            lambda p: design_protocol(p, seed=1, simulations=10, subjects=0),
            "subjects: found 0; allowed: a whole number, 1 or more",
        ),
        (lambda p: plan_of(p, subjects=-1), "subjects: found -1; allowed: a whole number, 1 or more"),
        (lambda p: rates_from(1.0), "null_rate: found 1.0; allowed: a number between 0 and 1, both excluded"),
        (lambda p: rates_from(0), "null_rate: found 0; allowed: a number between 0 and 1, both excluded"),
    ],
)
def test_impossible_parameters_of_a_design_are_refused(call: Any, message: str) -> None:
    with pytest.raises(DesignError) as refusal:
        call(_protocol(_rate()))
    assert str(refusal.value) == message


def test_a_timing_rule_without_a_boundary_is_refused_by_name() -> None:
    with pytest.raises(DesignError, match=r"rule timing: expected_max: found 5000.0; allowed: at most 1000"):
        spend_protocol(_protocol(_timing(method="maxsprt_poisson", expected_max=5000.0)))


TIMING = (
    {"method": "self_controlled", "looks": 4},
    {"method": "scan", "looks": 2},
    {"method": "sequential", "n_max": 20},
    {"method": "maxsprt_poisson", "expected_max": 2.0},
    {"method": "e_process"},
)


@pytest.mark.parametrize("fields", TIMING, ids=lambda fields: fields["method"])
def test_a_timing_rule_says_where_its_error_is_spent_and_when_it_stops(fields: dict[str, Any]) -> None:
    rule = _design(_protocol(_timing(**fields)), subjects=10).rules[0]
    for one in rule.surveillance:
        assert len(one.size_by_look) == len(one.looks)
        assert sum(one.size_by_look) == pytest.approx(one.size, abs=1e-9)
        assert len(one.expected_length) == len(one.expected_in_risk) == len(one.power) == 5
        lengths = (one.without_harm[0], *one.expected_length)
        assert all(0 < length <= one.length for length in lengths)
        assert (
            list(lengths) == sorted(lengths, reverse=True) or fields["method"] == "scan"
        )  # harm stops it sooner


def test_what_has_begun_when_it_stops_by_hand() -> None:
    # one look at the fifth event, at which two cross: every run has five events, of which 5/19 in risk hours
    rule = _design(_protocol(_timing(method="self_controlled", looks=1)), subjects=10).rules[0]
    five = rule.surveillance[0]
    assert five.size_by_look == pytest.approx((stats.binom.sf(1, 5, 1 / 19),), rel=1e-9)
    assert five.without_harm == pytest.approx((5.0, 5 / 19), rel=1e-12)


def test_hours_on_the_dose_clock() -> None:
    assert merged([(12.0, 30.0), (-24.0, -6.0), (24.0, 48.0)]) == [(-24.0, -6.0), (12.0, 48.0)]
    assert gaps([(5.0, 8.0), (-24.0, -6.0), (12.0, 48.0)], 0.0, 48.0) == [(0.0, 5.0), (8.0, 12.0)]
    hours = uniform_hours(np.random.default_rng(1), [(0.0, 1.0), (5.0, 8.0)], 40_000)
    assert set(np.unique(np.floor(hours))) == {0.0, 5.0, 6.0, 7.0}
    assert (hours < 1).mean() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 40_000) ** 0.5)
    assert uniform_hours(np.random.default_rng(1), [], 0).size == 0


def test_subjects_in_a_window_are_counted_once() -> None:
    subjects = np.array([[0, 1], [0, 2], [3, 2]])
    inside = np.array([[True, True], [True, False], [True, True]])
    assert distinct(subjects, inside).tolist() == [2, 2]


def test_exactly_the_declared_alpha_is_within_it() -> None:
    rules = (_rate(id="a"), _rate(id="b", alpha=0.025))
    assert _design(_protocol(*rules)).spending.within is True  # .025 + .025 against .05


def test_alpha_that_is_not_shared_is_judged_by_nobody() -> None:
    unshared = Multiplicity.model_validate({"method": "none", "rationale": "a DSMB weighs each rule"})
    spent = _design(_protocol(_rate(), multiplicity=unshared)).spending
    assert (spent.within, spent.familywise_alpha, spent.rationale) == (None, None, "a DSMB weighs each rule")


def test_the_same_seed_gives_the_same_design_and_another_seed_does_not() -> None:
    protocol = _protocol(_count(3), _rate(), _timing(method="scan", looks=2))
    first = _design(protocol, seed=3)
    assert first == _design(protocol, seed=3)
    other = _design(protocol, seed=4)
    assert first.combined != other.combined
    assert first.rules[1].size == other.rules[1].size  # exact


def test_an_estimate_carries_its_error() -> None:
    one = estimate(25, 1000)
    assert one.standard_error == pytest.approx((0.025 * 0.975 / 1000) ** 0.5)
    exact = stats.binomtest(25, 1000).proportion_ci(method="exact")
    assert one.ci95 == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert estimate(0, 100).ci95[0] == 0.0
    assert estimate(0, 100).ci95[1] == pytest.approx(1 - 0.025 ** (1 / 100))  # the exact rule of three
    assert estimate(100, 100).ci95[1] == 1.0


def test_rates_begin_at_the_null_rate() -> None:
    assert rates_from(0.02) == (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    assert rates_from(0.9) == (0.9,)


# Two doses, one interval apart. Boundary: two cases among 2 subjects. Cases in the first window of A (entry 0)
# and of C (entry 0.5); B (entry 0.2) has none. Path A, B, C. When C's case is seen at 0.5, A is a whole
# subject, B a half, C a whole: 2 is met at C with two cases. Had B been complete, 2 would be met at B with one.
PENDING = CountBoundary(n_max=3, looks=(2,), events=(2,))


@pytest.mark.parametrize(
    ("entries", "crosses"),
    [((0.0, 0.2, 0.5), True), ((0.0, 0.2, 1.5), False), ((0.0, 0.2, 1.2), False)],
)
def test_an_open_subject_lets_a_later_case_count(entries: tuple[float, ...], crosses: bool) -> None:
    held = np.array([[1, 3, 1]])
    assert bool(first_crossings(np.array([entries]), held, 2, PENDING)[0]) is crosses


def test_a_case_counts_as_a_whole_subject_at_once() -> None:
    boundary = CountBoundary(n_max=2, looks=(1, 2), events=(1, 2))
    held = np.array([[1, 3], [3, 1], [3, 3]])
    entries = np.array([[0.0, 0.1], [0.0, 0.1], [0.0, 0.1]])
    # second row: the case is seen while A is open, so that 1 is met at the case: with A complete it would not
    assert first_crossings(entries, held, 2, boundary).tolist() == [True, True, False]


def test_looks_that_the_planned_subjects_never_reach_cross_nothing() -> None:
    rules = (_rate(looks=[20, 40]), _timing(method="e_process"))
    design = _design(_protocol(*rules), subjects=3)
    assert {one.by_rule["rate"].value for one in design.combined.crossings} == {0.0}


def test_simulated_events_have_the_rates_asked_for() -> None:
    random = np.random.default_rng(5)
    trials = simulate_trials(random, 4000, (10, 3), rate=0.2, background_rate=0.1, blocks=4.5)
    share = trials.cases.any(axis=2).mean()
    assert share == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / 40_000) ** 0.5)
    mean = 3 * 4.5 * (1 - 0.9 ** (1 / 3))  # three doses, four blocks and a half
    assert trials.control.mean() == pytest.approx(mean, abs=4 * (mean / 40_000) ** 0.5)


def test_running_counts_agree_with_counting_one_by_one() -> None:
    trials = simulate_trials(np.random.default_rng(6), 40, (5, 2), rate=0.5, background_rate=0.4, blocks=2.0)
    seen: dict[int, list[int]] = {}
    for trial, number, in_risk, window in zip(
        trials.trial, trials.number, trials.in_risk, trials.window, strict=True
    ):
        before = seen.setdefault(int(trial), [0, 0, 0])
        assert number == before[0] + 1
        assert in_risk - before[1] in (0, 1)
        assert window >= before[2]
        seen[int(trial)] = [int(number), int(in_risk), int(window)]
    for trial, (number, in_risk, _) in seen.items():
        assert in_risk == trials.cases[trial].sum()
        assert number == in_risk + trials.control[trial].sum()
