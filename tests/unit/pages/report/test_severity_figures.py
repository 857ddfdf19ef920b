"""The figures of a severity rule; positions are worked out by hand from the axes."""

import copy
import json
import re
from pathlib import Path

import pytest

from flows.pages.report.figures.severity import MOST_ROWS, severity_figures
from flows.pages.sentences import observed_text

RULE = json.loads((Path(__file__).parent / "looks" / "severity_rule.json").read_text(encoding="utf-8"))


@pytest.fixture
def draw(signal, protocol, doses_of):
    def drawn(**changed):
        rule = copy.deepcopy(RULE)
        rule["detail"] |= changed
        signal["rules"].append(rule)
        return severity_figures(signal, protocol, doses_of(signal))

    return drawn


def circles(svg, kind):
    return [
        (float(x), float(y))
        for x, y in re.findall(rf'<circle class="{kind}" cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]


def test_nothing_is_drawn_without_a_severity_rule(signal, protocol, doses_of):
    assert severity_figures(signal, protocol, doses_of(signal)) == ()


def test_risk_windows_lie_on_the_axis_of_scores_those_it_rests_on_filled(draw):
    # -3 to 5 from x = 240 to x = 786: 68.25 units a deviation; lines 20 units apart from y = 40, the highest first
    wide = draw()[0].split("</svg>")[0]
    assert circles(wide, "mark full") == [
        pytest.approx((240 + 7.61 * 68.25, 40), abs=0.06),
        pytest.approx((240 + 6 * 68.25, 60), abs=0.06),
    ]
    assert circles(wide, "mark") == [
        pytest.approx((240 + 3 * 68.25, 60), abs=0.06),
        pytest.approx((240 + 3.2 * 68.25, 80), abs=0.06),
        pytest.approx((240 + 2.6 * 68.25, 80), abs=0.06),
    ]
    assert f'<path class="null" d="M{240 + 4.5 * 68.25:.1f},' in wide
    assert wide.index("FR01-004") < wide.index("FR01-011") < wide.index("US01-002")
    assert wide.count('class="sure"') == 2


def test_what_is_far_below_stands_at_the_edge(draw):
    assert '<path class="tick" d="M451.6,76v8M240,76v8M526.7,76v8"/>' in draw()[0]


def test_the_figure_says_what_it_rests_on_and_how_much_was_scored(draw):
    said = "p = 0.01; it rests on 2 of 3 participants. 27 of 30 blocks of hours could be scored."
    assert said in draw()[0]


def test_charts_of_those_it_rests_on_with_the_risk_window(draw):
    charts = draw()[1]
    wide = charts.split("</svg>")[0]
    # hours -4 to 11 from x = 38 to x = 800 / 3 - 14: 14.31 units an hour
    hour = (800 / 3 - 14 - 38) / 15
    found = circles(wide, "mark full")
    assert len(found) == 8
    assert found[3][0] == pytest.approx(38 + 10.82 * hour, abs=0.06)
    assert found[3][1] == min(y for _, y in found[:5])  # 39.5, the highest temperature
    assert "not measured" in wide
    assert "FR01-004 · dose 1" in wide and "2023-05-02 08:00 UTC · score 4.61" in wide
    assert "For a physician to judge" in charts


def test_a_rule_that_rests_on_nobody_has_no_charts(draw):
    assert len(draw(rests_on=[])) == 1


def test_beyond_so_many_lines_only_the_highest_are_drawn(draw):
    people = [{"USUBJID": f"S-{n:03}", "risk": [n / 100], "control": [0.0]} for n in range(60)]
    (drawn,) = draw(participants=people, rests_on=[])
    assert drawn.count('class="track"') == 2 * MOST_ROWS
    assert "S-059" in drawn and "S-019" not in drawn
    assert f"The {MOST_ROWS} of 60 participants" in drawn


def test_a_participant_without_a_scored_risk_window_has_a_line(draw):
    (drawn,) = draw(participants=[{"USUBJID": "S-1", "risk": [], "control": []}], rests_on=[])
    assert "S-1" in drawn


def test_a_crossed_rule_names_those_it_rests_on_wherever_it_is_said():
    rule = copy.deepcopy(RULE)
    assert observed_text(rule) == (
        "p = 0.01, rests on 2 of 3 participants: FR01-004, dose 1; FR01-011, dose 2"
    )
    rule["detail"]["rests_on"] *= 4
    assert observed_text(rule).endswith("FR01-004, dose 1; 3 more")
    assert observed_text({**rule, "verdict": "not_crossed"}) == "p = 0.01, rests on 2 of 3 participants"
