"""The self-controlled case series against other estimators, and its messages."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from checks.errors import DesignError
from checks.statistics.timing import case_series, self_controlled_strata

SUBJECTS = ["a"] * 4 + ["b"] * 4 + ["c"] * 4 + ["d"] * 2
HOURS = [10.0, 3.0, 20.0, 5.0, 12.0, 3.0, 18.0, 3.0, 9.0, 2.0, 25.0, 4.0, 7.0, 3.0]
EVENTS = [1, 2, 1, 0, 0, 1, 2, 1, 1, 0, 0, 1, 0, 0]
EXPOSURE = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
STRATA = [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]


def poisson_with_subjects() -> np.ndarray:
    """An unconditional Poisson regression with an intercept a subject has the same maximum."""
    owner = np.array(["abc".index(s) for s in SUBJECTS[:12]])
    design = np.column_stack([EXPOSURE[:12], STRATA[:12], *(owner == k for k in range(3))]).astype(float)

    def loss(effects):
        rates = np.log(HOURS[:12]) + design @ effects
        return np.exp(rates).sum() - np.array(EVENTS[:12]) @ rates

    return minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x


def test_with_time_strata_it_equals_a_poisson_regression_with_subjects():
    fitted = case_series(SUBJECTS, HOURS, EVENTS, EXPOSURE, STRATA)
    exposure, stratum = poisson_with_subjects()[:2]
    assert fitted.exposure[0].log_ratio == pytest.approx(exposure, abs=1e-5)
    assert fitted.strata[0].log_ratio == pytest.approx(stratum, abs=1e-5)
    assert (fitted.events, fitted.subjects) == (10, 3)  # subject d had none
    assert [effect.name for effect in (*fitted.exposure, *fitted.strata)] == ["exposure 1", "stratum 1"]


def test_without_strata_it_equals_the_exact_comparison_s_estimate():
    fitted = case_series(SUBJECTS, HOURS, EVENTS, EXPOSURE)
    sums = {
        (subject, exposed): (
            sum(
                e for s, x, e in zip(SUBJECTS, EXPOSURE, EVENTS, strict=True) if (s, x) == (subject, exposed)
            ),
            sum(h for s, x, h in zip(SUBJECTS, EXPOSURE, HOURS, strict=True) if (s, x) == (subject, exposed)),
        )
        for subject in "abcd"
        for exposed in (0, 1)
    }
    exact = self_controlled_strata(
        [sums[s, 1][0] for s in "abcd"],
        [sums[s, 0][0] for s in "abcd"],
        [sums[s, 1][1] for s in "abcd"],
        [sums[s, 0][1] for s in "abcd"],
    )
    assert fitted.exposure[0].relative_incidence == pytest.approx(exact.relative_incidence, rel=1e-7)


def test_one_subject_by_hand():
    """3 events in 1 hour against 2 in 4: ratio 6, standard error of its log sqrt(1/3 + 1/2)."""
    effect = case_series(["a", "a"], [1, 4], [3, 2], [1, 0]).exposure[0]
    assert effect.relative_incidence == pytest.approx(6, rel=1e-7)
    assert effect.standard_error == pytest.approx(math.sqrt(1 / 3 + 1 / 2), rel=1e-6)
    assert effect.ci95[0] == pytest.approx(6 * math.exp(-1.959964 * math.sqrt(5 / 6)), rel=1e-5)


def test_a_trend_is_not_mistaken_for_the_drug():
    """Events twice as frequent early, when all were exposed: the strata take the trend out."""
    subjects = ["a"] * 4 + ["b"] * 4
    hours, exposure, strata = [5.0, 5.0, 5.0, 5.0] * 2, [1, 0, 0, 0, 0, 1, 0, 0], [0, 0, 1, 1] * 2
    events = [20, 20, 10, 10] * 2
    fitted = case_series(subjects, hours, events, exposure, strata)
    assert fitted.exposure[0].relative_incidence == pytest.approx(1, abs=1e-6)
    assert fitted.strata[0].relative_incidence == pytest.approx(0.5, rel=1e-6)
    assert case_series(subjects, hours, events, exposure).exposure[0].relative_incidence > 1.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [1], [1], [1, 0]), "intervals: found [1, 1, 1, 2, 1]; allowed: columns of one length"),
        ((["a", "a"], [1, 0], [1, 0], [1, 0]), "hours: found 0; allowed: a finite number above 0"),
        ((["a", "a"], [1, 4], [0, 0], [1, 0]), "events: found 'none'; allowed: one event or more"),
        (
            (["a", "a"], [1, 4], [1, 0], [1, 0]),
            "events in exposure group 0: found 0; allowed: 1 or more for an estimate",
        ),
        (
            (["a", "a"], [1, 4], [1, 2], [0, 0]),
            "exposure: found 'group 0 alone'; allowed: exposure group 0 and another",
        ),
        (
            (["a", "b"], [1, 4], [1, 2], [0, 1]),
            "exposure and strata: found ('exposure 1',); allowed: groups that differ, with events in both, "
            "within subjects",
        ),
    ],
)
def test_impossible_input_is_named(arguments, message):
    with pytest.raises(DesignError) as error:
        case_series(*arguments)
    assert str(error.value) == message
