"""Replay a study: the same look at each past data cut-off, with the data as they were known then."""

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from checks.errors import UsageError
from checks.protocol import load_protocol
from flows.looks.reading import read_delivered
from flows.looks.replay.course import Course, replay
from flows.looks.replay.schedule import DEFAULT_EVERY, Schedule, day_of, parse_every, whole_schedule
from flows.looks.study import open_study, protocol_path
from flows.pages.replay import replay_table
from flows.pages.replay_document import ReplayDocument

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
) -> State[ReplayDocument]:
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
    opened = open_study(study, os.environ)
    protocol, by = opened.protocol, EVER if last is None else last
    course = Course.of(protocol, read_delivered(protocol, opened.settings, feeds, by=by))
    schedule = _schedule(course, first, last, parse_every(every))
    folder = Path(out) if out else protocol.folder / "replay" / protocol.study.id
    document = replay(course, schedule, folder)
    return Completed(message=f"{document['looks']} looks", data=document)


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
        print("Interrupted. The looks made are kept: the same command goes on after them.", file=sys.stderr)
        return INTERRUPTED
    document = cast(ReplayDocument, state.result())
    print(json.dumps(document, indent=1, ensure_ascii=False) if as_json else replay_table(document))
    return 0


def _schedule(course: Course, first: datetime | None, last: datetime | None, every: timedelta) -> Schedule:
    """Return the schedule asked for; what is not said is taken from all that is known by now."""
    if first is not None and last is not None:
        return Schedule(first.astimezone(UTC), last.astimezone(UTC), every)
    until = last or datetime.now(UTC).replace(microsecond=0)
    known = course.deliveries.known_at(until)
    whole = course.looker.look(known, until)
    doses = whole.doses["start_earliest"]
    if first is None and not len(doses):
        raise UsageError("--from: found nothing, and no dose that is known by now; allowed: a data cut-off")
    begins = day_of(doses.min().to_pydatetime()) if first is None else first.astimezone(UTC)
    if last is not None:
        return Schedule(begins, last.astimezone(UTC), every)
    received = [delivery.received_at for feed in known.feeds.values() for delivery in feed.deliveries]
    latest = [feed.latest for feed in whole.feeds]
    complete = max(moment for moment in (begins, *received, *latest) if moment is not None)
    return whole_schedule(begins, complete, every)
