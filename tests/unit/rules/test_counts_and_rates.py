"""Count, rate and lab-limit rules answer for the best case, the main analysis and the worst case."""

from dataclasses import dataclass

import pytest

from checks.evaluation import Evidence, Growth, LabEvidence, PathStep, RuleVerdict, Tally, TimingEvidence
from checks.protocol.rules import CountRule, LabLimitRule, RateRule
from checks.rules.counts_and_rates import (
    evaluate_count,
    evaluate_lab_limit,
    evaluate_rate,
    rate_boundary,
    walk,
)
from checks.statistics.boundaries import Boundary

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
WHY = {"rationale": "an example", "source": "no charter"}
THREE = CountRule.model_validate({"id": "three", "kind": "count", "cases": 3, **WHY})
NONE = Tally(0, 0, 0)


def step(event="", weight=1.0):
    """A unit without an event, or one with an event in the readings named by their first letters."""
    return PathStep(weight, "b" in event, "m" in event, "w" in event)


EVENT = step("bmw")


def evidence(*, cases=NONE, n=10, subjects=(), windows=(), labs=None):
    timing = TimingEvidence(NONE, NONE, NONE, 0.0, 0.0)
    return Evidence(cases, n, n, 0, tuple(subjects), tuple(windows), timing, labs or {})


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (Tally(0, 0, 0), (NOT_CROSSED, NOT_CROSSED, NOT_CROSSED)),
        (Tally(1, 2, 3), (NOT_CROSSED, NOT_CROSSED, CROSSED)),
        (Tally(2, 3, 3), (NOT_CROSSED, CROSSED, CROSSED)),
        (Tally(3, 4, 5), (CROSSED, CROSSED, CROSSED)),
    ],
)
def test_a_count_is_crossed_at_its_number_of_subjects(cases, expected):
    result = evaluate_count(THREE, evidence(cases=cases))
    assert answers(result) == expected
    assert (result.events, result.boundary, result.n_evaluable) == (cases.main, 3, 10)


def test_a_count_without_any_subject_to_count_is_not_evaluable():
    assert answers(evaluate_count(THREE, evidence(n=0))) == (UNKNOWN,) * 3


def test_known_cases_count_though_no_window_was_evaluable():
    assert evaluate_count(THREE, evidence(cases=Tally(3, 3, 3), n=0)).verdict is CROSSED


LYM = {"id": "alc", "kind": "lab_limit", "test": "LYM", "above_times_uln": 2.5, "subjects": 1, **WHY}


@pytest.mark.parametrize(
    ("lab", "expected"),
    [
        (LabEvidence(Tally(0, 0, 0), 5), (NOT_CROSSED, NOT_CROSSED, NOT_CROSSED)),
        (LabEvidence(Tally(1, 1, 1), 5), (CROSSED, CROSSED, CROSSED)),
        (LabEvidence(Tally(0, 0, 1), 0), (NOT_CROSSED, NOT_CROSSED, CROSSED)),
        (LabEvidence(Tally(0, 0, 0), 0), (UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
    ids=["below", "one above", "one perhaps above", "never measured"],
)
def test_a_lab_limit_is_crossed_by_subjects_above_it(lab, expected):
    rule = LabLimitRule.model_validate(LYM)
    assert answers(evaluate_lab_limit(rule, evidence(labs={"alc": lab}))) == expected


@dataclass(frozen=True)
class Drawn:
    """A boundary drawn by hand: fewest events that cross at each look."""

    looks: tuple[int, ...]
    events: tuple[int | None, ...]


def walked(path, looks, events, reading="main"):
    found = walk(path, reading, Drawn(looks, events))
    return found.n, found.events, found.looks, found.events_at_looks, found.crossed


def test_a_walk_meets_the_boundary_at_its_looks_alone():
    """Two events in the first three cross nothing at look 4 or 6, where three are needed."""
    path = [EVENT, EVENT, step(), step(), step(), step(), step()]
    assert walked(path, (4, 6), (3, 3)) == (6, 2, (4, 6), (2, 2), False)
    assert walked(path, (2, 6), (2, 3)) == (6, 2, (2, 6), (2, 2), True)


def test_once_crossed_stays_crossed():
    """Two of two cross; two of twelve would not."""
    path = [EVENT, EVENT, *[step()] * 10]
    assert walked(path, (2, 12), (2, 4))[-1] is True
    assert walked(path[2:] + path[:2], (2, 12), (2, 4))[-1] is False


def test_where_no_number_of_events_crosses_none_does():
    assert walked([EVENT, EVENT], (1, 2), (None, 2)) == (2, 2, (1, 2), (1, 2), True)
    assert walked([EVENT, EVENT], (1, 2), (None, None))[-1] is False


def test_an_event_is_complete_and_an_open_unit_weighs_its_share():
    """Six subjects with one of six windows closed are one subject; 1/6 six times is 1 all the same."""
    path = [step(weight=1 / 6)] * 6
    assert walked(path, (1, 2), (1, 1))[2] == (1,)
    assert walked([step("bmw", weight=1 / 6)], (1, 2), (1, 1)) == (1.0, 1, (1,), (1,), True)


def test_an_event_after_the_last_look_is_not_judged():
    assert walked([step(), step(), EVENT], (2,), (1,)) == (2, 0, (2,), (0,), False)


def test_each_reading_walks_its_own_events():
    path = [step("bmw"), step("mw"), step("w"), step()]
    assert [walked(path, (4,), (2,), reading)[1] for reading in ("best", "main", "worst")] == [1, 2, 3]
    assert [walked(path, (4,), (2,), reading)[-1] for reading in ("best", "main", "worst")] == [
        False,
        True,
        True,
    ]


RATE = {
    "id": "rate",
    "kind": "rate",
    "method": "beta_binomial",
    "unit": "subject",
    "n_max": 15,
    "null_rate": 0.2,
    "alpha": 0.05,
    "prior": [0.2, 0.8],
    **WHY,
}


def rate(**changed):
    return RateRule.model_validate({**RATE, **changed})


def test_a_rate_rule_uses_the_declared_boundary():
    boundary = rate_boundary(rate(looks=[5, 10, 15]))
    assert isinstance(boundary, Boundary)
    assert boundary.looks == (5, 10, 15)
    assert boundary.size <= 0.05


def test_a_rate_rule_says_where_it_stands():
    """Before a first look at 5 nothing can be said; at 7 complete subjects the look is that of 5."""
    rule = rate(looks=[5, 10, 15])
    fewest = rate_boundary(rule).events[0]
    early = evaluate_rate(rule, evidence(subjects=[step()] * 4))
    assert answers(early) == (UNKNOWN,) * 3
    assert early.detail["reason"] == "4.00 subjects complete; first look at 5"
    later = evaluate_rate(rule, evidence(subjects=[EVENT, *[step()] * 6]))
    assert answers(later) == (NOT_CROSSED,) * 3
    assert (later.events, later.n_evaluable, later.boundary) == (1, 7, fewest)
    assert later.detail["path"] == {"n": [5], "events": [1], "boundary": [fewest]}


def test_a_rate_rule_by_window_walks_windows():
    rule = rate(unit="window")
    all_events = evidence(subjects=[step()] * 15, windows=[EVENT] * 15)
    assert evaluate_rate(rule, all_events).verdict is CROSSED
    assert evaluate_rate(rate(), all_events).verdict is NOT_CROSSED


def test_more_healthy_subjects_never_clear_a_crossed_rate():
    rule = rate()
    crossed = [EVENT] * 8
    for healthy in range(12):
        assert evaluate_rate(rule, evidence(subjects=crossed + [step()] * healthy)).verdict is CROSSED


def test_a_main_reading_that_has_reached_no_look_says_nothing_though_the_worst_case_has():
    """Three possible events are three complete units, and cross; without them a unit and a half is complete."""
    path = [step("w", weight=0.5)] * 3
    result = evaluate_rate(rate(looks=[3, 15]), evidence(subjects=path))
    assert answers(result) == (UNKNOWN, UNKNOWN, CROSSED)
    assert result.detail["reason"] == "1.50 subjects complete; first look at 3"
    assert (result.boundary, result.p_value) == (None, None)


def grown(closed=(), pending=(), planned=2, case=None):
    """A subject of two planned windows, without a case or with one in the window that closes then."""
    event = case is not None
    weight = 1.0 if event else len(closed) / planned
    return PathStep(
        weight, event, event, event, 0, Growth(tuple(closed), tuple(pending), planned, *[case] * 3)
    )


def test_a_look_stays_as_it_was_taken_when_weights_ripen():
    """At moment 2 the first windows of two subjects make one unit, without an event: look 1 is taken.

    The case at moment 3 counts at look 2, though the first subject is complete at moment 4 without it.
    """
    path = [grown((1, 4)), grown((2,), case=3), grown((5, 6))]
    assert walked(path, (1, 2, 3), (1, 2, 2)) == (3.0, 1, (1, 2, 3), (0, 1, 1), False)
    assert walked([grown((1,), (4,)), path[1]], (1, 2, 3), (1, 2, 2))[2:4] == ((1,), (0,))


def test_a_known_case_is_judged_beside_the_windows_that_close_with_it():
    """At its first sight the case closes at 8, and so do two windows that are open: three units of one window."""
    others = [grown((), (7.5,), planned=1), grown((), (8,), planned=1), grown((), (9,), planned=1)]
    path = [others[0], others[1], grown((), (8,), planned=1, case=8), others[2]]
    found = walk(path, "main", Drawn((1, 2, 3, 4), (1, 1, 1, 1)))
    assert (found.looks, found.events_at_looks, found.n, found.known) == ((1, 2, 3), (0, 0, 1), 1.0, 1)


def test_the_next_look_is_named():
    detail = evaluate_rate(rate(looks=[5, 10, 15]), evidence(subjects=[EVENT, *[step()] * 6])).detail
    assert (detail["next_look"], detail["events_known"]) == (10, 1)
