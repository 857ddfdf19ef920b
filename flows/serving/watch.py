"""While a study is watched: when a look is started for a delivery, and when its alerts have their turn."""

import asyncio
import logging
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Completed, Crashed

from checks.errors import LedgerWriteError
from flows.ledger.life import Alert
from flows.ledger.life import State as AlertState
from flows.looks.guard import is_looking
from flows.looks.study import Study, open_study, protocol_path, run_named
from flows.serving.arrivals import Arrivals, announce, unseen_feeds
from flows.serving.escalate import take_turn
from flows.serving.review import is_over, is_review_of, is_signal, open_reviews, review_key

LOGGER = logging.getLogger("postdose")

POLL_SECONDS: Final = 0.5
"""Between two listings of where the feeds arrive."""

TOGETHER: Final = timedelta(seconds=1)
"""Files that are taken in within this time of each other are looked at together."""

TURN_SECONDS: Final = 60.0
"""Between two turns of the alerts: a role's time to answer counts in minutes."""

FIRST_LOOK: Final = timedelta(minutes=10)
"""After its start a study's looks are not yet reported missing: the first is being made."""

WAITS: Final = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Before a look that did not come to its end is begun again; the last of them again and again."""

BEGUN: Final = FlowRunFilter(
    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING]))
)


@dataclass(frozen=True, slots=True)
class Watched:
    """One study that is watched since a moment (UTC); ``looked`` is set when a look that a delivery started ended."""

    path: str
    study: Study
    since: datetime
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def by(cls, path: Path, since: datetime) -> "Watched":
        """Return the study of a protocol file, with the settings of this process."""
        return cls(str(path.resolve()), open_study(str(path), os.environ), since)

    def unseen(self) -> tuple[str, ...]:
        """Return the feeds that a look is owed for: all of them where the ledger cannot say."""
        study = self.study
        try:
            return unseen_feeds(study.inbox(), study.ledger(), datetime.now(UTC))
        except LedgerWriteError as error:
            LOGGER.error("%s: %s", study.id, error)
            return tuple(study.protocol.feeds.by_domain())


@dataclass(frozen=True, slots=True)
class Owing:
    """A look that may be owed: when that is found out, and how often it was begun already."""

    not_before: datetime
    begun: int = 0

    def begun_again(self, now: datetime) -> "Owing":
        """Return what is owed should the look that is begun now not come to its end."""
        wait = WAITS[min(self.begun, len(WAITS) - 1)]
        return Owing(now + wait, self.begun + 1)


async def watch_arrivals(watched: Watched) -> None:
    """Take in what arrives and start a look for it, without end; begins with a look if one is owed."""
    arrivals = Arrivals(watched.study.inbox())
    owing: Owing | None = Owing(datetime.now(UTC))
    look: asyncio.Task[bool] | None = None
    while True:
        receipts = await asyncio.to_thread(arrivals.take_in, datetime.now(UTC))
        if receipts:
            announce(watched.study.protocol, receipts)
            owing = Owing(datetime.now(UTC) + TOGETHER)
        if look is not None and look.done():
            watched.looked.set()
            if owing is not None and not look.result():  # the server is away, and may be back at any moment
                owing = Owing(datetime.now(UTC) + WAITS[0])
            look = None
        if owing is not None and look is None and datetime.now(UTC) >= owing.not_before:
            unseen = await asyncio.to_thread(watched.unseen)
            if not unseen:
                owing = None
            else:
                look = asyncio.create_task(_look(watched, unseen))
                owing = owing.begun_again(datetime.now(UTC))
        await asyncio.sleep(POLL_SECONDS)


async def _look(watched: Watched, unseen: Sequence[str]) -> bool:
    """Have a look made, wait until it has ended, however it did, and say whether the server was there."""
    study = watched.study
    try:
        async with get_client() as client:
            if not is_looking(study.protocol.folder, study.id, state_url=study.settings.state_url):
                await end_lost(client, [f"{study.id} arrival"])
            run = await _start_look(client, study.id, unseen)
            while run.state is None or not run.state.is_final():
                await asyncio.sleep(POLL_SECONDS)
                run = await client.read_flow_run(run.id)
    except Exception as error:  # whatever the server's client met: the look is owed, and is begun again
        LOGGER.error("%s: a look could not be started or followed (%s)", study.id, type(error).__name__)
        return False
    return True


async def end_lost(client: PrefectClient, deployments: Collection[str]) -> None:
    """End the runs of deployments that nothing makes any more: each would keep the next from being begun.

    A process that is killed while the server is away, or together with the one that serves, leaves such a run.

    Parameters
    ----------
    client
        Of the Prefect server.
    deployments
        Their names; of none of them does this process make a run now.
    """
    ours = DeploymentFilter(name=DeploymentFilterName(any_=list(deployments)))
    for run in await client.read_flow_runs(deployment_filter=ours, flow_run_filter=BEGUN):
        lost: State = Crashed(message="the process that made it is gone, and nothing told so")
        await client.set_flow_run_state(run.id, lost, force=True)


async def _start_look(client: PrefectClient, study: str, unseen: Sequence[str]) -> FlowRun:
    reason = f"received: {', '.join(unseen)}"
    LOGGER.info("%s: %s", study, reason)
    deployment = await client.read_deployment_by_name(f"monitor study/{study} arrival")
    return await client.create_flow_run_from_deployment(deployment.id, parameters={"reason": reason})


async def watch_alerts(watched: Watched) -> None:
    """Give the alerts their turn, and open and end reviews: every minute and after each look, without end."""
    while True:
        watched.looked.clear()
        watching = datetime.now(UTC) - watched.since >= FIRST_LOOK
        await _tend_alerts(watched, watching=watching)
        with suppress(TimeoutError):
            await asyncio.wait_for(watched.looked.wait(), TURN_SECONDS)


@flow(name="tend study", flow_run_name=run_named("turn"), persist_result=False)
async def tend_study(study: str) -> None:
    """Take in what arrived, start a look if one is owed, tell what is due: a minute of what `postdose serve` does.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
    """
    now = datetime.now(UTC)
    watched = Watched.by(protocol_path(study, os.environ), now)
    receipts = await asyncio.to_thread(Arrivals(watched.study.inbox()).take_in, now)
    announce(watched.study.protocol, receipts)
    unseen = await asyncio.to_thread(watched.unseen)
    if unseen:
        async with get_client() as client:
            await _start_look(client, watched.study.id, unseen)
    await _tend_alerts(watched, watching=True)


async def _tend_alerts(watched: Watched, *, watching: bool) -> None:
    """Tell what is due, then see to the reviews; the server is not asked where no signal was ever raised."""
    study, now = watched.study, datetime.now(UTC)
    ledger = await asyncio.to_thread(study.ledger)
    await asyncio.to_thread(take_turn, watched.path, study, ledger, watching=watching)
    alerts = (await asyncio.to_thread(ledger.seen, study.id, now)).standing.alerts
    if any(is_signal(alert) for alert in alerts.values()):
        async with get_client() as client:
            await _keep_reviews(study, alerts, now, client)


async def _keep_reviews(
    study: Study, alerts: Mapping[str, Alert], now: datetime, client: PrefectClient
) -> None:
    """Open the review of each signal that nobody has taken, and end those that are over."""
    deployment = await client.read_deployment_by_name(f"review signal/{study.id} review")
    for alert in open_reviews(alerts.values()):
        if not is_over(alert, now):
            await _open_review(client, deployment.id, alert)
    for run in await _paused(client, f"{study.id} review"):
        asked = alerts.get(run.parameters["alert"])
        if asked is None or is_over(asked, now) or not is_review_of(asked, run.idempotency_key):
            await client.set_flow_run_state(run.id, _ended(asked), force=True)


async def _open_review(client: PrefectClient, deployment: UUID, alert: Alert) -> None:
    """Open the review of an alert, which is there but once; one whose process was lost is followed by another."""
    run: FlowRun | None = None
    while run is None or (run.state is not None and run.state.is_crashed()):
        run = await client.create_flow_run_from_deployment(
            deployment,
            parameters={"alert": alert.id},
            idempotency_key=review_key(alert, lost=None if run is None else str(run.id)),
        )


def _ended(alert: Alert | None) -> State:
    """Return the quiet end of a review that nobody answered on the page."""
    taken = None if alert is None else alert.acknowledgement
    if taken is not None and alert is not None and alert.state is AlertState.ACKNOWLEDGED:
        return Completed(name="taken elsewhere", message=f"the alert was acknowledged by {taken.by}")
    if alert is None or alert.state is AlertState.CLOSED:
        return Completed(name="over", message="the cause of the alert is gone")
    return Completed(
        name="unanswered", message="nobody answered in time; the alert has told whom its plan names"
    )


async def _paused(client: PrefectClient, deployment: str) -> list[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[deployment])),
    )
