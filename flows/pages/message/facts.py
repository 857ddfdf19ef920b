"""What a message may say, and what of a look it tells: it is composed from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from checks.looks.document import CasePart, FeedPart, LookDocument, RulePart
from checks.protocol import StudyProtocol
from checks.protocol.model import Study
from flows.ledger import Head
from flows.pages.cases import CaseWords, dose_notes, settled_cases, working_list
from flows.pages.kit.words import spoken, utc_text
from flows.pages.sentences import (
    beneath,
    boundary_text,
    feed_state,
    further_sentences,
    lead_sentence,
    observed_text,
    reason_of,
    repairs,
    standing_of,
)


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

    ``components`` says what began and why it counts, ``notes`` what else there is to know. Of a case that is not
    settled ``missing`` would make it definite and ``cleared`` would take it back. ``new`` says that the message
    before did not tell of it as it is now, ``provisional`` that it may still be taken back.
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
    provisional: bool = False
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    settled: bool = True


@dataclass(frozen=True)  # without slots: what is looked up again and again is kept beside the fields
class LookFacts:
    """What a message tells of the look that caused it; ``data_cutoff`` is ISO 8601 with Z.

    ``lead`` are its first sentences, ``background`` sentences on what is assumed and what was seen, ``caveats``
    the others that could change the answer. ``beneath`` are the rules that would make a look that is not assessable
    a watch, and ``repairs`` say what is to be mended first where a watch comes of doubt alone; records of earlier
    versions do not have them.
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
    beneath: tuple[str, ...] = ()
    repairs: str = ""

    @property
    def watch_beneath(self) -> bool:
        """Whether it is not assessable, and would be a watch if it were."""
        return self.verdict == "not_assessable" and bool(self.beneath)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where among ``rules`` each one stands, by its id."""
        return {rule.id: place for place, rule in enumerate(self.rules)}


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one message to one role may say.

    Moments are UTC. It is written at a moment, on an occasion, for a ``role``, after so many steps of escalation
    (0: the first role); a ``brief`` one may say nothing but that there is an alert, and its id. ``about`` is what the
    alert is about: ``signal:<rule>``, ``verdict:watch``, ``look_missing`` ...

    Attributes
    ----------
    cause
        What happened, in sentences: of an alert that no look caused, or of what became of this one ("role x did
        not acknowledge within 60 minutes", "the message to x could not be delivered: ...").
    look
        The look it tells of; None for an alert of the monitor itself without one.
    news
        Sentences on what is new since the message before.
    acknowledge_by, escalates_to, command
        Until when an answer is asked for, which role hears of it otherwise, and the command line that acknowledges
        it; None where none is asked for.
    held_back
        How many further alerts this role was not told of one by one.
    head, report
        The ledger's newest record when this was written, and where the page is, or None.
    recorded, opening
        Whether the ledger holds this alert, and which of its openings this is.
    """

    study: Study
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


BACKGROUND = "Background "
"""How the sentences on the background begin among a look's caveats."""

FINE = ("passed", "not applicable")
"""Feed states of which nothing need be told."""


def look_facts(look: LookDocument, protocol: StudyProtocol) -> LookFacts:
    """Return what a message tells of a look, every case as new.

    The look.json document is pooled and blinded; what it says of delivery is left out.
    """
    undelivered, exposure = look.copy(), look["exposure"]
    undelivered.pop("delivery", None)
    name, words = spoken(protocol.case_definition.name), CaseWords(protocol)
    open_cases = working_list(look)
    lead = lead_sentence(undelivered, name, protocol.risk_window_hours)
    return LookFacts(
        look_id=look["look_id"],
        data_cutoff=look["data_cutoff"],
        verdict=standing_of(look),
        lead=(lead, *further_sentences(undelivered)),
        windows={
            "evaluable": exposure["windows_evaluable"],
            "open": exposure["windows_open"],
            "unobserved": exposure["windows_unobserved"],
        },
        rules=tuple(_rule(rule) for rule in look["rules"]),
        cases=(
            *(_case(case, words, settled=True) for case in settled_cases(look)),
            *(_case(case, words, settled=False) for case in open_cases),
        ),
        feeds=tuple(_feed(feed) for feed in look["feeds"] if feed_state(feed) not in FINE),
        caveats=tuple(one for one in look["caveats"] if not one.startswith(BACKGROUND)),
        background=tuple(one for one in look["caveats"] if one.startswith(BACKGROUND)),
        beneath=tuple(beneath(look)),
        repairs=repairs(look),
    )


def _rule(rule: RulePart) -> RuleFact:
    return RuleFact(
        id=rule["id"],
        verdict=rule["verdict"],
        observed=observed_text(rule),
        boundary=boundary_text(rule),
        best_case=rule["best_case"],
        worst_case=rule["worst_case"],
        reason=reason_of(rule),
    )


def _case(case: CasePart, words: CaseWords, *, settled: bool) -> CaseFact:
    return CaseFact(
        USUBJID=case["USUBJID"],
        dose_number=case["dose_number"],
        dose_start=case["dose_start"],
        hour=case["hour"],
        onset_hours=(case["onset_hours"][0], case["onset_hours"][1]),
        components=words.components(case),
        certainty=case["certainty"],
        in_risk_window=case["in_risk_window"],
        grade=case["grade"],
        new=True,
        provisional=case["provisional"],
        notes=tuple(note for note in (words.provisional(case), dose_notes(case)) if note),
        missing=words.missing(case),
        cleared=words.cleared(case),
        settled=settled,
    )


def _feed(feed: FeedPart) -> str:
    latest = f", latest datum {utc_text(feed['latest'])}" if feed["latest"] else ""
    return f"{feed['domain']}: {feed_state(feed)}{latest}"
