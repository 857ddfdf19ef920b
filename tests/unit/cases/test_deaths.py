"""When subjects died, by hand: hours since a midnight; a date of death spans its day."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from checks.cases.deaths import DEATHS, deaths
from checks.tables import ADVERSE_EVENTS, MEASUREMENTS, SUBJECTS

DAY = pd.Timestamp("2026-03-02", tz="UTC")
CUTOFF = datetime(2026, 3, 12, tzinfo=UTC)  # hour 240


def at(hour):
    return None if hour is None else DAY + pd.Timedelta(hours=hour)


def table(contract, rows):
    return contract.conform(pd.DataFrame(rows, columns=list(contract.columns)))


def event(start, end=(None, None), *, fatal=True, trusted=True):
    starts = start if isinstance(start, tuple) else (start, start)
    ends = end if isinstance(end, tuple) else (end, end)
    return ("S", "1", "sepsis", None, "5", "Y", fatal, *map(at, (*starts, *ends)), True, trusted)


def died(date=(None, None), events=(), measured=()):
    readings = [
        ("VS", "S", "1", "TEMP", 37.0, None, "", None, at(hour), at(hour), trusted)
        for hour, trusted in measured
    ]
    found = deaths(
        table(SUBJECTS, [("S", "FR01", "UTC", *map(at, date)), ("T", "FR01", "UTC", None, None)]),
        table(ADVERSE_EVENTS, list(events)),
        table(MEASUREMENTS, readings),
        CUTOFF,
    )
    assert {name: str(kind) for name, kind in found.dtypes.items()} == dict(DEATHS.columns)
    assert set(found["USUBJID"]) <= {"S"}
    hours = [(found[name] - DAY) / pd.Timedelta(hours=1) for name in ("earliest", "latest")]
    return list(zip(*hours, strict=True))


@pytest.mark.parametrize(
    ("date", "events", "span"),
    [
        ((None, None), [], []),
        ((24, 48), [], [(24, 48)]),
        ((None, None), [event(30, 40)], [(40, 40)]),  # the end of a fatal event
        ((None, None), [event(30, 40, fatal=False)], []),
        ((None, None), [event(30, 40, trusted=False)], []),
        ((24, 48), [event(30, 40)], [(40, 40)]),  # the hour within the day
        ((24, 48), [event(30, (30, 48))], [(30, 48)]),  # not before the event began
        ((24, 48), [event(30)], [(30, 48)]),
        ((24, 48), [event(30, 60)], [(24, 48)]),  # two accounts: the earlier
        ((72, 96), [event(30, 60)], [(60, 60)]),
        ((24, 48), [event(60)], [(24, 48)]),
        ((None, None), [event(30, 40), event(35, 40)], [(40, 40)]),
        ((None, None), [event(30)], [(30, 240)]),  # some time after it began
        ((None, None), [event((24, 48))], [(24, 240)]),
    ],
)
def test_a_death_is_where_its_accounts_agree(date, events, span):
    assert died(date, events) == span


@pytest.mark.parametrize(
    ("events", "measured", "span"),
    [
        ([], [(20, True), (30, True), (100, False)], [(30, 240)]),
        ([event(50, fatal=False)], [(30, True)], [(50, 240)]),
        ([event(50, 60)], [(30, True)], [(60, 60)]),  # a fatal event says when
        ([], [], []),
    ],
)
def test_who_died_nobody_knows_when_was_alive_when_last_seen(events, measured, span):
    assert died((None, 240), events, measured) == span


@pytest.mark.parametrize(
    ("measured", "earliest"),
    [([(20, True)], 30), ([(20, True), (100, True)], 100), ([(100, False)], 30)],
)
def test_who_is_measured_after_a_fatal_event_began_was_alive(measured, earliest):
    assert died(events=[event(30)], measured=measured) == [(earliest, 240)]
    assert died(events=[event(30, 40)], measured=measured) == [(40, 40)], "an end that is known holds"
