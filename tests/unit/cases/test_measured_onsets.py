"""When a component is new, or clearly worse: by hand, from the definitions; washout 6 h.

An onset is written as the hours between which it began (last normal, first abnormal), with a question mark where it
is only possible, and why.
"""

import pytest
from charts_by_hand import DISTRESS, FEVER, hours_of, measured

OXYGEN = {
    "any_of": [
        {"vital": "OXYSAT", "below": 90, "unit": "%"},
        {"vital": "FIO2", "rise_at_least": 0.15, "unit": "fraction"},
    ]
}
PULSE = {"any_of": [{"vital": "HR", "at_least": 130, "unit": "beats/min"}]}
COLD_OR_HOT = {
    "any_of": [
        {"vital": "TEMP", "at_least": 38.3, "unit": "C"},
        {"vital": "TEMP", "below": 35.0, "unit": "C"},
    ]
}


def onsets(component, **charted):
    found = measured(component, charted).onsets
    columns = (hours_of(found.earliest), hours_of(found.seen), found.definite, found.why)
    return [
        f"{low:g}-{high:g}{'' if definite else '?'} {why}"
        for low, high, definite, why in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize(
    ("charted", "expected"),
    [
        ("0 37.6, 4 38.4, 8 38.4", ["0-4 new"]),
        ("0 37.6, 4 38.4, 8 37.6", ["0-4 new"]),
        ("0 37.6, 3 37.6, 4 38.4, 5 38.4", ["3-4 new"]),
        # contradicted: lone, and only possible
        ("0 37.6, 4 38.4, 5 37.6", ["0-4? lone"]),
        # without a normal measurement before it, or with one that is more than twelve hours old
        ("4 38.4, 5 38.4", ["-8-4? unseen"]),
        ("0 37.6, 12 38.4, 13 38.4", ["0-12 new"]),
        ("0 37.6, 12.01 38.4, 13 38.4", ["0-12.01? unseen"]),
        # it goes on
        ("0 37.6, 4 38.4, 5 38.4, 6 37.6, 7 38.4, 8 38.4", ["0-4 new"]),
        # gone, and back less than six hours after the last abnormal one; six hours after, it is new
        ("0 37.6, 4 38.4, 5 38.4, 6 37.6, 7 37.6, 10.99 38.4, 12 38.4", ["0-4 new", "7-10.99? back"]),
        ("0 37.6, 4 38.4, 5 38.4, 6 37.6, 7 37.6, 11 38.4, 12 38.4", ["0-4 new", "7-11 new"]),
        # not known to be gone before the second normal one, however long ago
        ("0 37.6, 4 38.4, 5 38.4, 12 37.6, 13 38.4, 14 38.4", ["0-4 new"]),
        # a lone one hides nothing: the run two hours later is new
        ("0 37.6, 4 38.4, 5 37.6, 5.5 37.6, 7.5 38.4, 8 38.4", ["0-4? lone", "5.5-7.5 new"]),
        # a single one that stands is present until the next measurement, and its washout counts
        ("0 37.6, 4 38.4, 8 37.6, 8.5 37.6, 9 38.4, 12 37.6", ["0-4 new", "8.5-9? back"]),
        # forgotten after eighteen hours: the last abnormal one is an older one, but no normal one
        ("0 37.6, 4 38.4, 5 38.4, 24 38.4, 25 38.4", ["0-4 new", "5-24? unseen"]),
    ],
)
def test_fever_is_new(charted, expected):
    """From 37.6 to 38.4 nothing is 1.0 worse."""
    assert onsets(FEVER, TEMP=charted) == expected


def test_an_abnormal_measurement_after_too_long_a_step_is_back_if_the_single_one_before_is_over():
    """Breathing at 0 and 5 h, more than four hours apart: no run. The first is present until 5 h, and over then."""
    assert onsets(DISTRESS, RESP="-1 16, 0 32, 5 33, 9 33") == ["-1-0 new", "0-5? back"]


def test_another_test_s_normal_measurement_says_nothing():
    """Breathing is normal at 3 h; the saturation of 4 h is the first."""
    assert onsets(DISTRESS, RESP="2 16, 3 16", OXYSAT="4 88, 5 88") == ["-2-4? unseen"]


def test_two_tests_that_begin_at_one_instant_are_one_onset_after_the_later_normal_one():
    assert onsets(DISTRESS, OXYSAT="0 97, 4 88, 5 88", RESP="2 16, 4 32, 5 32") == ["2-4 new"]


def test_of_two_tests_at_one_instant_the_definite_one_counts():
    """Saturation was never measured before; breathing was normal at 2 h."""
    assert onsets(DISTRESS, OXYSAT="4 88, 5 88", RESP="2 16, 4 32, 5 32") == ["2-4 new"]


def test_another_test_is_not_new_while_the_component_is_present_but_may_be_worse():
    """Breathing goes from 24 to 30, which is no more than 8; or from 16."""
    saturation = "0 97, 4 88, 5 88, 6 88, 7 88"
    assert onsets(DISTRESS, OXYSAT=saturation, RESP="0 24, 5 24, 6 30, 7 30") == ["0-4 new"]
    assert onsets(DISTRESS, OXYSAT=saturation, RESP="0 16, 5 16, 6 30, 7 30") == ["0-4 new", "5-6 worse"]


def test_a_guess_of_room_air_is_at_most_possible():
    """0.40 at 4 h is lone; at 9.5 h it is held against the room air guessed then: the episode is not over."""
    assert onsets(OXYGEN, FIO2="4 0.40, 5 0.21, 9.5 0.40, 10 0.40") == ["-8-4? lone", "5-9.5? room_air"]


@pytest.mark.parametrize(
    ("charted", "expected"),
    [
        # two in a row are 1.0 beyond what two in a row showed: 39.5 beyond 38.5; by 0.9 they are not
        ("0 37, 4 38.5, 5 38.5, 6 39.5, 7 39.5", ["5-6 worse"]),
        ("0 37, 4 38.5, 5 38.5, 6 39.4, 7 39.4", []),
        # the milder of the two counts, and of one that none follows within two hours that one
        ("0 37, 4 38.5, 5 38.5, 6 39.6, 7 38.6", []),
        ("0 37, 4 38.5, 5 38.5, 6 39.6, 8 38.6", []),
        ("0 37, 4 38.5, 5 38.5, 6 39.6, 8.01 38.6", ["5-6 worse"]),
        ("0 37, 4 38.5, 5 38.5, 6 39.6, 7 37", []),
        # two in a row of 39.5 until 2 h lie in the washout of 7 h, but no longer in that of 8 h
        ("0 37, 0.5 39.5, 1 39.5, 2 39.5, 3 38.4, 4 38.4, 5 38.4, 6 38.4, 7 39.5, 8 39.5", []),
        ("0 37, 0.5 39.5, 1 39.5, 2 39.5, 3 38.4, 4 38.4, 5 38.4, 6 38.4, 7 38.4, 8.5 39.5, 9 39.5", ["7-8.5 worse"]),
        # one peak before is not two in a row
        ("0 37, 4 38.5, 5 39.6, 6 38.5, 7 39.6, 8 39.6", ["6-7 worse"]),
        # the measurement before is more than twelve hours old
        ("0 37, 4 38.5, 5 38.5, 17.01 39.6, 18 39.6", ["5-17.01? worse"]),
        # just gone: back as well, but worse than anything in the washout
        ("0 37, 4 38.5, 5 38.5, 6 37, 7 37, 9 39.6, 10 39.6", ["7-9 worse"]),
        # back, and no worse than the episode before, of which the six hours hold one measurement alone
        ("0 37, 4 38.5, 5 38.5, 6 37, 7 37, 10.99 38.5, 12 38.5", ["7-10.99? back"]),
        # nothing was present in the washout: new, not worse
        ("0 37, 4 38.5, 5 37, 5.5 37, 9 39.6, 10 39.6", ["5.5-9 new"]),
    ],
)  # fmt: skip
def test_fever_is_worse(charted, expected):
    """The first onset of each chart is the fever itself."""
    assert onsets(FEVER, TEMP=charted)[1:] == expected


@pytest.mark.parametrize(
    ("before", "after", "worse"), [(32, 40, True), (32, 39, False), (36, 44, False), (36, 45, True)]
)
def test_breathing_is_worse_by_8_and_by_a_quarter(before, after, worse):
    """36 and 8 are 44, but a quarter of 36 is 9."""
    found = onsets(DISTRESS, RESP=f"0 16, 1 {before}, 2 {before}, 3 {after}, 4 {after}")
    assert found == ["0-1 new", *(["2-3 worse"] * worse)]


def test_saturation_is_worse_downwards():
    assert onsets(DISTRESS, OXYSAT="0 97, 1 88, 2 88, 3 84, 4 84") == ["0-1 new", "2-3 worse"]
    assert onsets(DISTRESS, OXYSAT="0 97, 1 88, 2 88, 3 85, 4 85") == ["0-1 new"]


def test_a_test_without_worse_by_has_no_worse_onset():
    part = measured(PULSE, {"HR": "0 80, 1 140, 2 140, 3 200, 4 200"})
    assert hours_of(part.onsets.seen) == [1]
    assert part.can_worsen == frozenset()


def test_each_direction_is_judged_apart():
    """From 40 to 34 is no worse fever, and one cold measurement does not make the heat before it milder."""
    charted = "0 37, 1 38.5, 2 38.5, 3 34.5, 4 34.5, 5 33.4, 6 33.4"
    assert onsets(COLD_OR_HOT, TEMP=charted) == ["0-1 new", "2-3 worse", "4-5 worse"]
