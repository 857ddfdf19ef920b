"""Decide which Prefect deployments a study has: one on its schedule, one started by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from checks.protocol import StudyProtocol, load_protocol
from flows.monitor import monitor_study


def study_deployments(path: Path, *, cron: str | None = None) -> tuple[RunnerDeployment, RunnerDeployment]:
    """Return the scheduled and the manual deployment of one study.

    Parameters
    ----------
    path
        Its study protocol file.
    cron
        A schedule in place of the protocol's.
    """
    protocol = load_protocol(path)
    return _scheduled(path, protocol, cron or protocol.schedule.cron), _manual(path, protocol)


def serve_studies(paths: Sequence[Path], *, cron: str | None = None) -> None:
    """Run the looks of these studies until the process is asked to stop."""
    serve(*(deployment for path in paths for deployment in study_deployments(path, cron=cron)))


def _scheduled(path: Path, protocol: StudyProtocol, cron: str) -> RunnerDeployment:
    return _deployment(
        name=f"{protocol.study.id} scheduled",
        schedule=Cron(cron, timezone=protocol.study.timezone),
        parameters={"study": str(path.resolve()), "reason": "scheduled"},
        tags=[protocol.study.id],
        description="A look on the schedule of the study protocol.",
        concurrency_limit=1,
    )


def _manual(path: Path, protocol: StudyProtocol) -> RunnerDeployment:
    return _deployment(
        name=f"{protocol.study.id} manual",
        parameters={"study": str(path.resolve())},
        tags=[protocol.study.id],
        description="A look that somebody asks for: give the data cut-off and the reason.",
        concurrency_limit=1,
    )


def _deployment(**options: Any) -> RunnerDeployment:  # noqa: ANN401 - handed on to Prefect as they are
    return cast(RunnerDeployment, monitor_study.to_deployment(**options))
