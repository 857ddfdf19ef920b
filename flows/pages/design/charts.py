"""Decide where every mark of a design's figures lies; the template only draws them.

All coordinates are SVG user units, rounded to a tenth, so that the same design gives the same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.pages.kit.terminal import percent, runs

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 380.0, 44.0, 366.0, 12.0, 178.0
"""The size of a chart and of its plot, as of the charts in a look's report."""

MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class BoundaryChart:
    """Fewest events that cross over the number counted: dots where no two looks are consecutive, else lines."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    area: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_name: str
    y_name: str
    description: str


@dataclass(frozen=True, slots=True)
class PowerChart:
    """The probability of crossing over the true rate, with the null rate and the declared background."""

    curve: str
    null: Tick | None
    background: tuple[float, float] | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_name: str
    description: str


def draw_boundary(
    looks: Sequence[float], events: Sequence[int | None], *, last: float, x_name: str, y_name: str
) -> BoundaryChart | None:
    """Place a boundary; None when no number of events crosses at any look.

    Parameters
    ----------
    looks, events
        Numbers counted, and fewest events that cross there, None where none can.
    last
        Right end of the axis.
    x_name, y_name
        What is counted along each axis.
    """
    known = [fewest for fewest in events if fewest is not None]
    if not known:
        return None
    top = max(known) + 1
    whole = [round(look) for look in looks]
    lines, dots, area = [], [], []
    for first, final in runs(whole, events):
        fewest = events[first]
        if fewest is None:
            continue
        y = _up(fewest, top)
        dots += [(_across(whole[first], last), y)] if first == final else []
        left, right = _across(whole[first] - 0.5, last), _across(min(whole[final] + 0.5, last), last)
        lines.append(f"M{left:g},{y:g}H{right:g}")
        area.append(f"M{left:g},{TOP:g}V{y:g}H{right:g}V{TOP:g}Z")
    return BoundaryChart(
        lines=tuple(lines),
        dots=tuple(dots) if len(dots) == len(lines) else (),
        area="".join(area),
        x_ticks=tuple(Tick(_across(value, last), f"{value:g}") for value in _whole(last)),
        y_ticks=tuple(Tick(_up(value, top), f"{value:g}") for value in _whole(top)),
        x_name=x_name,
        y_name=y_name,
        description=f"From {known[0]} {y_name} early to {known[-1]} at the end, {last:g} {x_name}.",
    )


def draw_power(rule: Mapping[str, Any], x_name: str) -> PowerChart:
    """Place the probability of crossing of a count or rate rule over its true rate."""
    last = rule["curve"][-1][0]
    points = [(_across(rate, last), _up(share, 1.0)) for rate, share in rule["curve"]]
    ends = [rate for rate, _ in rule["background"]]
    null = rule["null_rate"]
    shown = f"{percent(rule['size'])} at the null rate {null:g}, " if null is not None else ""
    return PowerChart(
        curve="M" + "L".join(f"{x:g},{y:g}" for x, y in points),
        null=None if null is None else Tick(_across(null, last), f"{null:g}"),
        background=(_across(ends[0], last), _across(ends[-1], last)) if len(ends) > 1 else None,
        x_ticks=tuple(Tick(_across(value, last), f"{value:g}") for value in _round(last)),
        y_ticks=tuple(Tick(_up(share, 1.0), f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        x_name=x_name,
        description=f"Crosses with probability {shown}{percent(rule['curve'][-1][1])} at {last:g}.",
    )


def _across(value: float, last: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * value / last, 1)


def _up(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)


def _whole(last: float) -> range:
    """Return evenly spaced whole numbers from 0 that are at most ``last``: by 1, 2 or 5 times a power of ten."""
    least = max(1.0, last / MOST_TICKS)
    scale = 10 ** math.floor(math.log10(least))
    step = next(step * scale for step in (1, 2, 5, 10) if step * scale >= least)
    return range(0, math.floor(last) + 1, step)


def _round(last: float) -> list[float]:
    """Return evenly spaced round values from 0 that are at most ``last``."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if last / step <= MOST_TICKS)
    return [round(step * place, 2) for place in range(int(last / step + 1e-9) + 1)]
