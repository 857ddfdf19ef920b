"""What becomes of a look once its verdict is known: it is recorded with its alerts, they are sent, it is written."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from checks.errors import DeliveryError, FeedError, LedgerWriteError
from checks.looks import Look, LookDocument
from checks.protocol.untelling import untelling
from checks.recorded import DeliveryPart, HeadPart, SignalPart
from checks.signals import Ground, Signal, SignalState, Verdict, standing_of, untrusted_feeds
from checks.stamps import stamp
from flows.alerts import (
    LONGEST_CLAIM,
    PROMPTLY,
    Looked,
    alerts_of_look,
    begin,
    notify_unmarked,
    notify_unrecorded,
    run_alerts,
)
from flows.heartbeat import feed_faults
from flows.ledger import Ledger, LookPayload, canonical
from flows.ledger.heads import require_known_head
from flows.looks.courtesies import COURTESIES, KEEPING, POSTING, Courtesy, Told, problem_of, take_each
from flows.looks.interruption import Interruption, held_back
from flows.pages.message import look_facts
from flows.pages.sentences import fault_sentences
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")

EXIT_CODES: Mapping[str, int] = {
    Verdict.NO_SIGNAL: 0,
    Verdict.WATCH: 10,
    Verdict.SIGNAL: 20,
    Verdict.NOT_ASSESSABLE: 30,
}

INTERRUPTED = 128
"""Before the number of a signal: the exit code of what that ended, as shells have it."""


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


@dataclass(frozen=True, slots=True)
class Notified:
    """What became of the messages, whether the ledger has them, and its problem if it had one."""

    outcome: str
    problem: str | None = None
    recorded: bool = True

    def said(self, failed: Sequence[str] = ()) -> DeliveryPart:
        """Return it as look.json says it, with the steps after it that failed."""
        part: DeliveryPart = {"outcome": self.outcome}
        if not self.recorded:
            part["recorded"] = False
        if failed:
            part["failed"] = list(failed)
        return part


ASK_AGAIN: Final = 0.5
"""Seconds between two questions whether the process is told to end, while a receiver is slow."""

NEXT_LOOK: Final = "the next look's turn"
"""The first step once roles are notified."""


def conclude(
    look: Look,
    out: Path,
    settings: Settings,
    reason: str,
    *,
    as_found: bool = False,
    notified: Callable[[], object] = lambda: None,
    further: Mapping[str, Courtesy] | None = None,
) -> LookOutcome:
    """Record the verdict with its alerts, notify, and only then write files and page and call the watchdog.

    ``as_found`` is whether its files were read as they were found, rather than from the deliveries kept.
    ``notified`` is called between the two: another look need not wait for the rest, nor the rest for a slow receiver.
    ``further`` are steps after those of every look. What ends a process waits until roles are notified; it is then
    said by the exit code, unless a signal stands.
    """
    document, page = look.document(), str(out / "report.html")
    with held_back() as held:
        recorded = _record(look, document, page, settings, reason, as_found=as_found)
        standing = standing_of(look.verdict, recorded.signals)
        document["standing"], document["signals"] = standing.value, _parts(recorded.signals)
        document["ledger"] = recorded.head
        last_moment = time.monotonic() + LONGEST_CLAIM.total_seconds()
        sending = begin(partial(_notify, look, document, page, recorded, settings))
        wait([sending], timeout=PROMPTLY)
        promptly, first = sending.done(), _became(sending, recorded, waited_for=True)
        document["delivery"] = first.said()
        told = Told(look, document, out, settings, on_record=first.problem is None)
        failed = take_each({NEXT_LOOK: lambda _told: notified()}, told, Interruption())
        failed += take_each({**COURTESIES, **(further or {})}, told, held)
        while not sending.done() and held.number is None and time.monotonic() < last_moment:
            wait([sending], timeout=ASK_AGAIN)  # once told to end, the rest is the next turn's
        last = first if promptly else _became(sending, recorded, waited_for=held.number is not None)
        if failed or last != first:
            document["delivery"] = last.said(failed)
            take_each({"look.json": COURTESIES["look.json"]}, told, held)
        take_each(KEEPING, told, Interruption())
        take_each(POSTING, told, held)
    code = _exit_code(standing, look, document, last.problem)
    if held.number is not None and standing is not Verdict.SIGNAL:
        code = INTERRUPTED + held.number
    return LookOutcome(document, out / "report.html", code, last.problem)


def _record(
    look: Look, document: LookDocument, page: str, settings: Settings, reason: str, *, as_found: bool
) -> Recorded:
    """Record the look and the alerts that follow from it, in one transaction."""
    study = look.protocol.study.id
    try:
        ledger = Ledger.of(settings)
        require_known_head(ledger, look.protocol.folder, study)
        previous, alerts = ledger.newest_look(study, look.data_cutoff), ledger.standings().get(study)
        signals = look.signals(
            signals_on_record(previous, frozenset() if alerts is None else alerts.closed_rules)
        )
        now, looked = datetime.now(UTC), _looked(document, signals, look, page)
        decision = partial(alerts_of_look, looked=looked, protocol=look.protocol, now=now)
        payload = _payload(
            document, signals, standing_of(look.verdict, signals), untelling(reason, look.protocol), now
        )
        if as_found:
            payload["as_found"] = True
        head = ledger.record_look(study, payload, decision=decision, now=now)
    except BaseException as error:  # whatever keeps a look off the record, nobody goes unnotified for it
        LOGGER.error("The ledger could not be written: %s", problem_of(error))
        return Recorded(None, look.signals(()), problem=problem_of(error))
    return Recorded(ledger, signals, {"sequence": head.sequence, "head_sha256": head.sha256})


def signals_on_record(previous: LookPayload | None, closed: frozenset[str]) -> tuple[Signal, ...]:
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


def _became(sending: "Future[Notified]", recorded: Recorded, *, waited_for: bool) -> Notified:
    """Return what became of the messages so far; without an end, nor anybody who waits for it, they have failed."""
    on_record = recorded.ledger is not None
    if not sending.done() and waited_for:
        return Notified("pending", recorded.problem, recorded=on_record)
    error = sending.exception() if sending.done() else DeliveryError(f"no end within {LONGEST_CLAIM}")
    if error is None:
        return sending.result()
    LOGGER.error(
        "The alerts could not be sent: %s", problem_of(error)
    )  # a defect: the verdict is not lost with it
    return Notified("failed", recorded.problem, recorded=on_record)


def _notify(
    look: Look, document: LookDocument, page: str, recorded: Recorded, settings: Settings
) -> Notified:
    now, protocol, addresses = datetime.now(UTC), look.protocol, settings.addresses
    if recorded.ledger is None:
        looked = _looked(document, recorded.signals, look, page)
        outcome = notify_unrecorded(looked, protocol, now, addresses=addresses)
        return Notified(outcome, recorded.problem, recorded=False)
    try:
        sent = run_alerts(recorded.ledger, protocol, now, addresses=addresses, watching=False)
    except LedgerWriteError as error:  # the messages are on record, and nothing can be marked
        LOGGER.error("The ledger could not be written: %s", error)
        return Notified(notify_unmarked(recorded.ledger, protocol, now, addresses=addresses), str(error))
    return Notified(sent.outcome, sent.problem)


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
