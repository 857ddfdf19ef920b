"""One turn of a study that is served: take in what arrived, have a look made if one is owed, notify, tend reviews.

`postdose serve` takes a turn each second, the worker's deployment each minute. What takes long, a
file share that hangs, a look, a channel, goes on beside the turns, and is begun again only once it has ended.
Nobody waits for the orchestrator: roles are notified of what is due whether or not a Prefect server can be reached.
"""

import asyncio
import logging
import os
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed

from checks.errors import LedgerWriteError
from checks.protocol import StudyProtocol
from flows.alerts import LONGEST_CLAIM, PROMPTLY, UNDER_WAY, begin, due, run_alerts
from flows.feeds import Receipt
from flows.ledger import Ledger
from flows.ledger.heads import by_heads
from flows.looks.custody import held_against_record
from flows.looks.files import clear_interrupted
from flows.looks.guard import is_looking
from flows.looks.study import Study, open_study, run_named
from flows.serving.arrivals import Arrivals, announce, unseen_feeds
from flows.serving.review import is_signal, keep_reviews
from flows.serving.runs import begin_look, end_lost, wait_until_ended
from flows.settings import protocol_path

LOGGER = logging.getLogger("postdose")

TURN_SECONDS: Final = 1.0
"""Between two turns of a study that is served, and how long a turn waits for a feed's files at most."""

TOGETHER: Final = timedelta(seconds=1)
"""Files that are taken in within this time of each other are looked at together."""

BETWEEN_NOTIFICATIONS: Final = timedelta(minutes=1)
"""A role's time to answer counts in minutes."""

FIRST_LOOK: Final = timedelta(minutes=10)
"""After its start a study's looks are not yet reported missing: the first is being made."""

AGAIN: Final = timedelta(seconds=10)
"""Before a part of the turn that met a fault is tried again."""

WAITS: Final = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Before a look that did not come to its end is begun again; the last of them again and again."""


@dataclass(frozen=True, slots=True)
class Owing:
    """A look that may be owed: when that is found out, and how often it was begun already."""

    not_before: datetime
    begun: int = 0

    def begun_again(self, now: datetime) -> "Owing":
        """Return what is owed should the look that is begun now not come to its end."""
        wait = WAITS[min(self.begun, len(WAITS) - 1)]
        return Owing(now + wait, self.begun + 1)


class Turns:
    """The turns of one study, served ``since`` a moment (UTC); they begin with a look if one is owed.

    Where it is ``lasting``, one turn follows another in this process, which makes the looks too: a look is then
    followed to its end, begun again if it did not come to one, and no turn waits for what takes long. A single turn
    waits.
    """

    def __init__(self, path: Path, since: datetime, *, lasting: bool) -> None:
        self.study: Study = open_study(str(path), os.environ)
        self._path, self._since, self._lasting = str(path.resolve()), since, lasting
        if lasting:
            clear_interrupted(self.study.protocol, self.study.protocol.folder)
        self._arrivals = Arrivals(self.study.inbox())
        self._taking: asyncio.Task[tuple[Receipt, ...]] | None = None
        self._owing: Owing | None = Owing(since)
        self._look: asyncio.Task[bool] | None = None
        self._notification: asyncio.Task[None] | None = None
        self._notify_at = since
        self._resumes: dict[str, datetime] = {}

    async def take(self, now: datetime) -> tuple[Exception, ...]:
        """Take one turn at a moment (UTC), and return the faults met: a part with one hinders no other."""
        faults = []
        for what, part in (
            ("arrivals", self._take_in),
            ("looks", self._have_looked),
            ("alerts", self._notify),
        ):
            if now < self._resumes.get(what, now):
                continue
            try:
                await part(now)
            except Exception as error:  # nothing may end the turns: a server that is away, a full disk
                LOGGER.error("The turn of the %s failed (%s: %s)", what, type(error).__name__, error)
                self._resumes[what] = now + AGAIN
                faults.append(error)
        return tuple(faults)

    async def end(self) -> tuple[Exception, ...]:
        """Wait until what the turns have begun has ended, and return its faults: one of them ends no other early."""
        ended = await asyncio.gather(*self._begun(), return_exceptions=True)
        await asyncio.to_thread(wait, tuple(UNDER_WAY), LONGEST_CLAIM.total_seconds())
        return tuple(one for one in ended if isinstance(one, Exception))

    def cancel(self) -> None:
        """Give up what the turns have begun and is still under way."""
        for task in self._begun():
            task.cancel()
        self._taking = self._look = self._notification = None

    def _begun(self) -> list[asyncio.Task[Any]]:
        return [task for task in (self._taking, self._look, self._notification) if task is not None]

    async def _take_in(self, now: datetime) -> None:
        if self._taking is None:
            self._taking = asyncio.create_task(asyncio.to_thread(self._taken_in, now))
        await asyncio.wait({self._taking}, timeout=TURN_SECONDS if self._lasting else None)
        if not self._taking.done():
            return
        ended, self._taking = self._taking, None
        if receipts := ended.result():
            announce(self.study.protocol, receipts)
            self._owing = Owing(now + TOGETHER if self._lasting else now)

    def _taken_in(self, now: datetime) -> tuple[Receipt, ...]:
        """Take in what has arrived, and put its receipts on record."""
        receipts = self._arrivals.take_in(now)
        if receipts:
            held_against_record(self.study.inbox(), self.study.ledger, now, taken=receipts)
        return receipts

    async def _have_looked(self, now: datetime) -> None:
        if self._look is not None and self._look.done():
            self._notify_at = now
            if self._owing is not None and not self._look.result():  # the server may be back at any moment
                self._owing = Owing(now + WAITS[0])
            self._look = None
        if self._owing is None or self._look is not None or now < self._owing.not_before:
            return
        unseen = await asyncio.to_thread(self._unseen, now)
        if unseen:
            LOGGER.info("%s: received: %s", self.study.id, ", ".join(unseen))
            self._look = asyncio.create_task(self._have_look_made(unseen))
        self._owing = self._owing.begun_again(now) if unseen else None

    def _unseen(self, now: datetime) -> tuple[str, ...]:
        """Return the feeds that a look is owed for: all of them where the ledger cannot say."""
        try:
            return unseen_feeds(self.study.inbox(), self.study.ledger(), now)
        except LedgerWriteError as error:
            LOGGER.error("%s: %s", self.study.id, error)
            return tuple(self.study.protocol.feeds.by_domain())

    async def _have_look_made(self, unseen: tuple[str, ...]) -> bool:
        """Have a look made and follow it to its end, however it ends; say whether the server was there."""
        study = self.study
        try:
            async with get_client() as client:
                if self._lasting and not is_looking(
                    study.protocol.folder, study.id, state_url=study.settings.state_url
                ):
                    await end_lost(client, [f"{study.id} arrival"])
                run = await begin_look(client, study.id, unseen)
                if self._lasting:
                    await wait_until_ended(client, run)
        except Exception as error:  # whatever the server's client met: the look is owed, and is begun again
            if not self._lasting:
                raise
            LOGGER.error("%s: a look could not be started or followed (%s)", study.id, type(error).__name__)
            return False
        return True

    async def _notify(self, now: datetime) -> None:
        """Begin a notification when it is time and none is under way; the fault of the one before is raised."""
        if self._notification is not None and self._notification.done():
            ended, self._notification = self._notification, None
            if ended.exception() is not None:
                self._notify_at = now
            ended.result()
        if self._notification is None and now >= self._notify_at:
            self._notify_at = now + BETWEEN_NOTIFICATIONS
            self._notification = asyncio.create_task(self._notify_and_tend(now))

    async def _notify_and_tend(self, now: datetime) -> None:
        """Notify of what is due, then tend the reviews; the server is not asked where no signal was ever raised."""
        study, watching = self.study, now - self._since >= FIRST_LOOK
        ledger = await asyncio.to_thread(study.ledger)
        await asyncio.to_thread(notify, self._path, study, ledger, watching=watching)
        alerts = (await asyncio.to_thread(ledger.seen, study.id, now)).standing.alerts
        if any(is_signal(alert) for alert in alerts.values()):
            async with get_client() as client:
                await keep_reviews(study, alerts, now, client)


@flow(name="tell alerts", flow_run_name=run_named("alerts"), persist_result=False)
def tell_alerts(study: str, outcome: str) -> State[str]:
    """Show that what was due was told, and what waited was tried: the run's final state says what became of it.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        outcome: What became of the messages.
    """
    return Completed(name=outcome, message=f"alerts of {study}: {outcome}", data=outcome)


def is_anything_due(ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool) -> bool:
    """Whether a turn would tell anybody anything, so that quiet minutes leave no run.

    At a moment (UTC); ``watching`` is whether a look is expected to have been made.
    """
    study = protocol.study.id
    if ledger.outbox.is_due(study, now):
        return True
    seen = by_heads(ledger, protocol.folder, study)(ledger.seen(study, now))
    return bool(due(seen, protocol, now, watching=watching))


def notify(path: str, study: Study, ledger: Ledger, *, watching: bool) -> None:
    """Notify of what is due now, and then show that as a run of Prefect, where one can be had.

    ``path`` is of the study's protocol file; ``watching`` is whether a look is expected to have been made.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    """
    if not is_anything_due(ledger, study.protocol, datetime.now(UTC), watching=watching):
        return
    outcome = _tell(study, watching=watching)
    try:
        tell_alerts(path, outcome)
    except Exception as error:  # whatever Prefect met: the alerts are sent
        LOGGER.error("The alerts' run could not be shown (%s)", type(error).__name__)


def _tell(study: Study, *, watching: bool) -> str:
    """Notify, and wait no longer for it than everything prompt takes: the turns do not stop for a slow receiver."""
    now, addresses = datetime.now(UTC), study.settings.addresses
    ledger = study.ledger()
    sending = begin(partial(run_alerts, ledger, study.protocol, now, addresses=addresses, watching=watching))
    try:
        return sending.result(PROMPTLY).outcome
    except TimeoutError:
        return "pending"


@flow(name="tend study", flow_run_name=run_named("turn"), persist_result=False)
async def tend_study(study: str) -> None:
    """Take in what arrived, have a look made if one is owed, notify, tend reviews: one turn of `postdose serve`.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
    """
    now = datetime.now(UTC)
    turns = Turns(protocol_path(study, os.environ), now - FIRST_LOOK, lasting=False)
    faults = (*await turns.take(now), *await turns.end())
    if faults:
        raise faults[0]
