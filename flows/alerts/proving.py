"""Decide whether each channel of each role takes a message now, by sending one that is marked as a test."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from checks.errors import DeliveryError, UsageError
from checks.protocol import StudyProtocol
from checks.protocol.model import Route
from flows.alerts.sending import BOUNDS, Bounds, attempt_each
from flows.ledger import Outgoing


def run_route_test(
    protocol: StudyProtocol,
    addresses: Mapping[str, str],
    now: datetime,
    *,
    role: str | None = None,
    bounds: Bounds = BOUNDS,
) -> int:
    """Send a test message through every channel, print a receipt or the problem for each, and return the exit code.

    Nothing of it goes into the ledger: no alert was raised.

    Raises
    ------
    UsageError
        When the protocol has no route, or none to the role that was asked for.
    """
    sent = {one.id: one for one in _messages(protocol, now, role)}
    results = {}
    for one, result in attempt_each(
        sent.values(), now, folder=protocol.folder, addresses=addresses, bounds=bounds
    ):
        results[one.id] = result
    for name, one in sent.items():
        sys.stdout.write(f"{one.role}: {_outcome(one, results.get(name))}\n")
    taken = sum(isinstance(result, str) for result in results.values())
    sys.stdout.write(f"{taken} of {len(sent)} test messages were taken.\n")
    return 0 if taken == len(sent) else DeliveryError.exit_code


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
            yield Outgoing(name, channel, _test(protocol, route), f"test:{name[:8]}", route.role)


def _test(protocol: StudyProtocol, route: Route) -> Mapping[str, Any]:
    """Return what a test says; as any message of a brief route, there it does not name the study."""
    about = "" if route.brief else f" of study {protocol.study.id}"
    said = f"TEST. This is a test of the alert route to {route.role}{about}. Nothing has happened."
    told = {"schema": "postdose/alert/1", "test": True, "role": route.role, "alert": "test"}
    named = {} if route.brief else {"study": protocol.study.id}
    return {**told, **named, "subject": f"postdose: TEST of an alert route{about}", "text": said}


def _outcome(one: Outgoing, result: str | DeliveryError | None) -> str:
    if isinstance(result, str):
        return f"taken: {one.channel}: {result}"
    return f"NOT TAKEN: {result or f'{one.channel}: there was no time left to try'}"
