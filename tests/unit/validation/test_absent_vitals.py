"""Codes like no vital, judged by their values and by where they stand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checks.protocol import load_protocol
from checks.validation.absent_vitals import absent_vitals
from checks.validation.raw import Setting, Source

NEEDED = {"TEMP", "OXYSAT", "RESP", "FIO2"}
Row = tuple[str, str, str, str, str]


def judged(rows: Sequence[Row], setting: Setting) -> dict[int, str]:
    """Judge the code X; each row is subject, day, code, value and unit."""
    columns = ["USUBJID", "VSDTC", "VSTESTCD", "VSORRES", "VSORRESU"]
    table = pd.DataFrame(rows, columns=columns).assign(source_file="vs.csv", source_row=1)
    source = Source("VS", table, setting)
    codes, names = pd.factorize(table["VSTESTCD"])
    vitals = table["VSTESTCD"].where(table["VSTESTCD"] != "X").astype("str")
    return absent_vitals(source, np.asarray(codes), vitals, {list(names).index("X")}, NEEDED)


def chart(subject: str, code: str, value: str, unit: str = "", days: int = 10) -> list[Row]:
    return [(subject, f"2024-06-{day + 1:02}T08:00", code, value, unit) for day in range(days)]


OTHER = [
    *chart("S2", "TEMP", "36.9", "C"),
    *chart("S2", "OXYSAT", "97", "%"),
    *chart("S2", "RESP", "16", "/min"),
]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("36.8", "", "TEMP"),
        ("36.8", "C", "TEMP"),
        ("97", "", "OXYSAT"),
        ("97", "mmHg", None),  # another unit is another test
        ("16", "", "RESP"),
        ("72", "", None),  # the value of a pulse
        ("0.4", "", None),  # oxygen is absent wherever nobody is given it
        ("170", "", None),
        ("tired", "", None),
    ],
)
def test_by_its_values_a_code_may_be_a_vital_that_its_subject_lacks(
    value: str, unit: str, expected: str | None, setting: Setting
) -> None:
    found = judged([*chart("S1", "X", value, unit), *OTHER], setting)
    assert next(iter(found.values()), None) == expected


def test_a_vital_that_nobody_has_is_not_looked_for(setting: Setting) -> None:
    assert judged([*chart("S1", "X", "36.8"), *chart("S2", "RESP", "16", "/min")], setting) == {}


@pytest.mark.parametrize(("beside", "expected"), [(0, "TEMP"), (1, "TEMP"), (2, None), (10, None)])
def test_a_code_that_stands_beside_the_vital_is_another_test(
    beside: int, expected: str | None, setting: Setting
) -> None:
    """Of ten days with the code, one with the vital too: the day on which the code was changed."""
    rows = [*chart("S1", "X", "36.8"), *chart("S1", "TEMP", "37.1", "C", days=beside), *OTHER]
    assert next(iter(judged(rows, setting).values()), None) == expected


@pytest.fixture
def setting() -> Setting:
    protocol = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
    return Setting(protocol, pd.Timestamp("2024-07-01", tz="UTC"), {"S1": "UTC", "S2": "UTC"}, {})
