"""Doses given and cases planted in charts: which measurements change, what a nurse adds, what the truth says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from checks.errors import UsageError
from flows.simulate.planted import DAYS_APART, plant
from flows.simulate.planting import NORMAL, Planting, plant_cases
from flows.simulate.real_charts import Chart, Charts

HOURS = 240
WELL = {"RESP": ("18", "breaths/min"), "OXYSAT": ("97", "%"), "HR": ("80", "beats/min")}


def chart(name: str, *, temperature_every: int = 4, hours: int = HOURS) -> Chart:
    """A chart of a healthy subject from 07:30: hourly vitals, temperature in F every few hours."""
    rows = [(test, unit, text, hour) for hour in range(hours + 1) for test, (text, unit) in WELL.items()]
    rows += [("TEMP", "F", "98.60", hour) for hour in range(0, hours + 1, temperature_every)]
    test, unit, text, hour = zip(*sorted(rows, key=lambda row: row[3]), strict=True)
    return Chart(
        name,
        "S1",
        pd.Timestamp("2026-01-05T07:30"),
        np.array(test, dtype=object),
        np.array(unit, dtype=object),
        np.array(text, dtype=object),
        np.array([float(one) for one in text]),
        np.array(hour, dtype=np.float64),
    )


CHARTS = tuple(chart(f"S{number}") for number in range(6))


def dosed(**options):
    planting = replace(Planting(subjects=6), **options)
    return plant_cases(CHARTS, planting, np.random.default_rng(planting.seed)), planting


def planted_of(subjects):
    return [one for one in subjects if one.case is not None]


def changed(one) -> pd.DataFrame:
    """The measurements of a planted subject that are not as they were charted, hours since the planted dose."""
    after = pd.DataFrame({"test": one.chart.test, "celsius": one.chart.celsius, "text": one.chart.text})
    after["hour"] = one.chart.hour - one.doses[one.case.dose_number - 1]
    before = {(test, float(text)) for test, (text, _) in {**WELL, "TEMP": ("98.60", "F")}.items()}
    same = [
        (test, float(value)) in before for test, value in zip(one.chart.test, one.chart.value, strict=True)
    ]
    return after[~np.array(same)]


@pytest.mark.parametrize("seed", range(5))
def test_cases_lie_in_distinct_subjects_and_begin_in_the_window_of_a_charted_dose(seed):
    subjects, _ = dosed(seed=seed)
    planted = planted_of(subjects)
    assert len(planted) == 3 and len({one.chart.usubjid for one in planted}) == 3
    for one in planted:
        assert 5.1 <= one.case.onset_hour <= 7.5
        assert one.doses[one.case.dose_number - 1] + 8 <= HOURS - 1


@pytest.mark.parametrize("seed", range(5))
def test_only_measurements_of_the_episode_change(seed):
    subjects, _ = dosed(seed=seed, nurse="lazy")
    for one in subjects:
        if one.case is None:
            assert all(mine is kept for mine, kept in zip(one.chart.text, CHARTS[0].text, strict=True))
            continue
        rows = changed(one)
        assert len(one.chart.test) == len(CHARTS[0].test)  # a lazy nurse adds nothing
        distress = rows[rows["test"].isin(["RESP", "OXYSAT"])]
        assert distress["hour"].between(one.case.onset_hour, one.case.onset_hour + 6, inclusive="left").all()
        assert distress.loc[distress["test"] == "RESP", "celsius"].between(30, 38).all()
        assert distress.loc[distress["test"] == "OXYSAT", "celsius"].between(82, 89).all()
        fever = rows[rows["test"] == "TEMP"]
        assert fever["hour"].between(one.case.onset_hour - 0.75, one.case.onset_hour + 6).all()
        assert fever["celsius"].between(38.45, 39.85).all()
        assert not len(rows[rows["test"] == "HR"])


@pytest.mark.parametrize("seed", range(5))
def test_an_alert_nurse_takes_temperatures_hourly_from_the_first_distress_and_one_at_the_end(seed):
    subjects, _ = dosed(seed=seed)
    for one in planted_of(subjects):
        rows = changed(one)
        first = rows.loc[rows["test"] == "RESP", "hour"].min()
        added = rows[(rows["test"] == "TEMP") & (rows["celsius"].map("{:g}".format) == rows["text"])]
        assert first + 5 / 60 - 1 / 60 <= added["hour"].iloc[0] <= first + 20 / 60 + 1 / 60
        assert np.allclose(np.diff(added["hour"]), 1, atol=1.1 / 60)
        assert added["celsius"].iloc[-1] == 37.4
        assert one.case.both_visible_hour == pytest.approx(
            max(first, rows.loc[rows["celsius"].between(38.4, 40) & (rows["test"] == "TEMP"), "hour"].min()),
            abs=1e-3,
        )


def test_a_case_that_no_temperature_shows_is_never_visible():
    sparse = tuple(chart(f"S{number}", temperature_every=1000) for number in range(3))
    planting = Planting(subjects=3, nurse="lazy")
    for one in plant_cases(sparse, planting, np.random.default_rng(1)):
        assert one.case.both_visible_hour is None and not one.case.both_in_window


@pytest.mark.parametrize("in_runs", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_share_of_an_episodes_measurements_is_normal(share, in_runs):
    """1,200 charted hours of RESP: the share's standard error is at most .015, some three times that in runs."""
    normal, runs, ill = 0, 0, 0
    for seed in range(100):
        subjects, _ = dosed(seed=seed, normal_share=share, in_runs=in_runs, nurse="lazy", lasts=(4.0, 4.0))
        for one in planted_of(subjects):
            hour = one.chart.hour - one.doses[one.case.dose_number - 1] - one.case.onset_hour
            during = (one.chart.test == "RESP") & (hour >= -1e-3) & (hour < 4 - 1e-3)
            well = one.chart.value[during] <= NORMAL["RESP"][1]
            normal, ill = normal + well.sum(), ill + (~well).sum()
            runs += (np.diff(np.append(False, well).astype(int)) == 1).sum()
    assert normal / (normal + ill) == pytest.approx(share, abs=0.05)
    # Of 4 in a row, s + 3 s (1 - s) runs begin where each is normal by itself, s + 3 s / 3 where runs last 3.
    assert normal / runs == pytest.approx(2 if in_runs else 4 / (1 + 3 * (1 - share)), abs=0.2)


def test_milder_and_shorter_episodes_read_what_is_asked_for():
    shows = {"RESP": (26, 34), "OXYSAT": (86, 91), "TEMP": (38.3, 38.9)}
    subjects, _ = dosed(shows=shows, lasts=(1.2, 2.5), nurse="lazy")
    for one in planted_of(subjects):
        rows = changed(one)
        assert rows["hour"].max() < one.case.onset_hour + 2.5
        for test, (low, high) in shows.items():
            assert rows.loc[rows["test"] == test, "celsius"].between(low - 0.05, high + 0.05).all()


def test_doses_are_twice_a_week_or_at_an_hour_and_end_with_the_chart_or_go_on():
    subjects, _ = dosed(doses=4)
    for one in subjects:
        assert 8 <= one.doses[0] <= 30 and len(one.doses) <= 3 and one.doses[-1] <= HOURS - 8
        assert all(72 - 0.02 <= gap <= 96 + 0.02 for gap in np.diff(one.doses))
    at_nine, _ = dosed(dose_hour=9.0, beyond_chart=True)
    for one in at_nine:
        clock = [(7.5 + hour) % 24 for hour in one.doses]
        assert clock == pytest.approx([9.0] * 4) and list(np.diff(one.doses)) == [72, 96, 72]


def test_none_is_none_and_too_few_charts_are_refused():
    assert not planted_of(dosed(cases=0)[0])
    with pytest.raises(
        UsageError, match="--subjects: found 7; allowed: at most 6, the charts that last 36 hours"
    ):
        dosed(subjects=7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "--seed: found -1; allowed: 0 or more"),
        ({"cases": -1}, "--cases: found -1"),
        ({"doses": 0}, "--doses: found 0; allowed: 1"),
        ({"subjects": 0}, "--subjects: found 0; allowed: 1"),
        ({"window": (8.0, 5.0)}, "--window: found 8 5"),
        ({"window": (-1.0, 5.0)}, "--window: found -1 5"),
    ],
)
def test_what_cannot_be_planted_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Planting(**options)


def test_a_study_keeps_every_reading_as_charted_and_moves_whole_charts():
    study = plant(Charts(CHARTS, 0), Planting(subjects=6, cases=0))
    for order, name in enumerate(study.feeds["dm"]["USUBJID"]):
        own = study.feeds["vs"][study.feeds["vs"]["USUBJID"] == name]
        assert list(own["VSORRES"]) == list(CHARTS[0].text)
        assert own["VSDTC"].iloc[0] == str(
            pd.Timestamp("2026-01-05T07:30") + pd.Timedelta(days=DAYS_APART * order)
        )[:16].replace(" ", "T")
    assert study.truth["planted"] == [] and study.truth["nurse"] is None
    assert study.truth["data_cutoff"] == "2026-02-18T00:00:00Z"  # 5 January, 30 days, 240 hours, 4 days
