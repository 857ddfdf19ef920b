"""Make one look: read the feeds, go the path from them to the verdict, and conclude it, as a run of Prefect."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_SERVER_API_AUTH_STRING,
    temporary_settings,
)
from prefect.states import Completed

from checks.errors import UsageError
from checks.looks import Stage, look
from checks.protocol import load_protocol
from flows.alerts import run_alerts
from flows.api_access import ASKED, GIVEN, URL, api_access
from flows.clocks import reckoned, refuse_future
from flows.engines import EngineName, open_engine
from flows.feeds import open_inbox
from flows.inert import without_its_words
from flows.ledger import Ledger
from flows.looks.artifacts import Progress, show_look
from flows.looks.conclusion import LookOutcome, conclude
from flows.looks.courtesies import Told
from flows.looks.custody import held_against_record
from flows.looks.files import OF_A_LOOK, clear_interrupted
from flows.looks.guard import turn_of_look
from flows.looks.reading import read_feeds, with_faults
from flows.looks.stages import as_task, done_by_prefect, keep_aside
from flows.looks.study import Study, open_study
from flows.own_folder import require_own
from flows.settings import protocol_path

LOGGER = logging.getLogger("postdose")

P = ParamSpec("P")
R = TypeVar("R")

LONGEST: Final = timedelta(hours=1)
"""A look takes minutes, and waits ten for another at most: one that lasts longer hangs, and is ended."""

BRIEFLY: Final[dict[Any, object]] = {PREFECT_API_REQUEST_TIMEOUT: 10.0, PREFECT_CLIENT_MAX_RETRIES: 2}
"""What a look that somebody waits for allows a server of Prefect: seconds for an answer, and further attempts."""


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
    *,
    allow_future: bool = False,
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
        allow_future: Whether the data cut-off may be one to come: windows then close that have not elapsed.
    """  # in the form that Prefect's page shows beside each parameter
    kept = _kept_aside()  # by name: a variable of a context does not travel to Dask's workers with the flow
    asked = Asked(study, data_cutoff, reason, feeds, out, quiet_seconds, engine, allow_future)
    outcome = keep_aside(kept, partial(without_its_words(_look), asked))
    standing, verdict = outcome.document["standing"], outcome.document["verdict"]
    said = f"{standing}; verdict {verdict}, look {outcome.document['look_id']}"
    return Completed(name=standing, message=said, data=outcome)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a look is asked for: the parameters of ``monitor_study``."""

    study: str
    data_cutoff: datetime | None = None
    reason: str = ""
    feeds: str | None = None
    out: str | None = None
    quiet_seconds: float = 0.0
    engine: EngineName = "local"
    allow_future: bool = False


_KEPT: ContextVar["Future[LookOutcome] | None"] = ContextVar("kept", default=None)
"""Where the look of this process is kept aside, if anybody asked for that: Prefect may lose it."""


def _kept_aside() -> "Future[LookOutcome]":
    return _KEPT.get() or Future()


def _look(asked: Asked) -> LookOutcome:
    """Make a look; where one fails, what waits to be told is told all the same."""
    opened = open_study(asked.study, os.environ)
    try:
        return _look_at(opened, asked)
    except UsageError:  # nothing was begun
        raise
    except Exception:
        _notify_all_the_same(opened)
        raise


def _notify_all_the_same(opened: Study) -> None:
    """Send what earlier looks have left to be told, if anything can be."""
    try:
        ledger = Ledger.of(opened.settings, must_exist=True)
        addresses = opened.settings.addresses
        run_alerts(ledger, opened.protocol, datetime.now(UTC), addresses=addresses, watching=False)
    except Exception as error:  # the look's own fault is what is said
        LOGGER.error("The alerts that wait could not be sent (%s)", type(error).__name__)


def _look_at(opened: Study, asked: Asked) -> LookOutcome:
    """Go the path from the feeds to what is told; in a run of Prefect its stages are tasks, else functions."""
    protocol, settings = opened.protocol, opened.settings
    if asked.out:  # where no folder can be, the look is told all the same
        require_own(Path(asked.out), protocol, OF_A_LOOK, told_by="look.json")
    inbox = open_inbox(protocol, settings.addresses, asked.feeds, quiet_seconds=asked.quiet_seconds)
    with ExitStack() as turn:
        turn.enter_context(turn_of_look(protocol.folder, protocol.study.id, state_url=settings.state_url))
        now = datetime.now(UTC)
        cutoff = _cutoff(asked, now)
        named = protocol.folder / "looks" / protocol.study.id / f"{cutoff:%Y%m%dT%H%M%SZ}"
        folder = Path(asked.out) if asked.out else named
        clear_interrupted(protocol, folder)
        progress = Progress(protocol.study.id, stages=5)
        with open_engine(asked.engine, settings.addresses, begins=progress.begins) as workers:
            arriving = asked.data_cutoff is None and asked.feeds is None
            arrived = read_feeds(inbox, cutoff, arriving=arriving, now=now)
            if asked.feeds is None:
                arrived = with_faults(arrived, held_against_record(inbox, opened.ledger, now))
            found = look(arrived, protocol, data_cutoff=cutoff, stage=_shown(progress), engine=workers)
        progress.reached("recording, telling and reporting")
        page = {"Prefect's page": partial(_show, progress)}
        return conclude(
            found,
            folder,
            settings,
            asked.reason,
            as_found=asked.feeds is not None,
            notified=turn.close,
            further=page,
        )


def _show(progress: Progress, told: Told) -> None:
    """Keep the look on the run's page."""
    report = told.out / "report.html"
    progress.reached("done")
    progress.ends(partial(show_look, told.look.protocol, told.document, report))


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
    allow_future: bool = False,
) -> LookOutcome:
    """Run ``monitor_study`` here and return its outcome; an error of a stage is raised as it is.

    A protocol with problems, or a data cut-off that cannot be, is refused before a run begins.
    """
    load_protocol(protocol_path(study, os.environ))
    asked = Asked(study, data_cutoff, "", feeds, out, quiet_seconds, engine, allow_future)
    if data_cutoff is not None:
        _cutoff(asked, datetime.now(UTC))
    kept: Future[LookOutcome] = Future()

    def run() -> None:
        token = _KEPT.set(kept)
        try:
            with temporary_settings(BRIEFLY | _access()):
                monitor_study(**asdict(asked), return_state=True)
        finally:
            _KEPT.reset(token)

    return done_by_prefect("the look", kept, run, partial(without_its_words(_look), asked))


def _access() -> dict[Any, str]:  # Prefect exports no type of its settings
    """Return the password of a server that is started for one look, unless this process knows of another.

    The command line has it in the environment by now.
    """
    named = {URL: PREFECT_API_URL, GIVEN: PREFECT_API_AUTH_STRING, ASKED: PREFECT_SERVER_API_AUTH_STRING}
    known = {name: str(setting.value()) for name, setting in named.items() if setting.value()}
    told = api_access({**os.environ, **known}, lasting=False)
    return {named[name]: value for name, value in told.items()}


def _cutoff(asked: Asked, now: datetime) -> datetime:
    """Return the data cut-off in whole seconds; one to come is refused unless it is allowed."""
    cutoff = reckoned(asked.data_cutoff or now, "data cut-off").replace(microsecond=0)
    if not asked.allow_future:
        refuse_future(cutoff, now, "data cut-off")
    return cutoff
