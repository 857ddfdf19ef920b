"""Write the closed report of a look: permission, a record of who reads the arm and why, and only then the arm.

It knows nothing of Prefect, so that no run, parameter, log or state there can carry an arm.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from checks.closed import evaluate_by_arm, telltales_in
from checks.errors import FeedError, UsageError
from checks.knowledge import Knowledge
from checks.looks import Look, LookDocument, look_at
from checks.protocol import StudyProtocol
from checks.protocol.untelling import require_untelling
from checks.stamps import stamp
from checks.tables import Feed
from flows.inert import inert_csv, inert_line
from flows.ledger import AccessPayload, Kind, Ledger
from flows.ledger.heads import require_known_head
from flows.looks.closed.arms import Arms, read_arms, withheld_administrations
from flows.looks.closed.document import Closed, build_closed, build_files, build_listing
from flows.looks.closed.folder import private_folder
from flows.pages.closed.page import Access, render_closed
from flows.settings import CLOSED, CLOSED_ALLOWED, Settings

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
    """Write ``closed/`` into a look's folder: closed.html, closed.json, arms.csv, files.csv; return the page.

    The access, with its ``reason`` and the claimed name ``by``, is recorded in the ledger before any feed is read;
    ``read_feeds`` returns those of the look, by lower-case domain, with what tells the arm. Nothing is written
    anywhere else than into ``folder``, the look's.

    Raises
    ------
    UsageError
        When it is not allowed, or the folder is not private.
    LedgerWriteError
        When the access cannot be recorded, or only in a ledger that is not the study's: the arm is then not read.
    FeedError
        When the feeds are no longer those of the look.
    """
    require_permission(settings, protocol, reason=reason, by=by)
    with private_folder(folder / FOLDER) as private:
        require_known_head(Ledger.of(settings), protocol.folder, protocol.study.id)
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
        private.write(
            "closed.json", (inert_line(json.dumps(document, indent=1, ensure_ascii=False)) + "\n").encode()
        )
        private.write("arms.csv", inert_csv(listing).encode())
        private.write("files.csv", inert_csv(build_files(feeds)).encode())
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


LONGEST = 500
"""Characters of a reason or a name: enough for a sentence or two, too few for a listing."""


def require_permission(settings: Settings, protocol: StudyProtocol, *, reason: str, by: str) -> None:
    """Refuse a closed report before anything is read for it.

    Raises
    ------
    UsageError
        When the environment does not allow it, the reason or the name is missing or tells an arm, or the
        protocol does not say which arms are active.
    """
    if not settings.closed_allowed:
        raise UsageError(
            f"--closed: found {CLOSED} unset or with another value; allowed: {CLOSED}={CLOSED_ALLOWED}, set where "
            "only those who may know the arm can run it"
        )
    for option, text in (("--reason", reason), ("--by", by)):
        _require_text(option, text, protocol)
    if not protocol.treatment.active_arms:
        raise UsageError(
            "treatment.active_arms: found nothing; allowed: the codes (ACTARMCD, ARMCD) of the active arms"
        )


def record_access(settings: Settings, look: LookDocument, *, reason: str, by: str, now: datetime) -> Access:
    """Write down that somebody is about to read the arm; nothing of it has been read yet.

    Raises
    ------
    LedgerWriteError
        When the record cannot be written: the arm must then not be read.
    """
    access: AccessPayload = {
        "look_id": look["look_id"],
        "data_cutoff": look["data_cutoff"],
        "by": by.strip(),
        "reason": reason.strip(),
        "accessed_at": stamp(now),
    }
    head = Ledger.of(settings).record(look["study"], Kind.CLOSED_ACCESS, access)
    return {
        "by": access["by"],
        "reason": access["reason"],
        "accessed_at": now.isoformat(),
        "sequence": head.sequence,
        "sha256": head.sha256,
    }


def _require_text(option: str, text: str, protocol: StudyProtocol) -> None:
    if not text.strip() or not text.isprintable():
        raise UsageError(f"{option}: found no printable text; allowed: why, and by whom, the arm is read")
    if len(text) > LONGEST:
        raise UsageError(f"{option}: found {len(text)} characters; allowed: at most {LONGEST}")
    require_untelling(option, text, protocol)
