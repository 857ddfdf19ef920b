"""Planned looks of the conditional test answer from events, each with its own probability, in three scenarios."""

import math
from dataclasses import replace

import pytest
from evidence_by_hand import in_order, opportunity
from scipy import stats

from checks.rules import Evidence, RuleVerdict, compare
from checks.rules.evidence import Event
from checks.rules.kinds.timing import TimingRule
from checks.scenario import ByScenario, Scenario

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
RULE = {
    "id": "timing",
    "kind": "timing",
    "method": "self_controlled",
    "alpha": 0.05,
    "looks": 5,
    "rationale": "an example",
    "source": "no charter",
}
ALWAYS = ByScenario(best=True, main=True, worst=True)


def rule(**changed):
    return TimingRule.model_validate({**RULE, **changed})


def evidence(main, best=None, worst=None, *, hours=(3.0, 45.0), subjects=None):
    """Of so many planned subjects with one dose each; without a number nothing is planned."""
    texts = ByScenario(main if best is None else best, main, main if worst is None else worst)
    events, doses = in_order(texts, hours)
    return Evidence(events, (), opportunities=doses, planned_subjects=subjects, planned_doses=1)


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize(
    ("control", "p_value"), [(0, 0.0002441406), (1, 0.0009307861), (2, 0.0022182465), (5, 0.0107717167)]
)
def test_three_events_in_three_hours_against_forty_five(control, p_value):
    """P(Bin(3 + x0, 1/16) >= 3), each event of a dose with 3 risk and 45 control hours."""
    result = rule(looks=5).evaluate(evidence("c" * control + "rrr", subjects=3 + control))
    assert result.p_value == pytest.approx(p_value, abs=1e-10)
    assert (result.events, result.n_evaluable, result.boundary) == (3, 3 + control, pytest.approx(0.01))
    assert result.verdict is (CROSSED if p_value <= 0.01 else NOT_CROSSED)


def test_alpha_is_shared_among_the_planned_looks():
    """p = 0.0108 is below 0.05 / 4, not below 0.05 / 5."""
    found = evidence("cccccrrr", subjects=8)
    assert rule(looks=4).evaluate(found).verdict is CROSSED
    assert rule(looks=5).evaluate(found).verdict is NOT_CROSSED


def hours_of_doses(found, *hours):
    """The opportunities of some evidence with other hours in risk and in control, dose by dose."""
    doses = zip(found.opportunities, hours, strict=True)
    return tuple(replace(dose, in_risk=risk, in_control=control) for dose, (risk, control) in doses)


@pytest.mark.parametrize(
    "method", [{"looks": 1}, {"method": "sequential", "n_max": 9}, {"method": "e_process"}]
)
def test_where_charting_may_react_each_event_has_the_larger_of_two_probabilities(method):
    """As charted 2/56, 4/58, 6/60; reacting 3/57, 3/57 and 3/57: 3/57, 4/58 and 6/60, one by one."""
    chosen = {**RULE, "looks": None, **method}
    found = evidence("rrr", subjects=3)
    charted = hours_of_doses(found, (2.0, 54.0), (4.0, 54.0), (6.0, 54.0))
    reacting = hours_of_doses(found, *[(3.0, 54.0)] * 3)
    larger = hours_of_doses(found, (3.0, 54.0), (4.0, 54.0), (6.0, 54.0))
    both = replace(found, opportunities=charted, reacting=reacting)
    worst = TimingRule.model_validate({**chosen, "charting": "worst"}).evaluate(both)
    if "looks" in method:
        assert worst.p_value == pytest.approx(3 / 57 * 4 / 58 * 6 / 60)
    told = TimingRule.model_validate(chosen).evaluate(replace(found, opportunities=larger))
    assert (worst.p_value, worst.boundary, worst.verdict) == (told.p_value, told.boundary, told.verdict)
    as_charted = TimingRule.model_validate(chosen).evaluate(both)
    assert as_charted.p_value < worst.p_value


def test_an_event_that_could_fall_one_way_alone_as_charted_says_something_where_charting_may_react():
    """As charted no hour at risk, reacting 3 of 57: the event in control hours counts, at p 3/57.

    With no control hour as charted it could not have fallen elsewhere, and says nothing, whatever may be.
    """
    found = evidence("rc", subjects=2)
    reacting = hours_of_doses(found, (3.0, 54.0), (3.0, 54.0))
    for hours, informative in (((0.0, 54.0), 2), ((4.0, 0.0), 1)):
        both = replace(found, opportunities=hours_of_doses(found, (2.0, 54.0), hours), reacting=reacting)
        result = rule(looks=1, charting="worst").evaluate(both)
        assert result.informative_events == informative
        assert rule(looks=1).evaluate(both).informative_events == 1


def test_each_event_has_the_probability_of_its_own_dose():
    """P = (1/7, 1/19, 1/19, 1/4, 1/10), three in risk: .0111396913, and the tipping gamma 1.9311902396 at .05."""
    hours = [(1.0, 6.0), (1.0, 18.0), (3.0, 54.0), (2.0, 6.0), (0.5, 4.5)]
    events, doses = in_order(ByScenario("", "rrrcc", ""))
    own = tuple(
        replace(dose, in_risk=risk, in_control=control)
        for dose, (risk, control) in zip(doses, hours, strict=True)
    )
    found = Evidence(events, (), opportunities=own, planned_subjects=5, planned_doses=1)
    result = rule(looks=1).evaluate(found)
    assert result.p_value == pytest.approx(0.0111396913, abs=0.6e-10)
    assert result.gamma_tipping == pytest.approx(1.9311902396, abs=0.6e-10)
    assert result.smallest_attainable_p == pytest.approx(0.0000098932, abs=0.6e-10)
    assert (result.informative_events, result.verdict) == (5, CROSSED)
    assert rule(looks=1, gamma=1.93).evaluate(found).verdict is CROSSED
    assert rule(looks=1, gamma=1.94).evaluate(found).verdict is NOT_CROSSED
    assert compare(found).p_value == pytest.approx(result.p_value)
    assert result.statistic == pytest.approx(13.9071903656, abs=0.6e-10)


def test_healthy_subjects_lend_the_sick_no_control_hours():
    """Seven sick subjects 21:70 h, 3 of 6 in risk: .1402187242 whatever the healthy do (pooled .0048978738)."""
    events, doses = in_order(ByScenario("", "rrrccc", ""), (21.0, 70.0))
    healthy = tuple(opportunity(100 + n, 1, 3.0, 1000.0) for n in range(20))
    for more in ((), healthy):
        found = Evidence(events, (), opportunities=(*doses, *more))
        assert compare(found).p_value == pytest.approx(0.1402187242, abs=0.6e-10)


def test_a_look_is_taken_when_its_share_of_the_planned_doses_has_closed():
    """Five looks at 2, 4, 6, 8 and 10 closed doses, of which seven have closed: three looks."""
    found = evidence("crrcrrc", subjects=10)
    result = rule(looks=5).evaluate(found)
    seen = [(2, 1), (4, 2), (6, 4)]
    assert result.detail["p_at_looks"] == pytest.approx([stats.binom.sf(x - 1, n, 1 / 16) for n, x in seen])
    assert (result.detail["looks_taken"], result.detail["next_look"]) == (3, "at 8 closed doses")
    assert (result.verdict, result.detail["crossed_at"]) == (CROSSED, 3)
    assert rule(looks=5, min_events=5).evaluate(found).verdict is NOT_CROSSED
    assert rule(looks=5, min_subjects=5).evaluate(found).verdict is NOT_CROSSED


def test_the_rule_may_plan_for_subjects_of_its_own():
    result = rule(looks=2, n_max=14).evaluate(evidence("rrrrrrr", subjects=40))
    assert (result.detail["looks_taken"], result.detail["next_look"]) == (1, "at 14 closed doses")


def test_a_dose_counts_towards_a_look_without_an_event_too():
    events, doses = in_order(ByScenario("", "rrr", ""))
    quiet = tuple(opportunity(50 + n, 1, closes=-1.0) for n in range(3))
    found = Evidence(events, (), opportunities=(*doses, *quiet), planned_subjects=6, planned_doses=1)
    assert rule(looks=2).evaluate(found).detail["p_at_looks"] == pytest.approx([1.0, (1 / 16) ** 3])


def test_once_crossed_stays_crossed_whatever_follows():
    first = rule(looks=2).evaluate(evidence("rrr" + "c" * 17, subjects=6))
    assert (first.verdict, first.detail["crossed_at"]) == (CROSSED, 1)
    assert first.p_value > first.boundary
    assert rule(looks=2).evaluate(evidence("c" * 17 + "rrr", subjects=20)).verdict is NOT_CROSSED


def test_where_nothing_is_planned_the_first_look_is_at_twenty_closed_doses_and_each_at_twice_as_many():
    found = evidence("rrr" + "c" * 37)
    result = rule(looks=3).evaluate(found)
    assert result.detail["p_at_looks"] == pytest.approx(
        [stats.binom.sf(2, 20, 1 / 16), stats.binom.sf(2, 40, 1 / 16)]
    )
    assert result.detail["next_look"] == "at 80 closed doses"
    assert rule(looks=2).evaluate(found).detail["next_look"] == "none: all planned looks are taken"


def test_events_of_doses_that_close_together_are_of_one_look():
    """The third and the fourth of six doses close at one moment: the look at three has both."""
    result = rule(looks=2).evaluate(evidence("cc(rr)cc", subjects=6))
    assert result.detail["p_at_looks"][0] == pytest.approx(stats.binom.sf(1, 4, 1 / 16))


def test_an_event_waits_until_its_dose_has_closed():
    found = evidence("rrrr", subjects=4)
    early = rule(looks=2).evaluate(replace(found, data_cutoff=3.5))
    assert (early.events, early.detail["events_waiting"]) == (3, 1)
    assert early.left_out == "events that take no part: 1 of doses whose hours have not all elapsed"
    late = rule(looks=2).evaluate(replace(found, data_cutoff=4.0))
    assert (late.events, late.detail["events_waiting"], late.left_out) == (4, 0, None)


def test_control_before_judges_an_event_when_its_risk_window_has_closed():
    """The control hours after the dose and the events in them do not count: 3 against 18 h before it."""
    dose = replace(opportunity(1, 1, 3.0, 45.0, before=18.0, closes=48.0), risk_closes=8.0)
    events = (
        Event(1, 1, 6.0, in_risk=ALWAYS),
        Event(1, 1, -10.0, before=1, in_control=ALWAYS),
        Event(1, 1, 20.0, before=None, in_control=ALWAYS),
    )
    found = Evidence(events, (), opportunities=(dose,), data_cutoff=8.0)
    around, before = (rule(control=control).evaluate(found) for control in ("around", "before"))
    assert (around.informative_events, around.detail["events_waiting"]) == (0, 3)
    assert (before.informative_events, before.detail["uninformative_events"]) == (2, 0)
    assert before.left_out == "events that take no part: 1 that the hours of no dose hold"
    assert before.smallest_attainable_p == pytest.approx((3 / 21) ** 2)
    later = rule().evaluate(replace(found, data_cutoff=48.0))
    assert later.smallest_attainable_p == pytest.approx((3 / 48) ** 3)


def test_clock_hours_compare_with_the_same_hours_of_all_closed_doses():
    """A dose at 09:00: hours 5 to 8 lie in the block from 12:00 (2 h) and from 16:00 (1 h); control beside them."""
    doses = tuple(
        opportunity(
            1, dose, 3.0, 12.0, closes=float(dose), by_block={3: (2.0, control), 4: (1.0, 4.0), 0: (0.0, 4.0)}
        )
        for dose, control in ((1, 4.0), (2, 2.0))
    )
    events = (
        Event(1, 1, 6.0, block=3, in_risk=ALWAYS),
        Event(1, 2, 7.5, block=4, in_risk=ALWAYS),
        Event(1, 2, 16.0, block=0, in_control=ALWAYS),
        Event(1, 2, block=None, in_risk=ALWAYS),
    )
    found = Evidence(events, (), opportunities=doses, planned_subjects=1, planned_doses=2)
    result = rule(clock="hours", looks=2).evaluate(found)
    assert result.smallest_attainable_p == pytest.approx((4 / 10) * (2 / 10))
    assert (result.informative_events, result.detail["uninformative_events"]) == (2, 2)
    apart = rule(method="sequential", clock="hours", looks=None, n_max=20).evaluate(found)
    assert apart.smallest_attainable_p == pytest.approx((2 / 6) * (1 / 5)), "along events, of its own dose"


def test_an_event_at_an_instant_without_opportunity_is_counted_out():
    found = evidence("rrr", subjects=3)
    events = tuple(replace(event, able=event.subject != 2) for event in found.events)
    result = rule(looks=1).evaluate(replace(found, events=events))
    assert (result.events, result.detail["events_unable"]) == (2, 1)
    assert result.p_value == pytest.approx((1 / 16) ** 2)
    assert result.left_out == ("events that take no part: 1 at moments at which no new one could be counted")


@pytest.mark.parametrize("hours", [(3.0, 0.0), (0.0, 45.0), (0.0, 0.0)])
def test_hours_of_one_kind_alone_say_nothing_and_never_no_signal(hours):
    result = rule().evaluate(evidence("rrr", hours=hours, subjects=3))
    assert answers(result) == (UNKNOWN,) * 3
    assert (
        result.reason == "not informative: no dose has closed with opportunity in risk and in control hours"
    )
    assert (result.informative_events, result.detail["uninformative_events"]) == (0, 3)
    assert (result.p_value, result.smallest_attainable_p) == (None, 1.0)


def test_too_few_events_to_cross_at_all_are_not_informative():
    """At 1:1 the fewest, two, have p = 1/4 all in risk; seven in control hours could have had 1/128."""
    result = rule().evaluate(evidence("c", hours=(10.0, 10.0), subjects=10))
    assert answers(result) == (UNKNOWN,) * 3
    assert result.reason == (
        "not informative: 1 informative of 1 events; were even 2 all in risk hours, p would be 0.25, above 0.01"
    )
    assert rule().evaluate(evidence("c" * 7, hours=(10.0, 10.0), subjects=10)).verdict is NOT_CROSSED


def test_events_that_say_nothing_are_not_taken_for_a_quiet_trial():
    """Three risk events of doses without control hours, one control event of a dose with both: 1/16 at best."""
    found = evidence("crrr", subjects=4)
    bare = tuple(replace(dose, in_control=0.0) if dose.dose > 1 else dose for dose in found.opportunities)
    result = rule().evaluate(replace(found, opportunities=bare))
    assert answers(result) == (UNKNOWN,) * 3
    assert result.reason.startswith(
        "not informative: 1 informative of 4 events; were even 1 all in risk hours"
    )
    alone = replace(found, events=found.events[:1], opportunities=bare)
    assert rule().evaluate(alone).verdict is NOT_CROSSED, "1/256 for two such events"


def test_a_quiet_trial_whose_doses_could_have_shown_harm_is_not_crossed():
    """No event at all; two would have had 1/256 < 0.01. Without any closed dose nothing is known."""
    doses = tuple(opportunity(n) for n in range(5))
    quiet = Evidence((), (), opportunities=doses, planned_subjects=10, planned_doses=1)
    result = rule().evaluate(quiet)
    assert (answers(result), result.events, result.p_value) == ((NOT_CROSSED,) * 3, 0, None)
    assert answers(rule().evaluate(Evidence((), ()))) == (UNKNOWN,) * 3


def test_the_best_case_has_few_risk_and_many_control_events():
    found = evidence("ccrr", best="ccccr", worst="rrr", subjects=5)
    result = rule(looks=1).evaluate(found)
    assert result.detail["p_best"] > result.p_value > result.detail["p_worst"]
    assert answers(rule(looks=1, alpha=0.001).evaluate(found)) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert compare(found, Scenario.WORST).p_value == pytest.approx((1 / 16) ** 3)
    assert (result.detail["events_best"], result.detail["events_worst"]) == (1, 3)


def test_the_worst_case_crosses_though_the_main_one_says_nothing():
    found = evidence("", worst="rrr", hours=(10.0, 30.0), subjects=3)
    result = rule(looks=1).evaluate(found)
    assert answers(result) == (UNKNOWN, UNKNOWN, CROSSED)


def test_no_event_in_control_hours_has_no_finite_relative_incidence():
    """Infinity is no number in JSON: it is left out."""
    assert rule().evaluate(evidence("rrr", subjects=3)).statistic is None
    ratio = rule().evaluate(evidence("rrrccc", subjects=6)).statistic
    assert ratio == pytest.approx(15.0)


def test_the_limits_shown_are_two_sided_beside_a_one_sided_p_value():
    """3 in 3 h against 1 in 45 h, R 4.2.2 poisson.test: two-sided limits 3.6132 and 2362.38, p greater 0.00093."""
    shown = compare(evidence("crrr"))
    assert shown.ci95 == pytest.approx((3.61320341743893, 2362.38132412216), rel=1e-9)
    assert shown.p_value == pytest.approx(0.0009307861328125)
    assert compare(evidence("rrr")).ci95[1] == math.inf
    assert compare(Evidence((), ())).p_value == 1.0


def test_relative_incidence_of_unequal_doses_by_the_conditional_likelihood():
    """One risk event of odds 1:6 and one control event of odds 1:3: r/(r+6) + r/(r+3) = 1, so r = sqrt(18)."""
    events, doses = in_order(ByScenario("", "rc", ""))
    own = (replace(doses[0], in_risk=1.0, in_control=6.0), replace(doses[1], in_risk=1.0, in_control=3.0))
    shown = compare(Evidence(events, (), opportunities=own))
    assert shown.relative_incidence == pytest.approx(math.sqrt(18))
