"""Which alerts a look raises, worsens or closes, and what becomes due as time passes.

Pure: what is seen of a study, a look and a moment in, entries of the ledger out. What stands and is no worse than
when it was last told says nothing new until ``repeat_hours`` have passed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pandas as pd

from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.alerts.evidence import clearing, worsening
from flows.alerts.plan import plan_for
from flows.alerts.telling import Step, Teller
from flows.heartbeat import monitor_causes
from flows.ledger import AlertPayload, Entry, EvidencePayload, Kind, Outgoing, Seen
from flows.ledger.life import Alert, Post, State
from flows.ledger.standing import Standing
from flows.pages.kit.times import utc_text
from flows.pages.kit.words import number, spoken
from flows.pages.message import LookFacts, Occasion

OF_LOOKS = ("signal:", "verdict:")
"""How the alerts begin that a look raises; all others are the monitor's own."""

MENDED: Mapping[str, str] = {
    "look_missing": "A look has been made.",
    "feed_stale": "At the newest look the feed is recent again.",
    "feed_blocked": "At the newest look the feed can be used again.",
    "delivery_failed": "No message to that role is given up any more: each was sent again, or its alert is over.",
    "record_broken": "At the newest nightly check the record holds.",
}
"""What closes an alert of the monitor itself, by its kind."""

NOTHING_SEEN = Seen(Standing(), None, lambda _look_id: None)
"""What is seen where no ledger can be read."""

UNRECORDED = (
    "This alert is not recorded: the ledger could not be written. It is sent once to you alone: it is not tried "
    "again, it goes to nobody else, and it cannot be acknowledged. Each further look tells it anew until the ledger "
    "can be written."
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look has found: its facts, the state of each signal by rule, corrections (CHANGES), and its page."""

    facts: LookFacts
    signals: Mapping[str, str]
    changes: pd.DataFrame
    report: str


def alert_id(study: str, about: str) -> str:
    """Return an alert's id: the same for a study and what it is about, and short enough to be spelt out."""
    return hashlib.sha256(f"{study}\n{about}".encode()).hexdigest()[:12]


def alerts_of_look(seen: Seen, looked: Looked, protocol: StudyProtocol, now: datetime) -> tuple[Entry, ...]:
    """Return what a look causes; nothing where a later data cut-off has been looked at already.

    Parameters
    ----------
    seen
        What is seen of the study, with the look itself on record.
    looked
        What it found.
    protocol
        Its routes make the plan of what is opened now, and of nothing else.
    now
        UTC.
    """
    if seen.look is not None and _moment(seen.look["data_cutoff"]) > _moment(looked.facts.data_cutoff):
        return ()
    teller = _teller(seen, protocol, now)
    told = [entry for about in _standing(looked) for entry in _stands(about, looked, teller)]
    gone = (alert for alert in teller.alerts.values() if alert.about.startswith(OF_LOOKS))
    told += [entry for alert in gone for entry in _gone(alert, looked, teller)]
    evidence: EvidencePayload = {
        "look_id": looked.facts.look_id,
        "facts": asdict(looked.facts),
        "report": looked.report,
    }
    return (Entry(Kind.EVIDENCE, evidence), *told) if told else ()


def alerts_unrecorded(looked: Looked, protocol: StudyProtocol, now: datetime) -> tuple[Outgoing, ...]:
    """Return what is told of a look that no ledger took: each crossed rule, to the first role of its plan.

    Nothing is known of what was told before, and nothing will be known of this: whatever stands is told, and says so.
    What is less than a crossed rule waits until it can be recorded, lest each look tell it again.
    """
    teller = Teller(protocol, NOTHING_SEEN, now, recorded=False)
    entries = [
        _opening(
            None,
            about,
            teller,
            look=teller.shown(looked.facts, None, about),
            cause=(UNRECORDED,),
            report=looked.report,
        )
        for about in _standing(looked)
        if about.startswith("signal:")
    ]
    return tuple(one for entry in entries for one in entry.outgoing if one.role == entry.outgoing[0].role)


def due(seen: Seen, protocol: StudyProtocol, now: datetime, *, watching: bool = True) -> tuple[Entry, ...]:
    """Return what has become due without a look: the monitor's own alerts, next roles, and repeats.

    Parameters
    ----------
    seen
        What is seen of the study at that moment.
    protocol
        How old its looks and feeds may be; running plans are not changed by it.
    now
        UTC.
    watching
        Whether a look is expected to have been made: at the end of one, of an old data cut-off perhaps, none is
        reported missing.
    """
    teller = _teller(seen, protocol, now)
    causes = {cause.about: cause.said for cause in monitor_causes(seen, protocol, now)}
    entries: list[Entry] = []
    for about, said in causes.items():
        if watching or about != "look_missing":
            entries += _monitored(about, said, teller)
    for alert in teller.alerts.values():
        if not alert.about.startswith(OF_LOOKS) and alert.about not in causes:
            entries += _mended(alert, teller)
        elif alert.state is State.OPEN:
            entries += _late(alert, teller)
    return tuple(entries)


def _teller(seen: Seen, protocol: StudyProtocol, now: datetime) -> Teller:
    now = now.replace(microsecond=0)  # as records keep it: what is decided now is decided alike from them
    return Teller(protocol, seen, now)


def _standing(looked: Looked) -> Iterator[str]:
    yield from (f"signal:{rule}" for rule, state in looked.signals.items() if state != "cleared")
    if looked.facts.verdict in ("watch", "not_assessable"):
        yield f"verdict:{looked.facts.verdict}"


def _stands(about: str, looked: Looked, teller: Teller) -> Iterator[Entry]:
    """Yield the alert of what holds: opened where it is not open, told again where it is worse, else nothing."""
    name = alert_id(teller.protocol.study.id, about)
    alert = teller.alerts.get(name)
    told = teller.last_told(alert)
    news = () if told is None else _news(told, about, looked)
    if alert is None or alert.state is State.CLOSED or (news and alert.state is State.ACKNOWLEDGED):
        yield _opening(
            alert,
            about,
            teller,
            look=teller.shown(looked.facts, told, about),
            news=news,
            report=looked.report,
        )
    elif news:
        payload: AlertPayload = {"look_id": looked.facts.look_id, "news": list(news)}
        look = teller.shown(looked.facts, told, about)
        step = Step(
            Kind.WORSENED, Occasion.REOPENED, tuple(alert.reached), payload, look, (), news, looked.report
        )
        yield teller.tell(alert, name, about, step)[1]


def _news(told: LookFacts, about: str, looked: Looked) -> tuple[str, ...]:
    found = worsening(told, looked.facts, about)
    rule = about.removeprefix("signal:")
    if not found and looked.signals.get(rule) == "worsened":
        observed = looked.facts.rules[looked.facts.places[rule]].observed
        return (f"Rule {rule} counts more than at the look before: {observed}.",)
    return found


def _opening(
    alert: Alert | None,
    about: str,
    teller: Teller,
    *,
    look: LookFacts | None = None,
    cause: tuple[str, ...] = (),
    news: tuple[str, ...] = (),
    report: str | None = None,
) -> Entry:
    """Return the record that opens an alert, with the plan that holds for as long as it is open."""
    kind, occasion = Kind.RAISED, Occasion.RAISED
    if alert is not None:
        kind, occasion = Kind.REOPENED, Occasion.REOPENED
    plan = plan_for(about, teller.protocol.alerts)
    look_id = None if look is None else look.look_id
    payload: AlertPayload = {
        "about": about,
        "plan": asdict(plan),
        "look_id": look_id,
        "cause": list(cause),
        "news": list(news),
    }
    step = Step(kind, occasion, plan.first, payload, look, cause, news, report)
    return teller.tell(alert, alert_id(teller.protocol.study.id, about), about, step)[1]


def _gone(alert: Alert, looked: Looked, teller: Teller) -> Iterator[Entry]:
    """Yield the end of an alert of a look that holds no more, told to whom it was told.

    A watch, or that nothing could be assessed, ends untold when a rule is crossed: the louder alert says more.
    """
    if alert.state is State.CLOSED or not _is_gone(alert.about, looked):
        return
    louder = alert.about.startswith("verdict:") and looked.facts.verdict == "signal"
    told = teller.last_told(alert)
    news = () if told is None else clearing(told, looked.facts, alert.about, looked.changes)
    if alert.about.removeprefix("signal:") not in looked.facts.places and not louder:
        news = (*news, *_removed(alert.about))
    payload: AlertPayload = {"look_id": looked.facts.look_id, "news": list(news), "superseded": louder}
    to = () if louder else tuple(alert.reached)
    step = Step(
        Kind.CLOSED,
        Occasion.CLEARED,
        to,
        payload,
        teller.shown(looked.facts, told, alert.about),
        (),
        news,
        looked.report,
    )
    yield teller.tell(alert, alert.id, alert.about, step)[1]


def _removed(about: str) -> Iterator[str]:
    if about.startswith("signal:"):
        yield "The study protocol has that rule no more."


def _is_gone(about: str, looked: Looked) -> bool:
    """Whether what an alert is about holds no more; what could not be evaluated clears nothing."""
    kind, _, what = about.partition(":")
    if kind == "verdict":
        verdict = looked.facts.verdict
        return verdict != what and not (what == "watch" and verdict == "not_assessable")
    if what in looked.signals:
        return looked.signals[what] == "cleared"
    place = looked.facts.places.get(what)
    return place is None or looked.facts.rules[place].verdict == "not_crossed"


def _monitored(about: str, said: str, teller: Teller) -> Iterator[Entry]:
    alert = teller.alerts.get(alert_id(teller.protocol.study.id, about))
    if alert is None or alert.state is State.CLOSED:
        yield _opening(alert, about, teller, cause=(said,))


def _mended(alert: Alert, teller: Teller) -> Iterator[Entry]:
    if alert.state is State.CLOSED:
        return
    cause = (MENDED[alert.about.partition(":")[0]],)
    payload: AlertPayload = {"look_id": None, "cause": list(cause), "superseded": False}
    step = Step(Kind.CLOSED, Occasion.CLEARED, tuple(alert.reached), payload, cause=cause)
    yield teller.tell(alert, alert.id, alert.about, step)[1]


def _late(alert: Alert, teller: Teller) -> Iterator[Entry]:
    """Yield each next role that is due, or else the repeat."""
    again = alert.last_told_at + timedelta(hours=alert.plan.repeat_hours)
    after = alert
    for post in alert.plan.posts:
        why = _why_next(alert, post, teller.now)
        if why is not None:
            after, entry = _escalation(after, post, why, teller)
            yield entry
    if after is alert and alert.reached and teller.now >= again:
        cause = (*alert.cause, _unanswered(alert))
        look, report = teller.again(alert)
        to = tuple(alert.reached)
        step = Step(Kind.REPEATED, Occasion.REPEATED, to, {}, look, cause, (), report)
        yield teller.tell(alert, alert.id, alert.about, step)[1]


def _why_next(alert: Alert, post: Post, now: datetime) -> str | None:
    """Return why the role after this one is told now, or None; each role is followed once in an opening.

    One message that was given up is enough, though another channel took one: nobody knows which of them is read.
    """
    if post.role not in alert.reached or post.escalate_to is None or post.role in alert.escalated:
        return None
    told = f"{spoken(post.role).capitalize()} was told at {_at(alert.reached[post.role].at)}"
    problem = alert.undelivered_to(post.role)
    if problem is not None:
        return f"A message to {spoken(post.role)} was given up: {problem}"
    if post.ack_within_minutes is None:
        return None
    if now < alert.reached[post.role].at + timedelta(minutes=post.ack_within_minutes):
        return None
    return f"{told} and did not acknowledge within {number(post.ack_within_minutes)} minutes."


def _escalation(alert: Alert, post: Post, why: str, teller: Teller) -> tuple[Alert, Entry]:
    role, step = str(post.escalate_to), alert.reached[post.role].step + 1
    undelivered = alert.undelivered_to(post.role) is not None
    occasion = Occasion.DEAD_LETTER if undelivered else Occasion.ESCALATED
    look, report = teller.again(alert)
    payload: AlertPayload = {"from": post.role, "role": role, "step": step, "why": why}
    cause = (*alert.cause, why)
    told = Step(Kind.ESCALATION, occasion, (role,), payload, look, cause, (), report)
    return teller.tell(alert, alert.id, alert.about, told)


def _unanswered(alert: Alert) -> str:
    told = ", ".join(f"{spoken(role)} at {_at(one.at)}" for role, one in alert.reached.items())
    return f"Nobody has acknowledged this alert. Told: {told}."


def _at(moment: datetime) -> str:
    return utc_text(stamp(moment))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
