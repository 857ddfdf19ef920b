"""Which abnormal measurements stand, and from when to when a component is present: by hand, from the definitions.

A measurement is contradicted by a normal next one within 2 h (``confirm_hours``), unless another is abnormal within
3 h (``again_hours``) or another test is within half an hour. Runs: TEMP 8 h, others 4 h. An abnormal measurement is
forgotten after washout and baseline, 6 and 12 h.
"""

import pytest
from charts_by_hand import DISTRESS, FEVER, hours_of, measured


def standing(component, **charted):
    """Return the hours of the abnormal measurements that stand, and of the lone ones."""
    part = measured(component, charted)
    hours = hours_of(part.series.axis)
    stands = sorted(hour for hour, one in zip(hours, part.episodes.stands, strict=True) if one)
    lone = [
        hour
        for hour, is_abnormal, one in zip(hours, part.abnormal, part.episodes.stands, strict=True)
        if is_abnormal and not one
    ]
    return stands, sorted(lone)


def present(component, **charted):
    """Return the spans in which the component was present, as hours."""
    found = measured(component, charted).episodes.present
    return list(zip(hours_of(found.starts), hours_of(found.ends), strict=True))


@pytest.mark.parametrize(
    ("charted", "stands", "lone"),
    [
        ("0 37, 4 38.5, 8 37", [4], []),  # four-hourly: the next comes too late to contradict
        ("0 37, 4 38.5, 5 37", [], [4]),
        ("0 37, 4 38.5, 6 37", [], [4]),  # exactly two hours later
        ("0 37, 4 38.5, 6.01 37", [4], []),
        ("0 37, 4 38.5, 5 38.5, 6 37, 7 37", [4, 5], []),
        ("0 37, 4 38.5, 5 37, 6 37, 7 38.5, 8 37", [4, 7], []),  # again three hours later
        ("0 37, 4 38.5, 5 37, 6 37, 7.01 38.5, 8 37", [], [4, 7.01]),
        ("0 37, 4 38.5, 5 37, 10 38.5, 11 37", [4, 10], []),  # two of three, six hours apart: a run
        ("0 37, 4 38.5, 5 37, 13.01 38.5, 14 37", [], [4, 13.01]),  # a step of more than eight
        ("0 37, 4 38.5", [4], []),  # the last one
        ("4 38.5", [4], []),
    ],
)
def test_a_measurement_stands_unless_it_is_contradicted(charted, stands, lone):
    assert standing(FEVER, TEMP=charted) == (stands, lone)


@pytest.mark.parametrize(
    ("rate_at", "expected"),
    [(4.5, ([4, 4.5], [])), (3.5, ([3.5, 4], [])), (4.51, ([], [4, 4.51]))],
    ids=["half an hour after", "half an hour before", "later"],
)
def test_another_test_of_the_component_confirms_within_half_an_hour(rate_at, expected):
    rates = f"0 16, {rate_at} 32, {rate_at + 1} 16"
    assert standing(DISTRESS, OXYSAT="0 97, 4 88, 5 97", RESP=rates) == expected


@pytest.mark.parametrize(
    ("charted", "cutoff", "provisional"),
    [
        ("0 37, 4 38.5", 5.99, [4]),
        ("0 37, 4 38.5", 6, []),  # two hours have passed: nothing contradicted it
        ("0 37, 3 38.5, 4 38.5", 4.5, []),  # confirmed
        ("0 37, 1 38.5, 2 37, 3 37, 4 38.5", 4.5, []),  # again within three hours
        ("0 37, 4 38.5, 4.2 37", 4.5, []),  # contradicted already
    ],
)
def test_a_last_measurement_is_provisional_until_its_contradiction_can_no_longer_come(
    charted, cutoff, provisional
):
    part = measured(FEVER, {"TEMP": charted}, cutoff=cutoff)
    flags = zip(hours_of(part.series.axis), part.episodes.provisional, strict=True)
    assert [hour for hour, one in flags if one] == provisional


@pytest.mark.parametrize(
    ("charted", "spans"),
    [
        ("0 37, 4 38.5, 5 37", []),  # a lone one makes nothing present
        ("0 37, 4 38.5, 8 37", [(4, 8)]),  # a single one that stands: until the next measurement
        ("0 37, 4 38.5, 8 38.5, 9 37, 10 37", [(4, 9)]),  # a run, until the first of two normal ones
        ("0 37, 4 38.5, 12 38.5, 13 37, 14 37", [(4, 13)]),  # eight hours apart
        ("0 37, 4 38.5, 12.01 38.5, 13 37, 14 37", [(4, 12.01)]),  # more: a single one, and a lone one
        ("0 37, 4 38.5, 5 37, 6 38.5, 7 37, 8 37", [(4, 7)]),  # two of three
        ("0 37, 4 38.5, 5 38.5, 6 37, 7 38.5, 8 37, 9 37", [(4, 8)]),  # one normal one does not end it
        ("4 38.5, 5 38.5, 6 37, 7 37, 8 38.5, 9 38.5, 10 37, 11 37", [(4, 6), (8, 10)]),
        ("4 38.5, 5 38.5, 23 37, 24 37", [(4, 23)]),  # eighteen hours without a measurement
        ("4 38.5, 5 38.5, 23.01 37, 24 37", [(4, 23)]),  # more: nobody knows any longer
        ("4 38.5, 5 38.5, 6 37, 30 37", [(4, 6)]),  # but two normal ones are two, however far apart
        ("4 38.5, 30 37", [(4, 22)]),
        ("4 38.5", [(4, 22)]),
    ],
)
def test_a_component_is_present_from_the_first_of_a_run_until_two_are_normal(charted, spans):
    assert present(FEVER, TEMP=charted) == spans


@pytest.mark.parametrize(
    ("rates", "saturations", "spans"),
    [
        # four hours apart for every test but temperature
        ("0 16, 4 32, 8 32, 9 16, 10 16", "0 97", [(4, 9)]),
        ("0 16, 4 32, 8.01 32, 9 16, 10 16", "0 97", [(4, 8.01)]),
        # two tests at one charting; present until both are normal twice: saturation at 5 and 6, breathing from 7 on
        ("0 16, 4.5 32, 7 16, 8 16", "0 97, 4 88, 5 97, 6 97", [(4, 7)]),
        # a lone one within the episode must be seen normal again as well: one normal one at 6 h ended nothing
        ("0 16, 4 32, 5 32, 6 16, 10.5 32, 11 16, 12 16", "0 97", [(4, 11)]),
        # so must a lone one of another test
        ("0 16, 4 32, 5 32, 6 16, 7 16", "0 97, 6 88, 6.5 97, 7.5 97", [(4, 6.5)]),
    ],
    ids=["a run", "too far apart", "one charting", "a lone one in it", "another test in it"],
)
def test_a_component_is_gone_when_every_test_that_was_abnormal_is_normal_twice(rates, saturations, spans):
    assert present(DISTRESS, RESP=rates, OXYSAT=saturations) == spans
