"""Messages as they are read, against files that were read by a person before they were kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.protocol import StudyProtocol, load_protocol
from flows.alerts.messages import Facts, LookFacts, Occasion, case_key, compose, look_facts, outgoing_message
from flows.ledger import Head

TESTS = Path(__file__).parents[2]
LOOKS = TESTS / "unit/report/looks"
GOLDEN = TESTS / "fixtures/messages"

GRADES = {"FR01-004": "3", "FR01-011": "4", "FR03-001": "severe"}
BACKGROUND = (
    "Background assumed by the protocol: 2.0% per subject (0.5% to 10.0%).",
    "Background seen in the same participants' own control hours: 1 new onset in 2,904 control hours, or 0.1% "
    "per window (95 % limits 0.0% to 0.6%).",
)


def protocol() -> StudyProtocol:
    return load_protocol(LOOKS / "protocol.yaml")


def look(name: str) -> dict[str, Any]:
    document = json.loads((LOOKS / f"{name}.json").read_text(encoding="utf-8"))
    for case in document["cases"]:
        case["grade"] = GRADES.get(case["USUBJID"])
    document["caveats"] += BACKGROUND
    return document


def signal_look(*already_told: str) -> LookFacts:
    document = look("signal")
    told = {case_key(case) for case in document["cases"] if case["USUBJID"] in already_told}
    return look_facts(document, protocol(), told=told)


def watch_look() -> LookFacts:
    document = look("signal")
    document["verdict"] = "watch"
    document["cases"] = document["cases"][:2]
    for rule in document["rules"]:
        if rule["verdict"] == "crossed":
            rule |= {"verdict": "not_crossed", "best_case": "not_crossed", "worst_case": "not_crossed"}
            rule |= {"events": 2, "statistic": 2.9}
    return look_facts(document, protocol())


def cleared_look() -> LookFacts:
    document = look("signal")
    document |= {"verdict": "no_signal", "cases": [], "caveats": []}
    for rule in document["rules"]:
        if rule["verdict"] == "crossed":
            rule |= dict.fromkeys(("verdict", "best_case", "worst_case"), "not_crossed") | {
                "events": 1,
                "statistic": 0.21,
            }
    return look_facts(document, protocol())


def signal_new() -> Facts:
    return Facts(
        study="SIM-IL7-01",
        title="Simulated interleukin-7 study in septic shock",
        timezone="Europe/Paris",
        simulated=True,
        alert="3f2a9c1d77e04b61",
        about="signal:three_cases",
        occasion=Occasion.RAISED,
        role="safety_physician",
        step=0,
        at=datetime(2026, 3, 9, 6, 11, tzinfo=UTC),
        look=signal_look(),
        acknowledge_by=datetime(2026, 3, 9, 7, 11, tzinfo=UTC),
        escalates_to="dsmb_chair",
        head=Head(41, "e6" * 32),
        report="looks/SIM-IL7-01/20260309T061000Z/report.html",
        command="postdose alerts ack 3f2a9c1d77e04b61 --by NAME --reason TEXT",
    )


def signal_worsened() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.REOPENED,
        look=signal_look("FR01-004", "FR01-011", "FR02-006"),
        news=(
            "2 cases are new: US01-002, FR03-001.",
            "Rule three_cases was at 2 and is at 3 of a boundary of 3.",
        ),
    )


def watch() -> Facts:
    return replace(signal_new(), about="verdict:watch", look=watch_look())


def not_assessable() -> Facts:
    cause = ("The feed VS is older than the protocol allows (12 h).",)
    told = look_facts(look("not_assessable"), protocol())
    return replace(signal_new(), about="verdict:not_assessable", look=told, cause=cause, held_back=2)


def cleared() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.CLEARED,
        look=cleared_look(),
        news=("A correction of VS took back the case of US01-002, dose 1.",),
        acknowledge_by=None,
        escalates_to=None,
        command=None,
    )


def escalated() -> Facts:
    return replace(
        signal_new(),
        occasion=Occasion.ESCALATED,
        role="dsmb_chair",
        step=1,
        cause=(
            "Safety physician was told at 2026-03-09 06:11 UTC and did not acknowledge within 60 minutes.",
        ),
        escalates_to=None,
        look=signal_look("FR01-004", "FR01-011", "FR02-006", "US01-002", "FR03-001"),
    )


def dead_letter() -> Facts:
    cause = ("Safety physician, env:POSTDOSE_PHYSICIAN_URL: the mail server answered 550 5.1.1.",)
    return replace(signal_new(), occasion=Occasion.DEAD_LETTER, role="dsmb_chair", cause=cause)


def look_missing() -> Facts:
    cause = ("The last look had its data cut-off at 2026-03-09 02:00 UTC, 4.2 h ago; allowed: 2 h.",)
    return replace(signal_new(), about="look_missing", cause=cause, look=None, report=None)


def brief() -> Facts:
    return replace(signal_new(), brief=True, role="dsmb_chair")


def route_test() -> Facts:
    return replace(
        cleared(), occasion=Occasion.TEST, about="test", look=None, news=(), report=None, alert="test"
    )


MESSAGES = {
    made.__name__: made
    for made in (
        signal_new,
        signal_worsened,
        watch,
        not_assessable,
        cleared,
        escalated,
        dead_letter,
        look_missing,
        brief,
        route_test,
    )
}
