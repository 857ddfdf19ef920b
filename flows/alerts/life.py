"""Decide where every alert of a study stands: a fold of the ledger's records, with nothing remembered elsewhere.

An alert is *open* from its being raised until somebody takes it (*acknowledged*) or its cause is gone (*closed*), and
may be opened again after either. Each opening has its own plan and its own clock; whatever became of it is a record.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from flows.alerts.plan import Plan, read_plan
from flows.ledger import Kind, Record

Changes = Mapping[str, Any]
"""Attributes of an alert that become others."""


class State(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Reached:
    """When a role was first told in this opening, UTC, and how far the alert had been escalated by then."""

    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who took an alert, as they named themselves: nobody was authenticated. ``at`` is UTC."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands.

    Attributes
    ----------
    id, about, state
        Its id, what it is about, and where it stands.
    plan, opened_at, reached
        The plan of this opening, when it began (UTC), and the roles told of it.
    escalated
        The roles that somebody else was told in place of.
    last_told_at
        When anybody was last told, UTC.
    look_id, cause
        The look whose evidence was last told, None for an alert of the monitor itself, and the sentences told.
    messages, dead
        This opening's messages, and of those given up the role and the problem, by message.
    acknowledgement
        Who took it, or None.
    entries, opening
        How many records its whole life has, and which of its openings this is: 1 or more.
    """

    id: str
    about: str
    state: State
    plan: Plan
    opened_at: datetime
    last_told_at: datetime
    reached: Mapping[str, Reached]
    look_id: str | None
    cause: tuple[str, ...]
    entries: int
    escalated: frozenset[str] = frozenset()
    messages: frozenset[str] = frozenset()
    dead: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    acknowledgement: Acknowledgement | None = None
    opening: int = 1

    def undelivered_to(self, role: str) -> str | None:
        """Return the problem of a message to a role that was given up in this opening, or None."""
        return next((problem for to, problem in self.dead.values() if to == role), None)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a study's records say of its alerts.

    ``alerts`` are by id, ``evidence`` is what each look told that caused a message, by look. ``spoken`` are the
    moments (UTC) at which each role was told of something that is capped, and ``held`` counts what it was not told
    since it last heard anything.
    """

    alerts: Mapping[str, Alert]
    evidence: Mapping[str, Mapping[str, Any]]
    spoken: Mapping[str, tuple[datetime, ...]]
    held: Mapping[str, int]


def is_capped(about: str) -> bool:
    """Whether so many messages about this may come that some are held back; never those of a crossed rule."""
    return not about.startswith("signal:")


def remember(records: Iterable[Record]) -> Memory:
    """Fold a study's records, oldest first."""
    alerts: dict[str, Alert] = {}
    evidence: dict[str, Mapping[str, Any]] = {}
    spoken: dict[str, list[datetime]] = {}
    held: dict[str, int] = {}
    for record in records:
        if record.kind == Kind.EVIDENCE:
            evidence[record.payload["look_id"]] = record.payload
        if record.kind not in STEPS and record.kind not in OPENINGS:
            continue
        kind, payload = Kind(record.kind), record.payload
        name = payload.get("alert", "")
        if name not in alerts and kind is not Kind.RAISED:
            continue  # of a message that no alert sent, as looks did before alerts were kept
        after = advance(alerts.get(name), kind, payload)
        alerts[name] = after
        _count(after, payload, spoken, held)
    moments = {role: tuple(times) for role, times in spoken.items()}
    return Memory(alerts, evidence, moments, held)


def advance(alert: Alert | None, kind: Kind, payload: Mapping[str, Any]) -> Alert:
    """Return the alert as it stands after one more record; None is before it was ever raised."""
    if alert is None:
        return replace(_opened(payload), entries=1)
    if kind in OPENINGS:
        return replace(_opened(payload), entries=alert.entries + 1, opening=alert.opening + 1)
    return replace(alert, entries=alert.entries + 1, **STEPS[kind](alert, payload))


def _count(
    alert: Alert, payload: Mapping[str, Any], spoken: dict[str, list[datetime]], held: dict[str, int]
) -> None:
    for role in payload.get("told", ()):
        held[role] = 0
        if is_capped(alert.about):
            spoken.setdefault(role, []).append(_at(payload))
    for role in payload.get("held_back", ()):
        held[role] = held.get(role, 0) + 1


def _opened(payload: Mapping[str, Any]) -> Alert:
    """Begin an opening, the first or another: with a plan of its own, and nobody yet late."""
    at, plan = _at(payload), read_plan(payload["plan"])
    return Alert(
        id=payload["alert"],
        about=payload["about"],
        state=State.OPEN,
        plan=plan,
        opened_at=at,
        last_told_at=at,
        reached={role: Reached(0, at) for role in plan.first},
        look_id=payload["look_id"],
        cause=tuple(payload["cause"]),
        entries=0,
    )


def _worsened(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    """Tell again, and leave every clock as it is: news that keep coming must not put off the next role."""
    return {"look_id": payload["look_id"], "last_told_at": _at(payload)}


def _repeated(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    return {"last_told_at": _at(payload)}


def _escalated(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    at, role = _at(payload), payload["role"]
    reached = {**alert.reached, role: alert.reached.get(role) or Reached(payload["step"], at)}
    return {"reached": reached, "escalated": alert.escalated | {payload["from"]}, "last_told_at": at}


def _acknowledged(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    taken = Acknowledgement(payload["by"], payload["reason"], _at(payload))
    return {"state": State.ACKNOWLEDGED, "acknowledgement": taken}


def _closed(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    """End an opening; the next is compared with what was told last, which a silent end is not."""
    look_id = alert.look_id if payload["superseded"] else payload["look_id"]
    return {"state": State.CLOSED, "look_id": look_id, "last_told_at": _at(payload)}


def _queued(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    """Know a message as this opening's; one that is sent again is given up no more."""
    message = payload["message"]
    if "resent_by" not in payload:
        return {"messages": alert.messages | {message}}
    return {"dead": {name: one for name, one in alert.dead.items() if name != message}}


def _given_up(alert: Alert, payload: Mapping[str, Any]) -> Changes:
    message = payload["message"]
    if message not in alert.messages:
        return {}
    return {"dead": {**alert.dead, message: (payload["role"], payload["detail"])}}


OPENINGS = (Kind.RAISED, Kind.REOPENED)
"""The kinds of record that begin an opening: an alert's first, or another."""

STEPS: Mapping[str, Callable[[Alert, Mapping[str, Any]], Changes]] = {
    Kind.WORSENED: _worsened,
    Kind.REPEATED: _repeated,
    Kind.ESCALATION: _escalated,
    Kind.ACKNOWLEDGEMENT: _acknowledged,
    Kind.CLOSED: _closed,
    Kind.ALERT: _queued,
    Kind.DEAD_LETTER: _given_up,
}
"""What each other kind of record changes of the alert that it names."""


def _at(payload: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(payload["at"])
