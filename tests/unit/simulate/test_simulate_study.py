"""A study is composed from its scenario, seed and size, and refuses what it cannot simulate."""

import pytest

from checks.errors import UsageError
from flows.simulate import SCENARIOS
from flows.simulate.study import compose


def test_the_scenarios_are_those_that_are_documented():
    assert list(SCENARIOS) == ["cyt107", "null", "early", "late", "alc", "diurnal"]
    assert all(SCENARIOS[name].name == name and SCENARIOS[name].summary for name in SCENARIOS)


@pytest.mark.parametrize(
    ("scenario", "seed", "message"),
    [
        ("cyt108", 1, "found cyt108; allowed: cyt107, null, early"),
        ("null", -1, "--seed: found -1; allowed: 0"),
    ],
)
def test_what_cannot_be_simulated_is_refused(scenario, seed, message):
    with pytest.raises(UsageError, match=message):
        compose(scenario, seed=seed, subjects=21)


def test_a_small_study_plants_what_it_can(study):
    small = study("cyt107", 1, 3)
    assert len(small.reactions) == 2  # three subjects have two treated ones
    assert all(any(one.usubjid == name and one.treated for one in small.subjects) for name in small.reactions)


def test_the_cut_off_follows_everything_entered(study):
    world = study("null")
    entered = [one.entered for rows in world.measurements.values() for one in rows]
    assert world.data_cutoff >= max(entered) + 60
