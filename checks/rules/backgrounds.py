"""How far the background moves the answer of a rate rule, and whether control hours contradict it.

Statistics: the binomial tail P(X >= events) at the number of units complete, and the posterior probability
that the rate exceeds the background under a beta prior centred on that background.
Assumption: independent units with one rate. Units still open make n fractional; the tail takes the next whole
number, which never makes events look rarer than they are.
Reference: Geller NL, Follman D, Leifer ES, Carter SL, in: Geller (ed.), Advances in Clinical Trial
Biostatistics, 2003.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from scipy.special import betainc, betaincc

from checks.rules.evidence import BackgroundEvidence

if TYPE_CHECKING:
    from checks.rules.kinds.rate import RateRule

PRIOR_WEIGHT = 10.0
"""Units that the prior is worth where the rule states none: a quarter of the 40 subjects planned in NCT03821038."""

ROUNDING = 1e-9  # sixths of a subject do not add up to whole ones in binary


def tail(events: int, n: float, rate: float) -> float:
    """Return P(Bin(n, rate) >= events); ``n`` is rounded up to a whole number."""
    if events == 0:
        return 1.0
    whole = max(events, math.ceil(n - ROUNDING))
    return float(betainc(events, whole - events + 1, rate))


def posterior_above(events: int, n: float, rate: float, weight: float) -> float:
    """Return the posterior probability of a rate above ``rate``, the prior centred on it and worth ``weight``."""
    free = max(0.0, n - events)
    return float(betaincc(weight * rate + events, weight * (1 - rate) + free, rate))


def over_backgrounds(
    rule: "RateRule", events: int, n: float, background: BackgroundEvidence
) -> list[Mapping[str, float | str]]:
    """Return what the same events say at each background: assumed, its range, estimated, its upper limit."""
    weight = PRIOR_WEIGHT if rule.prior is None else sum(rule.prior)
    return [
        {
            "background": name,
            "rate": rate,
            "p_value": tail(events, n, rate),
            "posterior_above": posterior_above(events, n, rate, weight),
        }
        for name, rate in sorted(_rates(rule, background), key=lambda one: (one[1], one[0]))
    ]


def _rates(rule: "RateRule", background: BackgroundEvidence) -> Iterator[tuple[str, float]]:
    assumed, estimated = background.assumed.get(rule.unit), background.estimated.get(rule.unit)
    if assumed is None or assumed.rate != rule.null_rate:
        yield "null rate", rule.null_rate
    if assumed is not None:
        yield "assumed", assumed.rate
        if assumed.range is not None:
            yield from zip(("assumed, lowest", "assumed, highest"), assumed.range, strict=True)
    if estimated is not None:
        if estimated.estimate > 0:
            yield "estimated", estimated.estimate
        if estimated.ci95[1] < 1:
            yield "estimated, upper limit", estimated.ci95[1]


def contradiction(rule: "RateRule", background: BackgroundEvidence) -> str | None:
    """Return a sentence when the null rate lies outside the 95 % limits of the control hours, else None."""
    estimated = background.estimated.get(rule.unit)
    if estimated is None or estimated.ci95[0] <= rule.null_rate <= estimated.ci95[1]:
        return None
    low, high = estimated.ci95
    where = "below" if rule.null_rate < low else "above"
    return (
        f"null_rate {rule.null_rate:.3g} per {rule.unit} lies {where} the 95 % limits {low:.3g} to {high:.3g} "
        f"of the same subjects' control hours ({background.events} in {background.hours:,.0f} observed hours)"
    )
