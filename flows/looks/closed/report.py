"""Write the closed report of a look: permission, record, and only then the arm, into a folder of its own.

It knows nothing of Prefect, so that no run, parameter, log or state there can carry an arm.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from checks.closed import evaluate_by_arm, telltales_in
from checks.errors import FeedError
from checks.knowledge import Knowledge
from checks.looks import Look, LookDocument, look_at
from checks.protocol import StudyProtocol
from checks.tables import Feed
from flows.looks.closed.access import record_access, require_permission
from flows.looks.closed.arms import Arms, read_arms, withheld_administrations
from flows.looks.closed.document import Closed, build_closed, build_listing
from flows.looks.closed.folder import private_folder
from flows.pages.closed.document import Access
from flows.pages.closed.page import render_closed
from flows.settings import Settings

FOLDER = "closed"


def closed_report(
    look: LookDocument,
    folder: Path,
    *,
    protocol: StudyProtocol,
    settings: Settings,
    read_feeds: Callable[[], Mapping[str, Feed]],
    reason: str,
    by: str,
    now: datetime,
) -> Path:
    """Write ``closed/`` into a look's folder: closed.html, closed.json and arms.csv; return the page's path.

    The access, with its ``reason`` and the claimed name ``by``, is recorded in the ledger before any feed is read;
    ``read_feeds`` returns those of the look, by lower-case domain, with what tells the arm. Nothing is written
    anywhere else than into ``folder``, the look's.

    Raises
    ------
    UsageError
        When it is not allowed, or the folder is not private.
    LedgerWriteError
        When the access cannot be recorded: the arm is then not read.
    FeedError
        When the feeds are no longer those of the look.
    """
    require_permission(settings, protocol, reason=reason, by=by)
    with private_folder(folder / FOLDER) as private:
        access = record_access(settings, look, reason=reason, by=by, now=now)
        feeds = read_feeds()
        cutoff = datetime.fromisoformat(look["data_cutoff"])
        again = look_at(Knowledge(feeds), protocol, data_cutoff=cutoff)
        _require_same(look, again)
        outputs = sorted(path for path in folder.iterdir() if path.is_file())
        closed = _closed(look, access, feeds, again, outputs)
        document = build_closed(closed)
        subjects = sorted({*again.validation.subjects["USUBJID"], *closed.arms.by_subject})
        listing = build_listing(closed, subjects)
        private.write("closed.json", (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
        private.write("arms.csv", listing.to_csv(index=False, lineterminator="\n").encode())
        private.write("closed.html", render_closed(document, protocol).encode())
    return private.path / "closed.html"


def _closed(
    look: LookDocument, access: Access, feeds: Mapping[str, Feed], again: Look, outputs: Iterable[Path]
) -> Closed:
    arms = read_arms(feeds["dm"])
    results = evaluate_by_arm(again, arms.by_subject)
    withheld = withheld_administrations(feeds["ex"], again.quarantine)
    return Closed(look, access, arms, results, withheld, _told(outputs, arms, withheld, again.protocol))


def _require_same(look: LookDocument, again: Look) -> None:
    """Refuse feeds that changed since the look: the two reports would speak of different data."""
    read = {feed.domain: list(feed.sha256) for feed in again.feeds}
    for feed in look["feeds"]:
        if read.get(feed["domain"]) != feed["sha256"]:
            raise FeedError(
                feed["domain"], "other bytes than the look had read", "the same deliveries; look again"
            )


def _told(
    outputs: Iterable[Path], arms: Arms, withheld: pd.DataFrame, protocol: StudyProtocol
) -> Mapping[str, Sequence[str]]:
    """Look for every arm's code, treatment's name and withheld amount in the blinded outputs."""
    amounts = [text for text in withheld["EXDOSE"] if any(sign in text for sign in ".-")]
    words = {*arms.by_subject.values(), *protocol.treatment.names, *withheld["EXTRT"], *amounts}
    innocent = (protocol.study.id, protocol.study.title or "")
    found = {path.name: telltales_in(path.read_bytes(), words, innocent=innocent) for path in outputs}
    return {name: told for name, told in found.items() if told}
