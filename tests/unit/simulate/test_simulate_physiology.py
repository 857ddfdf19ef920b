"""The latent course has its planted reaction, nothing else new, and the swing of its scenario."""

from dataclasses import replace

import numpy as np
import pytest

from flows.simulate.physiology import FloatArray, level, septic_course
from flows.simulate.reaction import QUIET_HOURS, Shape
from flows.simulate.scenarios import SCENARIOS
from flows.simulate.truth import latent_onsets

PLANTED = ["cyt107", "early", "late"]
ONSET_HOURS = {"cyt107": (5.0, 7.0), "early": (1.0, 3.0), "late": (10.0, 14.0)}


@pytest.mark.parametrize("scenario", PLANTED)
@pytest.mark.parametrize("seed", [1, 2])
def test_three_treated_subjects_of_different_sites_react(study, scenario, seed):
    world = study(scenario, seed)
    reacting = [one for one in world.subjects if one.usubjid in world.reactions]
    assert len(reacting) == 3
    assert all(one.treated for one in reacting)
    assert len({one.site for one in reacting}) == 3


@pytest.mark.parametrize("scenario", ["null", "alc", "diurnal"])
def test_nothing_reacts_where_nothing_is_planted(study, scenario):
    assert not study(scenario).reactions


@pytest.mark.parametrize("scenario", PLANTED)
def test_latent_onsets_lie_in_the_hours_of_the_scenario(study, scenario):
    world = study(scenario)
    low, high = ONSET_HOURS[scenario]
    for name, reaction in world.reactions.items():
        onsets = latent_onsets(world.courses[name], reaction.dose_start)
        for minute in (onsets.fever, onsets.distress):
            assert minute is not None
            assert low <= (minute - reaction.dose_start) / 60 <= high


@pytest.mark.parametrize("scenario", PLANTED)
def test_a_reaction_peaks_as_planted_and_passes(study, scenario):
    world = study(scenario)
    for name, reaction in world.reactions.items():
        course, start = world.courses[name], reaction.dose_start - world.courses[name].start
        during = slice(start, start + 24 * 60)
        assert 38.9 <= course.TEMP[during].max() <= 39.6
        assert course.RESP[during].max() >= 28
        assert course.OXYSAT[during].min() <= 91
        for shape in (reaction.fever, reaction.distress):
            assert 5 <= (shape.end - shape.start) / 60 <= 10


def test_a_planted_dose_is_preceded_by_a_quiet_day(study):
    world = study("cyt107")
    for name, reaction in world.reactions.items():
        course, at = world.courses[name], reaction.dose_start - world.courses[name].start
        before = slice(max(at - 24 * 60, 0), at)
        assert course.TEMP[before].max() < 38.0
        assert course.RESP[before].max() < 26
        assert np.ptp(course.OXYSAT[before]) < 1e-9


def test_the_reaction_is_all_that_planting_changes(study):
    planted, plain = study("cyt107"), study("null")
    for one in plain.subjects:
        with_it, without = planted.courses[one.usubjid], plain.courses[one.usubjid]
        reaction = planted.reactions.get(one.usubjid)
        if reaction is None:
            assert np.array_equal(with_it.TEMP, without.TEMP)
            assert planted.measurements[one.usubjid] == plain.measurements[one.usubjid]
        else:
            hours = (np.arange(with_it.minutes) + with_it.start - reaction.dose_start) / 60
            away = (hours < QUIET_HOURS[0]) | (hours > QUIET_HOURS[1] + 12)
            assert np.allclose(with_it.TEMP[away], without.TEMP[away])


def test_some_are_ill_from_the_start_and_for_days_but_nobody_in_a_clean_study(study):
    """12 % of 63 subjects are expected to have prior fever, 15 % distress: 7.6 and 9.5, SD 2.6 and 2.8."""
    days: dict[str, list[float]] = {"TEMP": [], "RESP": []}
    for seed in (1, 2, 3):
        world = study("null", seed)
        for one in world.subjects:
            clean = septic_course(one, replace(world.scenario, clean=True), None, seed)
            for test, found in days.items():
                risen = getattr(world.courses[one.usubjid], test) - getattr(clean, test) > 1e-6
                assert risen[0] == risen.any()
                found.extend([risen.sum() / (24 * 60)] if risen.any() else [])
    assert 1 <= len(days["TEMP"]) <= 15 and 2 <= len(days["RESP"]) <= 18
    assert min(np.median(found) for found in days.values()) > 1


def test_oxygen_keeps_the_saturation_up_in_most_distress(study):
    """Of the minutes with 30 breaths or more, .03 to .05 in real charts have a saturation below 90 beside them."""
    low = [
        course.OXYSAT[course.RESP >= 30] < 90
        for seed in (1, 2, 3)
        for course in study("null", seed).courses.values()
    ]
    assert 0.005 < np.mean(np.concatenate(low)) < 0.1


def test_the_diurnal_scenario_swings_by_more_than_the_plain_one(study):
    world = study("diurnal")
    for one in world.subjects:  # doses come at other hours than in "null": the same stay, with its swing
        plain = septic_course(one, SCENARIOS["null"], None, world.seed)
        difference = world.courses[one.usubjid].TEMP - plain.TEMP
        assert np.ptp(difference) == pytest.approx(2 * (0.8 - 0.25), abs=0.01)


def test_temperature_is_highest_in_the_late_afternoon(study):
    world = study("diurnal")
    by_hour: dict[int, list[float]] = {}
    for one in world.subjects:
        if one.zone != "Europe/Paris":
            continue
        course = world.courses[one.usubjid]
        for minute in range(0, course.minutes, 60):
            local = (minute + course.start) // 60 % 24  # UTC; Paris is one or two hours ahead
            by_hour.setdefault(local, []).append(float(course.TEMP[minute]))
    means = {hour: np.mean(values) for hour, values in by_hour.items()}
    assert max(means, key=means.__getitem__) in (14, 15, 16)
    assert min(means, key=means.__getitem__) in (2, 3, 4)


def test_a_deviation_rises_holds_and_falls():
    shape, clock = Shape(start=100, rise=60, hold=120, fall=90), np.arange(0.0, 500.0)
    heights: FloatArray = level(shape, clock)
    assert heights[[0, 100, 130, 160, 200, 280, 325, 370, 499]] == pytest.approx(
        [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    )
    assert shape.end == 370
