"""A study delivered in pieces, out of order, twice, and corrected gives the look of its plain final delivery."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from checks.knowledge import Deliveries, Knowledge
from checks.looks import look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.feeds import Feeds
from checks.tables import CHANGES, RAW_PROVENANCE, DeliveredTable, Delivery
from checks.validation import Validation

Row = dict[str, str | None]

GOOD = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
DAY_ONE = datetime(2026, 3, 2, tzinfo=UTC)
ARRIVING = datetime(2026, 3, 12, tzinfo=UTC)
CUTOFF = datetime(2026, 3, 20, tzinfo=UTC)
TIMES = int(os.environ.get("POSTDOSE_EXAMPLES_TIMES", "1"))
"""So many times the examples of the standing run."""

VITALS = {
    "TEMP": ("36.8", "37.2", "38.6", "C"),
    "OXYSAT": ("97", "95", "88", "%"),
    "RESP": ("16", "22", "34", "breaths/min"),
}
TERMS = ("PYREXIA", "DYSPNOEA", "RASH", "HEADACHE")


@dataclass
class Domain:
    """One domain's final rows, what some of them said before, and rows that were there once and are no more."""

    mode: str
    timed: bool
    final: list[Row]
    before: dict[int, Row] = field(default_factory=dict)
    deleted: list[Row] = field(default_factory=list)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


@st.composite
def trials(draw: st.DrawFn) -> dict[str, Domain]:
    """A trial of two or three subjects: a dose or two each, vital signs around them, a few adverse events."""
    rows: dict[str, list[Row]] = {"dm": [], "ex": [], "vs": [], "ae": []}
    for number in range(1, draw(st.integers(2, 3)) + 1):
        subject = f"S{number}"
        rows["dm"].append(
            {"USUBJID": subject, "SITEID": draw(st.sampled_from(["FR01", "US01"])), "ARM": "CYT107"}
        )
        for dose in range(1, draw(st.integers(1, 2)) + 1):
            start = DAY_ONE + timedelta(days=3 * dose, minutes=draw(st.integers(0, 600)))
            rows["ex"].append(
                {
                    "USUBJID": subject,
                    "EXSEQ": str(dose),
                    "EXTRT": "CYT107",
                    "EXDOSE": draw(st.sampled_from(["0", "10"])),
                    "EXSTDTC": stamp(start),
                    "EXSTAT": None,
                }
            )
            charted = list(product((-4, 0, 4, 6, 8), VITALS.items()))
            levels = draw(st.lists(st.integers(0, 2), min_size=len(charted), max_size=len(charted)))
            for (hour, (test, said)), level in zip(charted, levels, strict=True):
                rows["vs"].append(
                    {
                        "USUBJID": subject,
                        "VSSEQ": str(1 + sum(row["USUBJID"] == subject for row in rows["vs"])),
                        "VSTESTCD": test,
                        "VSORRES": said[level],
                        "VSORRESU": said[3],
                        "VSDTC": stamp(start + timedelta(hours=hour)),
                    }
                )
        for event_number in range(1, draw(st.integers(1, 4)) + 1):
            rows["ae"].append(
                {
                    "USUBJID": subject,
                    "AESEQ": str(event_number),
                    "AETERM": draw(st.sampled_from(TERMS)),
                    "AESTDTC": stamp(DAY_ONE + timedelta(days=3, hours=draw(st.integers(0, 48)))),
                    "AESER": draw(st.sampled_from(["Y", "N"])),
                }
            )
    return {name: draw(histories(name, final)) for name, final in rows.items()}


CORRECTIONS: Mapping[str, Mapping[str, tuple[str | None, ...]]] = {
    "dm": {"SITEID": ("FR01", "US01"), "ARM": ("PLACEBO",)},
    "ex": {"EXSTDTC": ("2026-03-04", "2026-03-05T09:00Z"), "EXSTAT": ("NOT DONE",), "EXDOSE": ("7",)},
    "vs": {"VSORRES": ("370", "39.9", None), "VSDTC": ("2026-03-05T11:11Z",), "VSORRESU": ("F", None)},
    "ae": {"AESTDTC": ("2026-03-05", None), "AETERM": ("FEVER", None), "AESER": (None,)},
}


@st.composite
def histories(draw: st.DrawFn, name: str, final: list[Row]) -> Domain:
    """What some rows said before they were corrected, in one variable each, and rows that were deleted."""
    one = Domain(draw(st.sampled_from(["cumulative", "incremental"])), draw(st.booleans()), final)
    for place in draw(st.lists(st.integers(0, len(final) - 1), max_size=4, unique=True)):
        variable = draw(st.sampled_from(sorted(CORRECTIONS[name])))
        said = draw(st.sampled_from(CORRECTIONS[name][variable]))
        if said != final[place][variable]:
            one.before[place] = {**final[place], variable: said}
    if name in {"vs", "ae"} and one.mode == "cumulative" and draw(st.booleans()):
        one.deleted = [
            {**final[0], f"{name.upper()}SEQ": "99", "AETERM" if name == "ae" else "VSORRES": "40"}
        ]
    if one.timed:
        for place, row in enumerate(final):
            row["ENTERED"] = stamp(DAY_ONE + timedelta(days=8, minutes=place))
        for row in one.before.values():
            row["ENTERED"] = stamp(DAY_ONE + timedelta(days=7, minutes=draw(st.integers(0, 60))))
        for row in one.deleted:
            row["ENTERED"] = stamp(DAY_ONE + timedelta(days=7))
    return one


def delivered(rows: Sequence[Row], name: str, order: int) -> DeliveredTable:
    table = pd.DataFrame(list(rows), dtype="str")
    table["source_file"] = pd.Series(name, index=table.index, dtype="str")
    table["source_row"] = range(2, len(table) + 2)
    received = ARRIVING + timedelta(hours=order)
    return DeliveredTable(Delivery(name, name, len(table), received), table)


def arrive(draw: st.DrawFn, name: str, one: Domain) -> list[DeliveredTable]:
    """Deliver a domain in pieces; without times of entry the order of receipt is that of the versions."""
    files = whole(draw, one) if one.mode == "cumulative" else pieces(draw, one)
    arrived = [delivered(rows, f"{name}_{order}.csv", order) for order, rows in enumerate(files)]
    return draw(st.permutations(arrived))


def whole(draw: st.DrawFn, one: Domain) -> list[list[Row]]:
    """Each delivery holds everything: the first what was said first, the last what holds."""
    first = [one.before.get(place, row) for place, row in enumerate(one.final)] + one.deleted
    corrected = draw(st.sets(st.sampled_from(sorted(one.before)))) if one.before else set()
    middle = [
        row if place in corrected else one.before.get(place, row) for place, row in enumerate(one.final)
    ]
    files = [first, middle + one.deleted, one.final]
    return [draw(st.permutations(rows)) for rows in files[draw(st.integers(0, 2)) :]]


def pieces(draw: st.DrawFn, one: Domain) -> list[list[Row]]:
    """Each version comes in some delivery, some come again later, and a delivery holds them in any order."""
    count = draw(st.integers(1, 5))
    files: list[list[Row]] = [[] for _ in range(2 * count)]
    for place, row in enumerate(one.final):
        # Without a time of entry what was said before has to arrive before.
        first = draw(
            st.integers(count, 2 * count - 1) if place in one.before else st.integers(0, 2 * count - 1)
        )
        files[first].append(row)
    for row in one.before.values():
        files[draw(st.integers(0, (2 * count if one.timed else count) - 1))].append(row)
    for order in range(1, 2 * count):
        earlier = [row for rows in files[:order] for row in rows]
        if earlier and not one.timed:
            files[order] += repeats(draw, standing(files[:order]), files[order])
        elif earlier:
            files[order] += draw(st.lists(st.sampled_from(earlier), max_size=4))
    sent = [rows for rows in files if rows]
    again = draw(st.lists(st.sampled_from(sent), max_size=2))  # whole files, of old versions too
    return [draw(st.permutations(rows)) for rows in (*sent, *again)]


def standing(files: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the version of each record that holds: an older one, without a time of entry, would correct it back."""
    return list({record(row): row for rows in files for row in rows}.values())


def repeats(draw: st.DrawFn, earlier: list[Row], here: list[Row]) -> list[Row]:
    """Return rows that come again, but not beside another version of themselves: nothing would say which holds."""
    keys = {record(row) for row in here}
    some = draw(st.lists(st.sampled_from(earlier), max_size=4))
    kept: list[Row] = []
    for row in some:
        if record(row) not in keys:
            keys.add(record(row))
            kept.append(row)
    return kept


def record(row: Row) -> tuple[str | None, ...]:
    return tuple(row.get(name) for name in ("USUBJID", "EXSEQ", "VSSEQ", "AESEQ"))


def study(trial: Mapping[str, Domain]) -> StudyProtocol:
    feeds = {
        name: {"path": name, "mode": one.mode, "known_at": "ENTERED" if one.timed else None}
        for name, one in trial.items()
    }
    limits = GOOD.limits.model_copy(update={"max_quarantined": 0.5})
    return GOOD.model_copy(update={"feeds": Feeds.model_validate(feeds), "limits": limits})


def look(known: Knowledge, protocol: StudyProtocol) -> tuple[Validation, dict[str, Any]]:
    without_history = replace(known, changes=CHANGES.empty())  # a plain delivery corrects and deletes nothing
    found = look_at(without_history, protocol, data_cutoff=CUTOFF)
    return found.validation, found.document()


def without_files(document: dict[str, Any]) -> dict[str, Any]:
    told = {"sha256", "rows_superseded", "rows_not_yet_known", "received"}
    feeds = [{name: said for name, said in feed.items() if name not in told} for feed in document["feeds"]]
    caveats = [
        re.sub(r" In \S+, rows? .*", "", text)  # files and rows are others
        for text in document["caveats"]
        if "is not on record" not in text and "not counted yet" not in text
    ]
    rest = {name: said for name, said in document.items() if name != "look_id"}
    checks = [{**check, "place": ""} for check in document["checks"]]
    return {**rest, "feeds": feeds, "checks": checks, "caveats": caveats}


TABLES = ("subjects", "administrations", "measurements", "adverse_events", "quarantine")


def assert_same_look(known: Knowledge, plain: Knowledge, protocol: StudyProtocol) -> None:
    (validation, document), (expected, expected_document) = look(known, protocol), look(plain, protocol)
    for name in TABLES:
        tables = [
            getattr(one, name).drop(columns=list(RAW_PROVENANCE), errors="ignore")
            for one in (validation, expected)
        ]
        assert_frame_equal(*tables)
    assert without_files(document) == without_files(expected_document)
    event(f"verdict {document['verdict']}")
    event(f"cases {len(document['cases'])}")


def planted(name: str, one: Domain) -> set[tuple[str | None, ...]]:
    """Return the record, variable and value before of each correction that may be listed."""
    found: set[tuple[str | None, ...]] = set()
    for place, before in one.before.items():
        for variable, said in before.items():
            if variable == "ENTERED" or said == one.final[place][variable]:
                continue
            if variable == "EXDOSE":
                continue
            shown = "withheld" if variable == "ARM" else said
            number = "DM" if name == "dm" else f"{name.upper()}SEQ={before[f'{name.upper()}SEQ']}"
            found.add((before["USUBJID"], number, variable, shown))
    return found


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[dict[str, Domain], dict[str, list[DeliveredTable]]]:
    trial = draw(trials())
    return trial, {name: arrive(draw, name, one) for name, one in trial.items()}


def plainly(trial: Mapping[str, Domain]) -> Knowledge:
    """What is known when the final rows come once, in one delivery a domain."""
    final = {name: [delivered(one.final, name, 0)] for name, one in trial.items()}
    return Deliveries(final, study(trial)).known_at(CUTOFF)


@settings(max_examples=20 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals())
def test_pieces_tell_the_final_rows_and_list_the_corrections(
    arrived: tuple[dict[str, Domain], dict[str, list[DeliveredTable]]],
) -> None:
    trial, files = arrived
    known = Deliveries(files, study(trial)).known_at(CUTOFF)
    for name, one in trial.items():
        told, final = known.feeds[name], delivered(one.final, name, 0).table
        assert told.problem is None and told.table is not None and final is not None
        final, table = (rows.drop(columns=list(RAW_PROVENANCE)) for rows in (final, told.table))
        assert_frame_equal(table, final, check_like=True)
        event(f"{one.mode}, {'with' if one.timed else 'without'} times of entry")
        if one.mode == "incremental":
            assert corrections(known, name) == planted(name, one)


@settings(max_examples=10 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals(), st.integers(-100, 12))
def test_what_was_known_does_not_depend_on_what_came_later(
    arrived: tuple[dict[str, Domain], dict[str, list[DeliveredTable]]], hours: int
) -> None:
    trial, files = arrived
    moment = ARRIVING + timedelta(hours=hours)
    by_then = {
        name: [one for one in some if one.delivery.received_at and one.delivery.received_at <= moment]
        for name, some in files.items()
    }
    then, now = (Deliveries(some, study(trial)).known_at(moment) for some in (by_then, files))
    assert_frame_equal(then.changes, now.changes)
    for name in trial:
        one, other = then.feeds[name], now.feeds[name]
        assert replace(one, table=None) == replace(other, table=None)
        assert (one.table is None) == (other.table is None)
        if one.table is not None and other.table is not None:
            assert_frame_equal(one.table, other.table)


@pytest.mark.slow
@settings(max_examples=6 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals())
def test_pieces_give_the_look_of_the_plain_delivery(
    arrived: tuple[dict[str, Domain], dict[str, list[DeliveredTable]]],
) -> None:
    trial, files = arrived
    protocol = study(trial)
    assert_same_look(Deliveries(files, protocol).known_at(CUTOFF), plainly(trial), protocol)


def corrections(known: Knowledge, name: str) -> set[tuple[str | None, ...]]:
    """Return the record, variable and value before of each correction that is listed."""
    listed = known.changes.query("kind == 'corrected' and domain == @name.upper()")
    rows = listed[["USUBJID", "record", "variable", "before"]].astype(object)
    return set(rows.where(rows.notna(), None).itertuples(index=False, name=None))
