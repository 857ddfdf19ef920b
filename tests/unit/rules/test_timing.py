"""A self-controlled timing rule answers from counts and hours, in its three scenarios."""

import pytest
from evidence_by_hand import below, in_order
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


def rule(**changed):
    return TimingRule.model_validate({**RULE, **changed})


def evidence(*, risk, control=(0, 0, 0), subjects=None, hours=(3.0, 45.0)):
    """The events in control hours first, then those in risk hours, of so many subjects; the rest are of the last."""
    most = max(risk) if subjects is None else subjects
    events = [
        *(Event(100 + n, known_at=float(n), in_control=below(*control, n)) for n in range(max(control))),
        *(
            Event(min(n, most - 1), n, known_at=1000.0 + n, closes=0.0, in_risk=below(*risk, n))
            for n in range(max(risk))
        ),
    ]
    return Evidence(tuple(events), (), *hours)


def ordered(text, ratio=None):
    return Evidence(in_order(ByScenario(text, text, text), ratio), (), 3.0, 45.0)


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize(("control", "p_value"), [(0, 0.00024), (1, 0.00093), (2, 0.0022), (5, 0.0108)])
def test_three_events_in_three_hours_against_forty_five(control, p_value):
    """P(Bin(3 + x0, 1/16) >= 3): (1/16)^3 = 0.00024 with none in control hours."""
    result = rule().evaluate(evidence(risk=(3, 3, 3), control=(control,) * 3))
    assert result.p_value == pytest.approx(p_value, rel=0.03)
    assert (result.events, result.n_evaluable, result.boundary) == (3, 3 + control, pytest.approx(0.01))
    assert result.verdict is (CROSSED if p_value <= 0.01 else NOT_CROSSED)


def test_alpha_is_shared_among_the_planned_looks():
    """p = 0.0108 is below 0.05 / 4, not below 0.05 / 5."""
    found = evidence(risk=(3, 3, 3), control=(5, 5, 5))
    assert rule(looks=4).evaluate(found).verdict is CROSSED
    assert rule(looks=5).evaluate(found).verdict is NOT_CROSSED


def test_the_best_case_has_few_risk_and_many_control_events():
    found = evidence(risk=(1, 2, 3), control=(4, 2, 0))
    result = rule().evaluate(found)
    assert result.detail["p_best"] > result.p_value > result.detail["p_worst"]
    assert answers(result) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert compare(found, Scenario.WORST).p_value == pytest.approx((1 / 16) ** 3)


@pytest.mark.parametrize(("needed", "verdict"), [(3, CROSSED), (4, NOT_CROSSED)])
def test_fewer_events_or_subjects_than_needed_never_cross(needed, verdict):
    found = evidence(risk=(3, 3, 3))
    assert rule(min_events=needed).evaluate(found).verdict is verdict
    assert rule(min_subjects=needed).evaluate(found).verdict is verdict


def test_one_subject_with_three_windows_is_one_subject():
    found = evidence(risk=(3, 3, 3), subjects=1)
    assert rule(min_subjects=1).evaluate(found).verdict is CROSSED
    assert rule(min_subjects=2).evaluate(found).verdict is NOT_CROSSED


@pytest.mark.parametrize("hours", [(0.0, 45.0), (3.0, 0.0)], ids=["risk", "control"])
def test_without_observed_hours_nothing_can_be_said(hours):
    result = rule().evaluate(evidence(risk=(3, 3, 3), hours=hours))
    assert answers(result) == (UNKNOWN,) * 3
    assert "no observed hours" in result.detail["reason"]


def test_no_event_in_control_hours_has_no_finite_relative_incidence():
    """Infinity is no number in JSON: it is left out."""
    assert rule().evaluate(evidence(risk=(3, 3, 3))).statistic is None
    ratio = rule().evaluate(evidence(risk=(3, 3, 3), control=(3, 3, 3))).statistic
    assert ratio == pytest.approx(15.0)


def test_no_event_at_all_crosses_nothing():
    result = rule().evaluate(evidence(risk=(0, 0, 0)))
    assert answers(result) == (NOT_CROSSED,) * 3
    assert result.events == 0


def test_a_tally_of_another_scenario_changes_nothing_in_the_main_one():
    first = evidence(risk=(2, 3, 3), control=(1, 1, 1))
    other = evidence(risk=(0, 3, 9), control=(5, 1, 0))
    assert rule().evaluate(first).p_value == rule().evaluate(other).p_value


def test_the_looks_are_the_risk_events_from_the_fewest_on():
    """Looks at the second to fourth risk event, p = 1/16^2, then P(Bin(6, 1/16) >= 3) and P(Bin(7, 1/16) >= 4)."""
    found = ordered("rrcccrrr")
    result = rule(looks=3).evaluate(found)
    expected = [stats.binom.sf(k - 1, n, 1 / 16) for k, n in ((2, 2), (3, 6), (4, 7))]
    assert result.detail["p_at_looks"] == pytest.approx(expected)
    assert (result.detail["looks_taken"], result.detail["next_look"]) == (
        3,
        "none: all planned looks are taken",
    )
    assert (result.verdict, result.detail["crossed_at"]) == (CROSSED, 2)
    assert rule(looks=3, min_subjects=5).evaluate(found).detail["looks_taken"] == 1


def test_between_two_looks_the_verdict_is_that_of_the_last_and_the_next_is_named():
    """One risk event of one is no look, whatever its p-value; the p-value of all events stands beside it."""
    result = rule(alpha=0.5).evaluate(evidence(risk=(1, 1, 1)))
    assert (result.verdict, result.p_value) == (NOT_CROSSED, pytest.approx(1 / 16))
    assert (result.detail["looks_taken"], result.detail["next_look"]) == (
        0,
        "at 2 events in the risk window",
    )
    assert result.detail["p_value_is"].startswith("of all events at the data cut-off, not adjusted")


def test_a_look_is_judged_by_the_hours_of_its_own_moment():
    """Two risk events at six control hours a risk hour: 1/7^2 = 0.0204; with fifteen at the end 1/16^2 = 0.0039."""
    result = rule(looks=5).evaluate(ordered("rr", ratio=6.0))
    assert result.detail["p_at_looks"] == pytest.approx([1 / 49])
    assert (result.verdict, result.p_value) == (NOT_CROSSED, pytest.approx(1 / 256))


def test_the_limits_shown_are_two_sided_beside_a_one_sided_p_value():
    """3 in 3 h against 1 in 45 h, R 4.2.2 poisson.test: two-sided limits 3.6132 and 2362.38, p greater 0.00093."""
    shown = compare(evidence(risk=(3, 3, 3), control=(1, 1, 1)))
    assert shown.ci95 == pytest.approx((3.61320341743893, 2362.38132412216), rel=1e-9)
    assert shown.p_value == pytest.approx(0.0009307861328125)
    assert compare(evidence(risk=(3, 3, 3))).ci95[1] == float("inf")
