"""Taking files in as deliveries of one domain, whose receipts are read once for all of them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from flows.clocks import is_ahead
from flows.feeds.receipts import Receipt, domain_of, name_of, utc
from flows.files import write_whole


def in_order(receipts: Iterable[Receipt]) -> list[Receipt]:
    """Return receipts in the order in which they were received."""
    return sorted(receipts, key=_received)


def _received(one: Receipt) -> tuple[datetime, datetime, str, str]:
    return one.received_at, one.recorded_at, one.name, one.sha256


@dataclass(slots=True)
class _Known:
    """The receipts that are believed of one domain: of each content, and the newest of each name."""

    by_content: defaultdict[str, list[Receipt]]
    newest: dict[str, Receipt]

    def add(self, receipt: Receipt) -> None:
        self.by_content[receipt.sha256].append(receipt)
        self.newest[receipt.name] = max(self.newest.get(receipt.name, receipt), receipt, key=_received)


@dataclass(frozen=True)
class Intake:
    """Takes files in as deliveries of one domain, received and written down at one time (UTC).

    ``kept`` reads the receipts that there are, by the names of their files, and ``write`` writes a new one;
    ``objects`` is the folder of the contents. ``reverts`` is whether content that came before, and was followed by
    other content of the same name, says that what followed no longer holds: so it is in a cumulative feed, whose
    newest file is the state.
    """

    domain: str
    objects: Path
    received_at: datetime
    recorded_at: datetime
    reverts: bool
    kept: Callable[[], Sequence[Receipt]]
    write: Callable[[Receipt], None]

    def take(self, name: str, content: bytes) -> Receipt:
        """Keep the bytes of a file; what is kept already stays as it was first received.

        Where earlier content reverts what followed it, or comes under another name, which may say what the first did
        not (a date), the first time, and where all its receipts are of a time to come or cannot be read, the receipt
        is a new one.

        Raises
        ------
        UsageError
            When a time has no offset, or the domain or the name is none.
        OSError
            When the folder cannot be written.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        receipt = Receipt(
            domain_of(self.domain),
            name_of(name),
            sha256,
            len(content),
            utc(self.received_at),
            utc(self.recorded_at),
            self.objects / sha256,
        )
        if not _holds(receipt.content, content):
            write_whole(receipt.content, content)
        believed = self._known.by_content[sha256]
        if believed and not (self.reverts and self._stands_again(receipt)):
            return believed[0]
        self.write(receipt)
        if self._is_believed(receipt):
            self._known.add(receipt)
        return receipt

    def _stands_again(self, receipt: Receipt) -> bool:
        """Whether the newest content of that name is another, or none ever came under it."""
        newest = self._known.newest.get(receipt.name)
        return newest is None or newest.sha256 != receipt.sha256

    @cached_property
    def _known(self) -> _Known:
        known = _Known(defaultdict(list), {})
        for one in self.kept():
            if self._is_believed(one):
                known.add(one)
        return known

    def _is_believed(self, receipt: Receipt) -> bool:
        return not is_ahead(receipt.as_of(self.recorded_at).received_at, self.recorded_at)


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file holds exactly that: one that was torn is written again."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
