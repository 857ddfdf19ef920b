"""The journal of a replay: each look kept as soon as it is made, one a line, and what of an earlier start holds.

The file begins with a line that says what every look depends on: study protocol, code, and how often to look.
Each further line says which deliveries its look could know. When a replay starts again it goes on after the
last line of which all of that still holds, so later deliveries add looks and repeat none; what a kill cut
short is made again. Where nothing holds it begins anew.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from flows.files import create, make_folder
from flows.ledger import canonical
from flows.pages.replay import Entry


class Header(TypedDict):
    """The first line: what every look of the file depends on."""

    schema: str
    study: str
    protocol_sha256: str
    code_version: str
    first: str
    every_minutes: int


DEPENDS_ON = {
    "schema": "the form of the file",
    "study": "the study",
    "protocol_sha256": "the study protocol",
    "code_version": "the code version",
    "first": "the first data cut-off",
    "every_minutes": "the time between looks",
}
"""The fields of the first line, and what each is called where it differs."""


@dataclass(frozen=True, slots=True)
class Due:
    """One look that a replay has to make: its data cut-off, and the hash of the deliveries received by then."""

    data_cutoff: str
    deliveries_sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The looks of an earlier start that still hold, and why others, if any, do not."""

    entries: tuple[Entry, ...]
    length: int
    reason: str | None


def read_kept(path: Path, header: Header, due: Sequence[Due]) -> Kept:
    """Return the looks that an earlier start left and that this one, whose looks are ``due``, may go on from."""
    if not path.is_file():
        return Kept((), 0, None)
    lines = _whole_lines(path.read_bytes())
    first = _parse(lines[0]) if lines else None
    if first is None:
        return Kept((), 0, "the file of the earlier looks has no first line")
    different = [
        words
        for (name, words), told in zip(DEPENDS_ON.items(), header.values(), strict=True)
        if first.get(name) != told
    ]
    if different:
        return Kept((), 0, f"{' and '.join(different)} changed")
    entries, length, reason = [], len(lines[0]), None
    for line, expected in zip(lines[1:], due, strict=False):
        entry = cast(Entry | None, _parse(line))  # the first line says that this code wrote it
        reason = _outdated(entry, expected)
        if entry is None or reason is not None:
            break
        entries.append(entry)
        length += len(line)
    return Kept(tuple(entries), length, reason)


def _whole_lines(content: bytes) -> list[bytes]:
    """Return the lines without one that was cut short: it has no line feed."""
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)


def _outdated(entry: Entry | None, expected: Due) -> str | None:
    """Return why a look does not hold any more."""
    if entry is None or entry.get("data_cutoff") != expected.data_cutoff:
        return f"the look of {expected.data_cutoff} is not in the file where it should be"
    if entry.get("deliveries_sha256") != expected.deliveries_sha256:
        return f"the deliveries known by {expected.data_cutoff} changed"
    return None


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def journal(path: Path, header: Header, kept: Kept) -> Iterator[Callable[[Entry], Entry]]:
    """Go on with the file after the looks that are kept, each line handed to the system at once: a kill loses none.

    What is yielded writes the line of a look, and returns the look as a later start will read it.
    """
    make_folder(path.parent)
    create(path)
    with path.open("r+b") as file:
        file.seek(kept.length)
        file.truncate()

        def write(content: Header | Entry) -> Entry:
            line = canonical(content).encode() + b"\n"
            file.write(line)
            file.flush()
            return cast(Entry, json.loads(line))

        if not kept.length:
            write(header)
        yield write
