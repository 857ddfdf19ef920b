"""The severity rule: looks called by closed doses, its three scenarios, what it rests on, and what it needs."""

import pytest

from checks.rules import Evidence, RuleVerdict
from checks.rules.closed_doses import doses_at_looks, moments_of_looks
from checks.rules.evidence import ScoredDose
from checks.rules.kinds.timing import TimingRule
from checks.rules.plan import Plan
from checks.scenario import ByScenario

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
WHY = {
    "id": "severity",
    "kind": "timing",
    "method": "severity",
    "rationale": "an example",
    "source": "no charter",
}


def rule(**changed):
    return TimingRule.model_validate({**WHY, "alpha": 0.05, "looks": 1, **changed})


def dose(subject, risk, *, number=1, closes=None, control=9):
    """A dose whose risk window scores ``risk`` and whose nine control blocks score 0."""
    hours = (5.0, *(12.0 + 3 * place for place in range(control)))
    closes = 10.0 * (subject + 1) if closes is None else closes
    return ScoredDose(subject, number, 3600 * subject, closes, hours, (risk, *[0.0] * control))


def evidence(doses, *, worst=None, planned=(2, 1), cutoff=1000.0):
    scored = ByScenario(tuple(doses), tuple(doses), tuple(doses if worst is None else worst))
    return Evidence(
        (), (), severity=scored, planned_subjects=planned[0], planned_doses=planned[1], data_cutoff=cutoff
    )


def answers(result):
    return result.best_case, result.verdict, result.worst_case


def test_two_subjects_who_turn_worst_in_their_risk_windows_cross():
    result = rule().evaluate(evidence([dose(0, 3.0), dose(1, 4.0)]))
    assert answers(result) == (CROSSED, CROSSED, CROSSED)
    assert result.p_value == pytest.approx(0.01)  # one of ten blocks each
    assert (result.statistic, result.boundary, result.events, result.n_evaluable) == (3.0, 0.05, 2, 2)
    assert [(one["subject"], one["dose_number"], one["score"]) for one in result.detail["rests_on"]] == [
        (1, 1, 4.0),
        (0, 1, 3.0),
    ]
    assert (result.detail["blocks"], result.detail["blocks_scored"]) == (20, 20)


def test_one_subject_alone_never_crosses_two_are_asked_for_unless_the_rule_says_so():
    doses = [dose(0, 9.0), dose(1, 0.0)]
    assert rule().evaluate(evidence(doses)).verdict is NOT_CROSSED
    assert rule(order=1, alpha=0.2).evaluate(evidence(doses)).verdict is CROSSED
    three = [dose(0, 9.0), dose(1, 9.0), dose(2, 0.0)]
    assert rule(min_subjects=3).evaluate(evidence(three)).detail["order"] == 3


def test_scores_below_the_floor_are_alike():
    doses = [dose(0, 1.2), dose(1, 1.4)]
    assert rule().evaluate(evidence(doses)).p_value == 1.0
    assert rule(floor=1.0).evaluate(evidence(doses)).p_value == pytest.approx(0.01)


def test_a_look_waits_for_its_share_of_the_planned_doses_and_spends_its_share_of_alpha():
    doses = [dose(0, 3.0), dose(1, 4.0)]
    early = rule(looks=2).evaluate(evidence(doses, planned=(4, 2)))
    assert (early.verdict, early.boundary, early.detail["looks_taken"]) == (NOT_CROSSED, 0.025, 0)
    assert early.detail["next_look"] == "at 4 closed doses"
    assert early.p_value == pytest.approx(0.01)  # of all closed doses: it describes
    called = rule(looks=2).evaluate(evidence([*doses, dose(2, 0.0), dose(3, 0.0)], planned=(4, 2)))
    assert (called.verdict, called.detail["p_at_looks"]) == (CROSSED, [pytest.approx(0.01)])


def test_a_dose_that_has_not_closed_is_no_evidence():
    doses = [dose(0, 3.0), dose(1, 4.0, closes=50.0)]
    assert rule().evaluate(evidence(doses, cutoff=49.0)).verdict is UNKNOWN
    assert rule().evaluate(evidence(doses, cutoff=50.0)).verdict is CROSSED


def test_once_crossed_stays_crossed_whatever_closes_later():
    doses = [dose(0, 3.0), dose(1, 4.0), *(dose(n, 0.0) for n in (2, 3))]
    late = [dose(n, 0.0, closes=100.0 + n, control=1) for n in range(4, 40)]
    first = rule(looks=2).evaluate(evidence(doses, planned=(8, 1)))
    later = rule(looks=2).evaluate(evidence([*doses, *late], planned=(8, 1)))
    assert (first.verdict, later.verdict) == (CROSSED, CROSSED)
    assert [one["subject"] for one in later.detail["rests_on"]] == [1, 0]


def test_rows_in_quarantine_count_in_the_worst_case_alone():
    doses = [dose(0, 0.0), dose(1, 4.0)]
    result = rule().evaluate(evidence(doses, worst=[dose(0, 3.0), dose(1, 4.0)]))
    assert answers(result) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
    assert (result.detail["p_best"], result.detail["p_worst"]) == (1.0, pytest.approx(0.01))


def test_too_few_participants_are_not_informative_and_no_answer():
    result = rule().evaluate(evidence([dose(0, 9.0)]))
    assert answers(result) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert "1 participant with a scored risk window" in result.reason
    assert "scored test in each component" in rule().evaluate(evidence([])).reason


def test_blocks_without_a_score_are_told():
    half = ScoredDose(1, 1, 0, 20.0, (5.0, 12.0, 15.0, 18.0), (4.0, None, 0.0, 0.0))
    detail = rule().evaluate(evidence([dose(0, 3.0), half])).detail
    assert (detail["blocks"], detail["blocks_scored"]) == (14, 13)
    assert detail["participants"][1] == {"subject": 1, "risk": [4.0], "control": [0.0, 0.0]}


def test_looks_without_a_planned_number_of_doses_double():
    assert doses_at_looks(3, None, 4) == doses_at_looks(3, 20, None) == (20, 40, 80)
    assert doses_at_looks(5, 7, 3) == (5, 9, 13, 17, 21)


def test_the_subjects_that_a_rule_plans_for_go_before_those_of_the_study():
    doses = [dose(0, 3.0), dose(1, 4.0)]
    assert rule().evaluate(evidence(doses, planned=(40, 1))).detail["looks_taken"] == 0
    assert rule(n_max=2).evaluate(evidence(doses, planned=(40, 1))).verdict is CROSSED


def test_a_look_is_called_by_the_dose_that_closes_last_of_so_many():
    assert moments_of_looks([30.0, 10.0, 20.0, 99.0], (1, 3, 4), data_cutoff=50.0) == (10.0, 30.0)


def test_design_gives_its_alpha_and_no_power():
    plan = Plan((5, 8), ((-24, -6), (12, 48)), subjects=20, doses=4, harmless=0.02, simulations=10)
    design = rule(looks=3).design(plan)
    assert (design.surveillance, rule().spends(plan), rule().simulate(plan)) == ((), 0.05, None)
    assert any("exchangeable" in note for note in design.notes)


def along(**changed):
    return TimingRule.model_validate({**WHY, "alpha": 0.05, "method": "severity_e_process", **changed})


def test_e_values_of_doses_multiply_as_they_close():
    # g = 1 + 16 (u - 2)+ : 17 against (17 + 9) / 10, 33 against (33 + 9) / 10
    doses = [dose(0, 3.0), dose(1, 4.0)]
    first = along().evaluate(evidence(doses[:1]))
    assert (first.verdict, first.statistic) == (NOT_CROSSED, pytest.approx(170 / 26))
    result = along().evaluate(evidence(doses))
    assert answers(result) == (CROSSED, CROSSED, CROSSED)
    assert (result.statistic, result.boundary) == (pytest.approx(170 / 26 * 330 / 42), 20.0)
    assert result.p_value == pytest.approx(26 * 42 / (170 * 330))
    assert [one["subject"] for one in result.detail["rests_on"]] == [1, 0]
    assert result.detail["crossed_at"] == 2


def test_the_smallest_p_of_e_values_has_every_dose_at_its_highest_block():
    """170/26 as above, and 49 / ((1 + 49 + 1) / 3); a dose without a scored risk window says nothing."""
    hours = (5.0, 12.0, 15.0)
    doses = [
        dose(0, 3.0),
        *(ScoredDose(n, 1, 0, 100.0, hours, (u, 5.0, 0.0)) for n, u in ((1, 0.0), (2, None))),
    ]
    result = along().evaluate(evidence(doses))
    assert result.smallest_attainable_p == pytest.approx(26 / 170 * 17 / 49)
    assert result.p_value == pytest.approx(26 / 170)


def test_what_crossed_once_is_not_taken_back_by_doses_that_close_later():
    doses = [dose(0, 3.0), dose(1, 4.0)]
    quiet = [ScoredDose(n, 1, 0, 100.0 + n, (5.0, 12.0, 15.0), (0.0, 5.0, 0.0)) for n in range(2, 20)]
    result = along().evaluate(evidence([*doses, *quiet]))
    assert (result.verdict, result.detail["crossed_at"], len(result.detail["rests_on"])) == (CROSSED, 2, 2)
    assert (
        along().evaluate(evidence([*quiet, *(dose(n, 4.0, closes=900.0) for n in (0, 1))])).verdict
        is NOT_CROSSED
    )


def test_the_fewest_subjects_are_a_filter_after_the_boundary():
    twice = [dose(0, 4.0), dose(0, 4.0, number=2, closes=11.0)]
    assert along().evaluate(evidence(twice)).verdict is CROSSED
    assert along(min_subjects=2).evaluate(evidence(twice)).verdict is NOT_CROSSED
    third = dose(1, 2.5, closes=12.0)
    assert along(min_subjects=2).evaluate(evidence([*twice, third])).verdict is CROSSED


def test_a_path_waits_for_doses_to_close_and_for_scores():
    assert along().evaluate(evidence([dose(0, 4.0)], cutoff=9.0)).verdict is UNKNOWN
    assert along().evaluate(evidence([dose(0, None)])).verdict is UNKNOWN
    worse = along().evaluate(evidence([dose(0, 0.0), dose(1, 4.0)], worst=[dose(0, 3.0), dose(1, 4.0)]))
    assert answers(worse) == (NOT_CROSSED, NOT_CROSSED, CROSSED)
