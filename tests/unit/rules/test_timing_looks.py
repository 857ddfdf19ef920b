"""Sequential timing rules and the scan answer along paths of events, in their three scenarios."""

from dataclasses import replace

import pytest
from evidence_by_hand import in_order, on_clocks, opportunity

from checks.rules import Evidence, RuleVerdict
from checks.rules.evidence import AssumedRate, BackgroundEvidence, Event
from checks.rules.kinds.timing import TimingRule
from checks.rules.scan_looks import DoseClock
from checks.scenario import ByScenario

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
OPTIONS = {
    "sequential": {"n_max": 20},
    "self_controlled": {"looks": 1},
    "e_process": {},
    "maxsprt_poisson": {"expected_max": 1.0},
    "scan": {"looks": 1},
}
BY_EVENT = ("sequential", "e_process")
FIVE = [(1.0, 6.0), (1.0, 18.0), (3.0, 54.0), (2.0, 6.0), (0.5, 4.5)]
"""Hours of opportunity of five doses: probabilities 1/7, 1/19, 1/19, 1/4, 1/10."""


def rule(method, **changed):
    why = {"rationale": "an example", "source": "no charter"}
    values = {"id": "timing", "kind": "timing", "method": method, "alpha": 0.05, **OPTIONS[method], **why}
    return TimingRule.model_validate({**values, **changed})


def evidence(main="", best=None, worst=None, *, hours=(3.0, 45.0)):
    """An r is an event in risk hours, a c one in control hours, each of another subject; R is subject 0."""
    texts = ByScenario(main if best is None else best, main, main if worst is None else worst)
    events, doses = in_order(texts, hours)
    return Evidence(events, (), opportunities=doses)


def five(main):
    """Five events, of doses with hours of their own."""
    found = evidence(main)
    own = (
        replace(dose, in_risk=risk, in_control=control)
        for dose, (risk, control) in zip(found.opportunities, FIVE, strict=True)
    )
    return replace(found, opportunities=tuple(own))


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize("method", BY_EVENT)
def test_risk_events_alone_cross_and_control_events_alone_do_not(method):
    assert rule(method).evaluate(evidence("rrr")).verdict is CROSSED
    assert rule(method).evaluate(evidence("ccc")).verdict is NOT_CROSSED
    assert rule(method).evaluate(evidence("")).verdict is UNKNOWN


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
def test_each_scenario_walks_its_own_path(method):
    found = evidence("rcrcc", best="cccc", worst="rrrrr")
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


def test_a_sequential_rule_spends_alpha_on_the_probability_of_each_event():
    """Boundaries -, -, 3, 3, 3 of N = 20, alpha .05, two at least; used .0111396913; LLR of three 3.5449519435."""
    result = rule("sequential", min_events=2).evaluate(five("rcrcr"))
    assert (result.boundary, result.detail["boundary_is"]) == (3, "events")
    assert result.detail["alpha_used"] == pytest.approx(0.0111396913, abs=0.6e-10)
    assert result.statistic == pytest.approx(3.5449519435, abs=0.6e-10)
    assert result.p_value == pytest.approx(0.0111396913, abs=0.6e-10)
    assert (result.verdict, result.detail["crossed_at"]) == (CROSSED, 5)
    assert rule("sequential", min_events=2).evaluate(five("rrccc")).verdict is NOT_CROSSED


def test_the_tipping_gamma_of_a_sequential_rule_is_where_it_no_longer_crosses():
    found = five("rrrcc")
    result = rule("sequential", min_events=2).evaluate(found)
    assert result.detail["crossed_at"] == 3
    tipping = result.gamma_tipping
    for factor, verdict in ((0.999, CROSSED), (1.001, NOT_CROSSED)):
        assert rule("sequential", min_events=2, gamma=tipping * factor).evaluate(found).verdict is verdict
    assert rule("sequential", min_events=2).evaluate(five("ccccc")).gamma_tipping is None


def test_the_e_process_weighs_each_event_by_its_own_probability():
    """10101 on the five: 4.32, 2.26, 17.21, 3.88, 19.7674259822: within a hair of 20."""
    result = rule("e_process").evaluate(five("rcrcr"))
    assert result.statistic == pytest.approx(19.7674259822, abs=0.6e-10)
    assert result.p_value == pytest.approx(1 / 19.7674259822)
    assert (result.boundary, result.detail["boundary_is"]) == (20.0, "e_value")
    assert result.verdict is NOT_CROSSED
    assert rule("e_process", alpha=0.0506).evaluate(five("rcrcr")).detail["crossed_at"] == 5
    assert result.smallest_attainable_p == pytest.approx(1 / 13820.6383779574)


@pytest.mark.parametrize("method", BY_EVENT)
def test_events_of_doses_that_close_together_are_judged_together(method):
    """Between two of one moment nobody looks: rr)c never crosses at its second event where rrc would not."""
    apart, together = evidence("rr" + "c" * 40), evidence("(rr" + "c" * 40 + ")")
    assert rule(method).evaluate(apart).detail["crossed_at"] == 2
    assert rule(method).evaluate(together).verdict is NOT_CROSSED


def test_no_e_value_between_two_events_of_one_moment_is_told():
    assert rule("e_process").evaluate(evidence("(rr" + "c" * 40 + ")")).statistic == 1.0


def test_events_after_n_max_are_judged_with_what_is_left_of_alpha():
    few, more = (rule("sequential", n_max=n_max).evaluate(evidence("cccrrrrrr")) for n_max in (3, 20))
    assert few.detail["alpha_used"] <= 0.05
    assert (few.verdict, more.verdict) == (CROSSED, CROSSED)


@pytest.mark.parametrize("path", ["rr", "rcr", "rrcrr", "crrcr", "ccrcrr"])
def test_the_p_value_of_an_e_process_is_within_alpha_exactly_where_it_crosses(path):
    for alpha in (0.01, 0.05, 0.2):
        result = rule("e_process", alpha=alpha).evaluate(evidence(path))
        assert (result.p_value <= alpha) is (result.verdict is CROSSED)


@pytest.mark.parametrize("method", BY_EVENT)
def test_without_opportunity_of_both_kinds_nothing_can_be_said(method):
    for hours in ((0.0, 45.0), (3.0, 0.0)):
        assert answers(rule(method).evaluate(evidence("rrr", hours=hours))) == (UNKNOWN,) * 3


def windows(text, background=0.01, *, shares=1.0, one_subject=False, ends=None):
    """An x is a window with an event, w one only in the worst case, . one without; each of another subject.

    Windows close one after the other, at 0, 1, ...; of those after the cut-off (``ends``) the hours have not ended.
    """
    held = {
        "x": ByScenario(best=True, main=True, worst=True),
        "w": ByScenario(best=False, main=False, worst=True),
    }
    subject = [1 if one_subject else n for n in range(len(text))]
    return Evidence(
        tuple(Event(subject[n], n, in_risk=held[letter]) for n, letter in enumerate(text) if letter in held),
        (),
        opportunities=tuple(
            opportunity(subject[n], n, 3.0 * shares, closes=float(n)) for n in range(len(text))
        ),
        risk_hours=3.0,
        background=BackgroundEvidence(
            0, 0.0, {}, {} if background is None else {"window": AssumedRate(background, None)}
        ),
        data_cutoff=float("inf") if ends is None else ends,
    )


def poisson(text, *, background=0.01, ends=None, **changed):
    return rule("maxsprt_poisson", **changed).evaluate(windows(text, background, ends=ends))


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


def test_a_window_counts_for_the_share_of_its_hours_in_which_an_event_could_be_seen():
    """Ten windows of two hours of three expect two thirds of 0.1."""
    result = rule("maxsprt_poisson").evaluate(windows("........xx", shares=2 / 3))
    assert result.detail["expected"] == pytest.approx(0.2 / 3)


def test_an_open_window_that_closes_before_a_known_case_counts_whole():
    """Three of four windows of 0.01: one closed, two open up to that with the case; the last does not count yet."""
    result = poisson("..x.", ends=0.5)
    assert (result.detail["expected"], result.events) == (pytest.approx(0.03), 1)
    assert poisson("....", ends=0.5).detail["expected"] == pytest.approx(0.01)


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
    found = windows("." * (n - events) + "x" * events, background)
    return one.evaluate(found).detail["crossed_at"] is not None


def test_poisson_honours_delay_events_and_subjects():
    assert poisson("xx........", min_events=3).verdict is NOT_CROSSED
    assert poisson("xx........", delay=0.05).detail["crossed_at"] == pytest.approx(0.05)
    one = windows("xx", one_subject=True)
    for fewest, verdict in ((1, CROSSED), (2, NOT_CROSSED)):
        assert rule("maxsprt_poisson", min_subjects=fewest).evaluate(one).verdict is verdict


def test_poisson_passes_over_an_event_at_an_instant_without_opportunity():
    found = windows("xx")
    events = tuple(replace(event, able=event.subject != 1) for event in found.events)
    assert rule("maxsprt_poisson").evaluate(replace(found, events=events)).events == 1


def test_poisson_reads_the_worst_case_too():
    assert answers(poisson("ww...", min_events=2)) == (NOT_CROSSED, NOT_CROSSED, CROSSED)


def test_poisson_without_a_background_is_not_evaluable():
    result = poisson("xxx", background=None)
    assert answers(result) == (UNKNOWN,) * 3
    assert "declares no background" in result.detail["reason"]


def clock(subject, *hours, spans=((0.0, 48.0),), best=None, worst=None, ended=float("-inf")):
    onsets = ByScenario(hours if best is None else best, hours, hours if worst is None else worst)
    return DoseClock(subject, tuple(spans), onsets, ended)


def watched(clocks):
    events, doses, opportunities = on_clocks(clocks)
    return Evidence(events, doses, opportunities=opportunities, seed=7)


def scanned(*clocks, **changed):
    return rule("scan", **changed).evaluate(watched(clocks))


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


def test_the_scan_counts_subjects_not_doses():
    """Three doses of one subject are three units, and one subject."""
    found = [clock(1, 6.0), clock(1, 6.5), clock(1, 7.0)]
    assert scanned(*found).verdict is CROSSED
    assert scanned(*found, min_subjects=2).verdict is NOT_CROSSED
    assert scanned(*found, min_events=4).verdict is NOT_CROSSED


def test_an_event_outside_the_hours_of_opportunity_is_counted_out_and_said():
    result = scanned(
        clock(1, 6.0),
        clock(2, 6.5),
        clock(3, 7.0),
        clock(4, 30.0, spans=[(0.0, 12.0)]),
        clock(5, 6.2, spans=[]),
    )
    assert (result.n_evaluable, result.detail["events_outside_opportunity"]) == (3, 2)
    assert result.detail["left_out"].startswith("2 of 5 events with a known hour")
    assert "left_out" not in scanned(clock(1, 6.0), clock(2, 6.5)).detail


def test_the_scan_reads_best_and_worst_cases():
    clocks = [clock(n, best=(), worst=(6.0 + n / 10,)) for n in range(4)]
    result = scanned(*clocks, clock(9, 30.0))
    assert answers(result) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert result.detail["p_worst"] < result.p_value <= result.detail["p_best"]


def test_the_scan_without_observed_hours_is_not_evaluable():
    assert answers(scanned(clock(1, 6.0, spans=[]))) == (UNKNOWN,) * 3


def test_a_scan_without_events_crosses_nothing():
    result = scanned(clock(1), clock(2))
    assert (answers(result), result.p_value) == ((NOT_CROSSED,) * 3, 1.0)
    assert result.detail["window_hours"] is None


def test_the_seed_of_the_study_alone_decides_the_permutations():
    clocks = [clock(n, 5.0 + 3 * n) for n in range(6)]
    one, other = scanned(*clocks), scanned(*clocks)
    assert one == other
    found = watched(clocks)
    moved = rule("scan").evaluate(replace(found, seed=8))
    assert moved.p_value != one.p_value


def test_the_scan_passes_over_an_event_at_an_instant_without_opportunity():
    found = watched([clock(1, 6.0), clock(2, 6.5), clock(3, 7.0)])
    events = tuple(replace(event, able=event.subject != 2) for event in found.events)
    assert rule("scan").evaluate(replace(found, events=events)).n_evaluable == 2


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_every_method_says_what_its_boundary_is(method):
    found = replace(windows("xx"), windows=(), opportunities=(opportunity(0, 0, spans=((0.0, 48.0),)),))
    assert rule(method).evaluate(found).detail["boundary_is"] in {
        "events",
        "p_value",
        "log_likelihood_ratio",
        "e_value",
    }
