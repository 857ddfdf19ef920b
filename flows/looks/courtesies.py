"""What a look does once it is recorded and told: its files, its page, the heartbeat; none of it can end the look."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from checks.errors import PostdoseError
from checks.looks import Look, LookDocument
from flows.heartbeat import HEARTBEAT_URL, call_watchdog, write_beat
from flows.ledger import Ledger
from flows.ledger.heads import HEAD_URL, keep_head, post_head
from flows.looks.files import FILES, write_file
from flows.looks.interruption import Interruption
from flows.looks.kept_files import put_files_on_record
from flows.pages.report.page import render_report
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")


@dataclass(frozen=True, slots=True)
class Told:
    """A look that is recorded and told: what it found, its document, its folder, and whether it is on record."""

    look: Look
    document: LookDocument
    out: Path
    settings: Settings
    on_record: bool


Courtesy = Callable[[Told], object]
"""One step for people's convenience; whatever it raises is said, and the next is taken."""


def _page(told: Told) -> None:
    render_report(told.document, doses=told.look.doses, protocol=told.look.protocol, out=told.out)


def _beat(told: Told) -> None:
    if told.on_record:
        write_beat(told.look.protocol, told.document, completed_at=datetime.now(UTC))


def _call(told: Told) -> None:
    url = told.settings.addresses.get(HEARTBEAT_URL)
    if told.on_record and url:
        call_watchdog(url)


def _file(name: str, told: Told) -> None:
    write_file(name, told.look, told.document, told.out)


COURTESIES: Final[Mapping[str, Courtesy]] = {
    "look.json": partial(_file, "look.json"),
    "report.html": _page,
    **{name: partial(_file, name) for name in FILES if name != "look.json"},
    "heartbeat.json": _beat,
    HEARTBEAT_URL: _call,
}
"""Every step after the record and the messages, in turn: what another program reads of the look first."""


def _keep_files(told: Told) -> None:
    if told.on_record:
        named = told.document["look_id"], told.document["data_cutoff"]
        put_files_on_record(
            Ledger.of(told.settings), told.look.protocol, told.out, look_id=named[0], data_cutoff=named[1]
        )


def _keep_head(told: Told) -> None:
    head = Ledger.of(told.settings).head() if told.on_record else None
    if head is not None:
        protocol = told.look.protocol
        keep_head(protocol.folder, protocol.study.id, head, at=datetime.now(UTC))


def _post_head(told: Told) -> None:
    url = told.settings.addresses.get(HEAD_URL)
    head = Ledger.of(told.settings).head() if told.on_record and url else None
    if head is not None and url:
        post_head(url, told.look.protocol.study.id, head, at=datetime.now(UTC))


KEEPING: Final[Mapping[str, Courtesy]] = {"the hashes of the files": _keep_files, "heads": _keep_head}
"""What is kept of the files once none of them is written any more: brief, and taken by a process told to end too."""

POSTING: Final[Mapping[str, Courtesy]] = {HEAD_URL: _post_head}
"""The last: it may wait for another machine."""


def take_each(steps: Mapping[str, Courtesy], told: Told, held: Interruption) -> tuple[str, ...]:
    """Take every step, and return a sentence for each that failed; once told to end, no further one is begun."""
    failed = []
    for name, step in steps.items():
        problem = "not begun, for the process was told to end" if held.number else _problem(step, told)
        if problem is not None:
            LOGGER.error("After the alerts: %s: %s", name, problem)
            failed.append(f"{name}: {problem}")
    return tuple(failed)


def _problem(step: Courtesy, told: Told) -> str | None:
    try:
        step(told)
    except BaseException as error:  # a page, a disk, a library that ends: none is worth the verdict
        return problem_of(error)
    return None


def problem_of(error: BaseException) -> str:
    """Return what an error says, where its words are ours or the system's; of any other its kind: it may quote."""
    if isinstance(error, PostdoseError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({type(error).__name__})"
    return type(error).__name__
