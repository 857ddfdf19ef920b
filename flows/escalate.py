"""Tell what is due of a study's alerts, and try every message that waits: one turn, made every minute.

Nobody waits for the orchestrator: what is due is told whether or not a Prefect server can be reached.
"""

import logging
import os
from datetime import UTC, datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from checks.protocol import StudyProtocol, load_protocol
from flows import tasks
from flows.alerts import due
from flows.ledger import Ledger
from flows.monitor import protocol_path
from flows.settings import Settings, read_settings

LOGGER = logging.getLogger("postdose")


def _run_name() -> str:
    return f"{load_protocol(protocol_path(flow_run.parameters['study'], os.environ)).study.id} alerts"


@flow(name="tell alerts", flow_run_name=_run_name, persist_result=False)
def tell_alerts(study: str, watching: bool = True) -> State[str]:
    """Tell what is due, and try every message that waits; the run's final state says what became of them.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        watching: Whether a look is expected to have been made.
    """
    protocol = load_protocol(protocol_path(study, os.environ))
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    ledger = Ledger(settings.state_url, key=settings.ledger_key)
    outcome = tasks.tell(ledger, protocol, settings, datetime.now(UTC), watching=watching)
    return Completed(name=outcome, data=outcome)


def is_anything_due(ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool) -> bool:
    """Whether a turn would tell anybody anything, so that quiet minutes leave no run.

    Parameters
    ----------
    ledger, protocol
        The study's.
    now
        UTC.
    watching
        Whether a look is expected to have been made.
    """
    study = protocol.study.id
    waits = any(
        one.next_attempt_at is None or one.next_attempt_at <= now for one in ledger.undelivered(study)
    )
    return waits or bool(due(ledger.records(study), protocol, now, watching=watching))


def take_turn(study: str, protocol: StudyProtocol, settings: Settings, *, watching: bool) -> None:
    """Tell what is due now, as a run of Prefect where it can be had.

    Parameters
    ----------
    study
        The path of its study protocol file.
    protocol, settings
        The study's.
    watching
        Whether a look is expected to have been made.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    """
    ledger, now = Ledger(settings.state_url, key=settings.ledger_key), datetime.now(UTC)
    if not is_anything_due(ledger, protocol, now, watching=watching):
        return
    try:
        tell_alerts(study, watching=watching)
    except Exception as error:  # whatever Prefect met: the same turn again tells nobody twice
        LOGGER.error("The alerts' run failed (%s); telling without it", type(error).__name__)
        tasks.tell.fn(ledger, protocol, settings, datetime.now(UTC), watching=watching)
