"""What truth.json says of a case is what was planted, and what its charts show by the case definition."""

import pytest

from flows.simulate.charting import Measurement
from flows.simulate.study import truth
from flows.simulate.truth import Onsets, charted_onsets

DOSE = 10_000


def _measurement(test: str, hours: float, value: float | None, unit: str = "C") -> Measurement:
    minute = DOSE + round(hours * 60)
    return Measurement(test, minute, value, unit, minute)


CALM = [
    _measurement("TEMP", -1, 37.0),
    _measurement("OXYSAT", -1, 97, "%"),
    _measurement("RESP", -1, 20, "breaths/min"),
]


@pytest.mark.parametrize(
    ("later", "fever", "distress"),
    [
        ([], None, None),
        ([_measurement("TEMP", 6, 38.3)], 6, None),
        ([_measurement("TEMP", 6, 38.2)], 6, None),  # a rise of 1.2 to at least 38.0
        ([_measurement("TEMP", 6, 37.9)], None, None),  # below 38.0
        ([_measurement("TEMP", 6, 101.0, "F")], 6, None),  # 38.33 C
        ([_measurement("TEMP", 5, None), _measurement("TEMP", 7, 39.0)], 7, None),
        ([_measurement("RESP", 6, 30, "breaths/min")], None, 6),
        ([_measurement("RESP", 6, 29, "breaths/min")], None, None),
        ([_measurement("OXYSAT", 6, 93, "%")], None, 6),  # a fall of 4 to below 94
        ([_measurement("OXYSAT", 6, 94, "%")], None, None),
        ([_measurement("HR", 6, 140, "beats/min")], None, None),
        ([_measurement("OXYSAT", 5.5, 89, "%"), _measurement("TEMP", 6.5, 39.1)], 6.5, 5.5),
        ([_measurement("TEMP", 17, 39.1)], None, None),  # beyond the sixteen hours that are searched
    ],
)
def test_charted_onsets_follow_the_case_definition(later, fever, distress):
    expected = Onsets(*(None if hour is None else DOSE + round(hour * 60) for hour in (fever, distress)))
    assert charted_onsets([*CALM, *later], DOSE) == expected


def test_without_a_baseline_only_absolute_criteria_hold():
    assert charted_onsets(
        [_measurement("TEMP", 6, 38.2), _measurement("OXYSAT", 6, 92, "%")], DOSE
    ) == Onsets(None, None)
    assert charted_onsets([_measurement("TEMP", 6, 38.4)], DOSE).fever == DOSE + 360


def test_an_onset_is_sought_from_where_the_planted_component_may_begin():
    stray = _measurement("RESP", 2, 31, "breaths/min")
    later = [_measurement("TEMP", 6, 39.0), _measurement("RESP", 6.5, 32, "breaths/min")]
    assert charted_onsets([*CALM, stray, *later], DOSE).distress == DOSE + 120
    since = Onsets(DOSE + 300, DOSE + 300)
    assert charted_onsets([*CALM, stray, *later], DOSE, since) == Onsets(DOSE + 360, DOSE + 390)


def test_a_case_begins_when_both_have_begun():
    assert Onsets(400, 390).later == 400
    assert Onsets(400, None).later is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_latent_hours_are_where_the_latent_course_crosses(study, seed):
    world = study("cyt107", seed)
    for case in truth(world)["cases"]:
        course, reaction = world.courses[case["USUBJID"]], world.reactions[case["USUBJID"]]
        at, hour = reaction.dose_start - course.start, case["latent"]["fever"]["onset_hour"]
        crossing = at
        while course.TEMP[crossing] < 38.0:  # the lowest temperature at which any fever criterion can hold
            crossing += 1
        highest = crossing
        while course.TEMP[highest] < 38.3:  # from here on one surely holds
            highest += 1
        assert crossing - at <= round(hour * 60) <= highest - at


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_default_scenario_shows_its_cases_in_the_risk_window(study, seed):
    cases = truth(study("cyt107", seed))["cases"]
    assert len(cases) == 3
    for case in cases:
        charted = case["charted"]
        assert charted["hour"] == max(charted["fever_hour"], charted["respiratory_distress_hour"])
        assert 5 <= charted["hour"] <= 8
        assert charted["in_risk_window"]
        assert abs(charted["fever_hour"] - charted["respiratory_distress_hour"]) <= 3


@pytest.mark.parametrize(("scenario", "low", "high"), [("early", 1, 3), ("late", 10, 14)])
def test_other_scenarios_show_theirs_elsewhere(study, scenario, low, high):
    for case in truth(study(scenario))["cases"]:
        assert low <= case["charted"]["hour"] <= high
        assert not case["charted"]["in_risk_window"]


def test_dose_numbers_count_given_doses(study):
    world = study("cyt107")
    for one in world.subjects:
        if one.usubjid in world.reactions:
            reaction = world.reactions[one.usubjid]
            assert one.given[reaction.dose_number - 1].start == reaction.dose_start


@pytest.mark.parametrize("scenario", ["null", "diurnal"])
def test_a_study_without_effect_says_so(study, scenario):
    document = truth(study(scenario))
    assert document["cases"] == []
    assert document["planted_hours"] is None
    assert document["lymphocytes_above_limit"] == []


def test_every_document_says_that_it_is_simulated(study):
    document = truth(study("cyt107"))
    assert document["simulated"] is True
    assert document["scenario"] == "cyt107"
    assert document["subjects"] == 21
