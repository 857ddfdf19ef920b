"""What each kind of channel is given of a message, computed by hand; nothing is sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.alerts.channels.content import subject, text
from flows.alerts.channels.pagerduty import event
from flows.alerts.channels.posting import retry_after
from flows.alerts.channels.webhook import signature
from flows.ledger import Outgoing

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def test_a_signature_is_the_one_that_openssl_computes() -> None:
    # printf '1772330400.{"id":"id-1"}' | openssl dgst -sha256 -hmac 5ecret
    expected = "77207cdac1c8542bf8ad09d39758afbea6ba48ab1f0858bb7f1a0b133f97ed6a"
    assert signature(b'{"id":"id-1"}', "5ecret", NOW) == f"t=1772330400,v1={expected}"


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 01 Mar 2026 02:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 02:00:30 -0000", 30.0),
        ("Sunday, 01-Mar-26 02:00:30 GMT", 30.0),
        ("Sat, 28 Feb 2026 23:59:59 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 4000, None),
    ],
)
def test_a_retry_after_field_is_seconds_or_a_date(field: str, seconds: float | None) -> None:
    assert retry_after(field, NOW) == seconds


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"subject": "s", "text": "t"}, "t"),
        ({"subject": "s"}, "s"),
    ],
)
def test_a_message_without_a_text_still_says_something(message: Mapping[str, Any], expected: str) -> None:
    assert text(message) == expected


def test_a_subject_is_one_line() -> None:
    assert subject({"subject": "signal\r\nBcc: x@example.org\t now"}) == "signal Bcc: x@example.org now"


@pytest.mark.parametrize(
    ("message", "severity"),
    [
        ({"verdict": "signal"}, "critical"),
        ({"verdict": "not_assessable"}, "error"),
        ({"verdict": "watch"}, "warning"),
        ({"verdict": None}, "error"),
        ({}, "critical"),
        ({"verdict": "signal", "test": True}, "info"),
    ],
)
def test_an_event_is_as_severe_as_its_verdict(message: Mapping[str, Any], severity: str) -> None:
    told = event(Outgoing("id-1", "env:A", {"subject": "s", "alert": "a", **message}))
    assert told["payload"]["severity"] == severity


def test_an_event_of_a_brief_message_says_no_more_than_the_message() -> None:
    brief = {"schema": "postdose/alert/1", "role": "chair", "alert": "a1", "subject": "postdose: alert a1"}
    told = event(Outgoing("id-1", "env:A", brief))
    assert told == {
        "event_action": "trigger",
        "dedup_key": "a1",
        "client": "postdose",
        "payload": {
            "summary": "postdose: alert a1",
            "source": "postdose",
            "severity": "critical",
            "component": "chair",
            "group": "postdose",
            "custom_details": brief,
        },
        "links": [],
    }


def test_an_event_keeps_within_what_the_interface_takes() -> None:
    told = event(
        Outgoing("id-1", "env:A", {"subject": "s" * 2_000, "alert": "a" * 2_000, "report": "/tmp/x"})
    )
    assert (len(told["payload"]["summary"]), len(told["dedup_key"]), told["links"]) == (1_024, 255, [])
