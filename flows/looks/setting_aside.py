"""Deliveries that a person lists, sets aside or restores: each decision has a name and a reason, and is on record.

A receipt that was torn, lost or changed is written again as the ledger has it; one that no ledger has is written anew
for the content that is kept. The record comes before the receipt: a decision that cannot be recorded is not made.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from checks.errors import FeedError, LedgerWriteError, UsageError
from checks.protocol.untelling import require_untelling
from flows.clocks import is_ahead
from flows.feeds import DeliveryStore, Receipt
from flows.feeds.receipts import Decision
from flows.ledger import DecisionPayload, Kind, Ledger
from flows.ledger.heads import require_known_head
from flows.looks.custody import (
    OnRecord,
    Place,
    contradicted,
    decision_entry,
    delivery_entry,
    on_record,
    put_on_record,
)
from flows.looks.study import Study

SHORTEST_HASH: Final = 6
"""Hexadecimal digits that name a content: of a thousand deliveries some two begin alike in 3 of 100 studies."""

LONGEST_SAID: Final = 500
"""Characters of a name or a reason: they stand in looks and pages."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery by all that is known of it: its receipt, where that can be read, and what the ledger has of it.

    ``torn`` is whether a file lies there that was its receipt.
    """

    place: Place
    sha256: str
    receipt: Receipt | None
    known: OnRecord | None
    torn: bool

    @property
    def label(self) -> str:
        """Its domain and number."""
        return f"{self.place[0]} {self.place[1]}"

    @property
    def size(self) -> int | None:
        """Its bytes, None where they are not known."""
        if self.receipt is not None:
            return self.receipt.size
        return None if self.known is None else self.known.part["size"]

    def received_at(self, now: datetime) -> datetime | None:
        """Return when it was received (UTC), as of now; None where that is not known."""
        if self.receipt is not None:
            return self.receipt.as_of(now).received_at
        return None if self.known is None else self.known.received_at

    def state(self, now: datetime) -> str:
        """Say in a few words how it stands."""
        if self.receipt is None:
            return "its receipt cannot be read" if self.torn else "its receipt is gone"
        aside = self.receipt.set_aside
        if aside is not None:
            return f"set aside by {aside.by}: {aside.reason}"
        if is_ahead(self.receipt.as_of(now).received_at, now):
            return "received at a time to come: not used"
        with suppress(OSError):
            if self.receipt.content.stat().st_size == self.receipt.size:
                return self._on_record(self.receipt)
            return "its content is not what was received"
        return "its content is gone"

    def _on_record(self, receipt: Receipt) -> str:
        if self.known is None:
            return "kept, not on record"
        return "not as it is on record" if contradicted(receipt, self.known) else "kept"


def list_deliveries(study: Study, now: datetime) -> tuple[Kept, ...]:
    """Return every delivery that the store of a study or its ledger has, at a moment (UTC)."""
    known: Mapping[Place, OnRecord] = {}
    with suppress(LedgerWriteError, UsageError):  # there is none yet, or none that can be reached
        known = on_record(Ledger.of(study.settings, must_exist=True), study.id)
    return tuple(_all(study.inbox().store, known, now))


def _all(store: DeliveryStore, known: Mapping[Place, OnRecord], now: datetime) -> Iterator[Kept]:
    domains = {*store.domains(), *(domain for domain, _ in known)}
    receipts = {(one.domain, one.number): one for domain in domains for one in store.kept(domain)}
    torn = {
        (one.domain, one.number): one.sha256
        for domain in domains
        for one in store.faults(domain, by=now, now=now)
        if one.number is not None and one.sha256 is not None and (domain, one.number) not in receipts
    }
    for place in sorted({*receipts, *known, *torn}):
        receipt, recorded = receipts.get(place), known.get(place)
        sha256 = recorded.part["sha256"] if recorded is not None else torn.get(place, "")
        yield Kept(place, sha256 if receipt is None else receipt.sha256, receipt, recorded, place in torn)


def set_aside(study: Study, which: Sequence[str], *, by: str, reason: str, now: datetime) -> Receipt:
    """Let a delivery not be read from now on, and return its receipt.

    ``which`` is its domain and number, or the first digits of its content's hash.

    Raises
    ------
    UsageError
        When none or several are meant, or the name or the reason says nothing.
    LedgerWriteError
        When it cannot be recorded; then nothing is done.
    """
    return _decide(study, which, Decision("set_aside", now, *_words(study, by, reason)))


def restore(
    study: Study,
    which: Sequence[str],
    *,
    by: str,
    reason: str,
    now: datetime,
    received_at: datetime | None = None,
) -> Receipt:
    """Let a delivery be read again from now on, its receipt mended where it was torn, lost or changed; return that.

    One of a time to come is dated to when it was written down or, where that is to come as well, to now, unless
    another time is given.

    Raises
    ------
    FeedError
        When its content is not kept as it was received.
    UsageError
        As ``set_aside`` does, and when it would be received at a time to come.
    LedgerWriteError
        When it cannot be recorded; then nothing is done.
    """
    if received_at is not None and received_at > now:
        raise UsageError("--received-at: found a time to come; allowed: now, or a time that has passed")
    decision = Decision("restored", now, *_words(study, by, reason), received_at)
    return _decide(study, which, decision)


def _decide(study: Study, which: Sequence[str], decision: Decision) -> Receipt:
    store, ledger = study.inbox().store, study.ledger()
    require_known_head(ledger, study.protocol.folder, study.id)
    put_on_record(store, ledger, study.id, decision.at)
    one = _meant(which, list_deliveries(study, decision.at))
    receipt = _mended(one, store, decision.at)
    if decision.kind == "restored":
        _require_content(receipt)
        decision = replace(decision, received_at=decision.received_at or _dated_anew(receipt, decision.at))
    entries = [decision_entry(receipt, decision)]
    if one.known is None:
        entries.insert(0, delivery_entry(receipt, decision.at))
    ledger.decide(study.id, lambda _seen: entries, now=decision.at)
    return store.decided(receipt, decision)


def _meant(which: Sequence[str], deliveries: Sequence[Kept]) -> Kept:
    words = " ".join(which).split()
    if len(words) == 2 and words[1].isascii() and words[1].isdigit():
        found = [one for one in deliveries if one.place == (words[0].upper(), int(words[1]))]
    elif len(words) == 1 and re.fullmatch(rf"[0-9a-fA-F]{{{SHORTEST_HASH},64}}", words[0]):
        found = [one for one in deliveries if one.sha256.startswith(words[0].lower())]
    else:
        found = []
    if len(found) == 1:
        return found[0]
    shown = ", ".join(one.label for one in found) or "no delivery"
    raise UsageError(
        f"delivery {' '.join(words)}: found {shown}; allowed: the domain and number of one, as VS 3, or "
        f"{SHORTEST_HASH} or more digits of its hash, as `postdose deliveries list` shows them"
    )


def _mended(one: Kept, store: DeliveryStore, now: datetime) -> Receipt:
    """Return the receipt of a delivery as the ledger has it, else as it is; one that neither has, as received now."""
    domain, number = one.place
    content = store.content_of(one.sha256 if one.known is None else one.known.part["sha256"])
    if one.known is None and one.receipt is not None:
        return one.receipt
    if one.known is None:
        size = content.stat().st_size if content.is_file() else 0
        return Receipt(domain, _name(one, store, ".csv"), one.sha256, size, now, now, content, number)
    part = one.known.part
    return Receipt(
        domain,
        one.receipt.name if one.receipt is not None else _name(one, store, part.get("ending") or ".csv"),
        part["sha256"],
        part["size"],
        datetime.fromisoformat(part["received_at"]),
        datetime.fromisoformat(part["recorded_at"]),
        content,
        number,
        tuple(map(_decided, one.known.decisions, one.known.kinds)),
    )


def _decided(said: DecisionPayload, kind: str) -> Decision:
    dated = said.get("received_at")
    return Decision(
        "set_aside" if kind == Kind.SET_ASIDE else "restored",
        datetime.fromisoformat(said["at"]),
        said["by"],
        said["reason"],
        None if dated is None else datetime.fromisoformat(dated),
    )


def _name(one: Kept, store: DeliveryStore, ending: str) -> str:
    """Return the name that a torn receipt still has, else one with the ending of its reader."""
    found = re.search(rb'"name": ("(?:[^"\\]|\\.)+")', store.remains(one.place[0], one.sha256))
    with suppress(ValueError):
        name = json.loads(found[1]) if found is not None else ""
        name.encode()
        if name and not {"/", "\\"} & set(name):
            return str(name)
    return one.place[0].lower() + ending


def _require_content(receipt: Receipt) -> None:
    """Refuse to restore what is not kept as it was received."""
    if not receipt.has_content():
        found = "that its content is gone, or not what was received"
        raise FeedError(receipt.label, found, "the same file, received again with `postdose receive`")


def _dated_anew(receipt: Receipt, now: datetime) -> datetime | None:
    if not is_ahead(receipt.as_of(now).received_at, now):
        return None
    return now if receipt.recorded_at > now else receipt.recorded_at


def _words(study: Study, by: str, reason: str) -> tuple[str, str]:
    """Return who decides and why; neither may tell an arm, since every look shows both."""
    said = (_said(by, "--by"), _said(reason, "--reason"))
    for option, text in zip(("--by", "--reason"), said, strict=True):
        require_untelling(option, text, study.protocol)
    return said


def _said(text: str, option: str) -> str:
    """Return a name or a reason on one line."""
    said = " ".join(text.split())
    if not said or len(said) > LONGEST_SAID or not said.isprintable():
        raise UsageError(
            f"{option}: found {said[:40]!r}; allowed: a few words, at most {LONGEST_SAID} characters"
        )
    return said
