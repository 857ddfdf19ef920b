"""What a signal rests on, and which datum takes it back: a correction or a contradiction, never what is missing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from checks.looks import Look, look
from checks.protocol import load_protocol
from checks.signals import Signal
from checks.tables import DeliveredTable, Delivery

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "every_word" / "protocol.yaml")
DOSED = datetime(2026, 3, 2, 8, tzinfo=UTC)
LATER = DOSED + timedelta(hours=30)
SUBJECTS = ("S-1", "S-2", "S-3")
Row = dict[str, str]


def charted(subject: str, last: int = 14, ill: range = range(6, 12)) -> list[Row]:
    """An hourly chart of one subject, abnormal in some hours since the dose: 39 C and 86 %."""
    return [
        {
            "USUBJID": subject,
            "VSSEQ": str(100 * (hour + 20) + place),
            "VSTESTCD": test,
            "VSORRES": (sick if hour in ill else normal),
            "VSORRESU": unit,
            "VSDTC": f"{DOSED + timedelta(hours=hour):%Y-%m-%dT%H:%MZ}",
        }
        for hour in range(-13, last)
        for place, (test, sick, normal, unit) in enumerate(
            (("TEMP", "39.0", "36.9", "C"), ("OXYSAT", "86", "97", "%"))
        )
    ]


def delivered(rows: list[Row], at: datetime) -> DeliveredTable:
    table = pd.DataFrame(rows).astype("str")
    table["source_file"], table["source_row"] = "feed.csv", range(2, len(rows) + 2)
    return DeliveredTable(Delivery(f"{at:%d%H%M}.csv", f"{at:%d%H%M}", len(rows), at), table)


def looked(*vitals: tuple[list[Row], datetime], at: datetime, protocol=PROTOCOL, doses: int = 1) -> Look:
    """Look at three subjects dosed at one time, with their vital signs as they were delivered."""
    start, known = DOSED - timedelta(days=2), DOSED + timedelta(days=doses)
    given = [
        {
            "USUBJID": one,
            "EXSEQ": str(dose),
            "EXTRT": "CYT107",
            "EXSTDTC": f"{DOSED + timedelta(days=3 * dose):%Y-%m-%dT%H:%MZ}",
        }
        for one in SUBJECTS
        for dose in range(doses)
    ]
    feeds = {
        "dm": [delivered([{"USUBJID": one, "SITEID": "FR01"} for one in SUBJECTS], start)],
        "ex": [delivered(given, min(known, at))],
        "vs": [delivered(rows, when) for rows, when in vitals],
        "ae": [
            delivered(
                [
                    {
                        "USUBJID": "S-1",
                        "AESEQ": "1",
                        "AETERM": "Rash",
                        "AESTDTC": f"{DOSED:%Y-%m-%dT%H:%MZ}",
                    }
                ],
                start,
            )
        ],
    }
    return look(feeds, protocol, data_cutoff=at)


EVERYBODY = [row for one in SUBJECTS for row in charted(one)]
AT = DOSED + timedelta(hours=16)


@pytest.fixture(scope="module")
def crossed() -> tuple[Signal, ...]:
    """The signal of three cases, each seen at hour 6."""
    return looked((EVERYBODY, AT), at=AT).signals(())


def changed(subject: str, hour: int, value: str | None) -> list[Row]:
    """The charts with one temperature corrected, or deleted."""
    name = f"{100 * (hour + 20)}"
    rows = [{**row} for row in EVERYBODY]
    mine = next(row for row in rows if row["USUBJID"] == subject and row["VSSEQ"] == name)
    if value is None:
        rows.remove(mine)
    else:
        mine["VSORRES"] = value
    return rows


def test_a_signal_rests_on_the_cases_that_the_crossing_counts(crossed):
    (signal,) = crossed
    assert (signal.state, signal.rule) == ("new", "three_cases")
    assert [(one.USUBJID, one.dose_number) for one in signal.rests_on] == [(one, 1) for one in SUBJECTS]
    assert signal.rests_on[0].evidence == ("VS:VSSEQ=2600", "VS:VSSEQ=2601")
    assert (signal.since, signal.protocol_sha256) == ("2026-03-03T00:00:00Z", PROTOCOL.sha256)


def test_a_correction_takes_it_back_and_is_named(crossed):
    rows = [
        {**row, "VSORRES": "36.9"} if row["USUBJID"] == "S-2" and row["VSTESTCD"] == "TEMP" else row
        for row in EVERYBODY
    ]
    (signal,) = looked((EVERYBODY, AT), (rows, LATER), at=LATER).signals(crossed)
    assert (signal.state, signal.events) == ("cleared", 3)
    assert signal.reasons == ("S-2, dose 1: VS:VSSEQ=2600 was corrected: VSORRES was 39.0 and is 36.9.",)


def test_a_correction_that_leaves_every_case_takes_nothing_back(crossed):
    rows = changed("S-2", 9, "39.4")
    (signal,) = looked((EVERYBODY, AT), (rows, LATER), at=LATER).signals(crossed)
    assert (signal.state, signal.rests_on) == ("ongoing", crossed[0].rests_on)


def test_a_row_of_a_file_that_was_replaced_is_named_as_it_reads():
    """Without deliveries nobody knows what was changed, only what the row is now, or that it is gone."""
    (signal,) = looked((EVERYBODY, AT), at=AT).signals(())
    fever = [row["VSTESTCD"] == "TEMP" and row["USUBJID"] == "S-2" for row in EVERYBODY]
    replaced = [{**row, "VSORRES": "36.9"} if hot else row for row, hot in zip(EVERYBODY, fever, strict=True)]
    (cleared,) = looked((replaced, AT), at=LATER).signals((signal,))
    assert cleared.reasons == (
        "S-2, dose 1: VS:VSSEQ=2600 (TEMP 36.9 at 2026-03-02T14:00:00Z) shows it no more.",
    )
    left = [row for row, hot in zip(EVERYBODY, fever, strict=True) if not hot]
    (cleared,) = looked((left, AT), at=LATER).signals((signal,))
    assert cleared.reasons == ("S-2, dose 1: VS:VSSEQ=2600 is in the feed no more.",)


def test_the_value_that_contradicts_a_provisional_case_is_named():
    """The last values of S-3 are abnormal at hour 8; at hour 9 it has a fever still, and 97 %."""
    at, later = DOSED + timedelta(hours=8, minutes=30), DOSED + timedelta(hours=10)
    rows = [row for one in SUBJECTS[:2] for row in charted(one, 9)] + charted("S-3", 9, range(8, 9))
    (signal,) = looked((rows, at), at=at).signals(())
    assert [one.provisional for one in signal.rests_on] == [False, False, True]
    next_hour = [
        {**row, "VSORRES": {"TEMP": "39.0"}.get(row["VSTESTCD"], "97")} for row in charted("S-3", 10)[-2:]
    ]
    (cleared,) = looked((rows, at), (rows + next_hour, later), at=later).signals((signal,))
    assert (cleared.state, cleared.reasons) == (
        "cleared",
        (
            "S-3, dose 1: VS:VSSEQ=2901 (OXYSAT 97 at 2026-03-02T17:00:00Z) contradicts VS:VSSEQ=2801, on which the "
            "provisional case rested.",
        ),
    )


def test_what_is_missing_or_later_takes_nothing_back(crossed):
    """A second dose that nobody charted, a feed that is gone, a protocol that asks for five cases."""
    unobserved = looked((EVERYBODY, AT), at=DOSED + timedelta(days=6), doses=2)
    assert [one.state for one in unobserved.signals(crossed)] == ["ongoing"]
    gone = looked((EVERYBODY[:40], LATER), at=LATER)
    broken = replace(gone, validation=replace(gone.validation, feeds=_stale(gone)))
    assert [one.state for one in broken.signals(crossed)] == ["ongoing"]
    rules = tuple(rule.model_copy(update={"cases": 5}) for rule in PROTOCOL.rules)
    amended = PROTOCOL.model_copy(update={"rules": rules, "sha256": "another"})
    kept = looked((EVERYBODY, AT), at=LATER, protocol=amended)
    assert kept.verdict != "signal"
    assert [one.state for one in kept.signals(crossed)] == ["ongoing"]


def _stale(found: Look):
    return tuple(replace(feed, stale=feed.domain == "VS") for feed in found.validation.feeds)
