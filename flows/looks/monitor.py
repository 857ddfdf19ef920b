"""Make one look: feeds, validation, exposure, events, rules, verdict, ledger, alerts, report."""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from checks.blinding import UNCOUNTED
from checks.errors import DeliveryError, FeedError, LedgerWriteError, UsageError
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import FeedSource
from checks.signals import Signal, SignalState, Verdict, decide_verdict, untrusted_feeds, update_signals
from checks.tables import DeliveredTable, Feed
from flows.alerts import Looked, alerts_of_look
from flows.engines import Engine, EngineName, open_engine
from flows.feeds import DeliveryStore, Inbox, Receipt, open_inbox
from flows.heartbeat import HEARTBEAT_URL, beat, feed_faults
from flows.ledger import Head, Ledger, canonical
from flows.looks import tasks
from flows.looks.artifacts import Progress, show_look
from flows.looks.guard import turn_of_look
from flows.looks.study import open_study, protocol_path
from flows.pages.message import look_facts
from flows.report import Look, build_document
from flows.report.document import instant
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")

LONGEST: Final = timedelta(hours=1)
"""A look takes minutes, and waits ten for another at most: one that lasts longer hangs, and is ended."""

EXIT_CODES: Mapping[str, int] = {
    Verdict.NO_SIGNAL: 0,
    Verdict.WATCH: 10,
    Verdict.SIGNAL: 20,
    Verdict.NOT_ASSESSABLE: 30,
}


@dataclass(frozen=True, slots=True)
class LookOutcome:
    """What a look leaves behind: its document, its page, and the exit code that says both."""

    document: Mapping[str, Any]
    report: Path
    exit_code: int
    ledger_problem: str | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger took: its head, or the reason why it took nothing."""

    signals: tuple[Signal, ...]
    head: Head | None
    problem: str | None


def _run_name() -> str:
    """Name a run for its study and the hour it looks at, without a path."""
    parameters = flow_run.parameters
    study = Path(parameters["study"])
    name = load_protocol(study).study.id if study.is_file() else study.name
    moment = parameters.get("data_cutoff") or flow_run.scheduled_start_time
    return f"{name} {moment:%Y-%m-%d %H:%M %Z}"


@flow(
    name="monitor study",
    flow_run_name=_run_name,
    persist_result=False,
    timeout_seconds=LONGEST.total_seconds(),
)
def monitor_study(
    study: str,
    data_cutoff: datetime | None = None,
    reason: str = "",
    feeds: str | None = None,
    out: str | None = None,
    quiet_seconds: float = 0.0,
    engine: EngineName = "local",
) -> State[LookOutcome]:
    """Make one look at a study; the run's final state is named for the verdict.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        data_cutoff: The only "now"; when left out, the moment the run starts. Only what was received by then is seen.
        reason: Why this look is made, for the ledger.
        feeds: A folder to read the feeds from, in place of what was received where the protocol says.
        out: The folder of this look's files; when left out, `looks/STUDY/DATA_CUTOFF` beside the protocol.
        quiet_seconds: A file that was written to within so many seconds is still arriving, and left to a later look.
        engine: Where its parts are computed: in this process, or on a Dask cluster. It changes nothing of the look.
    """  # in the form that Prefect's page shows beside each parameter
    opened = open_study(study, os.environ)
    protocol, settings = opened.protocol, opened.settings
    inbox = open_inbox(protocol, settings.addresses, feeds, quiet_seconds=quiet_seconds)
    with turn_of_look(protocol.folder, protocol.study.id, state_url=settings.state_url):
        cutoff = _cutoff(data_cutoff)
        named = protocol.folder / "looks" / protocol.study.id / f"{cutoff:%Y%m%dT%H%M%SZ}"
        progress = Progress(protocol.study.id, stages=5)
        with open_engine(engine, settings.addresses) as workers:
            look = _look(inbox, cutoff, progress, workers, arriving=data_cutoff is None and feeds is None)
        progress.reached("recording, reporting and telling")
        outcome = _remember_and_tell(look, Path(out) if out else named, settings, reason)
    if outcome.ledger_problem is None:
        url = settings.addresses.get(HEARTBEAT_URL)
        beat(protocol, outcome.document, completed_at=datetime.now(UTC), url=url)
    progress.reached("done")
    show_look(protocol, outcome.document, outcome.report)
    verdict = look.verdict
    return Completed(
        name=str(verdict), message=f"verdict {verdict}, look {outcome.document['look_id']}", data=outcome
    )


def _look(inbox: Inbox, cutoff: datetime, progress: Progress, engine: Engine, *, arriving: bool) -> Look:
    """Go the path from the feeds to the verdict."""
    protocol = inbox.protocol
    arrived = _read_feeds(inbox, cutoff, arriving=arriving)
    progress.reached("validating the feeds")
    knowledge = tasks.know(arrived, protocol, cutoff)
    validation = tasks.validate(knowledge.feeds, protocol, cutoff)
    progress.reached("finding cases")
    findings = tasks.find(validation, protocol, cutoff, engine)
    progress.reached("evaluating the rules")
    evidence, results = tasks.evaluate(findings, validation, protocol)
    verdict = decide_verdict(results, validation.feeds, protocol)
    return Look(protocol, cutoff, validation, findings, evidence, results, verdict, knowledge.changes)


def make_look(
    study: str,
    *,
    data_cutoff: datetime | None = None,
    feeds: str | None = None,
    out: str | None = None,
    quiet_seconds: float = 0.0,
    engine: EngineName = "local",
) -> LookOutcome:
    """Run ``monitor_study`` here and return its outcome; an error of a stage is raised as it is.

    A protocol with problems is refused before a run begins.
    """
    load_protocol(protocol_path(study, os.environ))
    state = monitor_study(
        study,
        data_cutoff=data_cutoff,
        feeds=feeds,
        out=out,
        quiet_seconds=quiet_seconds,
        engine=engine,
        return_state=True,
    )
    return cast(LookOutcome, state.result())


def feeds_of_look(
    protocol: StudyProtocol, settings: Settings, feeds: str | None, data_cutoff: str
) -> Mapping[str, Feed]:
    """Read again, without Prefect, what a look of that data cut-off had read."""
    inbox, cutoff = open_inbox(protocol, settings.addresses, feeds), datetime.fromisoformat(data_cutoff)
    arrived = {domain: inbox.read(domain, by=cutoff) for domain in protocol.feeds.by_domain()}
    return Deliveries(arrived, protocol).known_at(cutoff).feeds


def receive_files(
    study: str, domain: str, files: Sequence[Path], *, received_at: datetime, now: datetime
) -> tuple[Receipt, ...]:
    """Take files in as deliveries of one feed of a study, and return their receipts.

    Raises
    ------
    UsageError
        When the protocol has no such feed, a file cannot be read, or it was received later than now.
    """
    protocol = load_protocol(protocol_path(study, os.environ))
    if domain.upper() not in protocol.feeds.by_domain():
        allowed = ", ".join(protocol.feeds.by_domain())
        raise UsageError(f"domain: found {domain!r}; allowed: a feed of the study protocol ({allowed})")
    if received_at > now:
        raise UsageError(f"--received-at: found {received_at.isoformat()}; allowed: a time that has passed")
    store = open_inbox(protocol, {}, None).store
    return tuple(_received(store, domain, file, received_at, now) for file in files)


def _received(store: DeliveryStore, domain: str, file: Path, received_at: datetime, now: datetime) -> Receipt:
    try:
        return store.take_in(domain, file.name, file.read_bytes(), received_at=received_at, recorded_at=now)
    except OSError as error:
        raise UsageError(f"{file}: found that it cannot be taken in ({error.strerror})") from error


def feed_location(source: FeedSource, protocol: StudyProtocol, feeds: str | None) -> str:
    """Return where a feed lies: in the given folder, at its own URL, or beside the protocol."""
    if feeds is not None:
        return str(Path(feeds) / Path(source.path).name)
    return source.path if "://" in source.path else str(protocol.folder / source.path)


def _cutoff(asked: datetime | None) -> datetime:
    moment = asked or datetime.now(UTC)
    if moment.tzinfo is None:
        raise UsageError(f"data cut-off: found {moment.isoformat()} without a zone; allowed: an offset or Z")
    return moment.astimezone(UTC).replace(microsecond=0)


def _read_feeds(
    inbox: Inbox, cutoff: datetime, *, arriving: bool
) -> Mapping[str, tuple[DeliveredTable, ...]]:
    arrived = {}
    for domain in inbox.protocol.feeds.by_domain():
        arrived[domain.lower()] = read = tasks.read(domain, inbox, cutoff, arriving=arriving)
        LOGGER.info("Read %s: %s", domain, _read(domain, read))
    return arrived


def _read(domain: str, read: Sequence[DeliveredTable]) -> str:
    """Say how much was read, unless that would tell how many were treated."""
    if any(one.table is None for one in read) or not read:
        return "cannot be read"
    rows = sum(one.delivery.rows for one in read)
    return "not counted" if domain in UNCOUNTED else f"{rows:,} rows"


def _remember_and_tell(look: Look, out: Path, settings: Settings, reason: str) -> LookOutcome:
    """Record the verdict with its alerts, write the page, and only then try to deliver."""
    document = build_document(look)
    ledger, remembered = _remember(look, document, out, settings, reason)
    document["signals"] = [asdict(signal) | {"state": str(signal.state)} for signal in remembered.signals]
    document["ledger"] = None if remembered.head is None else _head(remembered.head)
    document["delivery"] = {"outcome": "pending"}
    report = tasks.render(look, document, out)  # before any message that names it
    if ledger is not None:
        outcome, problem = _tell(look, ledger, settings)
        remembered = replace(remembered, problem=problem)
        document["delivery"] = {"outcome": outcome}
    else:
        looked = _looked(document, look, out)
        outcome = tasks.tell_past_ledger(looked, look.protocol, settings, datetime.now(UTC))
        document["delivery"] = {"outcome": outcome, "recorded": False}
    report = tasks.render(look, document, out)
    return LookOutcome(document, report, _exit_code(look, document, remembered), remembered.problem)


def _tell(look: Look, ledger: Ledger, settings: Settings) -> tuple[str, str | None]:
    """Tell what is due; a ledger that cannot take the receipts must not hide the verdict."""
    try:
        return tasks.tell(ledger, look.protocol, settings, datetime.now(UTC)), None
    except LedgerWriteError as error:
        LOGGER.error("The ledger could not be written: %s", error)
        return "failed", str(error)


def _remember(
    look: Look, document: Mapping[str, Any], out: Path, settings: Settings, reason: str
) -> tuple[Ledger | None, Remembered]:
    study = look.protocol.study.id
    try:
        ledger = Ledger(settings.state_url, key=settings.ledger_key)
        previous = ledger.newest_look(study, look.data_cutoff)
        signals = update_signals(_signals(previous), look.results, study)
        told = {**document, "signals": [asdict(signal) | {"state": str(signal.state)} for signal in signals]}
        now, looked = datetime.now(UTC), _looked(told, look, out)
        decision = partial(alerts_of_look, looked=looked, protocol=look.protocol, now=now)
        head = ledger.record_look(study, _payload(told, reason, now), decision=decision, now=now)
        return ledger, Remembered(signals, head, None)
    except LedgerWriteError as error:
        LOGGER.error("The ledger could not be written: %s", error)
        return None, Remembered(update_signals((), look.results, study), None, str(error))


def _looked(told: Mapping[str, Any], look: Look, out: Path) -> Looked:
    """Return what the look's alerts are decided from."""
    signals = {signal["rule"]: signal["state"] for signal in told["signals"]}
    return Looked(look_facts(told, look.protocol), signals, look.changes, str(out / "report.html"))


def _payload(told: Mapping[str, Any], reason: str, now: datetime) -> Mapping[str, Any]:
    """Return what the ledger keeps of a look: hashes, verdict, signals, why it was made, and when."""
    pure = {name: value for name, value in told.items() if name != "signals"}
    return {
        "at": instant(now),
        "look_id": told["look_id"],
        "look_sha256": hashlib.sha256(canonical(pure).encode()).hexdigest(),
        "data_cutoff": told["data_cutoff"],
        "verdict": told["verdict"],
        "protocol_sha256": told["protocol_sha256"],
        "code_version": told["code_version"],
        "feeds": {feed["domain"]: feed["sha256"] for feed in told["feeds"]},
        "feed_faults": feed_faults(told["feeds"]),
        "signals": told["signals"],
        "reason": reason,
    }


def _signals(previous: Mapping[str, Any] | None) -> tuple[Signal, ...]:
    kept = () if previous is None else previous["signals"]
    return tuple(Signal(one["id"], one["rule"], SignalState(one["state"]), one["events"]) for one in kept)


def _head(head: Head) -> Mapping[str, Any]:
    return {"sequence": head.sequence, "head_sha256": head.sha256}


def _exit_code(look: Look, document: Mapping[str, Any], remembered: Remembered) -> int:
    """Return the verdict's exit code, unless something that must be mended hides behind a quieter one."""
    if look.verdict is Verdict.SIGNAL:
        return EXIT_CODES[Verdict.SIGNAL]
    if remembered.problem is not None:
        return LedgerWriteError.exit_code
    if document["delivery"]["outcome"] == "failed":
        return DeliveryError.exit_code
    unreadable = any(feed.outcome == "error" for feed in untrusted_feeds(look.validation.feeds))
    if look.verdict is Verdict.NOT_ASSESSABLE and unreadable:
        return FeedError.exit_code
    return EXIT_CODES[look.verdict]
