"""Which alerts a look raises, worsens or closes, by which plan, and what becomes due as time passes.

Pure: what is seen of a study, a look and a moment in, entries of the ledger out. What stands and is no worse than
when it was last told says nothing new until ``repeat_hours`` have passed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import cast

import pandas as pd

from checks.protocol import StudyProtocol
from checks.protocol.model import Alerts, Route
from checks.signals import OPEN
from checks.stamps import stamp
from flows.alerts.evidence import clearing, worsening
from flows.alerts.notifying import Notifier, Step
from flows.clocks import is_ahead
from flows.heartbeat import monitor_causes
from flows.ledger import OUTBOX_CHANGED, AlertPayload, Entry, EvidencePayload, Kind, Outgoing, Seen
from flows.ledger.heads import LEDGER_REPLACED
from flows.ledger.life import Alert, Channel, Plan, Post, State
from flows.ledger.payloads import FactsPart
from flows.ledger.standing import Standing
from flows.pages.kit.words import number, spoken, utc_text
from flows.pages.message import LookFacts, Occasion

OF_LOOKS = ("signal:", "verdict:")
"""How the alerts begin that a look raises; all others are the monitor's own."""

MENDED: Mapping[str, str] = {
    "look_missing": "A look has been made.",
    "feed_stale": "At the newest look the feed is recent again.",
    "feed_blocked": "At the newest look the feed can be used again.",
    "delivery_failed": "No message to that role is given up any more: each was sent again, or its alert is over.",
    "clock_ahead": "No data cut-off on record is still to come, or a person has said why one is.",
    "record_broken": "At the newest nightly check the record holds.",
    OUTBOX_CHANGED: "Every message that waits is as its record put it in.",
    LEDGER_REPLACED: "The ledger holds the newest record known beside the study, or a person has said why not.",
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
    """What a look has found: its facts, the state of each signal by rule, corrections (CHANGES), and its page.

    ``reasons`` say, by rule, what took a signal back that is cleared.
    """

    facts: LookFacts
    signals: Mapping[str, str]
    changes: pd.DataFrame
    report: str
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def alerts_of_look(seen: Seen, looked: Looked, protocol: StudyProtocol, now: datetime) -> tuple[Entry, ...]:
    """Return what a look causes; nothing where a later data cut-off has been looked at already.

    ``seen`` has the look itself on record, the protocol's routes make the plan of what is opened now and of nothing
    else, and ``now`` is UTC.
    """
    if seen.look is not None and _moment(seen.look["data_cutoff"]) > _moment(looked.facts.data_cutoff):
        return ()
    notifier = Notifier(protocol, seen, now)
    entries = [entry for about in _standing(looked) for entry in _stands(about, looked, notifier)]
    gone = (alert for alert in notifier.alerts.values() if alert.about.startswith(OF_LOOKS))
    entries += [entry for alert in gone for entry in _gone(alert, looked, notifier)]
    evidence: EvidencePayload = {
        "look_id": looked.facts.look_id,
        "facts": cast(FactsPart, asdict(looked.facts)),
        "report": looked.report,
    }
    return (Entry(Kind.EVIDENCE, evidence), *entries) if entries else ()


def alerts_unrecorded(looked: Looked, protocol: StudyProtocol, now: datetime) -> tuple[Outgoing, ...]:
    """Return the messages of a look that no ledger took: each crossed rule, to the first role of its plan.

    Nothing is known of what was told before, and nothing will be known of this: whatever stands is told, and says so.
    What is less than a crossed rule waits until it can be recorded, lest each look tell it again.
    """
    notifier = Notifier(protocol, NOTHING_SEEN, now, recorded=False)
    entries = [
        _opening(None, about, notifier, cause=(UNRECORDED,), look=look, report=looked.report)
        for about in _standing(looked)
        if about.startswith("signal:")
        for look in [notifier.shown(looked.facts, None, about)]
    ]
    return tuple(one for entry in entries for one in entry.outgoing if one.role == entry.outgoing[0].role)


def due(seen: Seen, protocol: StudyProtocol, now: datetime, *, watching: bool = True) -> tuple[Entry, ...]:
    """Return what has become due without a look: the monitor's own alerts, next roles, and repeats.

    At a moment (UTC); running plans are not changed by the protocol. Unless ``watching``, at the end of a look of an
    old data cut-off perhaps, no look is reported missing.
    """
    notifier = Notifier(protocol, seen, now)
    causes = {cause.about: cause.said for cause in monitor_causes(seen, protocol, now)}
    entries: list[Entry] = []
    for about, said in causes.items():
        known = notifier.alert(about)
        if (watching or about != "look_missing") and (known is None or known.state is State.CLOSED):
            entries.append(_opening(known, about, notifier, cause=(said,)))
    for alert in notifier.alerts.values():
        if not alert.about.startswith(OF_LOOKS) and alert.about not in causes:
            entries += [] if alert.state is State.CLOSED else [_mended(alert, notifier)]
        elif alert.state is State.OPEN:
            entries += _late(alert, notifier)
    return tuple(entries)


def _standing(looked: Looked) -> Iterator[str]:
    yield from (f"signal:{rule}" for rule, state in looked.signals.items() if state in OPEN)
    if looked.facts.verdict in ("watch", "not_assessable"):
        yield f"verdict:{looked.facts.verdict}"
    if looked.facts.watch_beneath:
        yield "verdict:watch"


def _stands(about: str, looked: Looked, notifier: Notifier) -> Iterator[Entry]:
    """Yield the alert of what holds: opened where it is not open, told again where it is worse, else nothing."""
    alert = notifier.alert(about)
    told = notifier.last_told(alert)
    news = () if told is None else _news(told, about, looked)
    begins = alert is None or alert.state is State.CLOSED
    if not begins and not news:
        return
    look, report = notifier.shown(looked.facts, told, about), looked.report
    if alert is None or begins or alert.state is State.ACKNOWLEDGED:
        yield _opening(alert, about, notifier, look=look, news=news, report=report)
    else:
        payload: AlertPayload = {"look_id": look.look_id, "news": list(news)}
        to = tuple(alert.reached)
        step = Step(Kind.WORSENED, Occasion.REOPENED, to, payload, look, news=news, report=report)
        yield notifier.notify(alert, about, step)[1]


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
    notifier: Notifier,
    *,
    look: LookFacts | None = None,
    cause: tuple[str, ...] = (),
    news: tuple[str, ...] = (),
    report: str | None = None,
) -> Entry:
    """Return the record that opens an alert, with the plan that holds for as long as it is open."""
    raised = (Kind.RAISED, Occasion.RAISED) if alert is None else (Kind.REOPENED, Occasion.REOPENED)
    plan = plan_for(about, notifier.protocol.alerts)
    payload: AlertPayload = {
        "about": about,
        "plan": asdict(plan),
        "look_id": None if look is None else look.look_id,
        "cause": list(cause),
        "news": list(news),
    }
    step = Step(*raised, plan.first, payload, look, cause, news, report)
    return notifier.notify(alert, about, step)[1]


def _gone(alert: Alert, looked: Looked, notifier: Notifier) -> Iterator[Entry]:
    """Yield the end of an alert of a look that holds no more, of which those are notified who were of it.

    A watch, or that nothing could be assessed, ends in silence when a rule is crossed: the louder alert says more.
    """
    if alert.state is State.CLOSED or not _is_gone(alert.about, looked):
        return
    look, louder = looked.facts, alert.about.startswith("verdict:") and looked.facts.verdict == "signal"
    told = notifier.last_told(alert)
    reasons = looked.reasons.get(alert.about.removeprefix("signal:"), ())
    news = () if told is None else clearing(told, look, alert.about, looked.changes, reasons)
    payload: AlertPayload = {"look_id": look.look_id, "news": list(news), "superseded": louder}
    to, shown = () if louder else tuple(alert.reached), notifier.shown(look, told, alert.about)
    step = Step(Kind.CLOSED, Occasion.CLEARED, to, payload, shown, news=news, report=looked.report)
    yield notifier.notify(alert, alert.about, step)[1]


def _is_gone(about: str, looked: Looked) -> bool:
    """Whether what an alert is about holds no more; what could not be evaluated clears nothing."""
    kind, _, what = about.partition(":")
    if kind == "verdict":
        verdict = looked.facts.verdict
        return verdict != what and not (what == "watch" and verdict == "not_assessable")
    if what in looked.signals:
        return looked.signals[what] == "cleared"
    place = looked.facts.places.get(what)
    return place is not None and looked.facts.rules[place].verdict == "not_crossed"


def _mended(alert: Alert, notifier: Notifier) -> Entry:
    cause = (MENDED[alert.about.partition(":")[0]],)
    payload: AlertPayload = {"look_id": None, "cause": list(cause), "superseded": False}
    step = Step(Kind.CLOSED, Occasion.CLEARED, tuple(alert.reached), payload, cause=cause)
    return notifier.notify(alert, alert.about, step)[1]


def _late(alert: Alert, notifier: Notifier) -> Iterator[Entry]:
    """Yield each next role that is due, or else the repeat."""
    again = alert.last_told_at + timedelta(hours=alert.plan.repeat_hours)
    after = alert
    for post in alert.plan.posts:
        why = _why_next(alert, post, notifier.now)
        if why is not None:
            after, entry = _escalation(after, post, why, notifier)
            yield entry
    if (
        after is alert
        and alert.reached
        and (notifier.now >= again or is_ahead(alert.last_told_at, notifier.now))
    ):
        cause = (*alert.cause, _unanswered(alert))
        look, report = notifier.again(alert)
        to = tuple(alert.reached)
        step = Step(Kind.REPEATED, Occasion.REPEATED, to, {}, look, cause, report=report)
        yield notifier.notify(alert, alert.about, step)[1]


def _why_next(alert: Alert, post: Post, now: datetime) -> str | None:
    """Return why the role after this one is notified now, or None; each role is followed once in an opening.

    One message that was given up is enough, though another channel took one: nobody knows which of them is read.
    """
    if post.role not in alert.reached or post.escalate_to is None or post.role in alert.escalated:
        return None
    notified = f"{spoken(post.role).capitalize()} was told at {_at(alert.reached[post.role].at)}"
    problem = alert.undelivered_to(post.role)
    if problem is not None:
        return f"A message to {spoken(post.role)} was given up: {problem}"
    if post.ack_within_minutes is None:
        return None
    told_at = alert.reached[post.role].at
    if now < told_at + timedelta(minutes=post.ack_within_minutes) and not is_ahead(told_at, now):
        return None
    return f"{notified} and did not acknowledge within {number(post.ack_within_minutes)} minutes."


def _escalation(alert: Alert, post: Post, why: str, notifier: Notifier) -> tuple[Alert, Entry]:
    role, place = str(post.escalate_to), alert.reached[post.role].step + 1
    delivered = alert.undelivered_to(post.role) is None
    occasion = Occasion.ESCALATED if delivered else Occasion.DEAD_LETTER
    look, report = notifier.again(alert)
    payload: AlertPayload = {"from": post.role, "role": role, "step": place, "why": why}
    cause = (*alert.cause, why)
    step = Step(Kind.ESCALATION, occasion, (role,), payload, look, cause, report=report)
    return notifier.notify(alert, alert.about, step)


def _unanswered(alert: Alert) -> str:
    notified = ", ".join(f"{spoken(role)} at {_at(one.at)}" for role, one in alert.reached.items())
    return f"Nobody has acknowledged this alert. Told: {notified}."


def _at(moment: datetime) -> str:
    return utc_text(stamp(moment))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def plan_for(about: str, alerts: Alerts) -> Plan:
    """Return the plan of an alert: who is notified first, who follows whom, until when.

    It is frozen into the record that opens the alert: a protocol that is changed later alters no plan that runs. What
    was signed when the alert was raised holds until it is taken, closed, or opened again.

    Of a crossed rule, a watch, or a look that is not assessable, the roles whose route names that verdict are
    notified at once. The monitor's own alerts mean that nothing is assessed, and go to the roles of
    ``not_assessable``, or to every role where none has it: somebody must know that nobody watches. That a role
    cannot be reached is news to the others.
    """
    kind, _, what = about.partition(":")
    verdict = "signal" if kind == "signal" else what if kind == "verdict" else "not_assessable"
    first = {route.role for route in alerts.routes if verdict in route.verdicts}
    if kind not in ("signal", "verdict"):
        first = first or {route.role for route in alerts.routes}
    if kind == "delivery_failed":
        everyone = {route.role for route in alerts.routes}
        first = (first - {what}) or (everyone - {what}) or first
    return Plan(tuple(_posts(alerts.routes, first, verdict)), alerts.repeat_hours)


def _posts(routes: Sequence[Route], first: set[str], verdict: str) -> Iterable[Post]:
    """Yield the post of each role notified at once, in the protocol's order, then of each that follows one."""
    waiting = [role for role in dict.fromkeys(route.role for route in routes) if role in first]
    seen = set(waiting)
    for role in waiting:  # grows while it is walked; each role comes once, so a circle of roles ends
        post = _post([route for route in routes if route.role == role], verdict, first=role in first)
        if post.escalate_to is not None and post.escalate_to not in seen:
            seen.add(post.escalate_to)
            waiting.append(post.escalate_to)
        yield post


def _post(routes: Sequence[Route], verdict: str, *, first: bool) -> Post:
    """Join the routes of one role: those that name the verdict, or all where none does; the most urgent one leads."""
    meant = [route for route in routes if verdict in route.verdicts] or list(routes)
    channels: dict[str, Channel] = {}
    for route in meant:
        for name in route.channels:
            brief = route.brief or (name in channels and channels[name].brief)
            channels[name] = Channel(name, brief)
    asked = [route for route in meant if route.ack_within_minutes is not None]
    urgent = min(asked, key=lambda route: route.ack_within_minutes or 0, default=meant[0])
    followed = next((r.escalate_to for r in [urgent, *asked] if r.escalate_to is not None), None)
    return Post(meant[0].role, tuple(channels.values()), urgent.ack_within_minutes, followed, first)
