"""Heads of a ledger kept by themselves: a file beside the study, and POSTDOSE_HEAD_URL where it is set.

A chain that is rewritten whole, cut off or put back from an old copy fits in itself; it does not hold the heads that
were written down elsewhere meanwhile. The file ``heads`` lies in the folder of the study protocol and is only ever
appended to: a line is a record's sequence and hash, when it was the newest (UTC), and the study. Copy it away with
the backups, or let the URL take each head to another machine.
"""

import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from checks.errors import ACCEPT_HEAD, LedgerWriteError
from checks.stamps import stamp
from flows.calls import call
from flows.files import create
from flows.ledger.book import Ledger
from flows.ledger.chain import Head, Kind
from flows.ledger.payloads import AcceptedPayload, HeadPart
from flows.ledger.seen import Seen

LOGGER = logging.getLogger("postdose")

FILE: Final = "heads"

LEDGER_REPLACED: Final = "ledger_replaced"
"""What is wrong when a ledger lacks the newest head known beside the study."""

HEAD_URL: Final = "POSTDOSE_HEAD_URL"

NUMBER: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
"""A record's sequence, which both databases count in four bytes."""

MOST_BYTES: Final = 1 << 26
"""A line is some hundred bytes, and one a look: so many bytes are half a million looks."""

FIELDS: Final = 4
"""Of a line: sequence, hash, moment, study; the last may hold spaces."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of the file, counted from 1; ``head`` is None where it cannot be read as one."""

    line: int
    head: Head | None
    study: str = ""


def keep_head(folder: Path, study: str, head: Head, *, at: datetime) -> None:
    """Append the newest head (as of a moment, UTC) to the file in a study's folder, in the mode of files.

    Raises
    ------
    OSError
        When it cannot be written, or another thing than a regular file has its name.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
    create(folder / FILE)
    file = _regular(os.open(folder / FILE, flags))
    try:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # what a crash left is a line of its own
        line = f"{head.sequence} {head.sha256} {stamp(at)} {study}\n"
        os.write(file, ("\n" if torn else "").encode() + line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def kept_heads(folder: Path) -> tuple[Kept, ...]:
    """Return what the file in a study's folder keeps, oldest first; nothing where there is none.

    Raises
    ------
    OSError
        When it cannot be read, is larger than a file of heads becomes, or another thing than a regular file has its
        name.
    """
    try:
        file = _regular(os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except FileNotFoundError:
        return ()
    with os.fdopen(file, "rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"found more than {MOST_BYTES:,} bytes, as no heads of looks become")
    lines = content.split(b"\n")
    return tuple(_kept(number, line) for number, line in enumerate(lines, start=1) if line)


def _kept(number: int, line: bytes) -> Kept:
    fields = line.decode(errors="replace").split(" ", FIELDS - 1)
    if len(fields) < FIELDS or not NUMBER.fullmatch(fields[0]):
        return Kept(number, None)
    return Kept(number, Head(int(fields[0]), fields[1]), fields[3])


def _regular(file: int) -> int:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{FILE} is not a regular file")
    return file


def require_known_head(ledger: Ledger, folder: Path, study: str) -> None:
    """Refuse to go on in a ledger that lacks the newest head known beside the study: a new one, or an older one.

    Raises
    ------
    LedgerWriteError
        Saying what to do.
    """
    if (lacking := _lacking(ledger, folder, study)) is not None:
        raise LedgerWriteError(lacking)


def by_heads(ledger: Ledger, folder: Path, study: str) -> Callable[[Seen], Seen]:
    """Return what adds to what is seen of a study that the ledger lacks the newest head known beside it, if so.

    Who is notified by such a ledger is told so: nobody goes unnotified for it.
    """
    lacking = _lacking(ledger, folder, study)
    if lacking is None:
        return lambda seen: seen
    return lambda seen: replace(
        seen, faults={**seen.faults, LEDGER_REPLACED: f"{lacking[0].upper()}{lacking[1:]}."}
    )


def _lacking(ledger: Ledger, folder: Path, study: str) -> str | None:
    """Say that a ledger lacks the newest head known, and what to do; a file that cannot be read tells of none."""
    try:
        known = _newest(kept_heads(folder), study)
    except OSError as error:
        LOGGER.error("The heads kept beside study %s cannot be read: %s", study, error.strerror or error)
        return None
    if known is None or ledger.holding([known]):
        return None
    found = ledger.head()
    has = "it is empty" if found is None else f"its newest record is {found.sequence}"
    return (
        f"this ledger does not hold record {known.sequence} ({known.sha256[:12]}...), the newest known in {FILE} "
        f"beside the study: {has}, so it is a new one, an older copy, or rewritten. Name the right one, restore the "
        f"newest backup, or go on in this one with {ACCEPT_HEAD}"
    )


def knows_of_a_head(folder: Path, study: str) -> bool:
    """Whether a head of a study is known beside it; of a file that cannot be read nothing is."""
    try:
        return _newest(kept_heads(folder), study) is not None
    except OSError:
        return False


def _newest(kept: Iterable[Kept], study: str) -> Head | None:
    heads = [one.head for one in kept if one.head is not None and one.study == study]
    return heads[-1] if heads else None


def accept_head(
    ledger: Ledger,
    folder: Path,
    study: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    unknown: Sequence[str] = (),
) -> Head:
    """Record who goes on in a ledger that lacks the newest head known, and why, and keep its own; return that.

    ``unknown`` are the folders of looks that it does not have on record.

    Raises
    ------
    OSError
        When the file of heads cannot be read or written.
    """
    known, found = _newest(kept_heads(folder), study), ledger.head()
    if known is not None and ledger.holding([known]):  # nothing of the record is given up
        known = None
    payload: AcceptedPayload = {
        "at": stamp(now),
        "by": by,
        "reason": reason,
        "known": _part(known),
        "found": _part(found),
        "folders": list(unknown),
    }
    head = ledger.record(study, Kind.HEAD_ACCEPTED, payload)
    keep_head(folder, study, head, at=now)
    return head


def _part(head: Head | None) -> HeadPart | None:
    return None if head is None else {"sequence": head.sequence, "sha256": head.sha256}


def heads_that_differ(ledger: Ledger, folder: Path, study: str) -> Iterator[str]:
    """Yield a sentence for what the file of heads has that the ledger lacks, and for lines that are none.

    Heads from before one that somebody accepted in its place are not asked for: their records are given up.
    """
    try:
        kept = kept_heads(folder)
    except OSError as error:
        yield f"the file of heads cannot be read: {error.strerror or error}"
        return
    odd = [one.line for one in kept if one.head is None]
    if odd:
        yield f"line {odd[0]} of {FILE} is no head ({len(odd)} such)"
    ours = [(one.line, one.head) for one in kept if one.head is not None and one.study == study]
    given_up = {
        known["sha256"]
        for record in ledger.sound(study, Kind.HEAD_ACCEPTED)
        if (known := record.read(AcceptedPayload)["known"]) is not None
    }
    last = max((place for place, (_, head) in enumerate(ours, start=1) if head.sha256 in given_up), default=0)
    held = ledger.holding([head for _, head in ours[last:]])
    lacking = [(line, head) for line, head in ours[last:] if head not in held]
    if lacking:
        line, head = lacking[0]
        said = f"the ledger lacks record {head.sequence} with the hash {head.sha256}"
        yield f"{said}, which line {line} of {FILE} has ({len(lacking)} such): it was cut off, rewritten or put back"


def post_head(url: str, study: str, head: Head, *, at: datetime) -> None:
    """Post a head as JSON to whoever keeps it; failing is only logged, without the address: it may hold a key."""
    problem = call(url, {"schema": "postdose/head/1", "study": study, **asdict(head), "at": stamp(at)})
    if problem is not None:
        LOGGER.error("%s: %s", HEAD_URL, problem)
