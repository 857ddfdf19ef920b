"""A rate rule's path against its boundary: two step lines over the participants or dose windows counted."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd
from markupsafe import Markup

from checks.looks.document import LookDocument, PathPart, RulePart
from checks.protocol import StudyProtocol
from flows.pages.kit import svg
from flows.pages.kit.svg import Scale, step_path, whole_ticks
from flows.pages.kit.words import number

HEADROOM = 1.12
"""Of the tallest number: the line of the boundary stays clear of the top."""


def path_figures(look: LookDocument, _protocol: StudyProtocol, _: pd.DataFrame) -> tuple[Markup, ...]:
    """Return a chart of each rate rule that has a path."""
    rules = (rule for rule in look["rules"] if "path" in rule["detail"] and rule["detail"]["path"]["n"])
    return tuple(draw_path(rule, place) for place, rule in enumerate(rules, start=1))


def draw_path(rule: RulePart, place: int) -> Markup:
    """Draw a rate rule's events and boundary over the number counted; ``place`` tells it from others of its page."""
    path = rule["detail"]["path"]
    unit = "dose windows" if rule["detail"].get("unit") == "window" else "participants"
    points = list(zip(path["n"], path["events"], strict=True))
    now = (max(rule["n_evaluable"] or 0, points[-1][0]), rule["events"])
    limits = [(n, limit) for n, limit in zip(path["n"], path["boundary"], strict=True) if limit is not None]
    last, tallest = max(now[0], 1), max([now[1], *path["events"], *(limit for _, limit in limits), 1])
    across, up = svg.axis_scales(last, tallest * HEADROOM)
    axes = svg.Axes(across, up, whole_ticks(across, last), whole_ticks(up, tallest), f"evaluable {unit}")
    walk = svg.path("walk", step_path([(across(x), up(y)) for x, y in ((0.0, 0.0), *points, now)]))
    marks, keys = [axes.draw(), walk], [svg.key([svg.path("walk", "M0,7H26")], "observed")]
    if limits:
        marks.insert(1, svg.path("limit", _boundary(limits, across, up)))
        keys.append(svg.key([svg.path("limit", "M0,7H26")], "boundary"))
    crossing = _first_crossing(path)
    if crossing:
        marks.append(svg.circle("cross", across(crossing[0]), up(crossing[1]), 5.0))
        keys.append(svg.key([svg.circle("cross", 13.0, 7.0, 5.0)], "crossed"))
    said = _described(now, unit, limits, crossing)
    title = f"Events against the boundary, {rule['id']}"
    drawn = svg.drawing(f"path-{place}", marks, title=title, description=said)
    return svg.figure(svg.named(rule["id"], f": {said}"), [drawn], keys)


def _boundary(limits: Sequence[tuple[float, float]], across: Scale, up: Scale) -> str:
    """Change the boundary half-way between two numbers, so that it never looks touched where it is not."""
    turns = [limits[0][0], *((before[0] + after[0]) / 2 for before, after in pairwise(limits))]
    steps = [(across(x), up(limit)) for x, (_, limit) in zip(turns, limits, strict=True)]
    return step_path(steps) + f"H{across(limits[-1][0]):g}"


def _first_crossing(path: PathPart) -> tuple[float, float] | None:
    for n, events, limit in zip(path["n"], path["events"], path["boundary"], strict=True):
        if limit is not None and events >= limit:
            return n, events
    return None


def _described(
    now: tuple[float, float],
    unit: str,
    limits: Sequence[tuple[float, float]],
    crossing: tuple[float, float] | None,
) -> str:
    """Return the path in words: where it stands, its boundary, where it first crossed."""
    limit = f"boundary {number(limits[-1][1])}" if limits else "no boundary yet"
    crossed = f", first crossed at {number(crossing[0])}" if crossing else ""
    events = "event" if now[1] == 1 else "events"
    return f"{number(now[1])} {events} among {number(now[0])} {unit}, {limit}{crossed}."
