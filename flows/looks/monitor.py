"""Make one look: read the feeds, go the path from them to the verdict, and conclude it, as a run of Prefect."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from checks.errors import UsageError
from checks.looks import Stage, look
from checks.protocol import load_protocol
from flows.engines import EngineName, open_engine
from flows.feeds import open_inbox
from flows.heartbeat import HEARTBEAT_URL, beat
from flows.looks.artifacts import Progress, show_look
from flows.looks.conclusion import LookOutcome, conclude
from flows.looks.guard import turn_of_look
from flows.looks.reading import read_feeds
from flows.looks.stages import as_task
from flows.looks.study import open_study, protocol_path

P = ParamSpec("P")
R = TypeVar("R")

LONGEST: Final = timedelta(hours=1)
"""A look takes minutes, and waits ten for another at most: one that lasts longer hangs, and is ended."""


def _run_name() -> str:
    """Name a run for its study and the hour it looks at, without a path."""
    parameters = flow_run.parameters
    study = Path(parameters["study"])
    name = load_protocol(study).study.id if study.is_file() else study.name
    moment = parameters.get("data_cutoff") or flow_run.scheduled_start_time
    return f"{name} {moment:%Y-%m-%d %H:%M %Z}"


@flow(
    name="monitor study",
    flow_run_name=_run_name,
    persist_result=False,
    timeout_seconds=LONGEST.total_seconds(),
)
def monitor_study(
    study: str,
    data_cutoff: datetime | None = None,
    reason: str = "",
    feeds: str | None = None,
    out: str | None = None,
    quiet_seconds: float = 0.0,
    engine: EngineName = "local",
) -> State[LookOutcome]:
    """Make one look at a study; the run's final state is named for the verdict.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        data_cutoff: The only "now"; when left out, the moment the run starts. Only what was received by then is seen.
        reason: Why this look is made, for the ledger.
        feeds: A folder to read the feeds from, in place of what was received where the protocol says.
        out: The folder of this look's files; when left out, `looks/STUDY/DATA_CUTOFF` beside the protocol.
        quiet_seconds: A file that was written to within so many seconds is still arriving, and left to a later look.
        engine: Where its parts are computed: in this process, or on a Dask cluster. It changes nothing of the look.
    """  # in the form that Prefect's page shows beside each parameter
    opened = open_study(study, os.environ)
    protocol, settings = opened.protocol, opened.settings
    inbox = open_inbox(protocol, settings.addresses, feeds, quiet_seconds=quiet_seconds)
    with turn_of_look(protocol.folder, protocol.study.id, state_url=settings.state_url):
        cutoff = _cutoff(data_cutoff)
        named = protocol.folder / "looks" / protocol.study.id / f"{cutoff:%Y%m%dT%H%M%SZ}"
        progress = Progress(protocol.study.id, stages=5)
        with open_engine(engine, settings.addresses, begins=progress.begins) as workers:
            arrived = read_feeds(inbox, cutoff, arriving=data_cutoff is None and feeds is None)
            found = look(arrived, protocol, data_cutoff=cutoff, stage=_shown(progress), engine=workers)
        progress.reached("recording, reporting and telling")
        outcome = conclude(found, Path(out) if out else named, settings, reason)
    if outcome.ledger_problem is None:
        url = settings.addresses.get(HEARTBEAT_URL)
        beat(protocol, outcome.document, completed_at=datetime.now(UTC), url=url)
    progress.reached("done")
    show_look(protocol, outcome.document, outcome.report)
    standing, look_id = outcome.document["standing"], outcome.document["look_id"]
    return Completed(
        name=standing, message=f"{standing}; verdict {found.verdict}, look {look_id}", data=outcome
    )


def _shown(progress: Progress) -> Stage:
    """Show each stage of a look on the run's page: as a task of its own, and as how far the look is."""

    def stage(name: str, work: Callable[P, R], /) -> Callable[P, R]:
        task = as_task(name, work)

        def shown(*args: P.args, **kwargs: P.kwargs) -> R:
            progress.begins(name)
            return task(*args, **kwargs)

        return shown

    return stage


def make_look(
    study: str,
    *,
    data_cutoff: datetime | None = None,
    feeds: str | None = None,
    out: str | None = None,
    quiet_seconds: float = 0.0,
    engine: EngineName = "local",
) -> LookOutcome:
    """Run ``monitor_study`` here and return its outcome; an error of a stage is raised as it is.

    A protocol with problems is refused before a run begins.
    """
    load_protocol(protocol_path(study, os.environ))
    state = monitor_study(
        study,
        data_cutoff=data_cutoff,
        feeds=feeds,
        out=out,
        quiet_seconds=quiet_seconds,
        engine=engine,
        return_state=True,
    )
    return cast(LookOutcome, state.result())


def _cutoff(asked: datetime | None) -> datetime:
    moment = asked or datetime.now(UTC)
    if moment.tzinfo is None:
        raise UsageError(f"data cut-off: found {moment.isoformat()} without a zone; allowed: an offset or Z")
    return moment.astimezone(UTC).replace(microsecond=0)
