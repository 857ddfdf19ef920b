"""The one line that a lock screen shows: what it is about, never a participant or an arm."""

from collections.abc import Mapping
from functools import lru_cache

from flows.pages.kit.lines import PLAIN_SIGNS
from flows.pages.kit.words import printable
from flows.pages.message.facts import Facts, Occasion

LONGEST = 77
"""Characters. A header line should not exceed 78 with its line end left out (RFC 5322, section 2.1.1)."""

SHOWN_OF_ID = 8
"""Characters of an alert's id: enough to tell it from the others, while the text names it whole."""
KEPT = 4_096
"""Texts that are remembered: the messages of one look repeat each other's sentences, many in a burst."""

ABOUT: Mapping[str, tuple[str, str]] = {
    "signal": ("SIGNAL", "{} crossed"),
    "verdict:watch": ("WATCH", "a boundary is near"),
    "verdict:not_assessable": ("NOT ASSESSABLE", "no answer"),
    "look_missing": ("LOOK MISSING", "no recent look"),
    "feed_stale": ("FEED STALE", "{}"),
    "feed_blocked": ("FEED BLOCKED", "{}"),
    "delivery_failed": ("DELIVERY FAILED", "{}"),
    "record_broken": ("RECORD BROKEN", "it does not hold"),
}
"""What an alert is about, by the beginning of ``about`` or by the whole of it: in capitals, and in words."""

OCCASIONS: Mapping[Occasion, str] = {
    Occasion.REPEATED: " repeated",
    Occasion.ESCALATED: " escalated",
    Occasion.REOPENED: " worsened",
    Occasion.CLEARED: " cleared",
    Occasion.DEAD_LETTER: " undelivered",
}
"""What has become of the alert; of a new one, nothing yet."""


@lru_cache(maxsize=KEPT)
def one_line(text: str) -> str:
    """Return a text as one line in which nothing is unprintable: a line break could begin another header."""
    return " ".join(printable(text).translate(PLAIN_SIGNS).split())


def subject_line(facts: Facts) -> str:
    """Return the subject, at most ``LONGEST`` characters; a brief one names the alert and nothing else."""
    if facts.occasion is Occasion.TEST:
        return f"postdose {headline(facts)}"
    alert = one_line(facts.alert)
    if facts.brief:
        return _clipped(f"postdose: alert {alert}", LONGEST)
    capitals, said = _about(facts)
    begins = f"postdose {'SIMULATED ' if facts.study.simulated else ''}{capitals} "
    ends = f" [alert {alert[:SHOWN_OF_ID]}]"
    return begins + _clipped(f"{one_line(facts.study.id)}: {said}", LONGEST - len(begins) - len(ends)) + ends


def headline(facts: Facts) -> str:
    """Return the first line of the message: "SIGNAL worsened: three_cases crossed"."""
    return ": ".join(_about(facts))


def kind_of(about: str) -> str:
    """Return which kind of alert this is: a key of ``ABOUT``."""
    return about if about in ABOUT else about.partition(":")[0]


def _about(facts: Facts) -> tuple[str, str]:
    if facts.occasion is Occasion.TEST:
        return "TEST", "no alert, only a test of this channel"
    capitals, said = ABOUT[kind_of(facts.about)]
    what = one_line(facts.about.partition(":")[2])
    if facts.occasion is Occasion.CLEARED:
        said = "{}" if "{}" in said else "it no longer holds"
    return capitals + OCCASIONS.get(facts.occasion, ""), said.format(what)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."
