"""What sequential tests of timing share: boundaries in events, and how a test behaves under a true relative risk.

Estimator: the exact forward recursion of ``checks.statistics.recursion``, truncated at the boundary at each look.
Assumption: each event falls in risk hours with the same chance r / (r + ratio), independently.
Reference: Kulldorff M, Davis RL, Kolczak M, et al. Sequential Analysis 2011;30:58-78.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from checks.statistics import parameters
from checks.statistics.recursion import stopping_distribution


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


def risk_chance(ratio: float, relative_risk: float = 1.0) -> float:
    """Return the chance that an event falls in risk hours (``ratio`` = control to risk time)."""
    return relative_risk / (relative_risk + ratio)


@dataclass(frozen=True, slots=True)
class BinomialBoundary:
    """Fewest risk events that cross at each look; a look is a number of events, risk and control together.

    Attributes
    ----------
    looks : tuple of int
        Numbers of events at which the test looks.
    events : tuple of int or None
        Fewest events in risk hours that cross at that look, None where none can.
    ratio : float
        Control time over risk time.

    Raises
    ------
    DesignError
        When looks do not increase, events do not fit them, or the ratio is not above 0.
    """

    looks: tuple[int, ...]
    events: tuple[int | None, ...]
    ratio: float

    def __post_init__(self) -> None:
        parameters.time_ratio("ratio", self.ratio)
        looks = parameters.sequence("looks", self.looks)
        parameters.whole_looks(looks, looks[-1] if looks else 0)
        parameters.fewest_events(self.events, looks)

    def crossing_probabilities(self, relative_risk: float = 1.0) -> NDArray[np.float64]:
        """Return the probability of crossing first at each look, shape ``(len(looks),)``."""
        chance = risk_chance(self.ratio, relative_risk)
        return np.asarray(stopping_distribution(self.looks, self.events, [chance]).probability[0])

    def size(self) -> float:
        """Return the probability of ever crossing when the drug does nothing."""
        return float(self.crossing_probabilities().sum())

    def characteristics(self, relative_risk: float) -> SequentialCharacteristics:
        """Return power and expected times, in events (risk and control together).

        Raises
        ------
        DesignError
            When ``relative_risk`` is not a finite number above 0.
        """
        relative_risk = parameters.positive("relative_risk", relative_risk)
        crossed = self.crossing_probabilities(relative_risk)
        power, mass = float(crossed.sum()), float(crossed @ np.asarray(self.looks))
        return SequentialCharacteristics.of_signals(relative_risk, power, mass, self.looks[-1])


@dataclass(frozen=True, slots=True)
class EventTest:
    """A test of the self-controlled events one by one, its exact size and its boundary in counts.

    Attributes
    ----------
    n_max : int
        Events up to which size, power and boundary are computed; times are in events.
    ratio, alpha, min_events
        What it was made for.
    critical_value : float
        The smallest value of its statistic that signals: at it or above. ``boundary.events`` says the same in
        whole events, free of rounding.
    size : float
        Exact probability of a signal within ``n_max`` events when the drug does nothing.
    """

    n_max: int
    ratio: float
    alpha: float
    min_events: int
    critical_value: float
    size: float
    boundary: BinomialBoundary

    def characteristics(self, relative_risk: float) -> SequentialCharacteristics:
        """Return power within ``n_max`` events and expected times, in events, at a true relative risk."""
        return self.boundary.characteristics(relative_risk)
