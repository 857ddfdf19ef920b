"""The self-controlled case series: how the event rate changes after dosing when it also drifts with time.

Estimator: the self-controlled case series. Given each subject's number of events, they fall on that subject's
intervals with chances proportional to hours x exp(exposure effect + stratum effect): a conditional Poisson
(that is, multinomial) likelihood, maximised by Newton's method with exact derivatives; Wald limits and
p-values. Time strata (hours since admission, say) take out a trend that the plain self-controlled comparison
would mistake for the drug.
Assumptions: events of a subject are independent given its rate, and change neither later exposure nor
observation. At low counts prefer the exact ``self_controlled_strata``. Fixed differences between subjects
cancel.
Reference: Farrington CP. Biometrics 1995;51:228-235; Whitaker HJ, et al. Stat Med 2006;25:1768-1797.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from checks.statistics import parameters

Z95 = float(ndtri(0.975))
GRADIENT = 1e-9
"""Largest gradient accepted at the maximum, in events."""
LEAST_INFORMATION = 1e-6
"""Less than this (a standard error of 1000 on the log scale) means that an effect has no finite estimate."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect on the log rate: Wald limits at 95 %, two-sided p-value."""

    name: str
    log_ratio: float
    standard_error: float

    @property
    def relative_incidence(self) -> float:
        """Rate over the rate in the reference group."""
        return math.exp(self.log_ratio)

    @property
    def ci95(self) -> tuple[float, float]:
        """Wald limits of the relative incidence."""
        half = Z95 * self.standard_error
        return math.exp(self.log_ratio - half), math.exp(self.log_ratio + half)

    @property
    def p_value(self) -> float:
        """Two-sided Wald p-value."""
        return float(2 * ndtr(-abs(self.log_ratio) / self.standard_error))


@dataclass(frozen=True, slots=True)
class CaseSeries:
    """Effects of exposure groups 1, 2, ... against 0, and of the time strata against the first.

    ``events`` and ``subjects`` count those that took part: a subject without events says nothing.
    """

    exposure: tuple[Effect, ...]
    strata: tuple[Effect, ...]
    events: int
    subjects: int
    log_likelihood: float


def case_series(
    subjects: Sequence[Hashable],
    hours: Sequence[float],
    events: Sequence[int],
    exposure: Sequence[int],
    strata: Sequence[int] | None = None,
) -> CaseSeries:
    """Fit a self-controlled case series.

    Parameters
    ----------
    subjects, hours, events, exposure, strata : sequences of one length
        One entry an interval: whose it is, its observed hours (above 0), its events, its exposure group (0 is
        the reference) and its time stratum (the lowest is the reference; None: no strata).

    Returns
    -------
    CaseSeries

    Raises
    ------
    DesignError
        On lengths that differ, hours that are not above 0, negative counts, no events, or a group whose
        effect cannot be estimated (no event in it, or in its reference): the exact test serves there.
    """
    hours = parameters.sequence("hours", hours)
    given = {"subjects": subjects, "hours": hours, "events": events, "exposure": exposure}
    given["strata"] = [0] * len(hours) if strata is None else strata
    columns = [parameters.sequence(name, column) for name, column in given.items()]
    if len({len(column) for column in columns}) != 1:
        raise parameters.impossible("intervals", [len(column) for column in columns], "columns of one length")
    intervals = _intervals(*columns)
    log_ratios, covariance, log_likelihood = _fit(intervals)
    errors = np.sqrt(np.diag(covariance))
    effects = tuple(
        Effect(name, float(value), float(error))
        for name, value, error in zip(intervals.names, log_ratios, errors, strict=True)
    )
    cut = intervals.exposure_groups
    return CaseSeries(
        effects[:cut], effects[cut:], int(intervals.events.sum()), len(intervals.totals), log_likelihood
    )


@dataclass(frozen=True, slots=True)
class _Intervals:
    owner: NDArray[np.int64]
    totals: NDArray[np.float64]
    log_hours: NDArray[np.float64]
    events: NDArray[np.float64]
    design: NDArray[np.float64]
    names: tuple[str, ...]
    exposure_groups: int


def _intervals(
    subjects: Sequence[Hashable],
    hours: Sequence[float],
    events: Sequence[int],
    exposure: Sequence[int],
    strata: Sequence[int],
) -> _Intervals:
    counts: NDArray[np.float64] = np.array([parameters.count("events", value) for value in events], float)
    lengths = np.array([parameters.positive("hours", value) for value in hours])
    groups = np.array([parameters.count("exposure", value) for value in exposure], dtype=np.int64)
    times = np.array([parameters.count("strata", value) for value in strata], dtype=np.int64)
    number = {subject: index for index, subject in enumerate(dict.fromkeys(subjects))}
    owner = np.array([number[subject] for subject in subjects], dtype=np.int64)
    cases = np.bincount(owner, weights=counts, minlength=len(number)) > 0
    if not cases.any():
        raise parameters.impossible("events", "none", "one event or more")
    kept = cases[owner]
    owner = np.cumsum(cases)[owner[kept]] - 1
    counts, groups, times = counts[kept], groups[kept], times[kept]
    exposed = _levels("exposure group", groups, counts, 0)
    later = _levels("stratum", times, counts, int(times.min()))
    if not exposed:
        raise parameters.impossible("exposure", "group 0 alone", "exposure group 0 and another")
    design = np.column_stack([*(groups == level for level in exposed), *(times == level for level in later)])
    names = (*(f"exposure {level}" for level in exposed), *(f"stratum {level}" for level in later))
    totals = np.bincount(owner, weights=counts).astype(np.float64)
    return _Intervals(
        owner, totals, np.log(lengths[kept]), counts, design.astype(np.float64), names, len(exposed)
    )


def _levels(name: str, groups: NDArray[np.int64], counts: NDArray[np.float64], reference: int) -> list[int]:
    """Return the levels other than the reference; each, and the reference, must have an event."""
    levels = [int(level) for level in np.unique(groups)]
    for level in sorted({reference, *levels}):
        if not counts[groups == level].sum():
            raise parameters.impossible(f"events in {name} {level}", 0, "1 or more for an estimate")
    return [level for level in levels if level != reference]


def _fit(data: _Intervals) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the estimates, their covariance and the log-likelihood at the maximum."""

    def loss(effects: NDArray[np.float64]) -> float:
        rates = data.log_hours + data.design @ effects
        sums = np.bincount(data.owner, weights=np.exp(rates))
        return float(data.totals @ np.log(sums) - data.events @ rates)

    result = minimize(
        loss,
        np.zeros(len(data.names)),
        jac=lambda effects: _score(data, effects),
        hess=lambda effects: _information(data, effects),
        method="trust-exact",
        options={"gtol": GRADIENT},
    )
    effects = np.asarray(result.x, dtype=np.float64)
    information = _information(data, effects)
    if not np.linalg.eigvalsh(information).min() > LEAST_INFORMATION:
        raise parameters.impossible(
            "exposure and strata", data.names, "groups that differ, with events in both, within subjects"
        )
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return effects, covariance, -float(result.fun)


def _shares(data: _Intervals, effects: NDArray[np.float64]) -> NDArray[np.float64]:
    rates = np.exp(data.log_hours + data.design @ effects)
    return np.asarray(rates / np.bincount(data.owner, weights=rates)[data.owner])


def _score(data: _Intervals, effects: NDArray[np.float64]) -> NDArray[np.float64]:
    fitted = data.totals[data.owner] * _shares(data, effects)
    return np.asarray(data.design.T @ (fitted - data.events))


def _information(data: _Intervals, effects: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = _shares(data, effects)
    means = np.zeros((len(data.totals), data.design.shape[1]))
    np.add.at(means, data.owner, shares[:, None] * data.design)
    weighted = (data.totals[data.owner] * shares)[:, None] * data.design
    return np.asarray(data.design.T @ weighted - (means * data.totals[:, None]).T @ means)
