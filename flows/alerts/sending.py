"""Decide which due messages are tried now, for how long, and what is kept of each attempt.

Each channel has a thread of its own and takes its messages in turn, oldest first: one that hangs delays no other.
An attempt that outlasts its time counts as failed and is left to end by itself; should its message arrive all the
same, the next attempt carries the same idempotency key.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from checks.errors import DeliveryError
from flows.alerts.channels import resolve
from flows.alerts.retrying import next_attempt
from flows.ledger import Ledger, Outgoing, Waiting

LOGGER = logging.getLogger("postdose")

Results = SimpleQueue[tuple[Outgoing, str | DeliveryError] | None]
"""Messages with what became of each; None when a channel has no more."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: for one attempt, and after which no further one is begun."""

    attempt: float = 15.0
    begin: float = 60.0

    @property
    def whole(self) -> float:
        """The longest that all attempts of one call take together."""
        return self.begin + self.attempt


BOUNDS = Bounds()
"""A mail server that checks its lists before it answers takes some seconds; a look must end within two minutes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the messages: those delivered and given up now, by id, and how many still wait."""

    delivered: tuple[str, ...]
    dead: tuple[Outgoing, ...]
    refused: int
    unbegun: int

    @property
    def outcome(self) -> str:
        """``failed`` when one was given up now or waits after a failed attempt; ``pending``; or ``delivered``."""
        if self.dead or self.refused:
            return "failed"
        return "pending" if self.unbegun else "delivered"


def send_due(
    ledger: Ledger,
    study: str,
    now: datetime,
    *,
    folder: Path,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
) -> Sent:
    """Try every message that is due once, and keep the receipt, the failure or the end of each.

    A message is marked as delivered after its channel took it: a crash in between sends it again under the same
    id, once the claim on it has lapsed, rather than never.

    Parameters
    ----------
    ledger, study
        Whose messages.
    now
        The moment of all attempts of this call, UTC.
    folder
        What the path of a ``file:`` channel is relative to.
    addresses
        The addresses and secrets of ``env:`` channels, by variable.
    bounds
        How long this may take.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be written; what was not marked is sent again.
    """
    until = now + timedelta(seconds=2 * bounds.whole)
    due = {one.outgoing.id: one for one in ledger.claim_due(study, now, until=until)}
    delivered, dead = [], []
    for one, result in attempt_each(
        (one.outgoing for one in due.values()), now, folder=folder, addresses=addresses, bounds=bounds
    ):
        if isinstance(result, str):
            ledger.record_delivery(study, one.id, delivered=True, detail=result, at=now)
            delivered.append(one.id)
        elif _given_up(ledger, study, due[one.id], result, now):
            dead.append(one)
    waiting = ledger.undelivered(study)
    refused = sum(1 for one in waiting if one.attempts)
    return Sent(tuple(delivered), tuple(dead), refused, len(waiting) - refused)


def _given_up(ledger: Ledger, study: str, tried: Waiting, error: DeliveryError, now: datetime) -> bool:
    """Keep a failed attempt, and say whether the message is a dead letter by it."""
    one, first = tried.outgoing, tried.first_attempt_at or now
    again = next_attempt(one.id, tried.attempts + 1, error, now=now, first=first)
    if again is None:
        LOGGER.error("Alert %s given up: %s", one.id, error)
        ledger.record_dead_letter(study, one.id, detail=str(error), at=now)
        return True
    LOGGER.error("Alert %s not delivered: %s", one.id, error)
    ledger.record_delivery(study, one.id, delivered=False, detail=str(error), at=now, next_attempt_at=again)
    return False


def attempt_each(
    messages: Iterable[Outgoing],
    now: datetime,
    *,
    folder: Path,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
) -> Iterator[tuple[Outgoing, str | DeliveryError]]:
    """Yield each message with its receipt or its problem, as they come; one there was no time for is left out."""
    by_channel: dict[str, list[Outgoing]] = {}
    for one in messages:
        by_channel.setdefault(one.channel, []).append(one)
    results: Results = SimpleQueue()
    end = time.monotonic() + bounds.begin

    def take_in_turn(channel: str) -> None:
        for one in by_channel[channel]:
            if time.monotonic() >= end:
                break
            attempt = partial(_attempt, one, now, folder, addresses)
            results.put((one, _within(bounds.attempt, attempt, channel)))
        results.put(None)

    for channel in by_channel:
        _start(partial(take_in_turn, channel))
    for _ in by_channel:
        yield from iter(results.get, None)


def _attempt(one: Outgoing, now: datetime, folder: Path, addresses: Mapping[str, str]) -> str | DeliveryError:
    try:
        return resolve(one.channel, folder=folder, addresses=addresses)(one, now)
    except DeliveryError as error:
        return error
    except Exception as error:  # a defect of ours in one channel must not keep the others' messages
        return DeliveryError(f"{one.channel}: {type(error).__name__} while it was sent")


def _within(seconds: float, attempt: Callable[[], str | DeliveryError], channel: str) -> str | DeliveryError:
    """Return what an attempt came to, or that it took too long."""
    result: SimpleQueue[str | DeliveryError] = SimpleQueue()
    _start(lambda: result.put(attempt()))
    try:
        return result.get(timeout=seconds)
    except Empty:
        return DeliveryError(f"{channel}: not taken within {seconds:g} s")


def _start(work: Callable[[], None]) -> None:
    """Begin work in a thread that does not keep the process from ending."""
    threading.Thread(target=work, daemon=True, name="postdose alert").start()
