"""The dose-anchored event raster: one row for each dose with a case, on an axis of hours since dose.

All coordinates are SVG user units, rounded to a tenth, so that the same look gives the same bytes.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd
from markupsafe import Markup

from checks.looks.document import CasePart, LookDocument
from checks.protocol import StudyProtocol
from flows.pages.cases import case_hour, cases_in_order
from flows.pages.kit import svg
from flows.pages.kit.svg import Scale
from flows.pages.kit.words import number, plural, span, spoken
from flows.pages.sentences import first_seen

FIRST_HOUR, LAST_HOUR = -24.0, 48.0
"""Hours since dose that the raster shows: the usual control hours on both sides of a dose."""

MOST_LABELLED, MOST_ROWS = 40, 150
"""Beyond the first number rows lose their labels; beyond the second they are in the case list alone."""

DAY = 23.9
"""An onset as wide as this spans a calendar day: the stamp had a date and no clock time."""

BEYOND = "\N{RIGHTWARDS ARROW}"
"""Stands at the end of the axis for an onset that lies after it."""

MARGIN = 14.0
"""Room beside the drawing, in user units."""

LONGEST_NAME = 22
"""Characters of a subject's name that a label has room for: a study, a site and a number."""


Box: TypeAlias = tuple[float, float, float, float]
"""A rectangle: x, y, width, height."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one raster is set: its name, its width, and the room at its left for labels (0: above the row)."""

    name: str
    width: float
    gutter: float


LAYOUTS = (Layout("wide", 800.0, 240.0), Layout("narrow", 360.0, 0.0))
"""One drawing for a page or a desk, and one whose letters stay readable on a phone."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where rows lie: labelled and roomy while they are few, dense and without labels when they are many."""

    rows: int
    width: float
    left: float
    top: float
    pitch: float
    drop: float
    spread: float
    labelled: bool = True
    label_above: bool = False

    @property
    def scale(self) -> Scale:
        """Where hours since dose lie."""
        return Scale(FIRST_HOUR, LAST_HOUR, self.left, self.width - MARGIN)

    @property
    def bottom(self) -> float:
        """Where the last row ends."""
        return self.top + self.pitch * max(self.rows, 1)

    def box(self, hours: Sequence[float]) -> Box:
        """Return the rectangle of a stretch of hours, over all rows."""
        x = self.scale(hours[0])
        return x, self.top, round(self.scale(hours[1]) - x, 1), self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Mark:
    """One component's onset: a line over its interval, and a marker where it was first seen, if known."""

    component: int
    y: float
    line: tuple[float, float] | None
    seen: float | None
    beyond: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One dose with a case; ``hour`` is when it was first seen, and ``at`` where that is written and anchored."""

    y: float
    label: str
    certain: bool
    end: float
    marks: tuple[Mark, ...]
    hour: str = ""
    at: tuple[float, str] = (0.0, "start")


@dataclass(frozen=True, slots=True)
class Raster:
    """The dose-anchored event raster at one width; a bar counts the cases first seen in one hour."""

    name: str
    grid: Grid
    risk: Box
    controls: tuple[Box, ...]
    rows: tuple[Row, ...]
    bars: tuple[Box, ...]
    most: int
    description: str


def _grid(layout: Layout, cases: int) -> Grid:
    rows = min(cases, MOST_ROWS)
    if cases > MOST_LABELLED:
        return Grid(rows, layout.width, MARGIN, 78.0, 5.0, 2.5, 1.8, labelled=False)
    if layout.gutter:
        return Grid(rows, layout.width, layout.gutter, 24.0, 26.0, 13.0, 8.6)
    return Grid(rows, layout.width, MARGIN, 24.0, 38.0, 25.0, 8.6, label_above=True)


def _known(onset: Sequence[float | None] | None) -> tuple[float, float] | None:
    if not onset or onset[0] is None or onset[-1] is None:
        return None
    return onset[0], onset[-1]


def _without_time(case: CasePart, onset: tuple[float, float]) -> bool:
    """Whether the end of an onset is only the end of a day, or decides an hour that the look leaves open."""
    last = (_known(case["onset_hours"]) or onset)[1]
    return onset[1] - onset[0] >= DAY or (case["hour"] is None and onset[1] >= last)


def _mark(case: CasePart, name: str, component: int, y: float, scale: Scale) -> Mark:
    onset = _known(case["components"][name].get("onset_hours"))
    filled = case["certainty"] == "definite"
    if onset is None:
        return Mark(component, y, None, None, beyond=False, filled=filled)
    line = (scale(onset[0]), scale(onset[1]))
    seen = None if _without_time(case, onset) else line[1]
    return Mark(component, y, line, seen, beyond=onset[1] > LAST_HOUR, filled=filled)


def _marks(case: CasePart, components: Sequence[str], y: float, grid: Grid) -> tuple[Mark, ...]:
    found = [(number, name) for number, name in enumerate(components) if name in case["components"]]
    middle = (len(found) - 1) / 2
    return tuple(
        _mark(case, name, component, round(y + (place - middle) * grid.spread, 1), grid.scale)
        for place, (component, name) in enumerate(found)
    )


def short_name(subject: str) -> str:
    """Return a subject's name as far as a label has room for it: its end, which tells it from others."""
    return subject if len(subject) <= LONGEST_NAME else "…" + subject[1 - LONGEST_NAME :]


def _label(case: CasePart) -> str:
    return f"{short_name(str(case['USUBJID']))} · dose {case['dose_number']}"


def _row(case: CasePart, place: int, components: Sequence[str], end: float, grid: Grid) -> Row:
    y = round(grid.top + grid.pitch * place + grid.drop, 1)
    marks = _marks(case, components, y, grid)
    certain, until = case["in_risk_window"] == "yes", grid.scale(end)
    if not grid.labelled:
        return Row(y, "", certain, until, marks)
    ends = [mark.seen for mark in marks if mark.seen is not None]
    if case["hour"] is None or not ends:
        return Row(y, _label(case), certain, until, marks)
    fits = max(ends) + 62.0 < grid.width
    at = (max(ends) + 9.0, "start") if fits else (min(ends) - 9.0, "end")
    return Row(y, _label(case), certain, until, marks, case_hour(case), at)


def _bars(cases: Sequence[CasePart], grid: Grid) -> tuple[tuple[Box, ...], int]:
    if grid.labelled:
        return (), 0
    hours = (case["hour"] for case in cases if case["hour"] is not None)
    counts = Counter(math.floor(hour) for hour in hours if FIRST_HOUR <= hour < LAST_HOUR)
    most, base, bars = max(counts.values(), default=0), grid.top - 8.0, []
    for hour, count in sorted(counts.items()):
        x, tall = grid.scale(hour), round(44.0 * count / most, 1)
        bars.append((x, round(base - tall, 1), round(grid.scale(hour + 1) - x - 0.4, 1), tall))
    return tuple(bars), most


def _describe(cases: Sequence[CasePart], risk: Sequence[float]) -> str:
    inside = [case for case in cases if case["in_risk_window"] == "yes"]
    return (
        f"{plural(len(cases), 'case')} by hours since dose, {number(FIRST_HOUR)} to {number(LAST_HOUR)}. "
        f"{len(inside)} certainly in the risk window of {span(risk)} h{first_seen(inside)}. "
        "The case list gives every value."
    )


def place_raster(
    cases: Sequence[CasePart],
    protocol: StudyProtocol,
    *,
    layout: Layout,
    ends: Mapping[tuple[str, int], float],
) -> Raster:
    """Place one row for each dose with a case on an axis of hours since dose.

    Cases past ``MOST_ROWS`` are counted in the bars alone; components have shapes and colours in the protocol's
    order. ``ends`` are the hours from a dose's start to the next, by (USUBJID, dose number), infinite for the last.
    """
    grid, components = _grid(layout, len(cases)), tuple(protocol.case_definition.components)
    shown = [(case, ends.get((case["USUBJID"], case["dose_number"]), math.inf)) for case in cases[:MOST_ROWS]]
    bars, most = _bars(cases, grid)
    return Raster(
        name=layout.name,
        grid=grid,
        risk=grid.box(protocol.risk_window_hours),
        controls=tuple(map(grid.box, protocol.control_windows_hours)),
        rows=tuple(_row(case, place, components, end, grid) for place, (case, end) in enumerate(shown)),
        bars=bars,
        most=most,
        description=_describe(cases, protocol.risk_window_hours),
    )


def raster_figures(look: LookDocument, protocol: StudyProtocol, doses: pd.DataFrame) -> tuple[Markup, ...]:
    """Return the raster at each width with its legend; nothing where there is no case."""
    cases = cases_in_order(look)
    if not cases:
        return ()
    places = zip(doses["USUBJID"], doses["dose_number"], strict=True)
    ends = dict(zip(places, doses["hours_end"].fillna(math.inf), strict=True))
    placed = [place_raster(cases, protocol, layout=layout, ends=ends) for layout in LAYOUTS]
    note = f"The first {MOST_ROWS} of {len(cases)} cases have a row; the bars count all of them."
    keys = [*_keys(protocol)]
    if any(mark.beyond for raster in placed for row in raster.rows for mark in row.marks):
        keys.append(svg.key([svg.words(13.0, 11.0, BEYOND, anchor="middle")], f"after {number(LAST_HOUR)} h"))
    return (svg.figure(CAPTION, map(_drawing, placed), keys, note if len(cases) > MOST_ROWS else ""),)


CAPTION = svg.named(
    "Each row is one dose of one participant.",
    " Hours run from the start of that dose. A line spans the hours in which a component began; "
    "its marker is where it was first seen.",
)


def _keys(protocol: StudyProtocol) -> Iterator[Markup]:
    for place, name in enumerate(protocol.case_definition.components):
        shape = svg.SHAPES[place % len(svg.SHAPES)]
        yield svg.key(_glyph(shape, "mark full"), spoken(name), f"c{place % len(svg.SHAPES)}")
    yield svg.key(_glyph("circle", "mark full"), "filled: definite", "c0")
    yield svg.key(_glyph("circle", "mark"), "hollow: possible", "c0")
    yield svg.key([svg.path("onset vague", "M0,7H26")], "time not known", "c1")
    yield svg.key([svg.rectangle("risk", 0, 0, 26, 14)], f"risk window, {span(protocol.risk_window_hours)} h")
    yield svg.key([svg.rectangle("control outlined", 0, 0, 26, 14)], "control hours")
    yield svg.key([svg.path("axis", "M13,1V13")], "next dose")


def _glyph(shape: str, kind: str) -> tuple[Markup, ...]:
    return svg.path("onset", "M2,7H13"), svg.marker(shape, 14.0, 7.0, kind)


def _drawing(raster: Raster) -> Markup:
    grid = raster.grid
    marks = [*_hours_shaded(raster), *_counted(raster), *_axis(grid)]
    for row in raster.rows:
        marks += _row_drawn(row, grid)
    for row in raster.rows:
        if row.hour:
            marks.append(svg.words(row.at[0], row.y + 4.0, row.hour, "faint", row.at[1]))
    return svg.drawing(
        raster.name,
        marks,
        title="Cases by hours since dose",
        description=raster.description,
        width=grid.width,
        height=grid.bottom + 42.0,
        kind=raster.name,
    )


def _hours_shaded(raster: Raster) -> Iterator[Markup]:
    for box in raster.controls:
        yield svg.rectangle("control", *box)
    yield svg.rectangle("risk", *raster.risk)
    yield svg.words(raster.risk[0], 14.0, "risk window", "faint")
    yield svg.words(raster.grid.scale(0) - 4.0, 14.0, "dose", "faint", "end")


def _counted(raster: Raster) -> Iterator[Markup]:
    left, top = raster.grid.left, raster.grid.top
    if raster.bars:
        yield svg.words(left, top - 24.0, "cases per hour,", "faint")
        yield svg.words(left, top - 9.0, f"at most {raster.most}", "faint")
    for bar in raster.bars:
        yield svg.rectangle("bar", *bar)


def _axis(grid: Grid) -> Iterator[Markup]:
    scale, bottom = grid.scale, grid.bottom
    line = f"M{scale.start:g},{bottom:g}H{scale.stop:g}"
    yield svg.path("axis", f"{line}M{scale(0):g},{grid.top - 6:g}V{bottom:g}")
    for hour in (-24, -12, 0, 12, 24, 36, 48):
        yield svg.path("axis", f"M{scale(hour):g},{bottom:g}v4")
        yield svg.words(scale(hour), bottom + 18.0, number(hour), anchor="middle")
    yield svg.words((scale.start + scale.stop) / 2, bottom + 36.0, "hours since dose", "faint", "middle")


def _row_drawn(row: Row, grid: Grid) -> Iterator[Markup]:
    kind, tick, radius = ("track", 5.0, 4.2) if grid.labelled else ("track thin", 1.5, 2.0)
    yield svg.path(kind, f"M{grid.left:g},{row.y:g}H{row.end:g}")
    if row.end < grid.scale.stop:
        yield svg.path("axis", f"M{row.end:g},{row.y - tick:g}v{2 * tick:g}")
    if row.label:
        x, y = (grid.left, row.y - 11.0) if grid.label_above else (0.0, row.y + 4.0)
        yield svg.words(x, y, row.label, "sure" if row.certain else "")
    for mark in row.marks:
        inside = svg.joined(_mark_drawn(mark, grid.width, radius))
        yield Markup('<g class="c{}">{}</g>').format(mark.component % len(svg.SHAPES), inside)


def _mark_drawn(mark: Mark, width: float, radius: float) -> Iterator[Markup]:
    if mark.line:
        vague = " vague" if mark.seen is None else ""
        yield svg.path(f"onset{vague}", f"M{mark.line[0]:g},{mark.y:g}H{mark.line[1]:g}")
    if mark.beyond:
        yield svg.words(width, mark.y + 4.0, BEYOND, anchor="end")
    elif mark.seen is not None:
        shape = svg.SHAPES[mark.component % len(svg.SHAPES)]
        yield svg.marker(shape, mark.seen, mark.y, "mark full" if mark.filled else "mark", radius)
