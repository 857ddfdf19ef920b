"""Onsets of two components make a case when seen, or possibly begun, within three hours. Times in hours."""

import pytest

from checks.cases.joined_onsets import Onset
from checks.cases.pairing import pair_onsets

HOUR = 3600


def onset(name, low, high, *, certain=True, timed=True):
    latest = int(high * HOUR)
    return Onset(int(low * HOUR), latest, latest if timed else None, certain, (name,))


def paired(fevers, distresses):
    onsets = {"fever": fevers, "respiratory_distress": distresses}
    found = pair_onsets(7, onsets, within_hours=3.0, washout_hours=6.0)
    assert all(one.anchor == 7 for one in found)
    return [(one.later, one.certain, one.onset.latest / HOUR, "".join(sorted(one.records))) for one in found]


@pytest.mark.parametrize(("distress", "cases"), [(3.0, 1), (9.0, 1), (2.99, 0), (9.01, 0)])
def test_first_seen_at_most_three_hours_apart(distress, cases):
    assert len(paired([onset("F", 5, 6)], [onset("R", distress - 1, distress)])) == cases


def test_the_later_component_completes_the_case():
    assert paired([onset("F", 5, 6)], [onset("R", 6, 7)]) == [("respiratory_distress", True, 7, "FR")]
    assert paired([onset("F", 6, 7)], [onset("R", 5, 6)]) == [("fever", True, 7, "FR")]


def test_one_uncertain_onset_makes_the_case_possible():
    assert paired([onset("F", 5, 6, certain=False)], [onset("R", 6, 7)])[0][1] is False


def test_an_onset_without_a_time_coincides_where_the_intervals_can():
    """Distress some time in hours 9 to 16 may lie 3 h after a fever of hour 6; from hour 9.1 it cannot."""
    fever = onset("F", 5, 6)
    assert paired([fever], [onset("R", 9, 16, timed=False)]) == [("respiratory_distress", False, 16, "FR")]
    assert paired([fever], [onset("R", 9.1, 16, timed=False)]) == []


def test_the_component_without_a_time_carries_the_doubt():
    """Fever some time in hours 0 to 6, distress between hours 6 and 7: both are there from hour 6 to 7 on."""
    assert paired([onset("F", 0, 6, timed=False)], [onset("R", 6, 7)]) == [("fever", False, 7, "FR")]


def test_an_episode_is_one_case_and_a_certain_one_is_preferred():
    """Two fevers beside one distress: the possible pair comes earlier, the certain one counts."""
    fevers = [onset("F1", 4, 5, certain=False), onset("F2", 6, 7)]
    assert paired(fevers, [onset("R", 5, 6)]) == [("fever", True, 7, "F2R")]


def test_episodes_a_washout_apart_are_two_cases():
    fevers = [onset("F1", 5, 6), onset("F2", 11, 12)]
    distresses = [onset("R1", 5, 6), onset("R2", 11, 12)]
    assert [latest for _, _, latest, _ in paired(fevers, distresses)] == [6, 12]


def test_a_component_without_onsets_makes_no_case():
    assert paired([onset("F", 5, 6)], []) == []
