"""What would stop a look at one study: its ledger, channels, folders, disk and feeds."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from checks.errors import (
    DeliveryError,
    FeedError,
    LedgerBrokenError,
    LedgerWriteError,
    MissingLedgerError,
    UsageError,
)
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol
from checks.protocol.feeds import FeedSource
from checks.tables import DeliveredTable
from flows.alerts.channels import outboxes, unresolved
from flows.clocks import is_ahead
from flows.doctor.charting import examine_charting
from flows.doctor.finding import Finding, few, ok, stops, unwritable, warning
from flows.feeds import DeliveryStore, Inbox, open_inbox
from flows.files import folder_mode
from flows.ledger import Ledger, Outgoing
from flows.ledger.database import Database, file_of
from flows.ledger.heads import knows_of_a_head, require_known_head
from flows.ledger.schema import is_up_to_date, rehearse_tables, spoilt_guards
from flows.looks.custody import contradictions
from flows.settings import Settings, read_settings

LOW_DISK: Final = 1 << 30
FULL_DISK: Final = 100 << 20
"""Bytes. A look writes a few MB and keeps each delivery, some tens of MB in a large study: 100 MB is one night."""

MOMENTS: Final = ("at", "accessed_at", "data_cutoff")
"""The keys of a record's payload that say when it was made; of an old look, the moment it looked at."""

OTHERS: Final = 0o077
"""The bits of a mode that let anybody but the owner in."""


def examine_study(protocol: StudyProtocol, environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Yield what is found of a study at a moment (UTC)."""
    study = protocol.study.id
    zones = {str(protocol.study.timezone), *map(str, protocol.sites.values())}
    yield ok(study, "protocol", f"no problems; its {len(zones)} time zones load")
    try:
        settings = read_settings(environ, state=None, folder=protocol.folder)
    except UsageError:
        return  # said of the machine already
    yield from _guards(study, settings)
    yield from _ledger(study, settings, now)
    yield from _heads(protocol, settings)
    yield from _channels(protocol, settings)
    yield _folders(protocol, settings)
    yield from _open_to_others(protocol, settings)
    yield _disk(protocol)
    inbox = open_inbox(protocol, settings.addresses, None)
    with inbox.admission.reading():
        read = {domain: inbox.read(domain, by=now) for domain in protocol.feeds.by_domain()}
        for domain, source in protocol.feeds.by_domain().items():
            yield _feed(domain, source, inbox, read[domain], now)
        yield from _deliveries(inbox, settings, now)
        yield from examine_charting(protocol, read, now)


def _ledger(study: str, settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        said, newest = _examine_ledger(settings)
    except (LedgerWriteError, LedgerBrokenError) as error:
        yield stops(study, "ledger", str(error), error)
        return
    yield ok(study, "ledger", said)
    if newest is not None and is_ahead(newest, now):
        said = f"{now:%Y-%m-%dT%H:%MZ}, but the newest record is of {newest:%Y-%m-%dT%H:%MZ}"
        remedy = "Set the clock, unless somebody looked at a data cut-off to come."
        yield warning(study, "clock", said, remedy)
    else:
        yield ok(study, "clock", f"{now:%Y-%m-%dT%H:%MZ}, no record is later")


def _heads(protocol: StudyProtocol, settings: Settings) -> Iterator[Finding]:
    """Say whether looks would go on in this ledger, by the newest head that is known beside the study."""
    study = protocol.study.id
    try:
        require_known_head(Ledger.of(settings, must_exist=True), protocol.folder, study)
    except MissingLedgerError as error:
        if knows_of_a_head(protocol.folder, study):
            said = f"{error}; the newest head known beside the study is of one that is gone"
            yield stops(study, "heads", said, LedgerWriteError, error.remedy)
    except LedgerWriteError as error:
        if knows_of_a_head(protocol.folder, study):
            yield stops(study, "heads", str(error), LedgerWriteError)
    else:
        yield ok(study, "heads", "none is known beside the study that the ledger lacks")


def _guards(study: str, settings: Settings) -> Iterator[Finding]:
    """Say of triggers that somebody has taken away, or put there, before the ledger is opened and they are mended."""
    try:
        database = Database(settings.state_url, must_exist=True)
        lost, foreign = spoilt_guards(database) if is_up_to_date(database) else ((), ())
    except (UsageError, LedgerWriteError):
        return  # said of the ledger
    who = "Verify the ledger, and find out who did so."
    if lost:
        yield warning(
            study,
            "guards",
            f"lost {', '.join(lost)}: records could be changed; opening makes them again",
            who,
        )
    if foreign:
        yield warning(
            study,
            "guards",
            f"found {', '.join(foreign)}, not ours: what is written may be changed or refused",
            who,
        )


def _examine_ledger(settings: Settings) -> tuple[str, datetime | None]:
    """Try all that a look needs of its ledger, each write undone; say what was found, and its newest moment."""
    try:
        database = Database(settings.state_url, must_exist=True)
    except UsageError:
        return "none yet: the first look makes it", None
    current = is_up_to_date(database)
    if not current:
        rehearse_tables(database)
        said = "of an older version: the next look brings it up to date"
        return "none yet: the first look makes it" if current is None else said, None
    ledger = Ledger.of(settings, must_exist=True)
    ledger.rehearse(Outgoing("rehearsal", "console:", {}))
    moments = [_moment(record.payload) for record in ledger.verified()]
    sealed = "" if settings.ledger_key is None else ", with its seals"
    said = f"writable, and the chain of {len(moments):,} records holds{sealed}"
    return said, max((one for one in moments if one is not None), default=None)


def _moment(payload: Mapping[str, object]) -> datetime | None:
    named = next((str(payload[key]) for key in MOMENTS if key in payload), None)
    return None if named is None else datetime.fromisoformat(named)


def _channels(protocol: StudyProtocol, settings: Settings) -> Iterator[Finding]:
    """Say of each role whether an alert would leave; a role with another channel that works is only warned of."""
    study = protocol.study.id
    if not protocol.alerts.routes:
        yield warning(study, "channels", "no route: nobody would be told", "Add alerts.routes.")
    for route in protocol.alerts.routes:
        problems = unresolved(route.channels, folder=protocol.folder, addresses=settings.addresses)
        said = f"{route.role}: {'; '.join(problems)}"
        remedy = "Mend it, then try it with `postdose alerts route-test`."
        if not problems:
            yield ok(study, "channels", f"{route.role}: {', '.join(route.channels)}")
        elif len(problems) < len(set(route.channels)):
            yield warning(study, "channels", said, remedy)
        else:
            yield stops(study, "channels", f"no alert would reach {said}", DeliveryError, remedy)


def _folders(protocol: StudyProtocol, settings: Settings) -> Finding:
    """Try to write where a look writes: its files, the deliveries it keeps, the ledger, outboxes."""
    study, folder = protocol.study.id, protocol.folder
    channels = (channel for route in protocol.alerts.routes for channel in route.channels)
    targets = [folder / "looks" / study, folder / "deliveries" / study, *outboxes(channels, folder)]
    if (database := file_of(settings.state_url)) is not None:
        targets.append(database.parent)
    refused = [
        f"{target} ({problem})" for target in dict.fromkeys(targets) if (problem := unwritable(target))
    ]
    if not refused:
        return ok(study, "folders", f"{len(set(targets))} can be written")
    remedy = "Let the account that makes the looks write there."
    return stops(study, "folders", f"cannot be written: {'; '.join(refused)}", UsageError, remedy)


def _open_to_others(protocol: StudyProtocol, settings: Settings) -> Iterator[Finding]:
    """Name what others can reach of what was written: closed reports, and all else beyond POSTDOSE_FILE_MODE."""
    study, folder = protocol.study.id, protocol.folder
    looks = folder / "looks" / study
    reached = [str(one) for one in looks.glob("*/closed") if one.stat().st_mode & OTHERS]
    if reached:
        said = f"others can reach the report by arm in {few(reached)}"
        yield warning(study, "closed", said, "Set the mode of the folder to 0700.")
    channels = (channel for route in protocol.alerts.routes for channel in route.channels)
    tops = [looks, folder / "deliveries" / study, *outboxes(channels, folder)]
    if (database := file_of(settings.state_url)) is not None:
        tops.append(database)
    beyond = OTHERS & ~folder_mode()
    wide = [str(one) for one in tops if one.exists() and one.stat().st_mode & beyond]
    if wide:
        remedy = f"Take the rights away: chmod -R {'o=' if folder_mode() & 0o070 else 'go='} PATH."
        yield warning(study, "rights", f"others than is said can reach {few(wide)}", remedy)


def _disk(protocol: StudyProtocol) -> Finding:
    study, free = protocol.study.id, shutil.disk_usage(protocol.folder).free
    said, remedy = (
        f"{free / (1 << 30):.1f} GB free",
        "Make room: looks/ and deliveries/ grow with every look.",
    )
    if free < FULL_DISK:
        return stops(study, "disk", said, UsageError, remedy)
    return warning(study, "disk", said, remedy) if free < LOW_DISK else ok(study, "disk", said)


def _deliveries(inbox: Inbox, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Hold what is kept of every feed against its receipts, and those against the record."""
    study, store = inbox.protocol.study.id, inbox.store
    domains = sorted({*inbox.protocol.feeds.by_domain(), *store.domains()})
    kept = [one for domain in domains for one in store.kept(domain)]
    faults = [one.said for domain in domains for one in store.faults(domain, by=now, now=now)]
    faults += [one.said for one in store.foreign_folders()]
    faults += [one.said for one in contradictions(inbox, partial(Ledger.of, settings, must_exist=True), now)]
    faults += [
        f"{one.label}: found that its content is gone, or not what was received; allowed: the same file, received "
        "again"
        for one in kept
        if one.set_aside is None and not one.has_content()
    ]
    for said in faults:
        yield stops(study, "deliveries", said, FeedError, "See `postdose deliveries list`.")
    aside = [one.label for one in kept if one.set_aside is not None]
    if aside:
        remedy = "Restore with `postdose deliveries restore` what is to be read again."
        yield warning(study, "deliveries", f"set aside, and not read: {few(aside)}", remedy)
    if not faults:
        yield ok(study, "deliveries", f"{len(kept)} kept, each as it was received")


def _feed(
    domain: str, source: FeedSource, inbox: Inbox, read: Sequence[DeliveredTable], now: datetime
) -> Finding:
    """Say whether a look could use a feed: what was ``read`` of those kept, and after it what lies where it arrives.

    An incremental one may have been taken in and away. A file that is kept already is as it stands there: it may be
    set aside.
    """
    study, check = inbox.protocol.study.id, f"feed {domain}"
    kept = {one.sha256 for one in inbox.store.kept(domain)}
    found = _as_it_lies(domain, inbox, now)
    is_gone = not any(one.delivery.sha256 for one in found)
    nothing_new = bool(kept) and is_gone and source.mode == "incremental"
    new = [] if nothing_new else [one for one in found if one.delivery.sha256 not in kept]
    old = [one for one in read if kept and not one.lasting and (one.delivery.sha256 or not new)]
    problem = _problem(domain, inbox.protocol, [*old, *new], now)
    if problem is not None:
        aside = "Ask the sender for the file again, or leave it out with `postdose deliveries set-aside`."
        is_kept = any(one.problem and one.delivery.sha256 for one in old)
        return stops(study, check, problem, FeedError, aside if is_kept else "")
    received = len(inbox.store.receipts(domain, by=now))
    return ok(
        study, check, f"nothing new; {received} deliveries were taken in" if nothing_new else "can be read"
    )


def _as_it_lies(domain: str, inbox: Inbox, now: datetime) -> Sequence[DeliveredTable]:
    """Read a feed where it arrives, as if it were received now."""
    with tempfile.TemporaryDirectory() as nowhere:
        found = replace(inbox, store=DeliveryStore(Path(nowhere))).read(domain, by=now)
    return [replace(one, delivery=replace(one.delivery, received_at=now)) for one in found]


def _problem(
    domain: str, protocol: StudyProtocol, delivered: Sequence[DeliveredTable], now: datetime
) -> str | None:
    """Return the problem of a feed of such deliveries; one that another has followed may be none."""
    if not any(one.problem for one in delivered):
        return None
    problem = Deliveries({domain: delivered}, protocol).known_at(now).feeds[domain.lower()].problem
    return None if problem is None else problem.replace("\n", "; ")
