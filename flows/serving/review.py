"""A person's answer to a signal: a review on record, which takes the alert.

A crossed rule opens one review for each time its alert is opened. The run waits suspended, without a process of its
own, for a form on the Prefect page. Who is told next while nobody answers is the alert's business: a review that is
over is ended quietly.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from checks.errors import UsageError
from checks.protocol import StudyProtocol
from checks.protocol.untelling import untelling
from checks.stamps import stamp
from flows.alerts.command import acknowledgement
from flows.alerts.evidence import FACTS
from flows.inert import inert_line
from flows.ledger import AlertPayload, Entry, Kind, Seen
from flows.ledger.heads import require_known_head
from flows.ledger.life import Alert, Plan
from flows.ledger.life import State as AlertState
from flows.looks.artifacts import markdown_text
from flows.looks.study import Study, open_study, run_named
from flows.pages.kit.words import spoken, utc_text
from flows.pages.message import LookFacts
from flows.serving.runs import runs_in

SIGNAL: Final = "signal:"
FAR_OFF: Final = timedelta(days=7)
"""How much longer than a review the server keeps it: whatever ends it by then ends it without a failure."""


class Answer(RunInput):
    """What is asked of a reviewer; the name is as claimed, nobody is authenticated."""

    recommendation: Literal["hold dosing", "continue"] = Field(
        title="Recommendation", description="Yours to the DSMB, which decides."
    )
    name: str = Field(
        title="Your name",
        pattern=r"\S",
        max_length=200,
        description="Kept as you write it: nobody is authenticated.",
    )
    reason: str = Field(
        title="Reason", pattern=r"\S", max_length=2000, description="Kept in the ledger. Name no arm."
    )


def _run_name() -> str:
    return run_named(f"review {flow_run.parameters['alert']}")()


@flow(name="review signal", flow_run_name=_run_name, persist_result=False)
def review_signal(study: str, alert: str) -> State[None]:
    """Wait for a person's answer to a signal, and record it; the run's final state is named for the answer.

    Args:
        study: The path of its study protocol file, or its id below the folder that POSTDOSE_STUDIES names.
        alert: The alert's id.
    """
    opened = open_study(study, os.environ)
    ledger = opened.ledger()
    seen = ledger.seen(opened.id, datetime.now(UTC))
    asked = _asked(seen, alert)
    if asked.state is not AlertState.OPEN and flow_run.run_count <= 1:  # later it is run again with an answer
        return Completed(name="not needed", message="the alert is not open any more")
    form = Answer.with_initial_data(description=_question(asked, seen))
    wait = answer_time(asked.plan) + FAR_OFF
    answer = suspend_flow_run(wait_for_input=form, timeout=int(wait.total_seconds()), key=f"review-{alert}")
    now = datetime.now(UTC)
    said = {key: untelling(getattr(answer, key), opened.protocol) for key in ("name", "reason")}
    answer = answer.model_copy(update=said)
    decision = partial(answered, study=opened.id, alert=alert, answer=answer, now=now)
    require_known_head(ledger, opened.protocol.folder, opened.id)  # an answer in another ledger would be lost
    ledger.decide(opened.id, decision, now=now)
    return Completed(name=answer.recommendation, message=f"recommended: {answer.recommendation}")


def is_signal(alert: Alert) -> bool:
    """Whether an alert is of a crossed rule: those alone are reviewed."""
    return alert.about.startswith(SIGNAL)


def review_key(alert: Alert, *, lost: str | None = None) -> str:
    """Return what makes the review of one opening of an alert the only one, however often it is asked for.

    After a run whose process was ``lost`` the review is another.
    """
    key = f"review-{alert.id}-{stamp(alert.opened_at)}"
    return key if lost is None else f"{key}-after-{lost}"


def is_review_of(alert: Alert, key: str | None) -> bool:
    """Whether a run of that key reviews this opening of the alert; one that was started by hand has no key."""
    return key is None or key.startswith(review_key(alert))


def answer_time(plan: Plan) -> timedelta:
    """Return how long somebody is asked: as long as each role in turn has, or until the alert is repeated."""
    minutes = sum(post.ack_within_minutes or 0 for post in plan.posts)
    return timedelta(minutes=minutes) if minutes else timedelta(hours=plan.repeat_hours)


def is_reviewed(alert: Alert, now: datetime) -> bool:
    """Whether somebody is asked: the alert is of a crossed rule, nobody has taken it, and there is time."""
    return is_signal(alert) and not is_over(alert, now)


def is_over(alert: Alert, now: datetime) -> bool:
    """Whether nobody is asked any more: the alert was taken, its cause is gone, or every role's time is over."""
    return alert.state is not AlertState.OPEN or now >= alert.opened_at + answer_time(alert.plan)


def answered(seen: Seen, *, study: str, alert: str, answer: Answer, now: datetime) -> tuple[Entry, ...]:
    """Return the review that an answer is, and the acknowledgement that it is too while the alert is open.

    ``alert`` is its id, ``now`` UTC.
    """
    asked = _asked(seen, alert)
    by, reason = answer.name.strip(), answer.reason.strip()
    payload: AlertPayload = {
        "alert": alert,
        "about": asked.about,
        "look_id": asked.look_id,
        "recommendation": answer.recommendation,
        "by": by,
        "reason": reason,
        "at": stamp(now),
        "authenticated": False,
    }
    review = Entry(Kind.REVIEW, payload)
    if asked.state is not AlertState.OPEN:
        return (review,)
    reason = f"{answer.recommendation}: {reason}"
    return (review, acknowledgement(seen, study, name=alert, by=by, reason=reason, now=now))


def _asked(seen: Seen, name: str) -> Alert:
    alerts = seen.standing.alerts
    if name not in alerts or not is_signal(alerts[name]):
        raise UsageError(
            f"alert: found {name!r}; allowed: the id of an alert of a crossed rule of this study"
        )
    return alerts[name]


def _question(alert: Alert, seen: Seen) -> str:
    """Return in Markdown what is asked, and of what."""
    told = seen.evidence(alert.look_id)
    lines = [f"## Signal: {spoken(alert.about.removeprefix(SIGNAL))}", ""]
    lines += (
        []
        if told is None
        else found_in_look(FACTS.validate_python(told["facts"]), alert.about.removeprefix(SIGNAL))
    )
    taken = "Your answer takes the alert: nobody further is told of it, unless the evidence worsens."
    return "\n".join([*lines, "", f"Open since {utc_text(stamp(alert.opened_at))}. {taken}"])


def found_in_look(look: LookFacts, rule: str) -> Iterator[str]:
    """Yield lines of Markdown: what a rule observed, and the cases in its risk window."""
    for one in look.rules:
        if one.id == rule:
            yield f"Observed: {one.observed}; boundary: {one.boundary}."
    yield ""
    for case in (one for one in look.cases if one.in_risk_window != "no"):
        hour = "hour not known" if case.hour is None else f"{case.hour:.1f} h after the dose"
        yield f"- {markdown_text(case.USUBJID)}, dose {case.dose_number}: {hour}, {case.certainty}"
    yield ""
    yield f"Data cut-off {utc_text(look.data_cutoff)}, look {look.look_id}."


async def keep_reviews(
    study: Study, alerts: Mapping[str, Alert], now: datetime, client: PrefectClient
) -> None:
    """Open the review of each signal that nobody has taken, and end those that are over."""
    deployment = await client.read_deployment_by_name(f"review signal/{study.id} review")
    for alert in alerts.values():
        if is_reviewed(alert, now):
            await _open_review(client, deployment.id, alert)
    for run in await runs_in(client, [f"{study.id} review"], [StateType.PAUSED]):
        asked = alerts.get(run.parameters["alert"])
        if asked is None or is_over(asked, now) or not is_review_of(asked, run.idempotency_key):
            await client.set_flow_run_state(run.id, ended(asked, study.protocol), force=True)


async def _open_review(client: PrefectClient, deployment: UUID, alert: Alert) -> None:
    """Open the review of an alert, which is there but once; one whose process was lost is followed by another."""
    run: FlowRun | None = None
    while run is None or (run.state is not None and run.state.is_crashed()):
        run = await client.create_flow_run_from_deployment(
            deployment,
            parameters={"alert": alert.id},
            idempotency_key=review_key(alert, lost=None if run is None else str(run.id)),
        )


def ended(alert: Alert | None, protocol: StudyProtocol) -> State:
    """Return the quiet end of a review that nobody answered on the page; who took the alert may tell no arm."""
    taken = None if alert is None else alert.acknowledgement
    if taken is not None and alert is not None and alert.state is AlertState.ACKNOWLEDGED:
        by = inert_line(untelling(taken.by, protocol))
        return Completed(name="taken elsewhere", message=f"the alert was acknowledged by {by}")
    if alert is None or alert.state is AlertState.CLOSED:
        return Completed(name="over", message="the cause of the alert is gone")
    return Completed(
        name="unanswered", message="nobody answered in time; the alert has told whom its plan names"
    )
