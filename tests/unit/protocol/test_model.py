"""The protocol as an object: frozen, picklable, and complete when made from plain Python values."""

import copy
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component


def plain() -> dict[str, Any]:
    return {
        "schema_version": 1,
        "study": {"id": "SIM-01", "timezone": "UTC"},
        "sites": {"FR01": "Europe/Paris"},
        "treatment": {"names": ["STUDY DRUG"]},
        "feeds": {"dm": {"path": "dm.csv"}, "ex": {"path": "ex.csv"}, "is": {"path": "is.csv"}},
        "case_definition": {
            "name": "fever",
            "components": {
                "fever": {"ends": ["TEMP"], "any_of": [{"vital": "TEMP", "at_least": 100.94, "unit": "°F"}]}
            },
            "worse_by": {"TEMP": 1.5},
        },
        "baseline_hours": [-6, 0],
        "risk_window_hours": [5, 8],
        "control_windows_hours": [[12, 48]],
        "rules": [{"id": "a", "kind": "count", "cases": 3, "rationale": "why", "source": "where"}],
    }


def test_nothing_can_be_changed_afterwards() -> None:
    protocol = StudyProtocol.model_validate(plain())
    with pytest.raises(ValidationError, match="frozen"):
        protocol.limits = None  # type: ignore[assignment,misc]
    with pytest.raises(ValidationError, match="frozen"):
        protocol.feeds.dm.path = "other.csv"  # type: ignore[misc]
    with pytest.raises(TypeError):
        protocol.sites["FR01"] = "UTC"  # type: ignore[index]
    with pytest.raises(TypeError):
        protocol.case_definition.components["fever"] = None  # type: ignore[index]
    assert isinstance(protocol.rules, tuple)
    assert isinstance(protocol.control_windows_hours[0], tuple)


def test_a_protocol_survives_pickling_copying_and_writing_out() -> None:
    protocol = StudyProtocol.model_validate(plain())
    assert pickle.loads(pickle.dumps(protocol)) == copy.deepcopy(protocol) == protocol
    assert StudyProtocol.model_validate(protocol.model_dump(mode="json", by_alias=True)) == protocol


@pytest.mark.parametrize(
    ("said", "simulated"),
    [
        ({}, False),
        ({"title": "A trial"}, False),
        ({"simulated": True}, True),
        ({"title": "SIMULATED: a trial"}, True),  # files from before the key
        ({"title": "SIMULATED by nobody", "simulated": False}, False),
    ],
)
def test_a_study_is_simulated_where_its_file_says_so(said: dict[str, Any], simulated: bool) -> None:
    study = {**plain()["study"], **said}
    assert StudyProtocol.model_validate({**plain(), "study": study}).study.simulated is simulated


def test_declared_feeds_are_listed_by_domain() -> None:
    feeds = StudyProtocol.model_validate(plain()).feeds
    assert {domain: source.path for domain, source in feeds.by_domain().items()} == {
        "DM": "dm.csv",
        "EX": "ex.csv",
        "IS": "is.csv",
    }


def test_a_criterion_keeps_its_unit_and_limit_as_written() -> None:
    components = StudyProtocol.model_validate(plain()).case_definition.components
    (criterion,) = components["fever"].criteria
    assert (criterion.at_least, criterion.unit) == (100.94, "°F")


@pytest.mark.parametrize(
    "criterion",
    [
        {"vital": "FIO2", "rise_at_least": 0.2, "unit": "fraction"},
        {"vital": "OXYSAT", "fall_at_least": 4, "unit": "%"},
        {"vital": "OXYSAT", "fall_at_least": 4, "and_below": 94, "unit": "%"},
        {"vital": "DIABP", "below": 60, "unit": "mmHg"},
        {"terms": ["FEVER"]},
        {"lab": "LYM", "above_times_uln": 2.5},
    ],
)
def test_a_criterion_is_one_comparison_or_terms(criterion: dict[str, Any]) -> None:
    (read,) = Component.model_validate({"any_of": [criterion]}).criteria
    assert read.model_dump(exclude_none=True).keys() == criterion.keys()


@pytest.mark.parametrize(
    "criterion",
    [
        {"vital": "OXYSAT", "fall_at_least": -4, "unit": "%"},
        {"vital": "OXYSAT", "fall_at_least": 4, "and_at_least": 94, "unit": "%"},
        {"vital": "TEMP", "at_least": float("nan"), "unit": "C"},
        {"vital": "TEMP", "rise_at_least": 1, "at_least": 38, "unit": "C"},
        {"terms": []},
        {"lab": "LYM"},
        {"lab": "LYM", "above_times_uln": 0},
        {"lab": "LYM", "above_times_uln": 2.5, "vital": "TEMP"},
        {"lab": "LYM", "above_times_uln": 2.5, "terms": ["LYMPHOCYTOSIS"]},
        {"terms": [" "]},
    ],
)
def test_a_criterion_that_is_neither_is_refused(criterion: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Component.model_validate({"any_of": [criterion]})
