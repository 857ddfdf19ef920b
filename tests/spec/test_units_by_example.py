"""What a charted number means: units, readings of one time from two sources, and calculated twins."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from checks.protocol import load_protocol
from checks.tables import Delivery, Feed
from checks.validation import Validation, validate_feeds
from checks.validation.values import read_vital

PROTOCOL = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")


@pytest.mark.parametrize(
    ("vital", "text", "unit", "value", "alternative"),
    [
        # (100.4 - 32) / 1.8 = 38
        ("TEMP", "100.4", "?F", 38.0, None),
        ("TEMP", "100.4", "Deg. F", 38.0, None),
        ("TEMP", "38.3", "C", 38.3, None),
        ("TEMP", "101.3", "C", 101.3, 38.5),
        ("TEMP", "38.5", None, 38.5, None),
        ("TEMP", "3.89", "C", None, None),
        ("FIO2", "40%", None, 0.4, None),
        ("FIO2", "40", None, 0.4, None),
        ("FIO2", "0.4", None, 0.4, None),
        ("FIO2", "40", "fraction", 40.0, 0.4),
        ("OXYSAT", "0", "%", None, None),
    ],
)
def test_what_a_number_is_and_what_else_it_could_be(
    vital: str, text: str, unit: str | None, value: float | None, alternative: float | None
) -> None:
    read = read_vital(vital, text, unit)
    for found, expected in ((read.value, value), (read.alternative, alternative)):
        assert found == pytest.approx(float("nan") if expected is None else expected, nan_ok=True)


def validate(*readings: tuple[str, str, str]) -> Validation:
    """Readings of one vital of one subject, all at one time: (test, value, unit)."""
    rows = [
        {"USUBJID": "S1", "VSSEQ": str(n), "VSTESTCD": test, "VSORRES": value, "VSORRESU": unit,
         "VSDTC": "2026-03-02T14:00"}
        for n, (test, value, unit) in enumerate(readings, start=1)
    ]  # fmt: skip
    tables = {"dm": [{"USUBJID": "S1", "SITEID": next(iter(PROTOCOL.sites))}], "vs": rows}
    feeds = {}
    for domain, each in tables.items():
        frame = (
            pd.DataFrame(each).astype("str").assign(source_file="f.csv", source_row=range(2, len(each) + 2))
        )
        feeds[domain] = Feed(domain.upper(), frame, (Delivery("f.csv", "ab" * 32, len(each)),))
    return validate_feeds(feeds, PROTOCOL, datetime(2026, 3, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("readings", "trusted"),
    [
        # 100.9 F is 38.28 C, written 38.3: within half a last digit of each, they are one reading.
        ([("TEMP", "100.9", "F"), ("TEMP", "38.3", "C")], [True, True]),
        # 100.7 F stands for 38.14 to 38.19 C, 38.3 C for 38.25 to 38.35: they differ, and about a fever.
        ([("TEMP", "100.7", "F"), ("TEMP", "38.3", "C")], [False, False]),
        # 38.30 stands for 38.295 to 38.305, 38.2 for 38.15 to 38.25.
        ([("TEMP", "38.30", "C"), ("TEMP", "38.2", "C")], [False, False]),
        # Written without a decimal, 38 stands for 37.5 to 38.5.
        ([("TEMP", "38", "C"), ("TEMP", "38.4", "C")], [True, True]),
        # Two sources that differ, but not about the case definition: both stand.
        ([("RESP", "18", "breaths/min"), ("RESP", "20", "breaths/min")], [True, True]),
        # One says respiratory distress, the other does not.
        ([("RESP", "24", "breaths/min"), ("RESP", "32", "breaths/min")], [False, False]),
        ([("TEMP", "37.0", "C"), ("TEMP", "38.9", "C")], [False, False]),
        # A rise of 1.0 C is a criterion: readings so far apart cannot both be the baseline.
        ([("TEMP", "36.0", "C"), ("TEMP", "37.2", "C")], [False, False]),
        # A reading that is withheld anyway contradicts none.
        ([("TEMP", "37.0", "C"), ("TEMP", "370", "C")], [True, False]),
        # Different vitals never contradict each other.
        ([("TEMP", "37.0", "C"), ("RESP", "32", "breaths/min")], [True, True]),
    ],
)
def test_two_readings_of_one_time(readings: list[tuple[str, str, str]], trusted: list[bool]) -> None:
    validation = validate(*readings)
    assert list(validation.measurements["trusted"]) == trusted
    vs = next(feed for feed in validation.feeds if feed.domain == "VS")
    assert vs.rows_read == vs.rows_accepted + vs.rows_quarantined == len(readings)
    assert vs.rows_quarantined == trusted.count(False)
