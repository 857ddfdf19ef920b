"""What becomes of a look once its verdict is known: it is recorded with its alerts, written, and they are sent."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from checks.errors import DeliveryError, FeedError, LedgerWriteError
from checks.looks import Look, LookDocument
from checks.looks.recorded import DeliveryPart, HeadPart, SignalPart
from checks.signals import Ground, Signal, SignalState, Verdict, standing_of, untrusted_feeds
from checks.stamps import stamp
from flows.alerts import Looked, alerts_of_look, notify_unrecorded, run_alerts
from flows.heartbeat import feed_faults
from flows.ledger import Ledger, LookPayload, canonical
from flows.looks.files import write_files
from flows.looks.stages import as_task
from flows.pages.message import look_facts
from flows.pages.report.page import render_report
from flows.pages.sentences import fault_sentences
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
    signals: tuple[Signal, ...]
    head: HeadPart | None = None
    problem: str | None = None


def conclude(look: Look, out: Path, settings: Settings, reason: str) -> LookOutcome:
    """Record the verdict with its alerts, write the page, and only then try to deliver."""
    document, page = look.document(), out / "report.html"
    recorded = _record(look, document, str(page), settings, reason)
    standing = standing_of(look.verdict, recorded.signals)
    document["standing"], document["signals"] = standing.value, _parts(recorded.signals)
    document["ledger"] = recorded.head
    document["delivery"] = {"outcome": "pending"}
    write = as_task("render report", _write)
    write(look, document, out)  # before any message that names it
    document["delivery"], problem = _send(look, document, str(page), recorded, settings)
    report = write(look, document, out)
    return LookOutcome(document, report, _exit_code(standing, look, document, problem), problem)


def _record(look: Look, document: LookDocument, page: str, settings: Settings, reason: str) -> Recorded:
    """Record the look and the alerts that follow from it, in one transaction."""
    study = look.protocol.study.id
    try:
        ledger = Ledger.of(settings)
        previous, alerts = ledger.newest_look(study, look.data_cutoff), ledger.standings().get(study)
        signals = look.signals(_before(previous, frozenset() if alerts is None else alerts.closed_rules))
        now, looked = datetime.now(UTC), _looked(document, signals, look, page)
        decision = partial(alerts_of_look, looked=looked, protocol=look.protocol, now=now)
        payload = _payload(document, signals, standing_of(look.verdict, signals), reason, now)
        head = ledger.record_look(study, payload, decision=decision, now=now)
    except LedgerWriteError as error:
        LOGGER.error("The ledger could not be written: %s", error)
        return Recorded(None, look.signals(()), problem=str(error))
    return Recorded(ledger, signals, {"sequence": head.sequence, "head_sha256": head.sha256})


def _before(previous: LookPayload | None, closed: frozenset[str]) -> tuple[Signal, ...]:
    """Return the signals on record of the look before; the rules of those that a person has closed are ``closed``."""
    return tuple(
        Signal(
            one["id"],
            one["rule"],
            SignalState.CLOSED if one["rule"] in closed else SignalState(one["state"]),
            one["events"],
            tuple(
                Ground(on["USUBJID"], on["dose_number"], tuple(on["evidence"]), on["provisional"])
                for on in one.get("rests_on", ())
            ),
            one.get("since", ""),
            one.get("crossed_at", ""),
            one.get("protocol_sha256", ""),
        )
        for one in (() if previous is None else previous["signals"])
    )


def _parts(signals: Sequence[Signal]) -> list[SignalPart]:
    return [
        {
            "id": one.id,
            "rule": one.rule,
            "state": one.state.value,
            "events": one.events,
            "rests_on": [
                {
                    "USUBJID": on.USUBJID,
                    "dose_number": on.dose_number,
                    "evidence": list(on.evidence),
                    "provisional": on.provisional,
                }
                for on in one.rests_on
            ],
            "since": one.since,
            "crossed_at": one.crossed_at,
            "protocol_sha256": one.protocol_sha256,
            "reasons": list(one.reasons),
        }
        for one in signals
    ]


def _looked(document: LookDocument, signals: Sequence[Signal], look: Look, page: str) -> Looked:
    """Return what the look's alerts are decided from."""
    states = {signal.rule: signal.state.value for signal in signals}
    reasons = {signal.rule: signal.reasons for signal in signals}
    told = document.copy()
    told["standing"], told["signals"] = standing_of(look.verdict, signals).value, _parts(signals)
    return Looked(look_facts(told, look.protocol), states, look.changes, page, reasons)


def _payload(
    document: LookDocument, signals: Sequence[Signal], standing: Verdict, reason: str, now: datetime
) -> LookPayload:
    """Return what the ledger keeps of a look: hashes, verdict, signals, why it was made, and when."""
    return {
        "at": stamp(now),
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "data_cutoff": document["data_cutoff"],
        "verdict": document["verdict"],
        "standing": standing.value,
        "protocol_sha256": document["protocol_sha256"],
        "code_version": document["code_version"],
        "feeds": {feed["domain"]: feed["sha256"] for feed in document["feeds"]},
        "feed_faults": {
            domain: {**fault, "said": list(fault_sentences(document, domain))}
            for domain, fault in feed_faults(document["feeds"]).items()
        },
        "signals": _parts(signals),
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


def _exit_code(standing: Verdict, look: Look, document: LookDocument, problem: str | None) -> int:
    """Return the exit code of what stands, unless something that must be mended hides behind a quieter one."""
    if standing is Verdict.SIGNAL:
        return EXIT_CODES[Verdict.SIGNAL]
    if problem is not None:
        return LedgerWriteError.exit_code
    if document["delivery"]["outcome"] == "failed":
        return DeliveryError.exit_code
    unreadable = any(feed.outcome == "error" for feed in untrusted_feeds(look.feeds))
    if standing is Verdict.NOT_ASSESSABLE and unreadable:
        return FeedError.exit_code
    return EXIT_CODES[standing]
