"""Adverse events as intervals beside the measurements of one component: by hand, from the definitions; washout 6 h.

A line is written as its start ('5', or '0-24' for somewhere between) and its end, if it has one: '5..9'. An onset is
written as the hours between which it began, a question mark where it is only possible, why, and what shows it.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from charts_by_hand import FEVER, charts, events, instant, protocol

from checks.cases.charts import Charts
from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.reported_onsets import Line, SubjectChart, join_reports, lines_of
from checks.cases.series import NEVER
from checks.cases.spans import HOUR, SECONDS_BITS


def line(text, place, grade=""):
    start, _, end = text.partition("..")
    first, last = (float(hour) for hour in (start.split("-") * 2)[:2])
    return Line(
        instant(first), instant(last), instant(float(end)) if end else None, grade, f"AE{place}", place
    )


def lines_from(text):
    """Read '5, 8..9 SEVERE' in the order of the starts."""
    parts = [one.split() for one in text.split(",") if one.strip()]
    return [line(part[0], place, *part[1:]) for place, part in enumerate(parts)]


def chart(present=(), ends=(), washout=6, **tests):
    """Return what a subject's measurements say: by test the hours, an abnormal one with an exclamation mark."""
    series = []
    for text in tests.values():
        entries = text.split()
        axis = np.array([instant(float(one.rstrip("!"))) for one in entries], np.int64)
        series.append((axis, np.array([one.endswith("!") for one in entries], bool)))
    spans = [(instant(low), instant(high)) for low, high in present]
    return SubjectChart(series, spans, frozenset(ends), washout * HOUR)


def measured(text, why=Why.NEW):
    """Read '0-4': first seen at 4 h; with a question mark where it is only possible."""
    low, high = (float(hour) for hour in text.rstrip("?").split("-"))
    return Onset(instant(low), instant(high), instant(high), not text.endswith("?"), why, ("VS",))


def told(onsets, lines, subject):
    found = join_reports(onsets, lines_from(lines), subject).onsets
    return [
        f"{(one.earliest - instant(0)) / HOUR:g}-{(one.latest - instant(0)) / HOUR:g}"
        f"{'' if one.definite else '?'} {one.why} {'+'.join(one.evidence)}{' query' if one.query else ''}"
        for one in found
    ]


PRESENT = chart([(14, 18)], TEMP="10 14! 15! 18 19")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("12", "12-12 new VS+AE0"),  # an instant inside says when it began
        ("10", "10-10 new VS+AE0"),
        ("14", "14-14 new VS+AE0"),
        ("15", "10-15 new VS+AE0 query"),  # outside, but within an hour: the hull
        ("9", "9-14 new VS+AE0 query"),
        ("12-12.99", "10-14 new VS+AE0"),  # to the hour: evidence, and moves nothing
        ("2-26", "10-14 new VS+AE0"),  # a date likewise
        ("2-26, 12", "12-12 new VS+AE0+AE1"),
        ("12, 13", "12-12 new VS+AE0+AE1"),  # the first that joins; later ones move nothing
        ("11, 15", "11-11 new VS+AE0+AE1"),
        ("15.01", "10-14 new VS"),  # too late to join, and fever is present: evidence of nothing new
        ("16, 17..17.5", "10-14 new VS"),
    ],
)
def test_a_line_joins_the_measured_onset_that_its_start_is_near(lines, expected):
    assert told([measured("10-14")], lines, PRESENT) == [expected]


def test_first_seen_moves_with_an_exact_time_inside():
    (onset,) = join_reports([measured("10-14")], lines_from("12"), PRESENT).onsets
    assert onset.seen == instant(12)
    (hull,) = join_reports([measured("10-14")], lines_from("15"), PRESENT).onsets
    assert hull.seen == instant(14)


def test_a_line_joins_the_first_onset_that_it_is_near():
    two = [measured("10-14"), measured("14.5-16?", Why.WORSE)]
    assert told(two, "15", PRESENT) == ["10-15 new VS+AE0 query", "14.5-16? worse VS"]


def test_a_lone_onset_is_joined_by_nothing():
    """The report is an onset of its own: nothing was present by measurement."""
    lone = measured("0-4?", Why.LONE)
    assert told([lone], "3..4", chart(TEMP="0 4! 5")) == ["3-3 reported AE0", "0-4? lone VS"]


@pytest.mark.parametrize(
    ("lines", "present", "expected"),
    [
        ("10..11", [], ["10-10 reported AE0"]),
        ("10-10.5..12", [], ["10-10.5 reported AE0"]),
        # present at its start, by measurement: no onset; ended within six hours: possible
        ("10..11", [(4, 12)], []),
        ("10..11", [(4, 10)], ["10-10? back AE0"]),
        ("10..11", [(4, 4.01)], ["10-10? back AE0"]),
        ("10..11", [(3, 4)], ["10-10 reported AE0"]),
        # an earlier line that is open, that ended within six hours, or before
        ("2..12, 10..11", [], ["2-2 reported AE0"]),
        ("2..5, 10..11", [], ["2-2 reported AE0", "10-10? back AE1"]),
        ("2..4, 10..11", [], ["2-2 reported AE0", "10-10 reported AE1"]),
        ("2, 300", [], ["2-2 reported AE0"]),  # without an end and unsupported: open for ever
        # a higher grade while the earlier one is open
        ("2..12 MILD, 10..11 SEVERE", [], ["2-2 reported AE0", "10-10? worse AE1"]),
        ("2..12 SEVERE, 10..11 MILD", [], ["2-2 reported AE0"]),
        ("2..12 SEVERE, 10..11 SEVERE", [], ["2-2 reported AE0"]),
        ("2..12, 10..11 SEVERE", [], ["2-2 reported AE0"]),
        ("2..12 MILD, 10..11 5", [], ["2-2 reported AE0"]),  # words and numbers are two scales
        # a date alone
        ("0-24..30", [], ["0-24? reported AE0"]),
        ("0-24..30", [(-4, 30)], []),  # present all day
        ("0-24..30", [(-4, 20)], ["0-24? reported AE0"]),
        # evidence of what lies on that date, in whichever order they are
        ("0-24..30, 10..11", [], ["10-10 reported AE1+AE0"]),
        # a line after that date is none of it while it is open
        ("0-24..30, 26..27", [], ["0-24? reported AE0"]),
        ("0-24..25, 26..27", [], ["0-24? reported AE0", "26-26? back AE1"]),
    ],
)
def test_a_line_alone_is_an_onset_unless_the_component_is_present(lines, present, expected):
    assert told([], lines, chart(present)) == expected


def test_a_date_is_evidence_of_a_measured_onset_on_it():
    assert told([measured("10-12")], "0-24..30", chart([(12, 14)])) == ["10-12 new VS+AE0"]
    far = chart([(30, 34)])
    assert told([measured("28-30")], "0-24..25", far) == ["0-24? reported AE0", "28-30? back VS"]


@pytest.mark.parametrize(
    ("text", "ends", "tests", "end"),
    [
        ("5..9", (), {"TEMP": "4! 6 7"}, 9),  # as it says, whatever was measured
        ("5", (), {}, None),  # no measurement ever supported it: open
        ("5", (), {"TEMP": "6 7 8"}, None),
        ("5", (0,), {"TEMP": "6 7 8"}, 6),  # the test that is the thing itself needs none that was abnormal
        ("5", (0,), {"TEMP": "3 4 5.5! 6 7! 8 9"}, 8),
        ("5", (), {"TEMP": "4! 6 7"}, 6),  # supported from one hour before its start
        ("5", (), {"TEMP": "3.9! 6 7"}, None),
        ("5", (), {"TEMP": "4! 6 7! 8 9"}, 8),  # two in a row
        ("5", (), {"TEMP": "2 4.5 6! 7 8"}, 7),  # after its start, and after its first abnormal one
        ("5", (), {"TEMP": "2 6! 8", "RESP": "2 6! 7 9"}, 7),  # the first test that is normal again
        ("5", (0,), {"TEMP": "6 7", "RESP": "8! 9 10"}, 6),  # RESP was abnormal after the end
    ],
)
def test_a_line_without_an_end_lasts_until_two_measurements_are_normal(text, ends, tests, end):
    assert chart(ends=ends, **tests).end_of(line(text, 0)) == (NEVER if end is None else instant(end))


@pytest.mark.parametrize(
    ("lines", "ends", "temperatures", "definite"),
    [
        # ended, and the washout passed; or not yet
        ("2..4", (), "1 9 10!", True),
        ("2..4.01", (), "1 9 10!", False),
        # open, and never normal in between: nobody knows that it was not there all along
        ("2", (), "1 10!", False),
        # a line that no measurement ever supported swallows nothing where a normal one lies in between
        ("2", (), "1 9 10!", True),
        # supported: it must have ended by two normal ones, and the washout passed
        ("2", (), "2! 9 10!", False),
        ("2", (), "2! 4 5 9 10!", True),
        ("2", (), "2! 4.5 5 9 10!", False),
        # the thing itself ends it: at 3 h (passed by 10 h), at 5 h (not)
        ("2", (0,), "3 4 9 10!", True),
        ("2", (0,), "5 9 10!", False),
        # later lines hinder nothing
        ("11.5..20", (), "1 9 10!", True),
    ],
)
def test_an_earlier_line_leaves_open_whether_a_measured_onset_is_new(lines, ends, temperatures, definite):
    subject = chart([(10, 12)], ends, TEMP=temperatures)
    onset = next(
        one
        for one in join_reports([measured("9-10")], lines_from(lines), subject).onsets
        if "VS" in one.evidence
    )
    assert (onset.definite, onset.why) == ((True, Why.NEW) if definite else (False, Why.BACK))


def test_a_line_hinders_no_worse_onset():
    worse = measured("9-10", Why.WORSE)
    subject = chart([(3, 12)], TEMP="1 3! 9! 10!")
    assert told([worse], "2..30", subject) == ["2-2 reported AE0", "9-10 worse VS"]


def test_lines_make_a_component_present_while_they_are_open():
    found = join_reports([], lines_from("2..5, 0-24..30"), chart())

    def since(text, before):
        return found.present_since(replace(measured(text), instant=text[0] != "0"), instant(before))

    assert since("3-3", 3) == instant(2)
    assert since("6-6", 6) is None
    assert since("26-26", 26) == instant(24)  # of a day alone only what is sure
    assert since("26-26", 23) is None
    assert since("0-20", 20) == instant(2)  # at some time of its interval


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("2-26", ["10-14 new VS+AE0"]),  # of a date: evidence
        ("2-26.9997", ["10-14 new VS+AE0"]),  # the longest day
        ("2-746", ["10-14 new VS", "2-746? reported AE0"]),  # of a month: no date on which the onset lies
    ],
)
def test_a_line_is_evidence_of_an_onset_on_its_date(lines, expected):
    assert told([measured("10-14")], lines, PRESENT) == expected


# --- Which rows are lines -------------------------------------------------------------------------------------


def component():
    return protocol(fever=FEVER).case_definition.components["fever"]


def test_lines_are_by_decoded_term_and_as_it_was_written():
    table = events(("PYREXIA", "5", "9"), ("Fever", "3", ""), ("HIGH FEVER", "1", ""))
    table.loc[0, "verbatim"] = "fever"
    (lines,) = lines_of(
        component(), Charts(charts({"TEMP": "0 37"}).measurements, table, pd.Index(["A"]))
    ).values()
    assert [(one.label, one.end) for one in lines] == [("AE:AESEQ=2", None), ("AE:AESEQ=1", instant(9))]


def test_subjects_keep_their_lines_apart():
    table = pd.concat(
        [events(("FEVER", "5", "")), events(("FEVER", "6", ""), subject="B")], ignore_index=True
    )
    found = lines_of(component(), Charts(charts({"TEMP": "0 37"}).measurements, table, pd.Index(["A", "B"])))
    assert {code: one[0].earliest - (code << SECONDS_BITS) for code, one in found.items()} == {
        0: instant(5),
        1: instant(6),
    }
