"""The figures of a design: a boundary over the number counted, the probability of crossing over the true rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from checks.design import CountedDesign
from flows.pages.design.stretches import runs
from flows.pages.kit import svg
from flows.pages.kit.scales import Tick, rate_ticks, whole_ticks
from flows.pages.kit.words import percent


@dataclass(frozen=True, slots=True)
class BoundaryChart:
    """Fewest events that cross over the number counted: dots where no two looks are consecutive, else lines."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    area: str
    axes: svg.Axes
    counted: str
    description: str

    def figure(self, place: int) -> Markup:
        """Return the chart; ``place`` tells it from the others of its page."""
        edges = [svg.path("edge", line) for line in self.lines if not self.dots]
        dots = [svg.circle("dot", x, y, 3.5) for x, y in self.dots]
        sign = svg.circle("dot", 13.0, 7.0, 4.0) if self.dots else svg.path("edge", "M0,7H26")
        drawn = svg.drawing(
            f"boundary-{place}",
            [svg.path("crosses", self.area), self.axes.draw(), *edges, *dots],
            title="Stopping boundary",
            description=self.description,
        )
        keys = [
            svg.key([sign], f"fewest {self.counted}"),
            svg.key([svg.rectangle("crosses", 0, 0, 26, 14)], "crossed"),
        ]
        return svg.figure(svg.named("Boundary", f": fewest {self.counted} that cross."), [drawn], keys)


@dataclass(frozen=True, slots=True)
class PowerChart:
    """The probability of crossing over the true rate, with the null rate and the declared background."""

    curve: str
    null: Tick | None
    background: tuple[float, float] | None
    axes: svg.Axes
    description: str

    def figure(self, place: int) -> Markup:
        """Return the chart; ``place`` tells it from the others of its page."""
        marks, keys = [self.axes.draw(), svg.path("walk", self.curve)], []
        if self.null:
            marks.insert(1, svg.path("null", f"M{self.null.at:g},{svg.TOP:g}V{svg.BOTTOM:g}"))
            keys.append(svg.key([svg.path("null", "M13,0V14")], f"null rate {self.null.label}"))
        if self.background:
            first, last = self.background
            marks.insert(0, svg.rectangle("doubt", first, svg.TOP, last - first, svg.BOTTOM - svg.TOP))
            keys.append(svg.key([svg.rectangle("doubt", 0, 0, 26, 14)], "declared background, its range"))
        drawn = svg.drawing(
            f"power-{place}",
            marks,
            title="Probability of crossing over the true rate",
            description=self.description,
        )
        return svg.figure(svg.named("Probability of crossing", " over the true rate."), [drawn], keys)


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
    across, up = svg.axis_scales(last, top)
    whole = [round(look) for look in looks]
    lines, dots, area = [], [], []
    for first, final in runs(whole, events):
        fewest = events[first]
        if fewest is None:
            continue
        y, left, right = up(fewest), across(whole[first] - 0.5), across(whole[final] + 0.5)
        dots += [(across(whole[first]), y)] if first == final else []
        lines.append(f"M{left:g},{y:g}H{right:g}")
        area.append(f"M{left:g},{svg.TOP:g}V{y:g}H{right:g}V{svg.TOP:g}Z")
    return BoundaryChart(
        lines=tuple(lines),
        dots=tuple(dots) if len(dots) == len(lines) else (),
        area="".join(area),
        axes=svg.Axes(across, up, whole_ticks(across, last), whole_ticks(up, top), x_name),
        counted=y_name,
        description=f"From {known[0]} {y_name} early to {known[-1]} at the end, {last:g} {x_name}.",
    )


def draw_power(rule: CountedDesign, x_name: str) -> PowerChart:
    """Place the probability of crossing of a count or rate rule over its true rate."""
    last = rule.curve[-1][0]
    across, up = svg.axis_scales(last, 1.0)
    ends = [rate for rate, _ in rule.background]
    null = rule.null_rate
    shown = f"{percent(rule.size)} at the null rate {null:g}, " if null is not None else ""
    shares = tuple(Tick(up(share), f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return PowerChart(
        curve="M" + "L".join(f"{across(rate):g},{up(share):g}" for rate, share in rule.curve),
        null=None if null is None else Tick(across(null), f"{null:g}"),
        background=(across(ends[0]), across(ends[-1])) if len(ends) > 1 else None,
        axes=svg.Axes(across, up, rate_ticks(across, last), shares, x_name),
        description=f"Crosses with probability {shown}{percent(rule.curve[-1][1])} at {last:g}.",
    )
