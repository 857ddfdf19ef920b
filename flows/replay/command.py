"""Replay a study: the same look at each past data cut-off, with the data as they were known then."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from checks.errors import UsageError
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.validation import Judged
from flows.feeds import open_inbox
from flows.ledger import canonical
from flows.monitor import protocol_path
from flows.replay.answer import answer_rules
from flows.replay.journal import Due, Entry, Journal, Kept, read_kept
from flows.replay.looks import Looker, entry_of
from flows.replay.received import Delivered, Received
from flows.replay.schedule import DEFAULT_EVERY, Schedule, day_of, parse_every, whole_schedule
from flows.replay.table import replay_table
from flows.report import instant, write_json
from flows.report.document import code_version
from flows.settings import read_settings

LOGGER = logging.getLogger("postdose")
SCHEMA = "postdose/replay/1"
PROGRESS_SECONDS = 5.0
INTERRUPTED = 130
"""The exit code of a command that an interrupt ended: 128 and the number of SIGINT, as shells have it."""

EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any receipt: without a last cut-off everything on record is read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a replay; times without a value are found from the data."""

    first: datetime | None = None
    last: datetime | None = None
    every: str = DEFAULT_EVERY
    feeds: str | None = None
    out: str | None = None


@flow(name="replay study", persist_result=False)
def replay_study(
    study: str,
    first: datetime | None = None,
    last: datetime | None = None,
    every: str = DEFAULT_EVERY,
    feeds: str | None = None,
    out: str | None = None,
) -> State[dict[str, Any]]:
    """Look again at each past data cut-off; no alert is sent, and the ledger is not touched.

    Parameters
    ----------
    study
        The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
    first, last
        The first data cut-off and the latest there may be; by default the day of the first dose, and when
        everything that is known was known.
    every
        The time between two looks: 30min, 6h, 1d.
    feeds
        A folder to read the feeds from as they are found there, in place of the deliveries on record.
    out
        The folder of the replay's files; by default ``replay/<study>`` beside the protocol.
    """
    protocol = load_protocol(protocol_path(study, os.environ))
    delivered = read_delivered(protocol, feeds, by=EVER if last is None else last)
    looker = Looker(protocol, Judged())
    deliveries = Deliveries(delivered, protocol)
    schedule = _schedule(looker, deliveries, first, last, parse_every(every))
    folder = Path(out) if out else protocol.folder / "replay" / protocol.study.id
    entries = _replay(looker, delivered, deliveries, schedule, folder / "looks.jsonl")
    document = _document(entries, schedule, looker, deliveries)
    write_json(folder / "replay.json", document)
    (folder / "replay.txt").write_text(replay_table(document), encoding="ascii")
    return Completed(message=f"{len(entries)} looks", data=document)


def run_replay(study: str, request: Request, *, as_json: bool) -> int:
    """Replay a study and print what delayed each rule; return the command's exit code.

    Raises
    ------
    PostdoseError
        As the stages of a look do: a protocol with problems, times that cannot be used.
    """
    load_protocol(protocol_path(study, os.environ))
    parse_every(request.every)
    try:
        state = replay_study(
            study,
            first=request.first,
            last=request.last,
            every=request.every,
            feeds=request.feeds,
            out=request.out,
            return_state=True,
        )
    except KeyboardInterrupt:
        LOGGER.info("Interrupted. The looks made are kept: the same command goes on after them.")
        return INTERRUPTED
    document = cast(dict[str, Any], state.result())
    print(json.dumps(document, indent=1, ensure_ascii=False) if as_json else replay_table(document))
    return 0


def read_delivered(protocol: StudyProtocol, feeds: str | None, *, by: datetime) -> Delivered:
    """Return every delivery of a study by domain: those on record, else the files as they are found."""
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    inbox = open_inbox(protocol, settings.addresses, feeds)
    return {domain.lower(): inbox.read(domain, by=by) for domain in protocol.feeds.by_domain()}


def _schedule(
    looker: Looker, deliveries: Deliveries, first: datetime | None, last: datetime | None, every: timedelta
) -> Schedule:
    """Return the schedule asked for; what is not said is taken from all that is known by now."""
    if first is not None and last is not None:
        return Schedule(first.astimezone(UTC), last.astimezone(UTC), every)
    until = last or datetime.now(UTC).replace(microsecond=0)
    feeds = deliveries.known_at(until).feeds
    whole = looker.look(feeds, until)
    doses = whole.findings.doses["start_earliest"]
    if first is None and not len(doses):
        raise UsageError("--from: found nothing, and no dose that is known by now; allowed: a data cut-off")
    begins = day_of(doses.min().to_pydatetime()) if first is None else first.astimezone(UTC)
    if last is not None:
        return Schedule(begins, last.astimezone(UTC), every)
    received = [delivery.received_at for feed in feeds.values() for delivery in feed.deliveries]
    latest = [feed.latest for feed in whole.validation.feeds]
    known = max(moment for moment in (begins, *received, *latest) if moment is not None)
    return whole_schedule(begins, known, every)


def _replay(
    looker: Looker, delivered: Delivered, deliveries: Deliveries, schedule: Schedule, path: Path
) -> list[Entry]:
    """Make every look that an earlier start did not leave, and keep each at once."""
    header = {
        "schema": SCHEMA,
        "study": looker.protocol.study.id,
        "protocol_sha256": looker.protocol.sha256,
        "code_version": code_version(),
        "first": instant(schedule.first),
        "every_minutes": schedule.every // timedelta(minutes=1),
    }
    cutoffs = list(schedule.cutoffs())
    received = Received(delivered)
    due = [Due(instant(cutoff), received.by(cutoff)) for cutoff in cutoffs]
    kept = read_kept(path, header, due)
    _say_kept(kept, len(cutoffs))
    entries = list(kept.entries)
    progress = Progress(len(cutoffs), len(entries))
    with Journal(path, header, kept) as journal:
        for cutoff, one in list(zip(cutoffs, due, strict=True))[len(entries) :]:
            look = looker.look(deliveries.known_at(cutoff).feeds, cutoff)
            entry = {"deliveries_sha256": one.deliveries_sha256, **entry_of(look)}
            journal.append(entry)
            entries.append(entry)
            progress.tell(len(entries))
    return entries


def _say_kept(kept: Kept, looks: int) -> None:
    if kept.reason is not None:
        LOGGER.info("Beginning anew: %s." if not kept.entries else "Not all looks hold: %s.", kept.reason)
    if kept.entries:
        LOGGER.info("Going on after %s of %s looks made before.", f"{len(kept.entries):,}", f"{looks:,}")


class Progress:
    """Says every few seconds how many looks are made, and how long the rest will take."""

    def __init__(self, looks: int, kept: int) -> None:
        self._looks, self._kept = looks, kept
        self._began = self._told = time.monotonic()

    def tell(self, done: int) -> None:
        """Say how far it is, unless that was said a moment ago or it is all done."""
        now = time.monotonic()
        if now - self._told < PROGRESS_SECONDS and done < self._looks:
            return
        self._told = now
        each = (now - self._began) / (done - self._kept)
        left = timedelta(seconds=round(each * (self._looks - done)))
        LOGGER.info("%s of %s looks, %.2f s a look, %s left", f"{done:,}", f"{self._looks:,}", each, left)


def _document(
    entries: Sequence[Entry], schedule: Schedule, looker: Looker, deliveries: Deliveries
) -> dict[str, Any]:
    """Return ``replay.json``: what the replay says of each verdict and each rule."""
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry["verdict"], entry["data_cutoff"])
    lines = "".join(canonical(entry) + "\n" for entry in entries)
    return {
        "schema": SCHEMA,
        "study": looker.protocol.study.id,
        "simulated": "SIMULATED" in (looker.protocol.study.title or ""),
        "protocol_sha256": looker.protocol.sha256,
        "code_version": code_version(),
        "deliveries_sha256": entries[-1]["deliveries_sha256"],
        "schedule": {
            "first": instant(schedule.first),
            "last": entries[-1]["data_cutoff"],
            "every_minutes": schedule.every // timedelta(minutes=1),
        },
        "looks": len(entries),
        "looks_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "first_verdicts": first,
        "rules": answer_rules(entries, looker, deliveries),
    }
