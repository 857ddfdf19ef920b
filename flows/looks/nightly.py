"""The nightly check that the record holds: the chain verifies, recent looks come out again, the monitor lives.

A look is a function of protocol, deliveries and data cut-off. So those of the last days are made again from the
delivery store, by the code of a replay, and must have the hash that the ledger kept of them.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from checks.errors import LedgerBrokenError
from checks.looks import code_version
from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.feeds import DeliveryStore
from flows.heartbeat import RECORD_BROKEN, monitor_causes
from flows.ledger import Kind, Ledger, LookPayload, NightPayload, Record
from flows.looks.artifacts import show_night
from flows.looks.reading import read_delivered
from flows.looks.replay.history import History, entry_of
from flows.looks.study import Study, open_study, run_named
from flows.pages.kit.words import plural

DAYS: Final = 3
"""Nights in a row that make each look again: one that was missed, or failed, is made up for."""

MOST_LOOKS: Final = 500
"""Three days of a look every ten minutes and some more; at half a second each, a few minutes of the night."""


@flow(name="check record", flow_run_name=run_named("nightly check"), persist_result=False)
def check_record(study: str) -> State[tuple[str, ...]]:
    """Verify the ledger, make the looks of the last days again, and take the monitor's pulse.

    What was found is a record of the ledger. When the record does not hold the run fails, with every problem in its
    message, and an alert of it is due; what else ails the monitor is alerted in its own time, and listed.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
    """
    opened, now = open_study(study, os.environ), datetime.now(UTC)
    protocol, ledger = opened.protocol, opened.ledger()
    records = ledger.records(opened.id, Kind.LOOK)
    looks = recent_looks(records, protocol, now, kept=_kept(opened.inbox().store, now))
    problems = (*_chain(ledger), *looks_that_differ(looks, opened, now))
    causes = monitor_causes(ledger.seen(opened.id, now), protocol, now)
    ailments = tuple(cause.said for cause in causes if cause.about != RECORD_BROKEN)  # as of the night before
    found: NightPayload = {"at": stamp(now), "looks_made_again": len(looks), "problems": list(problems)}
    ledger.record(opened.id, Kind.NIGHT, found)
    show_night(protocol, problems, ailments, looks=len(looks), now=now)
    if problems:
        return Failed(name="does not hold", message=" ".join(problems))
    said = (f"{plural(len(looks), 'look')} made again.", *ailments)
    return Completed(name="holds", message=" ".join(said), data=ailments)


def recent_looks(
    records: tuple[Record, ...], protocol: StudyProtocol, now: datetime, *, kept: frozenset[str]
) -> tuple[LookPayload, ...]:
    """Return the looks of the last days that can be made again, newest first.

    Those of another protocol or code cannot, nor one that met a feed it could not read, nor one that read files as
    found: they saw what the delivery store does not hold, ``kept`` by SHA-256. ``records`` begin with the oldest.
    """
    since = now - timedelta(days=DAYS)
    found = [
        look
        for look in (record.read(LookPayload) for record in records if record.kind == Kind.LOOK)
        if since <= datetime.fromisoformat(look["data_cutoff"]) <= now
        and look["protocol_sha256"] == protocol.sha256
        and look["code_version"] == code_version()
        and all(fault["fault"] != "blocked" for fault in look.get("feed_faults", {}).values())
        and any(sha256 in kept for feed in look["feeds"].values() for sha256 in feed)
    ]
    return tuple(reversed(found[-MOST_LOOKS:]))


def looks_that_differ(looks: tuple[LookPayload, ...], study: Study, now: datetime) -> Iterator[str]:
    """Make looks again from the delivery store, and yield a sentence for each that comes out otherwise."""
    if not looks:
        return
    history = History.of(study.protocol, read_delivered(study.protocol, study.settings, None, by=now))
    for look in looks:
        cutoff = datetime.fromisoformat(look["data_cutoff"])
        again = entry_of(history.look(cutoff))
        if again["look_sha256"] != look["look_sha256"]:
            yield f"Look {look['look_id']} of {look['data_cutoff']} does not come out again from the deliveries kept."


def _kept(store: DeliveryStore, now: datetime) -> frozenset[str]:
    return frozenset(one.sha256 for domain in store.domains() for one in store.receipts(domain, by=now))


def _chain(ledger: Ledger) -> Iterator[str]:
    try:
        ledger.verify()
    except LedgerBrokenError as error:
        yield f"The ledger does not verify: {error}."
