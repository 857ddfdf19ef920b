"""The severity test against hand arithmetic, and against every draw of risk blocks counted one by one."""

import itertools
import math

import numpy as np
import pytest

from checks.errors import DesignError
from checks.statistics import severity, severity_e_values

NAN = math.nan


def first(risk, blocks):
    """Flags of a subject whose first blocks are its risk blocks."""
    return [True] * risk + [False] * (blocks - risk)


def counted_one_by_one(scores, risk, order, floor):
    """P(statistic at least as large as observed) over every way to place each subject's risk blocks."""
    subjects = []
    for values, flags in zip(scores, risk, strict=True):
        drawn = sum(flags)
        seen = max(value for value, flag in zip(values, flags, strict=True) if flag)
        subjects.append((seen, [max(draw) for draw in itertools.combinations(values, drawn)]))
    observed = sorted((max(seen, floor) for seen, _ in subjects), reverse=True)[order - 1]
    draws = list(itertools.product(*(highest for _, highest in subjects)))
    extreme = sum(
        sorted((max(u, floor) for u in draw), reverse=True)[order - 1] >= observed for draw in draws
    )
    return observed, extreme / len(draws)


def test_e_value_of_the_worked_example():
    # g = 1 + 16 (u - 2)+ : 81, 1, 1, 9, 1, 1; 81 / (94 / 6)
    assert severity_e_values([[7, 0, 1, 2.5, -1, 0.5]], [first(1, 6)]) == pytest.approx(
        (5.1702127660,), abs=5e-11
    )


def test_e_value_with_two_risk_blocks():
    # g: 1, 81, 1, 1, 17; (82 / 2) / (101 / 5)
    assert severity_e_values([[0.5, 7, -1, 1, 3]], [first(2, 5)]) == pytest.approx((205 / 101,), rel=1e-14)


def test_e_values_have_expectation_one():
    values = [7.0, 0.0, 1.0, 2.5, 3.0]
    draws = [[place in chosen for place in range(5)] for chosen in itertools.combinations(range(5), 2)]
    assert np.mean([severity_e_values([values], [flags])[0] for flags in draws]) == pytest.approx(
        1, rel=1e-14
    )


@pytest.mark.parametrize(
    ("scores", "risk_blocks", "p_value"),
    [
        (list(range(20, 0, -1)), 1, 1 / 20),  # the largest of 20
        ([18, 1, 20, 19, *range(2, 18)], 2, 1 - math.comb(17, 2) / math.comb(20, 2)),  # 17 of 20 below
        ([5, 5, 5, *[0] * 17], 1, 3 / 20),  # ties count as extreme
    ],
)
def test_rank_of_one_subject(scores, risk_blocks, p_value):
    found = severity([scores], [first(risk_blocks, 20)], order=1, floor=0)
    assert found.p_value == pytest.approx(p_value, rel=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("floor", [0.0, 1.5, 3.0])
@pytest.mark.parametrize("seed", range(8))
def test_every_draw_counted(order, floor, seed):
    random = np.random.default_rng(seed)
    sizes = [(5, 1), (6, 2), (4, 1), (5, 3)]
    scores = [np.round(random.normal(1.5, 1.5, size), 1).tolist() for size, _ in sizes]
    risk = [first(drawn, size) for size, drawn in sizes]
    statistic, p_value = counted_one_by_one(scores, risk, order, floor)
    found = severity(scores, risk, order=order, floor=floor)
    assert found.statistic == statistic
    assert found.p_value == pytest.approx(p_value, rel=1e-12)
    assert found.smallest_p_value <= found.p_value * (1 + 1e-12)


def test_permutation_within_subjects():
    # (r + 1) / (permutations + 1), as permuting the blocks of 18 subjects at random gives it
    random = np.random.default_rng(7)
    scores = random.normal(0.5, 1.2, (18, 60))
    scores[:2, 0] = 3.4, 3.1
    risk = [first(4, 60)] * 18
    shuffled = random.permuted(np.broadcast_to(scores, (19_999, 18, 60)), axis=2)[:, :, :4].max(axis=2)
    second = np.sort(np.maximum(shuffled, 1.5), axis=1)[:, -2]
    found = severity(scores.tolist(), risk)
    r = int((second >= found.statistic - 1e-9).sum())
    by_permutation = (r + 1) / 20_000
    assert found.p_value == pytest.approx(by_permutation, abs=4 * (by_permutation / 20_000) ** 0.5)


def test_smallest_p_value_is_that_of_the_highest_scores_in_risk_blocks():
    # 4 is reached by one of four blocks of either subject: 1/4 x 1/4
    found = severity([[0, 4, 1, 2], [1, 2, 6, 0]], [first(1, 4)] * 2)
    assert (found.p_value, found.smallest_p_value) == (1, 1 / 16)


def test_one_subject_alone_is_no_statistic_of_two():
    found = severity([[9, 0, 0, 0], [1, 0, 0, 0]], [first(1, 4)] * 2)
    assert (found.statistic, found.p_value, found.rests_on) == (1.5, 1.0, ())


def test_subjects_it_rests_on_the_highest_first():
    found = severity([[3, 0, 1], [0, 2, 1], [5, 0, 4], [1, 1, 1]], [first(1, 3)] * 4)
    assert found.rests_on == (2, 0)


def test_blocks_without_a_score_are_left_out():
    scored, risk = severity([[3, 0, 1], [4, 2, 1]], [first(1, 3)] * 2), [first(1, 4), [False, True, False]]
    assert severity([[3, 0, NAN, 1], [2, 4, 1]], risk).p_value == scored.p_value == pytest.approx(1 / 9)


@pytest.mark.parametrize("silent", [[NAN, 1.0, 2.0], [3.0, NAN, NAN]])
def test_a_subject_without_risk_blocks_or_others_says_nothing(silent):
    found = severity([[3, 0, 1], silent], [first(1, 3)] * 2, order=1)
    assert (found.informative, found.highest) == (1, (3.0, None))
    assert severity_e_values([silent], [first(1, 3)]) == (1.0,)


@pytest.mark.parametrize(
    ("scores", "risk", "options", "named"),
    [
        ([[1, 2]], [], {}, "risk"),
        ([[1, 2]], [[True]], {}, "risk of subject 1"),
        ([[math.inf, 2]], [first(1, 2)], {}, "scores of subject 1"),
        ([[1, 2]], [first(1, 2)], {"order": 0}, "order"),
        ([[1, 2]], [first(1, 2)], {"floor": -1}, "floor"),
    ],
)
def test_impossible_inputs_are_named(scores, risk, options, named):
    with pytest.raises(DesignError, match=f"^{named}: found"):
        severity(scores, risk, **options)
