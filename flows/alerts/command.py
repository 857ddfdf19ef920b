"""List alerts, show the life of one, take one, send again what was given up, and test each channel."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

from checks.errors import DeliveryError, UsageError
from checks.protocol import StudyProtocol
from checks.protocol.untelling import require_untelling
from checks.stamps import stamp
from flows.alerts.attempts import attempt_each
from flows.alerts.longest import longest_test
from flows.alerts.notifying import events
from flows.alerts.sending import send_due
from flows.ledger import AlertPayload, Entry, Kind, Ledger, Outgoing, Record, Seen
from flows.ledger.database import folder_of
from flows.ledger.forms import problem
from flows.ledger.heads import require_known_head
from flows.ledger.life import Alert, State
from flows.pages.kit.words import printable, spoken, utc_text
from flows.pages.message import Event, outgoing_message
from flows.settings import Settings

CLAIMED = "The name is as claimed: postdose authenticates nobody."
UNTIL_WORSE = "Nobody further is told of it, unless the evidence worsens."
UNTIL_NEW = "It returns by evidence that it did not rest on, or by a new crossing; not by the same evidence."

FEWEST = 4
"""Characters by which an alert may be named: a subject line shows eight, and nobody should take one by mistake."""

HISTORY = {
    Kind.RAISED: "raised",
    Kind.REOPENED: "opened again",
    Kind.WORSENED: "worse",
    Kind.REPEATED: "repeated",
    Kind.ESCALATION: "escalated",
    Kind.ACKNOWLEDGEMENT: "acknowledged",
    Kind.CLOSED: "closed",
    Kind.RECEIPT: "delivered",
    Kind.FAILED_DELIVERY: "not delivered",
    Kind.DEAD_LETTER: "given up",
    Kind.ALERT: "sent again",
}
"""The records of an alert's life, as they are shown; a message that is queued is told by its receipt."""


def run_list(settings: Settings, *, closed: bool, as_json: bool) -> int:
    """Print the alerts of every study of a ledger, those that are open first, and return 0.

    Those whose cause is gone are listed too where ``closed``.
    """
    every = _alerts(Ledger.of(settings, must_exist=True))
    found = [(study, alert) for study, alert in every if closed or alert.state is not State.CLOSED]
    found.sort(key=lambda one: (list(State).index(one[1].state), one[1].opened_at))
    documents = [_document(study, alert) for study, alert in found]
    lines = [_line(study, alert) for study, alert in found] or ["No alert is open or acknowledged."]
    _print({"schema": "postdose/alerts/1", "alerts": documents}, lines, as_json=as_json)
    return 0


def run_show(settings: Settings, name: str, *, as_json: bool) -> int:
    """Print one alert and all that became of it, and return 0.

    Raises
    ------
    UsageError
        When the name fits no alert, or several.
    """
    ledger = Ledger.of(settings, must_exist=True)
    study, alert = named_alert(ledger, name)
    records = [record for record in ledger.records(study) if _is_history(record, alert.id)]
    history = [{"kind": record.kind, **record.payload} for record in records]
    document = {"schema": "postdose/alert/history/1", **_document(study, alert), "history": history}
    lines = [_line(study, alert), *(line for record in records for line in _lines_of(record))]
    _print(document, lines, as_json=as_json)
    return 0


def run_ack(
    settings: Settings,
    name: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    as_json: bool = False,
    folder: Path | None = None,
) -> int:
    """Record who takes an alert and why, which stops the roles that would follow and the repeats; return 0.

    The alert is named by its id or enough of its beginning, a person as they claim; ``now`` is UTC. ``folder`` is
    the study's, where the heads known of it lie; where it is left out, that of a ledger in SQLite.

    Raises
    ------
    UsageError
        When the name or the reason is blank, no alert or several fit, or its cause is gone.
    LedgerWriteError
        When the ledger lacks the newest head known, so that what is recorded in it may be lost.
    """
    by, reason = _filled("--by", by), _filled("--reason", reason)
    ledger, study, alert = _to_decide(settings, name, folder)
    decide = partial(acknowledgement, study=study, name=alert.id, by=by, reason=reason, now=now)
    before, taken, to_on_call = _decide(ledger, study, alert, now, decide)
    _tell_on_call(ledger, settings, study, to_on_call, now)
    said = f"Alert {alert.id} ({printable(alert.about)}, study {printable(study)}) is acknowledged by "
    lines = [f"{said}{printable(by)}: {printable(reason)}", *_taken_before(before), CLAIMED, UNTIL_WORSE]
    document = {**_document(study, taken), "authenticated": False, "acknowledged_before": _taken(before)}
    _print(document, lines, as_json=as_json)
    return 0


def run_close(
    settings: Settings,
    name: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    as_json: bool = False,
    folder: Path | None = None,
) -> int:
    """Record who closes the alert of a signal and why, so that it stands no more by this evidence; return 0.

    The parameters are those of ``run_ack``.

    Raises
    ------
    UsageError
        When the name or the reason is blank, no alert or several fit, or it is no open one of a signal.
    LedgerWriteError
        As ``run_ack`` does.
    """
    by, reason = _filled("--by", by), _filled("--reason", reason)
    ledger, study, alert = _to_decide(settings, name, folder)
    _, closed, to_on_call = _decide(
        ledger, study, alert, now, partial(closing, study=study, name=alert.id, by=by, reason=reason, now=now)
    )
    _tell_on_call(ledger, settings, study, to_on_call, now)
    said = f"Alert {alert.id} ({printable(alert.about)}, study {printable(study)}) is closed by "
    lines = [f"{said}{printable(by)}: {printable(reason)}", CLAIMED, UNTIL_NEW]
    _print({**_document(study, closed), "authenticated": False}, lines, as_json=as_json)
    return 0


def run_resend(
    settings: Settings, protocol: StudyProtocol, name: str, *, by: str, now: datetime, as_json: bool = False
) -> int:
    """Send again each message of an alert that was given up; return 0 when all were taken, else 40.

    The alert is named by its id or enough of its beginning, who asks as they claim; ``now`` is UTC. Channels' files
    lie beside the protocol.

    Raises
    ------
    UsageError
        When the name is blank, or no alert of the study or several fit.
    """
    ledger, study = Ledger.of(settings, must_exist=True), protocol.study.id
    by = _filled("--by", by)
    require_untelling("--by", by, protocol)
    _, alert = named_alert(ledger, name, study=study)
    require_known_head(ledger, protocol.folder, study)
    dead = [one.outgoing for one in ledger.outbox.dead_letters(study) if one.outgoing.alert == alert.id]
    for one in dead:
        ledger.requeue(study, one.id, by=by, at=now)
    if dead:
        send_due(ledger, study, now, folder=protocol.folder, addresses=settings.addresses)
    waiting = {
        one.outgoing.id for one in (*ledger.outbox.undelivered(study), *ledger.outbox.dead_letters(study))
    }
    sent = [{"message": one.id, "role": one.role, "delivered": one.id not in waiting} for one in dead]
    lines = [f"{one.role}, {one.channel}: {'NOT TAKEN' if one.id in waiting else 'taken'}" for one in dead]
    lines = lines or ["No message of this alert was given up."]
    _print({"alert": alert.id, "messages": sent}, lines, as_json=as_json)
    return DeliveryError.exit_code if any(one.id in waiting for one in dead) else 0


def acknowledgement(seen: Seen, study: str, *, name: str, by: str, reason: str, now: datetime) -> Entry:
    """Return the record of who takes an alert and why, and what notifies on-call systems of it.

    ``name`` is the alert's id, ``by`` a person's name as claimed, ``reason`` what they do about it, ``now`` UTC.

    Raises
    ------
    UsageError
        When the alert's cause is gone.
    """
    alert = seen.standing.alerts[name]
    if alert.state is State.CLOSED:
        raise UsageError(
            f"ALERT: found {name}, which is closed: its cause is gone; allowed: one that is open"
        )
    payload: AlertPayload = {"alert": name, "by": by, "reason": reason}
    payload |= {"at": stamp(now), "authenticated": False}
    outgoing = events(study, alert, Kind.ACKNOWLEDGEMENT, Event.ACKNOWLEDGE)
    return Entry(Kind.ACKNOWLEDGEMENT, payload, tuple(outgoing))


def closing(seen: Seen, study: str, *, name: str, by: str, reason: str, now: datetime) -> Entry:
    """Return the record of who closes the alert of a signal and why, and what notifies on-call systems of it.

    The parameters are those of ``acknowledgement``.

    Raises
    ------
    UsageError
        When the alert is closed already, or not of a signal: all others close when their cause is gone.
    """
    alert = seen.standing.alerts[name]
    if alert.state is State.CLOSED or not alert.about.startswith("signal:"):
        found = "closed already" if alert.state is State.CLOSED else f"about {alert.about}"
        raise UsageError(
            f"ALERT: found {name}, which is {found}; allowed: one of a signal that is not closed"
        )
    payload: AlertPayload = {"alert": name, "by": by, "reason": reason, "at": stamp(now)}
    payload |= {"authenticated": False, "look_id": alert.look_id, "superseded": False}
    outgoing = events(study, alert, Kind.CLOSED, Event.RESOLVE)
    return Entry(Kind.CLOSED, payload, tuple(outgoing))


def _tell_on_call(
    ledger: Ledger, settings: Settings, study: str, messages: Sequence[Outgoing], now: datetime
) -> None:
    """Notify the on-call systems at once: one goes on calling until it knows.

    One that cannot be reached, or has no address here, is left to the next look.
    """
    known = [one.id for one in messages if settings.addresses.get(one.channel.removeprefix("env:"))]
    if known:
        send_due(ledger, study, now, folder=Path(), addresses=settings.addresses, only=known)


def _to_decide(settings: Settings, name: str, folder: Path | None) -> tuple[Ledger, str, Alert]:
    """Return the ledger, the study and the alert that a person decides on, by what is known beside the study."""
    ledger = Ledger.of(settings, must_exist=True)
    study, alert = named_alert(ledger, name)
    require_known_head(ledger, folder or folder_of(settings.state_url) or Path(), study)
    return ledger, study, alert


def _decide(
    ledger: Ledger, study: str, alert: Alert, now: datetime, decide: Callable[[Seen], Entry]
) -> tuple[Alert, Alert, tuple[Outgoing, ...]]:
    """Record what is decided of an alert; return it as it stood and stands, and the messages to on-call systems."""
    found: list[Alert] = []
    written: list[Entry] = []

    def decision(seen: Seen) -> Sequence[Entry]:
        found[:], written[:] = [seen.standing.alerts[alert.id]], [decide(seen)]
        return written

    ledger.decide(study, decision, now=now)
    return found[0], ledger.standings()[study].alerts[alert.id], written[0].outgoing


def _alerts(ledger: Ledger) -> Iterator[tuple[str, Alert]]:
    """Yield each alert of every study."""
    for study, standing in ledger.standings().items():
        yield from ((study, alert) for alert in standing.alerts.values())


def named_alert(ledger: Ledger, name: str, *, study: str | None = None) -> tuple[str, Alert]:
    """Return the one alert whose id begins so."""
    wanted = name.strip().lower()
    found = [one for one in _alerts(ledger) if one[1].id.startswith(wanted) and study in (None, one[0])]
    if len(wanted) < FEWEST or len(found) != 1:
        fits = ", ".join(alert.id for _, alert in found) if len(wanted) >= FEWEST else ""
        said = f"which fits {fits or 'no alert of this ledger'}"
        raise UsageError(
            f"ALERT: found {name!r}, {said}; allowed: the id of one, or its first {FEWEST} characters or more, "
            "as `postdose alerts list` shows it"
        )
    return found[0]


def _filled(option: str, text: str) -> str:
    if not text.strip():
        raise UsageError(f"{option}: found nothing; allowed: a text")
    return text.strip()


def _is_history(record: Record, name: str) -> bool:
    if record.kind not in HISTORY or problem(record) or record.payload.get("alert") != name:
        return False
    return record.kind != Kind.ALERT or "resent_by" in record.payload


def _taken(alert: Alert) -> dict[str, object] | None:
    taken = alert.acknowledgement
    return None if taken is None else {**asdict(taken), "at": stamp(taken.at)}


def _taken_before(alert: Alert) -> Iterator[str]:
    """Yield who had taken an alert that somebody takes now, and why: two may be at work on it."""
    if (taken := alert.acknowledgement) is not None:
        at = utc_text(stamp(taken.at))
        yield f"It was acknowledged before by {printable(taken.by)} at {at}: {printable(taken.reason)}"


def _document(study: str, alert: Alert) -> dict[str, object]:
    return {
        "study": study,
        "id": alert.id,
        "about": alert.about,
        "state": str(alert.state),
        "opened_at": stamp(alert.opened_at),
        "told": [
            {"role": role, "step": one.step, "at": stamp(one.at)} for role, one in alert.reached.items()
        ],
        "given_up": sorted({role for role, _ in alert.dead.values()}),
        "look_id": alert.look_id,
        "acknowledgement": _taken(alert),
    }


def _line(study: str, alert: Alert) -> str:
    notified = ", ".join(spoken(role) for role in alert.reached) or "nobody: no route"
    taken = alert.acknowledgement
    by = "" if taken is None else f"; acknowledged by {printable(taken.by)}"
    opened = utc_text(stamp(alert.opened_at))
    return f"{alert.id}  {alert.state:<12}  {study}  {alert.about}  since {opened}; told: {notified}{by}"


def _lines_of(record: Record) -> Iterator[str]:
    """Yield a line of an alert's history, and below it what was said."""
    said = record.read(AlertPayload)
    whom = ", ".join(spoken(role) for role in said.get("told", [])) or spoken(said.get("role", ""))
    parts = [said.get("by") or said.get("resent_by") or whom, said.get("reason") or said.get("detail") or ""]
    held = ", ".join(spoken(role) for role in said.get("held_back", []))
    parts += [f"held back from {held}" if held else ""]
    about = ": ".join(printable(part) for part in parts if part)
    yield f"  {utc_text(said.get('at'))}  {HISTORY[Kind(record.kind)]}{': ' if about else ''}{about}"
    for sentence in (*said.get("cause", ()), *said.get("news", ()), said.get("why") or ""):
        if sentence:
            yield f"    {printable(sentence)}"


def _print(document: Mapping[str, object], lines: Sequence[str], *, as_json: bool) -> None:
    sys.stdout.write((json.dumps(document, indent=1) if as_json else "\n".join(lines)) + "\n")


def run_route_test(
    protocol: StudyProtocol,
    addresses: Mapping[str, str],
    now: datetime,
    *,
    role: str | None = None,
    as_json: bool = False,
) -> int:
    """Send a test message through every channel, print a receipt or the problem for each, and return the exit code.

    It is as long as the longest that the study can cause, but on a brief route. Nothing of it goes into the ledger:
    no alert was raised.

    Raises
    ------
    UsageError
        When the protocol has no route, or none to the role that was asked for.
    """
    sent = list(_messages(protocol, now, role))
    results: dict[str, str | DeliveryError] = {}
    for came in attempt_each(sent, now, folder=protocol.folder, addresses=addresses):
        results |= {one.id: result for one, result in came}
    documents: list[dict[str, object]] = []
    lines: list[str] = []
    for one in sent:
        result = results.get(one.id, f"{one.channel}: there was no time left to try")
        taken, detail = isinstance(results.get(one.id), str), str(result)
        documents.append({"role": one.role, "channel": one.channel, "taken": taken, "detail": detail})
        lines.append(f"{one.role}: {f'taken: {one.channel}: {detail}' if taken else f'NOT TAKEN: {detail}'}")
    arrived = sum(one["taken"] is True for one in documents)
    lines.append(f"{arrived} of {len(sent)} test messages were taken.")
    found = {"schema": "postdose/route-test/1", "study": protocol.study.id, "tests": documents}
    _print(found, lines, as_json=as_json)
    return 0 if arrived == len(sent) else DeliveryError.exit_code


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
            alert = f"test-{name[:8]}"
            facts = longest_test(protocol, alert=alert, role=route.role, brief=route.brief, now=now)
            yield Outgoing(name, channel, outgoing_message(facts), alert, route.role)
