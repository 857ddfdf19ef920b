"""The store of deliveries: each kept once, by its content, with the time of its receipt.

A delivery is its content, at ``objects/<sha256>``, and its receipt, a small JSON file at
``receipts/<DOMAIN>/<sha256>.json`` (``<sha256>-2.json`` when the same content came back to stand again). Each is
written whole under another name, forced to disk, and renamed; the receipt comes last. So whatever interrupts it, a
delivery is wholly in or wholly out, and taking it in again completes it. Whatever else lies among the receipts, torn
or put there by another hand, is a fault of its domain, and hides none of the others.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from checks.errors import FeedError
from checks.stamps import stamp
from flows.clocks import is_ahead
from flows.feeds.intake import Intake, in_order
from flows.feeds.receipts import (
    MOST_BYTES,
    OURSELVES,
    RECEIPT_FILE,
    Decision,
    Receipt,
    as_text,
    domain_of,
    from_text,
    is_domain,
    utc,
)
from flows.files import make_folder, write_whole

ENDING: Final = ".json"
PUT_OUT: Final = ".put-out"
"""How the name of a file ends that was no receipt of what it was named for."""


@dataclass(frozen=True, slots=True)
class StoreFault:
    """What is wrong with what is kept of a domain: in a sentence, and from when on it held (UTC), None for ever.

    ``number`` is that of the delivery, None of what is none; ``sha256`` is its content's, where that is known.
    """

    domain: str
    number: int | None
    sha256: str | None
    said: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Lying:
    """One file among the receipts of a domain: its receipt, and the hash that its name has, None if it has none."""

    path: Path
    receipt: Receipt | None
    sha256: str | None
    number: int = 0


class DeliveryStore:
    """The deliveries of one study, in a folder that is made when the first is taken in."""

    def __init__(self, folder: Path, *, unseen: frozenset[str] = frozenset()) -> None:
        self._objects, self._receipts, self._unseen = folder / "objects", folder / "receipts", unseen

    def without(self, labels: frozenset[str]) -> "DeliveryStore":
        """Return the store as it was before some deliveries came, by their labels; to be read alone."""
        return DeliveryStore(self._receipts.parent, unseen=labels)

    @property
    def admissions(self) -> Path:
        """The folder in which it is remembered what was admitted, by domain."""
        return self._receipts.parent / "admissions"

    def intake(
        self, domain: str, *, received_at: datetime, recorded_at: datetime, reverts: bool = False
    ) -> Intake:
        """Return what takes in files of a domain, all at one time."""

        def kept() -> list[Receipt]:
            paths = sorted((self._receipts / domain_of(domain)).glob(f"*{ENDING}"))
            return [one for one in map(self._read, paths) if one is not None]

        def write(receipt: Receipt) -> None:
            write_whole(self._free_path(receipt), as_text(receipt))

        return Intake(domain, self._objects, received_at, recorded_at, reverts, kept, write)

    def take_in(
        self, domain: str, name: str, content: bytes, *, received_at: datetime, recorded_at: datetime
    ) -> Receipt:
        """Keep the bytes of one file of a domain, as ``Intake.take`` does."""
        return self.intake(domain, received_at=received_at, recorded_at=recorded_at).take(name, content)

    def _free_path(self, receipt: Receipt) -> Path:
        """Return where a receipt is to lie."""
        folder, sha256 = self._receipts / receipt.domain, receipt.sha256
        names = (f"{sha256}{ENDING}" if place == 1 else f"{sha256}-{place}{ENDING}" for place in count(1))
        return next(folder / name for name in names if not os.path.lexists(folder / name))

    def receipts(self, domain: str, *, by: datetime) -> tuple[Receipt, ...]:
        """Return what was received of a domain by an instant, as of then, in order of receipt.

        What a person has set aside is not among them; what postdose has, which it could not read, is.

        Raises
        ------
        UsageError
            When the instant has no offset from UTC.
        """
        instant = utc(by)
        known = in_order([one.as_of(instant) for one in self.kept(domain)])
        return tuple(one for one in known if one.received_at <= instant and not _is_withheld(one))

    def withheld(self, domain: str, *, by: datetime) -> tuple[Receipt, ...]:
        """Return what a person had set aside of what was received of a domain by an instant, as of then."""
        instant = utc(by)
        known = in_order([one.as_of(instant) for one in self.kept(domain)])
        return tuple(one for one in known if one.received_at <= instant and _is_withheld(one))

    def kept(self, domain: str) -> tuple[Receipt, ...]:
        """Return every receipt of a domain that can be read, with all decisions, in the order of their numbers."""
        try:
            lying = self._lying(domain_of(domain))
        except OSError:  # a fault, which is told by ``faults``
            return ()
        known = (one.receipt for one in lying if one.receipt is not None)
        return tuple(one for one in known if one.label not in self._unseen)

    def domains(self) -> tuple[str, ...]:
        """Return the domains of which something has arrived, in the order of their names."""
        return tuple(sorted(filter(is_domain, self._folders())))

    def foreign_folders(self) -> tuple[StoreFault, ...]:
        """Say that files lie in folders of no domain, if they do; how those are named may tell the arm."""
        foreign = [name for name in self._folders() if not is_domain(name)]
        said = f"files in folders of receipts that are no domain's ({len(foreign)})"
        allowed = "folders of domains, such as VS: move others out of the folder"
        return (_fault("deliveries", None, None, said, allowed, None),) if foreign else ()

    def _folders(self) -> set[str]:
        return {path.parent.name for path in self._receipts.glob(f"*/*{ENDING}")}

    def faults(self, domain: str, *, by: datetime, now: datetime) -> tuple[StoreFault, ...]:
        """Return what is wrong with the receipts of a domain, as far as it was so by an instant.

        A receipt is of a time to come if it was so at a moment, ``now``, or when it was mended.
        """
        domain, instant = domain_of(domain), utc(by)
        try:
            lying = self._lying(domain)
        except OSError as error:
            said = f"that its receipts cannot be listed ({error.strerror})"
            return (_fault(domain, None, None, said, "a folder that can be read", None),)
        kept = [one.receipt for one in lying if one.receipt is not None]
        found = [_unreadable(domain, one, kept, now) for one in lying if one.receipt is None]
        found += [_of_the_future(one, kept, now) for one in kept if _was_ahead(one, instant, now)]
        return tuple(one for one in found if one.since is None or one.since <= instant)

    def number(self, domain: str, *, above: int = 0) -> tuple[Receipt, ...]:
        """Write down the number of each receipt of a domain that has none yet, and return them all.

        New numbers lie above one that was given before, as the ledger may know of a receipt that is lost here.

        Raises
        ------
        OSError
            When the folder cannot be written.
        """
        folder = self._receipts / domain_of(domain)
        if not folder.is_dir():
            return ()
        with _alone(folder):
            lying = self._number(folder.name, above)
        known = (one.receipt for one in lying if one.receipt is not None)
        return tuple(one for one in known if one.label not in self._unseen)

    def _number(self, domain: str, above: int = 0) -> list[_Lying]:
        """Write numbers down, as ``number`` does, for whoever is alone in the folder; return what lies there."""
        lying = self._lying(domain, above)
        for one in lying:
            if one.receipt is not None and self._read(one.path) != one.receipt:
                write_whole(one.path, as_text(one.receipt))
        return lying

    def set_aside(self, receipt: Receipt, *, by: str, reason: str, at: datetime) -> Receipt:
        """Let a delivery not be read any more, from a moment on, and return its receipt.

        Raises
        ------
        OSError
            When the folder cannot be written.
        """
        return self.decided(receipt, Decision("set_aside", utc(at), by, reason))

    def decided(self, receipt: Receipt, decision: Decision) -> Receipt:
        """Write a decision into a receipt, which is written anew if it is not there or torn; return it."""
        decided = replace(receipt, decisions=(*receipt.decisions, decision))
        self.write(decided)
        return decided

    def write(self, receipt: Receipt) -> None:
        """Write a receipt over the one of its number and content, or anew; another of its number is put out.

        All numbers are written down first: those of others without one would follow this one's.
        """
        folder = self._receipts / receipt.domain
        make_folder(folder)
        with _alone(folder):
            lying = [one for one in self._number(receipt.domain) if one.number == receipt.number]
            own = [one.path for one in lying if one.sha256 == receipt.sha256 and not one.path.is_dir()]
            write_whole(own[0] if own else self._free_path(receipt), as_text(receipt))
            for one in lying:
                if one.path not in own:  # it bears the number of another, or is a folder
                    one.path.rename(self._free_path(receipt).with_suffix(PUT_OUT))

    def content_of(self, sha256: str) -> Path:
        """Return where the content of a hash lies, if it is kept."""
        return self._objects / sha256

    def remains(self, domain: str, sha256: str) -> bytes:
        """Return what is left of the torn receipts of a content."""
        left = b""
        for path in (self._receipts / domain).glob(f"{sha256}*{ENDING}"):
            with suppress(OSError, ValueError):
                left += _bytes_of(path)
        return left

    def _lying(self, domain: str, above: int = 0) -> list[_Lying]:
        """Return each file among the receipts of a domain, with its number, in the order of the numbers.

        Of those that were written down at once, the order is that of their hashes, which tells nothing.

        Raises
        ------
        OSError
            When the folder cannot be listed.
        """
        folder = self._receipts / domain
        try:
            names = sorted(path.name for path in folder.iterdir() if _is_meant(path.name))
        except (FileNotFoundError, NotADirectoryError):
            return []
        lying = [_Lying(folder / name, self._read(folder / name), _content_named(name)) for name in names]
        return _numbered(lying, above)

    def _read(self, path: Path) -> Receipt | None:
        """Return the receipt that a file holds; None when it is none of its domain and its content."""
        sha256 = _content_named(path.name)
        try:
            receipt = None if sha256 is None else from_text(_bytes_of(path).decode(), self._objects / sha256)
        except (OSError, ValueError):
            return None
        return receipt if receipt is not None and receipt.domain == path.parent.name else None


def _is_meant(name: str) -> bool:
    return name.endswith(ENDING) and not name.startswith(".")


def _content_named(name: str) -> str | None:
    found = RECEIPT_FILE.fullmatch(name)
    return None if found is None else found[1]


def _numbered(lying: Sequence[_Lying], above: int) -> list[_Lying]:
    """Give each file that is a receipt, or was, its number, and return all in the order of the numbers.

    A torn one has the lowest number that is free, a new one the next above all others, and above that given.
    """
    written = sorted(lying, key=_written_down)
    own: dict[int, _Lying] = {}
    for one in written:
        if one.receipt is not None and one.receipt.number:
            own.setdefault(one.receipt.number, one)
    paths = {one.path for one in own.values()}
    torn = [one for one in written if one.receipt is None and one.sha256 is not None]
    own |= dict(zip((number for number in count(1) if number not in own), torn, strict=False))
    new = [one for one in written if one.receipt is not None and one.path not in paths]
    own |= dict(enumerate(new, start=max(above, *own, 0) + 1))
    numbered = [
        replace(one, number=number, receipt=one.receipt and replace(one.receipt, number=number))
        for number, one in sorted(own.items())
    ]
    return numbered + [one for one in written if one.sha256 is None]


def _written_down(one: _Lying) -> tuple[bool, float, str, str]:
    torn = one.receipt is None
    return (
        torn,
        0.0 if one.receipt is None else one.receipt.recorded_at.timestamp(),
        one.sha256 or "",
        one.path.name,
    )


def _is_withheld(receipt: Receipt) -> bool:
    return receipt.set_aside is not None and receipt.set_aside.by != OURSELVES


def _was_ahead(receipt: Receipt, instant: datetime, now: datetime) -> bool:
    """Whether a receipt, as of an instant, is of a time to come, and read for all that anybody decided by then."""
    then = receipt.as_of(instant)
    mended = [one.at for one in receipt.decisions[len(then.decisions) :] if one.received_at is not None]
    return (
        then.received_at > instant
        and not _is_withheld(then)
        and is_ahead(then.received_at, min((*mended, now)))
    )


def _unreadable(domain: str, one: _Lying, kept: Sequence[Receipt], now: datetime) -> StoreFault:
    if one.sha256 is None:
        said = "a file among its receipts that is none"
        return _fault(domain, None, None, said, "receipts alone: move it out of the folder", None)
    since = _not_before(one.number, kept, now)
    allowed = "the receipt as it was written: `postdose deliveries restore` writes it again"
    return _fault(domain, one.number, one.sha256, "a receipt that cannot be read", allowed, since)


def _of_the_future(one: Receipt, kept: Sequence[Receipt], now: datetime) -> StoreFault:
    said = f"that it was received at {stamp(one.received_at)}, a time to come: it is not used"
    allowed = "a time that has passed: `postdose deliveries restore` gives it another"
    return _fault(one.domain, one.number, one.sha256, said, allowed, _not_before(one.number, kept, now))


def _not_before(number: int, kept: Sequence[Receipt], now: datetime) -> datetime | None:
    """Return before when a delivery had not come yet: those of lower numbers were written down first."""
    earlier = [one.recorded_at for one in kept if one.number < number and not is_ahead(one.recorded_at, now)]
    return max(earlier, default=None)


def _fault(
    domain: str, number: int | None, sha256: str | None, found: str, allowed: str, since: datetime | None
) -> StoreFault:
    label = domain if number is None else f"{domain} {number}"
    return StoreFault(domain, number, sha256, str(FeedError(label, found, allowed)), since)


def _bytes_of(path: Path) -> bytes:
    """Return the bytes of a receipt; only of a regular file, and of no other size than a receipt may have."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise ValueError("no receipt")
        return os.read(descriptor, MOST_BYTES)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the one process that changes receipts of a domain, where the file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
