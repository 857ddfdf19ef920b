"""Verify, export, move and name the head of a ledger, for `postdose ledger`."""

import json
import sys
from dataclasses import asdict

from checks.errors import LedgerBrokenError, UsageError
from flows.ledger.book import Ledger
from flows.ledger.chain import Head, stored
from flows.settings import Settings


def run_verify(settings: Settings, *, expect_head: str | None, as_json: bool, rebuild: bool = False) -> int:
    """Verify the chain and what is kept beside it, say what was verified, and return exit code 0.

    The hash of ``expect_head``, as a report or an earlier `head` named it, must be in the chain. One JSON document is
    printed of a broken chain too. With ``rebuild`` the projection is written anew from the records first.

    Raises
    ------
    LedgerBrokenError
        Naming the first bad record, or the hash that no record has.
    """
    expected = None if expect_head is None else _hash(expect_head)
    ledger = Ledger.of(settings, must_exist=True)
    try:
        found = None if expected is None else ledger.find(expected)
        if rebuild:
            ledger.rebuild()
        records = ledger.verify()
    except LedgerBrokenError as error:
        _print({"verified": False, "problem": str(error)}, "", as_json=as_json)
        raise
    sealed, head = settings.ledger_key is not None, ledger.head()
    document = {"verified": True, "records": records, "seals_verified": sealed, **_told(head, found)}
    _print(document, _sentences(records, head, found, sealed=sealed), as_json=as_json)
    return 0


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
