"""When a message that was not taken is tried again, and when it is given up.

Exponential backoff with full jitter: before attempt n+1 a message waits a time drawn evenly between nothing and
``min(LONGEST_WAIT, FIRST_WAIT * 2 ** (n - 1))`` (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
Blog, 2015). The draw is made from the message's id and n, so that a replayed schedule is the same one.
"""

import hashlib
from datetime import datetime, timedelta

from checks.errors import DeliveryError

FIRST_WAIT = timedelta(seconds=30)
"""A receiver that restarts is back within half a minute."""

LONGEST_WAIT = timedelta(minutes=15)
"""Also the longest Retry-After that is honoured: no receiver may silence an alert for longer."""

MOST_ATTEMPTS = 8
"""Spread over 23 minutes on average, and over 46 at most, when somebody sends as soon as each is due."""

LONGEST_TRIED = timedelta(hours=1)
"""From the first attempt on. The next role should hear within the hour that this one cannot be reached; where looks
are rarer than that, the first attempt after it is the last."""


def next_attempt(
    message_id: str, attempts: int, error: DeliveryError, *, now: datetime, first: datetime
) -> datetime | None:
    """Return when a message is due again after a failed attempt, or None when it is given up.

    A permanent error gives it up at once: a channel that was set wrongly, or a receiver that refuses for good,
    would only keep the next role from hearing of it, and the worst that a mistaken judgement does is to tell one
    person more. The message itself is kept, and can be sent again once the channel is mended.

    Parameters
    ----------
    message_id
        The idempotency key, from which the jitter is drawn.
    attempts
        Failed attempts so far, this one included: 1 or more.
    error
        Why this one failed.
    now, first
        The moments of this attempt and of the first.
    """
    if error.permanent or attempts >= MOST_ATTEMPTS or now - first >= LONGEST_TRIED:
        return None
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * (1 << (attempts - 1)))
    asked = timedelta(seconds=min(error.retry_after_seconds or 0.0, LONGEST_WAIT.total_seconds()))
    return now + max(ceiling * _drawn(message_id, attempts), asked)


def _drawn(message_id: str, attempts: int) -> float:
    """Return a number in [0, 1), evenly spread over messages and attempts."""
    drawn = hashlib.sha256(f"{message_id}:{attempts}".encode()).digest()
    return int.from_bytes(drawn[:6]) / 2**48
