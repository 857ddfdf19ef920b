"""Declare what a message may say: everything it tells stands here, and it is composed from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from flows.ledger import Head


class Occasion(StrEnum):
    """Why a message is written."""

    RAISED = "raised"
    REPEATED = "repeated"
    ESCALATED = "escalated"
    REOPENED = "re-opened"
    CLEARED = "cleared"
    DEAD_LETTER = "dead letter"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class RuleFact:
    """One stopping rule: what was observed against its boundary, as it is read, and its three verdicts."""

    id: str
    verdict: str
    observed: str
    boundary: str
    best_case: str
    worst_case: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One case; hours since dose start. ``hour`` and ``grade`` are None when not known.

    ``new`` says that the message before did not tell of it as it is now.
    """

    USUBJID: str
    dose_number: int
    dose_start: str
    hour: float | None
    onset_hours: tuple[float, float]
    components: str
    certainty: str
    in_risk_window: str
    grade: str | None
    new: bool


@dataclass(frozen=True)  # without slots: what is looked up again and again is kept beside the fields
class LookFacts:
    """What a message tells of the look that caused it; ``data_cutoff`` is ISO 8601 with Z.

    ``lead`` are its first sentences, ``background`` sentences on what is assumed and what was seen, ``caveats``
    the others that could change the answer.
    """

    look_id: str
    data_cutoff: str
    verdict: str
    lead: tuple[str, ...]
    windows: Mapping[str, int]
    rules: tuple[RuleFact, ...]
    cases: tuple[CaseFact, ...]
    feeds: tuple[str, ...]
    caveats: tuple[str, ...]
    background: tuple[str, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where among ``rules`` each one stands, by its id."""
        return {rule.id: place for place, rule in enumerate(self.rules)}


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one message to one role may say.

    Attributes
    ----------
    study, title, timezone, simulated
        The study: its id, its title or None, its time zone, and whether its participants are simulated.
    alert, about
        The alert's id, and what it is about: ``signal:<rule>``, ``verdict:watch``, ``look_missing`` ...
    occasion
        Why this message is written.
    role, step
        Whom it tells, and how far the alert had been escalated (0: the first role).
    at
        When it is written, UTC.
    brief
        Whether it may say nothing but that there is an alert, and its id.
    cause
        What happened, in sentences: of an alert that no look caused, or of what became of this one ("role x did
        not acknowledge within 60 minutes", "the message to x could not be delivered: ...").
    look
        The look it tells of; None for an alert of the monitor itself without one.
    news
        Sentences on what is new since the message before.
    acknowledge_by, escalates_to
        Until when an answer is asked for, UTC, and which role hears of it otherwise; None where neither is.
    held_back
        How many further alerts this role was not told of one by one.
    head
        The ledger's newest record when this was written, or None.
    report
        Where the page is, or None.
    command
        The command line that acknowledges it, or None where no answer is asked for.
    recorded, opening
        Whether the ledger holds this alert, and which of its openings this is.
    """

    study: str
    title: str | None
    timezone: str
    simulated: bool
    alert: str
    about: str
    occasion: Occasion
    role: str
    step: int
    at: datetime
    brief: bool = False
    cause: tuple[str, ...] = ()
    look: LookFacts | None = None
    news: tuple[str, ...] = ()
    acknowledge_by: datetime | None = None
    escalates_to: str | None = None
    held_back: int = 0
    head: Head | None = None
    report: str | None = None
    command: str | None = None
    recorded: bool = True
    opening: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message: a subject of one line, plain text of at most 78 columns, and a page for mail clients."""

    subject: str
    text: str
    html: str
