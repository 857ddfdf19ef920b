"""Enrolment has the public shape of the trial, and its dates meet the clock changes of both countries."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from checks.errors import UsageError
from flows.simulate.design import PLANNED_DAYS, SITES, Subject, enrol
from flows.simulate.scenarios import AROUND_THE_CLOCK
from flows.simulate.timeline import ORIGIN, from_local, to_local

SEEDS = range(1, 9)


@pytest.fixture(scope="module", params=SEEDS)
def subjects(request: pytest.FixtureRequest) -> tuple[Subject, ...]:
    return enrol(request.param, 21)


def test_fifteen_of_twenty_one_are_treated(subjects):
    assert sum(one.treated for one in subjects) == 15


@pytest.mark.parametrize(("count", "treated"), [(2, 1), (3, 2), (7, 5), (40, 29), (210, 150)])
def test_other_sizes_keep_the_proportion(count, treated):
    assert sum(one.treated for one in enrol(1, count)) == treated


def test_every_site_enrols_and_a_us_site_has_its_own_zone(subjects):
    assert {one.site for one in subjects} == set(SITES)
    assert {one.zone for one in subjects if one.site == "US02"} == {"America/Chicago"}


def test_subjects_are_distinct_and_in_order_of_first_dose(subjects):
    assert len({one.usubjid for one in subjects}) == 21
    firsts = [one.doses[0].start for one in subjects]
    assert firsts == sorted(firsts)


def test_doses_come_twice_a_week_in_the_local_morning(subjects):
    for one in subjects:
        local = [to_local(dose.start, one.zone) for dose in one.doses]
        days = [(moment.date() - local[0].date()).days for moment in local]
        assert tuple(days) == PLANNED_DAYS[: len(days)]
        assert all(9 <= moment.hour < 11 for moment in local)


def test_doses_around_the_clock_keep_their_days_and_fill_every_quarter_of_it():
    quarters = {0: 0, 1: 0, 2: 0, 3: 0}
    for seed in SEEDS:
        moved = enrol(seed, 21, dosing_hours=AROUND_THE_CLOCK)
        for one, usual in zip(moved, enrol(seed, 21), strict=True):
            local = [to_local(dose.start, one.zone) for dose in one.doses]
            assert [at.date() for at in local] == [to_local(d.start, usual.zone).date() for d in usual.doses]
            for at in local:
                quarters[at.hour // 6] += 1
    share = [count / sum(quarters.values()) for count in quarters.values()]
    assert share == pytest.approx([0.25] * 4, abs=0.06)  # 4 standard errors of some 900 doses


def test_the_first_dose_is_given_and_some_later_ones_are_not():
    everyone = [one for seed in SEEDS for one in enrol(seed, 21)]
    assert all(one.doses[0].not_given is None for one in everyone)
    assert any(dose.not_given for one in everyone for dose in one.doses)
    assert {len(one.doses) for one in everyone} >= {5, 6}


def test_charting_surrounds_the_doses(subjects):
    for one in subjects:
        assert 24 * 60 <= one.given[0].start - one.chart_start <= 30 * 60
        assert 96 * 60 <= one.chart_end - one.given[-1].start <= 120 * 60
        assert one.admitted < one.chart_start
        assert one.given[0].start < one.icu_end <= one.chart_end


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Paris", [datetime(2024, 10, 27, 1, tzinfo=UTC), datetime(2025, 3, 30, 1, tzinfo=UTC)]),
        ("America/New_York", [datetime(2024, 11, 3, 6, tzinfo=UTC), datetime(2025, 3, 9, 7, tzinfo=UTC)]),
    ],
)
def test_enrolment_spans_the_clock_changes(subjects, zone, changes):
    first, last = subjects[0].doses[0].start, subjects[-1].chart_end
    for change in changes:  # dates of the change: Directive 2000/84/EC; 15 U.S.C. 260a
        minute = (change - ORIGIN).total_seconds() / 60
        assert first < minute < last
        before, after = (
            datetime.fromtimestamp(change.timestamp() + step, ZoneInfo(zone)) for step in (-1, 1)
        )
        assert before.utcoffset() != after.utcoffset()


def test_some_french_stay_holds_a_clock_change(subjects):
    crossing = [
        one
        for one in subjects
        if one.zone == "Europe/Paris" and _offset(one, one.chart_start) != _offset(one, one.chart_end)
    ]
    assert crossing


def _offset(one: Subject, minute: int) -> int:
    return from_local(to_local(0, "UTC"), "UTC") + minute - from_local(to_local(minute, one.zone), "UTC")


def test_the_same_seed_enrols_the_same_and_another_does_not():
    assert enrol(3, 21) == enrol(3, 21)
    assert enrol(3, 21) != enrol(4, 21)


@pytest.mark.parametrize("count", [1, 0, -3])
def test_a_trial_needs_both_arms(count):
    with pytest.raises(UsageError, match=rf"--subjects: found {count}; allowed: 2 or more"):
        enrol(1, count)
