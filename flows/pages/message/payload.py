"""How facts become a subject, a plain text and a page, and the document of them that every channel is given."""

import logging
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Literal, NotRequired

from markupsafe import Markup, escape
from typing_extensions import TypedDict

from checks.stamps import stamp
from flows.pages.kit import lines
from flows.pages.kit.rendering import environment, render
from flows.pages.message.facts import Facts, Message, Occasion
from flows.pages.message.sections import KEPT, Content, content_of, headline, one_line, subject_line
from flows.pages.message.short import Short, short_of

LOGGER = logging.getLogger("postdose")

SCHEMA: Literal["postdose/alert/2"] = "postdose/alert/2"

ON_CALL_ONLY: Literal["on_call_only"] = "on_call_only"
"""Set in a message that no other kind of channel carries."""

WIDTH = 78
"""Columns of the plain text (RFC 5322, section 2.1.1). A path or a command is not
broken, so that it can be copied."""


class Event(StrEnum):
    """What becomes of an incident of an on-call system, in the words of the PagerDuty Events API."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class BriefAlert(TypedDict):
    """A message that may say no more than that there is an alert; channels add ``id``, its idempotency key."""

    id: NotRequired[str]
    schema: Literal["postdose/alert/2"]
    alert: str
    role: str
    subject: str
    text: str
    html: str
    event_action: NotRequired[Literal[Event.RESOLVE]]
    opening: NotRequired[int]
    test: NotRequired[Literal[True]]
    recorded: NotRequired[Literal[False]]


class Alert(BriefAlert):
    """A whole message, with what a machine can sort by; moments are ISO 8601 with Z."""

    study: str
    simulated: bool
    about: str
    occasion: Occasion
    step: int
    verdict: str | None
    look_id: str | None
    data_cutoff: str | None
    acknowledge_by: str | None
    escalates_to: str | None
    report: str | None
    short: Short


class OnCallEvent(TypedDict):
    """What an on-call system alone is told; it holds no words for a person."""

    id: NotRequired[str]
    schema: Literal["postdose/alert/2"]
    alert: str
    role: str
    event_action: Event
    on_call_only: Literal[True]
    opening: NotRequired[int]


def outgoing_message(facts: Facts) -> Alert | BriefAlert:
    """Return the message as one JSON document: subject, text, html, and what a machine can sort by.

    A brief one has the alert's id and its role alone; that an on-call system may close it is no one's words.
    """
    message = compose(facts)
    told: BriefAlert = {
        "schema": SCHEMA,
        "alert": facts.alert,
        "role": facts.role,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }
    if facts.occasion is Occasion.CLEARED:
        told["event_action"] = Event.RESOLVE
    if facts.opening > 1:
        told["opening"] = facts.opening
    if facts.occasion is Occasion.TEST:
        told["test"] = True
    if not facts.recorded:
        told["recorded"] = False
    return told if facts.brief else _sortable(facts, told)


def event_message(alert: str, role: str, event: Event, *, opening: int) -> OnCallEvent:
    """Return what an on-call system alone is told of an alert that it knows."""
    told: OnCallEvent = {
        "schema": SCHEMA,
        "alert": alert,
        "role": role,
        "event_action": event,
        ON_CALL_ONLY: True,
    }
    if opening > 1:
        told["opening"] = opening
    return told


def _sortable(facts: Facts, told: BriefAlert) -> Alert:
    look = facts.look
    return {
        **told,
        "study": facts.study.id,
        "simulated": facts.study.simulated,
        "about": facts.about,
        "occasion": facts.occasion,
        "step": facts.step,
        "verdict": None if look is None else look.verdict,
        "look_id": None if look is None else look.look_id,
        "data_cutoff": None if look is None else look.data_cutoff,
        "acknowledge_by": None if facts.acknowledge_by is None else stamp(facts.acknowledge_by),
        "escalates_to": facts.escalates_to,
        "report": facts.report,
        "short": short_of(facts),
    }


def compose(facts: Facts) -> Message:
    """Return the message that facts make; the same facts give the same bytes.

    Where a template is missing or broken it has its words all the same: no alert is worth a template.
    """
    subject = subject_line(facts)
    content = _brief(facts) if facts.brief else content_of(facts)
    try:
        text = render("message/message.txt.j2", content=content)
        html = render("message/message.html.j2", content=content, subject=subject)
    except Exception as error:
        LOGGER.error(
            "The templates of messages cannot be used (%s): plain text is sent", type(error).__name__
        )
        return Message(subject, "\n".join(_lines(content)) + "\n", "")
    return Message(subject, text, html)


def _lines(content: Content) -> Iterator[str]:
    """Yield a message line by line, without any template."""
    yield from (one_line(line) for line in (content.banner, content.headline, *content.about) if line)
    for section in content.sections:
        yield from ("", one_line(section.heading).upper())
        yield from map(one_line, (*section.sentences, *section.copied))
        for item in section.items:
            yield one_line(": ".join(one for one in (item.mark, item.title, item.detail) if one))
            yield from map(one_line, item.more)
    yield one_line(content.last)


def _brief(facts: Facts) -> Content:
    """Return that there is an alert, and its id, or that this is a test: not a word more."""
    test = facts.occasion is Occasion.TEST
    said = headline(facts) if test else f"There is a postdose alert: {one_line(facts.alert)}"
    return Content(said, "quiet")


@lru_cache(maxsize=KEPT)
def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Return a text in lines of at most ``WIDTH`` columns."""
    return "\n".join(lines.wrapped(one_line(text), first=first, rest=rest, width=WIDTH, whole_words=True))


@lru_cache(maxsize=KEPT)
def shown(text: str) -> Markup:
    """Return a text as one line of a page."""
    return escape(one_line(text))


environment().filters.update(wrapped=wrapped, one_line=one_line, shown=shown)
