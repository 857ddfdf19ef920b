"""How alerts leave: what is due in one turn, which messages are tried, and when each is tried again."""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from checks.errors import DeliveryError, LedgerWriteError
from checks.protocol import StudyProtocol
from flows.alerts.attempts import BOUNDS, Bounds, Channels, attempt_each
from flows.alerts.channels import LONGEST_ATTEMPT, USUAL_ATTEMPT, longest_attempt
from flows.alerts.deciding import Looked, alerts_unrecorded, due
from flows.inert import defect_of
from flows.ledger import Attempt, Entry, Head, Ledger, Outgoing, Seen, Waiting, this_process
from flows.ledger.heads import by_heads
from flows.threads import apart_or_here

LOGGER = logging.getLogger("postdose")

T = TypeVar("T")

FIRST_WAIT = timedelta(seconds=30)
"""A receiver that restarts is back within half a minute."""

LONGEST_WAIT = timedelta(minutes=15)
"""Also the longest Retry-After that is honoured: no receiver may silence an alert for longer."""

MOST_ATTEMPTS = 8
"""Spread over 23 minutes on average, and over 46 at most, when somebody sends as soon as each is due."""

LONGEST_TRIED = timedelta(hours=1)
"""From the first attempt on. The next role should hear within the hour that this one cannot be reached; where looks
are rarer than that, the first attempt after it is the last."""

UNDER_WAY: Final[set["Future[Any]"]] = set()
"""What this process has begun to send and what has not ended."""

PROMPTLY: Final = 20.0
"""Seconds that anything else waits for what is sent: longer than any attempt but one through a mail server."""

USUAL_CLAIM: Final = timedelta(seconds=2 * (BOUNDS.begin + USUAL_ATTEMPT))
"""Twice as long as the attempts of a turn take at most: so long a message waits whose process died elsewhere."""

LONGEST_CLAIM: Final = timedelta(seconds=BOUNDS.begin + LONGEST_ATTEMPT + USUAL_ATTEMPT)
"""Of messages by a mail server alone, which may be slow. Nobody waits longer for what is sent: others may send it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the messages: those delivered and given up now, by id, and how many still wait.

    ``problem`` says why the ledger did not keep all of it.
    """

    delivered: tuple[str, ...]
    dead: tuple[Outgoing, ...]
    refused: int
    unbegun: int
    problem: str | None = None

    @property
    def outcome(self) -> str:
        """``failed`` when one was given up now or waits after a failed attempt; ``pending``; or ``delivered``."""
        if self.dead or self.refused or self.problem is not None:
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
    judged = by_heads(ledger, protocol.folder, protocol.study.id)

    def decision(seen: Seen) -> Sequence[Entry]:
        return due(judged(seen), protocol, now, watching=watching)

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
        When the ledger cannot be read or written, so that nothing was sent.
    """
    decide = partial(alerts_due, ledger, protocol, now, watching=watching)
    try:
        decide()
    except LedgerWriteError:
        raise
    except Exception as error:  # a defect of ours in what is due now must not keep what waits
        LOGGER.error("What is due now could not be decided (%s)", type(error).__name__)
    return send_due(
        ledger,
        protocol.study.id,
        now,
        folder=protocol.folder,
        addresses=addresses,
        given_up=lambda: decide() is not None,
    )


def begin(send: Callable[[], T]) -> "Future[T]":
    """Send in a thread, so that nobody needs to wait for a slow receiver, and return what will have become of it.

    Where no thread can be had it is sent here, and has ended. What a library raises to end the process is a defect.

    A process that ends before it has ended leaves what is not sent to the next that asks.
    """
    became = apart_or_here(partial(_contained, send))
    UNDER_WAY.add(became)
    became.add_done_callback(UNDER_WAY.discard)
    return became


def _contained(send: Callable[[], T]) -> T:
    try:
        return send()
    except Exception:
        raise
    except BaseException as error:
        raise defect_of(error) from None


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
    taken = _sent_past(messages, protocol, now, addresses)
    return "delivered" if messages and taken == len(messages) else "failed"


def notify_unmarked(
    ledger: Ledger, protocol: StudyProtocol, now: datetime, *, addresses: Mapping[str, str]
) -> str:
    """Send what is due of a ledger that can be read and no longer be written, once, and mark nothing.

    It is sent again, under the same idempotency keys, once it can be marked. Return what became of it, as look.json
    says it; the parameters are those of ``run_alerts``.
    """
    try:
        waiting = ledger.outbox.undelivered(protocol.study.id)
        due_now = [one.outgoing for one in ledger.outbox.due(protocol.study.id, now)]
    except LedgerWriteError as error:
        LOGGER.error("The alerts that wait cannot be read: %s", error)
        return "failed"
    return "delivered" if _sent_past(due_now, protocol, now, addresses) == len(waiting) else "failed"


def _sent_past(
    messages: Sequence[Outgoing], protocol: StudyProtocol, now: datetime, addresses: Mapping[str, str]
) -> int:
    """Send messages that the ledger can keep nothing of, and return how many were taken."""
    taken = 0
    for results in attempt_each(messages, now, folder=protocol.folder, addresses=addresses):
        for one, result in results:
            if isinstance(result, str):
                taken += 1
                LOGGER.warning("Alert %s sent to %s, not recorded: %s", one.alert, one.role, result)
            else:
                LOGGER.error("Alert %s not delivered, and not tried again: %s", one.alert, result)
    return taken


def send_due(
    ledger: Ledger,
    study: str,
    now: datetime,
    *,
    folder: Path,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
    only: Collection[str] | None = None,
    given_up: Callable[[], bool] = lambda: False,
) -> Sent:
    """Try every message that is due once, and keep the receipt, the failure or the end of each.

    A message is marked as delivered after its channel took it: a crash in between sends it again under the same
    id rather than never. Those that were taken while others were being marked are marked together.

    ``now`` (UTC) is the moment of all attempts of this call; ``folder`` is what the path of a ``file:`` channel is
    relative to, ``addresses`` what ``env:`` channels need by variable. Where ``only`` names ids, no other is tried.
    When a message is given up, ``given_up`` says whether others are due for it, which are then sent at once.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be written, so that nothing was sent. What could not be marked afterwards is the
        ``problem`` of what is returned, and is sent again.
    """
    channels = Channels(now, folder=folder, addresses=addresses, bounds=bounds)
    due: dict[str, Waiting] = {}
    became: dict[str, Attempt] = {}
    problem: LedgerWriteError | None = None

    def send() -> None:
        until, longer = now + USUAL_CLAIM, now + LONGEST_CLAIM
        claimed = ledger.outbox.claim_due(study, now, until=until, by=this_process(), only=only)
        slow = (one for one in claimed if longest_attempt(one.outgoing.channel, addresses) > USUAL_ATTEMPT)
        held = [one.outgoing.id for one in slow]
        ledger.outbox.hold(held, until=longer)
        due.update((one.outgoing.id, one) for one in claimed)
        channels.send(one.outgoing for one in claimed)

    send()
    for results in channels.results():
        attempts = [_judged(due[one.id], result, now) for one, result in results]
        became |= {one.id: one for one in attempts}
        try:
            ledger.record_attempts(study, attempts, at=now)
            if any(one.became == "dead" for one in attempts) and given_up():
                send()
        except LedgerWriteError as error:  # the other channels have theirs all the same
            LOGGER.error("The ledger could not be written: %s", error)
            problem = error
    delivered = tuple(one.id for one in became.values() if one.became == "delivered")
    dead = tuple(due[one.id].outgoing for one in became.values() if one.became == "dead")
    try:
        ledger.outbox.give_back([name for name in due if name not in became])
        refused, unbegun = ledger.outbox.count_waiting(study)
    except LedgerWriteError as error:
        refused, unbegun, problem = 0, len(due) - len(became), error
    return Sent(delivered, dead, refused, unbegun, None if problem is None else str(problem))


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
