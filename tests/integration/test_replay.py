"""A trial small enough to know by hand when each rule could have fired, and what delayed it.

Each subject is dosed at 08:00 and has fever and fast breathing from 14:00 on, six hours after the dose. Readings
are entered three hours after they are taken. Vital signs and doses are delivered each day at 06:00, whole. Looks
are made at 03:00, 09:00, 15:00 and 21:00. All times are UTC.
"""

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.knowledge import Deliveries
from checks.looks import look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import DeliveredTable, Delivery
from flows.looks.replay.command import replay
from flows.looks.replay.history import History, entry_of
from flows.looks.replay.schedule import Schedule

HOUR = timedelta(hours=1)
FIRST_DOSE = datetime(2026, 3, 1, 8, tzinfo=UTC)
SUBJECTS = ("A", "B", "C")
"""Dosed on the 1st, the 2nd and the 3rd of March."""

PROTOCOL = """
schema_version: 1
study: {id: BY-HAND, title: "SIMULATED: by hand", timezone: UTC, simulated: true}
sites: {S1: UTC}
treatment: {names: [DRUG], planned_doses: 1}
feeds:
  dm: {path: dm.csv}
  ex: {path: ex.csv}
  vs: {path: vs.csv, known_at: ENTERED}
case_definition:
  name: fever_with_fast_breathing
  components:
    fever: {any_of: [{vital: TEMP, at_least: 38.3, unit: C}]}
    fast_breathing: {any_of: [{vital: RESP, at_least: 30, unit: breaths/min}]}
baseline_hours: [-6, 0]
risk_window_hours: [5, 8]
control_windows_hours: [[-24, -6], [12, 48]]
rules:
  - {id: two, kind: count, cases: 2, rationale: by hand, source: by hand}
  - {id: three, kind: count, cases: 3, rationale: by hand, source: by hand}
  - {id: four, kind: count, cases: 4, rationale: by hand, source: by hand}
"""

Row = dict[str, str]


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> StudyProtocol:
    path = tmp_path_factory.mktemp("by_hand") / "protocol.yaml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return load_protocol(path)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def dose_of(subject: str) -> datetime:
    return FIRST_DOSE + 24 * HOUR * SUBJECTS.index(subject)


def vitals() -> list[Row]:
    rows = []
    for subject in SUBJECTS:
        for place in range(21):
            taken = dose_of(subject) + (place - 8) * HOUR
            ill = 6 <= place - 8 <= 8
            for test, value, unit in (
                ("TEMP", "39.0" if ill else "37.0", "C"),
                ("RESP", "32" if ill else "16", "breaths/min"),
            ):
                rows.append(
                    {
                        "USUBJID": subject,
                        "VSSEQ": str(2 * place + (test == "RESP")),
                        "VSTESTCD": test,
                        "VSORRES": value,
                        "VSORRESU": unit,
                        "VSDTC": stamp(taken),
                        "ENTERED": stamp(taken + 3 * HOUR),
                    }
                )
    return rows


def doses() -> list[Row]:
    return [
        {"USUBJID": one, "EXSEQ": "1", "EXTRT": "DRUG", "EXDOSE": "1", "EXSTDTC": stamp(dose_of(one))}
        for one in SUBJECTS
    ]


PEOPLE = [{"USUBJID": one, "SITEID": "S1"} for one in SUBJECTS]


def delivery(domain: str, received: datetime, rows: Sequence[Row]) -> DeliveredTable:
    name, label = f"{domain}_{received:%m%d}.csv", f"{domain} {received:%d}"
    table = pd.DataFrame(rows, dtype="str").assign(source_file=label, source_row=range(2, len(rows) + 2))
    sha256 = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return DeliveredTable(Delivery(name, sha256, len(rows), received, label=label), table)


def deliver(
    charted: Callable[[datetime], Sequence[Row]], days: int = 4
) -> dict[str, tuple[DeliveredTable, ...]]:
    """Deliver each day at 06:00 what is charted by then, and every dose given by then."""
    mornings = [datetime(2026, 3, day, 6, tzinfo=UTC) for day in range(2, 2 + days)]
    given = [[row for row in doses() if row["EXSTDTC"] <= stamp(at)] for at in mornings]
    return {
        "dm": (delivery("DM", FIRST_DOSE - 24 * HOUR, PEOPLE),),
        "ex": tuple(delivery("EX", at, rows) for at, rows in zip(mornings, given, strict=True)),
        "vs": tuple(delivery("VS", at, entered_by(at, charted(at))) for at in mornings),
    }


def entered_by(moment: datetime, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["ENTERED"] <= stamp(moment)]


def looks(first: str, last: str) -> Schedule:
    return Schedule(datetime.fromisoformat(first), datetime.fromisoformat(last), 6 * HOUR)


WHOLE = looks("2026-03-03T03:00Z", "2026-03-04T15:00Z")


@pytest.fixture(scope="module")
def as_it_was(
    protocol: StudyProtocol, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path, Mapping[str, tuple[DeliveredTable, ...]]]:
    delivered = deliver(lambda _: vitals())
    folder = tmp_path_factory.mktemp("replay")
    return replay(History.of(protocol, delivered), WHOLE, folder), folder, delivered


@pytest.fixture(scope="module")
def three_alone(protocol: StudyProtocol) -> StudyProtocol:
    """The protocol with one rule: the hours of a delay are sought for each that crossed."""
    return protocol.model_copy(update={"rules": tuple(one for one in protocol.rules if one.id == "three")})


def rule(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["rules"] if one["id"] == name)


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "looks.jsonl").read_text().splitlines()[1:]]


@pytest.mark.parametrize(("name", "day"), [("two", 2), ("three", 3)])
def test_each_part_of_the_delay_is_what_the_trial_was_built_with(
    as_it_was: tuple[dict[str, Any], Path, Any], name: str, day: int
) -> None:
    fall = rule(as_it_was[0], name)["waterfall"]
    assert fall == {
        "onset": f"2026-03-0{day}T14:00:00Z",
        "perfect": f"2026-03-0{day}T14:00:00Z",  # a case counts when it is seen
        "entered": f"2026-03-0{day}T17:00:00Z",  # three hours later
        "delivered": f"2026-03-0{day + 1}T06:00:00Z",  # the next morning
        "looked": f"2026-03-0{day + 1}T09:00:00Z",  # the next of 03:00, 09:00, 15:00, 21:00
        "hours": {"open_window": 0.0, "entry": 3.0, "delivery": 13.0, "look": 3.0, "total": 19.0},
    }


def test_a_rule_that_never_crossed_says_how_near_it_came(as_it_was: tuple[dict[str, Any], Path, Any]) -> None:
    four = rule(as_it_was[0], "four")
    assert (four["first_crossed"], four["waterfall"], four["changes"]) == (None, None, [])
    assert four["nearest"]["data_cutoff"] == "2026-03-04T09:00:00Z"
    assert (four["nearest"]["rule"]["events"], four["nearest"]["rule"]["boundary"]) == (3, 4)


def test_the_table_says_it_in_80_columns(as_it_was: tuple[dict[str, Any], Path, Any]) -> None:
    text = (as_it_was[1] / "replay.txt").read_text(encoding="ascii")
    assert max(map(len, text.splitlines())) <= 80
    table = {
        line.split()[0]: line.split()[-5:] for line in text.splitlines() if " UTC " in line and line[0] != " "
    }
    assert table["three"] == ["0.0", "3.0", "13.0", "3.0", "19.0"]
    assert "four: never crossed; nearest" in text


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_look_of_the_replay_is_the_look_that_was_made_at_the_time(
    as_it_was: tuple[dict[str, Any], Path, Mapping[str, tuple[DeliveredTable, ...]]],
    protocol: StudyProtocol,
    place: int,
) -> None:
    _, folder, delivered = as_it_was
    cutoff = list(WHOLE.cutoffs())[place]
    by_then = {
        domain: tuple(one for one in some if one.delivery.received_at <= cutoff)  # type: ignore[operator]
        for domain, some in delivered.items()
    }
    known = Deliveries(by_then, protocol).known_at(cutoff)
    fresh = entry_of(look_at(known, protocol, data_cutoff=cutoff))
    replayed = entries(folder)[place]
    assert {name: replayed[name] for name in fresh} == fresh


@pytest.mark.slow
def test_a_second_start_makes_no_look_again_and_leaves_the_same_files(
    as_it_was: tuple[dict[str, Any], Path, Mapping[str, tuple[DeliveredTable, ...]]],
    protocol: StudyProtocol,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, folder, delivered = as_it_was
    lines = (folder / "looks.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "looks.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:40])
    with caplog.at_level("INFO", logger="postdose"):
        replay(History.of(protocol, delivered), WHOLE, tmp_path)
    assert "Going on after 4 of 7 looks made before." in caplog.messages
    for name in ("looks.jsonl", "replay.json", "replay.txt"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def without_names(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what names the files that arrived."""
    return {name: document[name] for name in ("first_verdicts", "rules", "looks", "schedule")}


@pytest.mark.slow
def test_the_order_and_the_splitting_of_deliveries_change_nothing(
    as_it_was: tuple[dict[str, Any], Path, Mapping[str, tuple[DeliveredTable, ...]]],
    protocol: StudyProtocol,
    tmp_path: Path,
) -> None:
    document, folder, delivered = as_it_was
    shuffle = random.Random(3)
    shuffled = {}
    for domain, some in delivered.items():
        parts = [half for one in some for half in halves(one, shuffle)]
        shuffle.shuffle(parts)
        shuffled[domain] = tuple(parts)
    again = replay(History.of(protocol, shuffled), WHOLE, tmp_path)
    assert without_names(again) == without_names(document)
    kept = ("data_cutoff", "verdict", "rules", "cases")
    assert [{name: one[name] for name in kept} for one in entries(tmp_path)] == [
        {name: one[name] for name in kept} for one in entries(folder)
    ]


def halves(one: DeliveredTable, shuffle: random.Random) -> list[DeliveredTable]:
    """Return a delivery's rows in two files that arrived together, in another order."""
    assert one.table is not None
    rows = list(range(len(one.table)))
    shuffle.shuffle(rows)
    middle = len(rows) // 2
    return [
        replace(
            one,
            table=one.table.iloc[some],
            delivery=replace(one.delivery, sha256=f"{one.delivery.sha256}{at}"),
        )
        for at, some in enumerate((rows[:middle], rows[middle:]))
        if some
    ]


def test_a_case_that_is_corrected_away_is_said_to_have_crossed_and_to_be_cleared(
    three_alone: StudyProtocol, tmp_path: Path
) -> None:
    def charted(at: datetime) -> list[Row]:
        corrected = at >= datetime(2026, 3, 5, 6, tzinfo=UTC)
        return [
            {**row, "VSORRES": "22", "ENTERED": "2026-03-04T20:00Z"}
            if corrected and row["USUBJID"] == "C" and row["VSORRES"] == "32"
            else row
            for row in vitals()
        ]

    schedule = looks("2026-03-04T03:00Z", "2026-03-05T09:00Z")
    three = rule(replay(History.of(three_alone, deliver(charted)), schedule, tmp_path), "three")
    assert three["changes"] == [
        {"data_cutoff": "2026-03-04T09:00:00Z", "became": "crossed"},
        {"data_cutoff": "2026-03-05T09:00:00Z", "became": "cleared"},
    ]
    # with the corrected data there are never three cases
    assert (three["waterfall"]["onset"], three["waterfall"]["perfect"], three["waterfall"]["entered"]) == (
        None,
        None,
        None,
    )
    assert three["waterfall"]["hours"]["look"] == 3.0
    assert "three: cleared at the look of 2026-03-05 09:00 UTC." in (tmp_path / "replay.txt").read_text()


@pytest.mark.slow
def test_a_missing_unit_delays_a_crossing_that_the_worst_case_shows(
    three_alone: StudyProtocol, tmp_path: Path
) -> None:
    def charted(at: datetime) -> list[Row]:
        mended = at >= datetime(2026, 3, 5, 6, tzinfo=UTC)
        change = {"ENTERED": "2026-03-05T02:00Z"} if mended else {"VSORRESU": ""}
        return [
            {**row, **change} if row["USUBJID"] == "C" and row["VSORRES"] == "39.0" else row
            for row in vitals()
        ]

    schedule = looks("2026-03-04T03:00Z", "2026-03-05T09:00Z")
    three = rule(replay(History.of(three_alone, deliver(charted)), schedule, tmp_path), "three")
    assert three["first_crossed"] == "2026-03-05T09:00:00Z"
    assert three["possible"]["since"] == "2026-03-04T09:00:00Z"
    assert any(
        fact.startswith("C, dose 1: rests on a row in quarantine (VS:VSSEQ=")
        for fact in three["possible"]["missing"]
    )
    assert "3 rows of VS in quarantine (unit_known)" in three["possible"]["missing"]
    # seen 14:00 on the 3rd, entered with its unit 02:00 on the 5th (36 h), delivered 06:00, looked at 09:00
    assert three["waterfall"]["hours"] == {
        "open_window": 0.0,
        "entry": 36.0,
        "delivery": 4.0,
        "look": 3.0,
        "total": 43.0,
    }


RATE = """
rules:
  - {id: rate, kind: rate, method: pocock, unit: window, n_max: 3, looks: [3], null_rate: 0.05, alpha: 0.05,
     rationale: by hand, source: by hand}
"""


@pytest.mark.slow
def test_a_rule_that_waits_for_a_window_to_close_has_its_delay_there(tmp_path: Path) -> None:
    """Two cases of three windows cross (P(Bin(3, .05) >= 2) = .0073), one does not (.143): C, healthy, is the third.

    With perfect data the look at three windows is taken when that of C closes, 8 h after 08:00 on the 3rd: 26 h after
    the last case, B at 14:00 on the 2nd. The readings of that hour are entered three hours later.
    """
    path = tmp_path / "protocol.yaml"
    path.write_text(PROTOCOL.partition("rules:")[0] + RATE.lstrip(), encoding="utf-8")
    healthy = {"39.0": "37.0", "32": "16"}
    charted = [
        {**row, "VSORRES": healthy.get(row["VSORRES"], row["VSORRES"])} if row["USUBJID"] == "C" else row
        for row in vitals()
    ]
    schedule = looks("2026-03-04T03:00Z", "2026-03-04T09:00Z")
    history = History.of(load_protocol(path), deliver(lambda _: charted))
    fall = rule(replay(history, schedule, tmp_path / "replay"), "rate")["waterfall"]
    assert (fall["onset"], fall["perfect"]) == ("2026-03-02T14:00:00Z", "2026-03-03T16:00:00Z")
    # Two of the window's three hours (13:00 to 16:00), enough, are observed once 15:00 is: it is entered at 18:00.
    hours = {"open_window": 26.0, "entry": 2.0, "delivery": 12.0, "look": 3.0, "total": 43.0}
    assert fall["hours"] == hours
