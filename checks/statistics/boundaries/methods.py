"""The methods of a rate boundary: how each orders the pairs (n subjects, s events) by their evidence of harm.

Each crosses where its statistic passes the critical value c, calibrated on the exact size. All assume independent
subjects with one rate; p0 is the null rate, N is ``n_max``.
"""

import functools
import math
from collections.abc import Callable, Mapping
from inspect import Signature, signature
from types import MappingProxyType
from typing import Any

import numpy as np

from checks.errors import DesignError
from checks.statistics import parameters
from checks.statistics.binomial import binomial_tail, log_likelihood_ratio, posterior_at_most
from checks.statistics.boundaries.boundary import Boundary, Option
from checks.statistics.boundaries.calibration import Design, Evidence, calibrate, checked_design

Method = Callable[..., Boundary]

OPTIONS: Mapping[str, Callable[[Any, Design], Option]] = {
    "delta": lambda given, _: parameters.between("delta", given, 0.0, 1.0, closed=True),
    "prior": lambda given, _: parameters.beta_prior("prior", given),
    "alternative_rate": lambda given, design: parameters.between(
        "alternative_rate", given, design.null_rate, 1.0
    ),
    "nu": lambda given, _: parameters.between("nu", given, 0.0, 1.0, closed=True),
}
"""What a method may take beside its design, and how it is checked."""

CERTAINLY_NOT = -1.0
"""Evidence where the second condition of Chen and Chaloner fails: as if P(p > p0 | data) were 0."""


def _calibrated(
    published: Callable[[float], float] = float,
) -> Callable[[Callable[..., Evidence]], Method]:
    """Make a method of an ordering, whose critical evidence ``published`` turns into the published scale.

    It takes the parameters of a design and the options of the ordering; a missing or unknown one is a DesignError
    that lists those allowed.
    """

    def method_of(ordering: Callable[..., Evidence]) -> Method:
        name, (_, *own) = ordering.__name__, signature(ordering).parameters.values()
        accepted = Signature([*signature(checked_design).parameters.values(), *own])

        @functools.wraps(ordering)
        def method(*args: object, **options: object) -> Boundary:
            try:
                given = accepted.bind(*args, **options)
            except TypeError as problem:
                allowed = ", ".join(accepted.parameters)
                raise DesignError(f"{name}: found {problem}; allowed: {allowed}") from None
            design = checked_design(*given.args)
            checked = {one: OPTIONS[one](value, design) for one, value in given.kwargs.items()}
            return calibrate(
                name, design, ordering(design, **checked), options=tuple(checked.items()), published=published
            )

        method.__signature__ = accepted  # type: ignore[attr-defined]  # where ``inspect.signature`` looks for it
        return method

    return method_of


def _above(negative_at_most: float) -> float:
    """Return P(p > rate) from the evidence, which is -P(p <= rate)."""
    return 1.0 + negative_at_most


@_calibrated(published=lambda evidence: -evidence)
def pocock(design: Design) -> Evidence:
    """Return the boundary whose one-sided binomial tail probability is below one constant at each look.

    Statistic: P(Bin(n, p0) >= s), the exact p-value of the look; crossed where it is below c. Pocock SJ,
    Biometrika 1977;64:191-199; after each subject: Ivanova A, Qaqish BF, Schell MJ, Biometrics 2005;61:540-545.

    Parameters
    ----------
    n_max : int
        Largest number of subjects.
    null_rate : float
        Acceptable rate p0 of events per subject, between 0 and 1.
    alpha : float
        Largest probability allowed of ever crossing at `null_rate`.
    looks : sequence of int, optional
        Increasing numbers of subjects; after every subject when not given.

    Returns
    -------
    Boundary
        The fewest events that cross at each look, with its exact size and all that was given.

    Raises
    ------
    DesignError
        When a parameter is impossible or no boundary keeps to `alpha`.

    Examples
    --------
    >>> found = pocock(15, 0.2, 0.05, looks=[5, 10, 15])
    >>> found.looks, found.events
    ((5, 10, 15), (4, 5, 7))
    >>> round(found.size, 6)
    0.04132
    """
    return lambda subjects, events: -binomial_tail(subjects, events, design.null_rate)


def _standardised(design: Design, delta: float) -> Evidence:
    """Return the excess of events over the expected count, in units of the family's standard deviation."""
    rate = design.null_rate
    return lambda subjects, events: (
        (events - subjects * rate)
        / ((subjects / design.n_max) ** (delta - 0.5) * np.sqrt(subjects * (rate * (1.0 - rate))))
    )


@_calibrated()
def obrien_fleming(design: Design) -> Evidence:
    """Return the boundary at a constant distance above the expected events: strict at first.

    Statistic: (s - n p0) / sqrt(N p0 (1 - p0)); crossed above b = n p0 + c sqrt(N p0 (1 - p0)), a line parallel to
    the expected count. At the end it is near the fixed-sample test; it is the Wang-Tsiatis family at delta 0.
    O'Brien PC, Fleming TR, Biometrics 1979;35:549-556. Parameters and errors as of :func:`pocock`.
    """
    return _standardised(design, 0.0)


@_calibrated()
def wang_tsiatis(design: Design, *, delta: float) -> Evidence:
    """Return the boundary of the power family with shape `delta`, 0 to 1.

    Statistic: (s - n p0) / ((n/N)^(delta - 1/2) sqrt(n p0 (1 - p0))); crossed where it is above c, that is above
    b = n p0 + c (n/N)^(delta - 1/2) sqrt(n p0 (1 - p0)): O'Brien-Fleming's shape at 0, a constant z value at 0.5.
    The normal form only orders the outcomes: the size is exact. Wang SK, Tsiatis AA, Biometrics 1987;43:193-199.
    Parameters and errors otherwise as of :func:`pocock`.
    """
    return _standardised(design, delta)


@_calibrated(published=_above)
def beta_binomial(design: Design, *, prior: tuple[float, float]) -> Evidence:
    """Return the boundary for a Beta(a, b) prior: `prior` = (a, b), both positive, worth a + b subjects.

    Statistic: P(p > p0 | s events in n subjects); crossed where it is above c. Geller NL, Follman D, Leifer ES,
    Carter SL, in: Geller (ed.), Advances in Clinical Trial Biostatistics, 2003. Parameters and errors otherwise as
    of :func:`pocock`.
    """
    return lambda subjects, events: -posterior_at_most(design.null_rate, subjects, events, prior)


@_calibrated(published=_above)
def chen_chaloner(
    design: Design, *, prior: tuple[float, float], alternative_rate: float, nu: float
) -> Evidence:
    """Return the boundary for a Beta(a, b) prior that also asks P(p > `alternative_rate` | data) > `nu`.

    `alternative_rate` is the unacceptable rate p1, above the null rate; `nu` is from 0 to 1. Statistic:
    P(p > p0 | data); crossed where it is above c and P(p > p1 | data) is above nu as well. Chen C, Chaloner K,
    Statistics in Medicine 2006;25:2956-2966. Parameters and errors otherwise as of :func:`pocock`.
    """
    return lambda subjects, events: np.where(
        posterior_at_most(alternative_rate, subjects, events, prior) < 1.0 - nu,
        -posterior_at_most(design.null_rate, subjects, events, prior),
        CERTAINLY_NOT,
    )


@_calibrated()
def sprt(design: Design, *, alternative_rate: float) -> Evidence:
    """Return the truncated SPRT against `alternative_rate`, the unacceptable rate p1, above the null rate.

    Statistic: s log(p1/p0) + (n - s) log((1 - p1)/(1 - p0)); crossed where it is above c. Only the upper limit is
    used and the trial ends at `n_max`, so c is calibrated on the exact size, not taken as log(1/alpha). Wald A,
    Annals of Mathematical Statistics 1945;16:117-186. Parameters and errors otherwise as of :func:`pocock`.
    """
    per_event = math.log(alternative_rate / design.null_rate)
    per_non_event = math.log1p(-alternative_rate) - math.log1p(-design.null_rate)
    return lambda subjects, events: events * per_event + (subjects - events) * per_non_event


@_calibrated()
def maxsprt(design: Design) -> Evidence:
    """Return the boundary of the maximised likelihood ratio; it needs no alternative rate.

    Statistic: s log(s/(n p0)) + (n - s) log((n - s)/(n (1 - p0))) where s > n p0, else 0; crossed where it is above
    c. Kulldorff M, Davis RL, Kolczak M, Lewis E, Lieu T, Platt R, Sequential Analysis 2011;30:58-78. Parameters and
    errors as of :func:`pocock`.
    """
    return lambda subjects, events: log_likelihood_ratio(subjects, events, design.null_rate)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.__name__: method
        for method in (pocock, obrien_fleming, wang_tsiatis, beta_binomial, chen_chaloner, sprt, maxsprt)
    }
)
"""Method name, as written in a study protocol, to the function that returns its boundary.

Each is called as ``METHODS[name](n_max, null_rate, alpha, looks=None, **options)`` with the options of its own.
"""
