"""Worked examples of charting that reacts to an event: a temperature taken because distress was seen, or the reverse.

One dose; risk window 5 to 8 h after it, control windows 24 to 6 h before and 12 to 48 h after it: 3 and 54 h of the
clock. One event in the risk window. An event counts under the middle of the interval in which it began; p is the
share of risk hours among the hours in which an event could have been counted, R / (R + C), each under the hour that
the event would have been given. ``charting: worst`` takes the larger of two p:

- as charted: each test is next measured when the chart says so;
- as if charting reacted: the other component is measured at once when one shows an event, and so an event that begins
  between two breaths counted an hour apart is given the middle of that hour, whatever the temperatures' schedule.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from small_studies import WHY, charted, frames, look_at_study, small_protocol

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOURLY, FOUR_HOURLY = range(-48, 97), range(-48, 97, 4)
USUAL = {"TEMP": 37.0, "RESP": 16.0}
ABNORMAL = {"TEMP": 39.0, "RESP": 34.0}


class Example(NamedTuple):
    """Hours from midnight: of the dose, of measurements, and of the abnormal ones of each test."""

    definition: str
    dose: int
    temp: Iterable[int]
    resp: Iterable[int]
    fever: set[int]
    distress: set[int]
    as_charted: float
    worst: float


EXAMPLES = {
    "temperatures on schedule": Example(
        "Dose 09:00. Distress at 15:00, fever at 16:00, when a temperature was due. An event from 12 to 16 h would "
        "be given 14, 14.5, 15 or 15.5 h, all at risk: R 4, C 54. Reacting: 14.5, 15.5, 16.5 h: R 3, C 54.",
        9, FOUR_HOURLY, HOURLY, {16}, {15, 16}, 4 / 58, 4 / 58,
    ),
    "a temperature taken because distress was seen": Example(
        "Dose 11:00, risk from 16 to 19 h. Distress at 17:00, a temperature at once, not due before 20:00. As "
        "charted an event from 16 to 17 would be given 16.5 h, from 17 to 18 (17 + 20) / 2 = 18.5 h, later 19 h "
        "or more: R 2, C 54. Had each event called for a temperature: 16.5, 17.5, 18.5 h: R 3.",
        11, {*FOUR_HOURLY, 17}, HOURLY, {17}, {17, 18}, 2 / 56, 3 / 57,
    ),
    "breaths counted because a fever was seen": Example(
        "The same the other way round.",
        11, HOURLY, {*FOUR_HOURLY, 17}, {17, 18}, {17}, 2 / 56, 3 / 57,
    ),
    "everything every hour": Example(
        "Nothing is left that an event could call for.",
        11, HOURLY, HOURLY, {17, 18}, {17, 18}, 3 / 57, 3 / 57,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_larger_of_two_shares(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    rows = []
    for test, hours, abnormal in (
        ("TEMP", example.temp, example.fever),
        ("RESP", example.resp, example.distress),
    ):
        values = {hour: ABNORMAL[test] if hour in abnormal else USUAL[test] for hour in sorted(hours)}
        rows += charted("A", test, {DAY + timedelta(hours=hour): value for hour, value in values.items()})
    dose = {"USUBJID": "A", "EXSTDTC": f"{DAY + timedelta(hours=example.dose):%Y-%m-%dT%H:%M}"}
    timing = {"kind": "timing", "method": "self_controlled", "looks": 1, "alpha": 0.05, **WHY}
    rules = [{"id": charting, **timing, "charting": charting} for charting in ("as_charted", "worst")]
    look = look_at_study(frames([dose], rows), small_protocol(*rules), DAY + timedelta(hours=96), tmp_path)
    found = {rule["id"]: (rule["events"], rule["p_value"]) for rule in look.document()["rules"]}
    assert found == {
        "as_charted": (1, pytest.approx(example.as_charted)),
        "worst": (1, pytest.approx(example.worst)),
    }
