"""Make a look and its report by arm, because somebody asks for it: on Prefect's page, or by the command line.

The page is blinded. A run says that the report lies in the look's folder, never a word of it; a fault that is met
once the arm is read is named by its kind alone, since its words may tell an arm.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from checks.errors import UsageError
from flows.looks.closed.report import closed_report, require_permission
from flows.looks.conclusion import LookOutcome
from flows.looks.monitor import make_look
from flows.looks.reading import feeds_of_look
from flows.looks.study import Study, open_study, run_named


@flow(name="look closed", flow_run_name=run_named("closed look"), persist_result=False)
def look_closed(
    study: str, reason: str, by: str, data_cutoff: datetime | None = None, quiet_seconds: float = 0.0
) -> State[None]:
    """Make one look, and write its report by arm for those who may know it.

    It is refused where POSTDOSE_CLOSED does not allow it. That the arm was read is a record of the ledger.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        reason: Why the arm is read; kept in the ledger. It names no arm and no treatment.
        by: Who reads the arm; kept in the ledger.
        data_cutoff: The only "now"; when left out, the moment the run starts.
        quiet_seconds: A file that was written to within so many seconds is still arriving, and left to a later look.
    """
    opened = open_study(study, os.environ)
    try:
        require_permission(opened.settings, opened.protocol, reason=reason, by=by)
    except UsageError as error:
        return Failed(name="refused", message=str(error))
    outcome = make_look(study, data_cutoff=data_cutoff, quiet_seconds=quiet_seconds)
    look = outcome.document["look_id"]
    try:
        write_closed(opened, outcome, feeds=None, reason=reason, by=by)
    except Exception as error:  # its words may tell an arm, and this page is blinded
        said = f"Look {look} was made; its closed report was not written ({type(error).__name__})."
        return Failed(name="not written", message=f"{said} `postdose look --closed` says why.")
    return Completed(
        name="written", message=f"The closed report of look {look} lies in closed/ beside its report."
    )


def write_closed(study: Study, outcome: LookOutcome, *, feeds: str | None, reason: str, by: str) -> Path:
    """Write the report by arm of a look that was made, and return its page; raises as ``closed_report`` does.

    ``feeds`` is the folder the look read its feeds from, in place of where the protocol says.
    """
    return closed_report(
        outcome.document,
        outcome.report.parent,
        protocol=study.protocol,
        settings=study.settings,
        read_feeds=lambda: feeds_of_look(
            study.protocol, study.settings, feeds, outcome.document["data_cutoff"]
        ),
        reason=reason,
        by=by,
        now=datetime.now(UTC),
    )
