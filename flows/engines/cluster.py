"""Compute the parts of a look on the workers of a Dask cluster, as Prefect tasks that the run's page shows by number.

A part that is lost with its worker is computed again on another one: Dask sees to it, as the parts travel with their
tasks. What the cluster cannot do at all the look does itself: harm must not go unseen for want of a worker.
"""

import logging
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import dask
from distributed import LocalCluster
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.flow_engine import FlowRunTimeoutError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_dask.task_runners import DaskTaskRunner

from checks.errors import UsageError
from checks.looks import code_version
from flows.settings import DASK_ADDRESS

LOGGER = logging.getLogger("postdose")

Part = TypeVar("Part")
Result = TypeVar("Result")

PARTS_PER_WORKER: Final = 4
"""So that a worker that is lost, or slow, costs a quarter of its share, and no part is large."""

LONGEST_WITHOUT_WORKERS: Final = 60.0
"""Seconds: a worker that was ended is replaced within a few of them, by its nanny or its service manager."""

LONGEST_CALL: Final = "10s"
"""To a scheduler that is not there; one on the same network answers at once."""

ASK_AGAIN: Final = 2.0
"""Seconds between two looks at whether a part is done and workers are there."""


@contextmanager
def open_cluster(address: str | None, begins: Callable[[str], None]) -> Iterator["Cluster"]:
    """Open a cluster for one look: an existing one by the address of its scheduler, else processes on this machine.

    Raises
    ------
    UsageError
        When no scheduler answers at the address.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(_told(address)):
        runner = DaskTaskRunner(address=address) if address else _on_this_machine()
        with runner:
            try:
                workers = _workers(runner)
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"{DASK_ADDRESS}: found {address}, where no scheduler answers ({type(error).__name__}); "
                    "allowed: the address of a Dask scheduler, as tcp://HOST:8786"
                ) from error
            LOGGER.info("Computing on %d Dask workers", workers)
            yield Cluster(runner, workers, begins)


@task(cache_policy=NO_CACHE, persist_result=False)
def on_part(work: Callable[[Any], Result], part: Any) -> Result:  # noqa: ANN401 - whatever the work takes
    """Do one stage's work on one part, as a Prefect task that each stage names."""
    return work(part)


def _told(address: str | None) -> Mapping[str, object]:
    """Return what Dask is told: not to wait long for a scheduler elsewhere; to serve no pages from one of ours."""
    if address:
        return {"distributed.comm.timeouts.connect": LONGEST_CALL}
    return {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}


def _on_this_machine() -> DaskTaskRunner:
    """Return a runner with worker processes of its own, on loopback; nothing of a subject is spilled to a disk."""
    kwargs = {
        "host": "127.0.0.1",
        "security": True,  # certificates of this look's own: another account of the machine has no code run
        "dashboard_address": "127.0.0.1:0",
        "scheduler_kwargs": {"dashboard": False},
        "threads_per_worker": 1,  # each part works in Python itself: threads would wait for each other
        "processes": True,
        "memory_limit": 0,
        "silence_logs": logging.ERROR,
    }
    return DaskTaskRunner(cluster_class=LocalCluster, cluster_kwargs=kwargs)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a Dask cluster, as many as there were when it was opened."""

    runner: DaskTaskRunner
    workers: int
    begins: Callable[[str], None]

    @property
    def most_parts(self) -> int:
        """Return how many parts keep every worker busy, and none for long."""
        return PARTS_PER_WORKER * max(1, self.workers)

    def compute(
        self, stage: str, work: Callable[[Part], Result], parts: Sequence[Part]
    ) -> tuple[Result, ...]:
        """Return what the work makes of each part, each a task of its own on whichever worker is free."""
        self.begins(stage)
        packed = [pickle.dumps(part, protocol=pickle.HIGHEST_PROTOCOL) for part in parts]
        unpacking = partial(_unpacked, work, code_version())
        with temporary_settings({PREFECT_API_URL: _server()}), warnings.catch_warnings():
            # the parts must be in the tasks: what lies on a worker alone is lost with it
            warnings.filterwarnings("ignore", message="Sending large graph")
            futures = [
                self.runner.submit(
                    on_part.with_options(name=stage, task_run_name=f"{stage} {number} of {len(packed)}"),
                    {"work": unpacking, "part": part},
                )
                for number, part in enumerate(packed, start=1)
            ]
        return tuple(
            self._result(stage, future, unpacking, part) for future, part in zip(futures, packed, strict=True)
        )

    def _result(self, stage: str, future: Any, work: Callable[[bytes], Result], part: bytes) -> Result:  # noqa: ANN401
        try:
            self._wait(future)
            result: Result = future.result()
        except FlowRunTimeoutError:
            raise
        except Exception as error:  # whatever became of the cluster
            fault = error if isinstance(error, UsageError) else type(error).__name__
            LOGGER.warning("%s: the cluster failed at a part (%s); it is computed here", stage, fault)
            return work(part)  # a defect of the work itself comes again
        return result

    def _wait(self, future: Any) -> None:  # noqa: ANN401 - a future of Prefect around one of Dask
        """Wait for a part, as long as there is a worker that it may be on."""
        seen = time.monotonic()
        while not future.wrapped_future.done():
            if _workers(self.runner):
                seen = time.monotonic()
            elif time.monotonic() - seen > LONGEST_WITHOUT_WORKERS:
                raise TimeoutError("no worker is left")
            future.wait(ASK_AGAIN)


def _workers(runner: DaskTaskRunner) -> int:
    client: Any = runner.client  # distributed declares no types
    return len(client.ncores())


def _unpacked(work: Callable[[Any], Result], version: str, part: bytes) -> Result:
    """Do the work on a part as it travels; a worker that has other code than the look would find something else."""
    if code_version() != version:
        raise UsageError(f"worker: found postdose {code_version()}; allowed: {version}, the look's")
    return work(pickle.loads(part))  # noqa: S301 - packed by the look itself


def _server() -> str:
    """Return the address of the Prefect server that the look speaks with, for the tasks on the workers."""
    context = FlowRunContext.get()
    if context is None:
        raise UsageError("--engine dask: found no flow run; allowed: within a look")
    return str(context.client.api_url)
