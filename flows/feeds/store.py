"""The store of deliveries: each kept once, by its content, with the time of its receipt.

A delivery is its content, at ``objects/<sha256>``, and its receipt, a small JSON file at
``receipts/<DOMAIN>/<sha256>.json`` (``<sha256>-2.json`` when the same content came back to stand again). Each is
written whole under another name, forced to disk, and renamed; the receipt comes last. So whatever interrupts it, a
delivery is wholly in or wholly out, and taking it in again completes it.
"""

import hashlib
import json
import os
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from checks.errors import FeedError, UsageError

ENDING: Final = ".json"
UNFINISHED: Final = ".part"
TIMES: Final = ("received_at", "recorded_at")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery that was taken in.

    ``name`` is the file's name as it arrived, whose ending says how to read it; ``size`` its bytes, ``content``
    where they are kept. ``received_at`` is when it was received, ``recorded_at`` when that was written down: they
    differ in a history that was taken over from elsewhere. Both are in UTC.
    """

    domain: str
    name: str
    sha256: str
    size: int
    received_at: datetime
    recorded_at: datetime
    content: Path


class DeliveryStore:
    """The deliveries of one study, in a folder that is made when the first is taken in."""

    def __init__(self, folder: Path) -> None:
        self._objects, self._receipts = folder / "objects", folder / "receipts"

    def take_in(
        self,
        domain: str,
        name: str,
        content: bytes,
        *,
        received_at: datetime,
        recorded_at: datetime,
        reverts: bool = False,
    ) -> Receipt:
        """Keep the bytes of a file of a domain; what is kept already stays as it was first received.

        ``reverts`` is whether content that came before, and was followed by other content of the same name, says that
        what followed no longer holds: so it is in a cumulative feed, whose newest file is the state. Then, under
        another name, which may say what the first did not (a date), and the first time, the receipt is a new one.

        Raises
        ------
        UsageError
            When a time has no offset, or the domain or the name is none.
        OSError
            When the folder cannot be written.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        receipt = Receipt(
            _domain(domain),
            _name(name),
            sha256,
            len(content),
            _utc(received_at),
            _utc(recorded_at),
            self._objects / sha256,
        )
        path = self._receipts / receipt.domain / f"{sha256}{ENDING}"
        if path.exists():
            if not (reverts and self._stands_again(receipt)):
                return self._read(path)
            path = self._next(path)
        if not receipt.content.exists():
            _write(receipt.content, content)
        _write(path, _as_json(receipt))
        return receipt

    def _stands_again(self, receipt: Receipt) -> bool:
        """Whether the newest content of that name is another, or none ever came under it."""
        named = [one for one in self._all(receipt.domain) if one.name == receipt.name]
        return not named or named[-1].sha256 != receipt.sha256

    def _next(self, path: Path) -> Path:
        """Return where the receipt of a content's return is to lie."""
        before = sum(1 for _ in path.parent.glob(f"{path.stem}*{ENDING}"))
        return path.with_name(f"{path.stem}-{before + 1}{ENDING}")

    def receipts(self, domain: str, *, by: datetime) -> tuple[Receipt, ...]:
        """Return what was received of a domain by an instant, in order of receipt.

        Raises
        ------
        UsageError
            When the instant has no offset from UTC.
        FeedError
            When a receipt is damaged.
        """
        instant = _utc(by)
        return tuple(receipt for receipt in self._all(_domain(domain)) if receipt.received_at <= instant)

    def _all(self, domain: str) -> list[Receipt]:
        """Return every receipt of a domain, in order of receipt."""
        read = [self._read(path) for path in (self._receipts / domain).glob(f"*{ENDING}")]
        return sorted(read, key=lambda one: (one.received_at, one.recorded_at, one.name, one.sha256))

    def domains(self) -> tuple[str, ...]:
        """Return the domains of which something has arrived, in the order of their names."""
        return tuple(sorted({path.parent.name for path in self._receipts.glob(f"*/*{ENDING}")}))

    def _read(self, path: Path) -> Receipt:
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            times = {name: _utc(datetime.fromisoformat(said[name])) for name in TIMES}
            return Receipt(**{**said, **times}, content=self._objects / said["sha256"])
        except (OSError, ValueError, TypeError, KeyError, UsageError) as error:
            raise FeedError(
                path.name, "a receipt that cannot be read", "the receipt as it was written; restore it"
            ) from error


def _as_json(receipt: Receipt) -> bytes:
    said = {one.name: getattr(receipt, one.name) for one in fields(Receipt) if one.name != "content"}
    return (json.dumps(said, indent=1, default=datetime.isoformat) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a loss of power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may take in the same delivery: each writes its own, and either is whole.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    for folder in (path.parent, *path.parent.parents[:2]):
        _sync_folder(folder)  # its name, and those of folders just made, are on disk too


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _domain(domain: str) -> str:
    if not (domain.isascii() and domain.isalnum()):
        raise UsageError(f"domain: found {domain!r}; allowed: a domain of SDTM, such as VS")
    return domain.upper()


def _name(name: str) -> str:
    if not name or "/" in name or "\\" in name:
        raise UsageError(f"delivery: found the name {name!r}; allowed: a file name without its folder")
    return name


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise UsageError(
            f"delivery: found the time {moment.isoformat()}; allowed: a time with an offset from UTC"
        )
    return moment.astimezone(UTC)
