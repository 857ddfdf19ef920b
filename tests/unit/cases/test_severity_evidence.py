"""Severity in the evidence: scored where a rule asks for it, rows in quarantine in the worst case alone."""

from pathlib import Path

import pandas as pd
import pytest

from checks.cases.severity_scores import scores_by_scenario
from checks.protocol import load_protocol

GOOD = Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml"
DAY = pd.Timestamp("2026-03-02", tz="UTC").as_unit("s")
DOSED = DAY + pd.Timedelta(hours=24)
HOURS = range(72)


def chart(subject, *, trusted=True, ill=(), spared=()):
    """TEMP 37 C and OXYSAT 97 % every hour; in the hours since the dose that are ``ill`` 38.2 C and 91 %."""
    rows = []
    for hour in HOURS:
        instant, sick = DAY + pd.Timedelta(hours=hour), hour - 24 in ill
        if hour - 24 not in spared:
            rows += [
                ("VS", subject, test, value, instant, instant, trusted or not sick)
                for test, value in (("TEMP", 38.2 if sick else 37.0), ("OXYSAT", 91.0 if sick else 97.0))
            ]
    names = ["domain", "USUBJID", "test", "value", "earliest", "latest", "trusted"]
    return pd.DataFrame(rows, columns=names)


def dosed(*subjects, trusted=True):
    rows = [(subject, 1, DOSED, DOSED, trusted) for subject in subjects]
    return pd.DataFrame(rows, columns=["USUBJID", "dose_number", "start_earliest", "start_latest", "trusted"])


def scored(measurements, doses):
    origin = DOSED.timestamp() / 3600
    known = pd.Index(sorted(set(doses["USUBJID"])))
    return scores_by_scenario(measurements, doses, known, load_protocol(GOOD), zones={}, origin=origin)


def test_a_score_by_hand():
    # the chart's deviation is 0, so the floors hold: (38.2 - 37) / 0.3 = 4 and (97 - 91) / 1.5 = 4
    (one,) = scored(chart("A", ill=(6, 7), spared=(-24,)), dosed("A")).main
    assert (one.subject, one.dose, one.start, one.closes) == (0, 1, DOSED.timestamp(), 48.0)
    assert one.hours == (5.0, -24.0, -21.0, -18.0, -15.0, -12.0, -9.0, *(12.0 + 3 * n for n in range(12)))
    assert one.scores[0] == pytest.approx(4.0)
    assert one.scores[1] is None  # nothing was charted in the hours before
    # the measurement of hour 7 speaks until hour 10, within the 6 h before the blocks of hours 12 and 15
    assert list(map(str, one.scores[2:])) == ["0.0"] * 5 + ["-4.0"] * 2 + ["0.0"] * 10


def test_what_goes_on_from_before_is_no_news():
    (one,) = scored(chart("A", ill=range(3, 9)), dosed("A")).main
    assert one.scores[0] == pytest.approx(0.0)  # 4 in the window, 4 in the hours before


def test_the_milder_component_is_the_score_and_a_missing_one_leaves_none():
    measurements = chart("A", ill=(6, 7))
    mild = measurements["test"].eq("TEMP") & measurements["value"].gt(37)
    (one,) = scored(measurements.assign(value=measurements["value"].mask(mild, 37.6)), dosed("A")).main
    assert one.scores[0] == pytest.approx(2.0)
    (one,) = scored(measurements[measurements["test"] == "TEMP"], dosed("A")).main
    assert set(one.scores) == {None}


@pytest.mark.parametrize(
    "apart", [0, 12], ids=["doses at one hour", "doses at midnight and at noon, no clock"]
)
def test_each_component_must_be_measured_within_the_block(apart):
    later = DOSED + pd.Timedelta(hours=apart)
    other = dosed("B").assign(start_earliest=later, start_latest=later)
    one, _ = scored(chart("A", spared=range(12, 19)), pd.concat([dosed("A"), other], ignore_index=True)).main
    at = dict(zip(one.hours, one.scores, strict=True))
    assert (at[12.0], at[15.0]) == (
        None,
        None,
    )  # of 12 too: the measurement of hour 11 speaks in it, from before
    assert at[18.0] is not None and at[21.0] is not None


def test_rows_in_quarantine_are_scored_in_the_worst_case_alone():
    found = scored(chart("A", ill=(6, 7), trusted=False), dosed("A"))
    assert found.best == found.main
    assert (found.main[0].scores[0], found.worst[0].scores[0]) == (0.0, pytest.approx(4.0))
    withheld = scored(chart("A", ill=(6, 7)), dosed("A", trusted=False))
    assert (withheld.main, len(withheld.worst)) == ((), 1)


def test_doses_known_to_the_day_have_no_blocks_and_leave_no_control_hours_on_theirs():
    day = DOSED + pd.Timedelta(hours=24)
    open_day = pd.DataFrame([("A", 2, day, day + pd.Timedelta(hours=23), True)], columns=dosed("A").columns)
    (one,) = scored(chart("A"), pd.concat([dosed("A"), open_day], ignore_index=True)).main
    assert one.dose == 1
    assert max(one.hours) == 24.0  # from hour 29 on, 24 + 5, any hour may be in the risk window of the second
