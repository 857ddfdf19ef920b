"""Attempts at messages: each channel takes its own in turn, in a thread of its own, and delays no other.

An attempt that outlasts its time counts as failed and is left to end by itself; should its message arrive all the
same, the next attempt carries the same idempotency key.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from checks.errors import DeliveryError
from flows.alerts.channels import Send, longest_attempt, resolve
from flows.ledger import Outgoing
from flows.threads import apart, apart_or_here

T = TypeVar("T")

Result = tuple[Outgoing, str | DeliveryError]
"""A message with its receipt, or with the problem of its attempt."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: for one attempt (None: what its kind of channel needs), and after which no further one is begun."""

    attempt: float | None = None
    begin: float = 60.0


BOUNDS = Bounds()
"""A minute for each channel's messages together, and then no further one is begun: the next turn sends the rest."""


ASK_AGAIN: Final = 0.5
"""Seconds between two questions whether a channel's thread lives, while nothing comes."""


class Channels:
    """The channels by which messages leave at a moment (UTC): those of a channel one by one, oldest first."""

    def __init__(
        self, now: datetime, *, folder: Path, addresses: Mapping[str, str], bounds: Bounds = BOUNDS
    ) -> None:
        self._now, self._folder, self._addresses, self._bounds = now, folder, addresses, bounds
        self._waiting: dict[str, SimpleQueue[tuple[Outgoing, float] | None]] = {}
        self._threads: dict[str, Future[None] | None] = {}
        self._results: SimpleQueue[tuple[Outgoing, str | DeliveryError | None]] = SimpleQueue()
        self._awaited: dict[str, deque[Outgoing]] = {}

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Have messages tried, each after those that its channel has already."""
        end = time.monotonic() + self._bounds.begin
        for one in messages:
            if one.channel not in self._waiting:
                self._waiting[one.channel], self._awaited[one.channel] = SimpleQueue(), deque()
                self._threads[one.channel] = apart(partial(self._take_in_turn, one.channel))
            self._awaited[one.channel].append(one)
            self._waiting[one.channel].put((one, end))

    def results(self) -> Iterator[Sequence[Result]]:
        """Yield all results that are there, one or more, until none is awaited; what had no time left has none."""
        while any(self._awaited.values()):
            for channel, thread in self._threads.items():
                if thread is None:  # without a thread of their own: what waits is tried now
                    self._waiting[channel].put(None)
                    self._take_in_turn(channel)
            found = [(one, result) for one, result in self._came() if result is not None]
            if found:
                yield found
        for waiting in self._waiting.values():
            waiting.put(None)

    def _came(self) -> Sequence[tuple[Outgoing, str | DeliveryError | None]]:
        """Return what has come, and for what will not come, since its channel's thread died, the problem."""
        came: list[tuple[Outgoing, str | DeliveryError | None]] = []
        with suppress(Empty):
            came.append(self._results.get(timeout=ASK_AGAIN))
        died = [channel for channel, thread in self._threads.items() if thread is not None and thread.done()]
        while not self._results.empty():
            came.append(self._results.get())
        for one, _ in came:
            self._awaited[one.channel].popleft()  # those of a channel come in turn
        for channel in died:
            problem = DeliveryError(f"{channel}: its thread died")
            came += [(one, problem) for one in self._awaited[channel]]
            self._awaited[channel].clear()
        return came

    def _take_in_turn(self, channel: str) -> None:
        seconds = self._bounds.attempt or longest_attempt(channel, self._addresses)
        prepare = partial(resolve, channel, folder=self._folder, addresses=self._addresses)
        send = _within(self._bounds.begin, prepare, channel)
        while (taken := self._waiting[channel].get()) is not None:
            one, end = taken
            self._results.put((one, self._attempt(send, one, seconds) if time.monotonic() < end else None))

    def _attempt(self, send: Send | DeliveryError, one: Outgoing, seconds: float) -> str | DeliveryError:
        if isinstance(send, DeliveryError):
            return send
        return _within(seconds, partial(send, one, self._now), one.channel)


def attempt_each(
    messages: Iterable[Outgoing], now: datetime, *, folder: Path, addresses: Mapping[str, str]
) -> Iterator[Sequence[Result]]:
    """Yield messages with their receipts or problems, all that have come at once; none for which time was short."""
    channels = Channels(now, folder=folder, addresses=addresses)
    channels.send(messages)
    return channels.results()


def _within(seconds: float, work: Callable[[], T], channel: str) -> T | DeliveryError:
    """Return what work for a channel came to, or its problem: a defect of one keeps no message of another."""
    became = apart_or_here(work)
    wait([became], timeout=seconds)
    if not became.done():
        return DeliveryError(f"{channel}: not taken within {seconds:g} s")
    error = became.exception()
    if error is None:
        return became.result()
    if isinstance(error, DeliveryError):
        return error
    return DeliveryError(f"{channel}: {type(error).__name__} while it was sent")
