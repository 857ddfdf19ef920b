"""The figures of a design: a boundary over the number counted, the probability of crossing over the true rate."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from markupsafe import Markup

from checks.design import CountedDesign
from flows.pages.design.stretches import runs
from flows.pages.kit import svg
from flows.pages.kit.svg import Tick, rate_ticks, whole_ticks
from flows.pages.kit.words import percent

Figure: TypeAlias = Callable[[int], Markup]
"""Draws itself, told by a number from the others of its page."""


def boundary_figures(
    looks: Sequence[float], events: Sequence[int | None], *, last: float, x_name: str, y_name: str
) -> tuple[Figure, ...]:
    """Return the figure of a boundary; none where no number of events crosses at any look.

    ``looks`` are the numbers counted, ``events`` the fewest that cross there, None where none can; ``last`` is the
    right end of the axis, and the names say what is counted along each.
    """
    if all(fewest is None for fewest in events):
        return ()
    return (partial(_draw_boundary, looks, events, last=last, x_name=x_name, y_name=y_name),)


def _draw_boundary(
    looks: Sequence[float],
    events: Sequence[int | None],
    place: int,
    *,
    last: float,
    x_name: str,
    y_name: str,
) -> Markup:
    known = [fewest for fewest in events if fewest is not None]
    top = max(known) + 1
    across, up = svg.axis_scales(last, top)
    axes = svg.Axes(across, up, whole_ticks(across, last), whole_ticks(up, top), x_name)
    area, edges, sign = _edges([round(look) for look in looks], events, axes)
    drawn = svg.drawing(
        f"boundary-{place}",
        [area, axes.draw(), *edges],
        title="Stopping boundary",
        description=f"From {known[0]} {y_name} early to {known[-1]} at the end, {last:g} {x_name}.",
    )
    crossed = svg.rectangle("crosses", 0, 0, 26, 14)
    keys = [svg.key([sign], f"fewest {y_name}"), svg.key([crossed], "crossed")]
    return svg.figure(svg.named("Boundary", f": fewest {y_name} that cross."), [drawn], keys)


def _edges(
    looks: Sequence[int], events: Sequence[int | None], axes: svg.Axes
) -> tuple[Markup, list[Markup], Markup]:
    """Return where it is crossed, the boundary and its sign: dots where no two looks are consecutive, else lines."""
    lines, dots, area = [], [], ""
    for first, final in runs(looks, events):
        fewest = events[first]
        if fewest is None:
            continue
        y, left, right = axes.up(fewest), axes.across(looks[first] - 0.5), axes.across(looks[final] + 0.5)
        dots += [svg.circle("dot", axes.across(looks[first]), y, 3.5)] if first == final else []
        lines.append(svg.path("edge", f"M{left:g},{y:g}H{right:g}"))
        area += f"M{left:g},{svg.TOP:g}V{y:g}H{right:g}V{svg.TOP:g}Z"
    apart = len(dots) == len(lines)
    sign = svg.circle("dot", 13.0, 7.0, 4.0) if apart else svg.path("edge", "M0,7H26")
    return svg.path("crosses", area), dots if apart else lines, sign


def draw_power(rule: CountedDesign, place: int, *, x_name: str) -> Markup:
    """Draw the probability of crossing over the true rate, with the null rate and the declared background."""
    last, background = rule.curve[-1][0], [rate for rate, _ in rule.background]
    across, up = svg.axis_scales(last, 1.0)
    shares = tuple(Tick(up(share), f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    axes = svg.Axes(across, up, rate_ticks(across, last), shares, x_name)
    curve = "M" + "L".join(f"{across(rate):g},{up(share):g}" for rate, share in rule.curve)
    marks, keys, shown = [axes.draw(), svg.path("walk", curve)], [], ""
    if rule.null_rate is not None:
        marks.insert(1, svg.path("null", f"M{across(rule.null_rate):g},{svg.TOP:g}V{svg.BOTTOM:g}"))
        keys.append(svg.key([svg.path("null", "M13,0V14")], f"null rate {rule.null_rate:g}"))
        shown = f"{percent(rule.size)} at the null rate {rule.null_rate:g}, "
    if len(background) > 1:
        left, right = across(background[0]), across(background[-1])
        marks.insert(0, svg.rectangle("doubt", left, svg.TOP, right - left, svg.BOTTOM - svg.TOP))
        keys.append(svg.key([svg.rectangle("doubt", 0, 0, 26, 14)], "declared background, its range"))
    drawn = svg.drawing(
        f"power-{place}",
        marks,
        title="Probability of crossing over the true rate",
        description=f"Crosses with probability {shown}{percent(rule.curve[-1][1])} at {last:g}.",
    )
    return svg.figure(svg.named("Probability of crossing", " over the true rate."), [drawn], keys)
