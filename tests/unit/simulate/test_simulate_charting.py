"""Charts show the course as nurses write it: rounded, in the site's unit, sooner when something is wrong."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from flows.simulate.charting import PROTOCOL_HOURS, STRAYS, VITALS, Measurement
from flows.simulate.scenarios import SCENARIOS
from flows.simulate.study import compose_world
from flows.simulate.timeline import to_local

TESTS = {"TEMP", "RESP", "OXYSAT", "HR"}


@pytest.fixture(scope="module")
def world(study):
    return study("cyt107")


@pytest.fixture(scope="module")
def clean():
    return compose_world(replace(SCENARIOS["cyt107"], clean=True), seed=1, subjects=21)


@pytest.fixture(scope="module")
def measurements(world) -> list[Measurement]:
    return [one for charted in world.measurements.values() for one in charted]


def test_readings_come_in_order_within_the_charted_stay(world):
    for one in world.subjects:
        minutes = [measurement.minute for measurement in world.measurements[one.usubjid]]
        assert minutes == sorted(minutes)
        assert one.chart_start <= minutes[0] <= one.chart_start + 8 * 60
        assert minutes[-1] <= one.chart_end


def test_no_vital_is_written_twice_at_one_minute(world):
    for charted in world.measurements.values():
        assert len({(one.test, one.minute) for one in charted}) == len(charted)


def test_temperature_has_one_decimal_and_the_rest_none(measurements):
    for one in measurements:
        if one.value is not None:
            assert one.value == round(one.value, 1 if one.test == "TEMP" else 0)
            assert one.test != "OXYSAT" or one.value <= 100


def test_american_sites_write_fahrenheit_alone(world):
    for one in world.subjects:
        units = {
            measurement.unit
            for measurement in world.measurements[one.usubjid]
            if measurement.test == "TEMP" and measurement.value is not None
        }
        assert units == {"F" if one.site.startswith("US") else "C"}


def test_fahrenheit_is_read_back_in_celsius():
    assert Measurement("TEMP", 0, 101.3, "F", 0).celsius == pytest.approx(38.5)
    assert Measurement("TEMP", 0, 38.5, "C", 0).celsius == 38.5
    assert Measurement("TEMP", 0, None, "", 0).celsius is None


def test_charts_follow_the_latent_course(clean):
    """In clean charts: a stray value is by its meaning not the subject's."""
    world = clean
    for one in world.subjects:
        course = world.courses[one.usubjid]
        errors = [
            measurement.celsius - course.TEMP[measurement.minute - course.start]
            for measurement in world.measurements[one.usubjid]
            if measurement.test == "TEMP" and measurement.celsius is not None
        ]
        assert abs(np.mean(errors)) < 0.05
        assert np.max(np.abs(errors)) < 1.0


@pytest.mark.parametrize("test", list(STRAYS))
def test_now_and_then_a_value_is_charted_that_the_subject_did_not_have(world, clean, test):
    """Some 9,000 temperatures and 25,000 others: the standard error of a share is .0008 at most."""
    strays, beyond = [], np.sign(STRAYS[test].beyond)
    for study, found in ((world, strays), (clean, none := [])):
        for one in study.subjects:
            course, charted = study.courses[one.usubjid], study.measurements[one.usubjid]
            latent = getattr(course, test)
            found += [
                beyond * (read.celsius - latent[read.minute - course.start]) > 6 * VITALS[test].sd
                for read in charted
                if read.test == test and read.value is not None
            ]
    # Those that are no further from the course than an error of measurement are not told from it.
    assert 0.5 * STRAYS[test].share < np.mean(strays) < 1.2 * STRAYS[test].share
    assert not any(none)


def test_temperatures_lie_in_slots_of_the_day(world):
    """Not those by protocol, nor of whoever is febrile or distressed: two thirds, as in the MIMIC-IV demo (.67)."""
    hours = [
        to_local(read.minute, one.zone).hour
        for one in world.subjects
        for read in world.measurements[one.usubjid]
        if read.test == "TEMP" and read.minute < one.icu_end and _away_from_doses(read, one)
    ]
    assert np.mean([hour % 4 == 0 for hour in hours]) == pytest.approx(0.67, abs=0.1)


def _away_from_doses(measurement: Measurement, one) -> bool:
    return all(not -1 <= (measurement.minute - dose.start) / 60 <= 9 for dose in one.given)


def test_the_protocol_asks_for_every_vital_around_every_dose(world):
    for one in world.subjects:
        asked = {(measurement.test, measurement.minute) for measurement in world.measurements[one.usubjid]}
        for dose in one.given:
            for hours in PROTOCOL_HOURS:
                due = dose.start + int(hours * 60)
                near = {test for test, minute in asked if abs(minute - due) <= 5}
                assert near == TESTS


def test_few_protocol_vitals_are_not_done(measurements):
    lost = [one for one in measurements if one.value is None]
    assert 0 < len(lost) < 0.01 * len(measurements)
    assert {one.unit for one in lost} == {""}


def test_a_febrile_temperature_is_repeated_sooner(world):
    calm, febrile = [], []
    for one in world.subjects:
        charted = [
            r for r in world.measurements[one.usubjid] if r.minute < one.icu_end and r.value is not None
        ]
        distress = {r.minute for r in charted if _distressed(r)}
        for this, following in pairwise(r for r in charted if r.test == "TEMP"):
            if not distress & set(range(this.minute - 60, following.minute)):
                (febrile if this.celsius >= 38.3 else calm).append(following.minute - this.minute)
    assert np.median(febrile) <= 150 < np.median(calm)


def test_a_distressed_subject_has_a_temperature_within_about_an_hour(world):
    waits = []
    for one in world.subjects:
        charted = [
            r for r in world.measurements[one.usubjid] if r.minute < one.icu_end and r.value is not None
        ]
        temperatures = np.array([r.minute for r in charted if r.test == "TEMP"])
        for measurement in charted:
            later = temperatures[temperatures > measurement.minute]
            if _distressed(measurement) and len(later):
                waits.append(later[0] - measurement.minute)
    assert np.quantile(waits, 0.75) <= 75


def _distressed(measurement: Measurement) -> bool:
    return measurement.value is not None and (
        (measurement.test == "RESP" and measurement.value >= 30)
        or (measurement.test == "OXYSAT" and measurement.value < 90)
    )


def test_the_ward_charts_more_sparsely_than_intensive_care(world):
    unit, ward = [], []
    for one in world.subjects:
        rates = [r for r in world.measurements[one.usubjid] if r.test == "RESP"]
        for this, following in pairwise(rates):
            (unit if following.minute < one.icu_end else ward).append(following.minute - this.minute)
    assert np.median(unit) == 60
    assert np.median(ward) == 360


def test_entry_is_after_measurement_mostly_soon_and_sometimes_late(measurements):
    hours = np.array([(one.entered - one.minute) / 60 for one in measurements])
    assert hours.min() > 0
    assert np.mean(hours <= 2) > 0.8
    assert 0.01 < np.mean(hours > 6) < 0.06
