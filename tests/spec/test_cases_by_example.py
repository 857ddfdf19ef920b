"""Worked examples of a case: what was charted, and the row that follows from the definitions.

The dose is at 08:00 on day 1, so the risk window, hours 5 to 8, is 13:00 to 16:00. Hours in the expected rows are
worked out by hand beside the example: a case lies in [max of the starts, max of the ends], its hour is the middle.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from checks.cases import Findings

Look = Callable[..., Findings]
Rows = Callable[..., list[Any]]
Told = tuple[tuple[object, ...], ...]
NONE: Told = ()
NEW = ("new", "new")

QUIET_OXYSAT = "OXYSAT 07:00 97  10:00 97  13:00 96  14:00 96"
QUIET_TEMP = "TEMP 07:00 37.0  10:00 37.0  13:00 37.1"
TEMP = f"{QUIET_TEMP}  14:00 38.5"
OXYSAT = f"{QUIET_OXYSAT}  14:15 88"


class Example(NamedTuple):
    """``expected`` has one row a case: dose, certainty, in the risk window, surely, hour, onset from, onset to; then
    why fever, and why respiratory distress.
    """

    definition: str
    chart: str
    expected: Told


CASE = {
    "new fever, then new desaturation": Example(
        "Fever began in [13:00, 14:00], distress in [14:00, 14:15]: [14:00, 14:15], hours 6 to 6.25.",
        f"""
        dose 08:00
        {TEMP}
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "names of components never matter": Example(
        "Distress in [13:00, 14:00], fever in [14:00, 14:15]: the same hours.",
        """
        dose   08:00
        OXYSAT 07:00 97    10:00 97    13:00 97    14:00 88
        TEMP   07:00 37.0  10:00 37.0  13:00 37.1  14:00 37.1  14:15 38.5
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "the interval may begin with one and end with the other": Example(
        "Fever in [12:00, 15:00], distress in [14:00, 14:15]: [14:00, 15:00], hours 6 to 7.",
        f"""
        dose 08:00
        TEMP 08:00 37.0  12:00 37.0  15:00 38.5
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.5, 6.0, 7.0, *NEW),),
    ),
    "fever long before the dose": Example(
        "06:00 is 8 h before 14:00, longer than the washout, and 09:00 and 13:00 were normal: new.",
        f"""
        dose 08:00
        TEMP 03:00 37.0  06:00 38.5  09:00 37.0  13:00 37.0  14:00 38.5
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "fever returns within the washout": Example(
        "09:00 and 10:00, then again 4 h after 10:00: back, possible.",
        f"""
        dose 08:00
        TEMP 07:00 37.0  09:00 38.5  10:00 38.5  11:00 37.0  13:00 37.0  14:00 38.5
        {OXYSAT}
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "back", "new"),),
    ),
    "one stray temperature within the washout": Example(
        "38.5 at 09:00 is contradicted at 11:00: lone, it hides nothing.",
        f"""
        dose 08:00
        TEMP 07:00 37.0  09:00 38.5  11:00 37.0  13:00 37.0  14:00 38.5
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "a single fast rate that stood, and a fast rate again": Example(
        "30 at 08:00, next charted at 12:30: it stood. 30 again at 13:30, 5.5 h later and no worse: back, possible.",
        """
        dose 07:00
        TEMP 06:00 37.0  10:00 37.0  12:00 37.1  13:00 38.5
        RESP 04:00 26  08:00 30  12:30 26  13:30 30  14:30 30
        """,
        ((1, "possible", "possible", False, 6.0, 5.5, 6.5, "new", "back"),),
    ),
    "fever returns at the washout": Example(
        "08:30 to 14:30 is 6 h exactly: new, in [13:00, 14:30]; with [14:00, 14:15] hours 6 to 6.5.",
        f"""
        dose 08:00
        TEMP 07:00 37.0  08:30 38.5  11:00 37.0  13:00 37.0  14:30 38.5
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.5, *NEW),),
    ),
    "a rise of one degree to thirty-eight": Example(
        "38.0 is 1.0 above the median of 37.0.",
        f"""
        dose 08:00
        TEMP 03:00 37.0  07:00 37.0  13:00 37.0  14:00 38.0
        {OXYSAT}
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "a rise that is too small": Example(
        "38.2 is 0.9 above 37.3, and below 38.3: no fever.",
        f"""
        dose 08:00
        TEMP 03:00 37.3  07:00 37.3  13:00 37.3  14:00 38.2
        {OXYSAT}
        """,
        NONE,
    ),
    "adverse events alone": Example(
        "Two timed ones: 14:30 is hour 6.5.",
        """
        dose 08:00
        AE   14:00 PYREXIA  14:30 RESPIRATORY_FAILURE
        """,
        ((1, "definite", "yes", True, 6.5, 6.5, 6.5, "reported", "reported"),),
    ),
    "adverse event without a time": Example(
        "Pyrexia on day 1: both began at hour 6 at the earliest, and at 23:59:59 (hour 15.9997) at the latest; no "
        "hour.",
        f"""
        dose 08:00
        {OXYSAT}
        AE   1/ PYREXIA
        """,
        ((1, "possible", "possible", False, None, 6.0, 15.9997, "reported", "new"),),
    ),
    "adverse event without a time beside a measured fever": Example(
        "Evidence only: as if it were not there.",
        f"""
        dose 08:00
        {TEMP}
        {OXYSAT}
        AE   1/ PYREXIA
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "adverse event dates a fever between measurements": Example(
        "[13:00, 15:00] by measurement and 14:00 by report: 14:00, hour 6; distress in [13:15, 13:30].",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  13:00 37.0  15:00 38.5
        OXYSAT 07:00 97    10:00 97    13:00 96    13:15 96    13:30 88
        AE     14:00 PYREXIA
        """,
        ((1, "definite", "yes", True, 6.0, 6.0, 6.0, *NEW),),
    ),
    "adverse event that disagrees": Example(
        "[15:00, 15:30] by measurement, 16:15 by report: the hull, hours 7 to 8.25; it leaves the window.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  15:00 37.0  15:30 38.5
        OXYSAT 07:00 97    10:00 97    15:00 96    15:15 88
        AE     16:15 PYREXIA
        """,
        ((1, "definite", "yes", False, 7.625, 7.0, 8.25, *NEW),),
    ),
    "first seen three hours apart": Example(
        "12:00 to 15:00 is 3 h, within reach; distress in [14:30, 15:00].",
        """
        dose   08:00
        TEMP   07:00 37.0  11:30 37.0  12:00 38.5  15:00 38.6
        OXYSAT 07:00 97    10:00 97    13:00 96    14:30 96    15:00 88
        """,
        ((1, "definite", "yes", True, 6.75, 6.5, 7.0, *NEW),),
    ),
    "distress all along, and worse": Example(
        "A rate of 32 all along; the saturation falls from 96 to 88: worse, in [14:00, 14:15].",
        f"""
        dose 08:00
        {TEMP}
        {OXYSAT}
        RESP 07:00..16:00 32
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, "new", "worse"),),
    ),
    "one fast breath before": Example(
        "32 at 10:30, 20 at 11:00: lone, it hides nothing.",
        f"""
        dose 08:00
        {TEMP}
        {OXYSAT}
        RESP 07:00 18  10:30 32  11:00 20  14:00 20
        """,
        ((1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),),
    ),
    "another test's normal measurement dates nothing": Example(
        "A rate of 20 at 14:05 says nothing of saturation: distress in [13:00, 14:15], fever in [13:00, 14:00].",
        f"""
        dose   08:00
        {TEMP}
        OXYSAT 07:00 97  10:00 97  13:00 96  14:15 88
        RESP   07:00 18  10:00 18  14:05 20
        """,
        ((1, "definite", "yes", True, 5.625, 5.0, 6.25, *NEW),),
    ),
    "oxygen need rises": Example(
        "From 0.4 to 0.6 in [14:00, 14:30].",
        f"""
        dose 08:00
        {TEMP}
        FIO2 07:00 0.4  10:00 0.4  14:00 0.4  14:30 0.6
        """,
        ((1, "definite", "yes", True, 6.25, 6.0, 6.5, *NEW),),
    ),
    "a lone saturation": Example(
        "88 at 14:15, 97 at 15:15: a possible onset, a possible case.",
        f"""
        dose 08:00
        {TEMP}
        {OXYSAT} 15:15 97 16:15 97
        """,
        ((1, "possible", "possible", False, 6.125, 6.0, 6.25, "new", "lone"),),
    ),
}

CHOSEN = {
    "the nearest of two": Example(
        "Distress new at 12:00 and worse at 14:00; the fever of 14:15 belongs to the nearer: [13:00, 14:15].",
        """
        dose   08:00
        TEMP   08:00 37.0  12:00 37.0  13:00 37.0  14:15 38.5
        OXYSAT 07:00..11:00 97  12:00 88  13:00 88  14:00 80  15:00 80
        """,
        ((1, "definite", "yes", True, 5.625, 5.0, 6.25, "new", "worse"),),
    ),
    "worse again five hours later": Example(
        "First seen at 14:15 and at 19:15: less than the washout, one case.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5  16:00 38.5  18:00 38.5  19:00 40.0  20:00 40.0
        OXYSAT 07:15..13:15 97  14:15..18:15 88  19:15 80  20:15 80
        """,
        ((1, "definite", "yes", True, 5.75, 5.25, 6.25, *NEW),),
    ),
    "worse again six hours later": Example(
        "First seen at 14:15 and at 20:15; worse in [18:00, 20:00] and [19:15, 20:15], hours 11.25 to 12.25.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5  16:00 38.5  18:00 38.5  20:00 40.0  21:00 40.0
        OXYSAT 07:15..13:15 97  14:15..19:15 88  20:15 80  21:15 80
        """,
        (
            (1, "definite", "yes", True, 5.75, 5.25, 6.25, *NEW),
            (1, "definite", "no", False, 11.75, 11.25, 12.25, "worse", "worse"),
        ),
    ),
    "a possible one beside a definite one": Example(
        "A lone saturation and a worse fever at 18:00, within 6 h of the definite case: its evidence, no case.",
        """
        dose   08:00
        TEMP   07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5  16:00 38.5  18:00 40.0  19:00 40.0
        OXYSAT 07:15..13:15 97  14:15 88  15:15 88  16:15 97  17:15 97  18:15 86  19:15 97  20:15 97
        """,
        ((1, "definite", "yes", True, 5.75, 5.25, 6.25, *NEW),),
    ),
    "an episode on each of two days": Example(
        "24 h apart, no dose between: both are listed under the dose; one is in its window.",
        """
        dose   08:00
        TEMP   07:00 37.0 10:00 37.0 13:00 37.1 14:00 38.5 20:00 37.0 2/13:00 37.1 2/14:00 38.5
        OXYSAT 07:00 97 10:00 97 14:00 96 14:15 88 20:00 97 2/14:00 96 2/14:15 88
        """,
        (
            (1, "definite", "yes", True, 6.125, 6.0, 6.25, *NEW),
            (1, "definite", "no", False, 30.125, 30.0, 30.25, *NEW),
        ),
    ),
}

TABLES = {"case": CASE, "chosen": CHOSEN}
EXAMPLES = {f"{table}: {name}": one for table, named in TABLES.items() for name, one in named.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_expected_cases_follow_from_the_chart(name: str, rows: Rows) -> None:
    example = EXAMPLES[name]
    found = sorted(rows(example.chart), key=lambda one: one.onset_hours)
    told = tuple((*one[:5], *one.onset_hours, *(why for _, why in one.why)) for one in found)
    assert told == example.expected, example.definition


QUARANTINE = {
    "a measurement in quarantine": (
        f"dose 08:00\n{TEMP}\n{OXYSAT}?",
        "Distress is shown by a withheld measurement alone: possible.",
        ("possible", "possible", False, 6.125, (6.0, 6.25)),
    ),
    "a measurement in quarantine, in another unit": (
        f"dose 08:00\n{QUIET_TEMP} 14:00 101.3|38.5?\n{OXYSAT}",
        "101.3 in a field of C was withheld; as F it is 38.5, a fever: possible.",
        ("possible", "possible", False, 6.125, (6.0, 6.25)),
    ),
    "a measurement in quarantine beside a sound one": (
        f"dose 08:00\n{TEMP}\n{OXYSAT} 14:20 85?",
        "The case stands without the withheld one: definite.",
        ("definite", "yes", True, 6.125, (6.0, 6.25)),
    ),
    "a dose in quarantine": (
        f"dose 08:00?\n{TEMP}\n{OXYSAT}",
        "A case of a dose that may not have been given is possible.",
        ("possible", "possible", False, 6.125, (6.0, 6.25)),
    ),
    "a dose without a time": (
        f"dose 1/\n{TEMP}\n{OXYSAT}",
        "Some time on day 1: at most 14.25 h after it, and at least 9.9997 h before it (14:00 against 23:59:59).",
        ("possible", "possible", False, None, (-9.9997, 14.25)),
    ),
}


@pytest.mark.parametrize(("chart", "definition", "expected"), QUARANTINE.values(), ids=list(QUARANTINE))
def test_what_is_in_doubt_is_at_most_possible(
    chart: str, definition: str, expected: tuple[object, ...], look: Look
) -> None:
    (case,) = look(chart).cases
    told = (case.certainty, case.in_risk_window, case.surely, case.hour, case.onset_hours)
    assert told == expected, definition


def test_a_case_names_what_shows_each_component(look: Look) -> None:
    """The first fever and the desaturation; the adverse event of 14:10 lies within [13:00, 14:30]."""
    (case,) = look(
        """
        dose    08:00
        TEMP    07:00 37.0  13:00 37.1  14:30 38.5
        OXYSAT  07:00 97    13:00 96    14:00 96    14:15 88
        AE      14:10 FEVER
        """
    ).cases
    fever, distress = (case.components[name] for name in ("fever", "respiratory_distress"))
    assert (fever.onset_hours, fever.evidence, fever.query) == (
        (6.1667, 6.1667),
        ("VS:VSSEQ=TEMP-3", "AE:AESEQ=1"),
        False,
    )
    assert (distress.onset_hours, distress.evidence) == ((6.0, 6.25), ("VS:VSSEQ=OXYSAT-4",))


def test_two_subjects_do_not_share_a_case(look: Look) -> None:
    """One has the fever, the other the desaturation."""
    assert look(f"dose 08:00\n{TEMP}\n{QUIET_OXYSAT}", f"dose 08:00\n{QUIET_TEMP}\n{OXYSAT}").cases == ()
