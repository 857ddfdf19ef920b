"""What becomes of a look once its verdict is known: it is recorded with its alerts, written, and they are sent."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from checks.errors import DeliveryError, FeedError, LedgerWriteError
from checks.looks import Look, LookDocument
from checks.looks.document import DeliveryPart, HeadPart, SignalPart
from checks.signals import Signal, SignalState, Verdict, untrusted_feeds, update_signals
from checks.stamps import stamp
from flows.alerts import Looked, alerts_of_look, notify_unrecorded, run_alerts
from flows.heartbeat import feed_faults
from flows.ledger import Ledger, LookPayload, canonical
from flows.looks.files import write_files
from flows.looks.stages import as_task
from flows.pages.message import look_facts
from flows.pages.report.page import render_report
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")

EXIT_CODES: Mapping[str, int] = {
    Verdict.NO_SIGNAL: 0,
    Verdict.WATCH: 10,
    Verdict.SIGNAL: 20,
    Verdict.NOT_ASSESSABLE: 30,
}


@dataclass(frozen=True, slots=True)
class LookOutcome:
    """What a look leaves behind: its document, its page, and the exit code that says both."""

    document: LookDocument
    report: Path
    exit_code: int
    ledger_problem: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger took of a look: its record, or the reason why it took nothing."""

    ledger: Ledger | None
    signals: list[SignalPart]
    head: HeadPart | None = None
    problem: str | None = None


def conclude(look: Look, out: Path, settings: Settings, reason: str) -> LookOutcome:
    """Record the verdict with its alerts, write the page, and only then try to deliver."""
    document, page = look.document(), out / "report.html"
    recorded = _record(look, document, str(page), settings, reason)
    document["signals"], document["ledger"] = recorded.signals, recorded.head
    document["delivery"] = {"outcome": "pending"}
    write = as_task("render report", _write)
    write(look, document, out)  # before any message that names it
    document["delivery"], problem = _send(look, document, str(page), recorded, settings)
    report = write(look, document, out)
    return LookOutcome(document, report, _exit_code(look, document, problem), problem)


def _record(look: Look, document: LookDocument, page: str, settings: Settings, reason: str) -> Recorded:
    """Record the look and the alerts that follow from it, in one transaction."""
    study = look.protocol.study.id
    try:
        ledger = Ledger.of(settings)
        previous = ledger.newest_look(study, look.data_cutoff)
        signals = _signals(look, previous)
        now, looked = datetime.now(UTC), _looked(document, signals, look, page)
        decision = partial(alerts_of_look, looked=looked, protocol=look.protocol, now=now)
        head = ledger.record_look(study, _payload(document, signals, reason, now), decision=decision, now=now)
    except LedgerWriteError as error:
        LOGGER.error("The ledger could not be written: %s", error)
        return Recorded(None, _signals(look, None), problem=str(error))
    return Recorded(ledger, signals, {"sequence": head.sequence, "head_sha256": head.sha256})


def _signals(look: Look, previous: LookPayload | None) -> list[SignalPart]:
    """Return what became of each signal that the ledger's record of the look before has, and of new ones."""
    kept = () if previous is None else previous["signals"]
    before = tuple(Signal(one["id"], one["rule"], SignalState(one["state"]), one["events"]) for one in kept)
    updated = update_signals(before, look.rules, look.protocol.study.id)
    return [
        {"id": one.id, "rule": one.rule, "state": str(one.state), "events": one.events} for one in updated
    ]


def _looked(document: LookDocument, signals: list[SignalPart], look: Look, page: str) -> Looked:
    """Return what the look's alerts are decided from."""
    states = {signal["rule"]: signal["state"] for signal in signals}
    return Looked(look_facts({**document, "signals": signals}, look.protocol), states, look.changes, page)


def _payload(document: LookDocument, signals: list[SignalPart], reason: str, now: datetime) -> LookPayload:
    """Return what the ledger keeps of a look: hashes, verdict, signals, why it was made, and when."""
    return {
        "at": stamp(now),
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "data_cutoff": document["data_cutoff"],
        "verdict": document["verdict"],
        "protocol_sha256": document["protocol_sha256"],
        "code_version": document["code_version"],
        "feeds": {feed["domain"]: feed["sha256"] for feed in document["feeds"]},
        "feed_faults": feed_faults(document["feeds"]),
        "signals": signals,
        "reason": reason,
    }


def _write(look: Look, document: LookDocument, out: Path) -> Path:
    """Write the look's files and its page."""
    write_files(look, document, out)
    return render_report(document, doses=look.doses, protocol=look.protocol, out=out)


def _send(
    look: Look, document: LookDocument, page: str, recorded: Recorded, settings: Settings
) -> tuple[DeliveryPart, str | None]:
    """Send what is due, past the ledger where it took nothing; return what became of it, and the ledger's problem."""
    now = datetime.now(UTC)
    if recorded.ledger is None:
        past = as_task("send alerts past the ledger", notify_unrecorded)
        looked = _looked(document, recorded.signals, look, page)
        outcome = past(looked, look.protocol, now, addresses=settings.addresses)
        return {"outcome": outcome, "recorded": False}, recorded.problem
    try:
        send = as_task("send alerts", run_alerts)
        sent = send(recorded.ledger, look.protocol, now, addresses=settings.addresses, watching=False)
        return {"outcome": sent.outcome}, None
    except LedgerWriteError as error:  # the receipts could not be kept, which must not hide the verdict
        LOGGER.error("The ledger could not be written: %s", error)
        return {"outcome": "failed"}, str(error)


def _exit_code(look: Look, document: LookDocument, problem: str | None) -> int:
    """Return the verdict's exit code, unless something that must be mended hides behind a quieter one."""
    if look.verdict is Verdict.SIGNAL:
        return EXIT_CODES[Verdict.SIGNAL]
    if problem is not None:
        return LedgerWriteError.exit_code
    if document["delivery"]["outcome"] == "failed":
        return DeliveryError.exit_code
    unreadable = any(feed.outcome == "error" for feed in untrusted_feeds(look.feeds))
    if look.verdict is Verdict.NOT_ASSESSABLE and unreadable:
        return FeedError.exit_code
    return EXIT_CODES[look.verdict]
