"""Notification of what is due of a study's alerts; every message that waits is tried.

Nobody waits for the orchestrator: roles are notified of what is due whether or not a Prefect server can be reached.
"""

import logging
import os
from datetime import UTC, datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from checks.protocol import StudyProtocol
from flows.alerts import due, run_alerts
from flows.ledger import Ledger
from flows.looks.stages import as_task
from flows.looks.study import Study, open_study, run_named

LOGGER = logging.getLogger("postdose")


@flow(name="tell alerts", flow_run_name=run_named("alerts"), persist_result=False)
def tell_alerts(study: str, watching: bool = True) -> State[str]:
    """Tell what is due, and try every message that waits; the run's final state says what became of them.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        watching: Whether a look is expected to have been made.
    """
    outcome = _tell(open_study(study, os.environ), watching=watching)
    return Completed(name=outcome, data=outcome)


def is_anything_due(ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool) -> bool:
    """Whether a turn would tell anybody anything, so that quiet minutes leave no run.

    At a moment (UTC); ``watching`` is whether a look is expected to have been made.
    """
    study = protocol.study.id
    return ledger.outbox.is_due(study, now) or bool(
        due(ledger.seen(study, now), protocol, now, watching=watching)
    )


def notify(path: str, study: Study, ledger: Ledger, *, watching: bool) -> None:
    """Notify of what is due now, as a run of Prefect where it can be had.

    ``path`` is of the study's protocol file; ``watching`` is whether a look is expected to have been made.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    """
    if not is_anything_due(ledger, study.protocol, datetime.now(UTC), watching=watching):
        return
    try:
        tell_alerts(path, watching=watching)
    except Exception as error:  # whatever Prefect met: the same turn again tells nobody twice
        LOGGER.error("The alerts' run failed (%s); notifying without it", type(error).__name__)
        _tell(study, watching=watching)


def _tell(study: Study, *, watching: bool) -> str:
    send, now = as_task("send alerts", run_alerts), datetime.now(UTC)
    sent = send(study.ledger(), study.protocol, now, addresses=study.settings.addresses, watching=watching)
    return sent.outcome
