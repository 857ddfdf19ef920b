"""What the outbox keeps of a message, and so what every channel is given."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flows.pages.message.composing import compose
from flows.pages.message.facts import Facts, Occasion
from flows.report.document import instant

SCHEMA = "postdose/alert/2"

ON_CALL_ONLY = "on_call_only"
"""Set in a message that no other kind of channel carries."""


class Event(StrEnum):
    """What becomes of an incident of an on-call system, in the words of the PagerDuty Events API."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


def outgoing_message(facts: Facts) -> Mapping[str, Any]:
    """Return the message as one JSON document: subject, text, html, and what a machine can sort by.

    A brief one has the alert's id and its role alone; that an on-call system may close it is no one's words.
    """
    message = compose(facts)
    told: dict[str, Any] = {
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
    return told if facts.brief else {**told, **_sortable(facts)}


def event_message(alert: str, role: str, event: Event, *, opening: int) -> Mapping[str, Any]:
    """Return what an on-call system alone is told of an alert that it knows: it holds no words for a person."""
    told = {"schema": SCHEMA, "alert": alert, "role": role, "event_action": event, ON_CALL_ONLY: True}
    return told if opening == 1 else {**told, "opening": opening}


def _sortable(facts: Facts) -> Mapping[str, Any]:
    look = facts.look
    return {
        "study": facts.study,
        "simulated": facts.simulated,
        "about": facts.about,
        "occasion": str(facts.occasion),
        "step": facts.step,
        "verdict": None if look is None else look.verdict,
        "look_id": None if look is None else look.look_id,
        "data_cutoff": None if look is None else look.data_cutoff,
        "acknowledge_by": None if facts.acknowledge_by is None else instant(facts.acknowledge_by),
        "escalates_to": facts.escalates_to,
        "report": facts.report,
    }
