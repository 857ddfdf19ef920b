"""The beta-mixture e-process of events that all have one probability: whether they run too often into risk hours.

Estimator: a beta-mixture e-process on the self-controlled events. With x of n events in risk hours and
p = 1 / (1 + ratio): E = mean of (q / p)^x ((1 - q) / (1 - p))^(n - x) over Jeffreys' prior of q, cut to q > p.
It is a test martingale when the drug does nothing (a supermartingale when it protects), so the chance that it
ever reaches 1 / alpha is at most alpha (Ville), whenever and however often one looks.
Assumptions: as the self-controlled comparison.
Reference: Robbins H. Ann Math Stat 1970;41:1397-1409; Ramdas A, Gruenwald P, Vovk V, Shafer G. Game-theoretic
statistics and safe anytime-valid inference. Stat Sci 2023;38:576-601.
"""

import math

from scipy.special import betaincc, betaln, xlog1py, xlogy

from checks.statistics import parameters
from checks.statistics.timing.sequential import BinomialBoundary, EventTest, risk_chance

JEFFREYS = (0.5, 0.5)
"""a and b of the beta prior that favours no scale. Jeffreys H. Proc R Soc A 1946;186:453-461."""


def beta_mixture(n_max: int, ratio: float, alpha: float) -> EventTest:
    """Lay down an anytime-valid test of the self-controlled events.

    Parameters
    ----------
    n_max : int
        Events up to which size, power and boundary are computed; validity does not depend on it.
    ratio : float
        Control time over risk time.
    alpha : float
        Largest allowed probability of ever signalling when the drug does nothing.

    Returns
    -------
    EventTest
        Its ``critical_value`` is 1 / alpha: the e-value at or above which it signals. ``size`` stays within
        alpha however far surveillance goes on.

    Raises
    ------
    DesignError
        On impossible parameters, and when no count within ``n_max`` events can signal.
    """
    n_max = parameters.count("n_max", n_max, at_least=1)
    ratio, alpha = parameters.time_ratio("ratio", ratio), parameters.share("alpha", alpha)
    fewest = _fewest(n_max, ratio, alpha)
    if all(events is None for events in fewest):
        raise parameters.impossible("n_max", n_max, "more events: no count within so few can signal")
    boundary = BinomialBoundary(tuple(range(1, n_max + 1)), fewest, ratio)
    return EventTest(n_max, ratio, alpha, 1, 1 / alpha, boundary.size(), boundary)


def log_e_value(in_risk: int, in_control: int, ratio: float) -> float:
    """Return the logarithm of the evidence against the null at these counts."""
    (a, b), null = JEFFREYS, risk_chance(ratio)
    mixture = betaln(a + in_risk, b + in_control) - betaln(a, b)
    cut = math.log(betaincc(a + in_risk, b + in_control, null) or math.ulp(0.0)) - math.log(
        betaincc(a, b, null)
    )
    return float(mixture + cut - xlogy(in_risk, null) - xlog1py(in_control, -null))


def _fewest(n_max: int, ratio: float, alpha: float) -> tuple[int | None, ...]:
    """Return the fewest risk events that signal among 1, 2, ... ``n_max`` events.

    The e-value rises with risk events and falls with control events, so the fewest never falls.
    """
    boundary: list[int | None] = []
    fewest = 1
    for n in range(1, n_max + 1):
        while fewest <= n and log_e_value(fewest, n - fewest, ratio) < -math.log(alpha):
            fewest += 1
        boundary.append(fewest if fewest <= n else None)
    return tuple(boundary)
