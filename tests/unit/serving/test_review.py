"""How long somebody is asked about a signal, when nobody is any more, and what an answer becomes on record."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ledgers import seen_of
from payloads import PAYLOADS
from pydantic import ValidationError
from small_studies import COUNT_TWO, small_protocol

from checks.errors import UsageError
from checks.protocol import StudyProtocol
from flows.ledger import Kind, Record
from flows.ledger.chain import next_record
from flows.ledger.life import Alert, Channel, Plan, Post, State
from flows.pages.message.facts import CaseFact, LookFacts
from flows.serving.review import (
    Answer,
    answer_time,
    answered,
    ended,
    found_in_look,
    is_over,
    is_review_of,
    is_reviewed,
    review_key,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWER = Answer(recommendation="hold dosing", name=" Dr A ", reason=" three alike ")
PHYSICIAN = Post("physician", (Channel("env:X", brief=False),), 60, "chair", first=True)
CHAIR = Post("chair", (Channel("env:Y", brief=True),), 30, None, first=False)


def raised(
    about: str = "signal:three_cases", at: datetime = NOW, kind: Kind = Kind.RAISED
) -> tuple[Kind, Any]:
    told = {
        "alert": "a1",
        "about": about,
        "plan": asdict(Plan((PHYSICIAN, CHAIR), 24)),
        "look_id": "L1",
        "cause": ["crossed"],
        "told": ["physician"],
    }
    return kind, {**told, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def records(*told: tuple[Kind, Any]) -> list[Record]:
    chain: list[Record] = []
    for kind, payload in told:
        chain.append(next_record(chain[-1] if chain else None, "S", kind, payload, None))
    return chain


def standing(*told: tuple[Kind, Any]) -> Mapping[str, Alert]:
    return seen_of(records(*told), NOW).standing.alerts


def alert(**changed: Any) -> Alert:
    return replace(standing(raised())["a1"], **changed)


@pytest.mark.parametrize(
    ("minutes", "time"),
    [
        ((60, 30), timedelta(minutes=90)),
        ((60, None), timedelta(minutes=60)),
        ((None,), timedelta(hours=24)),  # no clock: until it is repeated
        ((), timedelta(hours=24)),
    ],
)
def test_somebody_is_asked_as_long_as_the_roles_in_turn_have(
    minutes: tuple[int, ...], time: timedelta
) -> None:
    posts = tuple(
        replace(CHAIR, role=str(number), ack_within_minutes=one) for number, one in enumerate(minutes)
    )
    assert answer_time(Plan(posts, repeat_hours=24)) == time


@pytest.mark.parametrize(
    ("state", "after", "over"),
    [
        (State.OPEN, timedelta(minutes=89), False),
        (State.OPEN, timedelta(minutes=90), True),
        (State.ACKNOWLEDGED, timedelta(0), True),
        (State.CLOSED, timedelta(0), True),
    ],
)
def test_a_review_is_over_when_the_alert_is_taken_or_gone_or_the_time_is(
    state: State, after: timedelta, *, over: bool
) -> None:
    assert is_over(alert(state=state), NOW + after) is over


def test_an_answer_to_an_open_alert_is_a_review_and_an_acknowledgement() -> None:
    review, taken = answered(seen_of(records(raised()), NOW), study="S", alert="a1", answer=ANSWER, now=NOW)
    assert (review.kind, review.payload) == (
        Kind.REVIEW,
        {
            "alert": "a1", "about": "signal:three_cases", "look_id": "L1", "recommendation": "hold dosing",
            "by": "Dr A", "reason": "three alike", "at": "2026-03-01T12:00:00Z", "authenticated": False,
        },
    )  # fmt: skip
    assert taken.kind is Kind.ACKNOWLEDGEMENT
    assert (taken.payload["by"], taken.payload["reason"]) == ("Dr A", "hold dosing: three alike")
    folded = standing(raised(), (review.kind, review.payload), (taken.kind, taken.payload))
    assert folded["a1"].state is State.ACKNOWLEDGED


def test_an_answer_that_comes_after_another_took_the_alert_is_kept_and_takes_nothing() -> None:
    taken = (Kind.ACKNOWLEDGEMENT, {"alert": "a1", "by": "Dr B", "reason": "r", "at": "2026-03-01T12:00:00Z"})
    (review,) = answered(
        seen_of(records(raised(), taken), NOW), study="S", alert="a1", answer=ANSWER, now=NOW
    )
    assert review.kind is Kind.REVIEW


@pytest.mark.parametrize("told", [(), (raised(about="verdict:watch"),)])
def test_only_the_alert_of_a_crossed_rule_can_be_answered(told: tuple[tuple[Kind, Any], ...]) -> None:
    with pytest.raises(UsageError, match="the id of an alert of a crossed rule of this study"):
        answered(seen_of(records(*told), NOW), study="S", alert="a1", answer=ANSWER, now=NOW)


def test_a_review_is_open_for_each_signal_that_nobody_has_taken() -> None:
    assert is_reviewed(standing(raised())["a1"], NOW)
    assert not is_reviewed(standing(raised(about="look_missing"))["a1"], NOW)
    taken = (Kind.ACKNOWLEDGEMENT, {"alert": "a1", "by": "Dr B", "reason": "r", "at": "2026-03-01T12:00:00Z"})
    assert not is_reviewed(standing(raised(), taken)["a1"], NOW)


def test_each_opening_has_a_review_of_its_own() -> None:
    again = raised(at=NOW + timedelta(hours=1), kind=Kind.REOPENED)
    first, second = (standing(*told)["a1"] for told in ((raised(),), (raised(), again)))
    assert review_key(first) != review_key(second)
    assert review_key(first) == "review-a1-2026-03-01T12:00:00Z"
    following = review_key(first, lost="r1")
    assert following != review_key(first)
    assert all(is_review_of(first, key) for key in (review_key(first), following, None))
    assert not is_review_of(first, review_key(second))


@pytest.mark.parametrize(
    "wrong", [{"recommendation": "stop"}, {"name": " "}, {"reason": ""}, {"reason": "x" * 2001}]
)
def test_an_answer_names_a_recommendation_a_person_and_a_reason(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Answer(**{"recommendation": "continue", "name": "Dr A", "reason": "r", **wrong})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_question_holds_no_command_of_a_subjects_id(payload: str) -> None:
    case = CaseFact(
        payload, 1, "2026-03-01T02:00Z", 6.0, (6.0, 6.0), "fever", "definite", "yes", None, new=True
    )
    look = LookFacts("id", "2026-03-01T12:00:00Z", "signal", (), {}, (), (case,), (), (), ())
    asked = "\n".join(found_in_look(look, "two_cases"))
    assert all(line.isprintable() for line in asked.split("\n")) and "<" not in asked
    assert not any(mark in asked for mark in ("![", "](", "http://", "https://", "www."))


@pytest.mark.parametrize(
    ("by", "said"), [("Dr A", "Dr A"), ("St\u00fcdy Drug", "withheld"), ("Dr\u202eA", "Dr\\u202eA")]
)
def test_who_took_an_alert_elsewhere_tells_no_arm_and_commands_nobody(by: str, said: str) -> None:
    protocol = StudyProtocol.model_validate(small_protocol(COUNT_TWO, treatment={"names": ["STUDYDRUG"]}))
    _, taken = answered(seen_of(records(raised()), NOW), study="S", alert="a1", answer=ANSWER, now=NOW)
    acknowledged = standing(raised(), (taken.kind, {**taken.payload, "by": by}))["a1"]
    assert said in str(ended(acknowledged, protocol).message)
