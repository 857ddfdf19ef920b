"""The operating characteristics of a sequential test of timing: power, and when it signals or ends."""

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class SequentialCharacteristics:
    """How a sequential timing test behaves when the true relative risk is ``relative_risk``.

    Attributes
    ----------
    power : float
        Probability of a signal by the planned end (the size, at a relative risk of 1).
    expected_time_to_signal : float
        Mean time of the signal among the runs that signal, in the unit of the test that made it; nan where
        none signals.
    expected_length : float
        Mean time at which surveillance stops, at the signal or at the planned end, in the same unit.
    """

    relative_risk: float
    power: float
    expected_time_to_signal: float
    expected_length: float

    @classmethod
    def of_signals(cls, relative_risk: float, power: float, signal_time: float, planned_end: float) -> Self:
        """Return the characteristics, given E[time of the signal; signal] and when a run without one ends."""
        mean = signal_time / power if power > 0 else math.nan
        return cls(relative_risk, power, mean, signal_time + planned_end * (1 - power))
