"""The files of a look against the ledger, which keeps the SHA-256 of each as it was written, and of the verdict.

A page or a look.json that somebody rewrites, takes away or adds is named. The report by arm is not among them: a hash
of it would let who is blinded try out arms until one fits; that somebody had it written is a record of its own.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from checks.protocol import StudyProtocol
from flows.ledger import (
    AcceptedPayload,
    AccessPayload,
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
    """What the records say of a study's looks: files by folder, hashes of verdicts, what is given up.

    ``closed`` are the data cut-offs at which somebody read the arm; ``given_up`` folders of looks that a ledger lost.
    """

    files: Mapping[str, FilesPayload]
    hashes: frozenset[str]
    closed: frozenset[str]
    given_up: frozenset[str]


def _on_record(ledger: Ledger, study: str) -> OnRecord:
    files = [record.read(FilesPayload) for record in ledger.sound(study, Kind.FILES)]
    looks = [record.read(LookPayload) for record in ledger.sound(study, Kind.LOOK)]
    closed = [record.read(AccessPayload) for record in ledger.sound(study, Kind.CLOSED_ACCESS)]
    accepted = [record.read(AcceptedPayload) for record in ledger.sound(study, Kind.HEAD_ACCEPTED)]
    return OnRecord(
        {one["folder"]: one for one in files},
        frozenset(one["look_sha256"] for one in looks if "look_sha256" in one),
        frozenset(one["data_cutoff"] for one in closed),
        frozenset(folder for one in accepted for folder in one["folders"]),
    )


def files_that_differ(ledger: Ledger, protocol: StudyProtocol) -> Iterator[str]:
    """Yield a sentence for each file of each look that is not as it was written, is missing, or was added.

    Of a look whose files are not on record, as one that was killed before that, the verdict in look.json is compared
    alone. A folder elsewhere than below the study that is gone was somebody's own.
    """
    known = _on_record(ledger, protocol.study.id)
    for kept in known.files.values():
        folder = protocol.folder / kept["folder"]
        if folder.is_dir() or looks_folder(protocol) in folder.parents:
            yield from _others(folder, kept, known.hashes, arm_was_read=kept["data_cutoff"] in known.closed)
    for folder in _folders(protocol):
        name = _as_seen_from(protocol.folder, folder)
        if name not in known.files and name not in known.given_up:
            yield from _verdict(folder, known.hashes)


def unknown_folders(ledger: Ledger, protocol: StudyProtocol) -> Sequence[str]:
    """Return the folders of looks that no record has, as seen from the protocol's folder."""
    known = _on_record(ledger, protocol.study.id)
    named = {_as_seen_from(protocol.folder, one): one for one in _folders(protocol)}
    return [
        name for name, one in named.items() if name not in known.files and any(_verdict(one, known.hashes))
    ]


def _others(folder: Path, kept: FilesPayload, hashes: frozenset[str], *, arm_was_read: bool) -> Iterator[str]:
    where = f"{_called(folder)} (look {kept['look_id']})"
    present = {one.name: one for one in _entries(folder)}
    for name, sha256 in kept["files"].items():
        if name not in present:
            yield f"{where}: {name} is missing"
        elif _sha256_or_none(present[name]) != sha256:
            yield f"{where}: {name} is not as it was written"
    allowed = {*kept["files"], *kept["others"], *([CLOSED] if arm_was_read else [])}
    for name in sorted(present.keys() - allowed):
        yield f"{where}: {printable(name)} was added"
    if "look.json" in present:
        yield from _verdict(folder, hashes)


def _verdict(folder: Path, hashes: frozenset[str]) -> Iterator[str]:
    """Yield that what a look.json says is in no record of a look."""
    try:
        with _opened(folder / "look.json") as content:
            document = json.load(content)
        said = canonical({name: value for name, value in document.items() if name not in HISTORY})
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError, RecursionError):
        yield f"{_called(folder)}: look.json cannot be read"
        return
    if hashlib.sha256(said.encode()).hexdigest() not in hashes:
        yield f"{_called(folder)}: no record has the look that look.json tells of"


def _folders(protocol: StudyProtocol) -> Sequence[Path]:
    return [one for one in _entries(looks_folder(protocol)) if one.is_dir()]


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _called(folder: Path) -> str:
    return f"looks/{printable(folder.name)}"


def _as_seen_from(folder: Path, out: Path) -> str:
    """Return where a look's folder lies: a study that is moved takes its looks with it."""
    absolute, base = out.resolve(), folder.resolve()
    return absolute.relative_to(base).as_posix() if base in absolute.parents else absolute.as_posix()


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
