"""What a protocol plans, as far as the behaviour of its rules before use depends on it.

Assumption of the conversion of rates: the dose windows of a subject are independent and equally likely to hold a
case, so that a subject with k planned doses is a case with probability 1 - (1 - rate per window)^k.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from checks.rules.evidence import AssumedRate, Span


@dataclass(frozen=True, slots=True)
class Plan:
    """Windows, planned numbers and rates of a protocol, and how its trials are simulated.

    Attributes
    ----------
    risk_window, control_windows
        Hours since dose.
    subjects, doses
        Planned subjects, and planned doses of each; None where none are planned.
    backgrounds
        The assumed background by unit, ``window`` and ``subject``, where one can be said.
    harmless
        Rate per subject taken for harmless: the background, else the null rate of a rule.
    seed, simulations
        Seed and number of the simulated trials at each truth.
    """

    risk_window: Span
    control_windows: tuple[Span, ...]
    subjects: int | None = None
    doses: int | None = None
    backgrounds: Mapping[str, AssumedRate] = field(default_factory=dict)
    harmless: float | None = None
    seed: int = 0
    simulations: int = 1

    @property
    def ratio(self) -> float:
        """Planned control time over planned risk time of one dose; overlapping windows count once."""
        low, high = self.risk_window
        return self.control_hours / (high - low)

    @property
    def control_hours(self) -> float:
        """Hours of the union of the control windows of one dose."""
        return float(sum(end - start for start, end in merged(self.control_windows)))

    @property
    def observed_hours(self) -> Span:
        """Hours since dose over which a look scans: from the dose to the last that a window names."""
        return 0.0, max(self.risk_window[1], *(end for _, end in self.control_windows))


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the union of spans as spans that neither overlap nor touch, ascending."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def doubtful_rates(background: AssumedRate | None) -> tuple[float, ...]:
    """Return the low end, the rate and the high end of a background, without what was not declared."""
    if background is None:
        return ()
    low, high = background.range or (background.rate, background.rate)
    return tuple(dict.fromkeys((low, background.rate, high)))


def per_window(subject_rate: float, doses: int) -> float:
    """Return the rate per dose window that gives a rate per subject over ``doses`` windows."""
    return _in_windows(subject_rate, 1 / doses)


def per_subject(window_rate: float, doses: int) -> float:
    """Return the rate per subject over ``doses`` windows that a rate per dose window gives."""
    return _in_windows(window_rate, doses)


def _in_windows(rate: float, times: float) -> float:
    """Return the probability of a case or more in so many times the unit of ``rate``."""
    return -math.expm1(times * math.log1p(-rate))
