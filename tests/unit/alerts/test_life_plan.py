"""Who is in the plan of an alert, in which order, through which channels, and until when."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from checks.protocol.model import Alerts
from flows.alerts.deciding import plan_for
from flows.ledger import canonical
from flows.ledger.life import PLAN, Channel, Plan


def route(role: str, *verdicts: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "verdicts": verdicts, "channels": [f"file:{role}/"], **more}


def alerts(*routes: dict[str, Any]) -> Alerts:
    return Alerts.model_validate({"routes": routes})


PHYSICIAN = route(
    "physician", "watch", "signal", "not_assessable", ack_within_minutes=60, escalate_to="chair"
)
CHAIR = route("chair", "signal", brief=True)
MANAGER = route("manager", "not_assessable")
THREE = alerts(CHAIR, MANAGER, PHYSICIAN)


def shape(plan: Plan) -> list[tuple[str, bool]]:
    return [(post.role, post.first) for post in plan.posts]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("signal:three_cases", [("chair", True), ("physician", True)]),
        ("verdict:watch", [("physician", True), ("chair", False)]),
        ("verdict:not_assessable", [("manager", True), ("physician", True), ("chair", False)]),
        ("feed_stale:VS", [("manager", True), ("physician", True), ("chair", False)]),
        ("look_missing", [("manager", True), ("physician", True), ("chair", False)]),
        ("delivery_failed:physician", [("manager", True)]),
        ("delivery_failed:chair", [("manager", True), ("physician", True), ("chair", False)]),
    ],
)
def test_the_roles_of_the_verdict_come_first_and_then_those_who_follow_them(
    about: str, expected: list[tuple[str, bool]]
) -> None:
    assert shape(plan_for(about, THREE)) == expected


def test_what_the_monitor_says_reaches_somebody_though_no_route_asks_for_it() -> None:
    only = alerts(CHAIR)
    assert shape(plan_for("look_missing", only)) == [("chair", True)]
    assert shape(plan_for("verdict:not_assessable", only)) == []
    # nobody else is there: perhaps another of the role's channels works
    assert shape(plan_for("delivery_failed:chair", only)) == [("chair", True)]
    two = alerts(CHAIR, route("manager", "watch"))
    assert shape(plan_for("delivery_failed:chair", two)) == [("manager", True)]


def test_a_circle_of_roles_names_each_once() -> None:
    a = route("a", "watch", ack_within_minutes=5, escalate_to="b")
    b = route("b", "signal", ack_within_minutes=5, escalate_to="a")
    assert shape(plan_for("verdict:watch", alerts(a, b))) == [("a", True), ("b", False)]


def test_a_role_with_two_routes_is_reached_through_those_of_the_verdict() -> None:
    by_day = route("a", "watch", ack_within_minutes=240, escalate_to="c")
    at_once = route("a", "signal", ack_within_minutes=10, escalate_to="b") | {"channels": ["console:"]}
    quiet = route("a", "signal", "watch", brief=True) | {"channels": ["file:quiet/"]}
    both = alerts(by_day, at_once, quiet, route("b", "signal"), route("c", "signal"))
    signal, watch = (plan_for(about, both).post("a") for about in ("signal:x", "verdict:watch"))
    assert signal.channels == (Channel("console:", brief=False), Channel("file:quiet/", brief=True))
    assert (signal.ack_within_minutes, signal.escalate_to) == (10, "b")
    assert watch.channels == (Channel("file:a/", brief=False), Channel("file:quiet/", brief=True))
    assert (watch.ack_within_minutes, watch.escalate_to) == (240, "c")


def test_a_plan_is_read_from_its_record_as_it_was() -> None:
    plan = plan_for("verdict:watch", THREE)
    assert PLAN.validate_python(json.loads(canonical(asdict(plan)))) == plan
