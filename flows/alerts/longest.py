"""The longest message that a study can cause, as a test: a channel that takes less is found before an alert needs it.

Its names and rules are the protocol's, its numbers, cases and sentences made up, and say so.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.ledger import Head
from flows.pages.kit.words import spoken
from flows.pages.message import MOST_LISTED, CaseFact, Facts, LookFacts, Occasion, RuleFact

MADE_UP: Final = "made up for a test, as long as the longest that can stand here; "

LONGEST_SENTENCE: Final = 600
"""Characters. The longest sentence on a look of the simulated study has 397; names of feeds and checks vary."""

LONGEST_NAME: Final = 200
"""Characters of a participant's identifier: what a value of a SAS transport file, version 5, can hold."""

LARGEST: Final = 9_999_999
"""A count of seven digits: more than the administrations or records of any study."""

SENTENCES: Final = 5
"""Of what comes first, of the background, and in place of the days of expedited reporting: never more."""


def longest_test(protocol: StudyProtocol, *, alert: str, role: str, brief: bool, now: datetime) -> Facts:
    """Return the facts of a test message to a role; of a ``brief`` one, which says nothing, only that it is one."""
    facts = Facts(protocol.study, alert, "test", Occasion.TEST, role, 0, now, brief=brief)
    if brief:
        return facts
    page = protocol.folder / "looks" / protocol.study.id / f"{now:%Y%m%dT%H%M%SZ}" / "report.html"
    return Facts(
        protocol.study,
        alert,
        "test",
        Occasion.TEST,
        role,
        0,
        now,
        cause=("Its length is that of the longest message that this study can cause; all below is made up.",),
        look=_look(protocol, now),
        news=_sentences(MOST_LISTED),
        held_back=LARGEST,
        head=Head(LARGEST, "0" * 64),
        report=str(page),
    )


def _look(protocol: StudyProtocol, now: datetime) -> LookFacts:
    settled, possible = (tuple(_cases(protocol, now, settled=one)) for one in (True, False))
    return LookFacts(
        look_id="0" * 16,
        data_cutoff=stamp(now),
        verdict="not_assessable",
        lead=_sentences(SENTENCES),
        windows=dict.fromkeys(("evaluable", "open", "unobserved"), LARGEST),
        rules=tuple(_rule(rule.id) for rule in protocol.rules),
        cases=(*settled, *possible),
        feeds=tuple(f"{domain}: {_sentence()}" for domain in protocol.feeds.by_domain()),
        caveats=_sentences(MOST_LISTED + 1),
        background=_sentences(2 * SENTENCES),
    )


def _rule(name: str) -> RuleFact:
    return RuleFact(name, "not_evaluable", "", "", "not_evaluable", "not_evaluable", _sentence())


def _cases(protocol: StudyProtocol, now: datetime, *, settled: bool) -> Iterator[CaseFact]:
    """Yield one case more than a message lists."""
    components = "; ".join(f"{spoken(one)} {MADE_UP}" for one in protocol.case_definition.components)
    for number in range(MOST_LISTED + 1):
        yield CaseFact(
            USUBJID=f"TEST-{number}-".ljust(LONGEST_NAME, "0"),
            dose_number=protocol.treatment.planned_doses or LARGEST,
            dose_start=stamp(now),
            hour=None,
            onset_hours=(-LARGEST, LARGEST),
            components=components,
            certainty="definite" if settled else "possible",
            in_risk_window="no",
            grade=None,
            new=False,
            notes=(MADE_UP, MADE_UP),
            missing=() if settled else (components,),
            cleared=() if settled else (components,),
            settled=settled,
        )


def _sentence() -> str:
    times = -(-LONGEST_SENTENCE // len(MADE_UP))
    return (MADE_UP * times)[:LONGEST_SENTENCE].strip("; ") + "."


def _sentences(count: int) -> tuple[str, ...]:
    return (_sentence(),) * count
