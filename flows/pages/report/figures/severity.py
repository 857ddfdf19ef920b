"""A severity rule: each participant's scored blocks on one line, and the charts of those on whom the rule rests."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from checks.looks.document import ChartPart, LookDocument, ParticipantScoresPart, RestsOnPart, RulePart
from checks.protocol import StudyProtocol
from flows.pages.kit import svg
from flows.pages.kit.svg import Scale
from flows.pages.kit.words import number, p_text, plural, span, utc_text
from flows.pages.report.figures.raster import LAYOUTS, MARGIN, Layout, short_name

LOWEST = -3.0
"""Lower scores stand at the left edge: how far a block lay below the hours before it is no evidence of harm."""

MOST_ROWS = 40
"""Participants with the highest scores in a risk window; with more the lines of a page could not be told apart."""

MOST_TICKS = 8
"""Labels that the axis of scores has room for, on a phone too."""

PITCH, PITCH_BELOW_NAME, TOP = 20.0, 36.0, 30.0
"""Between two lines, with names beside them and above them; and above the first."""

PANEL_GAP, PANEL_HEIGHT, PANEL_LEFT = 26.0, 104.0, 38.0
"""Between the charts of two tests, how tall each is, and its room for values at the left."""

EARLIER, LATER = 9.0, 3.0
"""Hours before and after the risk window that look.json has of a chart: those that count, and a few more."""


def severity_figures(look: LookDocument, protocol: StudyProtocol, _: pd.DataFrame) -> tuple[Markup, ...]:
    """Return, for each severity rule that was evaluated, its scores and the charts of those on whom it rests."""
    rules = [rule for rule in look["rules"] if rule["detail"].get("participants")]
    drawn = []
    for place, rule in enumerate(rules, start=1):
        drawn.append(_scores_figure(rule, place))
        if rule["detail"]["rests_on"]:
            drawn.append(_charts_figure(rule, protocol.risk_window_hours, place))
    return tuple(drawn)


@dataclass(frozen=True, slots=True)
class Strip:
    """Where the lines of participants lie, one below the other, on an axis of scores."""

    layout: Layout
    rows: int
    scale: Scale

    @property
    def pitch(self) -> float:
        """How far apart two lines are."""
        return PITCH if self.layout.gutter else PITCH_BELOW_NAME

    @property
    def bottom(self) -> float:
        """Where the axis lies."""
        return TOP + self.pitch * self.rows

    def y(self, row: int) -> float:
        """Return where the line of a row lies."""
        return round(TOP + self.pitch * (row + 1) - 10.0, 1)


def _scores_figure(rule: RulePart, place: int) -> Markup:
    detail = rule["detail"]
    people = sorted(detail["participants"], key=lambda one: -max(one["risk"], default=-math.inf))
    rests_on = {one["USUBJID"] for one in detail["rests_on"]}
    shown = people[:MOST_ROWS]
    said = (
        f"p = {p_text(rule['p_value'])}; it rests on {len(rests_on)} of {plural(len(people), 'participant')}. "
        f"{detail['blocks_scored']:,} of {plural(detail['blocks'], 'block')} of hours could be scored."
    )
    caption = svg.named(
        rule["id"],
        f": {said} Each line is one participant: how much worse than in the hours before each block became, in "
        "robust deviations of the participant's own chart.",
    )
    drawings = [
        _strip(rule, shown, rests_on, layout, (f"scores-{place}-{layout.name}", said)) for layout in LAYOUTS
    ]
    note = f"The {MOST_ROWS} of {len(people)} participants with the highest scores in a risk window."
    return svg.figure(caption, drawings, _keys(detail["floor"]), note if len(people) > MOST_ROWS else "")


def _strip(
    rule: RulePart,
    people: Sequence[ParticipantScoresPart],
    rests_on: set[str],
    layout: Layout,
    named: tuple[str, str],
) -> Markup:
    scores = [score for one in people for score in (*one["risk"], *one["control"])]
    top = max(math.ceil(max(scores, default=0.0)), math.ceil(rule["detail"]["floor"]) + 1)
    left = layout.gutter or MARGIN
    strip = Strip(layout, len(people), Scale(LOWEST, top, left, layout.width - MARGIN))
    marks = [*_score_axis(strip, rule["detail"]["floor"])]
    for row, one in enumerate(people):
        marks += _line(strip, row, one, chosen=one["USUBJID"] in rests_on)
    return svg.drawing(
        named[0],
        marks,
        title=f"Severity scores by participant, {rule['id']}",
        description=named[1],
        width=layout.width,
        height=strip.bottom + 42.0,
        kind=layout.name,
    )


def _score_axis(strip: Strip, floor: float) -> Iterator[Markup]:
    scale, bottom = strip.scale, strip.bottom
    yield svg.path("axis", f"M{scale.start:g},{bottom:g}H{scale.stop:g}")
    step = math.ceil((scale.last - scale.first) / MOST_TICKS)
    for score in range(0, int(scale.last) + 1, step):
        yield svg.path("axis", f"M{scale(score):g},{bottom:g}v4")
        yield svg.words(scale(score), bottom + 18.0, number(score), anchor="middle")
    yield svg.path("axis", f"M{scale(LOWEST):g},{bottom:g}v4")
    yield svg.words(scale(LOWEST), bottom + 18.0, f"{number(LOWEST)} or less")
    yield svg.words((scale.start + scale.stop) / 2, bottom + 36.0, "score", "faint", "middle")
    yield svg.path("null", f"M{scale(floor):g},{TOP - 8:g}V{bottom:g}")
    yield svg.words(scale(floor) + 4.0, TOP - 10.0, "floor", "faint")


def _line(strip: Strip, row: int, one: ParticipantScoresPart, *, chosen: bool) -> Iterator[Markup]:
    y, scale = strip.y(row), strip.scale
    x, above = (0.0, y + 4.0) if strip.layout.gutter else (scale.start, y - 9.0)
    yield svg.words(x, above, short_name(one["USUBJID"]), "sure" if chosen else "")
    yield svg.path("track", f"M{scale.start:g},{y:g}H{scale.stop:g}")
    if one["control"]:
        yield svg.path("tick", "".join(f"M{scale(score):g},{y - 4:g}v8" for score in one["control"]))
    highest = max(one["risk"], default=math.inf) if chosen else math.inf
    dots = svg.joined(
        svg.circle("mark full" if score >= highest else "mark", scale(score), y, 4.2) for score in one["risk"]
    )
    yield Markup('<g class="c1">{}</g>').format(dots)


def _keys(floor: float) -> Iterator[Markup]:
    yield svg.key([svg.circle("mark full", 13.0, 7.0, 4.2)], "risk window on which it rests", "c1")
    yield svg.key([svg.circle("mark", 13.0, 7.0, 4.2)], "other risk window", "c1")
    yield svg.key([svg.path("tick", "M8,3v8M13,3v8M18,3v8")], "other blocks of the same length")
    yield svg.key([svg.path("null", "M13,1V13")], f"floor {number(floor)}: scores below it are alike")


def _charts_figure(rule: RulePart, risk: Sequence[float], place: int) -> Markup:
    caption = svg.named(
        f"{rule['id']}: the charts on which it rests.",
        " For a physician to judge: a high score says that a chart became worse, not why.",
    )
    drawings = [
        _charts(one, risk, layout, f"charts-{place}-{row}-{layout.name}")
        for row, one in enumerate(rule["detail"]["rests_on"], start=1)
        for layout in LAYOUTS
    ]
    keys = [svg.key([svg.rectangle("risk", 0, 0, 26, 14)], f"risk window, {span(risk)} h after the dose")]
    return svg.figure(caption, drawings, keys)


def _charts(one: RestsOnPart, risk: Sequence[float], layout: Layout, id: str) -> Markup:
    """Draw the tests of one dose beside each other, or below each other on a phone."""
    across = len(one["charts"]) if layout.gutter else 1
    width = layout.width / across
    tall = PANEL_HEIGHT + 2 * PANEL_GAP
    said = f"{short_name(one['USUBJID'])} · dose {one['dose_number']}"
    marks = [svg.words(0.0, 14.0, said, "sure")]
    marks.append(
        svg.words(0.0, 30.0, f"{utc_text(one['dose_start'])} · score {number(one['score'])}", "faint")
    )
    for number_of, chart in enumerate(one["charts"]):
        row, column = divmod(number_of, across)
        left, upper = column * width + PANEL_LEFT, 38.0 + row * tall + PANEL_GAP
        marks += _panel(chart, risk, (left, (column + 1) * width - MARGIN), (upper, upper + PANEL_HEIGHT))
    rows = math.ceil(len(one["charts"]) / across)
    listed = ", ".join(f"{chart['test']} {len(chart['values'])} measurements" for chart in one["charts"])
    return svg.drawing(
        id,
        marks,
        title=f"Measurements around the dose, {said}",
        description=f"{listed}. The score of the risk window is {number(one['score'])}.",
        width=layout.width,
        height=38.0 + rows * tall,
        kind=layout.name,
    )


def _panel(
    chart: ChartPart, risk: Sequence[float], ends: tuple[float, float], heights: tuple[float, float]
) -> Iterator[Markup]:
    top, bottom = heights
    low, high = min(chart["values"], default=0.0), max(chart["values"], default=1.0)
    across = Scale(risk[0] - EARLIER, risk[-1] + LATER, *ends)
    up = Scale(low, high if high > low else low + 1, bottom - 8.0, top + 8.0)
    yield svg.rectangle(
        "risk", across(risk[0]), top, round(across(risk[-1]) - across(risk[0]), 1), bottom - top
    )
    yield svg.words(ends[0], top - 8.0, f"{chart['test']}, {chart['unit']}")
    yield svg.path("axis", f"M{ends[0]:g},{top:g}V{bottom:g}H{ends[1]:g}")
    for hour in (0.0, risk[0], risk[-1]):
        if across.first <= hour <= across.last:
            yield svg.path("axis", f"M{across(hour):g},{bottom:g}v4")
            yield svg.words(
                across(hour), bottom + 17.0, "dose" if hour == 0 else f"{number(hour)} h", "", "middle"
            )
    if not chart["values"]:
        yield svg.words(ends[0] + 8.0, (top + bottom) / 2, "not measured", "faint")
        return
    for value in dict.fromkeys((low, high)):
        yield svg.words(ends[0] - 4.0, up(value) + 4.0, number(round(value, 1)), anchor="end")
    points = [(across(x), up(y)) for x, y in zip(chart["hours"], chart["values"], strict=True)]
    line = svg.path("trend", "M" + "L".join(f"{x:g},{y:g}" for x, y in points))
    yield Markup('<g class="c0">{}</g>').format(
        svg.joined([line, *(svg.circle("mark full", x, y, 2.2) for x, y in points)])
    )
