"""Shares by arm and active against control; the expected numbers are worked out by hand or published."""

import math

import pytest

from checks.closed.comparison import Counted, compare_counts, exact_share, sides_by_scenario
from checks.scenario import ByScenario


def test_three_of_fifteen_against_none_of_six() -> None:
    # All 3 of the 3 cases fall on the 15: C(15, 3) / C(21, 3) = 455 / 1330.
    assert compare_counts(Counted(3, 15), Counted(0, 6)) == pytest.approx(455 / 1330, rel=1e-12)


def test_the_p_value_is_for_more_cases_on_the_active_arms() -> None:
    # P(at least 1 of 2 cases on the active side of 2 and 2) = 1 - C(2, 2) / C(4, 2) = 5 / 6; no more than 0 is sure.
    assert compare_counts(Counted(1, 2), Counted(1, 2)) == pytest.approx(5 / 6, rel=1e-12)
    assert compare_counts(Counted(0, 2), Counted(2, 2)) == 1.0


@pytest.mark.parametrize(("active", "control"), [((0, 0), (1, 6)), ((3, 15), (0, 0))])
def test_a_side_without_anybody_is_not_compared(active: tuple[int, int], control: tuple[int, int]) -> None:
    assert compare_counts(Counted(*active), Counted(*control)) is None


def test_limits_are_those_of_clopper_and_pearson() -> None:
    none = exact_share(Counted(0, 6))
    every = exact_share(Counted(6, 6))
    some = exact_share(Counted(3, 15))
    assert none is not None and every is not None and some is not None
    # Without an event the upper limit solves (1 - p)^6 = 0.025; with events alone the lower one p^6 = 0.025.
    assert none.ci95 == pytest.approx((0.0, 1 - 0.025 ** (1 / 6)), abs=1e-12)
    assert every.ci95 == pytest.approx((0.025 ** (1 / 6), 1.0), abs=1e-12)
    # 3 of 15 by the definition: each limit is the share at which the tail holds 0.025.
    low, high = some.ci95
    assert sum(math.comb(15, k) * low**k * (1 - low) ** (15 - k) for k in range(3, 16)) == pytest.approx(
        0.025
    )
    assert sum(math.comb(15, k) * high**k * (1 - high) ** (15 - k) for k in range(4)) == pytest.approx(0.025)
    assert exact_share(Counted(0, 0)) is None


def test_an_unknown_arm_has_a_part_in_the_best_and_the_worst_case_alone() -> None:
    active = ByScenario(best=Counted(1, 9), main=Counted(2, 9), worst=Counted(3, 10))
    control = ByScenario(best=Counted(0, 3), main=Counted(1, 3), worst=Counted(2, 4))
    unknown = ByScenario(best=Counted(0, 2), main=Counted(1, 2), worst=Counted(1, 2))
    sides = sides_by_scenario(active, control, unknown)
    assert sides.main == (Counted(2, 9), Counted(1, 3))
    assert sides.best == (
        Counted(1, 10),
        Counted(3, 5),
    )  # its case is control's, its other subject active's
    assert sides.worst == (Counted(4, 11), Counted(0, 4))  # the reverse
