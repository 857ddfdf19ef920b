"""What is abnormal, by bounds and against the subject's own hours; the reference of an episode does not move.

Baseline 12 h and washout 6 h, so that a reference is frozen for 18 h at most.
"""

import pytest
from charts_by_hand import hours_of, measured

RISE = {"any_of": [{"vital": "TEMP", "rise_at_least": 1.0, "and_at_least": 38.0, "unit": "C"}]}
OXYGEN = {"any_of": [{"vital": "FIO2", "rise_at_least": 0.15, "unit": "fraction"}]}
BREATH = {
    "any_of": [
        {"vital": "OXYSAT", "fall_at_least": 4, "and_below": 94, "unit": "%"},
        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
    ]
}
BOTH = {
    "all_of": [
        {"vital": "TEMP", "at_least": 38.3, "unit": "C"},
        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
    ]
}


def hourly(value, first, last, step=1):
    return ", ".join(f"{hour} {value}" for hour in range(first, last + 1, step))


def abnormal(component, **charted):
    """Return the hours of the abnormal entries, by test in the order of their codes."""
    part = measured(component, charted)
    hours = hours_of(part.series.axis)
    found = {test: [] for _, test in part.tests}
    for kind, hour, is_abnormal in zip(part.series.kinds, hours, part.abnormal, strict=True):
        if is_abnormal:
            found[part.tests[kind][1]].append(hour)
    return found if len(found) > 1 else next(iter(found.values()))


@pytest.mark.parametrize(
    ("charted", "hours"),
    [
        ("0 36.8, 1 37.0, 2 37.2, 3 38.0", [3]),  # 1.0 above 37.0, and 38.0
        ("0 36.8, 1 37.0, 2 37.2, 3 37.9", []),  # below 38.0
        ("0 37.4, 1 37.4, 2 37.4, 3 38.3", []),  # 0.9 above
        ("3 39.5", []),  # nothing before it
        ("0 37.0, 13 39.5", []),  # nothing in the twelve hours before it
        ("0 37.0, 12 39.5", [12]),
        ("0 37.0, 3 37.0, 3 38.4", [3]),  # two at one instant, one of them abnormal
    ],
)
def test_a_rise_refers_to_the_median_of_the_hours_before(charted, hours):
    assert abnormal(RISE, TEMP=charted) == hours


def test_the_reference_is_frozen_for_as_long_as_the_episode_lasts_at_most_eighteen_hours():
    """37.0 until 2 h, 38.2 from 3 h on: of those before 21 h the median becomes 38.2 itself, the reference does not.

    At 22 h the eighteen hours from 3 h are over: the median of 10 to 21 h is 38.2, and nothing has risen.
    """
    charted = f"{hourly(37.0, 0, 2)}, {hourly(38.2, 3, 30)}"
    assert abnormal(RISE, TEMP=charted) == list(range(3, 22))


def test_one_normal_measurement_ends_no_episode_and_thaws_no_reference():
    """Every second is 37.9 (normal): never two in a row. Without the frozen 37.0 the median were 38.05 at 15 h."""
    charted = f"{hourly(37.0, 0, 2)}, {hourly(38.2, 3, 29, 2)}, {hourly(37.9, 4, 30, 2)}"
    assert abnormal(RISE, TEMP=charted) == list(range(3, 22, 2))


def test_after_two_normal_measurements_the_hours_before_are_asked_again():
    """37.0 until 2 h, 38.4 at 3 h, 37.4 from 4 to 16 h; at 17 h 38.2 is 1.2 above 37.0, but .8 above 37.4."""
    charted = f"{hourly(37.0, 0, 2)}, 3 38.4, {hourly(37.4, 4, 16)}, 17 38.2"
    assert abnormal(RISE, TEMP=charted) == [3]
    assert abnormal(RISE, TEMP=charted.replace("17 38.2", "17 38.4")) == [3, 17]


def test_every_test_of_the_component_must_be_normal_again_before_a_reference_moves():
    """Saturation 98, 93 at 3 h, then 95: at 16 h 93 is 5 below 98 while breathing stays fast, else 2 below 95."""
    saturation = f"{hourly(98, 0, 2)}, 3 93, {hourly(95, 4, 15)}, 16 93"
    fast = f"{hourly(16, 0, 2)}, {hourly(32, 3, 20)}"
    assert abnormal(BREATH, OXYSAT=saturation, RESP=fast)["OXYSAT"] == [3, 16]
    assert abnormal(BREATH, OXYSAT=saturation, RESP=hourly(16, 0, 20))["OXYSAT"] == [3]


def test_oxygen_is_raised_from_room_air_where_none_was_charted():
    """0.40 is .19 above .21, 0.35 only .14; that nobody charted any oxygen before is a guess."""
    part = measured(OXYGEN, {"FIO2": "4 0.40, 5 0.40"})
    assert (part.abnormal.tolist(), part.onsets.definite.tolist()) == ([True, True], [False])
    assert abnormal(OXYGEN, FIO2="4 0.35, 5 0.35") == []
    assert abnormal(OXYGEN, FIO2="3 0.30, 4 0.40") == []  # .30 was charted: a rise of .10


@pytest.mark.parametrize(
    ("temperature", "rate", "hours"),
    [
        ("0 37, 4 38.5", "0 16, 4 32", [4]),
        ("0 37, 4 38.5", "0 16, 6 32, 7 16", [6]),  # the fever of 4 h still speaks
        ("0 37, 4 38.5", "0 16, 16 32, 17 32", [16]),  # up to twelve hours: at 17 h it does not
        ("0 37, 4 38.5, 5 37", "0 16, 6 32", []),
        ("0 37, 9 38.5", "0 16, 2 32", []),  # breathing speaks for six hours, and 9 h is too late
    ],
)
def test_all_of_holds_by_the_newest_measurement_of_each_test(temperature, rate, hours):
    part = measured(BOTH, {"TEMP": temperature, "RESP": rate})
    assert [hour for hour, met in zip(hours_of(part.series.axis), part.abnormal, strict=True) if met] == hours
