"""The custody of deliveries: what was taken in is put on record in the ledger, and the store is held against it.

Whoever can write to the folder of the deliveries can date a receipt anew or take it away. The chain has each, so
that what it contradicts is told. A receipt that could not be recorded when it was taken in is recorded later.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from checks.errors import FeedError, LedgerWriteError, UsageError
from checks.stamps import stamp
from flows.clocks import is_ahead
from flows.feeds import DeliveryStore, Inbox, Receipt
from flows.feeds.readers import ENDINGS
from flows.feeds.receipts import OURSELVES, Decision
from flows.feeds.store import StoreFault
from flows.ledger import DecisionPayload, DeliveryPayload, Entry, Kind, Ledger, ReceivedPart, Record
from flows.ledger.heads import require_known_head

LOGGER = logging.getLogger("postdose")

NAMED: Final = 3
"""Deliveries of which one thing is told are named up to so many, and the others counted."""

KINDS: Final[Mapping[str, Kind]] = {"set_aside": Kind.SET_ASIDE, "restored": Kind.RESTORED}
"""The kind of record of each decision."""

_MENDED: Final = "what is on record: `postdose deliveries restore` mends it"

Place = tuple[str, int]
"""A delivery's domain, and its number there."""


@dataclass(slots=True)
class OnRecord:
    """What the ledger has of one delivery: its receipt by the record of a sequence, and what was decided of it."""

    part: ReceivedPart
    sequence: int
    decisions: list[DecisionPayload] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def received_at(self) -> datetime:
        """When it was received, UTC."""
        return datetime.fromisoformat(self.part["received_at"])

    @property
    def is_set_aside(self) -> bool:
        """Whether the newest decision is that it is not to be read."""
        return bool(self.kinds) and self.kinds[-1] == Kind.SET_ASIDE


@dataclass(frozen=True, slots=True)
class Custody:
    """What a store has that is to be put on record, and where it is not as the record says."""

    entries: tuple[Entry, ...]
    faults: tuple[StoreFault, ...]


@dataclass(frozen=True, slots=True)
class _Odd:
    """One way in which a delivery is not as the record says, and from when on."""

    place: Place
    found: str
    since: datetime


def on_record(ledger: Ledger, study: str) -> dict[Place, OnRecord]:
    """Return what a ledger has of a study's deliveries, by domain and number; a record of no form says nothing."""
    known: dict[Place, OnRecord] = {}
    records = [one for kind in (Kind.DELIVERY, *KINDS.values()) for one in ledger.sound(study, kind)]
    for record in sorted(records, key=lambda one: one.sequence):
        _follow(known, record)
    return known


def _follow(known: dict[Place, OnRecord], record: Record) -> None:
    if record.kind == Kind.DELIVERY:
        for part in record.read(DeliveryPayload)["deliveries"]:
            known.setdefault((part["domain"], part["number"]), OnRecord(part, record.sequence))
        return
    decision = record.read(DecisionPayload)
    delivery = known.get((decision["domain"], decision["number"]))
    if delivery is None:
        LOGGER.error("Record %s decides on a delivery that none has", record.sequence)
        return
    delivery.decisions.append(decision)
    delivery.kinds.append(record.kind)


def put_on_record(
    store: DeliveryStore, ledger: Ledger, study: str, now: datetime, *, taken: Sequence[Receipt] = ()
) -> tuple[StoreFault, ...]:
    """Record what was taken in and is not on record yet, in one transaction; return where store and record differ.

    ``taken`` are receipts that the caller has written itself just now: of others without a record only those are
    believed that were written down after all that is on record.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    OSError
        When the store cannot be.
    """
    known = on_record(ledger, study)
    unnumbered = {one.domain: one for one in _unnumbered(store, known)}
    found = compare(store, known, now, taken=taken, but=unnumbered.keys())
    if found.entries:
        ledger.decide(study, lambda _seen: found.entries, now=now)
    return (*unnumbered.values(), *found.faults)


def _unnumbered(store: DeliveryStore, known: Mapping[Place, OnRecord]) -> Iterator[StoreFault]:
    """Write the numbers of all receipts down, and yield a fault of each domain where that cannot be."""
    for domain in store.domains():
        try:
            store.number(domain, above=max((number for name, number in known if name == domain), default=0))
        except OSError as error:
            said = f"that its receipts cannot be numbered ({error.strerror}), so that none is put on record"
            yield StoreFault(domain, None, None, str(FeedError(domain, said, "room, and permission")))


def held_against_record(
    inbox: Inbox, open_ledger: Callable[[], Ledger], now: datetime, *, taken: Sequence[Receipt] = ()
) -> tuple[StoreFault, ...]:
    """Put on record what can be, and return where store and record differ; what cannot be is made up for later.

    Where the two cannot be compared, that is a fault of every feed; where the ledger cannot be opened or written, a
    look cannot be recorded either, and says so itself.
    """
    study = inbox.protocol.study.id
    try:
        ledger = open_ledger()
        require_known_head(ledger, inbox.protocol.folder, study)
    except LedgerWriteError as error:
        LOGGER.error("Receipts are not on record yet, and will be: %s", type(error).__name__)
        return ()
    except Exception as error:  # whatever the record has become, the look is made
        return _not_compared(inbox, error)
    try:
        return put_on_record(inbox.store, ledger, study, now, taken=taken)
    except Exception as error:  # or the store
        LOGGER.error("Receipts are not on record yet, and will be: %s", type(error).__name__)
    return contradictions(inbox, lambda: ledger, now)


def _not_compared(inbox: Inbox, error: Exception) -> tuple[StoreFault, ...]:
    """Say of every feed that its deliveries are not held against the record: any of them may be gone or changed."""
    LOGGER.error("The deliveries cannot be held against the record: %s", type(error).__name__)
    said = f"that its deliveries cannot be held against the record ({type(error).__name__})"
    allowed = (
        "a ledger that `postdose ledger verify` passes, and deliveries that `postdose deliveries list` lists"
    )
    domains = inbox.protocol.feeds.by_domain()
    return tuple(StoreFault(one, None, None, str(FeedError(one, said, allowed))) for one in domains)


def contradictions(inbox: Inbox, open_ledger: Callable[[], Ledger], now: datetime) -> tuple[StoreFault, ...]:
    """Return where store and record differ, without writing to either; nothing where there is no record to ask."""
    try:
        ledger = open_ledger()
    except (UsageError, LedgerWriteError):  # there is none, or none that can be reached
        return ()
    try:
        return compare(inbox.store, on_record(ledger, inbox.protocol.study.id), now).faults
    except Exception as error:  # whatever the record or the store has become
        return _not_compared(inbox, error)


def compare(
    store: DeliveryStore,
    known: Mapping[Place, OnRecord],
    now: datetime,
    *,
    taken: Sequence[Receipt] = (),
    but: Collection[str] = (),
) -> Custody:
    """Hold a store against what is on record of it; nothing is written. New is nothing of some domains, ``but``."""
    kept = {(one.domain, one.number): one for domain in store.domains() for one in store.kept(domain)}
    written = (datetime.fromisoformat(one.part["recorded_at"]) for one in known.values())
    newest = max((at for at in written if not is_ahead(at, now)), default=None)
    own = {(one.domain, one.sha256, one.recorded_at) for one in taken}
    new, odd = [], [*_lost(store, known, kept, now)]
    for place, receipt in kept.items():
        if place in known:
            since = min(receipt.received_at, known[place].received_at)
            odd += [_Odd(place, found, since) for found in contradicted(receipt, known[place])]
        elif receipt.domain in but:
            continue
        elif _is_new(receipt, newest) or (receipt.domain, receipt.sha256, receipt.recorded_at) in own:
            new.append(receipt)
        else:
            odd.append(_Odd(place, "a receipt that nobody recorded", receipt.received_at))
    return Custody((*_received(new, now), *_set_aside(kept, known)), tuple(_told(odd)))


def _is_new(receipt: Receipt, newest: datetime | None) -> bool:
    """Whether it may be recorded now: it was written down after all that is on record."""
    return newest is None or receipt.recorded_at >= newest


def _lost(
    store: DeliveryStore, known: Mapping[Place, OnRecord], kept: Mapping[Place, Receipt], now: datetime
) -> Iterator[_Odd]:
    """Yield each delivery on record whose receipt is gone; of one that is torn the store says so itself."""
    domains = {domain for domain, _ in known}
    torn = {(one.domain, one.number) for domain in domains for one in store.faults(domain, by=now, now=now)}
    for place, one in known.items():
        if place not in kept and place not in torn:
            yield _Odd(place, "no receipt, though it is on record", one.received_at)


def contradicted(receipt: Receipt, known: OnRecord) -> tuple[str, ...]:
    """Return in what a receipt is not as it was recorded."""
    said = _part(receipt)
    parts = ("sha256", "size", "received_at", "recorded_at")
    other = [name for name in parts if said.get(name) != known.part.get(name)]
    found = [f"another {' and '.join(other)} than is on record"] if other else []
    decided = {*map(_as_recorded, receipt.decisions)}
    recorded = {*map(_as_kept, known.decisions, known.kinds)}
    if recorded - decided:
        found.append("that its receipt lacks a decision that is on record")
    if any(by != OURSELVES for _, _, by, *_ in decided - recorded):
        found.append("a decision that nobody recorded")
    return tuple(found)


def _as_recorded(decision: Decision) -> tuple[str, str, str, str, str | None]:
    dated = None if decision.received_at is None else stamp(decision.received_at)
    return KINDS[decision.kind], stamp(decision.at), decision.by, decision.reason, dated


def _as_kept(decision: DecisionPayload, kind: str) -> tuple[str, str, str, str, str | None]:
    return kind, decision["at"], decision["by"], decision["reason"], decision.get("received_at")


def _part(receipt: Receipt) -> ReceivedPart:
    """Return what is recorded of a receipt: of its name, which may tell the arm, the ending of its reader alone."""
    endings = [one for one in ENDINGS if receipt.name.lower().endswith(one)]
    return {
        "domain": receipt.domain,
        "number": receipt.number,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "received_at": stamp(receipt.received_at),
        "recorded_at": stamp(receipt.recorded_at),
        "ending": max(endings, key=len, default=""),
    }


def _received(receipts: Sequence[Receipt], now: datetime) -> Iterator[Entry]:
    if receipts:
        payload: DeliveryPayload = {"at": stamp(now), "deliveries": [_part(one) for one in receipts]}
        yield Entry(Kind.DELIVERY, payload)


def _set_aside(kept: Mapping[Place, Receipt], known: Mapping[Place, OnRecord]) -> Iterator[Entry]:
    """Yield what postdose set aside by itself, and is not on record yet."""
    for place, receipt in kept.items():
        one = known.get(place)
        recorded = set() if one is None else {*map(_as_kept, one.decisions, one.kinds)}
        for decision in receipt.decisions:
            if decision.by == OURSELVES and _as_recorded(decision) not in recorded:
                yield decision_entry(receipt, decision)


def delivery_entry(receipt: Receipt, now: datetime) -> Entry:
    """Return the record of one delivery."""
    return next(_received([receipt], now))


def decision_entry(receipt: Receipt, decision: Decision) -> Entry:
    """Return the record of a decision on a delivery."""
    payload: DecisionPayload = {
        "at": stamp(decision.at),
        "domain": receipt.domain,
        "number": receipt.number,
        "sha256": receipt.sha256,
        "by": decision.by,
        "reason": decision.reason,
    }
    if decision.received_at is not None:
        payload["received_at"] = stamp(decision.received_at)
    return Entry(KINDS[decision.kind], payload)


def _told(odd: Iterable[_Odd]) -> Iterator[StoreFault]:
    """Yield a fault for each way in which deliveries of a domain are not as recorded, however many they are."""
    ordered = sorted(odd, key=lambda one: (one.place[0], one.found, one.place[1]))
    for (domain, found), some in groupby(ordered, key=lambda one: (one.place[0], one.found)):
        alike = list(some)
        numbers = [str(one.place[1]) for one in alike]
        label = f"{domain} {', '.join(numbers[:NAMED])}"
        label += f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
        since = min(one.since for one in alike)
        said = str(FeedError(label, found, _MENDED))
        yield StoreFault(domain, alike[0].place[1], None, said, since)
