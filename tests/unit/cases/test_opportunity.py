"""The hours in which a new event could be seen, under the hour that it would be given: by hand.

Fever by temperature, distress by breathing; onsets at most 3 h apart; risk window 5 to 8 h, control windows -24 to
-6 h and 12 to 48 h since a dose. Temperature speaks for 12 h, other tests for 6 h.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from charts_by_hand import DAY, DISTRESS, FEVER, KNOWN, charts, hours_of, instant, protocol

from checks.cases.composites import find_composites
from checks.cases.observation import observe
from checks.cases.opportunity import block_of, edges_of_windows, opportunities
from checks.cases.series import NEVER
from checks.rules.kinds.timing import TimingRule

DOSE = 9
"""Hour of the dose: at 09:00, so that the risk window is from 14 to 17 h."""
PULSE = {"any_of": [{"vital": "HR", "at_least": 130, "unit": "beats/min"}]}
BREATH = {"any_of": [{"vital": "RESP", "at_least": 30, "unit": "breaths/min"}]}
OXYGEN = {"any_of": [{"vital": "FIO2", "rise_at_least": 0.15, "unit": "fraction"}]}
SATURATION_OR_OXYGEN = {"any_of": [{"vital": "OXYSAT", "below": 90, "unit": "%"}, *OXYGEN["any_of"]]}
WINDOWS = {"risk_window_hours": (5.0, 8.0), "control_windows_hours": ((-24.0, -6.0), (12.0, 48.0))}


def every(hours, value, first=-48, last=96):
    return ", ".join(f"{hour} {value}" for hour in np.arange(first, last + 0.5, hours))


HOURLY = {"TEMP": every(1, 37), "RESP": every(1, 16)}


SCAN = TimingRule.model_validate(
    {"id": "s", "kind": "timing", "method": "scan", "looks": 1, "alpha": 0.1, "rationale": "r", "source": "s"}
)


def observed(charted, starts=(DOSE,), died=None, cutoff=96, reacting=False, rules=(), lines=(), **components):
    """Return the stretches of a subject, and the opportunity under each dose."""
    study = protocol(**components).model_copy(update={**WINDOWS, "rules": rules})
    now = (DAY + pd.Timedelta(hours=cutoff)).to_pydatetime()
    found = find_composites(charts(charted, *lines), study, now)
    times = [DAY + pd.Timedelta(hours=hour) for hour in starts]
    given = pd.DataFrame(
        {
            "USUBJID": "A",
            "dose_number": range(1, len(times) + 1),
            "start_earliest": times,
            "start_latest": times,
        }
    )
    codes = np.zeros(len(given), np.int64)
    ends = np.full(len(KNOWN), NEVER)
    if died is not None:
        ends[0] = instant(died)
    stretches = observe(found, edges_of_windows(given, codes, study), ends, study, now, reacting=reacting)
    return stretches, opportunities(given, codes, stretches, study)


def hours(charted, starts=(DOSE,), **more):
    """Return the hours at risk, in control around and in control before, of each dose."""
    return [(one.in_risk, one.in_control, one.before) for one in observed(charted, starts, **more)[1]]


def test_the_worked_example_of_four_hourly_temperatures():
    """Temperatures at 0, 4, ..., 20 h, hourly breathing, dose at 09:00: R 4, C 54, and so 4 in 58 by chance.

    In each four hours the hours would be given 2, 2.5, 3 and 3.5: those of 12 to 16 are at risk, though they begin
    before 14. Control: 18 h before the dose (of midnight to 4 those given 2 and 2.5 alone), 36 h after it.
    """
    ((at_risk, control, before),) = hours({"TEMP": every(4, 37), "RESP": every(1, 16)})
    assert (at_risk, control, before) == (4, 54, 18)
    assert at_risk / (at_risk + control) == pytest.approx(0.0689655172, abs=1e-10)


@pytest.mark.parametrize("dose", range(24))
def test_where_charting_reacts_what_it_called_for_moves_no_hour(dose):
    """Whatever the hour of the dose: with temperatures on schedule, with some more, with one at each breath.

    An event is given the middle of an hour between two breaths: three of them are at risk.
    """
    more = f"{every(4, 37)}, 9 37, 14 37, 17 37, 18 37, 23 37"
    for temperatures in (every(4, 37), more, every(1, 37)):
        charted = {"TEMP": temperatures, "RESP": every(1, 16)}
        assert [found[:2] for found in hours(charted, (dose,), reacting=True)] == [(3, 54)]


def test_where_charting_reacts_a_component_needs_a_fresh_measurement_before_alone():
    """No temperature from 9 until 22 h: an event until 21 h would have called for one within 12 h of the last.

    One from 21 to 22 h, in control hours of the dose, would not.
    """
    longer = f"{every(1, 37, -48, 9)}, {every(1, 37, 22, 96)}"
    charted = {**HOURLY, "TEMP": longer}
    assert [found[:2] for found in hours(charted)] == [(0, 53)]
    assert [found[:2] for found in hours(charted, reacting=True)] == [(3, 53)]


def test_where_charting_reacts_the_component_seen_first_keeps_its_interval():
    """Breathing on the hour, saturation at half past, temperatures at 12 and 16 h: whichever comes next shows it.

    From 12 to 12.5 h saturation of [11.5, 12.5], with a temperature of [12, 12.5]; from 12.5 to 13 h breathing of
    [12, 13], though saturation was normal at 12.5; and so on.
    """
    charted = {"TEMP": every(4, 37), "RESP": every(1, 16), "OXYSAT": every(1, 97, -47.5, 96)}
    stretches, _ = observed(charted, reacting=True, fever=FEVER, distress=DISTRESS)
    some = (stretches.ends > instant(12)) & (stretches.ends <= instant(14))
    assert hours_of(stretches.middle[some]) == [12.25, 12.5, 13, 13.5]


def test_hourly_charts_show_every_hour():
    assert hours(HOURLY) == [(3, 54, 18)]


def test_components_that_are_seen_too_far_apart_are_no_opportunity():
    """Temperatures every eight hours: of those from 8 to 16 only the last four end near enough to 16 h."""
    stretches, (one,) = observed({"TEMP": every(8, 37), "RESP": every(1, 16)})
    able = [end for end, is_able in zip(hours_of(stretches.ends), stretches.able, strict=True) if is_able]
    assert [end for end in able if 8 < end <= 16] == [13, 14, 15, 16]
    assert one.in_risk == 4  # given (12 + 16) / 2 = 14, 14.5, 15 and 15.5


def test_a_stretch_that_is_too_long_observes_nothing():
    """No temperature from 9 until 21 h is twelve hours, until 22 h thirteen."""
    until = f"{every(1, 37, -48, 9)}, {every(1, 37, 21, 96)}"
    stretches, _ = observed({**HOURLY, "TEMP": until})
    assert stretches.observed[stretches.ends == instant(15)].tolist() == [True]
    longer = f"{every(1, 37, -48, 9)}, {every(1, 37, 22, 96)}"
    stretches, (one,) = observed({**HOURLY, "TEMP": longer})
    assert stretches.observed[stretches.ends == instant(15)].tolist() == [False]
    assert one.in_risk == 0


def test_an_instant_lies_between_two_measurements_the_later_among_them():
    stretches, _ = observed(HOURLY)
    assert stretches.able_at(np.array([instant(-48), instant(-47), instant(96), instant(96.5)])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_control_hours_belong_to_the_nearest_dose_and_each_once():
    """Doses at 9 and 33 h. The first has -15 to 3 and 27 to 45 h, less 38 to 41 h at risk; the second the rest.

    That is 9 to 27 h, less 14 to 17 h at risk, and 45 to 81 h. Before the first risk window lie 18 h and 9 to 14 h,
    between the two 17 to 38 h.
    """
    assert hours(HOURLY, (9, 33)) == [(3, 18 + 15, 18 + 5), (3, 15 + 36, 21)]


def test_control_hours_before_a_dose_are_counted_whatever_the_order_of_subjects():
    """Subjects stand on the axis as DM lists them, doses in the order of USUBJID: here the other way round."""
    stretches, _ = observed(HOURLY)
    times = [DAY + pd.Timedelta(hours=DOSE)] * 2
    given = pd.DataFrame(
        {"USUBJID": ["1", "2"], "dose_number": 1, "start_earliest": times, "start_latest": times}
    )
    study = protocol().model_copy(update=WINDOWS)
    found = opportunities(given, np.array([1, 0]), stretches, study)
    assert [(one.in_risk, one.in_control, one.before) for one in found] == [(0, 0, 0), (3, 54, 18)]


def test_an_hour_in_the_windows_of_two_doses_counts_under_the_later():
    """Doses at 9 and 10 h: 14 to 17 and 15 to 18 h."""
    found = hours(HOURLY, (9, 10))
    assert [at_risk for at_risk, *_ in found] == [1, 3]


def test_death_ends_opportunity():
    """At 15 h: one hour of the risk window, 18 h before the dose, none after it."""
    assert hours(HOURLY, died=15) == [(1, 18, 18)]


def test_the_data_cut_off_ends_opportunity():
    assert hours(HOURLY, cutoff=15) == [(1, 18, 18)]


def test_oxygen_alone_does_not_observe_a_component_that_has_other_tests():
    charted = {"TEMP": every(1, 37), "FIO2": every(1, 0.21)}
    assert hours(charted, fever=FEVER, distress=SATURATION_OR_OXYGEN) == [(0, 0, 0)]
    assert hours(charted, fever=FEVER, distress=OXYGEN) == [(3, 54, 18)]
    both = {**charted, "OXYSAT": every(1, 97)}
    assert hours(both, fever=FEVER, distress=SATURATION_OR_OXYGEN) == [(3, 54, 18)]


def test_any_test_of_a_component_observes_it():
    """Breathing is charted until 15 h, saturation from then on."""
    charted = {"TEMP": every(1, 37), "RESP": every(1, 16, -48, 15), "OXYSAT": every(1, 97, 15, 96)}
    assert hours(charted, fever=FEVER, distress=DISTRESS) == [(3, 54, 18)]


def test_a_component_of_terms_alone_is_observed_until_reports_can_still_come():
    """A day before the cut-off at 40 h: until 16 h, two hours of the window, each under its own hour."""
    found = hours(
        {"TEMP": every(1, 37)},
        cutoff=40,
        fever={"any_of": FEVER["any_of"][:1]},
        rash={"any_of": [{"terms": ["RASH"]}]},
    )
    assert found == [(2, 18, 18)]


def test_a_present_component_that_cannot_worsen_is_no_opportunity_until_its_washout_is_over():
    """A fast pulse from 10 h, last at 11 h: in the washout until 17 h, when it would be new. Breathing may worsen."""
    pulse = f"{every(1, 80, -48, 9)}, 10 140, 11 140, {every(1, 80, 12, 96)}"
    charted = {"TEMP": every(1, 37), "HR": pulse}
    assert hours(charted, fever=FEVER, shock=PULSE)[0][0] == 1
    breath = f"{every(1, 16, -48, 9)}, 10 32, 11 32, {every(1, 16, 12, 96)}"
    assert hours({"TEMP": every(1, 37), "RESP": breath}, fever=FEVER, distress=BREATH)[0][0] == 3


def test_the_counted_episodes_of_the_subject_are_filled_in_as_absent():
    """With the fever that makes it a case the fast pulse of 10 h is the event itself."""
    fever = f"{every(1, 37, -48, 9)}, 10 38.5, 11 38.5, {every(1, 37, 12, 96)}"
    pulse = f"{every(1, 80, -48, 9)}, 10 140, 11 140, {every(1, 80, 12, 96)}"
    assert hours({"TEMP": fever, "HR": pulse}, fever=FEVER, shock=PULSE)[0][0] == 3
    told = {"any_of": [*PULSE["any_of"], {"terms": ["SHOCK"]}]}  # begun at 9.5 h, by a report that joins
    lines = [("SHOCK", "9.5", "")]
    assert hours({"TEMP": fever, "HR": pulse}, lines=lines, fever=FEVER, shock=told)[0][0] == 3


@pytest.mark.parametrize(
    ("pulse", "able"),
    [
        # last fast at 11: an onset is new from 17 on, and what begins after 16 is first seen then
        ("10 140, 11 140, 12 80, 13 80, 14 80, 15 80, 16 80, 17 80, 18 80", [10, 17, 18]),
        # known to be gone at the second normal alone: at 18 it may still be there
        ("10 140, 11 140, 12 80, 18 80, 19 80", [10, 19]),
        # a single one, present until the next measurement
        ("10 140, 13 80, 14 80, 15 80, 16 80, 17 80", [10, 16, 17]),
    ],
)
def test_the_washout_of_a_test_that_cannot_worsen_ends_six_hours_after_its_last_abnormal_value(pulse, able):
    """The stretches between measurements of the pulse, by their ends; temperatures every half hour."""
    charted = {"TEMP": every(0.5, 37, 6, 20), "HR": f"8 80, 9 80, {pulse}"}
    stretches, _ = observed(charted, fever=FEVER, shock=PULSE)
    ends = hours_of(stretches.ends[stretches.able & (stretches.ends > instant(9))])
    assert sorted({end for end in ends if f" {end:g} " in f" {pulse.replace(', ', ' ')} "}) == able


def test_opportunity_is_told_by_hour_and_by_block_of_the_study_s_clock():
    """09:00 UTC is 10:00 in Paris: the risk window is 15:00 to 18:00 there, an hour of block 3 and two of block 4."""
    _, (one,) = observed(HOURLY, rules=(SCAN,))
    assert [length for hour, length in one.at if 5 <= hour < 8] == [1, 1, 1]
    assert (one.at[0], one.at[-1], len(one.at)) == ((0.5, 1.0), (47.5, 1.0), 48)
    assert {block: risk for block, (risk, _) in one.by_block.items() if risk} == {3: 1.0, 4: 2.0}
    assert sum(control for _, control in one.by_block.values()) == one.in_control


def test_opportunity_by_hour_is_gathered_where_a_rule_scans_it():
    _, (asked,) = observed(HOURLY, rules=(SCAN,))
    _, (one,) = observed(HOURLY)
    assert (one.at, replace(asked, at=())) == ((), one)


def test_blocks_are_of_the_clock_on_the_wall():
    """In Paris 02:59 UTC is 03:59, block 0; 03:00 UTC is 04:00, block 1; 23:00 UTC is midnight."""
    at = np.array([instant(2.98), instant(3), instant(23)])
    assert block_of(at, "Europe/Paris").tolist() == [0, 1, 0]
