"""The course of a replay, and its files: a line for each look as it is made, and the answer at the end."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from checks.instants import stamp
from checks.knowledge import Deliveries
from checks.looks import code_version, make_ready
from checks.protocol import StudyProtocol
from flows.ledger import canonical
from flows.looks.files import write_json
from flows.looks.reading import Delivered
from flows.looks.replay.answer import answer_rules
from flows.looks.replay.journal import Due, Header, Journal, Kept, read_kept
from flows.looks.replay.looks import Looker, entry_of
from flows.looks.replay.received import Received
from flows.looks.replay.schedule import Schedule
from flows.pages.replay import replay_table
from flows.pages.replay_document import Entry, ReplayDocument

LOGGER = logging.getLogger("postdose")
SCHEMA = "postdose/replay/1"
PROGRESS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Course:
    """A study with all its deliveries, ready to be looked at again."""

    looker: Looker
    received: Received
    deliveries: Deliveries

    @classmethod
    def of(cls, protocol: StudyProtocol, delivered: Delivered) -> Self:
        """Make the deliveries of a study ready."""
        return cls(Looker(protocol), Received(delivered), make_ready(delivered, protocol))


def replay(course: Course, schedule: Schedule, folder: Path) -> ReplayDocument:
    """Look at every data cut-off of a schedule, and write ``looks.jsonl``, ``replay.json`` and ``replay.txt``.

    Returns
    -------
    ReplayDocument
        What ``replay.json`` holds: the schedule, when each verdict was first reached, and of each rule when it
        first could have fired, what delayed it, and what it lacked.
    """
    entries = _looks(course, schedule, folder / "looks.jsonl")
    document = _document(course, schedule, entries)
    write_json(folder / "replay.json", document)
    (folder / "replay.txt").write_text(replay_table(document), encoding="ascii")
    return document


def _looks(course: Course, schedule: Schedule, path: Path) -> list[Entry]:
    """Make every look that an earlier start did not leave, and keep each at once."""
    protocol = course.looker.protocol
    header: Header = {
        "schema": SCHEMA,
        "study": protocol.study.id,
        "protocol_sha256": protocol.sha256,
        "code_version": code_version(),
        "first": stamp(schedule.first),
        "every_minutes": schedule.every // timedelta(minutes=1),
    }
    cutoffs = list(schedule.cutoffs())
    due = [Due(stamp(cutoff), course.received.by(cutoff)) for cutoff in cutoffs]
    kept = read_kept(path, header, due)
    _say_kept(kept, len(cutoffs))
    entries = list(kept.entries)
    progress = Progress(len(cutoffs), len(entries))
    with Journal(path, header, kept) as journal:
        for cutoff, one in list(zip(cutoffs, due, strict=True))[len(entries) :]:
            look = course.looker.look(course.deliveries.known_at(cutoff), cutoff)
            entry: Entry = {"deliveries_sha256": one.deliveries_sha256, **entry_of(look)}
            entries.append(journal.append(entry))
            progress.tell(len(entries))
    return entries


def _document(course: Course, schedule: Schedule, entries: Sequence[Entry]) -> ReplayDocument:
    """Return ``replay.json``: what the replay says of each verdict and each rule."""
    protocol = course.looker.protocol
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry["verdict"], entry["data_cutoff"])
    lines = "".join(canonical(entry) + "\n" for entry in entries)
    return {
        "schema": SCHEMA,
        "study": protocol.study.id,
        "simulated": protocol.study.simulated,
        "protocol_sha256": protocol.sha256,
        "code_version": code_version(),
        "deliveries_sha256": entries[-1]["deliveries_sha256"],
        "schedule": {
            "first": stamp(schedule.first),
            "last": entries[-1]["data_cutoff"],
            "every_minutes": schedule.every // timedelta(minutes=1),
        },
        "looks": len(entries),
        "looks_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "first_verdicts": first,
        "rules": answer_rules(entries, course.looker, course.deliveries),
    }


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
