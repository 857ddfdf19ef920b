"""Worked examples of severity scores: how much worse a subject became in a block of hours, by its own chart.

One dose; risk window 5 to 8 h, control windows 24 to 6 h before and 12 to 48 h after it. Unless an example says
otherwise a chart has TEMP 37.0 and OXYSAT 97 every hour from 30 h before to 50 h after the dose: their median, and a
median absolute deviation of 0, so that a value is as many deviations away as it lies floors from the median: 0.3 C,
3 breaths a minute, 1.5 %.

C(t) is the lowest, over the components, of the highest deviation of their tests in (t - 3 h, t]; a block after s
scores u = max C in (s, s + 3 h] - max(0, max C in (s - 6 h, s]), if each component was measured in (s, s + 3 h].
"""

from collections.abc import Mapping
from math import nan
from typing import NamedTuple

import pandas as pd
import pytest
from charts_by_hand import DAY, GOOD

from checks.cases.severity_scores import score_doses
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import CaseDefinition
from checks.statistics.timing.severity import severity, severity_e_values

DOSE = DAY + pd.Timedelta(days=2)
HOURS = range(-30, 51)
USUAL = {"TEMP": 37.0, "OXYSAT": 97.0}
FEVER = {"any_of": [{"vital": "TEMP", "at_least": 38.3, "unit": "C"}]}
DISTRESS = {
    "any_of": [
        {"vital": "OXYSAT", "below": 90, "unit": "%"},
        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
    ]
}
Chart = Mapping[str, Mapping[int, float | None]]


def protocol(control: tuple[tuple[float, float], ...], **components: object) -> StudyProtocol:
    named = {"fever": FEVER, "respiratory_distress": DISTRESS} | components
    definition = CaseDefinition.model_validate({"name": "by_hand", "components": named})
    windows = {"risk_window_hours": (5.0, 8.0), "control_windows_hours": control}
    return GOOD.model_copy(update={"case_definition": definition, **windows})


def scores_of(
    chart: Chart,
    *,
    doses: tuple[int, ...] = (0,),
    control: tuple[tuple[float, float], ...] = ((-24, -6), (12, 48)),
    **components: object,
) -> Mapping[float, float | None]:
    """The scores of the first dose, by the hour after which its blocks begin.

    A chart has, by test, what differs from the usual values, by hour since the dose; None is not measured.
    Another subject without a chart was dosed half a day later, so that doses have no clock.
    """
    rows = [
        ("VS", "A", test, value, DOSE + pd.Timedelta(hours=hour))
        for test in {**USUAL, **chart}
        for hour in HOURS
        for value in [chart.get(test, {}).get(hour, USUAL.get(test))]
        if value is not None
    ]
    names = ["domain", "USUBJID", "test", "value", "earliest"]
    measurements = pd.DataFrame(rows, columns=names).assign(latest=lambda rows: rows["earliest"])
    given = [("A", number, DOSE + pd.Timedelta(hours=hour)) for number, hour in enumerate(doses, start=1)]
    given.append(("B", 1, DOSE + pd.Timedelta(hours=12)))
    table = pd.DataFrame(given, columns=["USUBJID", "dose_number", "start_earliest"])
    found = score_doses(
        measurements,
        table.assign(start_latest=table["start_earliest"]),
        pd.Index(["A", "B"]),
        protocol(control, **components),
        zones={},
    )
    return dict(zip(found[0].hours, found[0].scores, strict=True))


def over(first: int, last: int, value: float | None) -> dict[int, float | None]:
    return dict.fromkeys(range(first, last + 1), value)


class Score(NamedTuple):
    """``expected`` are scores by the hour after which a block begins; None where there is none."""

    definition: str
    chart: Chart
    expected: Mapping[float, float | None]


WAVES = {hour: (97.0, 95.0, 93.0)[hour % 3] for hour in HOURS}
SCORES = {
    "floors": Score(
        "(38.2 - 37) / 0.3 = 4 and (97 - 91) / 1.5 = 4. Hour 7 speaks until 10, in the 6 h before the blocks from 12 "
        "and from 15: their own highest is 0, less 4. From 18 on nothing is left of it.",
        {"TEMP": over(6, 7, 38.2), "OXYSAT": over(6, 7, 91)},
        {5: 4.0, 12: -4.0, 15: -4.0, 18: 0.0, -9: 0.0},
    ),
    "the milder component": Score(
        "TEMP (39.1 - 37) / 0.3 = 7, OXYSAT (97 - 94) / 1.5 = 2.",
        {"TEMP": over(6, 7, 39.1), "OXYSAT": over(6, 7, 94)},
        {5: 2.0},
    ),
    "the worst test of a component": Score(
        "RESP 16 every hour, then 28: (28 - 16) / 3 = 4. OXYSAT stays: 0. TEMP (38.5 - 37) / 0.3 = 5.",
        {"TEMP": over(6, 7, 38.5), "RESP": {**over(-30, 50, 16.0), **over(6, 7, 28.0)}},
        {5: 4.0},
    ),
    "a deviation wider than its floor": Score(
        "OXYSAT 97, 95, 93 in turn, 86 at hours 6 and 7. Median 95; two of three values lie 2 from it: deviation "
        "2 x 1.4826 = 2.9652, more than 1.5. (95 - 86) / 2.9652 = 3.0352. TEMP (40 - 37) / 0.3 = 10. Before, TEMP is "
        "the milder: 0.",
        {"TEMP": over(6, 7, 40.0), "OXYSAT": {**WAVES, **over(6, 7, 86.0)}},
        {5: 3.0352},
    ),
    "away from harm": Score(
        "From hour 2 to 8 OXYSAT 91, TEMP 35.8: (35.8 - 37) / 0.3 = -4. Before hour 2 the highest was 0, in (-1, 5].",
        {"TEMP": over(2, 8, 35.8), "OXYSAT": over(2, 8, 91.0)},
        {5: -4.0},
    ),
    "below 0 before counts as 0": Score(
        "TEMP 35.8 from hour -3 to 5, so that C is -4 in all of (-1, 5]; OXYSAT 101. Then 4: 4 - max(0, -4) = 4.",
        {
            "TEMP": {**over(-3, 5, 35.8), **over(6, 7, 38.2)},
            "OXYSAT": {**over(-3, 5, 101.0), **over(6, 7, 91.0)},
        },
        {5: 4.0},
    ),
    "what goes on from before": Score(
        "4 from hour 3 on: 4 in the window, 4 in the 6 h before it.",
        {"TEMP": over(3, 8, 38.2), "OXYSAT": over(3, 8, 91.0)},
        {5: 0.0},
    ),
    "what becomes worse": Score(
        "2 from hour 3 on, (37.6 - 37) / 0.3 and (97 - 94) / 1.5; 4 from hour 6 on: 4 - 2.",
        {
            "TEMP": {**over(3, 5, 37.6), **over(6, 8, 38.2)},
            "OXYSAT": {**over(3, 5, 94.0), **over(6, 8, 91.0)},
        },
        {5: 2.0},
    ),
    "an episode that ended 6 h before": Score(
        "4 at hour -4 alone. It speaks until -1 (not at it): outside (-1, 5].",
        {"TEMP": {-4: 38.2, **over(6, 7, 38.2)}, "OXYSAT": {-4: 91.0, **over(6, 7, 91.0)}},
        {5: 4.0},
    ),
    "an episode that ended a little later": Score(
        "4 at hour -3: it speaks until 0.",
        {"TEMP": {-3: 38.2, **over(6, 7, 38.2)}, "OXYSAT": {-3: 91.0, **over(6, 7, 91.0)}},
        {5: 0.0},
    ),
    "at the beginning of the block": Score(
        "4 at hour 5 alone, which is before (5, 8]: it speaks in both, 4 - 4. At hour 8 it would be in it.",
        {"TEMP": {5: 38.2}, "OXYSAT": {5: 91.0}},
        {5: 0.0},
    ),
    "at the end of the block": Score(
        "4 at hour 8 alone.",
        {"TEMP": {8: 38.2}, "OXYSAT": {8: 91.0}},
        {5: 4.0},
    ),
    "three hours between the components": Score(
        "Fever at hour 6, the next temperature at 9; distress at 8: that of hour 6 lies in (5, 8], C(8) = 4.",
        {"TEMP": {6: 38.2, 7: None, 8: None}, "OXYSAT": {8: 91.0}},
        {5: 4.0},
    ),
    "too long between the components": Score(
        "Fever at hour 2, the next temperature at 6; distress at 5: no temperature lies in (2, 5], and until 5 "
        "OXYSAT was the milder: 0 in the 6 h before the block. Then 4: 4 - 0. A fever at hour 3 met it: 4 - 4.",
        {"TEMP": {**over(3, 5, None), 2: 38.2, **over(6, 7, 38.2)}, "OXYSAT": over(5, 7, 91.0)},
        {5: 4.0},
    ),
    "no temperature in the block": Score(
        "None from hour 6 to 8: that of hour 5 speaks until 8, but does not lie in (5, 8].",
        {"TEMP": {5: 38.2, **over(6, 8, None)}, "OXYSAT": over(6, 7, 91.0)},
        {5: None},
    ),
    "one temperature in the block, none before": Score(
        "At hour 8 alone: in (5, 8]; the one before, at -2, speaks in (-1, 1): OXYSAT is 0 there, and 4 at hour 8.",
        {"TEMP": {**over(-1, 7, None), 8: 38.2}, "OXYSAT": over(6, 8, 91.0)},
        {5: 4.0},
    ),
    "no test of a component in the block": Score(
        "No OXYSAT from hour 6 to 8, and no RESP at all: that of hour 5 speaks until 8, but is not in (5, 8].",
        {"TEMP": over(6, 7, 38.2), "OXYSAT": {5: 91.0, **over(6, 8, None)}},
        {5: None},
    ),
    "one test of a component in the block": Score(
        "No OXYSAT from hour 6 to 8, but RESP, 16 every hour, then 28: (28 - 16) / 3 = 4. TEMP "
        "(38.5 - 37) / 0.3 = 5.",
        {
            "TEMP": over(6, 7, 38.5),
            "OXYSAT": over(6, 8, None),
            "RESP": {**over(-30, 50, 16.0), **over(6, 7, 28.0)},
        },
        {5: 4.0},
    ),
    "nothing before the block": Score(
        "The chart begins 23 h before the dose: nothing in (-30, -24].",
        {"TEMP": over(-30, -24, None), "OXYSAT": over(-30, -24, None)},
        {-24: None, -21: 0.0},
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_the_score_of_a_block(name: str) -> None:
    example = SCORES[name]
    found = scores_of(example.chart)
    for hour, expected in example.expected.items():
        wanted = None if expected is None else pytest.approx(expected, abs=1e-4)
        assert found[hour] == wanted, (hour, example.definition)


def test_where_all_criteria_must_hold_the_mildest_test_is_the_component() -> None:
    """OXYSAT 4, RESP (22 - 16) / 3 = 2, both asked for."""
    both = {"all_of": DISTRESS["any_of"]}
    chart = {
        "TEMP": over(6, 7, 38.5),
        "OXYSAT": over(6, 7, 91.0),
        "RESP": {**over(-30, 50, 16.0), **over(6, 7, 22.0)},
    }
    assert scores_of(chart, respiratory_distress=both)[5] == pytest.approx(2.0)


class Blocks(NamedTuple):
    """The hours after which blocks begin; the risk window's first."""

    definition: str
    doses: tuple[int, ...]
    control: tuple[tuple[float, float], ...]
    expected: tuple[int, ...]


BLOCKS = {
    "tiled from the edge nearest the dose": Blocks(
        "Six in 18 h before, twelve in 36 h after.",
        (0,),
        ((-24, -6), (12, 48)),
        (5, -24, -21, -18, -15, -12, -9, *range(12, 46, 3)),
    ),
    "what is left over lies far from the dose": Blocks(
        "(-17, -6]: -9, -12, -15, 2 h left. (12, 20]: 12, 15, 2 h left.",
        (0,),
        ((-17, -6), (12, 20)),
        (5, -15, -12, -9, 12, 15),
    ),
    "nearer to another dose": Blocks(
        "A second dose at 24 h: blocks whose middle lies after 12 h are its own, such as that from 12, at 13.5.",
        (0, 24),
        ((-24, -6), (9, 48)),
        (5, -24, -21, -18, -15, -12, -9, 9),
    ),
    "as near to another dose": Blocks(
        "Middle 12 h of a block from 10.5 would be 12: the earlier dose has it.",
        (0, 24),
        ((10.5, 48),),
        (5, 10.5),
    ),
    "hours of another dose's risk window": Blocks(
        "Another dose 10 h before, at risk from -5 to -2 h: the block from -6 is nearer to this dose, but in part at "
        "risk. It is nobody's.",
        (0, -10),
        ((-6, -3), (12, 15)),
        (5, 12),
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_blocks_of_a_dose(name: str) -> None:
    example = BLOCKS[name]
    found = scores_of({}, doses=example.doses, control=example.control)
    assert tuple(found) == example.expected, example.definition


class Drawn(NamedTuple):
    """Scores of each subject's blocks, in brackets those of its risk windows; statistic and p of the rule."""

    definition: str
    subjects: tuple[str, ...]
    statistic: float
    p_value: float
    order: int = 2


DRAWN = {
    "two who turn worst in their risk windows": Drawn(
        "Each of four blocks might have been the risk block: the second largest, 2.2, is reached by 1 of 4 in each.",
        ("[3.1] 0.2 1.0 -0.4", "[2.2] 0.0 0.7 1.9"), 2.2, 1 / 16,
    ),
    "another block reaches as much": Drawn(
        "2.2 is reached by two of four blocks of the first: 2/4 x 1/4.",
        ("[3.1] 2.2 1.0 -0.4", "[2.2] 0.0 0.7 1.9"), 2.2, 1 / 8,
    ),
    "one alone": Drawn(
        "The second largest of 3.1 and 0.4 is raised to the floor, which everybody reaches.",
        ("[3.1] 0.2 1.0 -0.4", "[0.4] 0.0 0.7 1.9"), 1.5, 1.0,
    ),
    "one alone is enough by order 1": Drawn(
        "3.1 is reached by 1 of 4 blocks of the first, by none of the second.",
        ("[3.1] 0.2 1.0 -0.4", "[0.4] 0.0 0.7 1.9"), 3.1, 1 / 4, 1,
    ),
    "below the floor": Drawn(
        "1.4 in both: below 1.5 nothing is told apart.",
        ("[1.4] 0.2 1.0 -0.4", "[1.4] 0.0 0.7 0.9"), 1.5, 1.0,
    ),
    "above the floor": Drawn(
        "1.6 in both, 1.5 elsewhere does not reach it.",
        ("[1.6] 1.5 1.0 -0.4", "[1.6] 0.0 0.7 0.9"), 1.6, 1 / 16,
    ),
    "two doses of a subject": Drawn(
        "The first has two risk blocks of five, and 2.0 is reached by two of the five: 1 - C(3, 2) / C(5, 2) = 7/10. "
        "Of the second 1 of 2.",
        ("[2.0] 0.1 [0.3] 2.4 0.0", "[2.1] 0.0"), 2.0, 7 / 20,
    ),
    "at least two of three": Drawn(
        "Each reaches 2.2 by 1 of 2: two or three of three in 4 of 8 draws.",
        ("[2.2] 0.0", "[2.2] 0.0", "[2.2] 0.0"), 2.2, 1 / 2,
    ),
    "blocks that are not scored": Drawn(
        "They are no blocks: the first has 1 of 3, the third 1 of 2; the second, without a risk block, says nothing.",
        ("[3.0] - 0.0 1.0", "[-] 0.0 0.0", "[3.0] 0.0 -"), 3.0, 1 / 6,
    ),
}  # fmt: skip


def blocks(text: str) -> tuple[list[float], list[bool]]:
    words = text.split()
    values = (word.strip("[]") for word in words)
    return [nan if value == "-" else float(value) for value in values], [word[0] == "[" for word in words]


@pytest.mark.parametrize("name", DRAWN)
def test_the_permutation_test(name: str) -> None:
    example = DRAWN[name]
    scores, risk = zip(*map(blocks, example.subjects), strict=True)
    found = severity(scores, risk, order=example.order)
    assert (found.statistic, found.p_value) == pytest.approx((example.statistic, example.p_value)), (
        example.definition
    )


@pytest.mark.parametrize(
    ("text", "e_value"),
    [
        # g = 1 + 16 (u - 2)+: 81, 1, 1, 9, 1, 1, in the mean 94/6: 81 x 6 / 94
        ("[7] 0 1 2.5 -1 0.5", 5.1702127660),
        # nothing beyond 2 anywhere
        ("[2] 0 1 1.9", 1.0),
        # worst elsewhere: 1, 33, 1, 1, in the mean 9
        ("[0] 4 1 1", 1 / 9),
        # two risk blocks, 17 and 1, in the mean 9; all four 17, 1, 1, 1, in the mean 5
        ("[3] [0] 1 1", 9 / 5),
        # no scored risk block, or nothing else, says nothing
        ("[-] 4 1 1", 1.0),
        ("[7] - -", 1.0),
    ],
)
def test_the_e_value_of_a_dose(text: str, e_value: float) -> None:
    scores, risk = blocks(text)
    assert severity_e_values([scores], [risk]) == (pytest.approx(e_value, abs=1e-10),)
