"""Say what an alert is about: facts become a subject, a plain text and a page."""

from flows.pages.message.facts import CaseFact, Facts, LookFacts, Message, Occasion, RuleFact, look_facts
from flows.pages.message.payload import ON_CALL_ONLY, Event, compose, event_message, outgoing_message
from flows.pages.message.sections import MOST_LISTED
from flows.pages.message.short import Short

__all__ = [
    "MOST_LISTED",
    "ON_CALL_ONLY",
    "CaseFact",
    "Event",
    "Facts",
    "LookFacts",
    "Message",
    "Occasion",
    "RuleFact",
    "Short",
    "compose",
    "event_message",
    "look_facts",
    "outgoing_message",
]
