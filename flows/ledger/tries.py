"""What a row of the outbox says of the attempts at its message and of its next, whatever another hand put there."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from checks.stamps import stamp

MOST_COUNTED: Final = 1000
"""Attempts at one message, far above what is made: a greater number is none of ours."""


def attempts(row: Row[Any]) -> int:
    """Return how often a message was tried; never, where that cannot be read."""
    return row.attempts if _is_count(row.attempts) else 0


def moment(row: Row[Any], name: str) -> datetime | None:
    """Return the moment (UTC) in a column of a row, or None where it has none, or none that can be read."""
    kept = row._mapping[name]
    return datetime.fromisoformat(kept) if _is_moment(kept) else None


def unreadable(row: Row[Any]) -> Iterator[str]:
    """Yield the columns that cannot be read: the message is due as if they were empty."""
    if not _is_count(row.attempts):
        yield "attempts"
    for name in ("first_attempt_at", "next_attempt_at"):
        if row._mapping[name] is not None and not _is_moment(row._mapping[name]):
            yield name
    for name in ("last_error", "claimed_by"):
        if not isinstance(row._mapping[name], str | None):
            yield name


def _is_count(kept: object) -> bool:
    return isinstance(kept, int) and 0 <= kept <= MOST_COUNTED


def _is_moment(kept: object) -> bool:
    """Whether a moment is written as every one of ours is, by ``stamp``."""
    try:
        return isinstance(kept, str) and stamp(datetime.fromisoformat(kept)) == kept
    except (ValueError, OverflowError):
        return False
