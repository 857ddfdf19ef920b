"""How alerts leave: what is due in one turn, which messages are tried and for how long, when each is tried again.

Each channel has a thread of its own and takes its messages in turn, oldest first: one that hangs delays no other.
An attempt that outlasts its time counts as failed and is left to end by itself; should its message arrive all the
same, the next attempt carries the same idempotency key.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from checks.errors import DeliveryError
from checks.protocol import StudyProtocol
from flows.alerts.channels import Send, resolve
from flows.alerts.deciding import Looked, alerts_unrecorded, due
from flows.ledger import Attempt, Head, Ledger, Outgoing, Waiting, this_process

LOGGER = logging.getLogger("postdose")

FIRST_WAIT = timedelta(seconds=30)
"""A receiver that restarts is back within half a minute."""

LONGEST_WAIT = timedelta(minutes=15)
"""Also the longest Retry-After that is honoured: no receiver may silence an alert for longer."""

MOST_ATTEMPTS = 8
"""Spread over 23 minutes on average, and over 46 at most, when somebody sends as soon as each is due."""

LONGEST_TRIED = timedelta(hours=1)
"""From the first attempt on. The next role should hear within the hour that this one cannot be reached; where looks
are rarer than that, the first attempt after it is the last."""

Results = SimpleQueue[tuple[Outgoing, str | DeliveryError] | None]
"""Messages with what became of each; None when a channel has no more."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: for one attempt, and after which no further one is begun."""

    attempt: float = 15.0
    begin: float = 60.0


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


def alerts_due(
    ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool = True
) -> Head | None:
    """Record what is due of a study's alerts and queue its messages, in one transaction; return the new head.

    None means that nothing was due. Asked again at the same moment, nothing is: whoever asks when, in whichever
    process, changes nothing of what is told. The parameters are those of ``run_alerts``.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    """
    decision = partial(due, protocol=protocol, now=now, watching=watching)
    return ledger.decide(protocol.study.id, decision, now=now)


def run_alerts(
    ledger: Ledger,
    protocol: StudyProtocol,
    now: datetime,
    *,
    addresses: Mapping[str, str],
    watching: bool = True,
) -> Sent:
    """Notify what is due and send what waits; where a message is given up, notify the next role in the same turn.

    ``now`` (UTC) is the moment of everything in this turn; channels' files lie relative to the protocol,
    ``addresses`` are those of ``env:`` channels, and their secrets, by variable; ``watching`` says whether a look
    is expected to have been made: False at the end of one.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written; what was not marked is sent again.
    """
    send = partial(send_due, ledger, protocol.study.id, now, folder=protocol.folder, addresses=addresses)
    alerts_due(ledger, protocol, now, watching=watching)
    sent = send()
    given_up = sent.dead
    while given_up and alerts_due(ledger, protocol, now, watching=watching) is not None:
        again = send()
        given_up = again.dead
        sent = replace(again, delivered=sent.delivered + again.delivered, dead=sent.dead + again.dead)
    return sent


def notify_unrecorded(
    looked: Looked, protocol: StudyProtocol, now: datetime, *, addresses: Mapping[str, str]
) -> str:
    """Send what a look crossed, which the ledger did not take, at once, and once, to the first role of each alert.

    Return what became of it, as look.json says it: ``delivered`` when every message was taken; ``failed`` when one
    was not, or nobody is named to be notified; and ``pending`` when no rule is crossed: what else there is to tell
    waits for a look that can be recorded. The parameters are those of ``run_alerts``.
    """
    if looked.facts.verdict != "signal":
        return "pending"
    messages = alerts_unrecorded(looked, protocol, now)
    taken = 0
    for results in attempt_each(messages, now, folder=protocol.folder, addresses=addresses):
        for one, result in results:
            if isinstance(result, str):
                taken += 1
                LOGGER.warning("Alert %s sent to %s, not recorded: %s", one.alert, one.role, result)
            else:
                LOGGER.error("Alert %s not delivered, and not tried again: %s", one.alert, result)
    return "delivered" if messages and taken == len(messages) else "failed"


def send_due(
    ledger: Ledger,
    study: str,
    now: datetime,
    *,
    folder: Path,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
    only: Collection[str] | None = None,
) -> Sent:
    """Try every message that is due once, and keep the receipt, the failure or the end of each.

    A message is marked as delivered after its channel took it: a crash in between sends it again under the same
    id rather than never. Those that were taken while others were being marked are marked together.

    ``now`` (UTC) is the moment of all attempts of this call; ``folder`` is what the path of a ``file:`` channel is
    relative to, ``addresses`` what ``env:`` channels need by variable. Where ``only`` names ids, no other is tried.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be written; what was not marked is sent again.
    """
    until = now + timedelta(seconds=2 * (bounds.begin + bounds.attempt))  # twice as long as all take at most
    claimed = ledger.outbox.claim_due(study, now, until=until, by=this_process(), only=only)
    due = {one.outgoing.id: one for one in claimed}
    became: dict[str, Attempt] = {}
    for results in attempt_each(
        (one.outgoing for one in claimed), now, folder=folder, addresses=addresses, bounds=bounds
    ):
        attempts = [_judged(due[one.id], result, now) for one, result in results]
        ledger.record_attempts(study, attempts, at=now)
        became |= {one.id: one for one in attempts}
    ledger.outbox.give_back([name for name in due if name not in became])
    delivered = tuple(one.id for one in became.values() if one.became == "delivered")
    dead = tuple(due[one.id].outgoing for one in became.values() if one.became == "dead")
    return Sent(delivered, dead, *ledger.outbox.count_waiting(study))


def _judged(tried: Waiting, result: str | DeliveryError, now: datetime) -> Attempt:
    """Return what a result means for its message: taken, due again, or given up."""
    one, first = tried.outgoing, tried.first_attempt_at or now
    if isinstance(result, str):
        return Attempt(one.id, "delivered", result)
    again = next_attempt(one.id, tried.attempts + 1, result, now=now, first=first)
    if again is None:
        LOGGER.error("Alert %s given up: %s", one.id, result)
        return Attempt(one.id, "dead", str(result))
    LOGGER.error("Alert %s not delivered: %s", one.id, result)
    return Attempt(one.id, "pending", str(result), again)


def attempt_each(
    messages: Iterable[Outgoing],
    now: datetime,
    *,
    folder: Path,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
) -> Iterator[Sequence[tuple[Outgoing, str | DeliveryError]]]:
    """Yield messages with their receipts or problems, all that have come at once; none for which time was short."""
    by_channel: dict[str, list[Outgoing]] = {}
    for one in messages:
        by_channel.setdefault(one.channel, []).append(one)
    results: Results = SimpleQueue()
    end = time.monotonic() + bounds.begin

    def take_in_turn(channel: str) -> None:
        send = _sender(channel, folder, addresses)
        for one in by_channel[channel]:
            if time.monotonic() >= end:
                break
            results.put((one, _within(bounds.attempt, partial(send, one, now), channel)))
        results.put(None)

    for channel in by_channel:
        _start(partial(take_in_turn, channel))
    return _as_they_come(results, len(by_channel))


def _as_they_come(
    results: Results, channels: int
) -> Iterator[Sequence[tuple[Outgoing, str | DeliveryError]]]:
    """Yield all results that are there, one or more, until every channel has said that it has no more."""
    while channels:
        came = [results.get()]
        while not results.empty():
            came.append(results.get())
        channels -= came.count(None)
        found = [one for one in came if one is not None]
        if found:
            yield found


def _sender(
    channel: str, folder: Path, addresses: Mapping[str, str]
) -> Callable[[Outgoing, datetime], str | DeliveryError]:
    """Return what sends through a channel, and returns the problem instead of raising it."""
    try:
        send = resolve(channel, folder=folder, addresses=addresses)
    except DeliveryError as error:
        problem = error  # the name of an except clause ends with it
        return lambda _one, _now: problem
    return partial(_attempt, send)


def _attempt(send: Send, one: Outgoing, now: datetime) -> str | DeliveryError:
    try:
        return send(one, now)
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


def next_attempt(
    message_id: str, attempts: int, error: DeliveryError, *, now: datetime, first: datetime
) -> datetime | None:
    """Return when a message is due again after a failed attempt, or None when it is given up.

    A permanent error gives it up at once: a channel that was set wrongly, or a receiver that refuses for good,
    would only keep the next role from hearing of it, and the worst that a mistaken judgement does is to tell one
    person more. The message itself is kept, and can be sent again once the channel is mended.

    Exponential backoff with full jitter: before attempt n+1 a message waits a time drawn evenly between nothing and
    ``min(LONGEST_WAIT, FIRST_WAIT * 2 ** (n - 1))`` (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
    Blog, 2015). The draw is made from the message's id and n, so that a replayed schedule is the same one.

    ``attempts`` have failed, this one at ``now`` included: 1 or more; the first was at ``first``.
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
