"""Worked examples of an alert's life: what happens, and who is told of it.

Each line is a time, what happens then, and who is told why. Between the lines the alerts are gone through every five
minutes, and nobody is told. ``1/08:00`` is 08:00 UTC on day 1. A look lists its cases: ``S1`` is definite and in
the risk window, ``S1?`` possible, ``S1:4`` has an adverse event of grade 4; three definite cases cross the
boundary, two are a watch. Everybody's deadline runs from when they were first told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from ledgers import seen_of

from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Alerts, Schedule
from checks.rules import RuleResult, RuleVerdict
from checks.signals import Signal, update_signals
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_of_look, due
from flows.alerts.notifying import alert_id
from flows.ledger import Entry, Kind, Record
from flows.ledger.chain import next_record
from flows.ledger.outbox import message_payload as recorded
from flows.pages.message import CaseFact, LookFacts, RuleFact

DAY_ONE = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(minutes=5)
SIGNAL, WATCH = "signal:three_cases", "verdict:watch"

ROUTES = """
    safety_physician: signal watch not_assessable; 60 minutes, then dsmb_chair
    dsmb_chair: signal; 120 minutes, then sponsor
    sponsor: signal
"""
"""The sponsor is last: nobody follows, and no answer is asked for."""

CHAIN = """
    safety_physician: watch; 60 minutes, then dsmb_chair
    dsmb_chair: signal; 120 minutes, then sponsor
    sponsor: signal
"""
"""For a watch the physician alone is told at once, and the others follow."""

BASE = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")


def routed(routes: str, *, repeat_hours: float = 24, max_look_age_hours: float = 10_000) -> StudyProtocol:
    declared = []
    for line in routes.strip().splitlines():
        role, _, rest = line.strip().partition(": ")
        verdicts, _, then = rest.partition("; ")
        route: dict[str, Any] = {"role": role, "verdicts": verdicts.split(), "channels": [f"file:{role}/"]}
        if then:
            minutes, _, follower = then.partition(" minutes, then ")
            route |= {"ack_within_minutes": float(minutes), "escalate_to": follower}
        declared.append(route)
    alerts = Alerts.model_validate({"repeat_hours": repeat_hours, "routes": declared})
    schedule = Schedule.model_validate(
        {**BASE.schedule.model_dump(), "max_look_age_hours": max_look_age_hours}
    )
    return BASE.model_copy(update={"alerts": alerts, "schedule": schedule})


def moment(text: str) -> datetime:
    day, _, clock = text.partition("/")
    hour, minute = clock.split(":")
    return DAY_ONE + timedelta(days=int(day) - 1, hours=int(hour), minutes=int(minute))


@dataclass
class Story:
    """One study: its records are all that is kept from one moment to the next."""

    protocol: StudyProtocol
    corrections: pd.DataFrame = field(default_factory=CHANGES.empty)
    records: list[Record] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    signals: tuple[Signal, ...] = ()

    def record(self, kind: Kind, payload: Any) -> None:
        last = self.records[-1] if self.records else None
        self.records.append(next_record(last, "S", kind, payload, None))

    def take(self, entries: Sequence[Entry]) -> Iterator[str]:
        for entry in entries:
            self.entries.append(entry)
            self.record(entry.kind, entry.payload)
            for one in entry.outgoing:
                self.record(Kind.ALERT, recorded(one))
                yield f"{one.role} {one.message['occasion']}"

    def happens(self, what: str, now: datetime) -> Iterator[str]:
        kind, _, rest = what.partition(" ")
        if kind == "look":
            yield from self.take(self.look(rest, now))
        elif kind == "ack":
            payload = {
                "alert": alert_id(self.protocol.study.id, SIGNAL),
                "by": rest,
                "reason": "assessing it",
            }
            self.record(Kind.ACKNOWLEDGEMENT, {**payload, "at": now.isoformat()})
        elif kind == "refused":
            one = next(o for entry in reversed(self.entries) for o in entry.outgoing if o.role == rest)
            self.record(
                Kind.DEAD_LETTER, {**recorded(one), "detail": "no such mailbox", "at": now.isoformat()}
            )

    def look(self, found: str, now: datetime) -> Sequence[Entry]:
        stale = "VS" in found
        cases = tuple(case(token) for token in found.split() if token.startswith("S"))
        definite = sum(one.in_risk_window == "yes" for one in cases)
        crossed = RuleVerdict.CROSSED if definite >= 3 else RuleVerdict.NOT_CROSSED
        result = RuleResult("three_cases", "count", None, crossed, crossed, crossed, definite, 20, 3)
        self.signals = update_signals(self.signals, [result], "S")
        verdict = (
            "signal"
            if definite >= 3
            else "not_assessable"
            if stale
            else "watch"
            if definite == 2
            else "no_signal"
        )
        rule = RuleFact("three_cases", str(crossed), str(definite), "3", str(crossed), str(crossed))
        cutoff = now.isoformat()
        facts = LookFacts(
            look_id=f"look at {cutoff}", data_cutoff=cutoff, verdict=verdict, lead=(), windows={}, rules=(rule,),
            cases=cases, feeds=("VS: stale",) if stale else (), caveats=(), background=(),
        )  # fmt: skip
        self.record(Kind.LOOK, {"look_id": facts.look_id, "data_cutoff": cutoff, "verdict": verdict})
        states = {one.rule: str(one.state) for one in self.signals}
        looked = Looked(facts, states, self.corrections, "report.html")
        return alerts_of_look(seen_of(self.records, now), looked, self.protocol, now)

    def told(self, lines: Sequence[tuple[datetime, str, str]]) -> Iterator[tuple[datetime, str]]:
        """Go through the lines, and between them every five minutes."""
        happening = {at: what for at, what, _ in lines}
        now, last = lines[0][0], lines[-1][0]
        while now <= last:
            said = [
                *self.happens(happening.get(now, ""), now),
                *self.take(due(seen_of(self.records, now), self.protocol, now)),
            ]
            if said or now in happening:
                yield now, ", ".join(said) or "nobody"
            now += TICK

    def plays(self, table: str) -> None:
        rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
        lines = [(moment(at), what, told) for at, what, told in rows]
        assert list(self.told(lines)) == [(at, told) for at, _, told in lines]

    def said(self) -> str:
        """The text of the newest messages, as one line."""
        texts = [one.message["text"] for one in self.entries[-1].outgoing]
        return " ".join(" ".join(texts).split())


def case(token: str) -> CaseFact:
    name, _, grade = token.rstrip("?").partition(":")
    sure = not token.endswith("?")
    return CaseFact(
        USUBJID=name, dose_number=1, dose_start="2026-03-01T08:00:00Z", hour=6.0, onset_hours=(5.5, 6.0),
        components="fever 5.5 h", certainty="definite" if sure else "possible",
        in_risk_window="yes" if sure else "possible", grade=grade or None, new=False,
    )  # fmt: skip


def test_a_signal_nobody_answers_goes_from_role_to_role_and_is_then_repeated_every_day() -> None:
    story = Story(routed(ROUTES))
    story.plays("""
        1/08:00 | look S1 S2 S3 | safety_physician raised, dsmb_chair raised, sponsor raised
        1/09:00 |               | dsmb_chair escalated
        1/10:00 |               | sponsor escalated
        2/10:00 |               | safety_physician repeated, dsmb_chair repeated, sponsor repeated
        3/10:00 |               | safety_physician repeated, dsmb_chair repeated, sponsor repeated
    """)
    assert (
        "Nobody has acknowledged this alert. Told: safety physician at 2026-03-02 08:00 UTC" in story.said()
    )


def test_a_watch_goes_along_the_chain_each_role_with_its_own_time_to_answer() -> None:
    story = Story(routed(CHAIN))
    story.plays("""
        1/08:00 | look S1 S2 | safety_physician raised
        1/09:00 |            | dsmb_chair escalated
        1/11:00 |            | sponsor escalated
        2/11:00 |            | safety_physician repeated, dsmb_chair repeated, sponsor repeated
    """)


def test_a_look_that_finds_the_same_says_nothing_new() -> None:
    Story(routed(ROUTES)).plays("""
        1/08:00 | look S1 S2 S3 | safety_physician raised, dsmb_chair raised, sponsor raised
        1/08:30 | look S1 S2 S3 | nobody
        1/09:00 | look S3 S2 S1 | dsmb_chair escalated
        1/09:30 | look S1 S2 S3 | nobody
    """)


def test_an_answer_stops_the_roles_that_would_follow_and_the_repeats() -> None:
    Story(routed(ROUTES)).plays("""
        1/08:00 | look S1 S2 S3  | safety_physician raised, dsmb_chair raised, sponsor raised
        1/09:00 |                | dsmb_chair escalated
        1/09:35 | ack Dr. Aaroen | nobody
        1/12:00 | look S1 S2 S3  | nobody
        4/12:00 | look S1 S2 S3  | nobody
    """)


def test_worse_evidence_opens_an_answered_alert_again_from_the_first_role_on() -> None:
    story = Story(routed(ROUTES))
    story.plays("""
        1/08:00 | look S1 S2 S3         | safety_physician raised, dsmb_chair raised, sponsor raised
        1/08:30 | ack Dr. Aaroen        | nobody
        1/12:00 | look S1 S2 S3 S4?     | safety_physician re-opened, dsmb_chair re-opened, sponsor re-opened
        1/12:30 | ack Dr. Aaroen        | nobody
        1/14:00 | look S1 S2 S3 S4      | safety_physician re-opened, dsmb_chair re-opened, sponsor re-opened
        1/14:30 | ack Dr. Aaroen        | nobody
        1/16:00 | look S1 S2 S3 S4:4    | safety_physician re-opened, dsmb_chair re-opened, sponsor re-opened
        1/17:00 |                       | dsmb_chair escalated
    """)
    opened = [entry.payload["news"] for entry in story.entries if entry.kind == Kind.REOPENED]
    assert opened == [
        ["S4, dose 1: a new case."],
        [
            "S4, dose 1: now in the risk window, which was not sure.",
            "S4, dose 1: now definite, was possible.",
        ],
        ["S4, dose 1: grade 4, was not known."],
    ]


def test_worse_evidence_before_an_answer_is_told_to_all_who_know_and_puts_nobody_off() -> None:
    Story(routed(CHAIN)).plays("""
        1/08:00 | look S1 S2        | safety_physician raised
        1/08:50 | look S1 S2 S4?    | safety_physician re-opened
        1/09:00 |                   | dsmb_chair escalated
        1/09:30 | look S1 S2:3 S4?  | safety_physician re-opened, dsmb_chair re-opened
        1/11:00 |                   | sponsor escalated
    """)


def test_a_correction_that_takes_a_case_back_closes_the_alert_and_one_that_brings_it_again_opens_it() -> None:
    corrected = {
        "domain": ["VS"], "USUBJID": ["S3"], "record": ["VSSEQ=4"], "kind": ["corrected"],
        "variable": ["VSSTRESN"], "before": ["39.0"], "after": ["37.0"],
        "known_at": [pd.Timestamp("2026-03-02T10:00Z")], "delivery": ["vs_2.csv"],
    }  # fmt: skip
    story = Story(routed(ROUTES), corrections=CHANGES.conform(pd.DataFrame(corrected)))
    story.plays("""
        1/08:00 | look S1 S2 S3 | safety_physician raised, dsmb_chair raised, sponsor raised
        1/08:30 | ack Dr. A     | nobody
        1/10:30 | look S1       | safety_physician cleared, dsmb_chair cleared, sponsor cleared
    """)
    assert "A correction of VS took back the case of S3, dose 1." in story.said()
    assert "Rule three_cases was at 3 and is at 1 against a boundary of 3." in story.said()
    story.plays("""
        2/08:00 | look S1       | nobody
        2/09:00 | look S1 S2 S5 | safety_physician re-opened, dsmb_chair re-opened, sponsor re-opened
        2/10:00 |               | dsmb_chair escalated
    """)
    opened = next(entry for entry in story.entries if entry.kind == Kind.REOPENED)
    assert opened.payload["news"][:2] == ["S2, dose 1: a new case.", "S5, dose 1: a new case."]
    assert opened.payload["news"][2] == "Rule three_cases is crossed, which it was not."


def test_a_repeat_waits_while_somebody_else_is_told() -> None:
    Story(routed(CHAIN, repeat_hours=1)).plays("""
        1/08:00 | look S1 S2 | safety_physician raised
        1/09:00 |            | dsmb_chair escalated
        1/10:00 |            | safety_physician repeated, dsmb_chair repeated
        1/11:00 |            | sponsor escalated
        1/12:00 |            | safety_physician repeated, dsmb_chair repeated, sponsor repeated
    """)


def test_a_message_that_cannot_be_delivered_brings_the_next_role_at_once() -> None:
    story = Story(routed(CHAIN))
    story.plays("""
        1/08:00 | look S1 S2               | safety_physician raised
        1/08:05 | refused safety_physician | dsmb_chair raised, sponsor raised, dsmb_chair dead letter
        1/08:10 | refused dsmb_chair       | safety_physician raised, sponsor raised, sponsor dead letter
    """)
    assert "A message to dsmb chair was given up: no such mailbox" in story.said()


def test_a_protocol_that_changes_meanwhile_changes_nothing_for_an_alert_that_is_open() -> None:
    story = Story(routed(CHAIN))
    story.plays("1/08:00 | look S1 S2 | safety_physician raised")
    story.protocol = routed("""
        data_manager: watch; 5 minutes, then sponsor
        sponsor: signal
    """)
    story.plays("""
        1/08:05 | look S1 S2       | nobody
        1/09:00 |                  | dsmb_chair escalated
        1/11:00 |                  | sponsor escalated
        1/12:00 | look             | safety_physician cleared, dsmb_chair cleared, sponsor cleared
        1/13:00 | look S1 S2       | data_manager re-opened
        1/13:05 |                  | sponsor escalated
    """)


def test_a_signal_ends_a_watch_without_a_word_and_a_look_without_an_answer_ends_nothing() -> None:
    Story(routed(ROUTES)).plays("""
        1/08:00 | look S1 S2    | safety_physician raised
        1/08:30 | look S1 S2 VS | safety_physician raised
        1/08:45 | look S1 S2    | safety_physician cleared
        1/08:50 | look S1 S2 S3 | safety_physician raised, dsmb_chair raised, sponsor raised
    """)


def test_the_monitor_says_that_no_look_was_made_until_one_is() -> None:
    story = Story(routed(ROUTES, max_look_age_hours=2))
    story.plays("""
        1/08:00 | look | nobody
        1/10:05 |      | safety_physician raised
        1/11:05 |      | dsmb_chair escalated
        1/11:30 | look | safety_physician cleared, dsmb_chair cleared
        1/13:00 |      | nobody
    """)
    assert "A look has been made." in story.said()
