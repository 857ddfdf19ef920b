"""Count, rate and lab-limit rules answer for the best case, the main analysis and the worst case."""

from dataclasses import dataclass

import pytest
from evidence_by_hand import by_subject, by_window, cases, moments, results, step, windows

from checks.rules import Evidence, RuleVerdict
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.lab_limit import LabLimitRule
from checks.rules.kinds.rate import RateRule
from checks.rules.rate_looks import Unit, walk
from checks.scenario import Scenario
from checks.statistics.boundaries import Boundary

CROSSED, NOT_CROSSED, UNKNOWN = RuleVerdict.CROSSED, RuleVerdict.NOT_CROSSED, RuleVerdict.NOT_EVALUABLE
WHY = {"rationale": "an example", "source": "no charter"}
THREE = CountRule.model_validate({"id": "three", "kind": "count", "cases": 3, **WHY})
EVENT = step("bmw")


def counted(held, n=10):
    return Evidence(cases(*held), windows(n))


def subjects(*path):
    (planned,) = {unit.planned for unit in path}
    return Evidence(*by_subject(path), planned_doses=planned)


def answers(result):
    return result.best_case, result.verdict, result.worst_case


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ((0, 0, 0), (NOT_CROSSED, NOT_CROSSED, NOT_CROSSED)),
        ((1, 2, 3), (NOT_CROSSED, NOT_CROSSED, CROSSED)),
        ((2, 3, 3), (NOT_CROSSED, CROSSED, CROSSED)),
        ((3, 4, 5), (CROSSED, CROSSED, CROSSED)),
    ],
)
def test_a_count_is_crossed_at_its_number_of_subjects(held, expected):
    result = THREE.evaluate(counted(held))
    assert answers(result) == expected
    assert (result.events, result.boundary, result.n_evaluable) == (held[1], 3, 10)


def test_a_count_without_any_subject_to_count_is_not_evaluable():
    assert answers(THREE.evaluate(counted((0, 0, 0), n=0))) == (UNKNOWN,) * 3


def test_known_cases_count_though_no_window_was_evaluable():
    assert THREE.evaluate(counted((3, 3, 3), n=0)).verdict is CROSSED


LYM = {"id": "alc", "kind": "lab_limit", "test": "LYM", "above_times_uln": 2.5, "subjects": 1, **WHY}


BELOW = [(n, 1.0, True, True, True) for n in range(5)]


@pytest.mark.parametrize(
    ("labs", "expected"),
    [
        (BELOW, (NOT_CROSSED, NOT_CROSSED, NOT_CROSSED)),
        ([*BELOW, (0, 2.6, True, True, True)], (CROSSED, CROSSED, CROSSED)),
        ([(0, 2.6, False, True, True)], (NOT_CROSSED, NOT_CROSSED, CROSSED)),
        ([], (UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
    ids=["below", "one above", "one perhaps above", "never measured"],
)
def test_a_lab_limit_is_crossed_by_subjects_above_it(labs, expected):
    rule = LabLimitRule.model_validate(LYM)
    assert answers(rule.evaluate(Evidence((), (), labs={"LYM": results(*labs)}))) == expected


@dataclass(frozen=True)
class Drawn:
    """A boundary drawn by hand: fewest events that cross at each look."""

    looks: tuple[int, ...]
    events: tuple[int | None, ...]


def walked(path, looks, events, scenario=Scenario.MAIN):
    found = walk(path, scenario, Drawn(looks, events))
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
    assert [walked(path, (4,), (2,), scenario)[1] for scenario in Scenario] == [1, 2, 3]
    assert [walked(path, (4,), (2,), scenario)[-1] for scenario in Scenario] == [
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
    boundary = rate(looks=[5, 10, 15]).boundary()
    assert isinstance(boundary, Boundary)
    assert boundary.looks == (5, 10, 15)
    assert boundary.size <= 0.05


def test_a_rate_rule_says_where_it_stands():
    """Before a first look at 5 nothing can be said; at 7 complete subjects the look is that of 5."""
    rule = rate(looks=[5, 10, 15])
    fewest = rule.boundary().events[0]
    early = rule.evaluate(subjects(*[step()] * 4))
    assert answers(early) == (UNKNOWN,) * 3
    assert early.detail["reason"] == "4.00 subjects complete; first look at 5"
    later = rule.evaluate(subjects(EVENT, *[step()] * 6))
    assert answers(later) == (NOT_CROSSED,) * 3
    assert (later.events, later.n_evaluable, later.boundary) == (1, 7, fewest)
    assert later.detail["path"] == {"n": [5], "events": [1], "boundary": [fewest]}


def test_a_rate_rule_by_window_walks_windows():
    rule = rate(unit="window")
    """Fifteen windows with an event of one subject are one case of fifteen subjects."""
    events, doses = by_window([EVENT] * 15)
    healthy = by_subject([step()] * 15)[1][1:]
    found = Evidence(events, (*doses, *healthy), planned_doses=1)
    assert rule.evaluate(found).verdict is CROSSED
    assert rate().evaluate(found).verdict is NOT_CROSSED


def test_more_healthy_subjects_never_clear_a_crossed_rate():
    rule = rate()
    crossed = [EVENT] * 8
    for healthy in range(12):
        assert rule.evaluate(subjects(*crossed, *[step()] * healthy)).verdict is CROSSED


def test_a_main_reading_that_has_reached_no_look_says_nothing_though_the_worst_case_has():
    """Three possible events are three complete units, and cross; without them a unit and a half is complete."""
    path = [step("w", weight=0.5)] * 3
    result = rate(looks=[3, 15]).evaluate(subjects(*path))
    assert answers(result) == (UNKNOWN, UNKNOWN, CROSSED)
    assert result.detail["reason"] == "1.50 subjects complete; first look at 3"
    assert (result.boundary, result.p_value) == (None, None)


def grown(closed=(), pending=(), planned=2, case=None):
    """A subject of two planned windows, without a case or with one in the window that closes then."""
    case = moments(case, "" if case is None else "bmw")
    return Unit(0, tuple(closed), tuple(pending), planned, case)


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
    found = walk(path, Scenario.MAIN, Drawn((1, 2, 3, 4), (1, 1, 1, 1)))
    assert (found.looks, found.events_at_looks, found.n, found.known) == ((1, 2, 3), (0, 0, 1), 1.0, 1)


def test_the_next_look_is_named():
    detail = rate(looks=[5, 10, 15]).evaluate(subjects(EVENT, *[step()] * 6)).detail
    assert (detail["next_look"], detail["events_known"]) == (10, 1)
