"""A replay at a terminal: when each rule first could have fired, and what delayed it; 80 columns."""

from collections.abc import Iterator, Sequence

from typing_extensions import TypedDict

from checks.looks.document import RulePart
from flows.pages.kit.lines import columns
from flows.pages.kit.rendering import render
from flows.pages.kit.words import plural, utc_text
from flows.pages.sentences import boundary_text, observed_cell


class LookSummary(TypedDict):
    """What a replay keeps of one look; ``look_sha256`` is the hash that the ledger keeps of it too.

    Of what a rule says beside its answer only what tells how its answer is read is kept.
    """

    data_cutoff: str
    look_id: str
    look_sha256: str
    verdict: str
    rules: list[RulePart]
    cases: dict[str, int]


class Entry(LookSummary):
    """One line of looks.jsonl: a look, and the hash of the deliveries that it could know."""

    deliveries_sha256: str


class StateChange(TypedDict):
    """The look at which a rule became ``crossed`` or ``cleared``."""

    data_cutoff: str
    became: str


class DelayPart(TypedDict):
    """The moments between the last onset that a rule needed and the look that found it crossed; the hours between."""

    onset: str | None
    perfect: str | None
    entered: str | None
    delivered: str
    looked: str
    hours: dict[str, float | None]


class PossiblePart(TypedDict):
    """Since which look a rule is crossed in its worst case, and which facts were missing."""

    since: str
    missing: list[str]


class NearestPart(TypedDict):
    """The look at which a rule that never crossed came nearest, and its answer there."""

    data_cutoff: str
    rule: RulePart


class RuleAnswer(TypedDict):
    """What a replay says of one rule."""

    id: str
    kind: str
    first_crossed: str | None
    changes: list[StateChange]
    waterfall: DelayPart | None
    possible: PossiblePart | None
    nearest: NearestPart | None


class SchedulePart(TypedDict):
    """The data cut-offs of the looks."""

    first: str
    last: str
    every_minutes: int


class ReplayDocument(TypedDict):
    """replay.json."""

    schema: str
    study: str
    simulated: bool
    protocol_sha256: str
    code_version: str
    deliveries_sha256: str
    schedule: SchedulePart
    looks: int
    looks_sha256: str
    first_verdicts: dict[str, str]
    rules: list[RuleAnswer]


MOST_FACTS = 8
PARTS = {
    "open_window": "window",
    "entry": "entry",
    "delivery": "delivery",
    "look": "look",
    "total": "total",
}
"""The parts of a delay, and the headings of their columns."""

UNITS = {"day": 1440, "hour": 60, "minute": 1}
"""Units of time, in minutes."""

_LEGEND = (
    "Hours from when the last case needed was first seen: window, until the boundary could be crossed; entry, "
    "until the rows were entered; delivery, until they were received; look, until the next look."
)


def replay_table(replay: ReplayDocument) -> str:
    """Return the answer of a replay (``replay.json``) as plain text."""
    rules = replay["rules"]
    return render(
        "replay.txt.j2",
        replay=replay,
        delays="\n".join(_delays(rules)),
        every=_every(replay["schedule"]["every_minutes"]),
        legend=_LEGEND,
        answers=[(rule["id"], sentence) for rule in rules for sentence in _sentences(rule)],
    )


def _every(minutes: int) -> str:
    """Return the time between two looks in the largest unit that makes it whole: "day", "6 hours"."""
    unit, size = next((unit, size) for unit, size in UNITS.items() if minutes % size == 0)
    return unit if minutes == size else plural(minutes // size, unit)


def _delays(rules: Sequence[RuleAnswer]) -> list[str]:
    rows = [
        [rule["id"], utc_text(rule["first_crossed"]), *(_hours(fall["hours"][part]) for part in PARTS)]
        for rule in rules
        if (fall := rule["waterfall"]) is not None
    ]
    return columns([["Rule", "first crossed", *PARTS.values()], *rows], indent=0) if rows else []


def _hours(hours: float | None) -> str:
    return "?" if hours is None else f"{hours:.1f}"


def _sentences(rule: RuleAnswer) -> Iterator[str]:
    if rule["waterfall"] is None:
        yield f"never crossed{_near(rule['nearest'])}."
    else:
        yield from _crossing(rule["waterfall"])
    for change in rule["changes"][1:]:
        became = "crossed again" if change["became"] == "crossed" else "cleared"
        yield f"{became} at the look of {utc_text(change['data_cutoff'])}."
    if rule["possible"] is not None:
        facts = rule["possible"]["missing"]
        more = f"; and {len(facts) - MOST_FACTS} more" if len(facts) > MOST_FACTS else ""
        missing = "; ".join(facts[:MOST_FACTS]) or "hours not yet observed"
        yield f"crossed in its worst case since {utc_text(rule['possible']['since'])}. Missing: {missing}{more}."


def _crossing(fall: DelayPart) -> Iterator[str]:
    said = [
        f"{words} {utc_text(moment)}"
        for words, moment in (
            ("last case first seen", fall["onset"]),
            ("crossed with perfect data", fall["perfect"]),
            ("as entered", fall["entered"]),
            ("as delivered", fall["delivered"]),
            ("at a look", fall["looked"]),
        )
        if moment is not None
    ]
    yield f"{', '.join(said)}."
    if fall["perfect"] is None:
        yield "with the data as they were corrected later it is not crossed by then."
    if any(hours is not None and hours < 0 for hours in fall["hours"].values()):
        yield "hours below zero: what weakens the evidence was entered or corrected later than what makes it."


def _near(nearest: NearestPart | None) -> str:
    if nearest is None:
        return ": at no look could it be evaluated"
    rule = nearest["rule"]
    return (
        f"; nearest at the look of {utc_text(nearest['data_cutoff'])}, with {observed_cell(rule).text}, "
        f"boundary {boundary_text(rule)}"
    )
