"""Every rule kind and method of the study protocol file answers in one look, and the same look is the same bytes."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from feed_files import read_feed

from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import load_protocol
from flows.simulate import simulate

WHY = {"rationale": "an example", "source": "no charter"}
RATE = {"kind": "rate", "unit": "subject", "n_max": 40, "null_rate": 0.02, "alpha": 0.02, **WHY}
TIMING = {"kind": "timing", "alpha": 0.02, "min_events": 3, "min_subjects": 3, **WHY}
METHODS: dict[str, dict[str, Any]] = {
    "pocock": {},
    "obrien_fleming": {},
    "wang_tsiatis": {"delta": 0.25},
    "beta_binomial": {"prior": [0.2, 9.8]},
    "chen_chaloner": {"prior": [0.2, 9.8], "alternative_rate": 0.15, "nu": 0.1},
    "sprt": {"alternative_rate": 0.15},
    "maxsprt": {},
    "self_controlled": {"looks": 10},
    "scan": {"looks": 10},
    "maxsprt_binomial": {"n_max": 20},
    "maxsprt_poisson": {"expected_max": 1.0},
    "e_process": {},
    "severity": {"looks": 2},
    "severity_e_process": {},
}
RATES = tuple(METHODS)[:7]


def looked(folder: Path) -> dict[str, Any]:
    """Read, validate, find, count and decide, as a look does, without an orchestrator."""
    truth, protocol = json.loads((folder / "truth.json").read_text()), load_protocol(folder / "protocol.yaml")
    cutoff = datetime.fromisoformat(truth["data_cutoff"])
    domains = ("dm", "ex", "ae", "vs", "lb")
    feeds = {name: read_feed(str(folder / f"feeds/{name}.csv"), domain=name.upper()) for name in domains}
    return look_at(Knowledge(feeds), protocol, data_cutoff=cutoff).document()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = simulate("cyt107", tmp_path_factory.mktemp("every_rule"))
    protocol = yaml.safe_load((out / "protocol.yaml").read_text())
    protocol["multiplicity"] = {"method": "none", "rationale": "an example of every method, for no study"}
    protocol["rules"] = [one for one in protocol["rules"] if one["kind"] in {"count", "lab_limit"}]
    for method, options in METHODS.items():
        common = RATE if method in RATES else TIMING
        protocol["rules"].append({"id": method, "method": method, **common, **options})
    (out / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    return out


@pytest.fixture(scope="module")
def document(study: Path) -> dict[str, Any]:
    return looked(study)


def test_the_same_look_is_the_same_bytes(study, document):
    def written(look: dict[str, Any]) -> str:
        return json.dumps(look, sort_keys=True, allow_nan=False)

    assert written(looked(study)) == written(document)


def test_every_rule_answers_and_names_its_boundary(document):
    rules = {rule["id"]: rule for rule in document["rules"]}
    assert set(rules) == {"four_cases", "registered_alc", *METHODS}
    for rule in rules.values():
        assert rule["verdict"] in {"crossed", "not_crossed"}, rule
        assert rule["boundary"] is not None
        assert rule["detail"]["boundary_is"] in {"events", "p_value", "log_likelihood_ratio", "e_value"}
        assert ("statistic_is" in rule["detail"]) is (rule["kind"] == "timing")


def test_a_scan_rule_fills_the_scan_of_the_timing_part(document):
    (rule,) = (one for one in document["rules"] if one["method"] == "scan")
    scan = document["timing"]["scan"]
    assert scan == {"window_hours": rule["detail"]["window_hours"], "p_value": rule["p_value"]}
    assert 5 <= scan["window_hours"][0] < scan["window_hours"][1] <= 8, "where the reaction was planted"


@pytest.mark.parametrize("method", ["severity", "severity_e_process"])
def test_severity_names_those_it_rests_on_with_their_charts(study, document, method):
    (rule,) = (one for one in document["rules"] if one["method"] == method)
    planted = {
        (one["USUBJID"], one["dose_number"])
        for one in json.loads((study / "truth.json").read_text())["cases"]
    }
    rests_on = rule["detail"]["rests_on"]
    assert {(one["USUBJID"], one["dose_number"]) for one in rests_on[:2]} <= planted
    for one in rests_on:
        assert one["score"] == one["scores"][0]
        assert {chart["test"] for chart in one["charts"]} == {"TEMP", "RESP", "OXYSAT"}
        assert all(-4 <= hour <= 11 for chart in one["charts"] for hour in chart["hours"])
    assert {one["USUBJID"] for one in rests_on} <= {one["USUBJID"] for one in rule["detail"]["participants"]}
    assert max(rests_on[0]["charts"][0]["values"]) >= 38.3, "the fever that was planted"


def test_the_background_is_that_of_the_control_hours_beside_that_of_the_protocol(document):
    background, timing = document["background"], document["timing"]
    assert (background["events"], background["hours"]) == (
        timing["events_in_control"],
        timing["opportunity_in_control"],
    )
    low, high = background["per_subject"]["ci95"]
    assert low < background["per_subject"]["estimate"] < high
    assert background["assumed"]["per_subject"] == {"rate": 0.02, "range": [0.005, 0.04]}
    assert 1 - (1 - background["assumed"]["per_window"]["rate"]) ** 6 == pytest.approx(0.02)
    said = " ".join(document["caveats"])
    assert "Background assumed by the protocol: 2.0% per subject (0.5% to 4.0%)." in said
    assert f"Background seen in the same participants' own control hours: {background['events']} new" in said


def test_rate_rules_say_how_far_the_background_moves_them(document):
    for rule in document["rules"]:
        if rule["kind"] == "rate":
            p_values = [one["p_value"] for one in rule["detail"]["backgrounds"]]
            assert p_values == sorted(p_values)
            assert p_values[0] < rule["p_value"] < p_values[-1]


def test_a_null_rate_that_control_hours_contradict_is_said(study, tmp_path):
    protocol = yaml.safe_load((study / "protocol.yaml").read_text())
    protocol["rules"] = [{"id": "hopeful", "method": "pocock", **RATE, "null_rate": 0.0005}]
    for name in ("truth.json", "feeds"):
        (tmp_path / name).symlink_to(study / name)
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    found = looked(tmp_path)
    (rule,) = found["rules"]
    assert rule["detail"]["background_contradicts"].startswith("null_rate 0.0005 per subject lies below")
    assert f"Rule hopeful: {rule['detail']['background_contradicts']}." in found["caveats"]
    assert found["timing"]["scan"] is None
