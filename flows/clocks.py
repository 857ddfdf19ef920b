"""Which moments are believed: not those that lie ahead of now, nor those that no look can reckon with."""

from datetime import UTC, datetime, timedelta
from typing import Final

from checks.errors import UsageError
from checks.stamps import stamp

AHEAD: Final = timedelta(minutes=5)
"""How far a moment may lie ahead of now and be believed: machines that share a study have clocks of their own."""

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2262, 1, 1, tzinfo=UTC)
"""What nanoseconds in 64 bits can hold from 1970 on, in which tables of other programs come; earlier is no trial."""


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Whether a moment lies further ahead of now than clocks differ: one of them is wrong, or was."""
    return moment - now > AHEAD


def reckoned(moment: datetime, what: str) -> datetime:
    """Return a moment in UTC; ``what`` names it.

    Raises
    ------
    UsageError
        When it has no offset, or lies where no look can reckon with it.
    """
    if moment.tzinfo is None:
        raise UsageError(
            f"{what}: found {moment.isoformat()} without a zone; allowed: an offset or Z at its end"
        )
    try:
        known = moment.astimezone(UTC)
    except OverflowError:  # an offset takes it out of the years 1 to 9999
        known = None
    if known is None or not FIRST <= known < LAST:
        raise UsageError(
            f"{what}: found {moment.isoformat()}; allowed: the years {FIRST.year} to {LAST.year - 1}"
        )
    return known


def refuse_future(moment: datetime, now: datetime, what: str) -> None:
    """Refuse a moment that is still to come; ``what`` names it.

    Raises
    ------
    UsageError
        When it is.
    """
    if moment > now:
        raise UsageError(
            f"{what}: found {stamp(moment)}, which is still to come; allowed: a moment that has passed, or with "
            "--allow-future"
        )
