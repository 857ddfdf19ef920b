"""Worked examples, a table a paragraph: abnormal, stands, present and gone, new, worse.

Each case definition here has one component alone, so that its onsets are the cases. The dose is at 00:00 of day 1, so
that hours are those of the clock (2/02:00 is hour 26). A row that is expected says certainty, why, and between which
hours; an onset less than the washout (6 h) after another is listed under that one and has no row, nor has one that
may have begun before the dose (a chart that begins with the component present).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from checks.protocol import StudyProtocol

Rows = Callable[..., list[Any]]
Onsets = list[tuple[str, str, float, float]]
FEVER, DISTRESS = "fever", "respiratory_distress"
NONE: Onsets = []


class Example(NamedTuple):
    """The sentence and how the row follows from it; the component; its chart; its onsets."""

    definition: str
    component: str
    chart: str
    expected: Onsets


ABNORMAL = {
    "fever at 38.3": Example(
        "38.3 is at least 38.3: last normal at 04:00, first abnormal at 08:00.",
        FEVER,
        "TEMP 00:00 37.5  04:00 37.5  08:00 38.3  12:00 38.4  16:00 37.5  20:00 37.5",
        [("definite", "new", 4, 8)],
    ),
    "no fever at 38.2": Example(
        "38.2 is below 38.3, and 0.7 above the median of 37.5: less than 1.0.",
        FEVER,
        "TEMP 00:00 37.5  04:00 37.5  08:00 38.2  12:00 38.2  16:00 37.5  20:00 37.5",
        NONE,
    ),
    "saturation at 90": Example(
        "90 is not below 90, and 3 below the median of 93: less than 4.",
        DISTRESS,
        "OXYSAT 00:00..05:00 93  06:00 90  07:00 90  08:00..12:00 93",
        NONE,
    ),
    "saturation at 89": Example(
        "Below 90.",
        DISTRESS,
        "OXYSAT 00:00..05:00 93  06:00 89  07:00 89  08:00..12:00 93",
        [("definite", "new", 5, 6)],
    ),
    "a fall of four to 93": Example(
        "97 - 93 is 4, and 93 is below 94.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 93  07:00 93  08:00..12:00 97",
        [("definite", "new", 5, 6)],
    ),
    "the reference is a median": Example(
        "The median of 36.5, 36.9 and 37.9 is 36.9 (the mean 37.1): 38.0 is a rise of 1.1.",
        FEVER,
        "TEMP 00:00 36.5  04:00 36.9  07:00 37.9  12:00 38.0",
        [("definite", "new", 7, 12)],
    ),
    "the reference is of the twelve hours before": Example(
        "36.6 lies 12 h before, and counts: the median of 36.6 and 37.2 is 36.9, a rise of 1.1.",
        FEVER,
        "TEMP 00:00 36.6  10:00 37.2  12:00 38.0",
        [("definite", "new", 10, 12)],
    ),
    "what is older is no reference": Example(
        "36.6 lies 12 h and a minute before: against 37.2 alone 38.0 is a rise of 0.8.",
        FEVER,
        "TEMP 00:00 36.6  10:00 37.2  12:01 38.0",
        NONE,
    ),
    "the reference is frozen while the episode lasts": Example(
        "From 08:00 on 37.0 is the reference: 38.2 stays a fever (trailing, it would be held against itself and be "
        "gone at 16:00, and the 38.4 of hour 24 would be new).",
        FEVER,
        "TEMP 00:00 37.0 04:00 37.0 08:00 38.2 12:00 38.2 16:00 38.2 20:00 38.2 2/00:00 38.4 2/04:00 38.4",
        [("definite", "new", 4, 8)],
    ),
    "frozen for washout and baseline hours at most": Example(
        "6 + 12 = 18 h after 08:00 the reference is let go: at hour 28 it is the median of hours 16 to 24, 38.2, so "
        "that 38.2 is normal at 28 and 32; 38.4 at 36 is new, 12 h after the last abnormal one at 24.",
        FEVER,
        """
        TEMP 00:00 37.0 04:00 37.0 08:00 38.2 12:00 38.2 16:00 38.2 20:00 38.2 2/00:00 38.2
        TEMP 2/04:00 38.2 2/08:00 38.2 2/12:00 38.4
        """,
        [("definite", "new", 4, 8), ("definite", "new", 32, 36)],
    ),
    "without a reference a fall is not measured": Example(
        "92 at the first measurement: nothing lies before it; the second is held against the first.",
        DISTRESS,
        "OXYSAT 06:00 92  07:00 92",
        NONE,
    ),
    "oxygen that was never charted before": Example(
        "Room air, .21: .5 is a rise of .29, and at most possible. Nothing before it: from 12 h before.",
        DISTRESS,
        "FIO2 14:00 0.5  15:00 0.5",
        [("possible", "room_air", 2, 14)],
    ),
    "oxygen from 0.4 to 0.6": Example(
        "A rise of 0.2, though not in binary.",
        DISTRESS,
        "FIO2 00:00 0.4  04:00 0.4  08:00 0.6  09:00 0.6",
        [("definite", "new", 4, 8)],
    ),
    "two values at one instant": Example(
        "One measurement, abnormal since one of them is.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 97  06:00 85  07:00 86  08:00..12:00 97",
        [("definite", "new", 5, 6)],
    ),
}

STANDS = {
    "contradicted by the next": Example(
        "Normal an hour later, and no other abnormal one within 3 h: lone, a possible onset.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00..12:00 97",
        [("possible", "lone", 5, 6)],
    ),
    "contradicted two hours later": Example(
        "At most 2 h.",
        DISTRESS,
        "OXYSAT 02:00 97  04:00 97  06:00 85  08:00 97  10:00 97",
        [("possible", "lone", 4, 6)],
    ),
    "the next is too late to contradict": Example(
        "2 h and a minute: it stands.",
        DISTRESS,
        "OXYSAT 02:00 97  04:00 97  06:00 85  08:01 97  10:00 97",
        [("definite", "new", 4, 6)],
    ),
    "another one within three hours": Example(
        "06:00 and 09:00 confirm each other; that of 09:00, back after 3 h, is listed under the first.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00 97  08:00 97  09:00 86  10:00..14:00 97",
        [("definite", "new", 5, 6)],
    ),
    "another one after three hours": Example(
        "A minute more: both are lone.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00 97  08:00 97  09:01 86  10:00..14:00 97",
        [("possible", "lone", 5, 6)],
    ),
    "another test within half an hour": Example(
        "A rate of 32 at 06:30 confirms the saturation of 06:00: present from 06:00.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00..12:00 97\nRESP 00:30 18 05:30 18  06:30 32  07:30 18 08:30 18",
        [("definite", "new", 5, 6)],
    ),
    "another test after half an hour": Example(
        "At 06:31 it is a minute too late: both are lone.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00..12:00 97\nRESP 00:30 18 05:30 18  06:31 32  07:30 18 08:30 18",
        [("possible", "lone", 5, 6)],
    ),
    "a temperature every four hours": Example(
        "The next is 4 h later: 39.0 stands.",
        FEVER,
        "TEMP 00:00 37.0  04:00 37.0  08:00 39.0  12:00 37.0  16:00 37.0",
        [("definite", "new", 4, 8)],
    ),
    "the last measurement": Example(
        "Nothing follows, as before death or transfer: it stands.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85",
        [("definite", "new", 5, 6)],
    ),
    "flicker": Example(
        "Every second one is normal; each abnormal one has another within 3 h.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00 97  08:00 86  09:00 97  10:00 85  11:00 97 12:00 97",
        [("definite", "new", 5, 6)],
    ),
    "one of a run is never lone": Example(
        "06:00 and 11:00 are two of three in a row, steps of 1.5 and 3.5 h: a run, though 07:30 is normal.",
        DISTRESS,
        "OXYSAT 02:00 97  04:00 97  06:00 85  07:30 97  11:00 85  12:00 97  13:00 97",
        [("definite", "new", 4, 6)],
    ),
    "a lone one hides nothing": Example(
        "A rate of 30 at 02:00, normal at 03:00; distress from 06:00 is new. The lone one lies within 6 h of it.",
        DISTRESS,
        "RESP 00:00 18  01:00 18  02:00 30  03:00..05:00 18  06:00 34  07:00 34  08:00..12:00 18",
        [("definite", "new", 5, 6)],
    ),
}

PRESENT = {
    "one normal one between": Example(
        "06:00 to 08:00 is a run; 09:00 is normal, 10:00 abnormal: two of three. It goes on.",
        DISTRESS,
        "RESP 00:00..05:00 18  06:00..08:00 32  09:00 18  10:00 32  11:00..16:00 18",
        [("definite", "new", 5, 6)],
    ),
    "two normal ones, five hours after the last abnormal one": Example(
        "Gone at 08:00; 07:00 to 12:00 is less than the washout: back, possible.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00 86  08:00..11:00 97  12:00 86  13:00 86  14:00..18:00 97",
        [("definite", "new", 5, 6), ("possible", "back", 11, 12)],
    ),
    "two normal ones, six hours after the last abnormal one": Example(
        "07:00 to 13:00 is the washout: new.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 85  07:00 86  08:00..12:00 97  13:00 86  14:00 86  15:00..18:00 97",
        [("definite", "new", 5, 6), ("definite", "new", 12, 13)],
    ),
    "a single normal one shows nothing": Example(
        "Normal at 11:30 alone: not gone, so 31 at 16:00 is the same episode.",
        DISTRESS,
        "RESP 00:00..05:00 18  06:00 31  07:00 31  11:30 26  16:00 31  17:00 31  18:00..20:00 18",
        [("definite", "new", 5, 6)],
    ),
    "a second normal one shows that it was gone": Example(
        "Normal at 11:30 and 12:00: gone at 11:30, and new 9 h after 07:00.",
        DISTRESS,
        "RESP 00:00..05:00 18  06:00 31  07:00 31  11:30 26  12:00 26  16:00 31  17:00 31  18:00..20:00 18",
        [("definite", "new", 5, 6), ("definite", "new", 12, 16)],
    ),
    "each test that was abnormal must be normal again": Example(
        "The rate is normal from 08:00; the saturation, abnormal at 07:00, was never normal before 14:00.",
        DISTRESS,
        """
        OXYSAT 00:00..05:00 97  06:00 86  07:00 86  14:00 88  15:00 88  16:00..20:00 97
        RESP   00:00..05:00 18  06:00 32  07:00 32  08:00..20:00 18
        """,
        [("definite", "new", 5, 6)],
    ),
    "a single one is present until the next measurement": Example(
        "08:00 stands (12:30 is 4.5 h later) and is no run; present until 12:30. 14:30 is 6.5 h after it: new.",
        DISTRESS,
        "RESP 00:00 18  04:00 18  08:00 32  12:30 18  14:30 32  15:30 33  16:30..20:30 18",
        [("definite", "new", 4, 8), ("definite", "new", 12.5, 14.5)],
    ),
    "never seen normal between": Example(
        "88 at 07:00 and 14:00, each alone; a normal rate says nothing of saturation: possible, from 07:00.",
        DISTRESS,
        "OXYSAT 00:00..06:00 97  07:00 88  14:00 88\nRESP 00:00..15:00 20",
        [("definite", "new", 6, 7), ("possible", "unseen", 7, 14)],
    ),
    "nobody knows after eighteen hours": Example(
        "Abnormal until 07:00, then not measured for 23 h, more than washout and baseline (18 h): no longer waited "
        "for. The rate, normal all along, is new at hour 30.",
        DISTRESS,
        """
        OXYSAT 00:00..05:00 97  06:00 86  07:00 86
        RESP   00:00..2/05:00 18  2/06:00 32  2/07:00 32  2/08:00..2/12:00 18
        """,
        [("definite", "new", 5, 6), ("definite", "new", 29, 30)],
    ),
}

NEW = {
    "a normal saturation six hours before": Example(
        "At most 6 h old.",
        DISTRESS,
        "OXYSAT 00:00 97  06:00 85  07:00 85  08:00..12:00 97",
        [("definite", "new", 0, 6)],
    ),
    "a normal saturation longer before": Example(
        "6 h and a minute: possible.",
        DISTRESS,
        "OXYSAT 00:00 97  06:01 85  07:00 85  08:00..12:00 97",
        [("possible", "unseen", 0, 6.0167)],
    ),
    "a normal temperature twelve hours before": Example(
        "A temperature is fresh for 12 h.",
        FEVER,
        "TEMP 00:00 37.0  12:00 39.0  16:00 39.0",
        [("definite", "new", 0, 12)],
    ),
    "never measured before": Example(
        "No normal measurement lies before it: possible, from 6 h before.",
        DISTRESS,
        "OXYSAT 06:00 85  07:00 85  08:00..12:00 97",
        [("possible", "unseen", 0, 6)],
    ),
    "another test was normal": Example(
        "A normal rate says nothing of the saturation, which was never measured before.",
        DISTRESS,
        "RESP 00:00..12:00 18\nOXYSAT 06:00 85  07:00 85  08:00..12:00 97",
        [("possible", "unseen", 0, 6)],
    ),
    "two tests at one charting": Example(
        "One onset, from the later of the two last normals, 05:30.",
        DISTRESS,
        "OXYSAT 04:00 97 05:00 97  06:00 85  07:00 85\nRESP 04:30 18 05:30 18  06:00 32  07:00 32",
        [("definite", "new", 5.5, 6)],
    ),
    "two tests, one of them not fresh": Example(
        "The rate was normal 7 h before; the saturation 1 h before, and that is enough.",
        DISTRESS,
        "OXYSAT 06:00 97 07:00 97  08:00 85  09:00 85\nRESP 01:00 18  08:00 32  09:00 32",
        [("definite", "new", 7, 8)],
    ),
}

WORSE = {
    "four below what was there": Example(
        "89 all along, 85 twice: 4 beyond anything that two in a row showed.",
        DISTRESS,
        "OXYSAT 00:00..07:00 89  08:00 85  09:00 85  10:00..14:00 89",
        [("definite", "worse", 7, 8)],
    ),
    "three below what was there": Example(
        "86 is 3 beyond 89.",
        DISTRESS,
        "OXYSAT 00:00..07:00 89  08:00 86  09:00 86  10:00..14:00 89",
        NONE,
    ),
    "one alone, and the next as before": Example(
        "80 and 89 an hour later: the milder of two in a row is 89.",
        DISTRESS,
        "OXYSAT 00:00..07:00 89  08:00 80  09:00..14:00 89",
        NONE,
    ),
    "one alone, and none follows within two hours": Example(
        "84 counts by itself: 5 beyond 89.",
        DISTRESS,
        "OXYSAT 00:00..07:00 89  08:00 84  11:00..14:00 89",
        [("definite", "worse", 7, 8)],
    ),
    "as bad within the washout": Example(
        "84 twice at 05:00; at 08:00 it is as bad as that, not worse.",
        DISTRESS,
        "OXYSAT 00:00..04:00 89  05:00 84  06:00 84  07:00 89  08:00 84  09:00 84  10:00..14:00 89",
        [("definite", "worse", 4, 5)],
    ),
    "a rate worse by eight and a quarter": Example(
        "50 is 10 above 40, and 1.25 times 40.",
        DISTRESS,
        "RESP 00:00..07:00 40  08:00 50  09:00 50  10:00..14:00 40",
        [("definite", "worse", 7, 8)],
    ),
    "a rate worse by eight, not by a quarter": Example(
        "49 is 9 above 40, and less than 50.",
        DISTRESS,
        "RESP 00:00..07:00 40  08:00 49  09:00 49  10:00..14:00 40",
        NONE,
    ),
    "a temperature worse by one degree": Example(
        "39.4 and 39.5 are 1.0 above 38.4.",
        FEVER,
        "TEMP 00:00 38.4  04:00 38.4  08:00 38.4  10:00 39.4  11:00 39.5  14:00 38.4  18:00 38.4",
        [("definite", "worse", 8, 10)],
    ),
    "another test of the component was there": Example(
        "A rate of 32 all along; the saturation falls from 94 to 84: 10 beyond what it showed.",
        DISTRESS,
        "RESP 00:00..14:00 32\nOXYSAT 00:00..07:00 94  08:00 84  09:00 85  10:00..14:00 94",
        [("definite", "worse", 7, 8)],
    ),
    "the last measurement of the test is old": Example(
        "Saturation was charted at 04:00 and at 11:00, 7 h later: possible.",
        DISTRESS,
        "RESP 00:00..14:00 32\nOXYSAT 00:00..04:00 89  11:00 80  12:00 80  13:00 89  14:00 89",
        [("possible", "worse", 4, 11)],
    ),
    "back as it was, after normal ones": Example(
        "31 at 06:00 and 07:00, normal from 08:00, 31 again at 12:30: the washout before 07:00 showed 31: not worse.",
        DISTRESS,
        "RESP 00:00..05:00 18  06:00 31  07:00 31  08:00..12:00 18  12:30 31  13:30 31  14:30..18:30 18",
        [("definite", "new", 5, 6), ("possible", "back", 12, 12.5)],
    ),
    "worse as it comes back within the washout": Example(
        "88 until 07:00, gone, 80 at 12:00: back by 5 h, but 8 beyond the 88 of the washout: definite.",
        DISTRESS,
        "OXYSAT 00:00..05:00 97  06:00 88  07:00 88  08:00..11:00 97  12:00 80  13:00 80  14:00..18:00 97",
        [("definite", "new", 5, 6), ("definite", "worse", 11, 12)],
    ),
}

TABLES = {"abnormal": ABNORMAL, "stands": STANDS, "present and gone": PRESENT, "new": NEW, "worse": WORSE}
EXAMPLES = {f"{table}: {name}": one for table, rows in TABLES.items() for name, one in rows.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_onsets_follow_from_the_chart(name: str, rows: Rows, alone: Mapping[str, StudyProtocol]) -> None:
    example = EXAMPLES[name]
    found = rows(f"dose 00:00\n{example.chart}", under=alone[example.component])
    told = [(one.certainty, dict(one.why)[example.component], *one.onset_hours) for one in found]
    assert sorted(told, key=lambda one: one[3]) == example.expected, example.definition


@pytest.mark.parametrize(
    ("data_cutoff", "provisional"),
    [("07:59", True), ("08:00", False)],
    ids=["within confirm_hours", "after them"],
)
def test_an_abnormal_last_measurement_waits_for_its_contradiction(
    data_cutoff: str, provisional: bool, rows: Rows, alone: Mapping[str, StudyProtocol]
) -> None:
    """85 at 06:00 and nothing since: until 08:00 a normal one could take it back. It stands meanwhile."""
    chart = "dose 00:00\nOXYSAT 00:00..05:00 97  06:00 85"
    (found,) = rows(chart, data_cutoff=data_cutoff, under=alone[DISTRESS])
    assert (found.certainty, found.provisional) == ("definite", provisional)


def test_a_confirmed_last_measurement_waits_for_nothing(
    rows: Rows, alone: Mapping[str, StudyProtocol]
) -> None:
    """A rate of 32 at 06:10 confirms the saturation of 06:00."""
    chart = "dose 00:00\nOXYSAT 00:00..05:00 97  06:00 85\nRESP 00:00..05:00 18  06:10 32"
    (found,) = rows(chart, data_cutoff="06:30", under=alone[DISTRESS])
    assert (found.certainty, found.provisional) == ("definite", False)
