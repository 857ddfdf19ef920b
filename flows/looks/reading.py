"""What a look reads: each feed as it was received, by domain, with all that it says."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from checks.blinding import UNCOUNTED
from checks.errors import FeedError, UsageError
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol
from checks.tables import DeliveredTable, Feed
from flows.feeds import DeliveryStore, Inbox, Receipt, open_inbox
from flows.feeds.inbox import lasting_problem
from flows.feeds.intake import Intake
from flows.feeds.location import file_name
from flows.feeds.receipts import OURSELVES
from flows.feeds.regular import opened_regular
from flows.feeds.store import StoreFault
from flows.looks.custody import held_against_record
from flows.looks.files import clear_interrupted
from flows.looks.stages import as_task
from flows.looks.study import open_study
from flows.pages.kit.words import plural
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")

Delivered = Mapping[str, Sequence[DeliveredTable]]
"""By lower-case domain, the files that arrived."""


def read_feeds(inbox: Inbox, cutoff: datetime, *, arriving: bool, now: datetime) -> Delivered:
    """Read what was received of each feed, after taking in what is arriving; what cannot be read is its problem."""
    arrived = {}
    work = inbox.take_in if arriving else partial(inbox.read, now=now)
    with inbox.admission.reading():
        for domain in inbox.protocol.feeds.by_domain():
            arrived[domain.lower()] = read = as_task("read", work, run_name=f"read {domain}")(domain, cutoff)
            LOGGER.info("Read %s: %s", domain, _said(domain, read))
    return arrived


def with_faults(delivered: Delivered, faults: Sequence[StoreFault]) -> Delivered:
    """Return what was delivered with what is wrong with what is kept of each feed."""
    told = {domain: list(read) for domain, read in delivered.items()}
    for one in faults:
        if one.domain.lower() in told:
            told[one.domain.lower()].append(lasting_problem(one))
    return told


def _said(domain: str, read: Sequence[DeliveredTable]) -> str:
    """Say how much was read, unless that would tell how many were treated, and how many problems there are.

    A delivery that a person set aside is none; one that cannot be read may have been followed by one that can.
    """
    if all(one.table is None for one in read):
        return "cannot be read"
    rows = sum(one.delivery.rows for one in read)
    said = "not counted" if domain in UNCOUNTED else f"{rows:,} rows"
    problems = sum(one.problem is not None for one in read)
    return f"{said}, {plural(problems, 'problem')}" if problems else said


def read_delivered(
    protocol: StudyProtocol,
    settings: Settings,
    feeds: str | None,
    *,
    by: datetime,
    now: datetime | None = None,
    unseen: frozenset[str] = frozenset(),
) -> Delivered:
    """Return every delivery of a study by domain: those on record, else the files as they are found.

    As of an instant; what was received later than ``now``, where that is told, is a fault. Those ``unseen``, by their
    labels, are as if they had not come.
    """
    inbox = open_inbox(protocol, settings.addresses, feeds)
    inbox = replace(inbox, store=inbox.store.without(unseen))
    with inbox.admission.reading():
        return {domain.lower(): inbox.read(domain, by=by, now=now) for domain in protocol.feeds.by_domain()}


def decided_at(store: DeliveryStore, *, by: datetime) -> tuple[datetime, ...]:
    """Return when a person set a delivery aside or restored one, by an instant, oldest first."""
    receipts = (one for domain in store.domains() for one in store.kept(domain))
    decisions = (decision for one in receipts for decision in one.decisions)
    return tuple(sorted({one.at for one in decisions if one.by != OURSELVES and one.at <= by}))


def feeds_of_look(
    protocol: StudyProtocol, settings: Settings, feeds: str | None, data_cutoff: str
) -> Mapping[str, Feed]:
    """Read again, without Prefect, what a look of that data cut-off had read."""
    cutoff = datetime.fromisoformat(data_cutoff)
    return Deliveries(read_delivered(protocol, settings, feeds, by=cutoff), protocol).known_at(cutoff).feeds


def receive_files(
    study: str, domain: str, files: Sequence[Path], *, received_at: datetime, now: datetime
) -> tuple[Receipt, ...]:
    """Take files in as deliveries of one feed of a study, and return their receipts.

    Raises
    ------
    UsageError
        When the protocol has no such feed, a file cannot be read, or it was received later than now.
    """
    opened = open_study(study, os.environ)
    if domain.upper() not in opened.protocol.feeds.by_domain():
        allowed = ", ".join(opened.protocol.feeds.by_domain())
        raise UsageError(f"domain: found {domain!r}; allowed: a feed of the study protocol ({allowed})")
    if received_at > now:
        raise UsageError(f"--received-at: found {received_at.isoformat()}; allowed: a time that has passed")
    inbox = opened.inbox()
    clear_interrupted(opened.protocol, opened.protocol.folder)
    intake = inbox.store.intake(domain, received_at=received_at, recorded_at=now)
    taken = []
    try:
        for file in files:
            taken.append(_received(intake, file, opened.protocol.limits.max_unpacked_bytes))
    finally:
        held_against_record(inbox, opened.ledger, now, taken=taken)
    return tuple(taken)


def _received(intake: Intake, file: Path, most: int) -> Receipt:
    """Take in a regular file that a person names, of ``most`` bytes at most."""
    try:
        with opened_regular(os.path.realpath(file), str(file)) as stream:
            if (size := os.fstat(stream.fileno()).st_size) > most:
                raise UsageError(
                    f"{file}: found {size:,} bytes; allowed: {most:,}, `limits.max_unpacked_bytes`"
                )
            return intake.take(file_name(str(file)), stream.read())
    except FeedError as error:
        raise UsageError(f"{file}: found {error.found}; allowed: a regular file") from error
    except OSError as error:
        raise UsageError(f"{file}: found that it cannot be taken in ({error.strerror})") from error
