"""What simulated studies chart in intensive care lies where two folders of real charts have it, or a quarter beside.

Those are 40 stays of the MIMIC-IV demo and 273 of the PhysioNet challenge of 2019.
"""

import os
from pathlib import Path

import pandas as pd
import pytest

from flows.simulate.real_charts import Chart, read_charts
from flows.simulate.study import compose

DATA = os.environ.get("POSTDOSE_TEST_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="POSTDOSE_TEST_DATA is not set: no charts")

FOLDERS = ("mimic_iv_demo", "challenge_2019_b")
ABNORMAL = {"TEMP": ("ge", 38.295), "RESP": ("ge", 30), "OXYSAT": ("lt", 90)}
"""38.3 C as it is written, in C or in F."""
SEEDS = range(1, 13)  # a share of 252 stays has a standard error of some .02
LONG_ILL = 0.1
"""Share of a stay's measurements that are abnormal in whoever is ill for long."""


def charted(chart: Chart) -> pd.DataFrame:
    return pd.DataFrame({"stay": chart.usubjid, "test": chart.test, "value": chart.celsius}).assign(
        time=chart.hour
    )


@pytest.fixture(scope="module")
def real() -> list[pd.DataFrame]:
    folders = (read_charts(Path(str(DATA)) / "data" / "icu_charts" / name) for name in FOLDERS)
    return [pd.concat(map(charted, found.charts)) for found in folders]


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    rows = [
        (f"{seed} {one.usubjid}", read.test, read.celsius, read.minute)
        for seed in SEEDS
        for study in [compose("null", seed=seed, subjects=21)]
        for one in study.subjects
        for read in study.measurements[one.usubjid]
        if read.value is not None and read.minute <= one.icu_end
    ]
    return pd.DataFrame(rows, columns=["stay", "test", "value", "time"])


def abnormal(charts: pd.DataFrame, test: str) -> pd.Series:
    """Whether each measurement of a test is abnormal, by stay and in order of time."""
    own = charts[charts["test"] == test].sort_values(["stay", "time"], kind="stable").set_index("stay")
    compare, limit = ABNORMAL[test]
    return getattr(own["value"].round(2), compare)(limit)


def alone(charts: pd.DataFrame, test: str) -> float:
    """Share of measurements that are abnormal, the ones before and after of the same stay normal."""
    found = abnormal(charts, test)
    by_stay = found.groupby(level=0)
    before, after = (by_stay.shift(by, fill_value=True) for by in (1, -1))
    return float((found & ~before & ~after).mean())


def long_ill(charts: pd.DataFrame, test: str) -> float:
    return float((abnormal(charts, test).groupby(level=0).mean() > LONG_ILL).mean())


def beside_or_between(found: float, ends: list[float]) -> bool:
    return 0.75 * min(ends) <= found <= 1.25 * max(ends)


@pytest.mark.parametrize("test", list(ABNORMAL))
def test_single_abnormal_values_are_as_frequent(
    test: str, real: list[pd.DataFrame], simulated: pd.DataFrame
) -> None:
    found, ends = alone(simulated, test), [alone(charts, test) for charts in real]
    assert beside_or_between(found, ends), (found, ends)


@pytest.mark.parametrize("test", ["TEMP", "RESP"])
def test_as_many_are_ill_for_long(test: str, real: list[pd.DataFrame], simulated: pd.DataFrame) -> None:
    found, ends = long_ill(simulated, test), [long_ill(charts, test) for charts in real]
    assert beside_or_between(found, ends), (found, ends)


def test_oxygen_keeps_the_saturation_up_as_often(real: list[pd.DataFrame], simulated: pd.DataFrame) -> None:
    """Below 90 % beside 30 breaths/min or more."""

    def low(charts: pd.DataFrame) -> float:
        both = charts.pivot_table(index=["stay", "time"], columns="test", values="value", aggfunc="first")
        both = both.dropna(subset=["RESP", "OXYSAT"])
        return float((both.loc[both["RESP"] >= 30, "OXYSAT"] < 90).mean())

    found, ends = low(simulated), [low(charts) for charts in real]
    assert beside_or_between(found, ends), (found, ends)
