"""Decide whether each channel of each role takes a message now, by sending one that is marked as a test."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime

from checks.errors import DeliveryError, UsageError
from checks.protocol import StudyProtocol
from checks.protocol.model import Route
from flows.alerts.messages import Facts, Occasion, outgoing_message
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
            facts = _facts(protocol, route, f"test-{name[:8]}", now)
            yield Outgoing(name, channel, outgoing_message(facts), facts.alert, route.role)


def _facts(protocol: StudyProtocol, route: Route, alert: str, now: datetime) -> Facts:
    study = protocol.study
    return Facts(
        study=study.id,
        title=study.title,
        timezone=str(study.timezone),
        simulated="SIMULATED" in (study.title or ""),
        alert=alert,
        about="test",
        occasion=Occasion.TEST,
        role=route.role,
        step=0,
        at=now,
        brief=route.brief,
    )


def _outcome(one: Outgoing, result: str | DeliveryError | None) -> str:
    if isinstance(result, str):
        return f"taken: {one.channel}: {result}"
    return f"NOT TAKEN: {result or f'{one.channel}: there was no time left to try'}"
