"""Decide what the outbox keeps of a message, and so what every channel is given."""

from collections.abc import Mapping
from typing import Any

from flows.alerts.messages.composing import compose
from flows.alerts.messages.facts import Facts, Occasion
from flows.report.document import instant

SCHEMA = "postdose/alert/2"


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
        told["event_action"] = "resolve"
    if facts.occasion is Occasion.TEST:
        told["test"] = True
    return told if facts.brief else {**told, **_sortable(facts)}


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
