"""Decide how the operating characteristics of a sequential timing test are reported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Characteristics:
    """How a sequential timing test behaves when the true relative risk is ``relative_risk``.

    Attributes
    ----------
    power : float
        Probability of a signal by the planned end (the size, at a relative risk of 1).
    expected_time_to_signal : float
        Mean time of the signal among the runs that signal, in the unit of the test that made it.
    expected_length : float
        Mean time at which surveillance stops, at the signal or at the planned end, in the same unit.
    """

    relative_risk: float
    power: float
    expected_time_to_signal: float
    expected_length: float
