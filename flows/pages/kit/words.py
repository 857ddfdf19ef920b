"""Decide how a verdict, a rule and a number are said to people who were not there when they were computed."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from checks.protocol.rules import CountRule, LabLimitRule, RateRule, Rule, TimingRule

UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that a feed may carry and no page or terminal should: controls, direction overrides, halves."""

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
AT_MOST = "\N{LESS-THAN OR EQUAL TO}"

NOT_A_DEVICE = "postdose recommends; a DSMB decides. It is not a medical device."


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """What a verdict is called, what it means, and what is recommended to which role."""

    name: str
    headline: str
    meaning: str
    recommended: tuple[tuple[str, str], ...]


VERDICTS: Mapping[str, VerdictWords] = {
    "signal": VerdictWords(
        "Signal",
        "A stopping boundary has been crossed.",
        "At least one stopping rule of the study protocol is crossed on data that can be trusted. "
        "This is a statement about the rule, not about the cause.",
        (
            ("Safety physician", "assess every case listed here now, and inform the DSMB."),
            ("DSMB", "decide whether dosing should pause while the cases are assessed."),
            ("Sites", "observe participants through the risk window after every dose."),
        ),
    ),
    "watch": VerdictWords(
        "Watch",
        "No boundary is crossed, but one is near.",
        "A rule would cross with a case more, or with the missing facts at their worst.",
        (
            ("Safety physician", "assess the cases listed here before the next dose is given."),
            ("Data manager", "query the missing facts listed under what could change the answer."),
            ("DSMB", "no decision is asked for yet."),
        ),
    ),
    "not_assessable": VerdictWords(
        "Not assessable",
        "The data do not allow an answer.",
        "A feed that the rules need is missing, stale or unsound, or too little was observed. "
        "This is not reassurance: harm may be present and unseen.",
        (
            ("Data manager", "restore the feeds marked under data quality, then look again."),
            ("Safety physician", "do not rely on this look; watch participants by other means meanwhile."),
        ),
    ),
    "no_signal": VerdictWords(
        "No signal",
        "No stopping boundary is crossed, and none is near.",
        "The rules were evaluated on data that can be trusted. Absence of a signal is not proof of safety.",
        (("Safety physician", "no action beyond routine review; the next look follows the schedule."),),
    ),
}

RULE_VERDICTS: Mapping[str, str] = {
    "crossed": "Crossed",
    "not_crossed": "Not crossed",
    "not_evaluable": "Not evaluable",
}

PROSE_UNITS: Mapping[str, str] = {"subject": "participant", "window": "dose window"}

IN_WINDOW: Mapping[str, str] = {"yes": "yes", "possible": "possibly", "no": "no"}


def printable(text: str) -> str:
    """Return the text with each unprintable character replaced, so that it can neither hide nor command."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def spoken(name: str) -> str:
    """Return an identifier as words: ``respiratory_distress`` is "respiratory distress"."""
    return name.replace("_", " ")


def number(value: float | None, *, missing: str = DASH) -> str:
    """Return a number with at most two decimals and no idle zeros, or ``missing``."""
    if value is None or math.isnan(value):
        return missing
    if math.isinf(value):
        return "no limit"
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", MINUS)


def ratio(value: float | None, *, missing: str = DASH) -> str:
    """Return a ratio to about three digits, which is more than few events can support."""
    if value is None or not math.isfinite(value):
        return missing
    places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def rate(value: float | None) -> str:
    """Return a rate to three significant digits, since two decimals would round a rare event to none."""
    return DASH if value is None else f"{value:.3g}"


def p_text(value: float | None) -> str:
    """Return a p-value to two significant digits, never below what the method can honestly print."""
    if value is None or math.isnan(value):
        return DASH
    return "<0.0001" if value < 0.0001 else f"{value:.2g}"


def chance(value: float) -> str:
    """Return a probability in per cent, never nearer to certainty than a tenth of a per cent."""
    if value < 0.001 or value > 0.999:
        return "<0.1 %" if value < 0.001 else ">99.9 %"
    return f"{value:.1%}".replace("%", " %")


def span(ends: Sequence[float | None] | None, *, missing: str = "time not known") -> str:
    """Return an interval of hours: "5.2" to "7.4", one number when both ends agree, or ``missing``."""
    if not ends or ends[0] is None or ends[-1] is None:
        return missing
    first, last = number(ends[0]), number(ends[-1])
    if first == last:
        return first
    return f"{first}{DASH}{last}" if ends[0] >= 0 and ends[-1] >= 0 else f"{first} to {last}"


def plural(count: int, noun: str) -> str:
    """Return the count with its noun: "1 case", "3 cases"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def instant(stamp: str | None) -> str:
    """Return an ISO 8601 instant as "2023-05-04 06:10 UTC", seconds only where there are any."""
    if not stamp:
        return DASH
    moment = datetime.fromisoformat(stamp).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if moment.second else "%Y-%m-%d %H:%M UTC")


def local_instant(stamp: str, timezone: str) -> str:
    """Return the same instant as a clock in the study's time zone shows it."""
    moment = datetime.fromisoformat(stamp).astimezone(ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M} {timezone}"


def question(rule: Rule) -> str:
    """Return what a stopping rule of the study protocol asks, as a sentence."""
    match rule:
        case CountRule():
            return f"Have {plural(rule.cases, 'participant')} had a case in the risk window?"
        case RateRule():
            unit = PROSE_UNITS[rule.unit]
            return f"Are cases more frequent than {rate(rule.null_rate)} per {unit}? ({spoken(rule.method)})"
        case TimingRule(method="scan"):
            return "Do onsets cluster in any window after dosing, wherever it lies?"
        case TimingRule(method="maxsprt_poisson"):
            return "Do dose windows hold more onsets than the background of the study protocol predicts?"
        case TimingRule():
            return (
                "Do onsets fall in the risk window more often than in control hours of the same participants?"
            )
        case LabLimitRule():
            return (
                f"Has {rule.test} exceeded {number(rule.above_times_uln)} times the upper limit of normal "
                f"in {plural(rule.subjects, 'participant')}?"
            )


def path_sentence(
    now: tuple[float, float],
    unit: str,
    limits: Sequence[tuple[float, float]],
    crossing: tuple[float, float] | None,
) -> str:
    """Return a rate rule's path in words: where it stands, its boundary, where it first crossed."""
    limit = f"boundary {number(limits[-1][1])}" if limits else "no boundary yet"
    crossed = f", first crossed at {number(crossing[0])}" if crossing else ""
    return f"{number(now[1])} events among {number(now[0])} {unit}, {limit}{crossed}."
