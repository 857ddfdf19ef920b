"""What a protocol does in charts: every case planted in healthy charts is seen, and none where none is planted."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from checks.protocol import load_protocol
from flows.pages.design.page import write_design
from flows.pages.design.terminal import design_text
from flows.simulate.chart_trials import try_in_charts
from flows.simulate.real_charts import read_charts

GOOD = Path(__file__).parents[1] / "fixtures/protocols/good.yaml"
WELL = {"RESP": ("18", "breaths/min", 1), "OXYSAT": ("97", "%", 1), "TEMP": ("36.8", "C", 4)}


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("charts")
    subjects = [f"S{number}" for number in range(8)]
    rows = [
        (
            name,
            str(pd.Timestamp("2026-01-05T07:30") + pd.Timedelta(hours=hour)).replace(" ", "T"),
            test,
            value,
            unit,
        )
        for name in subjects
        for test, (value, unit, every) in WELL.items()
        for hour in range(0, 200, every)
    ]
    columns = ["USUBJID", "VSDTC", "VSTESTCD", "VSORRES", "VSORRESU"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "vs.csv.gz", index=False)
    pd.DataFrame({"USUBJID": subjects, "SITEID": "S1"}).to_csv(folder / "dm.csv", index=False)
    return read_charts(folder)


@pytest.mark.slow
def test_planted_cases_are_seen_and_nothing_is_where_nothing_is_planted(charts, tmp_path):
    found = try_in_charts(GOOD, charts, trials=3, subjects=40, seed=1)
    none, alert, lazy = found.settings
    assert (found.charts, none.planting.subjects, none.planting.window) == (8, 8, (5, 8))
    assert (none.cases_planted, none.yes, none.any_rule.value, none.watch.value) == (0, None, 0, 0)
    assert alert.cases_planted == lazy.cases_planted == 9
    assert alert.yes_or_possible.value == 1 and alert.yes_or_possible.ci95[0] == pytest.approx(
        0.664, abs=5e-4
    )
    assert lazy.yes.value <= alert.yes.value
    assert set(alert.by_rule) == {rule.id for rule in load_protocol(GOOD).rules if rule.kind != "lab_limit"}

    paths, design = write_design(load_protocol(GOOD), tmp_path, in_charts=found)
    told = json.loads(paths["json"].read_text(encoding="utf-8"))["in_charts"]
    assert [one["cases_planted"] for one in told["settings"]] == [0, 9, 9]
    assert "In real charts" in paths["html"].read_text(encoding="utf-8")
    shown = design_text(design, load_protocol(GOOD), paths["html"], found)
    assert re.search(r"Seen, or possible +- +100\.0%", shown)
    # temperature every four hours, saturation and rate every hour, as they were written above
    medians = {one.test: one.median_hours for one in found.charting if one.SITEID is None}
    assert medians == {"TEMP": 4, "OXYSAT": 1, "RESP": 1}
    assert "Charted there: fever: TEMP every 4 h" in " ".join(shown.split())
