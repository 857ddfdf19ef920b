"""A test of each channel of each role, by sending a message that is marked as one."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    sent = {one.id: one for one in _messages(protocol, now, role)}
    results: dict[str, str | DeliveryError] = {}
    for came in attempt_each(sent.values(), now, folder=protocol.folder, addresses=addresses):
        results |= {one.id: result for one, result in came}
    tests = [_Test(one, results.get(name)) for name, one in sent.items()]
    taken = sum(test.taken for test in tests)
    if as_json:
        documents = [test.document for test in tests]
        found = {"schema": "postdose/route-test/1", "study": protocol.study.id, "tests": documents}
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        lines = (*(test.line for test in tests), f"{taken} of {len(sent)} test messages were taken.")
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if taken == len(sent) else DeliveryError.exit_code


@dataclass(frozen=True, slots=True)
class _Test:
    """One message and what became of it; None when there was no time left to try."""

    sent: Outgoing
    result: str | DeliveryError | None

    @property
    def taken(self) -> bool:
        return isinstance(self.result, str)

    @property
    def detail(self) -> str:
        return str(self.result or f"{self.sent.channel}: there was no time left to try")

    @property
    def line(self) -> str:
        said = f"taken: {self.sent.channel}: {self.detail}" if self.taken else f"NOT TAKEN: {self.detail}"
        return f"{self.sent.role}: {said}"

    @property
    def document(self) -> Mapping[str, object]:
        sent = {"role": self.sent.role, "channel": self.sent.channel}
        return {**sent, "taken": self.taken, "detail": self.detail}


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
