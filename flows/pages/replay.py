"""Decide what a replay prints: when each rule first could have fired, and what delayed it; 80 columns."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from flows.pages.kit.terminal import columns
from flows.pages.kit.words import NOT_A_DEVICE, instant, plural
from flows.pages.report.tables import boundary_text, observed_cell
from flows.pages.terminal import WIDTH, plain

Record = Mapping[str, Any]

MOST_FACTS = 8
PARTS = {
    "open_window": "window",
    "entry": "entry",
    "delivery": "delivery",
    "look": "look",
    "total": "total",
}
"""The parts of a delay, and the headings of their columns."""

_LEGEND = (
    "Hours from when the last case needed was first seen: window, until the boundary could be crossed; entry, "
    "until the rows were entered; delivery, until they were received; look, until the next look."
)


def replay_table(replay: Record) -> str:
    """Return the answer of a replay (``replay.json``) as plain text."""
    blocks = [list(part(replay)) for part in (_head, _delays, _rules)]
    return "\n\n".join("\n".join(block) for block in [*blocks, [NOT_A_DEVICE]] if block) + "\n"


def _wrapped(text: str, *, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(plain(text), WIDTH, initial_indent=first, subsequent_indent=rest)


def _head(replay: Record) -> Iterator[str]:
    if replay["simulated"]:
        yield "SIMULATED study: no participant is a real person."
    schedule = replay["schedule"]
    yield from _wrapped(
        f"Replay of {replay['study']}: {plural(replay['looks'], 'look')}, every {schedule['every_minutes']:,} min, "
        f"{instant(schedule['first'])} to {instant(schedule['last'])}"
    )


def _delays(replay: Record) -> Iterator[str]:
    crossed = [rule for rule in replay["rules"] if rule["waterfall"] is not None]
    if not crossed:
        return
    rows = [
        [
            rule["id"],
            instant(rule["first_crossed"]),
            *(_hours(rule["waterfall"]["hours"][part]) for part in PARTS),
        ]
        for rule in crossed
    ]
    yield from columns([["Rule", "first crossed", *PARTS.values()], *rows], indent=0)
    yield from _wrapped(_LEGEND, rest="")


def _hours(hours: float | None) -> str:
    return "?" if hours is None else f"{hours:.1f}"


def _rules(replay: Record) -> Iterator[str]:
    for rule in replay["rules"]:
        for sentence in _sentences(rule):
            yield from _wrapped(f"{rule['id']}: {sentence}")


def _sentences(rule: Record) -> Iterator[str]:
    if rule["waterfall"] is None:
        yield f"never crossed{_near(rule['nearest'])}."
    else:
        yield from _crossing(rule["waterfall"])
    for change in rule["changes"][1:]:
        became = "crossed again" if change["became"] == "crossed" else "cleared"
        yield f"{became} at the look of {instant(change['data_cutoff'])}."
    if rule["possible"] is not None:
        facts = rule["possible"]["missing"]
        more = f"; and {len(facts) - MOST_FACTS} more" if len(facts) > MOST_FACTS else ""
        missing = "; ".join(facts[:MOST_FACTS]) or "hours not yet observed"
        yield f"crossed in its worst case since {instant(rule['possible']['since'])}. Missing: {missing}{more}."


def _crossing(fall: Record) -> Iterator[str]:
    said = [
        f"{words} {instant(fall[name])}"
        for name, words in (
            ("onset", "last case first seen"),
            ("perfect", "crossed with perfect data"),
            ("entered", "as entered"),
            ("delivered", "as delivered"),
            ("looked", "at a look"),
        )
        if fall[name] is not None
    ]
    yield f"{', '.join(said)}."
    if fall["perfect"] is None:
        yield "with the data as they were corrected later it is not crossed by then."
    if any(hours is not None and hours < 0 for hours in fall["hours"].values()):
        yield "hours below zero: what weakens the evidence was entered or corrected later than what makes it."


def _near(nearest: Record | None) -> str:
    if nearest is None:
        return ": at no look could it be evaluated"
    rule = nearest["rule"]
    return (
        f"; nearest at the look of {instant(nearest['data_cutoff'])}, with {observed_cell(rule).text}, "
        f"boundary {boundary_text(rule)}"
    )
