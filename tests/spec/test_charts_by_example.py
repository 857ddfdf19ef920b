"""Whole charts, as they lie on a ward or were reported to us, and the cases that follow from them.

In the first table the dose is at midnight of day 2, so that hours are those of the clock; a temperature is charted
every four hours, breathing and saturation every hour. In the second the dose is at 08:00 on day 2. ``expected`` has
one row a case: dose, certainty, in the risk window, surely, hour, onset from, onset to; then why fever and why
respiratory distress.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

Rows = Callable[..., list[Any]]
Told = tuple[tuple[object, ...], ...]
NEW = ("new", "new")

TEMP = "TEMP 1/12:00..2/04:00@4 37.0"
FEVER = f"{TEMP} 2/06:12 39.0 2/07:12 39.0"
"""First seen at hour 6.2, last normal at hour 4."""
OXYSAT = "OXYSAT 1/12:00..2/05:00 97"
DISTRESS = f"{OXYSAT} 2/06:00 85 2/07:00 86"
"""First seen at hour 6, last normal at hour 5."""
RESP = "RESP 1/12:00..2/07:00 18"


class Example(NamedTuple):
    definition: str
    chart: str
    expected: Told


WARD = {
    "a plain case": Example(
        "Fever in [4, 6.2], distress in [5, 6]: [5, 6.2].",
        f"{FEVER}\n{DISTRESS}\n{RESP}",
        ((1, "definite", "yes", True, 5.6, 5.0, 6.2, *NEW),),
    ),
    "one rate of 30 at hour 2": Example(
        "Contradicted at hour 3: lone, it hides nothing of the distress at hour 6.",
        f"{FEVER}\n{DISTRESS}\nRESP 1/12:00..2/01:00 18 2/02:00 30 2/03:00..2/05:00 18 2/06:00 34 2/07:00 34",
        ((1, "definite", "yes", True, 5.6, 5.0, 6.2, *NEW),),
    ),
    "a lone saturation at hour 6": Example(
        "85, and 97 an hour later.",
        f"{FEVER}\n{OXYSAT} 2/06:00 85 2/07:00 97\n{RESP}",
        ((1, "possible", "possible", False, 5.6, 5.0, 6.2, "new", "lone"),),
    ),
    "fast breathing throughout, then saturation falls": Example(
        "Distress is present by a rate of 32; the saturation falls from 94 to 84: worse.",
        f"{FEVER}\nOXYSAT 1/12:00..2/05:00 94 2/06:00 84 2/07:00 85\nRESP 1/12:00..2/07:00 32",
        ((1, "definite", "yes", True, 5.6, 5.0, 6.2, "new", "worse"),),
    ),
    "fever throughout, then higher": Example(
        "38.4 since the day before; 40.5 and 40.4 at hour 6: 2.0 worse.",
        f"TEMP 1/16:00..2/04:00@4 38.4 2/06:12 40.5 2/07:12 40.4\n{DISTRESS}\n{RESP}",
        ((1, "definite", "yes", True, 5.6, 5.0, 6.2, "worse", "new"),),
    ),
    "fever throughout, distress new": Example(
        "39.0, and 39.2 at hour 6: not worse. Half a case, in the interval of the distress.",
        f"TEMP 1/16:00..2/04:00@4 39.0 2/06:12 39.2\n{DISTRESS}\n{RESP}",
        ((1, "possible", "possible", False, 5.5, 5.0, 6.0, "half", "new"),),
    ),
    "no temperature ever before": Example(
        "Nobody measured that it was normal: possible.",
        f"TEMP 2/06:12 39.0 2/07:12 39.0\n{DISTRESS}\n{RESP}",
        ((1, "possible", "possible", False, 5.6, 5.0, 6.2, "unseen", "new"),),
    ),
    "the chart ends with the first abnormal ones": Example(
        "As before death: they stand.",
        f"{TEMP} 2/06:12 39.0\n{OXYSAT} 2/06:00 85\nRESP 1/12:00..2/05:00 18",
        ((1, "definite", "yes", True, 5.6, 5.0, 6.2, *NEW),),
    ),
    "first seen at 8.1, last normal at 7.1": Example(
        "Fever in [4, 8.2], distress in [7.1, 8.1]: [7.1, 8.2], its middle in the window, not surely.",
        f"{TEMP} 2/08:12 39.0 2/09:12 39.0\nOXYSAT 1/12:06..2/07:06 97 2/08:06 85 2/09:06 84",
        ((1, "definite", "yes", False, 7.65, 7.1, 8.2, *NEW),),
    ),
    "a saturation of 88 at hours 7 and 14, breathing normal between": Example(
        "Never seen normal between: possible, in [7, 14]; with the fever of [12, 14.1] that is [12, 14.1].",
        """
        TEMP   1/12:00..2/12:00@4 37.0 2/14:06 39.0
        OXYSAT 1/12:00..2/06:00 97 2/07:00 88 2/14:00 88
        RESP   1/12:00..2/14:00 20
        """,
        ((1, "possible", "no", False, 13.05, 12.0, 14.1, "new", "unseen"),),
    ),
    "oxygen is started, saturation held": Example(
        "From .21, last charted at hour 0, to .45: distress in [0, 6], fever in [4, 6.2].",
        f"{TEMP} 2/06:12 39.0\nOXYSAT 1/12:00..2/07:00 96\nRESP 1/12:00..2/07:00 20\n"
        "FIO2 1/16:00 .21 2/00:00 .21 2/06:00 .45 2/07:00 .5",
        ((1, "definite", "yes", False, 5.1, 4.0, 6.2, *NEW),),
    ),
    "distress at hours 0 and 1, normal until 5, again at 6": Example(
        "Gone for 5 h since hour 1, less than the washout: back, possible.",
        f"{FEVER}\nOXYSAT 1/12:00..1/23:00 97 2/00:00 86 2/01:00 87 2/02:00..2/05:00 96 "
        f"2/06:00 85 2/07:00 86\n{RESP}",
        ((1, "possible", "possible", False, 5.6, 5.0, 6.2, "new", "back"),),
    ),
}

SLOTS = "TEMP 1/12:00..2/12:00@4 37.0 2/16:00 39.2 2/20:00 38.0 3/00:00 37.0"
HALF_HOURLY = "OXYSAT 1/02:00..2/15:00@0.5 97 2/15:30 88 2/16:00 88 2/16:30..4/20:00@0.5 97"
"""A fever in [4, 8] and a distress in [7, 7.5]."""
EPISODE = """
TEMP   2/02:00..2/13:30@0.5 37.0 2/14:00 38.6 2/14:30..2/19:00@0.5 38.5 2/20:00..3/14:00 37.0
OXYSAT 1/22:00..2/13:30@0.5 97   2/14:00 88   2/14:30..2/19:00@0.5 89   2/20:00..3/14:00 97
"""
"""Both in [5.5, 6], until 19:00."""
SHORT_FEVER = "TEMP 1/02:00..2/13:30@0.5 37.0 2/14:00 38.6 2/14:30 38.6 2/15:00..4/20:00@0.5 37.0"


def both(normal_until: str, first: str, second: str, normal_from: str) -> str:
    """Fever and distress at the same two measurements."""
    step = "@0.25" if ":15" in second else ""
    ends = f"{normal_from}..4/19:00{step}"
    return "\n".join(
        f"{test} 1/02:00..{normal_until}{step} {normal} {first} {ill} {second} {ill} {ends} {normal}"
        for test, normal, ill in (("TEMP", "37.0", "38.6"), ("OXYSAT", "97", "88"))
    )


REPORTED = {
    "temperatures every four hours": Example(
        "[7, 8]: the onset may be at hour 8, so not surely.",
        f"dose 2/08:00\n{SLOTS}\n{HALF_HOURLY}",
        ((1, "definite", "yes", False, 7.5, 7.0, 8.0, *NEW),),
    ),
    "a report nine hours before the fever": Example(
        "PYREXIA at 07:00 ended at 08:00, the first of two normal temperatures: the measured fever is new.",
        f"dose 2/08:00\n{SLOTS}\n{HALF_HOURLY}\nAE 2/07:00 PYREXIA",
        ((1, "definite", "yes", False, 7.5, 7.0, 8.0, *NEW),),
    ),
    "a report seven hours before the fever": Example(
        "PYREXIA at 09:30, normal at 12:00 alone: absent for less than the washout, possible.",
        f"dose 2/08:00\n{SLOTS}\n{HALF_HOURLY}\nAE 2/09:30 PYREXIA",
        ((1, "possible", "possible", False, 7.5, 7.0, 8.0, "back", "new"),),
    ),
    "reports of hours 4.5 and 5, and a saturation at hour 9": Example(
        "HYPERTHERMIA at 12:30 and RESPIRATORY DISTRESS at 13:00 are a case at hour 5. DYSPNOEA at 16:06 belongs to "
        "the saturation of [16:30, 17:00], 4 h later: no second case.",
        """
        dose   2/08:00
        OXYSAT 2/16:30 97 2/17:00 85
        AE     2/12:30 HYPERTHERMIA 2/13:00 RESPIRATORY_DISTRESS 2/16:06 DYSPNOEA
        """,
        ((1, "definite", "yes", True, 5.0, 5.0, 5.0, "reported", "reported"),),
    ),
    "a second line of a known onset": Example(
        "Distress is known at 10:00; HYPOXIA at 14:30 is told while it is present, and moves nothing.",
        """
        dose   2/08:00
        TEMP   2/02:00..2/09:00 37.0 2/10:00 38.6 2/11:00..2/13:00 38.5 2/18:00..3/14:00 37.0
        OXYSAT 1/22:00..2/09:30@0.5 97 2/10:00 88 2/10:30..2/13:00@0.5 89 2/18:00..3/14:00 97
        AE     2/10:00 DYSPNOEA 2/14:30 HYPOXIA
        """,
        ((1, "definite", "no", False, 2.0, 2.0, 2.0, *NEW),),
    ),
    "a later line of the same dyspnoea": Example(
        "14:00 narrows [13:30, 14:00] to an instant; 19:00 moves nothing.",
        f"dose 2/08:00\n{EPISODE}\nAE 2/14:00 DYSPNOEA 2/19:00 DYSPNOEA",
        ((1, "definite", "yes", True, 6.0, 6.0, 6.0, *NEW),),
    ),
    "dates beside the measured case": Example(
        "Evidence of it, and nothing more.",
        f"dose 2/08:00\n{EPISODE}\nAE 2/ DYSPNOEA 2/ PYREXIA",
        ((1, "definite", "yes", True, 5.75, 5.5, 6.0, *NEW),),
    ),
    "a fever reported after each dose, never ended": Example(
        "PYREXIA of day 2 is open on day 3: no new onset there, so that a sustained saturation of 88 is half a case.",
        """
        dose   2/08:00 3/08:00
        OXYSAT 1/22:00..3/13:30@0.5 97 3/14:00 88 3/14:30 88 3/15:00..4/10:00@0.5 97
        AE     2/14:00 PYREXIA 3/14:00 PYREXIA
        """,
        ((2, "possible", "possible", False, 5.75, 5.5, 6.0, "half", "new"),),
    ),
    "the same, and the saturation lone": Example(
        "A lone onset makes half a case too.",
        """
        dose   2/08:00 3/08:00
        OXYSAT 1/22:00..3/13:30@0.5 97 3/14:00 88 3/14:30..4/10:00@0.5 97
        AE     2/14:00 PYREXIA 3/14:00 PYREXIA
        """,
        ((2, "possible", "possible", False, 5.75, 5.5, 6.0, "half", "lone"),),
    ),
    "between hours 4 and 5": Example(
        "Its middle, 4.5, is neither risk nor control; it touches the window.",
        f"dose 2/08:00\n{both('2/12:00', '2/13:00', '2/14:00', '2/15:00')}",
        ((1, "definite", "possible", False, 4.5, 4.0, 5.0, *NEW),),
    ),
    "between hours 7 and 8, a second dose the next day": Example(
        "Its middle, 7.5, is risk.",
        f"dose 2/08:00 3/08:00\n{both('2/15:00', '2/16:00', '2/17:00', '2/18:00')}",
        ((1, "definite", "yes", False, 7.5, 7.0, 8.0, *NEW),),
    ),
    "between hours 7.75 and 8": Example(
        "Its middle is 7.875.",
        f"dose 2/08:00\n{both('2/15:45', '2/16:00', '2/16:15', '2/16:30')}",
        ((1, "definite", "yes", False, 7.875, 7.75, 8.0, *NEW),),
    ),
    "two reports at hour 8": Example(
        "The window is half-open: not in it. The vital signs are normal.",
        "dose 2/08:00\nTEMP 1/02:00..4/19:00 37.0\nOXYSAT 1/02:00..4/19:00 97\n"
        "AE 2/16:00 PYREXIA~2/18:00 2/16:00 DYSPNOEA~2/18:00",
        ((1, "definite", "no", False, 8.0, 8.0, 8.0, "reported", "reported"),),
    ),
    "distress before the dose, far worse after it": Example(
        "89 all along, 75 from 14:00 to 16:00: 14 beyond what it was.",
        f"dose 2/08:00\n{SHORT_FEVER}\n"
        "OXYSAT 1/02:00..2/13:30@0.5 89 2/14:00..2/16:00@0.5 75 2/16:30..4/20:00@0.5 89",
        ((1, "definite", "yes", True, 5.75, 5.5, 6.0, "new", "worse"),),
    ),
    "oxygen with none charted before": Example(
        "Room air is a guess: possible.",
        f"dose 2/08:00\n{SHORT_FEVER}\nOXYSAT 1/02:00..4/20:00@0.5 97\nFIO2 2/14:00..2/16:00 0.6",
        ((1, "possible", "possible", False, 5.75, 5.5, 6.0, "new", "room_air"),),
    ),
    "a second dose four hours after the first": Example(
        "Hour 6.25 of the first, hour 2.25 of the second: listed where a window holds it.",
        f"dose 2/08:00 2/12:00\n{SHORT_FEVER}\n"
        "OXYSAT 1/02:00..2/14:00@0.5 97 2/14:30 88 2/15:00 88 2/15:30..4/20:00@0.5 97",
        ((1, "definite", "yes", True, 6.25, 6.0, 6.5, *NEW),),
    ),
    "saturation abnormal twice, only breathing seen normal between": Example(
        "A normal rate makes no new onset of a saturation: possible, and at hour 14.",
        """
        dose   2/08:00
        TEMP   1/02:00..2/21:30@0.5 37.0 2/22:00 38.6 2/22:30 38.6 2/23:00..4/20:00@0.5 37.0
        OXYSAT 2/03:00 97 2/07:00 97 2/15:00 88 2/22:00 88
        RESP   2/03:00 18 2/15:06 20 2/21:54 20
        """,
        ((1, "possible", "no", False, 13.75, 13.5, 14.0, "new", "unseen"),),
    ),
    "an ongoing dyspnoea of a higher grade": Example(
        "Open since 05:00, grade 3 at 14:00: a possible worse onset beside the fever of [13:00, 14:00].",
        """
        dose 2/08:00
        TEMP 2/02:00..2/13:00 37.0 2/14:00 38.9 2/15:00 38.9 2/16:00..2/20:00 37.0
        AE   2/05:00 DYSPNOEA#1 2/14:00 DYSPNOEA#3
        """,
        ((1, "possible", "possible", False, 6.0, 6.0, 6.0, "new", "worse"),),
    ),
}


def told(found: list[Any]) -> Told:
    return tuple((*one[:5], *one.onset_hours, *(why for _, why in one.why)) for one in found)


@pytest.mark.parametrize("name", WARD)
def test_the_cases_of_a_ward(name: str, rows: Rows) -> None:
    assert told(rows(f"dose 2/00:00\n{WARD[name].chart}")) == WARD[name].expected, WARD[name].definition


@pytest.mark.parametrize("name", REPORTED)
def test_the_cases_of_what_was_reported(name: str, rows: Rows) -> None:
    assert told(rows(REPORTED[name].chart)) == REPORTED[name].expected, REPORTED[name].definition
