"""Onsets of every component near each other are cases: by hand; at most 3 h apart, cases at least 6 h apart.

An onset is written as the hour at which it was first seen, one after which it began an hour before, a question mark
where it is only possible, and a reason where that matters.
"""

import pytest
from charts_by_hand import hours_of, instant

from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.pairing import cases_of
from checks.cases.reported_onsets import Told
from checks.cases.spans import HOUR

WHYS = {"?": Why.BACK, "lone": Why.LONE, "": Why.NEW}


def onset(text):
    """Read '6', '6?' or '6lone', first seen at 6 h and begun after 5 h; '6-9?' for a day, from 6 to 9 h."""
    why = next(why for end, why in WHYS.items() if text.endswith(end))
    hours = [float(hour) for hour in text.removesuffix("lone").rstrip("?").split("-")]
    day = len(hours) > 1
    first = hours[0] if day else hours[0] - 1
    return Onset(
        instant(first), instant(hours[-1]), instant(hours[-1]), why is Why.NEW, why, (text,), instant=not day,
        timed=not day,
    )  # fmt: skip


def told(onsets, *present):
    spans = [(instant(low), instant(high)) for low, high in present]
    return Told([onset(text) for text in onsets.split()], spans)


def cases(within=3, **parts):
    """Return each case as its onsets by component, with a question mark where it is only possible."""
    told_parts = {name: one if isinstance(one, Told) else told(one) for name, one in parts.items()}
    found = cases_of(0, told_parts, within=within * HOUR, washout=6 * HOUR)
    return [
        " ".join(one.evidence[0] for one in case.onsets.values()) + ("" if case.definite else " ?")
        for case in found
    ]


@pytest.mark.parametrize(
    ("fever", "distress", "expected"),
    [
        ("6", "8", ["6 8"]),
        ("6", "9", ["6 9"]),  # three hours apart
        ("6", "9.01", []),
        ("9", "6", ["9 6"]),
        ("6", "", []),
        # the nearest pair first, and each onset in one case
        ("6 8", "7.5", ["8 7.5"]),
        ("6", "5 7.5", ["6 5"]),
        # as near: the earlier one
        ("6", "5 7", ["6 5"]),
        # cases are six hours apart, by when they were first seen
        ("6 12", "6 12", ["6 6", "12 12"]),
        ("6 11.9", "6 11.9", ["6 6"]),
        ("6 11 12", "6 11 12", ["6 6", "12 12"]),
        # the nearest pair is first, and what is left is too far apart
        ("6 9", "8.5 11", ["9 8.5"]),
    ],
)
def test_onsets_near_each_other_are_a_case(fever, distress, expected):
    assert cases(fever=fever, distress=distress) == expected


@pytest.mark.parametrize(
    ("fever", "distress", "expected"),
    [
        ("6?", "7", ["6? 7 ?"]),
        ("6lone", "7", ["6lone 7 ?"]),
        ("6lone", "7lone", ["6lone 7lone ?"]),
        # a definite case is chosen before a nearer possible one
        ("6 7.9?", "8", ["6 8"]),
        # one that lies within six hours of a definite case, on either side, is its evidence
        ("6 11.9?", "6 11.9?", ["6 6"]),
        ("6 12?", "6 12?", ["6 6", "12? 12? ?"]),
        ("1? 6", "1? 6", ["6 6"]),
        # and never blocks it: the possible one of 3 h does not hide that of 8 h
        ("3? 8", "3? 8", ["8 8"]),
        # possible cases are thinned as definite ones are
        ("6? 11?", "6? 11?", ["6? 6? ?"]),
        # a possible case may use what no definite case does
        ("6 20?", "6 20", ["6 6", "20? 20 ?"]),
        # of a day: the distance of the intervals counts
        ("6-20?", "22", ["6-20? 22 ?"]),
        ("6-20?", "25", []),
        # of a day it may be any of several, and neither hides another nor is hidden: it was before, or after
        ("6-20?", "7? 19?", ["6-20? 7? ?", "6-20? 19? ?"]),
        ("6-20? 25?", "7? 25?", ["6-20? 7? ?", "25? 25? ?"]),
        ("6-20? 13", "7? 14", ["13 14", "6-20? 7? ?"]),
    ],
)
def test_a_case_is_definite_when_all_its_onsets_are(fever, distress, expected):
    assert cases(fever=fever, distress=distress) == expected


def test_every_component_must_begin_near_every_other():
    assert cases(fever="6", distress="8", shock="9") == ["6 8 9"]
    assert cases(fever="6", distress="8", shock="10") == []
    assert cases(fever="6 7.5", distress="8", shock="10") == ["7.5 8 10"]


def test_one_component_alone_makes_cases_of_its_onsets():
    assert cases(fever="6 13 20?") == ["6", "13", "20? ?"]


@pytest.mark.parametrize(
    ("fever", "distress", "expected"),
    [
        (told("", (-6, 20)), "8", ["8 ?"]),
        (told("", (-6, 8)), "8", []),  # gone as the other begins
        (told("", (8, 20)), "8", ["8 ?"]),
        (told("", (-6, 20)), "8lone", ["8lone ?"]),
        (told("", (-6, 20)), "8?", ["8? ?"]),
        (told("6", (6, 20)), "9", ["6 9"]),  # it began near enough: a whole case
        (told("6", (6, 20)), "9.01", ["9.01 ?"]),  # too long before: half a case
        (told("6lone", (-6, 20)), "9", ["6lone 9 ?"]),
        (told("", (-6, 21)), "8 13 20", ["8 ?", "20 ?"]),  # thinned
        (told("", (-6, 20)), "2-9?", ["2-9? ?"]),  # of a day: the other was present in it
        (told("", (10, 20)), "2-9?", []),
    ],
)
def test_half_a_case_is_one_component_that_begins_while_the_others_are_present(fever, distress, expected):
    assert cases(fever=fever, distress=distress) == expected


def test_half_a_case_says_since_when_the_other_was_present():
    (case,) = cases_of(
        0, {"fever": told("", (-6, 20)), "distress": told("8")}, within=3 * HOUR, washout=6 * HOUR
    )
    assert (case.half, case.definite, list(case.onsets)) == (True, False, ["distress"])
    assert hours_of(list(case.since.values())) == [-6]


def test_the_interval_is_from_the_latest_start_to_the_latest_end():
    """Fever began between 5 and 6 h, distress between 6.5 and 7.5 h: both had begun between 6.5 and 7.5 h."""
    (case,) = cases_of(0, {"fever": told("6"), "distress": told("7.5")}, within=3 * HOUR, washout=6 * HOUR)
    assert hours_of([case.earliest, case.latest, case.seen]) == [6.5, 7.5, 7.5]
    assert case.spread == 1.5 * HOUR
