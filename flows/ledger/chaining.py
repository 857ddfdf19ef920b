"""The records and the rows of the outbox that entries become: what can be made before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from flows.ledger import outbox
from flows.ledger.chain import Kind, Record, canonical, next_record
from flows.ledger.outbox import Entry
from flows.ledger.payloads import LookPayload, Payload, ProtocolChangePayload


@dataclass(slots=True)
class Chained:
    """Records of a study, each following the one before, and rows of the outbox, that are to be written together.

    ``before`` is the newest record on record, which the first of these follows; ``key`` seals each.
    """

    study: str
    before: Record | None
    key: bytes | None
    records: list[Record] = field(default_factory=list)
    messages: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, entries: Sequence[Entry]) -> None:
        """Add a record for each entry and, after it, each of its messages, and the outbox's rows of those."""
        for entry in entries:
            self._add(entry.kind, entry.payload)
            for one in entry.outgoing:
                text = canonical(one.message)
                head = self._add(Kind.ALERT, outbox.queued_payload(one, text)).head
                self.messages.append(outbox.queued(self.study, one, text, head))

    def _add(self, kind: Kind, payload: Payload) -> Record:
        last = self.records[-1] if self.records else self.before
        self.records.append(next_record(last, self.study, kind, payload, self.key))
        return self.records[-1]

    @property
    def rows(self) -> list[dict[str, object]]:
        """The records as the database holds them."""
        return [stored(record) for record in self.records]


def stored(record: Record) -> dict[str, object]:
    """Return a record as the database holds it."""
    return {("payload" if name == "text" else name): value for name, value in asdict(record).items()}


def protocol_change(before: str | None, payload: LookPayload) -> Iterator[Entry]:
    """Yield what a look's record says of a protocol that has changed since the look before, and the reason."""
    if before is not None and before != payload.get("protocol_sha256"):
        change: ProtocolChangePayload = {
            "from": before,
            "to": payload.get("protocol_sha256"),
            "reason": payload.get("reason", ""),
        }
        yield Entry(Kind.PROTOCOL_CHANGE, change)
