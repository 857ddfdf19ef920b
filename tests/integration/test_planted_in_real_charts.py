"""Cases planted in real intensive-care charts, against an independent planting of the same seed."""

import importlib.util
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from checks.errors import UsageError
from checks.protocol import load_protocol
from flows.simulate.planted import EXAMPLE, plant, planted_protocol, write_planted
from flows.simulate.planting import Planting
from flows.simulate.real_charts import read_charts

DATA = os.environ.get("POSTDOSE_TEST_DATA")
real = pytest.mark.skipif(DATA is None, reason="POSTDOSE_TEST_DATA is not set: no real charts")

PLANTINGS = [
    ([], {}),
    (["--nurse", "lazy", "--window", "1", "3", "--subjects", "15"],
     {"nurse": "lazy", "window": (1.0, 3.0), "subjects": 15}),
    (["--window", "10", "14", "--doses", "2"], {"window": (10.0, 14.0), "doses": 2}),
    (["--dose-hour", "9", "--beyond-chart"], {"dose_hour": 9.0, "beyond_chart": True}),
    (["--null"], {"cases": 0}),
]  # fmt: skip


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("plant_cases", Path(str(DATA)) / "tools/plant_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@real
@pytest.mark.parametrize("name", ["mimic_iv_demo", "challenge_2019_b"])
def test_the_same_seed_plants_the_same_study_as_another_program(tool, name):
    folder = Path(str(DATA)) / "data/icu_charts" / name
    theirs, ours = tool.read_charts(folder), read_charts(folder)
    assert ours.left_out == 0
    for given, options in PLANTINGS:
        for seed in (1, 2, 3):
            feeds, _, truth = tool.make_study(theirs, tool.options(["", "", "--seed", str(seed), *given]))
            study = plant(ours, Planting(seed=seed, **options))
            moved = _minutes_moved(feeds["vs"], study.feeds["vs"])
            for domain, frame in feeds.items():
                _assert_same(frame.astype(str), study.feeds[domain], moved)
            assert _by_subject(truth, moved) == _by_subject(study.truth, {})


def _minutes_moved(theirs: pd.DataFrame, ours: pd.DataFrame) -> dict[str, pd.Timedelta]:
    """By subject: the other program keeps a chart's beginning in hours, and loses a minute where these round down."""
    begins = [pd.to_datetime(frame.groupby("USUBJID")["VSDTC"].min()) for frame in (theirs, ours)]
    moved = begins[1] - begins[0]
    assert set(moved) <= {pd.Timedelta(0), pd.Timedelta(minutes=1)}
    return moved.to_dict()


def _assert_same(theirs: pd.DataFrame, ours: pd.DataFrame, moved: dict[str, pd.Timedelta]) -> None:
    assert list(theirs["USUBJID"]) == list(ours["USUBJID"])
    for column in theirs:
        mine, other = ours[column], theirs[column]
        if column.endswith("DTC"):
            mine, other = pd.to_datetime(mine), pd.to_datetime(other) + theirs["USUBJID"].map(moved)
        elif column == "VSORRES":  # 98.60 stays as charted here
            mine, other = mine.astype(float), other.astype(float)
        assert mine.tolist() == other.tolist(), column


def _by_subject(truth, moved):
    cases = [
        {**case, "dose_start": pd.Timestamp(case["dose_start"]) + moved.get(case["USUBJID"], pd.Timedelta(0))}
        for case in sorted(truth["planted"], key=lambda case: case["USUBJID"])
    ]
    rest = {name: value for name, value in truth.items() if name not in ("planted", "simulated")}
    return {**rest, "window": list(rest["window"]), "planted": cases}


CHART = [
    ("S1", f"2026-03-{2 + hour // 24:02}T{hour % 24:02}:10", test, value, unit)
    for hour in range(60)
    for test, value, unit in (("RESP", "18", "breaths/min"), ("OXYSAT", "97", "%"), ("TEMP", "36.80", "C"))
]
COLUMNS = ["USUBJID", "VSDTC", "VSTESTCD", "VSORRES", "VSORRESU"]
ODD = [
    ("S1", "2026-03-02", "RESP", "40", "breaths/min"),
    ("S1", "2026-03-02T05:00", "RESP", "", "breaths/min"),
    ("S1", "2026-03-02T05:00", "RESP", "high", "breaths/min"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    charts = tmp_path / "charts"
    charts.mkdir()
    pd.DataFrame({"USUBJID": ["S1"], "SITEID": ["NO"]}).to_csv(charts / "dm.csv", index=False)
    pd.DataFrame([*CHART, *ODD], columns=COLUMNS).to_csv(charts / "vs.csv", index=False)
    return charts


def test_rows_without_a_number_or_a_clock_time_stay_out_and_are_counted(folder):
    charts = read_charts(folder)
    assert charts.left_out == 3
    (only,) = charts.charts
    assert (only.usubjid, only.site, only.lasts, len(only.test)) == ("S1", "NO", 59.0, 180)
    assert "OXYSAT" not in read_charts(folder, without=("OXYSAT",)).charts[0].test


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda charts: (charts / "vs.csv").unlink(), r"found no vs.csv; allowed: a folder with vs.csv or vs.csv.gz"),
        (lambda charts: (charts / "dm.csv").write_text("USUBJID\nS1\n"), "dm.csv: found no column SITEID"),
        (lambda charts: (charts / "dm.csv").write_text("USUBJID,SITEID\nS2,NO\n"), "found S1 in vs and not in dm"),
    ],
)  # fmt: skip
def test_charts_that_cannot_be_used_are_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(UsageError, match=message):
        read_charts(folder)


def test_the_protocol_keeps_rules_and_case_and_has_feeds_sites_and_alerts_of_its_own(folder, tmp_path):
    planting = Planting(subjects=1, cases=1, doses=2)
    study = plant(read_charts(folder), planting)
    text = planted_protocol(EXAMPLE, ["NO"], planting)
    write_planted(tmp_path / "out", study, text)
    made, example = load_protocol(tmp_path / "out/protocol.yaml"), load_protocol(EXAMPLE)
    assert made.study.simulated and dict(made.sites) == {"NO": "UTC"}
    assert made.case_definition == example.case_definition
    assert made.control_windows_hours == example.control_windows_hours
    assert made.rules == tuple(rule for rule in example.rules if rule.kind != "lab_limit")
    assert [route.channels for route in made.alerts.routes] == [("file:outbox/",)]
    assert json.loads((tmp_path / "out/truth.json").read_text())["simulated"] is True
    with pytest.raises(UsageError, match="found feeds there already"):
        write_planted(tmp_path / "out", study, text)


def test_another_window_than_the_protocols_is_the_risk_window_with_control_hours_around_it(folder, tmp_path):
    planting = Planting(subjects=1, cases=1, window=(10.0, 14.0))
    write_planted(
        tmp_path / "out", plant(read_charts(folder), planting), planted_protocol(EXAMPLE, ["NO"], planting)
    )
    made = load_protocol(tmp_path / "out/protocol.yaml")
    assert made.risk_window_hours == (10, 14)
    assert made.control_windows_hours == ((-24, -6), (18, 48))
