"""Replay a study: the same look at each past data cut-off, with the data as they were known then."""

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from checks.errors import UsageError
from checks.looks import code_version
from checks.protocol import load_protocol
from checks.stamps import stamp
from flows.clocks import reckoned, refuse_future
from flows.feeds import open_inbox
from flows.files import clear_leftovers, write_whole
from flows.inert import inert_line
from flows.ledger import canonical
from flows.looks.custody import contradictions
from flows.looks.files import write_json
from flows.looks.replay.answer import answer_rules
from flows.looks.replay.history import History, entry_of, read_history
from flows.looks.replay.journal import Due, Header, Kept, journal, read_kept
from flows.looks.replay.schedule import DEFAULT_EVERY, Schedule, day_of, parse_every, whole_schedule
from flows.looks.study import open_study
from flows.own_folder import require_own, require_place
from flows.pages.replay import Entry, ReplayDocument, replay_table
from flows.settings import protocol_path

LOGGER = logging.getLogger("postdose")
SCHEMA = "postdose/replay/1"
PROGRESS_SECONDS = 5.0

LOOKS, REPLAY, TABLE = "looks.jsonl", "replay.json", "replay.txt"
OF_A_REPLAY = (LOOKS, REPLAY, TABLE)
"""The files of a replay: each look as it is made, and what they come to."""

EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any receipt: without a last cut-off everything on record is read."""


@flow(name="replay study", persist_result=False)
def replay_study(
    study: str,
    first: datetime | None = None,
    last: datetime | None = None,
    every: str = DEFAULT_EVERY,
    feeds: str | None = None,
    out: str | None = None,
    *,
    allow_future: bool = False,
) -> State[ReplayDocument]:
    """Look again at each past data cut-off; no alert is sent, and the ledger is not touched.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        first: The first data cut-off; by default the day of the first dose.
        last: The latest data cut-off there may be; by default when everything that is known was known.
        every: The time between two looks: 30min, 6h, 1d.
        feeds: A folder to read the feeds from as they are found there, in place of the deliveries on record.
        out: The folder of the replay's files; by default ``replay/STUDY`` beside the protocol.
        allow_future: Whether data cut-offs may be among them that are still to come.
    """
    opened, now = open_study(study, os.environ), datetime.now(UTC)
    first, last = _asked(first, last, now, allow_future=allow_future)
    protocol, by = opened.protocol, last or EVER
    if out:
        require_place(Path(out))
        require_own(Path(out), protocol, OF_A_REPLAY, told_by=LOOKS)
    history = read_history(opened, feeds, by=by, now=now)
    if feeds is None:
        for one in contradictions(opened.inbox(), opened.ledger_that_is, now):
            LOGGER.error("%s", one.said)
    schedule = _schedule(history, first, last, parse_every(every))
    folder = Path(out) if out else protocol.folder / "replay" / protocol.study.id
    clear_leftovers([folder])
    document = replay(history, schedule, folder)
    return Completed(message=f"{document['looks']} looks", data=document)


def run_replay(
    study: str,
    *,
    first: datetime | None,
    last: datetime | None,
    every: str,
    feeds: str | None,
    out: str | None,
    as_json: bool,
    allow_future: bool = False,
) -> int:
    """Replay a study and print what delayed each rule; return the command's exit code.

    Raises
    ------
    PostdoseError
        As the stages of a look do: a protocol with problems, times that cannot be used.
    """
    protocol = load_protocol(protocol_path(study, os.environ))
    if feeds is not None and not open_inbox(protocol, {}, feeds).finds_any():
        raise UsageError(f"--feeds {feeds}: found no feed there; allowed: a folder that holds the feeds")
    between = parse_every(every)
    first, last = _asked(first, last, datetime.now(UTC), allow_future=allow_future)
    if first is not None and last is not None:
        Schedule(first, last, between)
    try:
        state = replay_study(
            study, first, last, every, feeds, out, allow_future=allow_future, return_state=True
        )
    except KeyboardInterrupt:
        print("The looks made are kept: the same command goes on after them.", file=sys.stderr)
        raise
    document = cast(ReplayDocument, state.result())
    print(
        inert_line(json.dumps(document, indent=1, ensure_ascii=False)) if as_json else replay_table(document)
    )
    return 0


def _asked(
    first: datetime | None, last: datetime | None, now: datetime, *, allow_future: bool
) -> tuple[datetime | None, datetime | None]:
    """Return the first and the latest data cut-off asked for, in UTC; none to come unless that is allowed."""
    asked = {"--from": first, "--to": last}
    known = {what: None if moment is None else reckoned(moment, what) for what, moment in asked.items()}
    for what, moment in known.items():
        if moment is not None and not allow_future:
            refuse_future(moment, now, what)
    return known["--from"], known["--to"]


def _schedule(history: History, first: datetime | None, last: datetime | None, every: timedelta) -> Schedule:
    """Return the schedule asked for; what is not said is taken from all that is known by now."""
    if first is not None and last is not None:
        return Schedule(first.astimezone(UTC), last.astimezone(UTC), every)
    whole = history.look(last or datetime.now(UTC).replace(microsecond=0))
    doses = whole.doses["start_earliest"]
    if first is None and not len(doses):
        raise UsageError("--from: found nothing, and no dose that is known by now; allowed: a data cut-off")
    begins = day_of(doses.min().to_pydatetime()) if first is None else first.astimezone(UTC)
    if last is not None:
        return Schedule(begins, last.astimezone(UTC), every)
    known = history.deliveries.known_at(whole.data_cutoff).feeds.values()
    received = [delivery.received_at for feed in known for delivery in feed.deliveries]
    latest = [feed.latest for feed in whole.feeds]
    complete = max(moment for moment in (begins, *received, *latest) if moment is not None)
    return whole_schedule(begins, complete, every)


def replay(history: History, schedule: Schedule, folder: Path) -> ReplayDocument:
    """Look at every data cut-off of a schedule, and write ``looks.jsonl``, ``replay.json`` and ``replay.txt``.

    Returns
    -------
    ReplayDocument
        What ``replay.json`` holds: the schedule, when each verdict was first reached, and of each rule when it
        first could have fired, what delayed it, and what it lacked.
    """
    protocol = history.protocol
    header: Header = {
        "schema": SCHEMA,
        "study": protocol.study.id,
        "protocol_sha256": protocol.sha256,
        "code_version": code_version(),
        "first": stamp(schedule.first),
        "every_minutes": schedule.every // timedelta(minutes=1),
    }
    entries = _looks(history, schedule, header, folder / LOOKS)
    lines = "".join(canonical(entry) + "\n" for entry in entries)
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry["verdict"], entry["data_cutoff"])
    document: ReplayDocument = {
        "schema": header["schema"],
        "study": header["study"],
        "simulated": protocol.study.simulated,
        "protocol_sha256": header["protocol_sha256"],
        "code_version": header["code_version"],
        "deliveries_sha256": entries[-1]["deliveries_sha256"],
        "schedule": {
            "first": header["first"],
            "last": entries[-1]["data_cutoff"],
            "every_minutes": header["every_minutes"],
        },
        "looks": len(entries),
        "looks_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "first_verdicts": first,
        "rules": answer_rules(entries, history),
    }
    write_json(folder / REPLAY, document)
    write_whole(folder / TABLE, replay_table(document).encode("ascii"))
    return document


def _looks(history: History, schedule: Schedule, header: Header, path: Path) -> Sequence[Entry]:
    """Make every look that an earlier start did not leave, and keep each at once."""
    cutoffs = list(schedule.cutoffs())
    due = [Due(stamp(cutoff), history.deliveries_sha256(cutoff)) for cutoff in cutoffs]
    kept = read_kept(path, header, due)
    _say_kept(kept, len(cutoffs))
    entries = list(kept.entries)
    began = said = time.monotonic()
    with journal(path, header, kept) as keep:
        for cutoff, one in list(zip(cutoffs, due, strict=True))[len(entries) :]:
            summary = entry_of(history.look(cutoff))
            entries.append(keep({"deliveries_sha256": one.deliveries_sha256, **summary}))
            now, left = time.monotonic(), len(cutoffs) - len(entries)
            if now - said >= PROGRESS_SECONDS or not left:
                each, said = (now - began) / (len(entries) - len(kept.entries)), now
                _say_progress(len(entries), left, each)
    return entries


def _say_kept(kept: Kept, looks: int) -> None:
    if kept.reason is not None:
        LOGGER.info("Beginning anew: %s." if not kept.entries else "Not all looks hold: %s.", kept.reason)
    if kept.entries:
        LOGGER.info("Going on after %s of %s looks made before.", f"{len(kept.entries):,}", f"{looks:,}")


def _say_progress(done: int, left: int, seconds: float) -> None:
    rest = timedelta(seconds=round(seconds * left))
    LOGGER.info("%s of %s looks, %.2f s a look, %s left", f"{done:,}", f"{done + left:,}", seconds, rest)
