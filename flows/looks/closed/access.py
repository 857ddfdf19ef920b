"""Who may read the arm; each time that somebody does is written down: who, why, at which look."""

from datetime import datetime

from checks.closed import telltales_in
from checks.errors import UsageError
from checks.looks import LookDocument
from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.ledger import AccessPayload, Kind, Ledger
from flows.pages.closed.document import Access
from flows.settings import CLOSED, CLOSED_ALLOWED, Settings

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
    names = (*protocol.treatment.names, *protocol.treatment.active_arms)
    if telltales_in(text.encode(), names, innocent=(protocol.study.id, protocol.study.title or "")):
        raise UsageError(
            f"{option}: found the name of an arm or a treatment; allowed: a text without one, since it is kept "
            "in the ledger, where those who are blinded read it"
        )
