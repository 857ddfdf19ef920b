"""Who is told of a look, when a repeat says nothing new, what a brief message leaves out, and what is held back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledgers import seen_of

from checks.errors import UsageError
from checks.protocol import load_protocol
from checks.protocol.model import Alerts
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_of_look, due
from flows.alerts.command import closing
from flows.alerts.notifying import MOST_PER_HOUR, alert_id
from flows.ledger import Entry, Kind, Record
from flows.ledger.chain import next_record
from flows.ledger.outbox import message_payload as recorded
from flows.pages.message import CaseFact, LookFacts, RuleFact

PROTOCOL = load_protocol(Path(__file__).parents[3] / "flows" / "simulate" / "protocol.yaml")
NOW = datetime(2025, 1, 2, tzinfo=UTC)
RULE = RuleFact("three_cases", "crossed", "3", "3", "crossed", "crossed")


def case(subject: str, where: str = "yes", hour: float | None = 6.25) -> CaseFact:
    certainty = "definite" if hour is not None else "possible"
    onset = (6.0, 6.25)
    return CaseFact(
        subject, 1, "2025-01-01T00:00:00Z", hour, onset, "fever 6 h", certainty, where, None, new=False
    )


CASES = (case("S-1"), case("S-2", "possible", None), case("S-3", "no", 40.0))


def looked(verdict: str = "signal", state: str = "new", at: datetime = NOW, **changed: Any) -> Looked:
    rule = RULE if verdict == "signal" else replace(RULE, verdict="not_crossed")
    facts = LookFacts(
        look_id=f"look {at:%d %H:%M:%S}", data_cutoff=at.isoformat(), verdict=verdict, lead=(), windows={},
        rules=(rule,), cases=CASES, feeds=(), caveats=(), background=(),
    )  # fmt: skip
    signals = {"three_cases": state} if state else {}
    return Looked(replace(facts, **changed), signals, CHANGES.empty(), "report.html")


class Kept:
    """A study's records, without a database."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def take(self, entries: Sequence[Entry]) -> list[str]:
        """Keep what was decided; return whom it tells."""
        sent = []
        for entry in entries:
            self.record(entry.kind, entry.payload)
            for one in entry.outgoing:
                self.record(Kind.ALERT, recorded(one))
                sent.append(one.role)
        return sent

    def record(self, kind: Kind, payload: Any) -> None:
        last = self.records[-1] if self.records else None
        self.records.append(next_record(last, "S", kind, payload, None))

    def look(self, found: Looked, at: datetime) -> list[str]:
        told = {"data_cutoff": found.facts.data_cutoff, "look_id": found.facts.look_id}
        self.record(Kind.LOOK, {**told, "verdict": found.facts.verdict})
        return self.take(alerts_of_look(seen_of(self.records, at), found, PROTOCOL, at))


def first(found: Looked) -> list[Entry]:
    return [entry for entry in alerts_of_look(seen_of((), NOW), found, PROTOCOL, NOW) if entry.outgoing]


def test_a_first_signal_is_told_to_every_role_of_its_verdict() -> None:
    assert Kept().look(looked(), NOW) == ["safety_physician", "dsmb_chair"]


def test_a_watch_is_told_only_to_the_roles_that_ask_for_it() -> None:
    assert Kept().look(looked("watch", ""), NOW) == ["safety_physician"]
    assert Kept().look(looked("no_signal", ""), NOW) == []


@pytest.mark.parametrize(
    ("state", "minutes", "told"),
    [
        ("ongoing", 30, False),
        ("ongoing", 12 * 60, False),
        ("worsened", 30, True),
    ],
)
def test_a_repeat_collapses_until_something_worsens(state: str, minutes: int, told: bool) -> None:
    kept, later = Kept(), NOW + timedelta(minutes=minutes)
    kept.look(looked(), NOW)
    assert bool(kept.look(looked(state=state, at=later), later)) is told


def test_a_repeat_is_due_when_its_interval_is_over_and_not_a_second_before() -> None:
    kept = Kept()
    kept.look(looked(), NOW)
    kept.take(
        due(
            seen_of(kept.records, NOW + timedelta(hours=1)),
            PROTOCOL,
            NOW + timedelta(hours=1),
            watching=False,
        )
    )  # the physician's time
    again = NOW + timedelta(hours=1 + PROTOCOL.alerts.repeat_hours)
    before = again - timedelta(minutes=1)
    assert kept.look(looked(state="ongoing", at=before), before) == []
    assert (
        kept.take(
            due(seen_of(kept.records, again - timedelta(seconds=1)), PROTOCOL, again - timedelta(seconds=1))
        )
        == []
    )
    assert kept.take(due(seen_of(kept.records, again), PROTOCOL, again)) == ["safety_physician", "dsmb_chair"]


def test_a_new_signal_beside_one_that_was_told_is_told_at_once() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    kept.look(looked(), NOW)
    both = looked(state="ongoing", at=later, rules=(RULE, replace(RULE, id="rate")))
    both = replace(both, signals={**both.signals, "rate": "new"})
    assert kept.look(both, later) == ["safety_physician", "dsmb_chair"]
    assert sorted(a.about for a in seen_of(kept.records, NOW).standing.alerts.values()) == [
        "signal:rate",
        "signal:three_cases",
    ]


def test_another_verdict_is_told_at_once() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    kept.look(looked(), NOW)
    unknown = replace(RULE, verdict="not_evaluable")
    blind = looked("not_assessable", "ongoing", later, rules=(unknown,))
    assert kept.look(blind, later) == ["safety_physician"]


def test_a_watch_beneath_what_cannot_be_assessed_goes_to_those_who_get_a_watch() -> None:
    """The manager of the data hears that nothing can be assessed, the physician of the watch as well."""
    physician = {"role": "physician", "verdicts": ["watch", "signal"], "channels": ["file:physician/"]}
    manager = {"role": "manager", "verdicts": ["not_assessable"], "channels": ["file:manager/"]}
    protocol = PROTOCOL.model_copy(update={"alerts": Alerts.model_validate({"routes": [physician, manager]})})
    for beneath, told in (
        ((), {"manager": "NOT ASSESSABLE: no answer"}),
        (
            ("three_cases",),
            {
                "manager": "NOT ASSESSABLE: no answer, and a boundary is near",
                "physician": "WATCH: a boundary is near, though the data allow no answer",
            },
        ),
    ):
        blind = looked("not_assessable", "", beneath=beneath)
        entries = alerts_of_look(seen_of((), NOW), blind, protocol, NOW)
        sent = [one for entry in entries for one in entry.outgoing]
        assert {one.role: first_line(one.message["text"]) for one in sent} == told
        assert all(("A boundary is near all the same: three_cases." in text) is bool(beneath)
                   for one in sent for text in [" ".join(one.message["text"].split())])  # fmt: skip


def test_a_watch_that_was_told_stays_open_beneath_what_cannot_be_assessed() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    assert kept.look(looked("watch", ""), NOW) == ["safety_physician"]
    blind = looked("not_assessable", "", later, beneath=("three_cases",))
    assert kept.look(blind, later) == ["safety_physician"]
    states = {one.about: one.state for one in seen_of(kept.records, later).standing.alerts.values()}
    assert states == {"verdict:watch": "open", "verdict:not_assessable": "open"}


def first_line(text: str) -> str:
    """The headline: after the banner of a simulated study, if it has one."""
    return next(line for line in text.splitlines() if line.startswith(("NOT", "WATCH", "SIGNAL")))


def test_a_look_at_an_earlier_cut_off_changes_nothing_of_what_a_later_one_found() -> None:
    kept = Kept()
    kept.look(looked(), NOW)
    earlier = looked("no_signal", "cleared", NOW - timedelta(days=3), cases=())
    assert kept.look(earlier, NOW + timedelta(minutes=10)) == []
    assert [alert.state for alert in seen_of(kept.records, NOW).standing.alerts.values()] == ["open"]


def test_a_full_message_names_cases_by_pseudonym_and_hours_and_never_invents_an_hour() -> None:
    (raised,) = first(looked())
    text = raised.outgoing[0].message["text"]
    assert "S-1: 6.25 h after dose 1" in text
    assert "S-2: some time in hours" in text
    assert "three_cases crossed: observed 3 against a boundary of 3" in text


def test_a_brief_message_says_only_that_there_is_an_alert_and_its_id() -> None:
    (raised,) = first(looked())
    brief = dict(raised.outgoing[1].message)
    alert = raised.payload["alert"]
    assert (brief.pop("schema"), brief.pop("html")[:9]) == ("postdose/alert/2", "<!DOCTYPE")
    assert brief == {
        "role": "dsmb_chair",
        "alert": alert,
        "subject": f"postdose: alert {alert}",
        "text": f"There is a postdose alert: {alert}\n",
    }


def test_the_same_look_gives_the_same_ids_and_each_channel_its_own() -> None:
    ids = [one.id for entry in first(looked()) for one in entry.outgoing]
    elsewhere = first(replace(looked(), report="elsewhere.html"))
    assert ids == [one.id for entry in elsewhere for one in entry.outgoing]
    assert len(set(ids)) == len(ids)


def test_each_message_of_an_alert_has_an_id_of_its_own_on_each_channel_and_at_each_repeat() -> None:
    route = {"role": "a", "verdicts": ["watch"], "channels": ["file:one/", "file:two/"]}
    protocol = PROTOCOL.model_copy(
        update={"alerts": Alerts.model_validate({"repeat_hours": 1, "routes": [route]})}
    )
    kept, ids = Kept(), []
    decided = alerts_of_look(seen_of((), NOW), looked("watch", ""), protocol, NOW)
    for hours in range(1, 4):
        kept.take(decided)
        ids += [one.id for entry in decided for one in entry.outgoing]
        decided = due(
            seen_of(kept.records, NOW + timedelta(hours=hours)),
            protocol,
            NOW + timedelta(hours=hours),
            watching=False,
        )
    assert len(ids) == len(set(ids)) == 6


def test_a_rule_that_left_the_protocol_keeps_its_signal_and_its_alert() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    kept.look(looked(), NOW)
    for state in ("ongoing", ""):  # with the signal on record, and without
        found = looked("no_signal", state, later, rules=())
        assert alerts_of_look(seen_of(kept.records, later), found, PROTOCOL, later) == ()


def close(kept: Kept, by: str, at: datetime) -> None:
    name = alert_id(PROTOCOL.study.id, "signal:three_cases")
    kept.record(*_closing(kept, name, by, at))


def _closing(kept: Kept, name: str, by: str, at: datetime) -> tuple[Kind, Any]:
    entry = closing(
        seen_of(kept.records, at), PROTOCOL.study.id, name=name, by=by, reason="pneumonia", now=at
    )
    return entry.kind, entry.payload


def test_a_signal_that_a_person_closed_returns_by_new_evidence_alone() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    kept.look(looked(), NOW)
    close(kept, "Dr A", later)
    standing = seen_of(kept.records, later).standing
    assert standing.closed_rules == {"three_cases"}
    assert kept.look(looked(state="closed", at=later), later) == []
    again = looked(state="worsened", at=later, cases=(*CASES, case("S-9")))
    assert kept.look(again, later) == ["safety_physician", "dsmb_chair"]
    assert seen_of(kept.records, later).standing.closed_rules == frozenset()


def test_only_a_signal_that_stands_can_be_closed() -> None:
    kept = Kept()
    kept.look(looked("watch", ""), NOW)
    kept.look(looked(), NOW)
    with pytest.raises(UsageError, match=r"about verdict:watch|closed already"):
        _closing(kept, alert_id(PROTOCOL.study.id, "verdict:watch"), "Dr A", NOW)
    close(kept, "Dr A", NOW)
    with pytest.raises(UsageError, match="closed already"):
        close(kept, "Dr A", NOW)


def test_a_clearing_names_the_datum() -> None:
    kept, later = Kept(), NOW + timedelta(minutes=30)
    kept.look(looked(), NOW)
    reason = "S-1, dose 1: VS:VSSEQ=4 was corrected: VSORRES was 39.2 and is 36.9."
    found = replace(looked("no_signal", "cleared", later, cases=()), reasons={"three_cases": (reason,)})
    told = alerts_of_look(seen_of(kept.records, later), found, PROTOCOL, later)
    assert told[-1].payload["news"][0] == reason
    physician, chair = (" ".join(one.message["text"].split()) for one in told[-1].outgoing)
    assert reason in physician
    assert reason not in chair  # whose messages are brief


def test_a_role_is_told_of_a_watch_twelve_times_an_hour_and_then_how_many_were_held_back() -> None:
    kept, told = Kept(), []
    for turn in range(40):  # 40 looks in 40 minutes, of which every other one is a watch: 20 begin and 20 end
        at = NOW + timedelta(minutes=turn)
        told += kept.look(looked("watch" if turn % 2 == 0 else "no_signal", "", at), at)
    assert len(told) == MOST_PER_HOUR == 12
    after = NOW + timedelta(minutes=41)
    (signal,) = [
        e
        for e in alerts_of_look(seen_of(kept.records, after), looked(at=after), PROTOCOL, after)
        if e.kind == Kind.RAISED
    ]
    physician, chair = (one.message["text"] for one in signal.outgoing)
    assert "28 further alerts held back" in physician  # 40 less the 12 that were told
    assert "held back" not in chair  # who was told of no watch
    kept.look(looked(at=after), after)
    again = NOW + timedelta(hours=2)
    once = alerts_of_look(seen_of(kept.records, again), looked("watch", "cleared", again), PROTOCOL, again)
    assert not any("held back" in one.message["text"] for entry in once for one in entry.outgoing)
    told = kept.look(looked("watch", "cleared", again), again)
    assert told == ["safety_physician", "safety_physician", "dsmb_chair"]  # a watch, and the signal's end
    held = [one.payload for one in kept.records if one.payload.get("held_back")]
    assert len(held) == 28


def test_nobody_is_told_where_no_role_is_named_and_the_alert_is_there_all_the_same() -> None:
    silent = PROTOCOL.model_copy(update={"alerts": Alerts()})
    entries = alerts_of_look(seen_of((), NOW), looked(), silent, NOW)
    assert [entry.kind for entry in entries] == [Kind.EVIDENCE, Kind.RAISED]
    assert all(not entry.outgoing for entry in entries)


def test_a_message_given_up_brings_the_next_role_in_its_own_opening_alone() -> None:
    kept = Kept()
    kept.look(looked("watch", ""), NOW)
    (alert,) = seen_of(kept.records, NOW).standing.alerts.values()
    (message,) = alert.messages
    later = NOW + timedelta(minutes=10)
    worse = looked("watch", "", later, cases=(*CASES, case("S-4")))
    kept.record(Kind.ACKNOWLEDGEMENT, {"alert": alert.id, "by": "A", "reason": "B", "at": NOW.isoformat()})
    assert kept.look(worse, later) == ["safety_physician"]
    dead = {"alert": alert.id, "role": "safety_physician", "detail": "refused", "at": later.isoformat()}
    kept.record(Kind.DEAD_LETTER, {"message": message, "channel": "file:outbox/", **dead})
    told = kept.take(due(seen_of(kept.records, later), PROTOCOL, later, watching=False))
    assert told == [
        "dsmb_chair"
    ]  # that a role could not be reached; the alert is told again, and that may arrive
    assert [one.about for one in seen_of(kept.records, NOW).standing.alerts.values()] == [
        "verdict:watch",
        "delivery_failed:safety_physician",
    ]
    (current,) = seen_of(kept.records, NOW).standing.alerts[alert.id].messages
    kept.record(Kind.DEAD_LETTER, {"message": current, "channel": "file:outbox/", **dead})
    assert (
        seen_of(kept.records, NOW).standing.alerts[alert.id].undelivered_to("safety_physician") == "refused"
    )
    assert kept.take(due(seen_of(kept.records, later), PROTOCOL, later, watching=False)) == ["dsmb_chair"]
    assert seen_of(kept.records, NOW).standing.alerts[alert.id].escalated == {"safety_physician"}


def test_a_message_that_is_sent_again_is_given_up_no_more() -> None:
    kept = Kept()
    kept.look(looked("watch", ""), NOW)
    (alert,) = seen_of(kept.records, NOW).standing.alerts.values()
    (message,) = alert.messages
    dead = {"alert": alert.id, "role": "safety_physician", "detail": "refused", "at": NOW.isoformat()}
    kept.record(Kind.DEAD_LETTER, {"message": message, "channel": "file:outbox/", **dead})
    kept.record(Kind.ALERT, {"alert": alert.id, "message": message, "resent_by": "A", "at": NOW.isoformat()})
    assert seen_of(kept.records, NOW).standing.alerts[alert.id].undelivered_to("safety_physician") is None
    assert (
        kept.take(
            due(
                seen_of(kept.records, NOW + timedelta(minutes=5)),
                PROTOCOL,
                NOW + timedelta(minutes=5),
                watching=False,
            )
        )
        == []
    )
