"""Receipts of deliveries: what each says, what was decided of it since, and the form in which it is kept."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from checks.errors import FeedError, UsageError
from flows.feeds.regular import opened_regular

OURSELVES: Final = "postdose"
"""Who decided what no person did."""

MOST_BYTES: Final = 1 << 20
"""A receipt is some hundred bytes, and as many for each decision: a larger file is none, and is not read."""

READ_ANYWAY: Final = 1 << 26
"""Bytes of a content that are read whatever its receipt, which may be changed too, says of its size."""

RECEIPT_FILE: Final = re.compile(r"([0-9a-f]{64})(?:-[0-9]+)?\.json")
"""How the file of a receipt is named: for its content; with a number where that came back to stand again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """That a delivery is not to be read any more, or is again.

    ``at`` is UTC; ``by`` is who decided it, as they gave their name, or ``OURSELVES``. A restored receipt may have
    another time from then on, ``received_at``, where its own was wrong.
    """

    kind: Literal["set_aside", "restored"]
    at: datetime
    by: str
    reason: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery that was taken in.

    ``name`` is the file's name as it arrived, whose ending says how to read it, and which is not shown: it may tell
    the arm. ``size`` is its bytes, ``content`` where they are kept. ``received_at`` is when it was received,
    ``recorded_at`` when that was written down: they differ in a history that was taken over from elsewhere. Both are
    in UTC. ``number`` is its own in its domain, and stays. ``decisions`` are in their order.
    """

    domain: str
    name: str
    sha256: str
    size: int
    received_at: datetime
    recorded_at: datetime
    content: Path
    number: int = 0
    decisions: tuple[Decision, ...] = ()

    @property
    def label(self) -> str:
        """What stands for it wherever it is shown: its domain and number; as it is taken in, its domain alone."""
        return f"{self.domain} {self.number}" if self.number else self.domain

    @property
    def set_aside(self) -> Decision | None:
        """The decision by which it is not read, or None."""
        newest = self.decisions[-1] if self.decisions else None
        return newest if newest is not None and newest.kind == "set_aside" else None

    def has_content(self) -> bool:
        """Whether its content is kept as it was received."""
        if self.has_outgrown():
            return False
        try:
            with opened_regular(str(self.content), self.label) as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except (OSError, FeedError):
            return False

    def has_outgrown(self) -> bool:
        """Whether what is kept is so much larger than what was received that it need not be read to know it."""
        try:
            return self.content.stat().st_size > max(self.size, READ_ANYWAY)
        except OSError:
            return False

    def as_of(self, instant: datetime) -> "Receipt":
        """Return it as it was at an instant: what was decided later had no part then.

        What postdose set aside by itself it has never read: that holds from the beginning.
        """
        known = tuple(one for one in self.decisions if one.at <= instant or one.by == OURSELVES)
        dated = [one.received_at for one in known if one.received_at is not None]
        return replace(self, decisions=known, received_at=dated[-1] if dated else self.received_at)


def as_text(receipt: Receipt) -> str:
    """Return a receipt as it is kept: JSON, without where its content lies."""
    said: dict[str, object] = {
        "domain": receipt.domain,
        "name": receipt.name,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "received_at": receipt.received_at.isoformat(),
        "recorded_at": receipt.recorded_at.isoformat(),
    }
    if receipt.number:
        said["number"] = receipt.number
    if receipt.decisions:
        said["decisions"] = [_said(one) for one in receipt.decisions]
    return json.dumps(said, indent=1) + "\n"


def _said(decision: Decision) -> dict[str, object]:
    said: dict[str, object] = {
        "kind": decision.kind,
        "at": decision.at.isoformat(),
        "by": decision.by,
        "reason": decision.reason,
    }
    if decision.received_at is not None:
        said["received_at"] = decision.received_at.isoformat()
    return said


def from_text(text: str, content: Path) -> Receipt:
    """Return the receipt that a text is, for what lies at ``content``, whose name is the SHA-256.

    Raises
    ------
    ValueError
        When it is none, or is one of another content.
    """
    try:
        said = json.loads(text)
        receipt = Receipt(
            _domain(said["domain"]),
            _name(said["name"]),
            _text(said["sha256"]),
            _count(said["size"]),
            utc(datetime.fromisoformat(said["received_at"])),
            utc(datetime.fromisoformat(said["recorded_at"])),
            content,
            _count(said.get("number", 0)),
            tuple(map(_decision, said.get("decisions", ()))),
        )
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError, UsageError) as error:
        raise ValueError("no receipt") from error
    if receipt.sha256 != content.name:
        raise ValueError("the receipt of another content")
    return receipt


def _decision(said: Mapping[str, str]) -> Decision:
    kind, dated = said["kind"], said.get("received_at")
    if kind not in ("set_aside", "restored"):
        raise ValueError("no decision")
    return Decision(
        "set_aside" if kind == "set_aside" else "restored",
        utc(datetime.fromisoformat(said["at"])),
        _text(said["by"]),
        _text(said["reason"]),
        None if dated is None else utc(datetime.fromisoformat(dated)),
    )


def _text(said: object) -> str:
    if not isinstance(said, str) or not _is_text(said):
        raise TypeError("no text")
    return said


def _count(said: object) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or said < 0:
        raise TypeError("no count")
    return said


def _domain(said: object) -> str:
    return domain_of(_text(said))


def _name(said: object) -> str:
    return name_of(_text(said))


def domain_of(domain: str) -> str:
    """Return a domain in upper case.

    Raises
    ------
    UsageError
        When it is none.
    """
    if not is_domain(domain.upper()):
        raise UsageError(f"domain: found {domain!r}; allowed: a domain of SDTM, such as VS")
    return domain.upper()


def is_domain(name: str) -> bool:
    """Whether that is a domain, in upper case."""
    return name.isascii() and name.isalnum() and name == name.upper()


def name_of(name: str) -> str:
    """Return the name of a delivered file.

    Raises
    ------
    UsageError
        When it is none, or is no text that a receipt can hold.
    """
    if not name or "/" in name or "\\" in name or not _is_text(name):
        raise UsageError(
            f"delivery: found the name {name!r}; allowed: a file name without its folder, in UTF-8"
        )
    return name


def _is_text(said: str) -> bool:
    """Whether it can be written: half of a surrogate pair is no text."""
    return not any("\ud800" <= character <= "\udfff" for character in said)


def utc(moment: datetime) -> datetime:
    """Return a moment in UTC.

    Raises
    ------
    UsageError
        When it has no offset.
    """
    if moment.tzinfo is None:
        raise UsageError(
            f"delivery: found the time {moment.isoformat()}; allowed: a time with an offset from UTC"
        )
    return moment.astimezone(UTC)
