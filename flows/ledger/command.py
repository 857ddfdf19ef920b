"""Verify, export, move and name the head of a ledger, for `postdose ledger`."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from checks.errors import LedgerBrokenError, LedgerWriteError, UsageError
from checks.protocol import StudyProtocol
from checks.protocol.untelling import require_untelling
from flows.ledger.book import Ledger
from flows.ledger.chain import Head, stored
from flows.ledger.database import cut_off, damaged
from flows.ledger.heads import FILE, accept_head
from flows.ledger.messages import few
from flows.ledger.quarantine import LeftOut
from flows.settings import Settings


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept beside a ledger: what that is, what yields a sentence for each difference, and the error then."""

    said: str
    differences: Callable[[Ledger], Iterable[str]]
    error: type[LedgerBrokenError] = LedgerBrokenError


def run_verify(
    settings: Settings,
    *,
    expect_head: str | None,
    as_json: bool,
    rebuild: bool = False,
    beside: Sequence[Beside] = (),
) -> int:
    """Verify the chain and what is kept beside it, say what was verified, and return exit code 0.

    The hash of ``expect_head``, as a report or an earlier `head` named it, must be in the chain. One JSON document is
    printed of a broken chain too. With ``rebuild`` the projection is written anew from the records first.

    Raises
    ------
    LedgerBrokenError
        Naming the first bad record, or the hash that no record has; where the database is damaged, its place; and
        what is otherwise beside it: of the kind that this has where nothing else is wrong.
    """
    expected = None if expect_head is None else _hash(expect_head)
    try:
        ledger = _whole(settings)
        problems, records, found = _verified(ledger, expected, rebuild=rebuild)
        wrong = [(one, LedgerBrokenError) for one in problems]
        wrong += [(one, part.error) for part in beside for one in part.differences(ledger)]
        if wrong:
            first = wrong[0][1]  # what is wrong with the ledger is mended before files are held against it
            raise first(few([one for one, _ in wrong]))
    except LedgerBrokenError as error:
        _print({"verified": False, "problem": str(error)}, "", as_json=as_json)
        raise
    sealed, head = settings.ledger_key is not None, ledger.head()
    document: dict[str, object] = {
        "verified": True,
        "records": records,
        "seals_verified": sealed,
        **_told(head, found),
    }
    left_out = ledger.left_out()
    if left_out:
        document["quarantined"] = [{**asdict(one), "records": sorted(one.records)} for one in left_out]
    if beside:
        document["beside"] = [part.said for part in beside]
    said = _sentences(records, head, found, sealed=sealed)
    said += "".join(f"{_said_of(one)}\n" for one in left_out)
    _print(document, said + "".join(f"As it was kept: {part.said}.\n" for part in beside), as_json=as_json)
    return 0


def _whole(settings: Settings) -> Ledger:
    """Open a ledger that is there; one that is damaged, or empty where one was, is broken rather than unwritable."""
    try:
        return Ledger.of(settings, must_exist=True)
    except UsageError as error:
        if "found no ledger" not in str(error):
            raise
        raise LedgerBrokenError(
            f"{error}; {cut_off(settings.state_url) or 'its tables are missing'}"
        ) from error
    except LedgerWriteError as error:
        if not damaged(error):
            raise
        where = cut_off(settings.state_url)
        raise LedgerBrokenError(f"{error}{'' if where is None else f'; {where}'}") from error


def _verified(ledger: Ledger, expected: str | None, *, rebuild: bool) -> tuple[list[str], int, Head | None]:
    """Return what does not hold of a ledger, how many records it has, and the one that was expected."""
    try:
        found = None if expected is None else ledger.find(expected)
        if rebuild:
            ledger.rebuild()
        return [], ledger.verify(), found
    except LedgerBrokenError as error:
        return [str(error)], 0, None
    except LedgerWriteError as error:
        if damaged(error):
            return [str(error)], 0, None
        raise


def run_export(settings: Settings, *, as_json: bool) -> int:
    """Print every record, one JSON object a line or one JSON array, and return exit code 0.

    ``payload`` is the text that was hashed, not an object: the chain can be computed again from the export.
    """
    lines = [
        json.dumps(stored(record), ensure_ascii=True)
        for record in Ledger.of(settings, must_exist=True).records()
    ]
    sys.stdout.write("[" + ",\n".join(lines) + "]\n" if as_json else "".join(f"{line}\n" for line in lines))
    return 0


def run_head(settings: Settings, *, as_json: bool) -> int:
    """Print the newest record's sequence and hash, and return exit code 0."""
    head = Ledger.of(settings, must_exist=True).head()
    said = "The ledger is empty.\n" if head is None else f"{head.sequence} {head.sha256}\n"
    _print(_told(head, None), said, as_json=as_json)
    return 0


def run_move(settings: Settings, *, to: str, as_json: bool) -> int:
    """Copy the ledger into another, empty database, say under which head, and return exit code 0.

    Raises
    ------
    LedgerBrokenError
        When the chain does not verify before or after.
    UsageError
        When the other database is not empty.
    """
    head = Ledger.of(settings, must_exist=True).copy_to(to)
    newest = "no record" if head is None else f"{head.sequence} {head.sha256}"
    said = f"Copied and verified: {newest}\nLooks use it when POSTDOSE_STATE names it.\n"
    _print(_told(head, None), said, as_json=as_json)
    return 0


def run_quarantine(
    settings: Settings, sequences: Sequence[int], *, by: str, reason: str, now: datetime, as_json: bool
) -> int:
    """Leave records that another hand put in out of the chain, say under which head, and return exit code 0.

    Raises
    ------
    UsageError
        When the key is missing, the name or the reason is blank, or one of them is no such record.
    LedgerBrokenError
        When the chain does not verify without them: it names the next one.
    """
    by, reason = _filled("--by", by), _filled("--reason", reason)
    head = Ledger.of(settings, must_exist=True).quarantine(sequences, by=by, reason=reason, now=now)
    named = ", ".join(map(str, sorted(sequences)))
    _print(
        _told(head, None),
        f"Left out: {named}. The chain goes on: {head.sequence} {head.sha256}\n",
        as_json=as_json,
    )
    return 0


def _said_of(one: LeftOut) -> str:
    named = ", ".join(map(str, sorted(one.records)))
    return f"Quarantined: {named}, by record {one.by_record} ({one.by}: {one.reason})"


def run_accept(
    settings: Settings,
    protocol: StudyProtocol,
    *,
    by: str,
    reason: str,
    now: datetime,
    as_json: bool,
    unknown: Callable[[Ledger], Sequence[str]] = lambda _ledger: (),
) -> int:
    """Go on in this ledger though it lacks the newest head known beside the study, say so, and return exit code 0.

    ``unknown`` returns the folders of looks that it does not have on record: they are named no more.

    Raises
    ------
    UsageError
        When the name or the reason is blank or tells an arm, or the file of heads cannot be written.
    """
    by, reason = _filled("--by", by), _filled("--reason", reason)
    for option, text in (("--by", by), ("--reason", reason)):
        require_untelling(option, text, protocol)
    ledger = Ledger.of(settings)
    try:
        folder, study, folders = protocol.folder, protocol.study.id, unknown(ledger)
        head = accept_head(ledger, folder, study, by=by, reason=reason, now=now, unknown=folders)
    except OSError as error:
        raise UsageError(f"{FILE}: found that it cannot be used ({error.strerror or error})") from error
    said = f"Looks of {protocol.study.id} go on in this ledger: {head.sequence} {head.sha256}\n"
    _print(_told(head, None), said, as_json=as_json)
    return 0


def _filled(option: str, text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise UsageError(f"{option}: found no printable text; allowed: a text")
    return text.strip()


def _hash(text: str) -> str:
    found = text.strip().lower()
    if len(found) != 64 or not set(found) <= set("0123456789abcdef"):
        raise UsageError(f"--expect-head: found {text!r}; allowed: a SHA-256, 64 hexadecimal digits")
    return found


def _sentences(records: int, head: Head | None, found: Head | None, *, sealed: bool) -> str:
    lines = [f"The chain holds: {records:,} record{'' if records == 1 else 's'}."]
    if head is not None:
        lines.append(f"Newest: record {head.sequence}, {head.sha256}")
    if found is not None:
        lines.append(f"Expected head: found, record {found.sequence}.")
    lines.append(
        "Every seal is the key's." if sealed else "Seals were not verified (POSTDOSE_LEDGER_KEY is not set)."
    )
    return "\n".join(lines) + "\n"


def _told(head: Head | None, found: Head | None) -> dict[str, object]:
    newest: dict[str, object] = {"sequence": None, "sha256": None} if head is None else asdict(head)
    return newest if found is None else {**newest, "expected_head_sequence": found.sequence}


def _print(document: dict[str, object], said: str, *, as_json: bool) -> None:
    sys.stdout.write(json.dumps(document, indent=1) + "\n" if as_json else said)
