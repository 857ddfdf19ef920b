"""The records and the rows of the outbox that entries become: what can be made before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from flows.ledger import outbox
from flows.ledger.chain import Kind, Record, canonical, next_record
from flows.ledger.outbox import Entry
from flows.ledger.payloads import LookPayload, ProtocolChangePayload


@dataclass(frozen=True, slots=True)
class Chained:
    """Records, each following the one before, and rows of the outbox, that are to be written together."""

    records: tuple[Record, ...]
    messages: tuple[Mapping[str, object], ...]

    def __add__(self, later: "Chained") -> "Chained":
        return Chained(self.records + later.records, self.messages + later.messages)

    @property
    def rows(self) -> list[dict[str, object]]:
        """The records as the database holds them."""
        rows = [asdict(record) for record in self.records]
        return [{("payload" if name == "text" else name): row[name] for name in row} for row in rows]


def chain_entries(study: str, last: Record | None, entries: Sequence[Entry], key: bytes | None) -> Chained:
    """Return a record for each entry and, after it, each of its messages, and the outbox's rows of those.

    Parameters
    ----------
    study
        Whose entries.
    last
        The newest record, which the first of these follows; None in an empty ledger.
    entries
        In their order.
    key
        Seals each record; None where there is none.
    """
    records, messages = [], []
    for entry in entries:
        last = next_record(last, study, entry.kind, entry.payload, key)
        records.append(last)
        for one in entry.outgoing:
            text = canonical(one.message)
            last = next_record(last, study, Kind.ALERT, outbox.put_in(one, text), key)
            records.append(last)
            messages.append(outbox.queued(study, one, text, last.head))
    return Chained(tuple(records), tuple(messages))


def protocol_change(before: str | None, payload: LookPayload) -> Iterator[Entry]:
    """Yield what a look's record says of a protocol that has changed since the look before, and the reason."""
    if before is not None and before != payload.get("protocol_sha256"):
        change: ProtocolChangePayload = {
            "from": before,
            "to": payload.get("protocol_sha256"),
            "reason": payload.get("reason", ""),
        }
        yield Entry(Kind.PROTOCOL_CHANGE, change)
