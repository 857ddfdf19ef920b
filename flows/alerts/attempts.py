"""Attempts at messages: each channel takes its own in turn, in a thread of its own, and delays no other.

An attempt that outlasts its time counts as failed and is left to end by itself; should its message arrive all the
same, the next attempt carries the same idempotency key.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from checks.errors import DeliveryError
from flows.alerts.channels import Send, longest_attempt, resolve
from flows.alerts.threads import began_apart
from flows.ledger import Outgoing

Result = tuple[Outgoing, str | DeliveryError]
"""A message with its receipt, or with the problem of its attempt."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: for one attempt (None: what its kind of channel needs), and after which no further one is begun."""

    attempt: float | None = None
    begin: float = 60.0


BOUNDS = Bounds()
"""A minute for each channel's messages together, and then no further one is begun: the next turn sends the rest."""


class Channels:
    """The channels by which messages leave at a moment (UTC): those of a channel one by one, oldest first."""

    def __init__(
        self, now: datetime, *, folder: Path, addresses: Mapping[str, str], bounds: Bounds = BOUNDS
    ) -> None:
        self._now, self._folder, self._addresses, self._bounds = now, folder, addresses, bounds
        self._waiting: dict[str, SimpleQueue[tuple[Outgoing, float] | None]] = {}
        self._results: SimpleQueue[tuple[Outgoing, str | DeliveryError | None]] = SimpleQueue()
        self._here: list[str] = []
        self._awaited = 0

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Have messages tried, each after those that its channel has already."""
        end = time.monotonic() + self._bounds.begin
        for one in messages:
            if one.channel not in self._waiting:
                self._waiting[one.channel] = SimpleQueue()
                if not began_apart(partial(self._take_in_turn, one.channel)):
                    self._here.append(one.channel)
            self._awaited += 1
            self._waiting[one.channel].put((one, end))

    def results(self) -> Iterator[Sequence[Result]]:
        """Yield all results that are there, one or more, until none is awaited; what had no time left has none."""
        while self._awaited:
            for channel in self._here:  # without a thread of their own: what waits is tried now
                self._waiting[channel].put(None)
                self._take_in_turn(channel)
            came = [self._results.get()]
            while not self._results.empty():
                came.append(self._results.get())
            self._awaited -= len(came)
            found = [(one, result) for one, result in came if result is not None]
            if found:
                yield found
        for waiting in self._waiting.values():
            waiting.put(None)

    def _take_in_turn(self, channel: str) -> None:
        send = _sender(channel, self._folder, self._addresses)
        seconds = self._bounds.attempt or longest_attempt(channel, self._addresses)
        while (taken := self._waiting[channel].get()) is not None:
            one, end = taken
            in_time = time.monotonic() < end
            result = _within(seconds, partial(send, one, self._now), channel) if in_time else None
            self._results.put((one, result))


def attempt_each(
    messages: Iterable[Outgoing], now: datetime, *, folder: Path, addresses: Mapping[str, str]
) -> Iterator[Sequence[Result]]:
    """Yield messages with their receipts or problems, all that have come at once; none for which time was short."""
    channels = Channels(now, folder=folder, addresses=addresses)
    channels.send(messages)
    return channels.results()


def _sender(
    channel: str, folder: Path, addresses: Mapping[str, str]
) -> Callable[[Outgoing, datetime], str | DeliveryError]:
    """Return what sends through a channel, and returns the problem instead of raising it."""
    try:
        send = resolve(channel, folder=folder, addresses=addresses)
    except DeliveryError as error:
        problem = error  # the name of an except clause ends with it
        return lambda _one, _now: problem
    except Exception as error:  # a defect of ours in one channel must not keep the others' messages
        defect = DeliveryError(f"{channel}: {type(error).__name__} while it was prepared")
        return lambda _one, _now: defect
    return partial(_attempt, send)


def _attempt(send: Send, one: Outgoing, now: datetime) -> str | DeliveryError:
    try:
        return send(one, now)
    except DeliveryError as error:
        return error
    except Exception as error:  # as above
        return DeliveryError(f"{one.channel}: {type(error).__name__} while it was sent")


def _within(seconds: float, attempt: Callable[[], str | DeliveryError], channel: str) -> str | DeliveryError:
    """Return what an attempt came to, or that it took too long."""
    result: SimpleQueue[str | DeliveryError] = SimpleQueue()
    if not began_apart(lambda: result.put(attempt())):
        return attempt()
    try:
        return result.get(timeout=seconds)
    except Empty:
        return DeliveryError(f"{channel}: not taken within {seconds:g} s")
