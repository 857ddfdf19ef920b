"""The monitor's own causes for an alert: what the ledger's records say of looks, feeds and deliveries at a moment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledgers import seen_of

from checks.protocol import load_protocol
from flows.heartbeat import Cause, Pulse, feed_faults, monitor_causes
from flows.ledger import Kind, Record
from flows.ledger.chain import next_record

PROTOCOL = load_protocol(
    Path(__file__).parents[1] / "unit/pages/report/looks/protocol.yaml"
)  # a look each 2 h at most
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


AT = "2026-03-09T10:00:00Z"


def raised(alert: str, kind: Kind = Kind.RAISED) -> tuple[Kind, Mapping[str, Any]]:
    plan = {"posts": [], "repeat_hours": 24}
    return kind, {
        "alert": alert,
        "about": "verdict:watch",
        "plan": plan,
        "look_id": "L",
        "cause": [],
        "at": AT,
    }


def records(*told: tuple[Kind, Mapping[str, Any]]) -> list[Record]:
    """A chain in which two alerts were raised before everything else."""
    chain: list[Record] = []
    for kind, payload in (raised("a1"), raised("a2"), *told):
        chain.append(next_record(chain[-1] if chain else None, "S", kind, payload, None))
    return chain


def causes_of(*told: tuple[Kind, Mapping[str, Any]], now: datetime = NOON) -> tuple[Cause, ...]:
    return monitor_causes(seen_of(records(*told), now), PROTOCOL, now)


def look(hour: float, faults: Mapping[str, Any] | None = None) -> tuple[Kind, Mapping[str, Any]]:
    cutoff = NOON.replace(hour=0) + timedelta(hours=hour)
    told = {"look_id": f"at {hour}", "data_cutoff": f"{cutoff:%Y-%m-%dT%H:%M:%SZ}", "verdict": "no_signal"}
    return Kind.LOOK, told if faults is None else {**told, "feed_faults": faults}


def about(*told: tuple[Kind, Mapping[str, Any]], now: datetime = NOON) -> list[str]:
    return [cause.about for cause in causes_of(*told, now=now)]


def dead(
    message: str = "m1", alert: str = "a1", role: str = "safety_physician"
) -> tuple[Kind, Mapping[str, Any]]:
    return Kind.DEAD_LETTER, {
        "message": message, "alert": alert, "role": role, "channel": "env:X", "detail": "env:X: refused",
    }  # fmt: skip


FRESH = look(11.5)


@pytest.mark.parametrize(
    ("age", "causes"), [(0, []), (1.99, []), (2.0, []), (2.01, ["look_missing"]), (48, ["look_missing"])]
)
def test_a_look_is_missing_once_the_last_one_is_older_than_the_protocol_allows(
    age: float, causes: list[str]
) -> None:
    now = NOON + timedelta(hours=age)
    assert about(look(12), now=now) == causes


def test_a_study_without_a_look_misses_one() -> None:
    assert about() == ["look_missing"]


def test_a_missing_look_says_how_old_the_last_one_is() -> None:
    (cause,) = causes_of(look(7.5))  # 12:00 - 07:30 = 4.5 h
    assert (
        cause.said == "The last look had its data cut-off at 2026-03-09T07:30:00Z, 4.5 h ago; allowed: 2 h."
    )


def test_a_look_by_hand_at_an_earlier_cutoff_does_not_hide_the_recent_one() -> None:
    assert about(look(11.5), look(1)) == []


def test_a_look_at_a_cutoff_to_come_does_not_hide_that_none_is_made() -> None:
    assert about(look(1), look(23)) == ["look_missing"]


def test_feeds_are_as_the_last_look_found_them() -> None:
    old = {"VS": {"fault": "stale", "latest": "2026-03-08T01:00:00Z"}}
    now = {
        "AE": {"fault": "blocked", "latest": None},
        "EX": {"fault": "stale", "latest": "2026-03-08T02:00:00Z"},
    }
    assert about(look(11, old), look(11.5, now)) == ["feed_blocked:AE", "feed_stale:EX"]
    assert about(look(11, now), look(11.5, {})) == []


def test_a_stale_feed_is_told_with_its_latest_datum_and_its_limit() -> None:
    faults = {"VS": {"fault": "stale", "latest": "2026-03-08T01:00:00Z"}}
    (cause,) = causes_of(look(11.5, faults))
    assert "latest datum 2026-03-08T01:00:00Z; allowed: 12 h" in cause.said


def test_a_blocked_feed_is_told_with_what_the_look_said_of_it() -> None:
    said = ["VS: rows whose time cannot be read: 4 of 9.", "Ask the site."]
    (cause,) = causes_of(look(11.5, {"VS": {"fault": "blocked", "latest": None, "said": said}}))
    assert cause.said == (
        "The feed VS cannot be used as it is (no row of it counts). VS: rows whose time cannot be read: 4 of 9. Ask "
        "the site."
    )


def test_a_look_recorded_before_faults_were_kept_has_none() -> None:
    assert about(FRESH) == []


def feed(**different: Any) -> dict[str, Any]:
    fine = {"domain": "VS", "outcome": "passed", "stale": False, "within_limit": True, "latest": None}
    return {**fine, **different}


@pytest.mark.parametrize(
    ("different", "fault"),
    [
        ({}, None),
        ({"outcome": "not_applicable"}, None),
        ({"stale": True}, "stale"),
        ({"outcome": "failed"}, "blocked"),
        ({"outcome": "error"}, "blocked"),
        ({"within_limit": False}, "blocked"),
        ({"outcome": "failed", "stale": True}, "blocked"),
    ],
)
def test_a_look_keeps_which_feeds_were_at_fault(different: dict[str, Any], fault: str | None) -> None:
    expected = {} if fault is None else {"VS": {"fault": fault, "latest": None}}
    assert feed_faults([feed(**different)]) == expected


def night(*problems: str) -> tuple[Kind, dict[str, Any]]:
    return Kind.NIGHT, {"at": "2026-03-09T03:30:00Z", "looks_made_again": 7, "problems": list(problems)}


def test_what_the_newest_night_found_broken_stands_until_a_night_finds_it_whole() -> None:
    (cause,) = causes_of(FRESH, night(), night("One.", "Two."))
    assert (cause.about, cause.said) == ("record_broken", "One. Two.")
    assert about(FRESH, night("One."), night()) == []


def test_a_dead_letter_is_told_by_role_with_what_its_channel_said() -> None:
    (cause,) = causes_of(FRESH, dead())
    assert cause.about == "delivery_failed:safety_physician"
    assert cause.said == "A message to safety_physician was given up: env:X: refused"


def test_two_dead_letters_to_one_role_are_one_cause() -> None:
    told = (dead("m1"), dead("m2", "a2"), dead("m3", "a1", "dsmb_chair"))
    assert about(FRESH, *told) == ["delivery_failed:dsmb_chair", "delivery_failed:safety_physician"]


@pytest.mark.parametrize(
    ("after", "causes"),
    [
        ((Kind.ALERT, {"message": "m1", "resent_by": "B"}), []),
        ((Kind.RECEIPT, {"message": "m1"}), []),
        ((Kind.ACKNOWLEDGEMENT, {"alert": "a1", "by": "B", "reason": "known", "at": AT}), []),
        ((Kind.CLOSED, {"alert": "a1", "news": [], "superseded": True, "at": AT}), []),
        (
            (Kind.CLOSED, {"alert": "a2", "news": [], "superseded": True, "at": AT}),
            ["delivery_failed:safety_physician"],
        ),
        ((Kind.RECEIPT, {"message": "m2"}), ["delivery_failed:safety_physician"]),
        (
            (Kind.ACKNOWLEDGEMENT, {"alert": "a2", "by": "B", "reason": "known", "at": AT}),
            ["delivery_failed:safety_physician"],
        ),
        ((Kind.FAILED_DELIVERY, {"message": "m1"}), ["delivery_failed:safety_physician"]),
    ],
)
def test_a_dead_letter_stands_until_it_is_sent_again_or_its_alert_is_taken_or_closed(
    after: tuple[Kind, Mapping[str, Any]], causes: list[str]
) -> None:
    assert about(FRESH, dead(), after) == causes


@pytest.mark.parametrize(
    ("over", "said"),
    [(Kind.ACKNOWLEDGEMENT, {"by": "B", "reason": "known"}), (Kind.CLOSED, {"superseded": True})],
)
def test_what_is_given_up_of_an_alert_that_is_over_is_no_cause_until_it_is_opened_again(
    over: Kind, said: Mapping[str, Any]
) -> None:
    ended, opened = (over, {"alert": "a1", "at": AT, **said}), raised("a1", Kind.REOPENED)
    assert about(FRESH, ended, dead()) == []
    assert about(FRESH, ended, opened, dead()) == ["delivery_failed:safety_physician"]
    assert about(FRESH, ended, dead("m1", "a2")) == ["delivery_failed:safety_physician"]


def test_a_message_given_up_again_after_it_was_sent_again_stands_again() -> None:
    again = (Kind.ALERT, {"message": "m1", "resent_by": "B"})
    assert about(FRESH, dead(), again, dead()) == ["delivery_failed:safety_physician"]


@pytest.mark.parametrize(
    ("told", "code"),
    [([FRESH], 0), ([look(1)], 30), ([FRESH, dead()], 40), ([look(1), dead()], 40)],
)
def test_the_exit_code_is_that_of_the_gravest_cause(
    told: list[tuple[Kind, Mapping[str, Any]]], code: int
) -> None:
    chain = records(*told)
    seen = seen_of(chain, NOON)
    pulse = Pulse(seen.look, chain[-1].head, monitor_causes(seen, PROTOCOL, NOON))
    assert pulse.exit_code == code
