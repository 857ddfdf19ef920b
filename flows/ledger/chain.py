"""The hash chain: what the hash of a record covers, and the first record that cannot be trusted.

A record is hashed as ``SHA-256(p(sequence) p(study) p(kind) p(payload) p(previous hash))``, where ``p`` writes a
part's UTF-8 bytes led by their count in decimal and a colon, so that no two records read alike. The first record
follows 64 zeros. With a key each record also carries ``HMAC-SHA-256(key, hash)`` (RFC 2104): who can rewrite the
whole database can make a new chain that fits in itself, but not its seals.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from checks.errors import LedgerBrokenError
from flows.ledger.payloads import Payload

GENESIS = "0" * 64

Form = TypeVar("Form")


class Kind(StrEnum):
    """What a record is about."""

    LOOK = "look"
    PROTOCOL_CHANGE = "protocol_change"
    EVIDENCE = "evidence"
    RAISED = "raised"
    REOPENED = "reopened"
    WORSENED = "worsened"
    REPEATED = "repeated"
    CLOSED = "closed"
    ALERT = "alert"
    RECEIPT = "receipt"
    FAILED_DELIVERY = "failed_delivery"
    ACKNOWLEDGEMENT = "acknowledgement"
    ESCALATION = "escalation"
    DEAD_LETTER = "dead_letter"
    CLOSED_ACCESS = "closed_access"
    REVIEW = "review"
    NIGHT = "night"
    DELIVERY = "delivery"
    SET_ASIDE = "set_aside"
    RESTORED = "restored"
    FILES = "files"
    HEAD_ACCEPTED = "head_accepted"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Head:
    """A record by its place in the chain and its hash; of a ledger, the newest one."""

    sequence: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is stored; ``text`` is the payload as it was hashed, ``hmac`` is None without a key."""

    sequence: int
    study: str
    kind: str
    text: str
    previous_sha256: str
    sha256: str
    hmac: str | None

    @property
    def payload(self) -> Mapping[str, object]:
        """What the record says, whatever its kind."""
        return self.read(dict[str, object])

    def read(self, _form: type[Form]) -> Form:
        """Return what the record says, in the form of its kind."""
        payload: Form = json.loads(self.text)
        return payload

    @property
    def head(self) -> Head:
        """The record by its place and hash."""
        return Head(self.sequence, self.sha256)


def canonical(payload: Mapping[str, object]) -> str:
    """Return the one text of a payload: sorted keys, no spaces, plain ASCII."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(sequence: int, study: str, kind: str, text: str, previous_sha256: str) -> str:
    """Return the SHA-256 of a record, in hexadecimal."""
    parts = [part.encode() for part in (str(sequence), study, kind, text, previous_sha256)]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


def seal(key: bytes, sha256: str) -> str:
    """Return the HMAC of a record's hash, in hexadecimal."""
    return hmac.new(key, sha256.encode(), hashlib.sha256).hexdigest()


def fingerprint(record: Record) -> str:
    """Return the SHA-256 of all that is stored of a record, whatever its own hash says, in hexadecimal."""
    said = (record.study, record.kind, record.text, record.previous_sha256, record.sha256, record.hmac or "")
    parts = [part.encode() for part in (str(record.sequence), *said)]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


def next_record(
    last: Record | None,
    study: str,
    kind: Kind,
    payload: Payload,
    key: bytes | None,
    taken: Collection[int] = (),
) -> Record:
    """Return the record that follows ``last``, or the first one; no record of a sequence that is ``taken``."""
    before = last.head if last else Head(0, GENESIS)
    sequence, text, kind = (
        _after(before, taken),
        canonical(payload),
        Kind(kind),
    )  # a plain text may be no kind
    sha256 = digest(sequence, study, kind, text, before.sha256)
    return Record(sequence, study, kind, text, before.sha256, sha256, seal(key, sha256) if key else None)


def _after(before: Head, taken: Collection[int]) -> int:
    """Return the sequence of the record that follows one: those of quarantined records are taken."""
    sequence = before.sequence + 1
    while sequence in taken:
        sequence += 1
    return sequence


def stored(record: Record) -> dict[str, object]:
    """Return a record as the database holds it."""
    return {("payload" if name == "text" else name): value for name, value in asdict(record).items()}


def verified(
    records: Iterable[Record], *, key: bytes | None, quarantined: Mapping[int, str] | None = None
) -> Iterator[Record]:
    """Yield each record of a chain once it is verified, and say which is the first bad one.

    ``records`` are all of a chain, by sequence. Without the key of the seals they are not judged; records from before
    the first seal need none, as the chain from the first sealed record back covers them. Those that are
    ``quarantined``, by sequence with the fingerprint that each then had, are no part of the chain.

    Raises
    ------
    LedgerBrokenError
        Naming the first record that does not follow from those before it, or whose seal is not the key's.
    """
    before, sealed, left_out = Head(0, GENESIS), False, dict(quarantined or {})
    taken = frozenset(left_out)
    for record in records:
        if record.sequence in left_out and left_out[record.sequence] == fingerprint(record):
            del left_out[record.sequence]
            continue
        problem = _misplaced(record, before, _after(before, taken))
        if problem is None and key is not None:
            problem = _unsealed(record, key, sealed=sealed)
            sealed = record.hmac is not None
        if problem is not None:
            raise LedgerBrokenError(problem)
        before = record.head
        yield record
    if left_out:
        raise LedgerBrokenError(f"record {min(left_out)} is quarantined, and missing")
    if key is not None and before.sequence and not sealed:
        raise LedgerBrokenError(
            f"record 1 and all after it, to record {before.sequence}, carry no seal: they were written without "
            "the key, and nothing tells this chain from one rewritten whole"
        )


def _misplaced(record: Record, before: Head, expected: int) -> str | None:
    if record.sequence > expected:
        return f"record {expected} is missing: record {record.sequence} comes after record {before.sequence}"
    if record.sequence < expected:
        return f"record {record.sequence} was put in: the first record of a chain is record 1"
    if record.previous_sha256 != before.sha256:
        return f"record {expected} does not follow from record {before.sequence}: one of them is not the original"
    if record.sha256 != digest(record.sequence, record.study, record.kind, record.text, before.sha256):
        return f"record {expected} was changed: its content does not give its hash"
    return None


def _unsealed(record: Record, key: bytes, *, sealed: bool) -> str | None:
    if record.hmac is None:
        return f"record {record.sequence} carries no seal, though the one before it does" if sealed else None
    if not hmac.compare_digest(record.hmac.encode(), seal(key, record.sha256).encode()):
        return f"record {record.sequence} is not sealed with this key"
    return None
