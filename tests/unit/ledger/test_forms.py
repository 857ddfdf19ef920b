"""A record that says what none of its kind can is named, with what is wrong and nothing of what it says."""

import json
from dataclasses import MISSING, asdict, fields
from typing import Any

import pytest
from ledgers import LOOKED

from checks.signals import SignalState
from flows.ledger import Kind, Record
from flows.ledger.forms import STATES, is_bare_look, problem
from flows.ledger.payloads import CaseFactPart, FactsPart, RuleFactPart
from flows.pages.message import CaseFact, LookFacts, RuleFact

AT = "2026-03-01T02:00:00Z"
LOOK = {**LOOKED, "look_id": "a", "data_cutoff": AT, "verdict": "signal"}
SIGNAL = {"id": "a", "rule": "b", "state": "new", "events": 1}
OPENED = {"alert": "a", "about": "b", "at": AT, "plan": {}, "look_id": None, "cause": []}
PART = {
    "domain": "AE",
    "number": 1,
    "sha256": "a",
    "size": 1,
    "received_at": AT,
    "recorded_at": AT,
    "ending": "",
}


DECIDED = {"at": AT, "domain": "AE", "number": 1, "sha256": "a", "by": "b", "reason": "c"}
RULE = RuleFact("three", "crossed", "3", "3", "crossed", "crossed")
CASE = CaseFact("S\ud800", 1, AT, 7, (6.5, 7), "fever", "definite", "yes", None, new=True)
FACTS = LookFacts("a", AT, "signal", ("x",), {"open": 1}, (RULE,), (CASE,), (), (), ())


def told(**other: Any) -> str:
    return json.dumps({"look_id": "a", "facts": {**asdict(FACTS), **other}, "report": ""})


def test_the_facts_of_a_look_are_those_that_messages_tell() -> None:
    for said, part in ((LookFacts, FactsPart), (RuleFact, RuleFactPart), (CaseFact, CaseFactPart)):
        required = {one.name for one in fields(said) if one.default is MISSING}
        assert (required, {one.name for one in fields(said)}) == (
            part.__required_keys__,
            {*part.__annotations__},
        )


def record(kind: str, text: str) -> Record:
    return Record(7, "S", kind, text, "", "", None)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Kind.LOOK, LOOK),
        (Kind.LOOK, {**LOOK, "signals": [SIGNAL], "alerted_at": AT}),  # as the first version wrote it
        (Kind.LOOK, {**LOOK, "feeds": {"AE": ["\ud800"]}}),
        (Kind.RAISED, OPENED),
        (Kind.FAILED_DELIVERY, {"message": "m", "detail": "refused"}),
        (Kind.DELIVERY, {"at": AT, "deliveries": [PART]}),
        (Kind.SET_ASIDE, DECIDED),
        (Kind.EVIDENCE, {"look_id": "a", "facts": asdict(FACTS), "report": ""}),
        (Kind.LOOK, {**LOOK, "signals": [{**SIGNAL, "since": "", "crossed_at": AT}]}),
    ],
)
def test_what_looks_write_and_wrote_has_its_form(kind: Kind, payload: dict[str, Any]) -> None:
    assert problem(record(kind, json.dumps(payload))) is None


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("secret", "{}", "its kind is none"),
        (Kind.LOOK, "{", "its payload is no JSON"),
        (Kind.LOOK, "[" * 100_000, "its payload is no JSON"),
        (Kind.LOOK, "b'\\x00'", "its payload is no JSON"),
        (Kind.NIGHT, "null", "its payload: dict type"),
        (Kind.REVIEW, "[1]", "its payload: dict type"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": 7}), "signals: list type"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": [{**SIGNAL, "state": None}]}), "signals.0.state: string type"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": [{**SIGNAL, "state": "secret"}]}), "signals: no state of one"),
        (Kind.LOOK, json.dumps({**LOOK, "data_cutoff": "secret"}), "data_cutoff: value error"),
        (Kind.LOOK, json.dumps({**LOOK, "data_cutoff": "2026-03-01"}), "data_cutoff: value error"),
        (Kind.LOOK, json.dumps({"data_cutoff": AT}), "look_id: missing"),
        (Kind.LOOK, json.dumps({**LOOK, "data_cutoff": "9999-12-31T23:59:59-14:00"}), "data_cutoff: value error"),
        (Kind.LOOK, json.dumps({**LOOK, "look_id": "\ud800"}), "look_id: half a surrogate"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": [{**SIGNAL, "rule": "\ud800"}]}), "rule: half a surrogate"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": [{**SIGNAL, "since": "secret"}]}), "signals: no moment of one"),
        (Kind.LOOK, json.dumps({**LOOK, "signals": [{**SIGNAL, "crossed_at": "2026-03-01"}]}), "no moment of one"),
        (Kind.EVIDENCE, json.dumps({"look_id": "a", "facts": {}, "report": ""}), "facts.look_id: missing"),
        (Kind.EVIDENCE, told(data_cutoff="secret"), "facts.data_cutoff: value error"),
        (Kind.EVIDENCE, told(cases=[{**asdict(CASE), "certainty": "secret"}]), "cases.0.certainty: literal error"),
        (Kind.EVIDENCE, told(cases=[{**asdict(CASE), "onset_hours": [1.0]}]), "cases.0.onset_hours: too short"),
        (Kind.DELIVERY, json.dumps({"at": AT, "deliveries": [{**PART, "domain": "x y"}]}), "domain: value error"),
        (Kind.SET_ASIDE, json.dumps({**DECIDED, "domain": "ae"}), "domain: value error"),
        (Kind.RAISED, "{}", "about: missing"),
        (Kind.CLOSED, json.dumps({"alert": "a"}), "at: missing"),
        (Kind.EVIDENCE, json.dumps({"look_id": "a", "facts": "secret", "report": ""}), "facts: dict type"),
        (Kind.DELIVERY, json.dumps({"at": AT, "deliveries": [{"domain": "AE"}]}), "deliveries.0.number: missing"),
        (Kind.DELIVERY, json.dumps({"at": AT, "deliveries": [{**PART, "number": "secret"}]}), "number: int type"),
        (Kind.FILES, json.dumps({"files": {}}), "look_id: missing"),
        (Kind.HEAD_ACCEPTED, json.dumps({"at": AT, "by": "", "reason": ""}), "known: missing"),
    ],
)  # fmt: skip
def test_what_is_none_of_its_kind_is_named_and_not_quoted(kind: str, text: str, said: str) -> None:
    found = problem(record(kind, text))
    assert found is not None and said in found and "secret" not in found
    assert not is_bare_look(record(kind, text))


def test_the_states_of_a_signal_are_those_that_looks_give_it() -> None:
    assert {*SignalState} == STATES


def test_a_look_without_a_cut_off_is_bare() -> None:
    assert is_bare_look(record(Kind.LOOK, '{"verdict": "signal"}'))
