"""Numbers of other programs through `postdose boundary` and the design of a protocol.

The tables were computed with the R packages stoppingrule 0.6 and Sequential (R 4.2.2); each row names its call.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from independent.tables import rows_of

from checks.design import design_protocol
from checks.design.study import plan_of
from checks.protocol import StudyProtocol, load_protocol
from checks.rules.kinds.timing import TimingRule
from checks.rules.methods.self_controlled import fewest_in_risk
from checks.rules.scan_trials import scan_statistics, simulated_hours
from checks.statistics.timing.sequential import BinomialBoundary
from flows.commands.cli import main

GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
WHY = {"rationale": "an example for tests", "source": "no charter"}
METHODS = {"Pocock": "pocock", "OBF": "obrien_fleming"}


def _shown(
    capsys: pytest.CaptureFixture[str], method: str, row: dict[str, str], *more: str
) -> dict[str, Any]:
    given = ["--null-rate", row["p0"], "--alpha", row["alpha"], "--rates", row["p"], *more]
    assert main(["boundary", method, *given, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize("kind", METHODS)
def test_boundary_command_gives_the_characteristics_of_stoppingrule(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        row for row in rows_of("stoppingrule_bin_oc.csv") if row["type"] == kind and row["n"] in {"15", "50"}
    ]
    assert len(rows) > 50
    for row in rows:
        shown = _shown(capsys, METHODS[kind], row, "--n-max", row["n"])
        behaves = shown["operating_characteristics"]
        assert behaves["reject_probability"][0] == pytest.approx(
            float(row["reject_prob"]), rel=2e-9, abs=1e-12
        )
        assert behaves["expected_events"][0] == pytest.approx(float(row["exp_events"]), rel=2e-9)


def test_boundary_command_with_grouped_looks(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in rows_of("stoppingrule_bin_grouplooks.csv") if row["type"] == "Pocock"]
    row = next(row for row in rows if row["ns"] == "c(5,10,15)" and row["p"] == "0.3")
    shown = _shown(capsys, "pocock", row, "--n-max", "15", "--looks", "5,10,15")
    assert shown["events"] == [int(fewest) for fewest in row["boundary"].split()]
    assert shown["operating_characteristics"]["reject_probability"][0] == pytest.approx(
        float(row["reject_prob"]), rel=1e-9
    )


def _protocol(rule: dict[str, Any], ratio: float) -> StudyProtocol:
    """Return a protocol of one timing rule, whose control time is ``ratio`` times its risk time of 3 h."""
    return load_protocol(GOOD).model_copy(
        update={
            "rules": (TimingRule.model_validate({"id": "timing", "kind": "timing", **rule, **WHY}),),
            "risk_window_hours": (5.0, 8.0),
            "control_windows_hours": ((12.0, 12.0 + 3 * ratio),),
        }
    )


def _surveillance(rule: dict[str, Any], ratio: float) -> Any:
    design = design_protocol(_protocol(rule, ratio), seed=1, simulations=10)
    return design.rules[0].surveillance, design.rules[0].relative_incidence


@pytest.mark.parametrize("min_events", [1, 2])
def test_a_sequential_rule_of_a_protocol_crosses_as_often_as_all_paths_say(min_events: int) -> None:
    """Alpha .05 over 12 events at a ratio of 4: every one of the 4,096 sequences against the boundary shown."""
    rule = {"method": "sequential", "n_max": 12, "alpha": 0.05, "min_events": min_events}
    (one,), incidences = _surveillance(rule, 4.0)
    spent = np.zeros(12)
    power, place = 0.0, incidences.index(5.0)
    for path in itertools.product((0, 1), repeat=12):
        seen = np.cumsum(path)
        crossed = [n for n, least in enumerate(one.events) if least is not None and seen[n] >= least]
        if crossed:
            spent[crossed[0] :] += 0.2 ** sum(path) * 0.8 ** (12 - sum(path))
            power += (5 / 9) ** sum(path) * (4 / 9) ** (12 - sum(path))
    assert all(spent <= 0.05 * np.arange(1, 13) / 12 + 1e-12)
    assert one.size == pytest.approx(spent[-1], rel=1e-9)
    assert one.power[place] == pytest.approx(power, rel=1e-9)


def test_poisson_maxsprt_of_a_protocol_has_the_power_that_sequential_prints() -> None:
    compared = 0
    for row in rows_of("sequential_poisson.csv"):
        if float(row["RR"]) not in {2.0, 5.0} or float(row["SampleSize"]) > 10:
            continue
        rule = {
            "method": "maxsprt_poisson",
            "expected_max": float(row["SampleSize"]),
            "delay": float(row["D"]),
        }
        rule |= {"alpha": float(row["alpha"]), "min_events": int(row["M"])}
        (one,), incidences = _surveillance(rule, 10.0)
        assert one.power[incidences.index(float(row["RR"]))] == pytest.approx(float(row["Power"]), abs=2e-6)
        compared += 1
    assert compared > 20


@pytest.mark.parametrize(("events", "size"), [(10, 0.011), (20, 0.019), (40, 0.028)])
def test_a_fixed_comparison_looked_at_after_each_event_outgrows_its_alpha(events: int, size: float) -> None:
    # exact sizes for a nominal 0.01, risk hours 3 and control hours 45, computed apart from this project
    looks = tuple(range(1, events + 1))
    fewest = tuple(fewest_in_risk(n, 15.0, 0.01, 1) for n in looks)
    boundary = BinomialBoundary(looks, fewest, 15.0)
    assert boundary.size() == pytest.approx(size, abs=0.0005)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_three_uniform_hours_lie_within_a_fraction_as_often_as_the_formula_says(fraction: float) -> None:
    # P(all three within a fraction r) = 3 r^2 - 2 r^3; the statistic falls as their range grows
    protocol, trials = _protocol({"method": "scan", "looks": 1, "alpha": 0.05}, 10.0), 40_000
    hours = simulated_hours(plan_of(protocol), 1.0, 3, trials, np.random.default_rng(2))
    observed = 42.0  # from the dose to the end of the control window
    as_wide = np.array([[0.0], [fraction * observed / 2], [fraction * observed]])
    limit = float(scan_statistics(as_wide, observed, min_events=3)[0])
    share = float((scan_statistics(hours, observed, min_events=3) >= limit).mean())
    exact = 3 * fraction**2 - 2 * fraction**3
    assert share == pytest.approx(exact, abs=4 * (exact * (1 - exact) / trials) ** 0.5)
