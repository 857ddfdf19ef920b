"""The checks accept every simulated row and find what was planted, at the hours that truth.json gives."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from feed_files import read_feed

from checks.cases import Findings
from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import load_protocol
from checks.validation import Validation
from flows.simulate import simulate

DOMAINS = ("dm", "ex", "ae", "vs", "lb")
SCENARIOS = ("cyt107", "early", "null")


@pytest.fixture(scope="module", params=SCENARIOS)
def looked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Validation, Findings]:
    out = simulate(request.param, tmp_path_factory.mktemp(request.param))
    truth, protocol = json.loads((out / "truth.json").read_text()), load_protocol(out / "protocol.yaml")
    cutoff = datetime.fromisoformat(truth["data_cutoff"])
    feeds = {name: read_feed(str(out / f"feeds/{name}.csv"), domain=name.upper()) for name in DOMAINS}
    found = look_at(Knowledge(feeds), protocol, data_cutoff=cutoff)
    return truth, found.validation, found.findings


def test_no_row_is_withheld_and_no_feed_is_stale(looked):
    _, valid, _ = looked
    assert valid.quarantine.empty
    assert all(feed.trustworthy for feed in valid.feeds)


def test_planted_cases_are_found_at_their_charted_hours(looked):
    truth, _, findings = looked
    found = {
        (case.USUBJID, case.dose_number): case for case in findings.cases if case.certainty == "definite"
    }
    for planted in truth["cases"]:
        case = found[planted["USUBJID"], planted["dose_number"]]
        seen = case.seen / 3600 - case.dose_start.timestamp() / 3600
        assert seen == pytest.approx(planted["charted"]["hour"], abs=0.01)
        assert (case.in_risk_window == "yes") == planted["charted"]["in_risk_window"]


def test_nothing_else_lies_in_the_risk_window(looked):
    truth, _, findings = looked
    inside = {(case.USUBJID, case.dose_number) for case in findings.cases if case.in_risk_window == "yes"}
    charted = [case for case in truth["cases"] if case["charted"]["in_risk_window"]]
    assert inside == {(case["USUBJID"], case["dose_number"]) for case in charted}


def test_what_may_lie_in_the_risk_window_rests_on_an_event_without_a_time(looked):
    _, valid, findings = looked
    dated = valid.adverse_events[~valid.adverse_events["timed"]]
    untimed = set(dated["USUBJID"] + " AE:AESEQ=" + dated["AESEQ"])
    for case in findings.cases:
        if case.in_risk_window == "possible":
            evidence = {name for part in case.components.values() for name in part.evidence}
            assert untimed & {f"{case.USUBJID} {name}" for name in evidence}


def test_dose_windows_are_observed(looked):
    _, _, findings = looked
    assert (findings.doses["window"] == "evaluable").mean() > 0.95


def test_both_components_begin_together_by_chance_about_as_often_as_stated(looked):
    _, _, findings = looked
    counted = sum(event.counted for event in findings.control_events)
    assert 0.0005 <= counted / (findings.hours_in_control / 3) <= 0.008  # .0020 of dose windows, few events


def test_a_raised_count_is_seen_where_it_is_planted(tmp_path: Path):
    out = simulate("alc", tmp_path)
    labs = read_feed(str(out / "feeds/lb.csv"), domain="LB").table
    truth = json.loads((out / "truth.json").read_text())
    above = labs[labs["LBSTRESN"].astype(float) > 2.5 * labs["LBSTNRHI"].astype(float)]
    assert sorted(set(above["USUBJID"])) == truth["lymphocytes_above_limit"] != []
