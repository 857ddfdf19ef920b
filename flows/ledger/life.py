"""The life of an alert: its plan, whom it has reached, and how each record of the ledger changes where it stands.

An alert is *open* from its being raised until somebody takes it (*acknowledged*) or its cause is gone (*closed*), and
may be opened again after either. Each opening has its own plan and its own clock; whatever became of it is a record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter

from flows.ledger.chain import Kind
from flows.ledger.payloads import AlertPayload


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a role is reached, as the protocol names it; ``brief`` says nothing but that there is an alert."""

    name: str
    brief: bool


@dataclass(frozen=True, slots=True)
class Post:
    """One role of a plan: its channels, how long it has, who follows, and whether it is notified at once."""

    role: str
    channels: tuple[Channel, ...]
    ack_within_minutes: float | None
    escalate_to: str | None
    first: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The roles that an alert can reach, those notified at once before those that follow, and when it is repeated."""

    posts: tuple[Post, ...]
    repeat_hours: float

    @property
    def first(self) -> tuple[str, ...]:
        """The roles that are notified at once."""
        return tuple(post.role for post in self.posts if post.first)

    def post(self, role: str) -> Post:
        """Return a role's post; a plan has one for each role that it names."""
        return next(post for post in self.posts if post.role == role)


PLAN = TypeAdapter(Plan)
"""Reads a plan as a record holds it."""


class State(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Reached:
    """When a role was first notified in this opening, UTC, and how far the alert had been escalated by then."""

    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who took or closed an alert, as they named themselves: nobody was authenticated. ``at`` is UTC."""

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
        The plan of this opening, when it began (UTC), and the roles notified of it.
    escalated
        The roles that somebody else was told in place of.
    last_told_at
        When anybody was last told, UTC.
    look_id, cause
        The look whose evidence was last told, None for an alert of the monitor itself, and the sentences told.
    messages, dead
        This opening's messages, and of those given up the role and the problem, by message.
    acknowledgement, closure
        Who took it, and who closed it, or None: an alert whose cause is gone closes by itself.
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
    closure: Acknowledgement | None = None
    opening: int = 1

    def undelivered_to(self, role: str) -> str | None:
        """Return the problem of a message to a role that was given up in this opening, or None."""
        return next((problem for to, problem in self.dead.values() if to == role), None)


def advance(alert: Alert | None, kind: Kind, payload: AlertPayload) -> Alert:
    """Return the alert as it stands after one more record; None is before it was ever raised."""
    if alert is None:
        return replace(_opened(payload), entries=1)
    if kind in OPENINGS:
        return replace(_opened(payload), entries=alert.entries + 1, opening=alert.opening + 1)
    return replace(STEPS[kind](alert, payload), entries=alert.entries + 1)


def _opened(payload: AlertPayload) -> Alert:
    """Begin an opening, the first or another: with a plan of its own, and nobody yet late."""
    at, plan = _at(payload), PLAN.validate_python(payload["plan"])
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


def _worsened(alert: Alert, payload: AlertPayload) -> Alert:
    """Tell again, and leave every clock as it is: news that keep coming must not put off the next role."""
    return replace(alert, look_id=payload["look_id"], last_told_at=_at(payload))


def _repeated(alert: Alert, payload: AlertPayload) -> Alert:
    return replace(alert, last_told_at=_at(payload))


def _escalated(alert: Alert, payload: AlertPayload) -> Alert:
    at, role = _at(payload), payload["role"]
    reached = {**alert.reached, role: alert.reached.get(role) or Reached(payload["step"], at)}
    escalated = alert.escalated | {payload["from"]}
    return replace(alert, reached=reached, escalated=escalated, last_told_at=at)


def _acknowledged(alert: Alert, payload: AlertPayload) -> Alert:
    taken = Acknowledgement(payload["by"], payload["reason"], _at(payload))
    return replace(alert, state=State.ACKNOWLEDGED, acknowledgement=taken)


def _closed(alert: Alert, payload: AlertPayload) -> Alert:
    """End an opening; the next is compared with what was told last, which a silent end is not."""
    look_id = alert.look_id if payload["superseded"] else payload["look_id"]
    by = payload.get("by")
    closure = None if by is None else Acknowledgement(by, payload["reason"], _at(payload))
    return replace(alert, state=State.CLOSED, look_id=look_id, last_told_at=_at(payload), closure=closure)


def _queued(alert: Alert, payload: AlertPayload) -> Alert:
    """Know a message as this opening's; one that is sent again is given up no more."""
    message = payload["message"]
    if "resent_by" not in payload:
        return replace(alert, messages=alert.messages | {message})
    return replace(alert, dead={name: one for name, one in alert.dead.items() if name != message})


def _given_up(alert: Alert, payload: AlertPayload) -> Alert:
    message = payload["message"]
    if message not in alert.messages:
        return alert
    return replace(alert, dead={**alert.dead, message: (payload["role"], payload["detail"])})


OPENINGS = (Kind.RAISED, Kind.REOPENED)
"""The kinds of record that begin an opening: an alert's first, or another."""

STEPS: Mapping[str, Callable[[Alert, AlertPayload], Alert]] = {
    Kind.WORSENED: _worsened,
    Kind.REPEATED: _repeated,
    Kind.ESCALATION: _escalated,
    Kind.ACKNOWLEDGEMENT: _acknowledged,
    Kind.CLOSED: _closed,
    Kind.ALERT: _queued,
    Kind.DEAD_LETTER: _given_up,
}
"""What each other kind of record changes of the alert that it names."""


def _at(payload: AlertPayload) -> datetime:
    return datetime.fromisoformat(payload["at"])
