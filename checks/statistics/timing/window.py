"""Decide whether more subjects had a case in one named window than the background explains.

Estimator: X = subjects with at least one case in the window; upper tail P(X >= x) of Binomial(n, background),
of a Poisson-binomial when subjects differ, or of a beta-binomial when the background is itself uncertain.
Assumptions: independent subjects, and a window fixed before the events.
Reference: Skellam JG. A probability distribution derived from the binomial by regarding the probability of
success as variable between the sets of trials. J R Stat Soc B 1948;10:257-261.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, gammaln

from checks.statistics import parameters
from checks.statistics.timing.poisson_binomial import binomial_distribution, success_distribution


@dataclass(frozen=True, slots=True)
class WindowTest:
    """How likely at least so many subjects with a case are on the background alone."""

    events: int
    n: int
    background: float | tuple[float, ...] | None
    prior: tuple[float, float] | None
    p_value: float


def window_test(
    events: int,
    n: int,
    background: float | Sequence[float] | None = None,
    *,
    prior: tuple[float, float] | None = None,
) -> WindowTest:
    """Return P(X >= events) among ``n`` subjects on the background alone.

    Parameters
    ----------
    events, n : int
        Subjects with a case in the window; subjects whose window was evaluable.
    background : float or sequence of n floats
        Chance that a subject has a case in such a window without the drug: one for all, or one each.
    prior : tuple (a, b)
        A beta distribution for the background in place of a point, for a background that was estimated
        (a events in a + b windows, say). Give either ``background`` or ``prior``.

    Returns
    -------
    WindowTest
        The p-value is 1.0 at zero events.

    Raises
    ------
    DesignError
        On impossible counts or chances, or when both or none of ``background`` and ``prior`` are given.
    """
    n = parameters.count("n", n)
    events = _events(events, n)
    if (background is None) == (prior is None):
        raise parameters.impossible("background and prior", (background, prior), "one of the two")
    if prior is not None:
        shape = parameters.beta_prior("prior", prior)
        return WindowTest(events, n, None, shape, _upper_tail(_beta_binomial(n, shape), events))
    chances = _background(background, n)
    return WindowTest(events, n, chances, None, _upper_tail(_distribution(n, chances), events))


def posterior_above_background(events: int, n: int, background: float, *, prior_weight: float) -> float:
    """Return the posterior probability that the chance of a case exceeds the background.

    The prior is Beta(w b, w (1 - b)): centred on the background ``b``, worth ``w`` subjects.

    Raises
    ------
    DesignError
        On impossible counts, chances or weights.
    """
    n = parameters.count("n", n)
    events = _events(events, n)
    background = parameters.share("background", background)
    weight = parameters.positive("prior_weight", prior_weight)
    return float(
        betainc(weight * (1 - background) + n - events, weight * background + events, 1 - background)
    )


def _events(events: int, n: int) -> int:
    events = parameters.count("events", events)
    if events > n:
        raise parameters.impossible("events", events, f"at most n = {n}")
    return events


def _background(background: float | Sequence[float] | None, n: int) -> float | tuple[float, ...]:
    if not isinstance(background, Sequence | np.ndarray):
        return parameters.share("background", background)
    chances = tuple(parameters.share("background", chance) for chance in background)
    if len(chances) != n:
        raise parameters.impossible("background", f"{len(chances)} chances", f"one, or n = {n} of them")
    return chances


def _distribution(n: int, chances: float | tuple[float, ...]) -> NDArray[np.float64]:
    if isinstance(chances, tuple):
        return success_distribution([1] * n, chances)
    return binomial_distribution(n, chances)


def _beta_binomial(n: int, prior: tuple[float, float]) -> NDArray[np.float64]:
    k, (a, b) = np.arange(n + 1), prior
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(np.exp(ways + betaln(k + a, n - k + b) - betaln(a, b)))


def _upper_tail(distribution: NDArray[np.float64], events: int) -> float:
    return 1.0 if events == 0 else min(1.0, float(distribution[events:].sum()))
