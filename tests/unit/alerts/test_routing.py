"""Who is told of a look, when a repeat says nothing new, and what a brief message leaves out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.protocol import load_protocol
from flows.alerts import due_alerts

PROTOCOL = load_protocol(Path(__file__).parents[3] / "flows" / "simulate" / "protocol.yaml")


def look(verdict: str = "signal", state: str = "new", cutoff: str = "2025-01-02T00:00:00Z") -> dict[str, Any]:
    return {
        "study": "S",
        "look_id": "abc",
        "verdict": verdict,
        "data_cutoff": cutoff,
        "rules": [{"id": "three_cases", "verdict": "crossed", "events": 3, "boundary": 3}],
        "cases": [
            {
                "USUBJID": "S-1",
                "certainty": "definite",
                "in_risk_window": "yes",
                "hour": 6.25,
                "dose_number": 1,
            },
            {
                "USUBJID": "S-2",
                "certainty": "possible",
                "in_risk_window": "possible",
                "hour": None,
                "dose_number": 2,
            },
            {
                "USUBJID": "S-3",
                "certainty": "definite",
                "in_risk_window": "no",
                "hour": 40.0,
                "dose_number": 1,
            },
        ],
        "signals": [{"id": "x", "rule": "three_cases", "state": state, "events": 3}],
        "caveats": [],
    }


def told(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    return [one.message["role"] for one in due_alerts(now, before, PROTOCOL, report="report.html")]


def test_a_first_signal_is_told_to_every_role_of_its_verdict() -> None:
    assert told(look(), None) == ["safety_physician", "dsmb_chair"]


def test_a_watch_is_told_only_to_the_roles_that_ask_for_it() -> None:
    assert told(look("watch"), None) == ["safety_physician"]
    assert told(look("no_signal"), None) == []


BEFORE = {"verdict": "signal", "alerted_at": "2025-01-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("state", "cutoff", "due"),
    [
        ("ongoing", "2025-01-02T00:00:00Z", False),  # 12 h after the last message, repeat_hours is 24
        ("ongoing", "2025-01-02T12:00:00Z", True),  # 24 h after
        ("worsened", "2025-01-01T12:30:00Z", True),
        ("new", "2025-01-01T12:30:00Z", True),
    ],
)
def test_a_repeat_collapses_until_it_is_due_or_something_worsens(state: str, cutoff: str, due: bool) -> None:
    assert bool(told(look(state=state, cutoff=cutoff), BEFORE)) is due


def test_another_verdict_is_told_at_once() -> None:
    assert told(look("not_assessable", "ongoing", "2025-01-01T12:30:00Z"), BEFORE) == ["safety_physician"]


def test_a_full_message_names_cases_by_pseudonym_and_hours_and_never_invents_an_hour() -> None:
    message = due_alerts(look(), None, PROTOCOL, report="report.html")[0].message
    assert message["cases"] == [
        "S-1: definite, 6.2 h after dose 1",
        "S-2: possible, time of day unknown",
    ]
    assert message["rules"] == ["three_cases: crossed, 3 observed against a boundary of 3"]


def test_a_brief_message_says_only_that_there_is_an_alert_and_its_id() -> None:
    brief = due_alerts(look(), None, PROTOCOL, report="report.html")[1].message
    assert brief == {
        "schema": "postdose/alert/1",
        "role": "dsmb_chair",
        "alert": "abc",
        "subject": "postdose: alert abc",
    }


def test_the_same_look_gives_the_same_ids_and_each_channel_its_own() -> None:
    first = [one.id for one in due_alerts(look(), None, PROTOCOL, report="report.html")]
    assert first == [one.id for one in due_alerts(look(), None, PROTOCOL, report="elsewhere.html")]
    assert len(set(first)) == len(first)
