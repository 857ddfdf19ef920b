"""Sequential timing rules and the scan answer along paths of events, in their three scenarios."""

from dataclasses import replace
from itertools import product

import pytest
from evidence_by_hand import by_window, in_order, moments, on_clocks, step
from scipy import stats

from checks.rules import Evidence, RuleVerdict
from checks.rules.evidence import AssumedRate, BackgroundEvidence
from checks.rules.kinds.timing import TimingRule
from checks.rules.methods import METHODS
from checks.rules.rate_looks import Unit
from checks.rules.scan_looks import DoseClock
from checks.scenario import ByScenario, Scenario

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
OPTIONS = {
    "maxsprt_binomial": {"n_max": 20},
    "e_process": {},
    "maxsprt_poisson": {"expected_max": 1.0},
    "scan": {"looks": 1},
}
BY_EVENT = ("maxsprt_binomial", "e_process")


def rule(method, **changed):
    why = {"rationale": "an example", "source": "no charter"}
    values = {"id": "timing", "kind": "timing", "method": method, "alpha": 0.05, **OPTIONS[method], **why}
    return TimingRule.model_validate({**values, **changed})


def evidence(
    main="", best=None, worst=None, *, ratio=None, hours=(3.0, 45.0), windows=(), background=None, clocks=()
):
    """An r is an event in risk hours, a c one in control hours, each of another subject; R is subject 0."""
    texts = ByScenario(main if best is None else best, main, main if worst is None else worst)
    assumed = {} if background is None else {"window": AssumedRate(background, None)}
    events, doses = (one + other for one, other in zip(by_window(windows), on_clocks(clocks), strict=True))
    found = BackgroundEvidence(0, hours[1], {}, assumed)
    return Evidence((*in_order(texts, ratio), *events), doses, *hours, background=found, seed=7)


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize("method", BY_EVENT)
def test_risk_events_alone_cross_and_control_events_alone_do_not(method):
    assert rule(method).evaluate(evidence("rrr")).verdict is CROSSED
    assert rule(method).evaluate(evidence("ccc")).verdict is NOT_CROSSED
    assert rule(method).evaluate(evidence("")).verdict is NOT_CROSSED


@pytest.mark.parametrize("method", BY_EVENT)
def test_once_crossed_stays_crossed_whatever_follows(method):
    """Three risk events first cross; the same events after 17 in control hours do not."""
    first = rule(method).evaluate(evidence("rrr" + "c" * 17))
    last = rule(method).evaluate(evidence("c" * 17 + "rrr"))
    assert (first.verdict, last.verdict) == (CROSSED, NOT_CROSSED)
    assert first.detail["crossed_at"] <= 3
    assert last.detail["crossed_at"] is None
    assert (first.events, first.n_evaluable) == (last.events, last.n_evaluable) == (3, 20)


@pytest.mark.parametrize("method", BY_EVENT)
def test_each_reading_walks_its_own_path(method):
    found = evidence("rcrcc", best="ccc", worst="rrrrr")
    result = rule(method, alpha=0.001).evaluate(found)
    assert answers(result) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert (result.detail["events_best"], result.events, result.detail["events_worst"]) == (0, 2, 5)
    assert result.detail["p_best"] > result.p_value > result.detail["p_worst"]


@pytest.mark.parametrize("method", BY_EVENT)
def test_fewest_events_and_subjects_are_honoured(method):
    """RRRr are three events of one subject and a fourth of another."""
    found = evidence("RRRr")
    assert rule(method, min_events=3).evaluate(found).detail["crossed_at"] == 3
    assert rule(method, min_events=4).evaluate(found).detail["crossed_at"] == 4
    assert rule(method, min_events=5).evaluate(found).verdict is NOT_CROSSED
    assert rule(method, min_subjects=2).evaluate(found).detail["crossed_at"] == 4
    assert rule(method, min_subjects=3).evaluate(found).verdict is NOT_CROSSED


def test_too_few_events_leave_a_maxsprt_nothing_to_say():
    """The fewest events are part of its calibration: before them no ratio counts, and p is 1."""
    early = rule("maxsprt_binomial", min_events=3).evaluate(evidence("rr"))
    assert (early.statistic, early.p_value) == (0.0, 1.0)


def test_events_after_the_last_look_of_a_maxsprt_are_not_judged():
    rare = rule("maxsprt_binomial", n_max=3)
    assert rare.evaluate(evidence("cccrrrrrr")).verdict is NOT_CROSSED
    assert rule("maxsprt_binomial").evaluate(evidence("cccrrrrrr")).verdict is CROSSED


def test_the_ratio_is_control_to_risk_hours():
    """With as many control as risk hours three risk events are a coin tossed three times."""
    even = rule("maxsprt_binomial").evaluate(evidence("rrr", hours=(45.0, 45.0)))
    assert (even.verdict, even.detail["ratio"]) == (NOT_CROSSED, 1.0)
    assert rule("maxsprt_binomial").evaluate(evidence("rrr")).detail["ratio"] == 15.0


def test_the_p_value_of_a_maxsprt_is_the_chance_of_as_large_a_ratio_at_any_event():
    """By brute force over all 2^6 sequences of six events, each in risk hours with chance 1/4."""

    def largest(sequence):
        found = 0.0
        for n in range(1, len(sequence) + 1):
            c = sum(sequence[:n])
            if c / n > 1 / 4:
                found = max(found, stats.binom.logpmf(c, n, c / n) - stats.binom.logpmf(c, n, 1 / 4))
        return found

    seen = largest((0, 1, 1, 0, 1, 0))
    chance = sum(
        (1 / 4) ** sum(one) * (3 / 4) ** (6 - sum(one))
        for one in product((0, 1), repeat=6)
        if largest(one) >= seen - 1e-9
    )
    result = rule("maxsprt_binomial", n_max=6, alpha=0.2).evaluate(evidence("crrcrc", hours=(10.0, 30.0)))
    assert result.p_value == pytest.approx(chance)
    assert result.statistic == pytest.approx(seen)


@pytest.mark.parametrize("method", BY_EVENT)
@pytest.mark.parametrize("path", ["rr", "rcr", "rrcrr", "crrcr", "ccrcrr"])
def test_a_sequential_p_value_is_within_alpha_exactly_where_the_rule_crosses(method, path):
    for alpha in (0.01, 0.05, 0.2):
        result = rule(method, alpha=alpha).evaluate(evidence(path))
        assert (result.p_value <= alpha) is (result.verdict is CROSSED)


def test_the_e_value_of_one_event_in_risk_hours():
    """A Beta(1/2, 1/2) share q, cut to q > 1/2 by symmetry half of it: E = E[q | q > 1/2] / (1/2) = 1 + 2 / pi."""
    result = rule("e_process").evaluate(evidence("r", hours=(1.0, 1.0)))
    assert result.statistic == pytest.approx(1 + 2 / 3.141592653589793)
    assert result.p_value == pytest.approx(1 / result.statistic)
    assert (result.boundary, result.detail["boundary_is"]) == (20.0, "e_value")


def test_without_any_boundary_the_rule_is_not_evaluable():
    """When nearly all hours are risk hours, no three events are rare."""
    result = rule("maxsprt_binomial", n_max=3).evaluate(evidence("rrr", hours=(45.0, 1.0)))
    assert answers(result) == (UNKNOWN,) * 3
    assert "0.0222 observed control hours for each risk hour allow no boundary" in result.detail["reason"]


@pytest.mark.parametrize("method", BY_EVENT)
def test_without_observed_hours_nothing_can_be_said(method):
    for hours in ((0.0, 45.0), (3.0, 0.0)):
        assert answers(rule(method).evaluate(evidence("rrr", hours=hours))) == (UNKNOWN,) * 3


def windows(text, first=0):
    """An x is a window with an event, w one only in the worst case, . one without; each of another subject."""
    held = {"x": "bmw", "w": "w", ".": ""}
    return tuple(step(held[letter], subject=n) for n, letter in enumerate(text, start=first))


def poisson(text, *, background=0.01, **changed):
    found = evidence(windows=windows(text), background=background)
    return rule("maxsprt_poisson", **changed).evaluate(found)


def test_the_expected_count_grows_by_the_background_of_each_window():
    """Ten windows at 0.01 expect 0.1; two events in them: 2 ln(2 / 0.1) - 2 + 0.1."""
    result = poisson("........xx", min_events=2)
    assert result.detail["expected"] == pytest.approx(0.1)
    assert result.statistic == pytest.approx(4.091464547)
    assert (result.events, result.verdict, result.p_value) == (2, CROSSED, None)
    assert result.detail["crossed_at"] == pytest.approx(0.1)
    assert poisson("." * 70 + "xx", min_events=2).verdict is NOT_CROSSED


def test_a_window_is_judged_with_its_own_background_counted():
    """An event in the very first window is one where 0.01 was expected, not one where nothing was."""
    assert poisson("x").statistic == pytest.approx(4.605170186 - 0.99)


def test_an_event_in_an_open_window_adds_its_background_and_an_open_window_without_one_its_share():
    """1 + 0.5 windows of 0.01 expect 0.015."""
    path = (Unit(1, case=moments(8.0, "bmw")), step(weight=0.5, subject=2))
    assert expected(path) == pytest.approx(0.015)


def expected(path):
    """The count expected along a path of windows at 0.01."""
    poisson = METHODS["maxsprt_poisson"]
    return poisson.walk(rule("maxsprt_poisson"), path, Scenario.MAIN, 0.01).length


def test_windows_after_a_crossing_clear_nothing_and_windows_past_the_end_are_not_judged():
    assert poisson("xxx" + "." * 90, min_events=3).verdict is CROSSED
    assert poisson("." * 100 + "xxxxx", min_events=3).verdict is NOT_CROSSED
    assert poisson("." * 97 + "xxx", min_events=3).statistic > 0, "the hundredth window is the last look"


@pytest.mark.parametrize(("background", "at_least"), [(0.005, 0.04), (0.02, 0.03), (0.2, 0.005)])
def test_judging_windows_as_they_close_keeps_alpha(background, at_least):
    """Windows are Bernoulli trials: the exact chance of a crossing is within the alpha of the Poisson test.

    The fewest events that cross at each window are read from the rule itself; their chance by adding up states.
    """
    count, one = round(2.0 / background), rule("maxsprt_poisson", expected_max=2.0, min_events=2)
    alive, crossing = {0: 1.0}, 0.0
    fewest = 2
    for n in range(1, count + 1):
        moved: dict[int, float] = {}
        for events, chance in alive.items():
            moved[events] = moved.get(events, 0.0) + chance * (1 - background)
            moved[events + 1] = moved.get(events + 1, 0.0) + chance * background
        while fewest <= n and not crosses_at(one, n, fewest, background):
            fewest += 1
        crossing += sum(chance for events, chance in moved.items() if events >= fewest)
        alive = {events: chance for events, chance in moved.items() if events < fewest}
    assert at_least < crossing <= one.alpha


def crosses_at(one, n, events, background):
    """Whether so many events among n windows cross, the last windows being theirs: the count is met at the last."""
    path = (*windows("." * (n - events)), *windows("x" * events, first=n - events))
    found = evidence(windows=path, background=background)
    return one.evaluate(found).detail["crossed_at"] is not None


def test_poisson_honours_delay_events_and_subjects():
    assert poisson("xx........", min_events=3).verdict is NOT_CROSSED
    assert poisson("xx........", delay=0.05).detail["crossed_at"] == pytest.approx(0.05)
    one = tuple(replace(step, subject=1) for step in windows("xx"))
    for fewest, verdict in ((1, CROSSED), (2, NOT_CROSSED)):
        found = evidence(windows=one, background=0.01)
        assert rule("maxsprt_poisson", min_subjects=fewest).evaluate(found).verdict is verdict


def test_poisson_reads_the_worst_case_too():
    assert answers(poisson("ww...", min_events=2)) == (NOT_CROSSED, NOT_CROSSED, CROSSED)


def test_poisson_without_a_background_is_not_evaluable():
    result = rule("maxsprt_poisson").evaluate(evidence(windows=windows("xxx")))
    assert answers(result) == (UNKNOWN,) * 3
    assert "declares no background" in result.detail["reason"]


def clock(subject, *hours, observed=((0.0, 48.0),), best=None, worst=None, ended=float("-inf")):
    onsets = ByScenario(hours if best is None else best, hours, hours if worst is None else worst)
    return DoseClock(subject, tuple(observed), onsets, ended)


def scanned(*clocks, **changed):
    return rule("scan", **changed).evaluate(evidence(clocks=clocks))


def test_the_scan_finds_the_window_that_was_planted():
    """Three events uniform on 48 h within one hour: 3 r^2 - 2 r^3 with r = 1/48 is 0.00128."""
    result = scanned(clock(1, 6.0), clock(2, 6.5), clock(3, 7.0), clock(4))
    assert result.detail["window_hours"] == [6.0, 7.0]
    assert result.p_value == pytest.approx(3 / 48**2 - 2 / 48**3, abs=0.0015)
    assert (result.verdict, result.events, result.n_evaluable) == (CROSSED, 3, 3)
    assert (result.boundary, result.detail["boundary_is"]) == (0.05, "p_value")


def test_the_scan_shares_alpha_among_its_planned_looks():
    found = [clock(1, 6.0), clock(2, 6.5), clock(3, 7.0)]
    assert scanned(*found, looks=10).boundary == pytest.approx(0.005)
    assert scanned(*found, looks=10).verdict is CROSSED
    assert scanned(*found, looks=1000).verdict is NOT_CROSSED


def test_a_scan_looks_at_every_so_many_events_of_doses_that_have_ended():
    """Two looks, at two and at four events: a fifth calls none, and the dose that goes on is in neither."""
    early = [replace(clock(n, 6.0 + n / 10), ended=48.0 + n) for n in range(2)]
    late = [replace(clock(n, 10.0 * (n - 1)), ended=100.0 + n) for n in range(2, 5)]
    going = replace(clock(9, 6.05), ended=float("inf"))
    one = scanned(*early, going, looks=2)
    assert (one.detail["looks_taken"], one.n_evaluable) == (1, 3)
    assert one.detail["next_look"] == "at 4 events in doses whose hours have ended"
    both = scanned(*early, *late, going, looks=2)
    assert both.detail["looks_taken"] == 2
    assert both.detail["next_look"] == "none: all planned looks are taken"
    assert both.detail["p_at_looks"][0] == one.detail["p_at_looks"][0], "the first look stays as it was"


def test_a_scan_that_crossed_at_a_look_stays_crossed_whatever_is_scattered_later():
    cluster = [replace(clock(n, 6.0 + n / 10), ended=48.0 + n) for n in range(3)]
    scattered = [replace(clock(n, 2.0 + 3 * (n - 10)), ended=100.0 + n) for n in range(10, 24)]
    assert scanned(*cluster, min_events=3).verdict is CROSSED
    later = scanned(*cluster, *scattered, min_events=3)
    assert (later.verdict, later.p_value > later.boundary) == (CROSSED, True)


@pytest.mark.parametrize("method", BY_EVENT)
def test_an_event_is_judged_at_the_ratio_of_its_own_moment(method):
    """At as many control as risk hours three risk events cross nothing; nor when control hours come later."""
    then = rule(method).evaluate(evidence("rrr", ratio=1.0))
    assert (then.verdict, rule(method).evaluate(evidence("rrr")).verdict) == (NOT_CROSSED, CROSSED)
    assert then.detail["ratio"] == 15.0
    nothing = rule(method).evaluate(evidence("rrr", ratio=float("inf")))
    assert (nothing.verdict, nothing.p_value) == (NOT_CROSSED, 1.0)


def test_an_open_window_that_closes_before_a_known_case_counts_whole():
    """Two windows of 0.01, though the first is still open; one that closes later does not count yet."""
    path = (
        Unit(0, open=(8.0,)),
        Unit(1, open=(9.0,), case=moments(9.0, "bmw")),
        Unit(2, open=(8.0,)),
    )
    assert expected(path) == pytest.approx(0.02)


def test_the_scan_counts_subjects_not_doses():
    """Three doses of one subject are three units, and one subject."""
    found = [clock(1, 6.0), clock(1, 6.5), clock(1, 7.0)]
    assert scanned(*found).verdict is CROSSED
    assert scanned(*found, min_subjects=2).verdict is NOT_CROSSED
    assert scanned(*found, min_events=4).verdict is NOT_CROSSED


def test_an_event_outside_observed_hours_is_counted_out_and_said():
    result = scanned(
        clock(1, 6.0),
        clock(2, 6.5),
        clock(3, 7.0),
        clock(4, 30.0, observed=[(0.0, 12.0)]),
        clock(5, 6.2, observed=[]),
    )
    assert (result.n_evaluable, result.detail["events_outside_observed"]) == (3, 2)
    assert result.detail["left_out"].startswith("2 of 5 events with a known hour")
    assert "left_out" not in scanned(clock(1, 6.0), clock(2, 6.5)).detail


def test_the_scan_reads_best_and_worst_cases():
    clocks = [clock(n, best=(), worst=(6.0 + n / 10,)) for n in range(4)]
    result = scanned(*clocks, clock(9, 30.0))
    assert answers(result) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert result.detail["p_worst"] < result.p_value <= result.detail["p_best"]


def test_the_scan_without_observed_hours_is_not_evaluable():
    assert answers(scanned(clock(1, 6.0, observed=[]))) == (UNKNOWN,) * 3


def test_a_scan_without_events_crosses_nothing():
    result = scanned(clock(1), clock(2))
    assert (answers(result), result.p_value) == ((NOT_CROSSED,) * 3, 1.0)
    assert result.detail["window_hours"] is None


def test_the_seed_of_the_study_alone_decides_the_permutations():
    clocks = [clock(n, 5.0 + 3 * n) for n in range(6)]
    one, other = scanned(*clocks), scanned(*clocks)
    assert one == other
    found = evidence(clocks=clocks)
    moved = rule("scan").evaluate(replace(found, seed=8))
    assert moved.p_value != one.p_value


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_every_method_says_what_its_boundary_is(method):
    found = evidence("rr", windows=windows("xx"), background=0.01, clocks=[clock(1, 6.0), clock(2, 6.5)])
    assert rule(method).evaluate(found).detail["boundary_is"] in {
        "p_value",
        "log_likelihood_ratio",
        "e_value",
    }
