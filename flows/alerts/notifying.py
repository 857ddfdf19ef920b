"""What a step of an alert's life becomes: one record, and a message to each role that is notified of it.

Of everything but a crossed rule a role is notified at most ``MOST_PER_HOUR`` times an hour: what comes beyond that is
recorded and counted, and the next message says how many it stands for. Of a crossed rule roles are always notified.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.alerts.evidence import FACTS, led_by, marked
from flows.ledger import AlertPayload, Entry, Kind, Outgoing, Seen
from flows.ledger.life import Alert, Post, State, advance
from flows.ledger.standing import MOST_PER_HOUR, is_capped
from flows.pages.message import Event, Facts, LookFacts, Occasion, event_message, outgoing_message

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alert's life that is to be recorded, and of which roles are notified.

    ``to`` are the roles that hear of it; ``payload`` is what its record says beyond that, ``look`` the look it
    tells of, with its new cases marked.
    """

    kind: Kind
    occasion: Occasion
    to: Sequence[str]
    payload: AlertPayload
    look: LookFacts | None = None
    cause: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    report: str | None = None


class Notifier:
    """Turns steps into entries of the ledger; counts, from what is seen on, how often each role has been notified.

    ``now`` is UTC; of what is not ``recorded`` no answer can be asked for.
    """

    def __init__(self, protocol: StudyProtocol, seen: Seen, now: datetime, *, recorded: bool = True) -> None:
        self.protocol = protocol
        # as records keep it: what is decided now is decided alike from them
        self.now = now.replace(microsecond=0)
        self._seen, self._recorded = seen, recorded
        spoken = seen.standing.spoken
        self._recent = {role: sum(now - at < HOUR for at in times) for role, times in spoken.items()}
        self._held = dict(seen.standing.held)
        self._looks: dict[str | None, tuple[LookFacts, str] | tuple[None, None]] = {}
        self._marked: dict[tuple[int, int], tuple[LookFacts, LookFacts, LookFacts | None]] = {}

    @property
    def alerts(self) -> Mapping[str, Alert]:
        """The study's alerts as they stood, by id."""
        return self._seen.standing.alerts

    def alert(self, about: str) -> Alert | None:
        """Return the alert about something as it stood, None before it was ever raised."""
        return self.alerts.get(alert_id(self.protocol.study.id, about))

    def notify(self, alert: Alert | None, about: str, step: Step) -> tuple[Alert, Entry]:
        """Return the alert about something as it stands after a step, and the record and messages of it.

        ``alert`` is as it stood, or None before it was ever raised.
        """
        notified = [role for role in step.to if not self._is_full(role, about)]
        held_back = [role for role in step.to if role not in notified]
        name = alert_id(self.protocol.study.id, about)
        payload: AlertPayload = {
            "alert": name,
            "at": stamp(self.now),
            "told": notified,
            "held_back": held_back,
        }
        payload |= step.payload
        after = advance(alert, step.kind, payload)
        outgoing = tuple(one for role in notified for one in self._messages(after, role, step))
        outgoing += self._events(alert, after, step, {one.channel for one in outgoing})
        for role in notified:
            self._held[role] = 0
            self._recent[role] = self._recent.get(role, 0) + is_capped(about)
        for role in held_back:
            self._held[role] = self._held.get(role, 0) + 1
        queued = frozenset(one.id for one in outgoing)
        after = replace(after, messages=after.messages | queued, entries=after.entries + len(queued))
        return after, Entry(step.kind, payload, outgoing)

    def last_told(self, alert: Alert | None) -> LookFacts | None:
        """Return the look that was last told of an alert, as it was found; None where none was."""
        return None if alert is None else self._evidence(alert.look_id)[0]

    def again(self, alert: Alert) -> tuple[LookFacts | None, str | None]:
        """Return what a message says again of the look that was last told: no case of it is new; and its page."""
        look, report = self._evidence(alert.look_id)
        return look and self.shown(look, look, alert.about), report

    def _evidence(self, name: str | None) -> tuple[LookFacts, str] | tuple[None, None]:
        """Return what a look told, and its page; read once."""
        if name not in self._looks:
            kept = self._seen.evidence(name)
            self._looks[name] = (
                (FACTS.validate_python(kept["facts"]), kept["report"]) if kept else (None, None)
            )
        return self._looks[name]

    def shown(self, look: LookFacts, told: LookFacts | None, about: str) -> LookFacts:
        """Return a look as an alert tells it: its own rule first, and as new each case that ``told`` had not so."""
        pair = (id(look), id(told))
        if pair not in self._marked:
            kept = (look, told)  # lest another takes their identity
            self._marked[pair] = (marked(look, told), *kept)
        return led_by(self._marked[pair][0], about)

    def _is_full(self, role: str, about: str) -> bool:
        return is_capped(about) and self._recent.get(role, 0) >= MOST_PER_HOUR

    def _events(
        self, before: Alert | None, after: Alert, step: Step, spoken_to: Collection[str]
    ) -> tuple[Outgoing, ...]:
        """Return what ends the incidents of on-call systems: of an opening that is over, or that another follows."""
        study = self.protocol.study.id
        if step.kind is Kind.CLOSED:  # whoever is told so needs no event beside it
            return tuple(events(study, after, step.kind, Event.RESOLVE, but=spoken_to))
        if step.kind is Kind.REOPENED and before is not None and before.state is State.ACKNOWLEDGED:
            return tuple(events(study, before, step.kind, Event.RESOLVE))
        return ()

    def _messages(self, alert: Alert, role: str, step: Step) -> Iterator[Outgoing]:
        """Yield the message to each channel of a role; those that say the same are composed once."""
        post = alert.plan.post(role)
        composed = {
            brief: outgoing_message(self._facts(alert, post, step, brief=brief))
            for brief in {channel.brief for channel in post.channels}
        }
        for channel in post.channels:
            yield _outgoing(
                self.protocol.study.id, alert, step.kind, role, channel.name, composed[channel.brief]
            )

    def _facts(self, alert: Alert, post: Post, step: Step, *, brief: bool) -> Facts:
        asked = self._recorded and step.occasion is not Occasion.CLEARED
        deadline = _deadline(alert, post, self.now) if asked else None
        return Facts(
            study=self.protocol.study,
            alert=alert.id,
            about=alert.about,
            occasion=step.occasion,
            role=post.role,
            step=alert.reached[post.role].step,
            at=self.now,
            brief=brief,
            cause=step.cause,
            look=step.look,
            news=step.news,
            acknowledge_by=deadline,
            escalates_to=None if deadline is None else post.escalate_to,
            held_back=self._held.get(post.role, 0),
            head=self._seen.standing.head,
            report=step.report,
            command=f"postdose alerts ack {alert.id} --by NAME --reason TEXT" if asked else None,
            recorded=self._recorded,
            opening=alert.opening,
        )


def events(
    study: str, alert: Alert, kind: Kind, event: Event, *, but: Collection[str] = ()
) -> Iterator[Outgoing]:
    """Yield what notifies the on-call systems that know of an alert: once on each channel that may be one.

    Whether it is one says its address, which is not known before it is sent: another channel drops it.

    ``kind`` is of the record that causes it, ``event`` what becomes of the incident; channels ``but`` are
    notified otherwise.
    """
    seen = set(but)
    for role in alert.reached:
        for channel in alert.plan.post(role).channels:
            if channel.name in seen or not channel.name.startswith("env:"):
                continue
            seen.add(channel.name)
            message = event_message(alert.id, role, event, opening=alert.opening)
            yield _outgoing(study, alert, f"{kind} {event}", role, channel.name, message)


def alert_id(study: str, about: str) -> str:
    """Return an alert's id: the same for a study and what it is about, and short enough to be spelt out."""
    return hashlib.sha256(f"{study}\n{about}".encode()).hexdigest()[:12]


def _outgoing(
    study: str, alert: Alert, kind: str, role: str, channel: str, message: Mapping[str, object]
) -> Outgoing:
    parts = (study, alert.id, str(alert.entries), kind, role, channel)
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return Outgoing(name, channel, message, alert=alert.id, role=role, step=alert.reached[role].step)


def _deadline(alert: Alert, post: Post, now: datetime) -> datetime | None:
    """Return until when a role is asked to answer; None where it is not asked, or the time is over."""
    if post.ack_within_minutes is None or post.role in alert.escalated:
        return None
    until = alert.reached[post.role].at + timedelta(minutes=post.ack_within_minutes)
    return until if until > now else None
