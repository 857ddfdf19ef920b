"""The nightly check that the record holds: the chain verifies, recent looks come out again, the monitor lives.

A look is a function of protocol, deliveries and data cut-off. So those of the last days are made again from the
delivery store, by the code of a replay, and must have the hash and the verdict that the ledger kept of them, and be
what was told. The outbox, the files of every look and the heads kept beside the study are compared as well.
"""

import hashlib
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from checks.errors import LedgerBrokenError, LedgerWriteError
from checks.looks import Look, code_version
from checks.protocol import StudyProtocol
from checks.signals import standing_of
from checks.stamps import stamp
from flows.feeds import DeliveryStore, Receipt
from flows.heartbeat import RECORD_BROKEN, monitor_causes
from flows.ledger import EvidencePayload, Kind, Ledger, LookPayload, NightPayload, Record, canonical
from flows.ledger.heads import heads_that_differ
from flows.looks.artifacts import show_night
from flows.looks.conclusion import signals_on_record
from flows.looks.custody import Place, held_against_record, on_record
from flows.looks.kept_files import files_that_differ
from flows.looks.replay.history import read_history
from flows.looks.study import Study, open_study, run_named
from flows.pages.kit.words import plural
from flows.pages.message import look_facts

DAYS: Final = 3
"""Nights in a row that make each look again: one that was missed, or failed, is made up for."""

MOST_NAMED: Final = 20
"""Problems that an alert names: more than a screen is not read."""

SETTLED: Final = 10.0
"""Seconds after which the files of a look are on record: it writes them in one or two."""

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
    try:
        found, ailments = findings_of_night(opened, opened.ledger(), now)
    except LedgerWriteError as error:  # there is no record then to write of it
        return Failed(name="does not hold", message=f"The ledger cannot be read or written: {error}")
    problems, looks = found["problems"], found["looks_made_again"]
    show_night(opened.protocol, problems, ailments, looks=looks, now=now)
    if problems:
        return Failed(name="does not hold", message=" ".join(problems))
    others = found.get("looks_not_made_again", 0)
    said = [f"{plural(looks, 'look')} made again.", *ailments]
    if others:
        said.append(f"{plural(others, 'look')} of these days cannot be made again as things are.")
    return Completed(name="holds", message=" ".join(said), data=ailments)


def findings_of_night(opened: Study, ledger: Ledger, now: datetime) -> tuple[NightPayload, tuple[str, ...]]:
    """Record what does not hold, and return it with what else ails the monitor."""
    protocol = opened.protocol
    records = ledger.sound(opened.id, Kind.LOOK)
    told = _told(ledger, opened.id, records)
    recorded = {place: one.sequence for place, one in on_record(ledger, opened.id).items()}
    looks = recent_looks(records, protocol, now, kept=_kept(opened.inbox().store, now), recorded=recorded)
    compared: Mapping[str, Callable[[], Iterable[str]]] = {
        "the ledger": partial(_chain, ledger),
        "the looks of these days": partial(looks_that_differ, looks, opened, now, told=told),
        "what was told of them": partial(_told_otherwise, records, now, told),
        "the deliveries": partial(_deliveries, opened, now),
        "the heads beside the study": partial(heads_that_differ, ledger, protocol.folder, opened.id),
        "the files of looks": partial(_files, ledger, protocol),
    }
    problems = [*compare_each(compared)]
    more = len(problems) - MOST_NAMED
    problems = [*problems[:MOST_NAMED], *([f"And {more:,} more."] if more > 0 else [])]
    found: NightPayload = {
        "at": stamp(now),
        "looks_made_again": len(looks),
        "looks_not_made_again": len(_of_these_days(records, now)) - len(looks),
        "problems": problems,
    }
    ledger.record(opened.id, Kind.NIGHT, found)
    causes = monitor_causes(ledger.seen(opened.id, now), protocol, now)
    return found, tuple(cause.said for cause in causes if cause.about != RECORD_BROKEN)


def compare_each(compared: Mapping[str, Callable[[], Iterable[str]]]) -> Iterator[str]:
    """Yield what each comparison finds, as sentences; one that meets what nobody foresaw hinders no other."""
    for what, compare in compared.items():
        try:
            found = [*compare()]
        except LedgerWriteError:
            raise
        except Exception as error:  # whatever another hand made of it
            found = [f"{what} cannot be compared ({type(error).__name__})"]
        yield from (f"{one[0].upper()}{one[1:]}." for one in found)


@dataclass(frozen=True, slots=True)
class Again:
    """A look on record that can be made again, and the deliveries, by their labels, that it cannot have seen."""

    look: LookPayload
    unseen: frozenset[str] = frozenset()


def recent_looks(
    records: Sequence[Record],
    protocol: StudyProtocol,
    now: datetime,
    *,
    kept: Sequence[Receipt],
    recorded: Mapping[Place, int],
) -> tuple[Again, ...]:
    """Return the looks of the last days that can be made again, newest first.

    Those of another protocol or code cannot, nor one that met a feed it could not read, nor one that read files as
    found: they saw what the delivery store does not hold. Nor can one of before a person dated a receipt anew.
    ``kept`` are the store's receipts, ``recorded`` are the sequences of the deliveries' records, and ``records``
    those of looks, the oldest first.
    """
    hashes = {one.sha256 for one in kept}
    dated = [
        (one.received_at, decision.at) for one in kept for decision in one.decisions if decision.received_at
    ]
    found = [
        Again(look, _unseen(look, record.sequence, kept, recorded))
        for record, look in _of_these_days(records, now)
        if look["protocol_sha256"] == protocol.sha256
        and look["code_version"] == code_version()
        and not look.get("as_found")
        and all(fault["fault"] != "blocked" for fault in look.get("feed_faults", {}).values())
        and any(look["feeds"].values())
        and hashes.issuperset(sha256 for feed in look["feeds"].values() for sha256 in feed)
        and not any(
            stamp(received) <= look["data_cutoff"] and look.get("at", "") < stamp(at)
            for received, at in dated
        )
    ]
    return tuple(reversed(found[-MOST_LOOKS:]))


def _unseen(
    look: LookPayload, sequence: int, kept: Sequence[Receipt], recorded: Mapping[Place, int]
) -> frozenset[str]:
    """Return which deliveries of a look's time came later than its record: whoever tells it earlier excuses no look.

    One whose own record came later, and that the look's record names, had been read all the same.
    """
    late = (one for one in kept if recorded.get((one.domain, one.number), math.inf) > sequence)
    return frozenset(
        one.label
        for one in late
        if stamp(one.received_at) <= look["data_cutoff"]
        and one.sha256 not in look["feeds"].get(one.domain, ())
    )


def _of_these_days(records: Sequence[Record], now: datetime) -> Sequence[tuple[Record, LookPayload]]:
    looks = [(record, record.read(LookPayload)) for record in records if record.kind == Kind.LOOK]
    since = now - timedelta(days=DAYS)
    return [one for one in looks if since <= datetime.fromisoformat(one[1]["data_cutoff"]) <= now]


@dataclass(frozen=True, slots=True)
class ToldOfLooks:
    """What was told of looks: facts on record by the text of the look's record, verdicts of messages by look."""

    facts: Mapping[str, Mapping[str, object]]
    verdicts: Mapping[str, frozenset[str]]


def looks_that_differ(
    looks: Sequence[Again], study: Study, now: datetime, *, told: ToldOfLooks
) -> Iterator[str]:
    """Make looks again from the delivery store, and yield a sentence for each that comes out otherwise.

    Not by its hash alone: whoever rewrites a record with its hash leaves the deliveries, or what was told.
    """
    for unseen in dict.fromkeys(one.unseen for one in looks):
        history = read_history(study, None, by=now, now=now, unseen=unseen)
        for look in (one.look for one in looks if one.unseen == unseen):
            again = history.look(datetime.fromisoformat(look["data_cutoff"]))
            other = tuple(_otherwise(look, again, told))
            if other:
                named = f"Look {look['look_id']} of {look['data_cutoff']}"
                yield f"{named} does not come out again from the deliveries kept: {'; '.join(other)}"


def _otherwise(look: LookPayload, again: Look, told: ToldOfLooks) -> Iterator[str]:
    """Yield what is on record of a look, or was told of it, otherwise than it comes out again."""
    document = again.document()
    if hashlib.sha256(canonical(document).encode()).hexdigest() != look["look_sha256"]:
        yield "its hash is another"
    if document["verdict"] != look["verdict"]:
        yield f"its verdict is {document['verdict']}, on record {look['verdict']!a}"
    signals = signals_on_record(look, frozenset())
    standing = standing_of(again.verdict, signals)
    if standing != look.get("standing", standing):
        yield f"what stands is {standing}, on record {look.get('standing')!a}"
    crossed = {rule.id for rule in again.rules if rule.verdict == "crossed"}
    if unsaid := crossed - {signal.rule for signal in signals}:
        yield f"no signal is on record of {', '.join(sorted(unsaid))}"
    facts = told.facts.get(canonical(look))
    document["standing"], document["signals"] = standing.value, look["signals"]
    if facts is not None and canonical(asdict(look_facts(document, again.protocol))) != canonical(facts):
        yield "what is on record as told of it is not what it says"


def _told_otherwise(records: Sequence[Record], now: datetime, told: ToldOfLooks) -> Iterator[str]:
    """Yield each look of the last days, made again or not, of which a message said what none of its records does."""
    stood: defaultdict[str, set[str]] = defaultdict(set)
    for look in (record.read(LookPayload) for record in records):
        stood[look["look_id"]].add(look.get("standing", look["verdict"]))
    for name in dict.fromkeys(look["look_id"] for _, look in _of_these_days(records, now)):
        if other := told.verdicts.get(name, frozenset()) - stood[name]:
            said = " and ".join(ascii(one) for one in sorted(other))
            yield f"a message of look {name} said {said}, which no record of it says"


def _told(ledger: Ledger, study: str, records: Sequence[Record]) -> ToldOfLooks:
    """Return what was told of a study's looks; a look's facts are the record behind its own."""
    behind = {record.sequence: record for record in ledger.sound(study, Kind.EVIDENCE)}
    facts = {
        record.text: behind[record.sequence + 1].read(EvidencePayload)["facts"]
        for record in records
        if record.sequence + 1 in behind
    }
    return ToldOfLooks(facts, ledger.outbox.verdicts(study))


def _files(ledger: Ledger, protocol: StudyProtocol) -> tuple[str, ...]:
    """Return which files are not as they were written; asked again lest a look was just writing them."""
    if not any(files_that_differ(ledger, protocol)):
        return ()
    time.sleep(SETTLED)
    return tuple(files_that_differ(ledger, protocol))


def _deliveries(opened: Study, now: datetime) -> Iterator[str]:
    """Yield what is wrong with the deliveries kept, and where they are not as they are on record."""
    inbox = opened.inbox()
    faults = [*inbox.store.foreign_folders(), *held_against_record(inbox, opened.ledger, now)]
    for domain in inbox.store.domains():
        faults += inbox.store.faults(domain, by=now, now=now)
    yield from (one.said for one in faults)


def _kept(store: DeliveryStore, now: datetime) -> tuple[Receipt, ...]:
    return tuple(one for domain in store.domains() for one in store.receipts(domain, by=now))


def _chain(ledger: Ledger) -> Iterator[str]:
    try:
        ledger.verify()
    except LedgerBrokenError as error:
        yield f"the ledger does not verify: {error}"
