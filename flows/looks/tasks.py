"""Wrap each stage of a look as a Prefect task, or as one for each part: its name, nothing cached, no logic.

Prefect looks through all that a task is given, to the last value, for what other tasks returned; of a large study
that took as long as the look. No stage is given such a thing, so each is given its arguments as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from checks.blinding import blind_deliveries
from checks.cases import (
    Charts,
    Findings,
    divide_by_subject,
    find_in_part,
    gather_evidence,
    put_together,
)
from checks.evaluation import Evidence, RuleResult
from checks.knowledge import Deliveries, Knowledge
from checks.protocol import StudyProtocol
from checks.signals import evaluate_rules
from checks.tables import DeliveredTable, Feed
from checks.validation import Validation, validate_feeds
from flows.alerts import Looked, run_alerts, tell_unrecorded
from flows.engines import Engine
from flows.feeds import Inbox
from flows.ledger import Ledger
from flows.pages.report.page import render_report
from flows.report import Look, write_files
from flows.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


class Stage(Task[P, R]):
    """A Prefect task that is given its arguments as they are."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]  # no future, no state
        """Run the stage here, and return what it does."""
        named: Any = {name: quote(value) for name, value in kwargs.items()}
        returned: R = super().__call__(*map(quote, args), **named)
        return returned


def stage(*, name: str | None = None, task_run_name: str) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """Make a function a stage of a look: named, nothing cached."""

    def made(function: Callable[P, R]) -> Stage[P, R]:
        return Stage(
            function, name=name, task_run_name=task_run_name, cache_policy=NO_CACHE, persist_result=False
        )

    return made


@stage(task_run_name="read {domain}")
def read(domain: str, inbox: Inbox, data_cutoff: datetime, *, arriving: bool) -> tuple[DeliveredTable, ...]:
    """Read what was received of one feed, after taking in what is arriving; what cannot be read is its problem."""
    arrived = inbox.take_in(domain, now=data_cutoff) if arriving else inbox.read(domain, by=data_cutoff)
    return blind_deliveries(domain, arrived, inbox.protocol.treatment.names)


@stage(name="find what was known", task_run_name="find what was known")
def know(
    arrived: Mapping[str, Sequence[DeliveredTable]], protocol: StudyProtocol, data_cutoff: datetime
) -> Knowledge:
    """Decide which version of which row was known at the data cut-off."""
    return Deliveries(arrived, protocol).known_at(data_cutoff)


@stage(name="validate feeds", task_run_name="validate feeds")
def validate(feeds: Mapping[str, Feed], protocol: StudyProtocol, data_cutoff: datetime) -> Validation:
    """Judge every feed and set apart the rows that cannot be trusted."""
    return validate_feeds(feeds, protocol, data_cutoff)


def find(validation: Validation, protocol: StudyProtocol, data_cutoff: datetime, engine: Engine) -> Findings:
    """Anchor events to doses and find cases, wherever the engine computes."""
    known = validation.subjects.set_index("USUBJID").index
    charts = Charts(validation.measurements, validation.adverse_events, known)
    parts = divide_by_subject(validation.administrations, charts, engine.most_parts)
    work = partial(find_in_part, protocol=protocol, data_cutoff=data_cutoff)
    return put_together(engine.compute("find cases", work, parts))


@stage(name="evaluate rules", task_run_name="evaluate rules")
def evaluate(
    findings: Findings, validation: Validation, protocol: StudyProtocol
) -> tuple[Evidence, tuple[RuleResult, ...]]:
    """Count, and evaluate every rule."""
    evidence = gather_evidence(findings, validation.measurements, protocol, unplaced=validation.unplaced)
    return evidence, evaluate_rules(evidence, protocol)


@stage(name="render report", task_run_name="render report")
def render(look: Look, document: Mapping[str, Any], out: Path) -> Path:
    """Write the look's files and its page."""
    write_files(look, document, out)
    return render_report(document, doses=look.findings.doses, protocol=look.protocol, out=out)


@stage(name="send alerts", task_run_name="send alerts")
def tell(
    ledger: Ledger, protocol: StudyProtocol, settings: Settings, now: datetime, *, watching: bool = False
) -> str:
    """Tell what is due and try every message that waits, those of this look for the first time."""
    return run_alerts(ledger, protocol, now, addresses=settings.addresses, watching=watching).outcome


@stage(name="send alerts past the ledger", task_run_name="send alerts past the ledger")
def tell_past_ledger(looked: Looked, protocol: StudyProtocol, settings: Settings, now: datetime) -> str:
    """Send what a look crossed that the ledger did not take: once, and to the first role."""
    return tell_unrecorded(looked, protocol, now, addresses=settings.addresses)
