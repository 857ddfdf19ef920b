"""Simulated charting has the rhythm of the MIMIC-IV demo, within the tolerance stated for each quartile."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.simulate.study import compose

DATA = os.environ.get("POSTDOSE_TEST_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="POSTDOSE_TEST_DATA is not set: no MIMIC-IV demo")

DEMO_QUARTILES_HOURS = {
    "TEMP": (2.0, 4.0, 4.0),
    "RESP": (1.0, 1.0, 1.0),
    "OXYSAT": (0.983, 1.0, 1.0),
    "HR": (1.0, 1.0, 1.0),
}
"""Quartiles of the hours between measurements, pooled over subjects (961, 3637, 3504 and 3623 intervals)."""
DEMO_FEBRILE_QUARTILES_HOURS = (1.25, 2.0, 3.0)
"""The same for TEMP after a measurement of 38.3 C or more (18 intervals)."""

TOLERANCE_HOURS = {"TEMP": (0.5, 1.25, 0.25), "RESP": (0.15, 0.05, 0.1)}
"""OXYSAT and HR as RESP. The protocol's own temperatures on dosing days shorten TEMP's median."""
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def demo() -> pd.DataFrame:
    table = pd.read_csv(Path(str(DATA)) / "data/mimic_iv_demo/vs.csv", dtype=str)
    table = table.assign(time=pd.to_datetime(table["VSDTC"]), value=pd.to_numeric(table["VSORRES"]))
    table = table.drop_duplicates(["USUBJID", "VSTESTCD", "time"]).sort_values(
        ["USUBJID", "VSTESTCD", "time"]
    )
    before = table.groupby(["USUBJID", "VSTESTCD"])
    hours = before["time"].diff().dt.total_seconds() / 3600
    celsius = table["value"].where(table["value"] < 60, (table["value"] - 32) * 5 / 9)
    previous = celsius.groupby([table["USUBJID"], table["VSTESTCD"]]).shift()
    return table.assign(hours=hours, previous=previous)[hours < 24]


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    rows = []
    for seed in SEEDS:
        study = compose("null", seed=seed, subjects=21)
        for one in study.subjects:
            charted = [
                r for r in study.measurements[one.usubjid] if r.minute <= one.icu_end and r.value is not None
            ]
            for test in DEMO_QUARTILES_HOURS:
                own = [r for r in charted if r.test == test]
                rows += [(test, (b.minute - a.minute) / 60, a.celsius) for a, b in pairwise(own)]
    return pd.DataFrame(rows, columns=["VSTESTCD", "hours", "previous"])


def _quartiles(hours: pd.Series) -> np.ndarray:
    return hours.quantile([0.25, 0.5, 0.75]).to_numpy()


@pytest.mark.parametrize("vital", list(DEMO_QUARTILES_HOURS))
def test_the_constants_are_the_demos(demo, vital):
    measured = _quartiles(demo.loc[demo["VSTESTCD"] == vital, "hours"])
    assert measured == pytest.approx(DEMO_QUARTILES_HOURS[vital], abs=0.005)


def test_febrile_subjects_of_the_demo_are_measured_sooner(demo):
    febrile = demo[(demo["VSTESTCD"] == "TEMP") & (demo["previous"] >= 38.3)]
    assert _quartiles(febrile["hours"]) == pytest.approx(DEMO_FEBRILE_QUARTILES_HOURS, abs=0.005)


@pytest.mark.parametrize("vital", list(DEMO_QUARTILES_HOURS))
def test_simulated_intervals_are_the_demos(simulated, vital):
    tolerance = TOLERANCE_HOURS.get(vital, TOLERANCE_HOURS["RESP"])
    differences = (
        _quartiles(simulated.loc[simulated["VSTESTCD"] == vital, "hours"]) - DEMO_QUARTILES_HOURS[vital]
    )
    assert (np.abs(differences) <= tolerance).all(), differences


def test_a_febrile_subject_is_measured_about_as_soon_as_in_the_demo(simulated):
    febrile = simulated[(simulated["VSTESTCD"] == "TEMP") & (simulated["previous"] >= 38.3)]
    assert _quartiles(febrile["hours"]) == pytest.approx(DEMO_FEBRILE_QUARTILES_HOURS, abs=1.0)


def test_as_many_stamps_fall_on_the_hour(demo):
    share = (demo["time"].dt.minute == 0).mean()
    minutes = [
        reading.minute % 60
        for seed in SEEDS
        for charted in compose("null", seed=seed, subjects=21).measurements.values()
        for reading in charted
    ]
    assert np.mean(np.array(minutes) == 0) == pytest.approx(share, abs=0.05)
