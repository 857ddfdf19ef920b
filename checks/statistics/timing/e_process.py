"""Decide, at any moment and without a schedule, whether events run too often into the risk hours.

Estimator: a beta-mixture e-process on the self-controlled events. With x of n events in risk hours and
p = 1 / (1 + ratio): E = mean of (q / p)^x ((1 - q) / (1 - p))^(n - x) over a Beta(a, b) prior of q, cut to q > p.
It is a test martingale when the drug does nothing (a supermartingale when it protects), so the chance that it
ever reaches 1 / alpha is at most alpha (Ville), whenever and however often one looks. The confidence sequence
inverts the uncut mixture: all relative incidences whose own mixture ratio is still below 1 / alpha, valid at
all looks at once.
Assumptions: as the self-controlled comparison; the prior is fixed before the first event.
Reference: Robbins H. Ann Math Stat 1970;41:1397-1409; Ramdas A, Gruenwald P, Vovk V, Shafer G. Game-theoretic
statistics and safe anytime-valid inference. Stat Sci 2023;38:576-601.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import betaincc, betaln, xlog1py, xlogy

from checks.statistics import parameters
from checks.statistics.timing.binomial_boundary import BinomialBoundary, risk_chance
from checks.statistics.timing.characteristics import Characteristics

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

    def e_value(self, events_in_risk: int, events_in_control: int) -> float:
        """Return the evidence against the null at these counts: 1.0 with no events, infinite past 1e308."""
        counts = _counts(events_in_risk, events_in_control)
        log_value = log_e_value(*counts, self.ratio, self.prior)
        return math.exp(log_value) if log_value < math.log(1e308) else math.inf

    def p_value(self, in_risk: Sequence[bool]) -> float:
        """Return the anytime-valid p-value of a sequence of events: 1 over the largest e-value on its way."""
        largest, seen = 0.0, 0
        for number, flag in enumerate(in_risk, start=1):
            seen += bool(flag)
            largest = max(largest, log_e_value(seen, number - seen, self.ratio, self.prior))
        return math.exp(-largest)

    def confidence_sequence(self, events_in_risk: int, events_in_control: int) -> tuple[float, float]:
        """Return two-sided limits of the relative incidence that hold at 1 - alpha at all looks at once."""
        counts = _counts(events_in_risk, events_in_control)
        lower, upper = _share_limits(*counts, self.alpha, self.prior)
        return _relative(lower, self.ratio), _relative(upper, self.ratio)

    def characteristics(self, relative_risk: float) -> Characteristics:
        """Return power within ``n_max`` events and expected times, in events, at a true relative risk."""
        return self.boundary.characteristics(relative_risk)

    def first_crossing(self, in_risk: Sequence[bool]) -> int | None:
        """Return at which event the sequence first signalled within ``n_max``, None when it did not."""
        return self.boundary.first_crossing(in_risk)


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


def _counts(events_in_risk: int, events_in_control: int) -> tuple[int, int]:
    return (
        parameters.count("events_in_risk", events_in_risk),
        parameters.count("events_in_control", events_in_control),
    )


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


def _share_limits(
    in_risk: int, in_control: int, alpha: float, prior: tuple[float, float]
) -> tuple[float, float]:
    """Return where the uncut mixture ratio, convex in the null share, equals 1 / alpha."""
    (a, b), n = prior, in_risk + in_control
    mixture = betaln(a + in_risk, b + in_control) - betaln(a, b) + math.log(alpha)

    def excess(share: float) -> float:
        return float(mixture - xlogy(in_risk, share) - xlog1py(in_control, -share))

    peak = in_risk / n if n else 0.5
    tiny = 1e-300
    lower = brentq(excess, tiny, peak, xtol=1e-300, rtol=1e-14) if in_risk and excess(tiny) > 0 else 0.0
    upper = brentq(excess, peak, 1 - 1e-16, xtol=1e-15) if in_control and excess(1 - 1e-16) > 0 else 1.0
    return lower, upper


def _relative(share: float, ratio: float) -> float:
    return math.inf if share >= 1 else share / (1 - share) * ratio
