"""Where a study stands after its records: its alerts, what each role has heard, what was given up, the newest night.

A fold of the records, oldest first, of bounded size: it grows with the alerts that a study can have, not with its
history. The ledger keeps it as a projection beside the records, and can make it again from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from flows.ledger import forms
from flows.ledger.chain import Head, Kind, Record
from flows.ledger.life import OPENINGS, STEPS, Alert, State, advance
from flows.ledger.payloads import AlertPayload, EvidencePayload, LookPayload, NightPayload

MOST_PER_HOUR = 12
"""Messages to one role, crossed rules aside: one every five minutes is more than anybody can look into."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that was given up: of which alert (none before alerts were kept), to which role or channel, why."""

    alert: str
    role: str
    problem: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a study's records say.

    Attributes
    ----------
    head
        The study's newest record.
    protocol_sha256
        Of the protocol of the look that was recorded last.
    alerts
        By id, in the order in which they were first raised.
    evidence
        The sequence of the record of what a look told, by look; of those that an alert refers to.
    spoken
        The newest moments (UTC), ``MOST_PER_HOUR`` at most, at which each role was told of something that is capped.
    held
        How often each role was not told since it last heard anything.
    given_up
        By message: until it is sent again, or its alert is over.
    broken
        What the newest nightly check found that does not hold.
    """

    head: Head | None = None
    protocol_sha256: str | None = None
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    evidence: Mapping[str, int] = field(default_factory=dict)
    spoken: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    given_up: Mapping[str, GivenUp] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @property
    def closed_rules(self) -> frozenset[str]:
        """The rules whose signal a person has closed."""
        signals = (one for one in self.alerts.values() if one.about.startswith("signal:"))
        return frozenset(one.about.removeprefix("signal:") for one in signals if one.closure is not None)


def is_capped(about: str) -> bool:
    """Whether so many messages about this may come that some are held back; never those of a crossed rule."""
    return not about.startswith("signal:")


def follow(standing: Standing, record: Record) -> Standing:
    """Return where a study stands after one more of its records."""
    step = FOLLOWED.get(record.kind)
    return replace(standing if step is None else step(standing, record), head=record.head)


def _looked(standing: Standing, record: Record) -> Standing:
    return replace(standing, protocol_sha256=record.read(LookPayload).get("protocol_sha256"))


def _told(standing: Standing, record: Record) -> Standing:
    """Keep where it is told what a look found, and forget those that no alert refers to any more."""
    look_id = record.read(EvidencePayload).get("look_id")
    if look_id is None or forms.problem(record) is not None:
        return standing
    referred = {alert.look_id for alert in standing.alerts.values()}
    kept = {look: sequence for look, sequence in standing.evidence.items() if look in referred}
    return replace(standing, evidence={**kept, look_id: record.sequence})


def _checked(standing: Standing, record: Record) -> Standing:
    return replace(standing, broken=tuple(record.read(NightPayload).get("problems", ())))


def _received(standing: Standing, record: Record) -> Standing:
    message = record.read(AlertPayload).get("message")
    return replace(standing, given_up=_without(standing.given_up, message))


def _lived(standing: Standing, record: Record) -> Standing:
    """Carry on the life of the alert that a record names; before alerts were kept, messages named none."""
    payload = record.read(AlertPayload)
    name = payload.get("alert", "")
    if not name or (name not in standing.alerts and record.kind != Kind.RAISED):
        return _gave_up(standing, record.kind, payload, over=False)
    alert = advance(standing.alerts.get(name), Kind(record.kind), payload)
    heard = replace(_heard(standing, alert, payload), alerts={**standing.alerts, name: alert})
    return _gave_up(heard, record.kind, payload, over=alert.state is not State.OPEN)


def _heard(standing: Standing, alert: Alert, payload: AlertPayload) -> Standing:
    """Count what each role was told and what was held back from it."""
    told, held_back = payload.get("told", ()), payload.get("held_back", ())
    held = {**standing.held, **dict.fromkeys(told, 0)}
    held |= {role: held.get(role, 0) + 1 for role in held_back}
    if not told or not is_capped(alert.about):
        return replace(standing, held=held)
    at = datetime.fromisoformat(payload["at"])
    newest = {role: sorted((*standing.spoken.get(role, ()), at))[-MOST_PER_HOUR:] for role in told}
    spoken = {**standing.spoken, **{role: tuple(one) for role, one in newest.items()}}
    return replace(standing, held=held, spoken=spoken)


def _gave_up(standing: Standing, kind: str, payload: AlertPayload, *, over: bool) -> Standing:
    """Keep the messages that are given up and matter: nobody need hear of those of an alert that is over."""
    given_up, message, alert = standing.given_up, payload.get("message"), payload.get("alert", "")
    if kind == Kind.DEAD_LETTER and not over and message is not None:
        role = payload.get("role") or payload["channel"]
        given_up = {**given_up, message: GivenUp(alert, role, payload["detail"])}
    elif kind == Kind.ALERT:
        given_up = _without(given_up, message)
    elif over:
        given_up = {name: one for name, one in given_up.items() if one.alert != alert}
    return replace(standing, given_up=given_up)


def _without(given_up: Mapping[str, GivenUp], message: str | None) -> Mapping[str, GivenUp]:
    return {name: one for name, one in given_up.items() if name != message}


FOLLOWED: Mapping[str, Callable[[Standing, Record], Standing]] = {
    Kind.LOOK: _looked,
    Kind.EVIDENCE: _told,
    Kind.NIGHT: _checked,
    Kind.RECEIPT: _received,
    **dict.fromkeys((*OPENINGS, *STEPS), _lived),
}
"""What each kind of record changes of a standing."""
