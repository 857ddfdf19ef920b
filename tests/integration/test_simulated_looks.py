"""Looks on simulated studies of one seed say what was planted in them, and nothing else."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from feed_files import read_feed

from checks.knowledge import Knowledge
from checks.looks import look_at
from checks.protocol import load_protocol
from flows.simulate import SCENARIOS, simulate

CASE_RULES = ("timing", "severity", "rate", "four_cases")


@dataclass(frozen=True, slots=True)
class Looked:
    """A look on a simulated study, beside the truth planted in it."""

    document: dict[str, Any]
    truth: dict[str, Any]

    @property
    def rules(self) -> dict[str, str]:
        return {rule["id"]: rule["verdict"] for rule in self.document["rules"]}

    def cases(self, *, inside: bool) -> dict[tuple[str, int], float]:
        """Return by which hour each definite case had begun, inside the risk window or outside of it."""
        return {
            (case["USUBJID"], case["dose_number"]): case["onset_hours"][1]
            for case in self.document["cases"]
            if case["certainty"] == "definite" and (case["in_risk_window"] == "yes") == inside
        }

    @property
    def planted(self) -> dict[tuple[str, int], float]:
        """Return the hour at which each planted case was charted."""
        return {
            (case["USUBJID"], case["dose_number"]): case["charted"]["hour"] for case in self.truth["cases"]
        }


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Looked]:
    wanted = ("cyt107", "null", "alc", "early", "late")
    return {name: look(simulate(name, tmp_path_factory.mktemp(name), seed=1)) for name in wanted}


def look(study: Path) -> Looked:
    truth = json.loads((study / "truth.json").read_text())
    protocol, cutoff = load_protocol(study / "protocol.yaml"), datetime.fromisoformat(truth["data_cutoff"])
    feeds = {
        domain.lower(): read_feed(str(study / source.path), domain=domain)
        for domain, source in protocol.feeds.by_domain().items()
    }
    return Looked(look_at(Knowledge(feeds), protocol, data_cutoff=cutoff).document(), truth)


def test_three_planted_cases_are_a_signal_that_the_registered_rule_cannot_see(
    looks: dict[str, Looked],
) -> None:
    one = looks["cyt107"]
    assert one.document["verdict"] == "signal"
    assert one.cases(inside=True) == pytest.approx(one.planted, abs=0.01)
    assert len(one.planted) == 3
    assert (one.rules["timing"], one.rules["rate"], one.rules["four_cases"]) == (
        "crossed",
        "crossed",
        "not_crossed",
    )
    assert one.rules["registered_alc"] == "not_crossed"


def test_nothing_planted_crosses_no_rule(looks: dict[str, Looked]) -> None:
    one = looks["null"]
    assert one.planted == {}
    assert set(one.rules.values()) == {"not_crossed"}
    assert one.document["verdict"] in {"no_signal", "watch"}


def test_a_raised_lymphocyte_count_is_a_signal_of_the_registered_rule_alone(
    looks: dict[str, Looked],
) -> None:
    one = looks["alc"]
    assert one.document["verdict"] == "signal"
    assert {name for name, verdict in one.rules.items() if verdict == "crossed"} == {"registered_alc"}
    (rule,) = (rule for rule in one.document["rules"] if rule["id"] == "registered_alc")
    assert rule["events"] == len(one.truth["lymphocytes_above_limit"]) == 1


@pytest.mark.parametrize("scenario", ["early", "late"])
def test_cases_outside_the_risk_window_are_listed_with_their_hours_and_not_counted(
    looks: dict[str, Looked], scenario: str
) -> None:
    one = looks[scenario]
    planned = SCENARIOS[scenario].distress_onset_hours
    outside = one.cases(inside=False)
    assert one.cases(inside=True) == {}
    assert {key: outside[key] for key in one.planted} == pytest.approx(one.planted, abs=0.01)
    assert all(planned[0] - 0.5 <= hour <= planned[1] + 2.5 for hour in one.planted.values())
    assert not {one.rules[name] for name in CASE_RULES} & {"crossed"}
    assert one.document["timing"]["events_in_risk"] == 0
