"""The files of a look against the ledger, which keeps the SHA-256 of each as it was written, and of the verdict.

A page or a look.json that somebody rewrites, takes away or adds is named. The report by arm is not among them: a hash
of it would let who is blinded try out arms until one fits; that somebody had it written is a record of its own.
"""

import hashlib
import json
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

from checks.errors import ACCEPT_HEAD
from checks.looks import LookDocument
from checks.protocol import StudyProtocol
from flows.files import BEGINS, ENDS
from flows.heartbeat import feed_faults
from flows.ledger import (
    AcceptedPayload,
    AccessPayload,
    FeedFault,
    FilesPayload,
    Head,
    Kind,
    Ledger,
    LookPayload,
    canonical,
)
from flows.pages.kit.words import printable

WRITTEN: Final = (
    "look.json",
    "report.html",
    "validation.json",
    "cases.csv",
    "doses.csv",
    "quarantine.csv",
    "changes.csv",
)
"""The names of a look's files."""

CLOSED: Final = "closed"
"""The folder of the report by arm, in a look's."""

BESIDE: Final = ("look.lock", "heartbeat.json")
"""What lies among the folders of looks."""

SAID: Final = ("look_id", "data_cutoff", "verdict", "protocol_sha256", "code_version")
"""The keys of look.json that its record has too."""

INSTANT: Final = re.compile(r"[0-9TZ:-]{20}", re.ASCII)
"""The form of a data cut-off, which is quoted."""

MOST_BYTES: Final = 1 << 32
"""A look writes rows of feeds that are no larger by default: a larger file is none of its own."""

MOST_OF_DOCUMENT: Final = 1 << 28
"""Bytes of a look.json, which is read whole."""

HISTORY: Final = ("standing", "signals", "ledger", "delivery")
"""The keys of look.json that come of its history: the hash on record leaves them out."""


def files_of_look(protocol: StudyProtocol, out: Path, *, look_id: str, data_cutoff: str) -> FilesPayload:
    """Return what the ledger keeps of the files in the folder ``out`` of a look.

    Raises
    ------
    OSError
        When one cannot be read.
    """
    named = looks_folder(protocol).resolve() not in out.resolve().parents
    present = sorted(one.name for one in out.iterdir())
    return {
        "look_id": look_id,
        "data_cutoff": data_cutoff,
        "folder": _as_seen_from(protocol.folder, out),
        "files": {name: _sha256(out / name) for name in WRITTEN if name in present},
        "others": [name for name in present if name not in (*WRITTEN, CLOSED)] if named else [],
    }


def put_files_on_record(
    ledger: Ledger, protocol: StudyProtocol, out: Path, *, look_id: str, data_cutoff: str
) -> Head:
    """Record the files in a look's folder, which are written, and return the new head.

    Raises
    ------
    OSError
        When one cannot be read.
    LedgerWriteError
        When the ledger cannot be written.
    """
    kept = files_of_look(protocol, out, look_id=look_id, data_cutoff=data_cutoff)
    return ledger.record(protocol.study.id, Kind.FILES, kept)


def looks_folder(protocol: StudyProtocol) -> Path:
    """Return the folder in which the folders of a study's looks lie."""
    return protocol.folder / "looks" / protocol.study.id


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the records say of a study's looks: files by folder, looks by the hash of the verdict, what is given up.

    ``closed`` are the data cut-offs at which somebody read the arm; ``given_up`` folders of looks that a ledger lost.
    ``holds`` says whether the ledger has the record that a look.json names.
    """

    files: Mapping[str, FilesPayload]
    looks: Mapping[str, Sequence[LookPayload]]
    closed: frozenset[str]
    given_up: frozenset[str]
    holds: Callable[[object], bool]


def _on_record(ledger: Ledger, study: str) -> OnRecord:
    files = [record.read(FilesPayload) for record in ledger.sound(study, Kind.FILES)]
    looks: defaultdict[str, list[LookPayload]] = defaultdict(list)
    for record in ledger.sound(study, Kind.LOOK):
        look = record.read(LookPayload)
        looks[look["look_sha256"]].append(look)
    closed = [record.read(AccessPayload) for record in ledger.sound(study, Kind.CLOSED_ACCESS)]
    accepted = [record.read(AcceptedPayload) for record in ledger.sound(study, Kind.HEAD_ACCEPTED)]
    return OnRecord(
        {one["folder"]: one for one in files},
        looks,
        frozenset(one["data_cutoff"] for one in closed),
        frozenset(folder for one in accepted for folder in one["folders"]),
        partial(_holds, ledger),
    )


def _holds(ledger: Ledger, said: object) -> bool:
    """Whether a ledger has the record that a look.json names."""
    match said:
        case {"sequence": int(sequence), "head_sha256": str(sha256)} if 0 < sequence < 1 << 31:
            return bool(ledger.holding([Head(sequence, sha256)]))
    return False


def files_that_differ(ledger: Ledger, protocol: StudyProtocol) -> Iterator[str]:
    """Yield a sentence for each file of each look that is not as it was written, is missing, or was added.

    Of a look whose files are not on record, as one that was killed before that, what look.json says is compared
    alone. A folder elsewhere than below the study that is gone was somebody's own.
    """
    known = _on_record(ledger, protocol.study.id)
    for kept in known.files.values():
        folder = protocol.folder / kept["folder"]
        if folder.is_dir() or looks_folder(protocol) in folder.parents:
            yield from _others(folder, kept, known)
    for folder in _folders(protocol):
        name = _as_seen_from(protocol.folder, folder)
        if name not in known.files and name not in known.given_up:
            yield from _unrecorded(folder, known)
    yield from (f"looks: {name} was added" for name in _stray(protocol))


def unknown_folders(ledger: Ledger, protocol: StudyProtocol) -> Sequence[str]:
    """Return the folders of looks that no record has, as seen from the protocol's folder."""
    known = _on_record(ledger, protocol.study.id)
    named = {_as_seen_from(protocol.folder, one): one for one in _folders(protocol)}
    return [name for name, one in named.items() if name not in known.files and any(_unrecorded(one, known))]


def _others(folder: Path, kept: FilesPayload, known: OnRecord) -> Iterator[str]:
    where = f"{_called(folder)} (look {kept['look_id']})"
    present = {one.name: one for one in _entries(folder)}
    for name, sha256 in kept["files"].items():
        if name not in present:
            yield f"{where}: {name} is missing"
        elif _size(present[name]) > MOST_BYTES:
            yield f"{where}: {name} is larger than {MOST_BYTES:,} bytes, and was not read"
        elif _sha256_or_none(present[name]) != sha256:
            yield f"{where}: {name} is not as it was written"
    closed = [CLOSED] if kept["data_cutoff"] in known.closed else []
    for name in sorted(present.keys() - {*kept["files"], *kept["others"], *closed}):
        yield f"{where}: {printable(name)} was added"
    document = _document(folder)
    if document is not None:
        found = known.looks.get(_look_sha256(document), ())
        yield from _unlike(folder, document, found, known) if found else [_unheard(folder, document)]
    elif "look.json" in present:
        yield f"{_called(folder)}: look.json cannot be read"


def _unrecorded(folder: Path, known: OnRecord) -> Iterator[str]:
    """Yield what is wrong with a look's folder whose files are not on record."""
    present = {one.name for one in _entries(folder)}
    document = _document(folder)
    if document is None:
        if present:
            unread = "cannot be read" if "look.json" in present else "is missing"
            yield f"{_called(folder)}: no record has this folder, and its look.json {unread}"
        return
    found = known.looks.get(_look_sha256(document), ())
    if not found:
        yield _unheard(folder, document)
        return
    elsewhere = [one["folder"] for one in known.files.values() if one["look_id"] == found[0]["look_id"]]
    if elsewhere:
        yield f"{_called(folder)}: a copy of look {found[0]['look_id']}, which was written to {elsewhere[0]}"
    closed = [CLOSED] if found[0]["data_cutoff"] in known.closed else []
    for name in sorted(present - {*WRITTEN, *closed}):
        yield f"{_called(folder)}: {printable(name)} was added"
    yield from _unlike(folder, document, found, known)


def _unlike(
    folder: Path, document: Mapping[str, object], found: Sequence[LookPayload], known: OnRecord
) -> Iterator[str]:
    """Yield what the records of a look say otherwise than its look.json, whose hash they have."""
    said = _said(document)
    for look in found:
        on_record = {**look, "blocked": _blocked(look.get("feed_faults", {}))}
        if "feed_faults" not in look:  # as before they were kept
            del on_record["blocked"]
        other = [name for name, value in said.items() if on_record.get(name, value) != value]
        if other:
            yield f"{_called(folder)}: the record of look {look['look_id']} has otherwise: {', '.join(other)}"
    head = document.get("ledger")
    if head is not None and not known.holds(head):
        yield f"{_called(folder)}: look.json names a record that the ledger does not have"


def _said(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return what look.json says that its record says too; an earlier version may not say of feeds what is asked."""
    said: dict[str, object] = {name: document[name] for name in SAID if name in document}
    with suppress(KeyError, TypeError):
        feeds = cast(LookDocument, document)["feeds"]
        said["feeds"] = {one["domain"]: one["sha256"] for one in feeds}
        said["blocked"] = _blocked(feed_faults(feeds))
    return said


def _blocked(faults: Mapping[str, FeedFault]) -> frozenset[str]:
    return frozenset(domain for domain, one in faults.items() if one["fault"] == "blocked")


def _unheard(folder: Path, document: Mapping[str, object]) -> str:
    """Say that no record has a look, and what to do where it was made while the ledger could not be written."""
    cutoff = document.get("data_cutoff")
    at = cutoff if isinstance(cutoff, str) and INSTANT.fullmatch(cutoff) else "T"
    return (
        f"{_called(folder)}: no record has the look that look.json tells of; if it was made while the ledger could "
        f"not be written, `postdose look PROTOCOL --data-cutoff {at}` made again puts it on record, and "
        f"{ACCEPT_HEAD} leaves it without"
    )


def _document(folder: Path) -> Mapping[str, object] | None:
    """Return what a look.json says; None where it cannot be read as one."""
    try:
        if _size(folder / "look.json") > MOST_OF_DOCUMENT:
            return None
        with _opened(folder / "look.json") as content:
            document = json.load(content)
        return dict(document) if canonical(document) else None
    except (OSError, TypeError, ValueError, RecursionError):
        return None


def _look_sha256(document: Mapping[str, object]) -> str:
    hashed = {name: value for name, value in document.items() if name not in HISTORY}
    return hashlib.sha256(canonical(hashed).encode()).hexdigest()


def _folders(protocol: StudyProtocol) -> Sequence[Path]:
    return [one for one in _entries(looks_folder(protocol)) if one.is_dir() and not one.is_symlink()]


def _stray(protocol: StudyProtocol) -> Sequence[str]:
    """Return what lies among the folders of looks, and among those of studies, and is none of ours."""
    looks = looks_folder(protocol)
    beside = [one for one in _entries(looks.parent) if one.is_symlink() or not one.is_dir()]
    among = [one for one in _entries(looks) if one.is_symlink() or not one.is_dir()]
    odd = [*beside, *(one for one in among if one.name not in BESIDE)]
    return [printable(one.relative_to(looks.parent).as_posix()) for one in odd]


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return sorted(one for one in folder.iterdir() if not fnmatch(one.name, f"{BEGINS}*{ENDS}"))
    except OSError:
        return ()


def _called(folder: Path) -> str:
    return f"looks/{printable(folder.name)}"


def _as_seen_from(folder: Path, out: Path) -> str:
    """Return where a look's folder lies: a study that is moved takes its looks with it."""
    absolute, base = out.resolve(), folder.resolve()
    return absolute.relative_to(base).as_posix() if base in absolute.parents else absolute.as_posix()


def _size(file: Path) -> int:
    """Return the bytes of a file, 0 of one that is not there."""
    try:
        return file.lstat().st_size
    except OSError:
        return 0


def _sha256_or_none(file: Path) -> str | None:
    try:
        return _sha256(file)
    except OSError:
        return None


def _sha256(file: Path) -> str:
    with _opened(file) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _opened(file: Path) -> BufferedReader:
    """Open a regular file; what stands in its place, a link or what makes its reader wait, is none of ours."""
    opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError("not a regular file")
    return os.fdopen(opened, "rb")
