"""The e-process: whether events run too often into the risk hours, at any moment and without a schedule.

Estimator: a beta-mixture e-process on the self-controlled events. With x of n events in risk hours and
p = 1 / (1 + ratio): E = mean of (q / p)^x ((1 - q) / (1 - p))^(n - x) over a Beta(a, b) prior of q, cut to q > p.
It is a test martingale when the drug does nothing (a supermartingale when it protects), so the chance that it
ever reaches 1 / alpha is at most alpha (Ville), whenever and however often one looks.
Assumptions: as the self-controlled comparison; the prior is fixed before the first event.
Reference: Robbins H. Ann Math Stat 1970;41:1397-1409; Ramdas A, Gruenwald P, Vovk V, Shafer G. Game-theoretic
statistics and safe anytime-valid inference. Stat Sci 2023;38:576-601.
"""

import math
from dataclasses import dataclass

from scipy.special import betaincc, betaln, xlog1py, xlogy

from checks.statistics import parameters
from checks.statistics.timing.binomial_boundary import BinomialBoundary, risk_chance
from checks.statistics.timing.sequential import SequentialCharacteristics

JEFFREYS = (0.5, 0.5)
"""Jeffreys H. Proc R Soc A 1946;186:453-461: the prior that favours no scale."""


@dataclass(frozen=True, slots=True)
class EProcess:
    """An anytime-valid test, and its exact behaviour up to ``n_max`` events. Times are in events.

    ``critical_value`` is 1 / alpha: the e-value at or above which it signals. ``size`` is the exact
    probability of a signal within ``n_max`` events; it stays within alpha however far surveillance goes on.
    """

    n_max: int
    ratio: float
    alpha: float
    prior: tuple[float, float]
    critical_value: float
    size: float
    boundary: BinomialBoundary

    def characteristics(self, relative_risk: float) -> SequentialCharacteristics:
        """Return power within ``n_max`` events and expected times, in events, at a true relative risk."""
        return self.boundary.characteristics(relative_risk)


def e_process(n_max: int, ratio: float, alpha: float, *, prior: tuple[float, float] = JEFFREYS) -> EProcess:
    """Lay down an anytime-valid test of the self-controlled events.

    Parameters
    ----------
    n_max : int
        Events up to which size, power and boundary are computed; validity does not depend on it.
    ratio : float
        Control time over risk time.
    alpha : float
        Largest allowed probability of ever signalling when the drug does nothing.
    prior : tuple (a, b)
        Beta prior of the share of events in risk hours.

    Returns
    -------
    EProcess

    Raises
    ------
    DesignError
        On impossible parameters, and when no count within ``n_max`` events can signal.
    """
    n_max = parameters.count("n_max", n_max, at_least=1)
    ratio, alpha = parameters.time_ratio("ratio", ratio), parameters.share("alpha", alpha)
    prior = parameters.beta_prior("prior", prior)
    fewest = _fewest(n_max, ratio, alpha, prior)
    if all(events is None for events in fewest):
        raise parameters.impossible("n_max", n_max, "more events: no count within so few can signal")
    boundary = BinomialBoundary(tuple(range(1, n_max + 1)), fewest, ratio)
    return EProcess(n_max, ratio, alpha, prior, 1 / alpha, boundary.size(), boundary)


def log_e_value(in_risk: int, in_control: int, ratio: float, prior: tuple[float, float] = JEFFREYS) -> float:
    """Return the logarithm of the evidence against the null at these counts."""
    (a, b), null = prior, risk_chance(ratio)
    mixture = betaln(a + in_risk, b + in_control) - betaln(a, b)
    cut = math.log(betaincc(a + in_risk, b + in_control, null) or math.ulp(0.0)) - math.log(
        betaincc(a, b, null)
    )
    return float(mixture + cut - xlogy(in_risk, null) - xlog1py(in_control, -null))


def _fewest(n_max: int, ratio: float, alpha: float, prior: tuple[float, float]) -> tuple[int | None, ...]:
    """Return the fewest risk events that signal among 1, 2, ... ``n_max`` events.

    The e-value rises with risk events and falls with control events, so the fewest never falls.
    """
    boundary: list[int | None] = []
    fewest = 1
    for n in range(1, n_max + 1):
        while fewest <= n and log_e_value(fewest, n - fewest, ratio, prior) < -math.log(alpha):
            fewest += 1
        boundary.append(fewest if fewest <= n else None)
    return tuple(boundary)
