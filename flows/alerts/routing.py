"""Decide which roles a look must tell, and what the message says; a repeat within its interval says nothing new."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from checks.protocol import StudyProtocol
from checks.protocol.model import Route
from flows.ledger import Outgoing

NEWS = ("new", "worsened")


def due_alerts(
    look: Mapping[str, Any], previous: Mapping[str, Any] | None, protocol: StudyProtocol, *, report: str
) -> tuple[Outgoing, ...]:
    """Return the messages that a look causes, one for each role and channel that is due.

    A role is told when its verdict is new, when a signal is new or has worsened, or when the last message is
    older than the protocol's ``repeat_hours`` (counted in data cut-offs, so that a replayed look decides alike).

    Parameters
    ----------
    look
        The look's document, with its signals.
    previous
        What the ledger holds of the look before, with ``alerted_at``.
    report
        Where the page is, as told to those who may read it.
    """
    if not _is_due(look, previous, protocol):
        return ()
    return tuple(
        Outgoing(_message_id(look, route, channel), channel, message)
        for route in protocol.alerts.routes
        if look["verdict"] in route.verdicts
        for message in [_message(look, route, report)]
        for channel in route.channels
    )


def _is_due(look: Mapping[str, Any], previous: Mapping[str, Any] | None, protocol: StudyProtocol) -> bool:
    if previous is None or previous["verdict"] != look["verdict"]:
        return True
    if any(signal["state"] in NEWS for signal in look["signals"]):
        return True
    told = previous.get("alerted_at")
    repeat = timedelta(hours=protocol.alerts.repeat_hours)
    return (
        told is None or datetime.fromisoformat(look["data_cutoff"]) - datetime.fromisoformat(told) >= repeat
    )


def _message_id(look: Mapping[str, Any], route: Route, channel: str) -> str:
    parts = "\n".join((look["study"], look["look_id"], look["verdict"], route.role, channel))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _message(look: Mapping[str, Any], route: Route, report: str) -> Mapping[str, Any]:
    """Return the message for a role; a brief one says only that there is an alert, and its id."""
    opening = {"schema": "postdose/alert/1", "role": route.role, "alert": look["look_id"]}
    if route.brief:
        return {**opening, "subject": f"postdose: alert {look['look_id']}"}
    return {
        **opening,
        "subject": f"postdose: {look['verdict']} in study {look['study']}",
        "study": look["study"],
        "verdict": look["verdict"],
        "data_cutoff": look["data_cutoff"],
        "rules": [_rule_line(rule) for rule in look["rules"]],
        "cases": [_case_line(case) for case in look["cases"] if case["in_risk_window"] != "no"],
        "signals": list(look["signals"]),
        "caveats": list(look["caveats"]),
        "acknowledge_within_minutes": route.ack_within_minutes,
        "report": report,
    }


def _rule_line(rule: Mapping[str, Any]) -> str:
    boundary = "-" if rule["boundary"] is None else f"{rule['boundary']:g}"
    return f"{rule['id']}: {rule['verdict']}, {rule['events']} observed against a boundary of {boundary}"


def _case_line(case: Mapping[str, Any]) -> str:
    when = (
        "time of day unknown"
        if case["hour"] is None
        else f"{case['hour']:.1f} h after dose {case['dose_number']}"
    )
    return f"{case['USUBJID']}: {case['certainty']}, {when}"
