"""Decide where every mark of the report's figures lies; the template only draws them.

All coordinates are SVG user units, rounded to a tenth, so that the same look gives the same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flows.pages.kit.words import number, path_sentence, plural, span
from flows.pages.report.sentences import Record, case_hour, first_seen

FIRST_HOUR, LAST_HOUR = -24.0, 48.0
"""Hours since dose that the raster shows: the usual control hours on both sides of a dose."""

MOST_LABELLED, MOST_ROWS = 40, 150
"""Beyond the first number rows lose their labels; beyond the second they are in the case list alone."""

DAY = 23.9
"""An onset as wide as this spans a calendar day: the stamp had a date and no clock time."""

MARGIN, PATH_WIDTH, PATH_LEFT, PATH_BOTTOM = 14.0, 380.0, 34.0, 178.0
"""Room beside a drawing, and the size of a path chart, in user units."""

LONGEST_NAME = 22
"""Characters of a subject's name that a label has room for: a study, a site and a number."""

SHAPES = ("circle", "square", "triangle", "diamond")


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded stretch of hours."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Text:
    """A short text beside a mark, anchored at its start or its end."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One component's onset: a line over its interval, and a marker where it was first seen, if known."""

    component: int
    shape: str
    y: float
    line: tuple[float, float] | None
    seen: float | None
    beyond: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One dose with a case."""

    y: float
    label: str
    certain: bool
    end: float
    marks: tuple[Mark, ...]
    hour: Text | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The cases first seen in one hour after dosing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Raster:
    """The dose-anchored event raster at one width."""

    name: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    label_above: bool
    zero: float
    tick: float
    risk: Band
    controls: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    most: int
    description: str


@dataclass(frozen=True, slots=True)
class Windows:
    """The hours since dose that are compared: the risk window and the control windows."""

    risk: tuple[float, float]
    controls: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one raster is set: its name, its width, and the room at its left for labels (0: above the row)."""

    name: str
    width: float
    gutter: float


LAYOUTS = (Layout("wide", 800.0, 240.0), Layout("narrow", 360.0, 0.0))
"""One drawing for a page or a desk, and one whose letters stay readable on a phone."""


@dataclass(frozen=True, slots=True)
class PathChart:
    """A rate rule's path against its boundary: two step lines over the subjects or windows counted."""

    rule: str
    unit: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    observed: str
    boundary: str
    crossed: tuple[float, float] | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True, slots=True)
class _Scale:
    """A straight line from a domain to a range."""

    first: float
    last: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.first), self.last) - self.first) / (self.last - self.first)
        return round(self.start + share * (self.stop - self.start), 1)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where rows lie: labelled and roomy while they are few, dense and without labels when they are many."""

    width: float
    left: float
    top: float
    pitch: float
    drop: float
    spread: float
    labelled: bool
    label_above: bool
    components: tuple[str, ...]

    @property
    def scale(self) -> _Scale:
        return _Scale(FIRST_HOUR, LAST_HOUR, self.left, self.width - MARGIN)


def _band(hours: Sequence[float], scale: _Scale) -> Band:
    x = scale(hours[0])
    return Band(x, round(scale(hours[1]) - x, 1))


def _known(onset: Sequence[float | None] | None) -> tuple[float, float] | None:
    if not onset or onset[0] is None or onset[-1] is None:
        return None
    return onset[0], onset[-1]


def _without_time(case: Record, onset: tuple[float, float]) -> bool:
    """Whether the end of an onset is only the end of a day, or decides an hour that the look leaves open."""
    last = (_known(case["onset_hours"]) or onset)[1]
    return onset[1] - onset[0] >= DAY or (case["hour"] is None and onset[1] >= last)


def _mark(case: Record, name: str, component: int, y: float, scale: _Scale) -> Mark:
    onset = _known(case["components"][name].get("onset_hours"))
    line = (scale(onset[0]), scale(onset[1])) if onset else None
    return Mark(
        component=component,
        shape=SHAPES[component % len(SHAPES)],
        y=y,
        line=line,
        seen=line[1] if onset and line and not _without_time(case, onset) else None,
        beyond=onset is not None and onset[1] > LAST_HOUR,
        filled=case["certainty"] == "definite",
    )


def _marks(case: Record, grid: _Grid, y: float) -> tuple[Mark, ...]:
    found = [(place, name) for place, name in enumerate(grid.components) if name in case["components"]]
    middle = (len(found) - 1) / 2
    return tuple(
        _mark(case, name, component, round(y + (place - middle) * grid.spread, 1), grid.scale)
        for place, (component, name) in enumerate(found)
    )


def _label(case: Record) -> str:
    subject = str(case["USUBJID"])
    short = subject if len(subject) <= LONGEST_NAME else "…" + subject[1 - LONGEST_NAME :]
    return f"{short} · dose {case['dose_number']}"


def _hour(case: Record, marks: Sequence[Mark], grid: _Grid) -> Text | None:
    ends = [mark.seen for mark in marks if mark.seen is not None]
    if case["hour"] is None or not ends or not grid.labelled:
        return None
    fits = max(ends) + 62.0 < grid.width
    return Text(max(ends) + 9.0 if fits else min(ends) - 9.0, case_hour(case), "start" if fits else "end")


def _row(case: Record, place: int, end: float, grid: _Grid) -> Row:
    y = round(grid.top + grid.pitch * place + grid.drop, 1)
    marks = _marks(case, grid, y)
    return Row(
        y=y,
        label=_label(case) if grid.labelled else "",
        certain=case["in_risk_window"] == "yes",
        end=grid.scale(end),
        marks=marks,
        hour=_hour(case, marks, grid),
    )


def _bars(cases: Sequence[Record], scale: _Scale, base: float, height: float) -> tuple[tuple[Bar, ...], int]:
    counts: dict[int, int] = {}
    for case in cases:
        if case["hour"] is not None and FIRST_HOUR <= case["hour"] < LAST_HOUR:
            counts[math.floor(case["hour"])] = counts.get(math.floor(case["hour"]), 0) + 1
    most = max(counts.values(), default=0)
    bars = []
    for hour, count in sorted(counts.items()):
        x, tall = scale(hour), round(height * count / most, 1)
        bars.append(Bar(x, round(base - tall, 1), round(scale(hour + 1) - x - 0.4, 1), tall))
    return tuple(bars), most


def _describe(cases: Sequence[Record], risk: Sequence[float]) -> str:
    inside = [case for case in cases if case["in_risk_window"] == "yes"]
    return (
        f"{plural(len(cases), 'case')} by hours since dose, {number(FIRST_HOUR)} to {number(LAST_HOUR)}. "
        f"{len(inside)} certainly in the risk window of {span(risk)} h{first_seen(inside)}. "
        "The case list gives every value."
    )


def _grid(layout: Layout, count: int, components: Sequence[str]) -> _Grid:
    if count > MOST_LABELLED:
        return _Grid(layout.width, MARGIN, 78.0, 5.0, 2.5, 1.8, False, False, tuple(components))
    if layout.gutter:
        return _Grid(layout.width, layout.gutter, 24.0, 26.0, 13.0, 8.6, True, False, tuple(components))
    return _Grid(layout.width, MARGIN, 24.0, 38.0, 25.0, 8.6, True, True, tuple(components))


def draw_raster(
    cases: Sequence[Record],
    *,
    layout: Layout,
    components: Sequence[str],
    ends: Mapping[tuple[str, int], float],
    windows: Windows,
) -> Raster:
    """Place one row for each dose with a case on an axis of hours since dose.

    Parameters
    ----------
    cases
        The look's cases in the order of the rows; those past ``MOST_ROWS`` are counted in the bars alone.
    layout
        The width, and where labels go.
    components
        Names of the case definition's components, in its order: the order of shapes and colours.
    ends
        Hours from a dose's start to the next dose, by (USUBJID, dose number); hours, infinite for the last.
    windows
        The risk window and the control windows.
    """
    grid = _grid(layout, len(cases), components)
    shown = cases[:MOST_ROWS]
    bottom = grid.top + grid.pitch * max(len(shown), 1)
    bars, most = ((), 0) if grid.labelled else _bars(cases, grid.scale, grid.top - 8.0, 44.0)
    until = [ends.get((case["USUBJID"], case["dose_number"]), math.inf) for case in shown]
    return Raster(
        name=layout.name,
        width=grid.width,
        height=bottom + 42.0,
        left=grid.left,
        right=grid.width - MARGIN,
        top=grid.top,
        bottom=bottom,
        label_above=grid.label_above,
        zero=grid.scale(0),
        tick=5.0 if grid.labelled else 1.5,
        risk=_band(windows.risk, grid.scale),
        controls=tuple(_band(window, grid.scale) for window in windows.controls),
        ticks=tuple(Tick(grid.scale(hour), number(hour)) for hour in (-24, -12, 0, 12, 24, 36, 48)),
        rows=tuple(_row(case, place, until[place], grid) for place, case in enumerate(shown)),
        bars=bars,
        most=most,
        description=_describe(cases, windows.risk),
    )


def _boundary(limits: Sequence[tuple[float, float]], across: _Scale, up: _Scale) -> str:
    """Change the boundary half-way between two numbers, so that it never looks touched where it is not."""
    if not limits:
        return ""
    turns = [limits[0][0], *((before[0] + after[0]) / 2 for before, after in pairwise(limits))]
    steps = [(across(x), up(limit)) for x, (_, limit) in zip(turns, limits, strict=True)]
    return _steps(steps) + f"H{across(limits[-1][0]):g}"


def _first_crossing(path: Mapping[str, Any]) -> tuple[float, float] | None:
    for n, events, limit in zip(path["n"], path["events"], path["boundary"], strict=True):
        if limit is not None and events >= limit:
            return n, events
    return None


def _steps(points: Sequence[tuple[float, float]]) -> str:
    x, y = points[0]
    return f"M{x:g},{y:g}" + "".join(f"H{x:g}V{y:g}" for x, y in points[1:])


def _whole_ticks(most: float, scale: _Scale, wanted: int) -> tuple[Tick, ...]:
    pace = max(1, math.ceil(most / wanted))
    return tuple(Tick(scale(value), str(value)) for value in range(0, math.floor(most) + 1, pace))


def draw_path(rule: Mapping[str, Any], *, unit: str) -> PathChart | None:
    """Place a rate rule's events and boundary over the number counted; None when the look has no path.

    Parameters
    ----------
    rule
        A rule of the look; its ``detail["path"]`` has ``n``, ``events`` and ``boundary``, the last with
        None where no number of events crosses.
    unit
        What is counted along the axis: "participants" or "dose windows".
    """
    path = rule["detail"].get("path") or {}
    if not path.get("n"):
        return None
    points = list(zip(path["n"], path["events"], strict=True))
    now = (max(rule["n_evaluable"], points[-1][0]), rule["events"])
    limits = [(n, limit) for n, limit in zip(path["n"], path["boundary"], strict=True) if limit is not None]
    tallest = max([now[1], *path["events"], *(limit for _, limit in limits), 1])
    across = _Scale(0, max(now[0], 1), PATH_LEFT, PATH_WIDTH - MARGIN)
    up = _Scale(0, tallest * 1.12, PATH_BOTTOM, 12.0)
    crossing = _first_crossing(path)
    return PathChart(
        rule=str(rule["id"]),
        unit=unit,
        width=PATH_WIDTH,
        height=PATH_BOTTOM + 42.0,
        left=PATH_LEFT,
        right=PATH_WIDTH - MARGIN,
        bottom=PATH_BOTTOM,
        observed=_steps([(across(x), up(y)) for x, y in ((0.0, 0.0), *points, now)]),
        boundary=_boundary(limits, across, up),
        crossed=(across(crossing[0]), up(crossing[1])) if crossing else None,
        x_ticks=_whole_ticks(max(now[0], 1), across, 6),
        y_ticks=_whole_ticks(tallest, up, 5),
        description=path_sentence(now, unit, limits, crossing),
    )
