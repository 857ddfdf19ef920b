"""Say what an alert is about: facts become a subject, a plain text and a page."""

from flows.pages.message.facts import CaseFact, Facts, LookFacts, Message, Occasion, RuleFact, look_facts
from flows.pages.message.payload import ON_CALL_ONLY, Event, compose, event_message, outgoing_message

__all__ = [
    "ON_CALL_ONLY",
    "CaseFact",
    "Event",
    "Facts",
    "LookFacts",
    "Message",
    "Occasion",
    "RuleFact",
    "compose",
    "event_message",
    "look_facts",
    "outgoing_message",
]
