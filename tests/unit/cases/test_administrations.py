"""Which rows of EX are one dose, worked out by hand from what administration and dose mean."""

from pathlib import Path

import pandas as pd
import pytest

from checks.cases.administrations import OPENED, open_doses
from checks.protocol import load_protocol
from checks.tables import ADMINISTRATIONS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")


def span(text):
    """Read '8' or '8:15' (an instant), '8-9' (between the two), '' (not known)."""
    if not text:
        return [None, None]
    ends = text.split("-")
    hours = [sum(int(part) / 60**place for place, part in enumerate(end.split(":"))) for end in ends]
    return [DAY + pd.Timedelta(hours=hour) for hour in (hours[0], hours[-1])]


def table(rows):
    """Make rows of EX: start, end, link (none: ''), and a question mark where the row is not trusted."""
    cells = [
        ("S1", str(seq), *span(start), *span(end), link.rstrip("?") or None, not link.endswith("?"))
        for seq, (start, end, link) in enumerate(rows, start=1)
    ]
    return ADMINISTRATIONS.conform(pd.DataFrame(cells, columns=list(ADMINISTRATIONS.columns)))


def told(doses):
    """Say each dose as hours of its start and its rows; '~' before those that may be the dose before, going on."""
    hours = [(doses[name] - DAY).dt.total_seconds() / 3600 for name in ("start_earliest", "start_latest")]
    return [
        ("" if separate else "~") + (f"{low:g}" if low == high else f"{low:g}-{high:g}") + f": {rows}"
        for low, high, separate, rows in zip(*hours, doses["separate"], doses["EXSEQ"], strict=True)
    ]


@pytest.mark.parametrize(
    ("rows", "doses"),
    [
        # one row, one dose
        ([("8", "8:30", "")], ["8: 1"]),
        ([("8", "", "")], ["8: 1"]),
        # the segments of an infusion, each from the end of the one before
        ([("8", "8:20", ""), ("8:20", "9:10", ""), ("9:10", "10", "")], ["8: 1; 2; 3"]),
        # two syringes five minutes apart
        ([("8", "8:30", ""), ("8:05", "8:30", "")], ["8: 1; 2"]),
        # stopped at 08:15 and resumed at 09:30
        ([("8", "8:15", ""), ("9:30", "10", "")], ["8: 1; 2"]),
        # two hours after the end are still the same dose, a quarter of an hour more may be; an end that is not known
        # is taken for the start
        ([("8", "8:30", ""), ("10:30", "11", "")], ["8: 1; 2"]),
        ([("8", "8:30", ""), ("10:31", "11", "")], ["8: 1", "~10.5167: 2"]),
        ([("8", "8:30", ""), ("10:45", "11", "")], ["8: 1", "~10.75: 2"]),
        ([("8", "8:30", ""), ("10:46", "11", "")], ["8: 1", "10.7667: 2"]),
        ([("8", "", ""), ("10", "", "")], ["8: 1; 2"]),
        ([("8", "", ""), ("12", "", "")], ["8: 1", "12: 2"]),
        # within an infusion, whatever was given meanwhile; and two hours after its end, not after the bolus in it
        ([("8", "12", ""), ("9", "9:05", ""), ("13:30", "14", "")], ["8: 1; 2; 3"]),
        # in whichever order they are delivered
        ([("9:10", "10", ""), ("8", "8:20", ""), ("8:20", "9:10", "")], ["8: 2; 3; 1"]),
        # rows of two links are not one; of one link they are what their times say too
        ([("8", "8:30", "A"), ("12", "12:30", "B")], ["8: 1", "12: 2"]),
        ([("8", "8:30", "A"), ("9", "12:30", "A")], ["8: 1; 2"]),
        # twelve hours are the most; beyond that a dose may be the one before
        ([("8", "14", ""), ("14", "20", "")], ["8: 1; 2"]),
        ([("8", "14", ""), ("14", "20:01", "")], ["8: 1", "~14: 2"]),
        ([(str(hour), "", "") for hour in range(0, 33, 4)], [f"{hour}: {hour // 4 + 1}" for hour in range(0, 33, 4)]),
        (
            [(str(hour), "", "") for hour in range(0, 30, 2)],
            ["0: 1; 2; 3; 4; 5; 6; 7", "~14: 8; 9; 10; 11; 12; 13; 14", "~28: 15"],
        ),
        ([("8", "8:30", "A"), ("32", "32:30", "A")], ["8: 1", "~32: 2"]),
        # one long row is one dose
        ([("8", "32", "")], ["8: 1"]),
        # a day without a time stays a span; two rows of it are one dose, and a dose with a time is another
        ([("0-24", "", "")], ["0-24: 1"]),
        ([("0-24", "", ""), ("0-24", "", "")], ["0-24: 1; 2"]),
        ([("0-24", "", ""), ("8", "8:30", ""), ("8:30", "9", "")], ["0-24: 1", "8: 2; 3"]),
        ([("0-24", "", ""), ("24-48", "", "")], ["0-24: 1", "24-48: 2"]),
        # a start to the hour joins when every instant of it would; when some would, it may
        ([("8", "8:30", ""), ("9-10", "", "")], ["8: 1; 2"]),
        ([("8", "8:30", ""), ("10-11", "", "")], ["8: 1", "~10-11: 2"]),
        ([("8", "8:30", ""), ("11-12", "", "")], ["8: 1", "11-12: 2"]),
        ([], []),
    ],
)  # fmt: skip
def test_rows_are_doses(rows, doses):
    readings = open_doses(table(rows), PROTOCOL)
    assert told(readings.main) == doses
    assert list(readings.main["dose_number"]) == list(range(1, len(doses) + 1))
    assert list(readings.main["rows"]) == [dose.count(";") + 1 for dose in doses]
    assert readings.worst == ()


@pytest.mark.parametrize(
    ("rows", "main", "worst"),
    [
        ([("8", "8:30", "A"), ("14", "14:30", "A")], ["8: 1; 2"], ["8: 1; 2", "~14: 2"]),
        # with another dose between them
        (
            [("8", "8:30", "A"), ("12", "12:30", ""), ("16", "16:30", "A")],
            ["8: 1; 3", "12: 2"],
            ["8: 1; 3", "12: 2", "~16: 3"],
        ),
        # a link and a chain together
        (
            [("8", "8:30", "A"), ("9", "9:30", ""), ("15", "15:30", "A"), ("16", "17", "")],
            ["8: 1; 2; 3; 4"],
            ["8: 1; 2; 3; 4", "~15: 3; 4"],
        ),
    ],
)
def test_what_a_link_joins_and_times_keep_apart_is_two_doses_at_worst(rows, main, worst):
    readings = open_doses(table(rows), PROTOCOL)
    (at_worst,) = readings.worst
    assert (told(readings.main), told(at_worst)) == (main, worst)
    assert set(at_worst.loc[at_worst["trusted"], "EXSEQ"]) == set(readings.main["EXSEQ"])


@pytest.mark.parametrize(
    ("rows", "main", "worst"),
    [
        # what was given is not clear: it opens a dose in the worst case alone
        ([("8", "8:30", ""), ("32", "32:30", "?")], ["8: 1"], ["8: 1", "32: 2"]),
        # also where it would have been part of another, of which it changes nothing
        ([("8", "8:30", ""), ("7", "7:30", "?")], ["8: 1"], ["7: 2", "8: 1"]),
        ([("8", "8:30", "A"), ("9", "9:30", "A?"), ("12", "", "?")], ["8: 1"], ["8: 1", "9: 2", "12: 3"]),
        # but none of its own at the very instant of another
        ([("8", "8:30", "?"), ("8", "8:30", "")], ["8: 2"], ["8: 2"]),
        ([("8", "8:30", "?")], [], ["8: 1"]),
    ],
)
def test_a_row_that_is_not_trusted_opens_a_dose_in_the_worst_case(rows, main, worst):
    readings = open_doses(table(rows), PROTOCOL)
    assert told(readings.main) == main
    (at_worst,) = readings.worst
    assert told(at_worst) == worst
    assert list(at_worst["dose_number"]) == list(range(1, len(worst) + 1))
    doubted = {str(seq) for seq, (*_, link) in enumerate(rows, start=1) if link.endswith("?")}
    assert [not (set(told.split("; ")) & doubted) for told in at_worst["EXSEQ"]] == list(at_worst["trusted"])


@pytest.mark.parametrize(
    ("rows", "doses"),
    [
        ([("8", "8:30", ""), ("9", "10", "")], ["10: 1; 2"]),
        ([("8", "12", ""), ("9", "9:05", "")], ["12: 1; 2"]),
        ([("8", "9-10", "")], ["9-10: 1"]),
        # an end that is not known lies within the twelve hours that an administration may last
        ([("8", "", "")], ["8-20: 1"]),
        ([("8", "9", ""), ("10", "", "")], ["10-20: 1; 2"]),
    ],
)
def test_hours_may_begin_at_the_end(rows, doses):
    from_end = PROTOCOL.model_copy(update={"hours_from": "end"})
    assert told(open_doses(table(rows), from_end).main) == doses


def test_the_protocol_says_how_near_and_how_long():
    rows = table([("8", "8:30", ""), ("9", "9:30", ""), ("14", "15", "")])
    strict = PROTOCOL.model_copy(update={"same_dose_within_hours": 0.0})
    assert told(open_doses(rows, strict).main) == ["8: 1", "9: 2", "14: 3"]
    wide = PROTOCOL.model_copy(update={"same_dose_within_hours": 5.0, "max_administration_hours": 6.0})
    assert told(open_doses(rows, wide).main) == ["8: 1; 2", "~14: 3"]


@pytest.mark.parametrize(
    ("rows", "hours"),
    [
        ([("8", "8:15", ""), ("9:30", "10", "")], [2.0]),
        ([("8", "12", ""), ("9", "9:05", "")], [4.0]),
        ([("8", "", ""), ("9", "", "")], [1.0]),  # no end is known: to the last start
        ([("8", "", ""), ("14", "14:30", "")], [0.0, 0.5]),
    ],
)
def test_a_dose_is_given_from_its_first_start_to_its_last_end(rows, hours):
    assert open_doses(table(rows), PROTOCOL).main["given_hours"].tolist() == hours


@pytest.mark.parametrize(
    ("rows", "segments", "interruptions", "ended"),
    [
        ([("8", "8:30", "")], 1, "", 8.5),
        ([("8", "8:15", ""), ("9:30", "10", "")], 2, "interrupted at 0.25 h, resumed at 1.5 h", 10),
        ([("8", "8:20", ""), ("8:20", "9:10", "")], 1, "", 9 + 1 / 6),
        # the bolus ends within the infusion, which goes on
        ([("8", "12", ""), ("9", "9:05", ""), ("13", "14", "")], 2, "interrupted at 4 h, resumed at 5 h", 14),
        (
            [("8", "8:15", ""), ("8:20", "9", ""), ("10", "11", "")],
            3,
            "interrupted at 0.25 h, resumed at 0.33 h; interrupted at 1 h, resumed at 2 h",
            11,
        ),
        # of what has no end, or no instant, it is not known when it stopped
        ([("8", "", ""), ("9", "9:30", "")], 2, "", None),
        ([("8", "8:15", ""), ("9-10", "", "")], 2, "", None),
        ([("8", "8-9", ""), ("9:30", "10", "")], 2, "", 10),
        ([("8", "", "")], 1, "", None),
    ],
)
def test_a_dose_is_given_in_segments(rows, segments, interruptions, ended):
    (dose,) = open_doses(table(rows), PROTOCOL).main.to_dict("records")
    assert (dose["segments"], dose["interruptions"]) == (segments, interruptions)
    assert (dose["ended"] == DAY + pd.Timedelta(hours=ended)) if ended else pd.isna(dose["ended"])


def test_doses_are_each_subject_s_own():
    rows = table([("8", "8:30", "A"), ("8:30", "9", "A"), ("20", "21", "A")])
    rows["USUBJID"] = ["S2", "S1", "S2"]
    doses = open_doses(rows, PROTOCOL).main
    assert list(zip(doses["USUBJID"], doses["dose_number"], told(doses), strict=True)) == [
        ("S1", 1, "8.5: 2"),
        ("S2", 1, "8: 1"),
        ("S2", 2, "~20: 3"),
    ]
    assert {name: str(kind) for name, kind in doses.dtypes.items()} == dict(OPENED.columns)
