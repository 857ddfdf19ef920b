"""Figures as SVG, in which every text is inert: scales, shapes, axes, legends, and a figure around them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from flows.pages.kit.words import printable

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


WIDTH, LEFT, RIGHT, TOP, BOTTOM = 380.0, 44.0, 366.0, 12.0, 178.0
"""The size of a chart and of its plot, in user units: two stand beside each other on a page."""

HEIGHT = BOTTOM + 42.0

SHAPES = ("circle", "square", "triangle", "diamond")
"""What markers look like: told apart without colour."""


def _written(value: float | str) -> Markup:
    return escape(printable(value) if isinstance(value, str) else f"{round(value, 1):g}")


def shape(tag: str, kind: str, text: str | None = None, **attributes: float | str) -> Markup:
    """Return one element, with or without a text; ``kind`` is a class of the style sheet."""
    named = {"class": kind, **attributes} if kind else attributes
    written = "".join(f' {name.replace("_", "-")}="{_written(value)}"' for name, value in named.items())
    ends = "/>" if text is None else f">{_written(text)}</{tag}>"
    return Markup(f"<{tag}{written}{ends}")  # noqa: S704 - every value and the text are escaped


def path(kind: str, d: str) -> Markup:
    """Return a line along ``d``."""
    return shape("path", kind, d=d)


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> Markup:
    """Return a text that begins, or is anchored, at a place."""
    if anchor == "start":
        return shape("text", kind, text, x=x, y=y)
    return shape("text", kind, text, x=x, y=y, text_anchor=anchor)


def rectangle(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    """Return a filled rectangle."""
    return shape("rect", kind, x=x, y=y, width=width, height=height)


def circle(kind: str, x: float, y: float, radius: float) -> Markup:
    """Return a circle about a place."""
    return shape("circle", kind, cx=x, cy=y, r=radius)


def marker(shape: str, x: float, y: float, kind: str, r: float = 4.2) -> Markup:
    """Return a marker of one of ``SHAPES`` about a place."""
    if shape == "circle":
        return circle(kind, x, y, r)
    if shape == "square":
        return rectangle(kind, x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8)
    if shape == "triangle":
        return path(kind, f"M{x:g},{y - r:.4g}l{r:g},{r * 1.8:.3g}h{-2 * r:.3g}z")
    tall = f"{r * 1.2:.3g}"
    return path(kind, f"M{x:g},{y - r * 1.2:.4g}l{r:g},{tall}l{-r:g},{tall}l{-r:g},-{tall}z")


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a chart of the kit's size, with their ticks and what is counted along the lower one."""

    across: Scale
    up: Scale
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_name: str

    def draw(self) -> Markup:
        """Return the axes."""
        marks = [path("axis", f"M{LEFT:g},{TOP:g}V{BOTTOM:g}H{RIGHT:g}")]
        for tick in self.x_ticks:
            marks += [path("axis", f"M{tick.at:g},{BOTTOM:g}v4")]
            marks += [words(tick.at, BOTTOM + 18.0, tick.label, anchor="middle")]
        for tick in self.y_ticks:
            marks += [path("axis", f"M{LEFT:g},{tick.at:g}h-4")]
            marks += [words(LEFT - 8.0, tick.at + 4.0, tick.label, anchor="end")]
        return joined([*marks, words((LEFT + RIGHT) / 2, BOTTOM + 36.0, self.x_name, "faint", "middle")])


def axis_scales(last: float, top: float) -> tuple[Scale, Scale]:
    """Return the scales of a chart whose axes run from 0 to ``last`` and to ``top``."""
    return Scale(0.0, last, LEFT, RIGHT), Scale(0.0, top, BOTTOM, TOP)


def joined(marks: Iterable[Markup]) -> Markup:
    """Return marks one after the other, one a line."""
    return Markup("\n").join(marks)


def drawing(
    id: str,
    marks: Iterable[Markup],
    *,
    title: str,
    description: str,
    width: float = WIDTH,
    height: float = HEIGHT,
    kind: str = "",
) -> Markup:
    """Return a drawing that a screen reader is told in words; ``id`` is unique on its page."""
    return Markup(
        '<svg{kind}viewBox="0 0 {width} {height}" role="img" aria-labelledby="t-{id} d-{id}">\n'
        '<title id="t-{id}">{title}</title>\n<desc id="d-{id}">{description}</desc>\n{marks}\n</svg>'
    ).format(
        kind=Markup(' class="{}" ').format(kind) if kind else Markup(" "),
        width=_written(width),
        height=_written(height),
        id=id,
        title=printable(title),
        description=printable(description),
        marks=joined(marks),
    )


def key(sign: Iterable[Markup], said: str, kind: str = "") -> Markup:
    """Return an entry of a legend: what stands in the drawing, in 26 by 14 units, and what it means."""
    tag = Markup('<li class="{}">').format(kind) if kind else Markup("<li>")
    return Markup('{}<svg viewBox="0 0 26 14" aria-hidden="true">{}</svg> {}</li>').format(
        tag, Markup().join(sign), printable(said)
    )


def figure(caption: Markup, drawings: Iterable[Markup], keys: Iterable[Markup], note: str = "") -> Markup:
    """Return drawings below a caption and above their legend."""
    last = Markup('\n<p class="small">{}</p>').format(note) if note else Markup()
    return Markup(
        '<figure>\n<figcaption>{}</figcaption>\n{}\n<ul class="legend">\n{}\n</ul>{}\n</figure>'
    ).format(caption, joined(drawings), joined(keys), last)


def named(name: str, rest: str) -> Markup:
    """Return a caption that begins with a name in strong letters."""
    return Markup("<strong>{}</strong>{}").format(printable(name), printable(rest))
