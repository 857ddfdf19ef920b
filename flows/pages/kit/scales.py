"""Where values lie on an axis, in SVG user units rounded to a tenth: the same values give the same bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TICKS = 6
"""Labels that an axis has room for."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from a domain to a range; what lies outside the domain is placed at its end."""

    first: float
    last: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return where a value lies."""
        share = (min(max(value, self.first), self.last) - self.first) / (self.last - self.first)
        return round(self.start + share * (self.stop - self.start), 1)


def whole_ticks(scale: Scale, last: float) -> tuple[Tick, ...]:
    """Return ticks at whole numbers from 0 that are at most ``last``: by 1, 2 or 5 times a power of ten."""
    least = max(1.0, last / MOST_TICKS)
    power = 10 ** math.floor(math.log10(least))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= least)
    return tuple(Tick(scale(value), f"{value:g}") for value in range(0, math.floor(last) + 1, step))


def rate_ticks(scale: Scale, last: float) -> tuple[Tick, ...]:
    """Return ticks at round rates from 0 that are at most ``last``, itself at most 1.5."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if last / step <= MOST_TICKS)
    rates = (round(step * place, 2) for place in range(int(last / step + 1e-9) + 1))
    return tuple(Tick(scale(rate), f"{rate:g}") for rate in rates)


def step_path(points: Sequence[tuple[float, float]]) -> str:
    """Return the path that goes along, then up or down, from each point to the next."""
    x, y = points[0]
    return f"M{x:g},{y:g}" + "".join(f"H{x:g}V{y:g}" for x, y in points[1:])
