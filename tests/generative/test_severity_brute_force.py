"""Severity scores against a walk through each subject's chart, instant by instant, written from the words alone."""

import math
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cases.severity_scores import score_doses
from checks.protocol import load_protocol

GOOD = (Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml").read_text()
BEGINS = datetime(2026, 3, 26, tzinfo=UTC)
"""Three days before clocks change in Europe."""
FLOORS = {"TEMP": 0.3, "RESP": 3.0, "OXYSAT": 1.5}
TOWARDS_HARM = {"TEMP": 1, "RESP": 1, "OXYSAT": -1}
DISTRESS = ("RESP", "OXYSAT")
ZONES = {"A": "Europe/Paris", "B": "America/New_York", "C": "Asia/Tokyo"}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def protocol(tmp_path_factory, name, text):
    path = tmp_path_factory.mktemp("protocol") / f"{name}.yaml"
    path.write_text(text)
    return load_protocol(path)


@pytest.fixture(scope="module")
def any_of(tmp_path_factory):
    return protocol(tmp_path_factory, "any_of", GOOD)


@pytest.fixture(scope="module")
def all_of(tmp_path_factory):
    head, tail = GOOD.split("    respiratory_distress:\n")
    kept = [line for line in tail.splitlines() if "FIO2" not in line and "RESPIRATORY DISTRESS" not in line]
    kept[0] = kept[0].replace("any_of", "all_of")
    return protocol(tmp_path_factory, "all_of", head + "    respiratory_distress:\n" + "\n".join(kept))


def chart(random, hours):
    """Values by test and minute since the beginning: irregular, with gaps and twice-charted instants."""
    found = {}
    for test, usual, spread in (("TEMP", 37.1, 0.5), ("RESP", 20, 4), ("OXYSAT", 96, 2)):
        charted = random.choice(hours * 6, random.integers(2, hours * 2)) * 10
        values = (usual + spread * random.standard_t(3, len(charted))).round(1)
        found[test] = {}
        for minute, value in zip(charted.tolist(), values.tolist(), strict=True):
            found[test].setdefault(BEGINS + minute * MINUTE, []).append(value)
    return found


def trial(seed, *, fixed_hour):
    random = np.random.default_rng(seed)
    subjects = "ABC"[: random.integers(1, 4)]
    charts = {subject: chart(random, 130) for subject in subjects}
    doses = {}
    for subject in subjects:
        hours = 26 + np.cumsum(random.choice([7, 20, 27, 39, 60], 2))
        doses[subject] = [
            BEGINS + float(hour) * HOUR for hour in (hours // 24 * 24 + 7 if fixed_hour else hours)
        ]
        early = timedelta(seconds=int(random.integers(0, 2)))  # blocks that end just before the chart goes on
        doses[subject] = sorted({one - early for one in doses[subject]})
    return charts, doses


def tables(charts, doses):
    measured = [
        ("VS", subject, test, value, instant, instant)
        for subject, tests in charts.items()
        for test, instants in tests.items()
        for instant, values in instants.items()
        for value in values
    ]
    names = ["domain", "USUBJID", "test", "value", "earliest", "latest"]
    measurements = pd.DataFrame(measured, columns=names).sample(frac=1, random_state=1)
    rows = [(s, n, one, one) for s, given in doses.items() for n, one in enumerate(given, start=1)]
    dosed = pd.DataFrame(rows, columns=["USUBJID", "dose_number", "start_earliest", "start_latest"])
    for frame in (measurements, dosed):
        for name in frame.columns:
            if frame[name].dtype.kind == "M":
                frame[name] = frame[name].astype("datetime64[s, UTC]")
    return measurements, dosed


def angle(subject, instant):
    there = instant.astimezone(ZoneInfo(ZONES[subject]))
    return 2 * math.pi * (there.hour + there.minute / 60 + there.second / 3600) / 24


def deviations(charts, *, rhythm):
    """Robust deviations towards harm by subject, test and instant."""
    found = {subject: {} for subject in charts}
    for test, floor in FLOORS.items():
        rest = {}
        for subject, tests in charts.items():
            values = {instant: statistics.median(some) for instant, some in tests[test].items()}
            middle = statistics.median(values.values())
            rest |= {(subject, instant): value - middle for instant, value in values.items()}
        if rhythm:
            limit = 3 * 1.4826 * statistics.median(map(abs, rest.values()))
            waves = [(math.cos(angle(*where)), math.sin(angle(*where))) for where in rest]
            clipped = [min(max(value, -limit), limit) for value in rest.values()]
            cc, cs, ss = (sum(a[i] * a[j] for a in waves) for i, j in ((0, 0), (0, 1), (1, 1)))
            cy, sy = (sum(a[i] * y for a, y in zip(waves, clipped, strict=True)) for i in (0, 1))
            cosine, sine = (cy * ss - sy * cs) / (cc * ss - cs**2), (sy * cc - cy * cs) / (cc * ss - cs**2)
            for where, (c, s) in zip(rest, waves, strict=True):
                rest[where] -= cosine * c + sine * s
        for subject in charts:
            mine = {instant: value for (one, instant), value in rest.items() if one == subject}
            spread = max(floor, 1.4826 * statistics.median(map(abs, mine.values())))
            found[subject][test] = {i: TOWARDS_HARM[test] * value / spread for i, value in mine.items()}
    return found


def level(scores, instant, distress):
    """The composite at an instant; None where a component was not measured in the 3 h before."""
    newest = {
        test: [score for at, score in mine.items() if instant - 3 * HOUR < at <= instant]
        for test, mine in scores.items()
    }
    if not newest["TEMP"]:
        return None
    known = [max(newest[test]) for test in DISTRESS if newest[test]]
    if not known or (distress is min and len(known) < len(DISTRESS)):
        return None
    return min(max(newest["TEMP"]), distress(known))


def highest(scores, after, until, distress):
    """The highest that the composite came to in (after, until]; nothing is charted between tens of minutes."""
    first, ten = after + timedelta(seconds=1), 10 * MINUTE
    instants = [*(first + number * ten for number in range((until - first) // ten + 1)), until]
    levels = [level(scores, instant, distress) for instant in instants]
    return max((one for one in levels if one is not None), default=None)


def measured(scores, after, until, distress):
    """Whether fever and, of distress, any test (all of them where all must hold) were measured in (after, until]."""
    within = {test: any(after < at <= until for at in mine) for test, mine in scores.items()}
    parts = [within[test] for test in DISTRESS]
    return within["TEMP"] and (all(parts) if distress is min else any(parts))


def expected(scores, dose, doses, distress):
    """The hours and scores of one dose's blocks: risk window 5 to 8 h, control hours -24 to -6 and 12 to 48 h."""
    blocks = [(5, None)]
    for hour in (*range(-24, -6, 3), *range(12, 48, 3)):
        begins, middle = dose + hour * HOUR, dose + (hour + 1.5) * HOUR
        apart = [(abs(middle - other), other) for other in doses]
        touches = any(begins < one + 8 * HOUR and begins + 3 * HOUR > one + 5 * HOUR for one in doses)
        if min(apart)[1] == dose and not touches:
            blocks.append((hour, None))
    hours, found = [hour for hour, _ in blocks], []
    for hour in hours:
        begins = dose + hour * HOUR
        top, before = (
            highest(scores, *span, distress)
            for span in ((begins, begins + 3 * HOUR), (begins - 6 * HOUR, begins))
        )
        silent = not measured(scores, begins, begins + 3 * HOUR, distress)
        found.append(None if silent or top is None or before is None else top - max(0, before))
    return hours, found


def check(seed, study, *, distress=max, fixed_hour=False):
    charts, doses = trial(seed, fixed_hour=fixed_hour)
    hours = [angle(subject, one) for subject, given in doses.items() for one in given]
    gathered = abs(sum(complex(math.cos(one), math.sin(one)) for one in hours)) / len(hours)
    clock = gathered >= 2 / math.pi
    scores = deviations(charts, rhythm=clock)
    measurements, dosed = tables(charts, doses)
    known = pd.Index(sorted(charts))
    found = score_doses(measurements, dosed, known, study, zones=ZONES)
    assert len(found) == len(dosed)
    for one in found:
        subject = known[one.subject]
        start = doses[subject][one.dose - 1]
        where, what = expected(scores[subject], start, doses[subject], distress)
        assert (one.start, one.closes) == (start.timestamp(), start.timestamp() / 3600 + 48)
        assert list(one.hours) == where
        assert [score is None for score in one.scores] == [score is None for score in what]
        known_scores = [score for score in what if score is not None]
        assert [score for score in one.scores if score is not None] == pytest.approx(known_scores, abs=2e-6)


@given(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_scores_of_blocks(any_of, seed):
    check(seed, any_of)


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_scores_where_doses_have_a_clock(any_of, seed):
    check(seed, any_of, fixed_hour=True)


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_scores_where_all_criteria_must_hold(all_of, seed):
    check(seed, all_of, distress=min)


def test_without_a_scored_test_in_a_component_nothing_is_scored(tmp_path_factory):
    study = protocol(
        tmp_path_factory,
        "terms",
        GOOD.replace("- {vital: TEMP, ", "# ").replace("    fever:\n", "    fever:\n"),
    )
    measurements, dosed = tables(*trial(1, fixed_hour=False))
    assert score_doses(measurements, dosed, pd.Index(list("ABC")), study, zones={}) == ()
