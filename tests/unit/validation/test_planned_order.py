"""The order that was planned: of time points, and of the days of visits."""

import numpy as np
import pandas as pd
import pytest
from rows_of_witnesses import AGREES, doses, prepared, reasons, temperature

from checks.validation import administrations, vital_signs
from checks.validation.planned_order import out_of_order

SUBJECTS = ("S1", "S2", "S3")
EARLY, LATE = "VSTPTNUM (out of order, {} behind)", "VSTPTNUM (out of order, {} ahead)"


def charted(changed=(), subject="S1", numbers=None, where=True, **more):
    """Temperatures at six time points from 08:00 on, an hour and a half apart, with the stamps that are changed."""
    times = [f"2024-06-10T{clock}" for clock in ("08:00", "09:30", "11:00", "12:30", "14:00", "15:30")]
    for place, stamp in dict(changed).items():
        times[place] = stamp
    numbers = numbers or range(1, 7)
    named = {"VSTPTREF": "DOSE 1"} if where else {}
    rows = [
        temperature(at, VSTPTNUM=str(one), **named, **more) for at, one in zip(times, numbers, strict=True)
    ]
    return [row | {"USUBJID": subject} for row in rows]


def found(rows):
    one = prepared(vital_signs.prepare, "VS", rows)
    spans = [tuple(f"{at:%dT%H:%M}" for at in one.typed.loc[row, ["earliest", "latest"]]) for row in range(6)]
    return reasons(one, "VSDTC_witness")[:6], spans


OTHERS = [row for subject in SUBJECTS[1:] for row in charted(subject=subject)]


def test_times_in_order_agree_with_it() -> None:
    assert found([*charted(), *OTHERS])[0] == [AGREES] * 6


@pytest.mark.parametrize(
    ("changed", "place", "reason", "span"),
    [
        # in UTC: two hours less; the hull of the stamp, and of the times of the points before and after it
        ({2: "2024-06-09T11:00"}, 2, EARLY.format("22 h"), ("09T09:00", "10T10:30")),
        ({2: "2024-06-11T11:00"}, 2, LATE.format("22 h"), ("10T07:30", "11T09:00")),
        # the last: a day later, by the same clock
        ({5: "2024-06-10T03:30"}, 5, EARLY.format("10 h"), ("10T01:30", "11T01:30")),
        ({0: "2024-06-10T20:00"}, 0, LATE.format("10 h"), ("09T18:00", "10T18:00")),
        ({2: "2024-06-10T09:00"}, 2, AGREES, ("10T07:00", "10T07:00")),  # within the hour
        ({2: "2024-06-10"}, 2, AGREES, ("09T22:00", "10T21:59")),  # a date can be in order
    ],
)
def test_a_time_point_out_of_its_order_is_doubted(changed, place, reason, span) -> None:
    states, spans = found([*charted(changed), *OTHERS])
    assert states[place] == reason and spans[place] == span
    assert [one for row, one in enumerate(states) if row != place] == [AGREES] * 5


def test_dates_kept_past_midnight_are_doubted_though_every_subject_has_them() -> None:
    night = {3: "2024-06-10T00:30", 4: "2024-06-10T02:00", 5: "2024-06-10T03:30"}
    rows = [row for subject in SUBJECTS for row in charted(night, subject)]
    states, spans = found(rows)
    assert all("VSTPTNUM (out of order" in one for one in states)  # three of six: either half may be wrong
    assert spans[5] == ("10T01:30", "11T01:30")


@pytest.mark.parametrize(
    "rows",
    [
        charted({2: "2024-06-10T23:00"}, numbers=[1, 2, 99, 3, 4, 5]) + OTHERS,  # a code, in order nowhere
        charted({2: "2024-06-09T11:00"}),  # of one subject alone nothing shows what the numbers mean
        charted() + charted({2: "2024-06-09T11:00"}, where=False),  # of no reference
        # two doses told under one reference: every number is of two times
        [
            row
            for day in ("10", "13")
            for row in charted({at: f"2024-06-{day}T{8 + at:02}:00" for at in range(6)})
        ],
    ],
)
def test_numbers_that_are_no_order_tell_nothing(rows) -> None:
    assert AGREES in found(rows)[0] and set(found(rows)[0]) == {AGREES}


# --- Visits ----------------------------------------------------------------------------------------------

FIRSTS = [{"USUBJID": subject, "RFSTDTC": "2024-06-03"} for subject in SUBJECTS]


def visits(*dates, subject="S1"):
    return [
        temperature(date, VISITDY=str(day)) | {"USUBJID": subject}
        for day, date in zip((-7, 1, 8, 15, 43), dates, strict=True)
    ]


KEPT = (
    "2024-05-27",
    "2024-06-03",
    "2024-06-10",
    "2024-06-14",
    "2024-06-16",
)  # the last far too early, as visits are


@pytest.mark.parametrize(
    ("place", "date", "reason"),
    [
        (2, "2023-06-10", "VISITDY (out of order, 359 days behind)"),
        (2, "2024-05-08", "VISITDY (out of order, 26 days behind)"),
        (2, "2024-07-13T08:00", "VISITDY (out of order, 29 days ahead)"),
        (1, "2023-06-03", "VISITDY (out of order, 366 days behind)"),
        (2, "2024-05-30", AGREES),  # before the first dose, but by no month
        (4, "2024-09-30", AGREES),  # late, and still the last
    ],
)
def test_a_visit_out_of_its_order_by_a_month_is_doubted(place, date, reason) -> None:
    dates = [*KEPT[:place], date, *KEPT[place + 1 :]]
    rows = [row for subject in SUBJECTS[1:] for row in visits(*KEPT, subject=subject)]
    one = prepared(vital_signs.prepare, "VS", [*visits(*dates), *rows], FIRSTS)
    states = reasons(one, "VSDTC_witness")
    assert states[place] == reason and states[:place] + states[place + 1 :] == [AGREES] * 14


def test_a_dose_is_held_against_its_visit() -> None:
    seconds = {"S1": "2024-05-01T08:00"}
    rows = [
        row | {"VISITDY": str(day), "USUBJID": subject}
        for subject in SUBJECTS
        for row, day in zip(
            doses("2024-06-03T08:00", seconds.get(subject, "2024-06-10T08:00")), (1, 8), strict=True
        )
    ]
    one = prepared(administrations.prepare, "EX", rows, FIRSTS)
    states = reasons(one, "EXSTDTC_witness")
    assert [row for row, state in enumerate(states) if state != AGREES] == [1]
    assert one.typed.loc[1, "latest"] >= pd.Timestamp("2024-06-10T06:00Z")


def test_days_of_cycles_are_no_order() -> None:
    """Day 1 and day 8 of three cycles of four weeks: each number is of three times."""
    days = pd.DataFrame({"number": [1.0, 8] * 3, "day": [1, 8, 29, 36, 57, 64]})
    rows = pd.concat([days.assign(group=group) for group in range(3)], ignore_index=True)
    hours = 24.0 * rows["day"]
    rows = rows.assign(series=0, first=hours, last=hours)
    assert not len(out_of_order(rows, tolerance=25 * 24, step=31 * 24))
    assert np.isfinite(rows["first"]).all()
