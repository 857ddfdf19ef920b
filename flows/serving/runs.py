"""Runs of a study's deployments on the Prefect server: beginning one, following it, ending what is lost."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

POLL_SECONDS: Final = 0.5
"""Between two questions whether a run has ended."""

BEGUN: Final = (StateType.PENDING, StateType.RUNNING)


async def runs_in(
    client: PrefectClient, deployments: Collection[str], states: Collection[StateType]
) -> list[FlowRun]:
    """Return the runs of deployments, by their names, that are in one of these states."""
    return await client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=list(deployments))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))
        ),
    )


async def begin_look(client: PrefectClient, study: str, unseen: Sequence[str]) -> FlowRun:
    """Have a look of a study made, by the deployment that looks at arrivals, and return its run."""
    reason = f"received: {', '.join(unseen)}"
    deployment = await client.read_deployment_by_name(f"monitor study/{study} arrival")
    return await client.create_flow_run_from_deployment(deployment.id, parameters={"reason": reason})


async def wait_until_ended(client: PrefectClient, run: FlowRun) -> None:
    """Wait until a run has ended, however it did."""
    while run.state is None or not run.state.is_final():
        await asyncio.sleep(POLL_SECONDS)
        run = await client.read_flow_run(run.id)


async def end_lost(client: PrefectClient, deployments: Collection[str]) -> None:
    """End the runs of deployments that nothing makes any more: each would keep the next from being begun.

    A process that is killed while the server is away, or together with the one that serves, leaves such a run.

    Of none of these deployments, by name, does this process make a run now.
    """
    for run in await runs_in(client, deployments, BEGUN):
        lost: State = Crashed(message="the process that made it is gone, and nothing told so")
        await client.set_flow_run_state(run.id, lost, force=True)
