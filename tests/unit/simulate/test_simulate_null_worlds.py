"""Simulated worlds without harm: as many events as asked for, where each world says, and charted as it says."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from checks.protocol import load_protocol
from checks.protocol.case_definition import Component
from flows.simulate.null_worlds import WORLDS, follow
from flows.simulate.shape import Shape, shape_of

GOOD = load_protocol(Path(__file__).parents[2] / "fixtures/protocols/good.yaml")
PEOPLE = 5_000


@pytest.fixture(scope="module")
def shape() -> Shape:
    found = shape_of(GOOD)
    assert isinstance(found, Shape)
    return found


def people(world: str, shape: Shape, rate: float = 0.1, number: int = PEOPLE, harmed: tuple[int, ...] = ()):
    return follow(default_rng(1), WORLDS[world], shape, rate, number, harmed)


def since_dose(found) -> np.ndarray:
    """Hours of each episode's onset since each dose of its subject: a row an episode, a column a dose."""
    who, onsets, _ = found.episodes
    return onsets[:, None] - found.doses[who]


def of_components(**changed: Component | None):
    """The protocol with other components; None leaves one out."""
    components = {**GOOD.case_definition.components, **changed}
    kept = {name: one for name, one in components.items() if one is not None}
    definition = GOOD.case_definition.model_copy(update={"components": kept})
    return GOOD.model_copy(update={"case_definition": definition})


def test_a_protocol_says_what_is_charted_and_when(shape):
    # control hours from 24 before to 48 after a dose, and two more at either end; 72 hours are three days
    assert (shape.before, shape.after, shape.between, shape.doses) == (26, 50, 72, 6)
    # fever at 38.3 C, 1.5 above 36.8, or 1 above the baseline: ill half as far again as the furthest
    fever, distress = shape.signs
    assert (fever.test, fever.well, fever.ill) == ("TEMP", 36.8, pytest.approx(36.8 + 1.5 * 1.5))
    assert shape.slow == "TEMP"
    # saturation below 90, 7 below 97
    assert (distress.test, distress.ill) == ("OXYSAT", pytest.approx(97 - 1.5 * 7))


@pytest.mark.parametrize(
    "criteria",
    [
        [{"terms": ["FEVER"]}],
        [{"lab": "ALT", "above_times_uln": 3}],
        [{"vital": "TEMP", "at_least": 36.5, "unit": "C"}],  # health itself would be a fever
    ],
)
def test_what_no_vital_sign_shows_is_not_simulated_and_named(criteria):
    protocol = of_components(fever=Component.model_validate({"any_of": criteria}))
    assert shape_of(protocol) == "no vital sign alone shows fever"


def test_all_of_a_component_is_charted_where_all_of_it_is_asked_for():
    shock = {
        "all_of": [
            {"vital": "MAP", "below": 65, "unit": "mmHg"},
            {"vital": "HR", "at_least": 120, "unit": "beats/min"},
        ]
    }
    found = shape_of(of_components(shock=Component.model_validate(shock)))
    assert isinstance(found, Shape)
    assert {one.test: one.ill for one in found.signs if one.test in ("MAP", "HR")} == {
        "MAP": 90 - 1.5 * 25,
        "HR": 80 + 1.5 * 40,
    }


@pytest.mark.parametrize("world", ["even", "unequal", "rhythm", "trend"])
def test_as_many_have_an_event_in_a_risk_window_as_is_asked_for(world, shape):
    found = people(world, shape)
    who, since = found.episodes[0], since_dose(found)
    share = len(np.unique(who[((since >= 5) & (since < 8)).any(axis=1)])) / PEOPLE
    assert share == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / PEOPLE))


def test_a_rhythm_is_highest_in_risk_windows(shape):
    # mean of cos(2 pi (h - 6.5) / 24): over 5-8 it is .9745; over -24 to -6 and 12 to 48, -.0609
    since = since_dose(people("rhythm", shape))
    risk = ((since >= 5) & (since < 8)).sum() / 3
    control = (((since >= -24) & (since < -6)) | ((since >= 12) & (since < 48))).sum() / 54
    assert risk / control == pytest.approx((1 + 0.6 * 0.9745) / (1 - 0.6 * 0.0609), rel=0.15)


def test_no_dose_is_given_within_a_day_of_an_event_where_doses_are_put_off(shape):
    found, even = people("put_off", shape), people("even", shape)
    fresh = [((since > 0) & (since <= 24)).sum() for since in (-since_dose(found), -since_dose(even))]
    waited = (np.diff(found.doses, axis=1) > shape.between).any(axis=1)
    assert waited.mean() > 0.3
    assert fresh[0] < fresh[1] / 10  # after three days a dose is given all the same


def test_the_dead_are_neither_charted_nor_dosed(shape):
    given, charted = {}, {}
    for world in ("even", "death"):
        found = people(world, shape, number=400)
        _, whose, hours = found.rounds[1]  # the test that is taken hourly
        last = np.zeros(400)
        np.maximum.at(last, whose, hours)
        given[world] = np.isfinite(found.doses)
        assert (found.doses[given[world]] <= np.repeat(last + 1, given[world].sum(axis=1))).all()
        charted[world] = np.bincount(whose, minlength=400)
    assert given["even"].all() and given["death"].mean() < 0.8
    # from 26 hours before the first dose to 50 after the last, five times 72 later
    assert set(charted["even"]) <= {435, 436} and (charted["death"] < 400).mean() > 0.4


def test_the_sick_fall_ill_more_often_and_are_charted_around_doses_alone(shape):
    found = people("unequal", shape, number=600)
    _, whose, _ = found.rounds[1]  # the test that is taken hourly
    charted = np.bincount(whose, minlength=600)
    sick = charted < 6 * 24  # 9 hours before to 14 after each of six doses are 138; others have over 400
    assert sick.mean() == pytest.approx(1 / 3, abs=0.08)
    events = np.bincount(found.episodes[0], minlength=600)
    assert events[sick].mean() / events[~sick].mean() == pytest.approx(6, rel=0.25)


def test_an_alert_nurse_takes_a_temperature_as_soon_as_an_episode_shows(shape):
    found = people("alert_nurse", shape, number=200)
    who, onsets, ends = found.episodes
    test, whose, hours = found.rounds[-1]
    assert test == "TEMP"
    for one, onset, end in zip(who, onsets, ends, strict=True):
        minutes = (hours[(whose == one) & (hours < end)] - math.ceil(onset)) * 60
        assert ((minutes >= 5) & (minutes <= 20)).any()


def test_harm_is_one_event_in_a_risk_window_of_those_who_are_harmed(shape):
    found = people("even", shape, rate=0.01, number=50, harmed=(3, 7))
    assert np.flatnonzero(np.isfinite(found.harmed)).tolist() == [3, 7]
    since = found.harmed[[3, 7], None] - found.doses[[3, 7]]
    assert ((since >= 5) & (since < 8)).sum(axis=1).tolist() == [1, 1]
