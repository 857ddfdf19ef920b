"""A test of each channel of each role, by sending a message that is marked as one."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime

from checks.errors import DeliveryError, UsageError
from checks.protocol import StudyProtocol
from checks.protocol.model import Route
from flows.alerts.sending import attempt_each
from flows.ledger import Outgoing
from flows.pages.message import Facts, Occasion, outgoing_message


def run_route_test(
    protocol: StudyProtocol,
    addresses: Mapping[str, str],
    now: datetime,
    *,
    role: str | None = None,
    as_json: bool = False,
) -> int:
    """Send a test message through every channel, print a receipt or the problem for each, and return the exit code.

    Nothing of it goes into the ledger: no alert was raised.

    Raises
    ------
    UsageError
        When the protocol has no route, or none to the role that was asked for.
    """
    sent = list(_messages(protocol, now, role))
    results: dict[str, str | DeliveryError] = {}
    for came in attempt_each(sent, now, folder=protocol.folder, addresses=addresses):
        results |= {one.id: result for one, result in came}
    details = [str(results.get(one.id, f"{one.channel}: there was no time left to try")) for one in sent]
    taken = [isinstance(results.get(one.id), str) for one in sent]
    if as_json:
        documents = [
            {"role": one.role, "channel": one.channel, "taken": was_taken, "detail": detail}
            for one, was_taken, detail in zip(sent, taken, details, strict=True)
        ]
        found = {"schema": "postdose/route-test/1", "study": protocol.study.id, "tests": documents}
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        for one, was_taken, detail in zip(sent, taken, details, strict=True):
            became = f"taken: {one.channel}: {detail}" if was_taken else f"NOT TAKEN: {detail}"
            sys.stdout.write(f"{one.role}: {became}\n")
        sys.stdout.write(f"{sum(taken)} of {len(sent)} test messages were taken.\n")
    return 0 if all(taken) else DeliveryError.exit_code


def _messages(protocol: StudyProtocol, now: datetime, role: str | None) -> Iterator[Outgoing]:
    routes = [route for route in protocol.alerts.routes if role in (None, route.role)]
    if not routes:
        roles = ", ".join(route.role for route in protocol.alerts.routes) or "none: nobody would be told"
        raise UsageError(
            f"--role: found {role or 'no route'}; allowed: a role of the study protocol ({roles})"
        )
    for route in routes:
        for channel in route.channels:
            parts = "\n".join((protocol.study.id, now.isoformat(), route.role, channel))
            name = hashlib.sha256(parts.encode()).hexdigest()[:32]
            facts = _facts(protocol, route, f"test-{name[:8]}", now)
            yield Outgoing(name, channel, outgoing_message(facts), facts.alert, route.role)


def _facts(protocol: StudyProtocol, route: Route, alert: str, now: datetime) -> Facts:
    study = protocol.study
    return Facts(
        study=study.id,
        title=study.title,
        timezone=str(study.timezone),
        simulated=study.simulated,
        alert=alert,
        about="test",
        occasion=Occasion.TEST,
        role=route.role,
        step=0,
        at=now,
        brief=route.brief,
    )
