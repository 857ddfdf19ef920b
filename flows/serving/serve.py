"""A study that is served: its deployments, and a turn each second.

One process serves several studies through one Prefect server. Each look is a process of its own; the turns are not,
so that they go on while the server cannot be reached.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.runner import Runner
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from checks.protocol import load_protocol
from flows.feeds.admission import servers_kept
from flows.looks.closed.look import look_closed
from flows.looks.guard import only_server
from flows.looks.monitor import monitor_study
from flows.looks.nightly import check_record
from flows.looks.study import open_study
from flows.serving.arrivals import SETTLED
from flows.serving.review import review_signal
from flows.serving.runs import BEGUN, end_lost, runs_in
from flows.serving.turn import TURN_SECONDS, Turns

LOGGER = logging.getLogger("postdose")

NIGHTLY: Final = "30 4 * * *"
"""In the study's time zone: after the clocks have changed, before anybody comes to work."""

ASK_SECONDS: Final = 1.0
"""Between two questions to the server whether a look is to be made: part of the time from a delivery to its alert."""

GRACE: Final = timedelta(seconds=60)
"""How long a look that is being made may go on when the process is told to end; service managers wait for 90 s."""

SERVER_SECONDS: Final = 60.0
"""How long the turns wait for the server when the process starts; then they begin without it."""

AGAIN_SECONDS: Final = 10.0
"""Before what was ended by a fault, the server's above all, is begun again."""

SKIP = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
"""A look looks at now: one that comes while another is made, or late together with others, has nothing to add."""

WAIT = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
"""A look asked for by hand has a data cut-off of its own: it waits."""


def study_deployments(path: Path, *, cron: str | None = None) -> tuple[RunnerDeployment, ...]:
    """Return the deployments of one study: scheduled, arrival, manual, nightly, review.

    Where POSTDOSE_CLOSED allows this process to read the arm there is one more, closed.

    ``path`` is of its protocol file; ``cron`` is a schedule in place of the protocol's.
    """
    opened = open_study(str(path), os.environ)
    protocol = opened.protocol
    given: dict[str, object] = {"study": str(path.resolve())}
    quiet = {**given, "quiet_seconds": SETTLED.total_seconds()}
    zone = protocol.study.timezone
    made = partial(_deployment, protocol.study.id)
    offered = [
        made(
            monitor_study,
            "scheduled",
            "A look on the schedule of the study protocol.",
            {**quiet, "reason": "scheduled"},
            SKIP,
            Cron(cron or protocol.schedule.cron, timezone=zone),
        ),
        made(
            monitor_study,
            "arrival",
            "A look because something was received. Started by the process that serves the study.",
            {**quiet, "reason": "received"},
            SKIP,
        ),
        made(
            monitor_study,
            "manual",
            "A look that somebody asks for: give the data cut-off and the reason.",
            quiet,
            WAIT,
        ),
        made(
            check_record,
            "nightly",
            "Verifies the ledger, makes the looks of the last days again, and takes the monitor's pulse.",
            given,
            SKIP,
            Cron(NIGHTLY, timezone=zone),
        ),
        made(
            review_signal,
            "review",
            "Asks a person for a recommendation. Started by the process that serves the study, once a signal.",
            given,
        ),
    ]
    if opened.settings.closed_allowed:
        said = "A look with its report by arm, for those who may know it: give why, and who reads it."
        offered.append(made(look_closed, "closed", said, quiet, WAIT))
    return tuple(offered)


def serve_studies(paths: Sequence[Path], *, cron: str | None = None) -> None:
    """Serve studies until the process is told to end, by SIGTERM or an interrupt.

    Looks that are being made then are given ``GRACE``; what is scheduled is paused until they are served again.

    ``paths`` are of their protocol files; ``cron`` is a schedule in place of the protocols'.

    Raises
    ------
    UsageError
        When a study is served already, or comes twice.
    """
    protocols = [load_protocol(path) for path in paths]
    with ExitStack() as served:
        served.enter_context(servers_kept())
        for protocol in protocols:
            served.enter_context(only_server(protocol.folder, protocol.study.id))
        studies = [Turns(path, datetime.now(UTC), lasting=True) for path in paths]
        deployments = [one for path in paths for one in study_deployments(path, cron=cron)]
        asyncio.run(_serve(studies, deployments))


async def _serve(studies: Sequence[Turns], deployments: Sequence[RunnerDeployment]) -> None:
    told_to_end = asyncio.Event()
    runs = Runs(deployments, told_to_end)
    runs.listen()
    begun = asyncio.create_task(_lasting("runs", runs.begin))
    turns = [
        asyncio.create_task(_lasting("turns", partial(runs.before, partial(_take_turns, one))))
        for one in studies
    ]
    LOGGER.info("Serving %s", ", ".join(one.study.id for one in studies))
    await told_to_end.wait()
    LOGGER.info("Ending; runs that have begun have %g s", GRACE.total_seconds())
    for task in turns:
        task.cancel()
    await asyncio.gather(*turns, return_exceptions=True)
    await runs.end()
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)


class Runs:
    """Begins the process of each run when it is due, by Prefect's runner."""

    def __init__(self, deployments: Sequence[RunnerDeployment], told_to_end: asyncio.Event) -> None:
        self._deployments, self._told_to_end = deployments, told_to_end
        self._deployed = asyncio.Event()
        self._runner: Runner | None = None
        self._started: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Let a signal tell this process to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._told_to_end.set)

    async def begin(self) -> None:
        """Deploy, and begin runs without end: until the server has been away for several questions in a row."""
        runner = Runner(name="postdose", query_seconds=ASK_SECONDS, pause_on_shutdown=False)
        for deployment in self._deployments:
            await runner.aadd_deployment(deployment)
        async with get_client() as client:
            await end_lost(client, [one.name for one in self._deployments])
        self._deployed.set()
        self._runner, self._started = runner, asyncio.create_task(runner.start())
        await asyncio.sleep(0)
        self.listen()  # the runner has just put a handler of its own there, which would end at once
        await self._started

    async def before(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work once the deployments are there, or the server cannot be had."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._deployed.wait(), SERVER_SECONDS)
        await work()

    async def end(self) -> None:
        """Pause what is scheduled, let the runs that have begun end, and cancel those that do not."""
        try:
            async with asyncio.timeout(GRACE.total_seconds()), get_client() as client:
                await self._wind_up(client)
        except TimeoutError:
            LOGGER.error("Runs that have not ended are cancelled")
        except Exception as error:  # whatever the server's client met
            LOGGER.error("The server could not be told (%s)", type(error).__name__)
        if self._runner is not None and self._started is not None and not self._started.done():
            await self._runner.astop()
            await asyncio.wait({self._started}, timeout=GRACE.total_seconds())

    async def _wind_up(self, client: PrefectClient) -> None:
        names = [one.name for one in self._deployments]
        ours = DeploymentFilter(name=DeploymentFilterName(any_=names))
        for deployment in await client.read_deployments(deployment_filter=ours):
            await client.pause_deployment(deployment.id)
        while await runs_in(client, names, BEGUN):
            await asyncio.sleep(1.0)


async def _take_turns(turns: Turns) -> None:
    """Take a turn of one study each second, without end."""
    try:
        while True:
            await turns.take(datetime.now(UTC))
            await asyncio.sleep(TURN_SECONDS)
    finally:
        turns.cancel()


async def _lasting(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do some work without end; what ends it but our own end is logged, and it is begun again."""
    while True:
        try:
            await work()
        except Exception as error:  # nothing may stop a served study: a server that is away, a full disk
            LOGGER.error("The %s failed (%s: %s)", what, type(error).__name__, error)
        await asyncio.sleep(AGAIN_SECONDS)


def _deployment(
    study: str,
    flow: Flow[..., Any],
    name: str,
    description: str,
    parameters: dict[str, object],
    limit: ConcurrencyLimitConfig | None = None,
    schedule: Schedule | None = None,
) -> RunnerDeployment:
    made = flow.to_deployment(
        name=f"{study} {name}",
        description=description,
        tags=[study],
        parameters=parameters,
        concurrency_limit=limit,
        schedule=schedule,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast(RunnerDeployment, made)
