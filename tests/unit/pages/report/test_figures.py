"""Where the marks of the figures lie; positions are worked out by hand from the axis."""

import math
import re
from pathlib import Path

import pytest

from flows.pages import report
from flows.pages.report.figures import FIGURES
from flows.pages.report.figures.paths import path_figures
from flows.pages.report.figures.raster import LAYOUTS, MOST_ROWS, place_raster, raster_figures


@pytest.fixture
def place(protocol):
    """Place the cases of a look, whose protocol compares hours 5 to 8 with -24 to -6 and 12 to 48."""

    def placed(look, layout=LAYOUTS[0], ends=None):
        return place_raster(look["cases"], protocol, layout=layout, ends=ends or {})

    return placed


def test_hours_lie_on_one_straight_axis(signal, place):
    # 72 h from x = 240 to x = 786: 546 / 72 units an hour
    hour = 546 / 72
    raster = place(signal)
    assert raster.grid.scale(0) == pytest.approx(240 + 24 * hour, abs=0.05)
    x, _, width, _ = raster.risk
    assert x == pytest.approx(240 + 29 * hour, abs=0.05)
    assert width == pytest.approx(3 * hour, abs=0.1)
    fever, distress = raster.rows[0].marks
    assert fever.line == pytest.approx((240 + 29 * hour, 240 + 29.5 * hour), abs=0.05)
    assert distress.seen == pytest.approx(240 + 30.25 * hour, abs=0.05)


def test_definite_is_filled_and_possible_is_hollow(signal, place):
    rows = place(signal).rows
    assert all(mark.filled for mark in rows[0].marks)
    assert not any(mark.filled for mark in rows[3].marks)


def test_an_onset_without_a_clock_time_has_no_marker(signal, place):
    fever, distress = place(signal).rows[3].marks
    assert fever.seen is not None
    assert distress.seen is None and distress.line is not None


def test_a_date_only_onset_that_was_cut_short_has_no_marker_either(signal, place):
    signal["cases"][3]["components"]["respiratory_distress"]["onset_hours"] = [4.0, 15.98]
    assert place(signal).rows[3].marks[1].seen is None


def test_a_date_only_onset_beside_a_known_hour_has_no_marker(signal, place):
    signal["cases"][0]["components"]["fever"]["onset_hours"] = [-20.0, 3.98]
    fever, distress = place(signal).rows[0].marks
    assert fever.seen is None and distress.seen is not None


def test_an_onset_without_an_interval_has_neither_line_nor_marker(signal, place):
    signal["cases"][3]["components"]["respiratory_distress"]["onset_hours"] = [None, None]
    mark = place(signal).rows[3].marks[1]
    assert mark.line is None and mark.seen is None


def test_a_row_ends_at_the_next_dose(signal, place):
    ends = {("FR01-004", 1): 30.0, ("FR01-011", 2): math.inf}
    rows = place(signal, ends=ends).rows
    assert rows[0].end == pytest.approx(240 + 54 * 546 / 72, abs=0.05)
    assert rows[1].end == 786.0


def test_a_case_after_the_axis_is_marked_as_beyond_it(signal, place):
    for part in signal["cases"][4]["components"].values():
        part["onset_hours"] = [60.0, 61.0]
    assert all(mark.beyond for mark in place(signal).rows[4].marks)


def test_the_arrow_of_what_lies_beyond_is_explained_where_one_is_drawn(signal, protocol, doses_of):
    (figure,) = raster_figures(signal, protocol, doses_of(signal))
    assert "after 48 h" not in figure
    signal["cases"][4]["components"]["fever"]["onset_hours"] = [60.0, 61.0]
    (figure,) = raster_figures(signal, protocol, doses_of(signal))
    assert figure.count("\N{RIGHTWARDS ARROW}") == len(LAYOUTS) + 1
    assert "after 48 h</li>" in figure


def test_on_a_narrow_page_labels_stand_above_and_nothing_leaves_the_drawing(signal, place):
    raster = place(signal, LAYOUTS[1])
    assert raster.grid.label_above
    assert all(0 <= mark.line[0] <= mark.line[1] <= 360 for row in raster.rows for mark in row.marks)


def test_many_cases_lose_labels_and_are_counted_in_bars(many, place):
    raster = place(many)
    assert len(raster.rows) == MOST_ROWS and not any(row.label for row in raster.rows)
    # six cases begin in each full hour (two half hours, three times); hours 48 and 49 lie beyond the axis
    assert raster.most == 6 and len(raster.bars) == 48
    assert {height for *_, height in raster.bars} == {44.0}


def _drawn(look):
    """Return the one figure, what it says of itself, and where it marks a crossing."""
    (figure,) = path_figures(look, None, None)
    (said,) = re.findall(r"<desc[^>]*>(.*?)</desc>", figure)
    place = re.search(r'class="cross" cx="([\d.]+)" cy="([\d.]+)"', figure.partition("</svg>")[0])
    return figure, said, place and tuple(map(float, place.groups()))


def test_the_path_says_where_the_boundary_was_first_crossed(signal):
    _, said, crossed = _drawn(signal)
    assert said == "3 events among 19.5 participants, boundary 3, first crossed at 18."
    # x: 19.5 participants from 44 to 366; y: the third event of 3 * 1.12 from 178 up to 12
    assert crossed == pytest.approx((44 + 322 * 18 / 19.5, 178 - 166 * 3 / 3.36), abs=0.05)


def test_a_boundary_that_is_not_met_is_never_touched(signal):
    path = signal["rules"][1]["detail"]["path"]
    path["events"] = [0] * 20
    signal["rules"][1]["events"] = 0
    figure, said, crossed = _drawn(signal)
    assert crossed is None and "crossed" not in said
    assert "cross" not in figure


def test_looks_without_any_crossing_number_have_no_boundary(signal):
    signal["rules"][1] |= {"events": 0, "n_evaluable": 2}
    signal["rules"][1]["detail"]["path"] = {"n": [1, 2], "events": [0, 0], "boundary": [None, None]}
    figure, said, _ = _drawn(signal)
    assert 'class="limit"' not in figure and said == "0 events among 2 participants, no boundary yet."


def test_a_rule_without_a_path_has_no_chart(not_assessable):
    assert path_figures(not_assessable, None, None) == ()


def test_every_section_with_a_figure_is_a_section_of_the_page_that_draws_them():
    page = (Path(report.__file__).parent / "report.html.j2").read_text(encoding="utf-8")
    assert set(FIGURES) <= set(re.findall(r'drawn\("(\w+)"\)', page))
