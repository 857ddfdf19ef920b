"""One small trial delivered as SDTM, FHIR, EDC exports and queries: each gives the same look.

The trial is that of ``tests/fixtures/bad_input/good``: four subjects at two sites in two time zones, two
cases, a rule that two cases cross. What differs between the ways is only how the same facts are written, by
hand here; the look must not depend on it.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import yaml
from sqlalchemy import create_engine, make_url, text

from checks.cases import Case
from checks.errors import FeedError
from checks.knowledge import Knowledge
from checks.looks import look_at, make_ready
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.layout import Layout
from checks.rules import RuleResult
from checks.tables import DeliveredTable
from checks.validation import Validation
from flows.feeds import FeedOptions, read_deliveries
from flows.feeds.database import query_content

GOOD = Path(__file__).parents[1] / "fixtures" / "bad_input" / "good"
CUTOFF = datetime(2024, 6, 11, 12, 0, tzinfo=UTC)
DOMAINS = ("dm", "ex", "vs", "ae")
ZONES = {"FR01": ZoneInfo("Europe/Paris"), "US01": ZoneInfo("America/New_York")}
SYSTEM = "urn:trial:subject"
LOINC = {"TEMP": "8310-5", "OXYSAT": "59408-5"}
UCUM = {"C": "Cel", "%": "%"}

Row = dict[str, str]
Trial = dict[str, list[Row]]
Resource = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What a look makes of the feeds, without the names of records, which each way makes its own."""

    validation: Validation
    cases: tuple[Case, ...]
    results: tuple[RuleResult, ...]
    known: Knowledge


def trial(*mistakes: tuple[int, Row]) -> Trial:
    """Return the rows of the good trial, with some of VS changed."""
    rows: Trial = {}
    for name in DOMAINS:
        with (GOOD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows[name] = list(csv.DictReader(file))
    for place, change in mistakes:
        rows["vs"][place] |= change
    return rows


def study(folder: Path, feeds: Mapping[str, Mapping[str, Any]]) -> StudyProtocol:
    """Return the trial's protocol with other feeds."""
    protocol = yaml.safe_load((GOOD / "protocol.yaml").read_text(encoding="utf-8"))
    protocol["feeds"] = {name: dict(source) for name, source in feeds.items()}
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol), encoding="utf-8")
    return load_protocol(folder / "protocol.yaml")


def received(protocol: StudyProtocol) -> dict[str, tuple[DeliveredTable, ...]]:
    """Read what lies at the protocol's paths."""
    return {
        domain: read_deliveries(str(protocol.folder / source.path), FeedOptions.of(source, domain))
        for domain, source in protocol.feeds.by_domain().items()
    }


def look(
    protocol: StudyProtocol,
    *,
    delivered: Mapping[str, Sequence[DeliveredTable]] | None = None,
    data_cutoff: datetime = CUTOFF,
) -> Seen:
    """Read, know, validate, find and evaluate, as a look does."""
    arrived = received(protocol) if delivered is None else delivered
    known = make_ready({domain.lower(): some for domain, some in arrived.items()}, protocol).known_at(
        data_cutoff
    )
    found = look_at(known, protocol, data_cutoff=data_cutoff)
    return Seen(found.validation, found.cases, found.rules, known)


def without_names(frame: pd.DataFrame) -> list[list[object]]:
    """Return the rows in a fixed order, without the columns that name records or link them by name."""
    kept = frame.drop(columns=[name for name in frame.columns if name.endswith(("SEQ", "sequence", "link"))])
    return sorted(kept.map(str).to_numpy().tolist())


def unnamed(case: Case) -> Case:
    """Return a case without the names of the records that show it."""
    return replace(
        case, components={name: replace(one, evidence=()) for name, one in case.components.items()}
    )


def assert_same(seen: Seen, other: Seen) -> None:
    for table in ("subjects", "administrations", "measurements", "adverse_events", "quarantine"):
        assert without_names(getattr(seen.validation, table)) == without_names(
            getattr(other.validation, table)
        ), table
    assert [unnamed(case) for case in seen.cases] == [unnamed(case) for case in other.cases]
    assert seen.results == other.results


# ---------------------------------------------------------------------------------------------- the four ways


def as_sdtm(folder: Path, rows: Trial) -> StudyProtocol:
    for domain in DOMAINS:
        written(folder / f"{domain}.csv", rows[domain], labels=False)
    return study(folder, {domain: {"path": f"{domain}.csv"} for domain in DOMAINS})


def offset(stamp: str, subject: str) -> str:
    """Return a local stamp to the minute with the offset of its site, as FHIR writes it; a date as it is."""
    if "T" not in stamp:
        return stamp
    zone = ZONES.get(subject[:4], ZONES["FR01"])
    return datetime.fromisoformat(stamp).replace(tzinfo=zone).isoformat()


def common(kind: str, row: Row, name: str) -> Resource:
    return {
        "resourceType": kind,
        "id": f"{row['USUBJID']}-{name}",
        "meta": {"lastUpdated": "2024-06-11T08:00:00Z"},
        "subject": {"reference": f"Patient/{row['USUBJID'][-3:]}"},
    }


def patient(row: Row) -> Resource:
    return {
        "resourceType": "Patient",
        "id": row["USUBJID"][-3:],
        "meta": {"lastUpdated": "2024-06-11T08:00:00Z"},
        "identifier": [{"system": "urn:hospital", "value": "x"}, {"system": SYSTEM, "value": row["USUBJID"]}],
        "managingOrganization": {"reference": f"Organization/{row['SITEID']}"},
    }


def administration(row: Row) -> Resource:
    period = {"start": row["EXSTDTC"], "end": row["EXENDTC"]}
    return common("MedicationAdministration", row, row["EXSEQ"]) | {
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"display": row["EXTRT"]}]},
        "effectivePeriod": {name: offset(stamp, row["USUBJID"]) for name, stamp in period.items()},
        "dosage": {"dose": {"value": float(row["EXDOSE"]), "unit": row["EXDOSU"]}},
    }


def observation(row: Row) -> Resource:
    unit = row["VSORRESU"]
    coding = {"system": "http://loinc.org", "code": LOINC[row["VSTESTCD"]]} if row["VSTESTCD"] else {}
    return common("Observation", row, row["VSSEQ"]) | {
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [coding]},
        "effectiveDateTime": offset(row["VSDTC"], row["USUBJID"]),
        "valueQuantity": {"value": float(row["VSORRES"]), "code": UCUM.get(unit, unit)},
    }


def event(row: Row) -> Resource:
    return common("AdverseEvent", row, row["AESEQ"]) | {
        "actuality": "actual",
        "event": {"text": row["AETERM"]},
        "date": offset(row["AESTDTC"], row["USUBJID"]),
        "seriousness": {"coding": [{"code": "Non-serious"}]},
        "severity": {"coding": [{"code": row["AESEV"].lower()}]},
    }


MAKERS = {"ae": event, "vs": observation, "ex": administration, "dm": patient}
"""The people come last: their records are before them in the export."""


def as_fhir(folder: Path, rows: Trial, *also: Resource) -> StudyProtocol:
    """Write one export of everything, which serves each feed."""
    resources = [make(row) for domain, make in MAKERS.items() for row in rows[domain]]
    lines = (json.dumps(one) + "\n" for one in [*also, *resources])
    (folder / "all.ndjson").write_text("".join(lines), encoding="utf-8")
    source = {"path": "all.ndjson", "format": "fhir", "subject_system": SYSTEM}
    return study(folder, dict.fromkeys(DOMAINS, source | {"known_at": "ENTERED"}))


def written(path: Path, rows: Sequence[Mapping[str, str]], *, labels: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        if labels:
            writer.writerow({name: f"the label of {name}" for name in rows[0]})
        writer.writerows(rows)


def typed(stamp: str) -> tuple[str, str]:
    """Return a stamp as a site types it: 10-Jun-24 and 6:00, or UN-Jun-24; nothing where it is blank."""
    if not stamp:
        return "", ""
    if len(stamp) == 7:
        return f"UN-{datetime.fromisoformat(stamp + '-01'):%b-%y}", "UN:UN"
    moment = datetime.fromisoformat(stamp)
    return f"{moment:%d-%b-%y}", f"{moment.hour}:{moment:%M}"


def wide_vitals(rows: Sequence[Row]) -> list[Row]:
    visits: dict[tuple[str, str], Row] = {}
    for row in rows:
        day, clock = typed(row["VSDTC"])
        site, _, number = row["USUBJID"].partition("-")
        blank = {"SITE": site, "PATNUM": number, "VTLD": day, "VTLTM": clock, "TEMP": "", "SPO2": ""}
        visit = visits.setdefault((row["USUBJID"], row["VSDTC"]), blank | {"TEMPU": "", "SPO2U": ""})
        visit["TEMPU" if row["VSTESTCD"] == "TEMP" else "SPO2U"] = row["VSORRESU"]
        visit["TEMP" if row["VSTESTCD"] == "TEMP" else "SPO2"] = row["VSORRES"]
    return list(visits.values())


def event_items(rows: Sequence[Row]) -> list[Row]:
    items = []
    for row in rows:
        (day, clock), (last_day, last_clock) = typed(row["AESTDTC"]), typed(row["AEENDTC"])
        begun, ended = {"DAT": day, "TIM": clock}, {"ENDAT": last_day, "ENTIM": last_clock}
        values = {"TERM": row["AETERM"], **begun, **ended, "SER": row["AESER"], "SEV": row["AESEV"]}
        key = {"SubjectKey": row["USUBJID"], "FormOID": "F.AE", "ItemGroupRepeatKey": row["AESEQ"]}
        items += [{**key, "ItemOID": f"IT.{name}", "Value": value} for name, value in values.items()]
        items.append({**key, "FormOID": "F.VS", "ItemOID": "IT.TEMP", "Value": "37"})
    # Exports are seldom in the order of the records.
    return items[::2] + items[1::2]


def as_edc(folder: Path, rows: Trial) -> StudyProtocol:
    written(folder / "vitals.csv", wide_vitals(rows["vs"]), labels=True)
    written(folder / "events.csv", event_items(rows["ae"]), labels=False)
    subjects = [{"Subject": row["USUBJID"], "Site": row["SITEID"]} for row in rows["dm"]]
    written(folder / "subjects.csv", subjects, labels=True)
    doses = [
        {"Subject": row["USUBJID"], "Drug": row["EXTRT"]}
        | {name: " ".join(typed(row[stamp])) for name, stamp in (("Start", "EXSTDTC"), ("Stop", "EXENDTC"))}
        for row in rows["ex"]
    ]
    written(folder / "doses.csv", doses, labels=True)
    labelled = {"header_rows": 2, "date_format": "DD-MMM-YY hh:mm"}
    layouts: dict[str, dict[str, Any]] = {
        "dm": {"header_rows": 2, "columns": {"USUBJID": "Subject", "SITEID": "Site"}},
        "ex": labelled
        | {"columns": {"USUBJID": "Subject", "EXTRT": "Drug", "EXSTDTC": "Start", "EXENDTC": "Stop"}},
        "vs": labelled
        | {
            "columns": {"USUBJID": ["SITE", "PATNUM"], "VSDTC": ["VTLD", "VTLTM"]},
            "results": {
                "TEMP": {"column": "TEMP", "unit_column": "TEMPU"},
                "OXYSAT": {"column": "SPO2", "unit_column": "SPO2U"},
            },
        },
        "ae": {
            "rows": "items",
            "date_format": "DD-MMM-YY hh:mm",
            "columns": {
                "USUBJID": "SubjectKey",
                "AETERM": "IT.TERM",
                "AESTDTC": ["IT.DAT", "IT.TIM"],
                "AEENDTC": ["IT.ENDAT", "IT.ENTIM"],
                "AESER": "IT.SER",
                "AESEV": "IT.SEV",
            },
        },
    }
    names = {"dm": "subjects.csv", "ex": "doses.csv", "vs": "vitals.csv", "ae": "events.csv"}
    return study(
        folder,
        {name: {"path": names[name], "format": "edc", "layout": layout} for name, layout in layouts.items()},
    )


STATEMENTS = {
    "dm": "SELECT usubjid, siteid, dthdtc FROM dm ORDER BY usubjid",
    "ex": "SELECT usubjid, exseq, extrt, exdose, exstdtc, exendtc FROM ex ORDER BY usubjid, exseq",
    "vs": "SELECT usubjid, vsseq, vstestcd, vsorres, vsorresu, vsdtc FROM vs ORDER BY usubjid, vsseq",
    "ae": "SELECT usubjid, aeseq, aeterm, aestdtc, aeendtc, aeser, aesev FROM ae ORDER BY usubjid, aeseq",
}
KINDS = {"DOSE": "NUMERIC(9, 3)", "VSORRES": "DOUBLE PRECISION", "SEQ": "INTEGER", "DTC": "TIMESTAMP"}


def column_type(name: str, typed_times: bool) -> str:
    kind = next((kind for ending, kind in KINDS.items() if name.endswith(ending)), "TEXT")
    return "TEXT" if kind == "TIMESTAMP" and not typed_times else kind


def fill(url: str, trial: Trial, *, typed_times: bool) -> None:
    """Make the four tables with columns of their own types."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for domain in DOMAINS:
            rows = trial[domain]
            columns = ", ".join(f"{name} {column_type(name, typed_times)}" for name in rows[0])
            connection.execute(text(f"CREATE TABLE {domain} ({columns})"))
            places = ", ".join(f":{name}" for name in rows[0])
            filled = [{name: cell or None for name, cell in row.items()} for row in rows]
            connection.execute(text(f"INSERT INTO {domain} VALUES ({places})"), filled)
    engine.dispose()


def as_query(folder: Path, url: str) -> StudyProtocol:
    for domain, statement in STATEMENTS.items():
        content = query_content(url, statement, feed=domain.upper())
        (folder / f"{domain}.csv").write_bytes(content)
    return study(folder, {domain: {"path": f"{domain}.csv"} for domain in DOMAINS})


def as_sqlite(folder: Path, rows: Trial) -> StudyProtocol:
    url = f"sqlite:///{folder / 'edc.sqlite'}"
    fill(url, rows, typed_times=False)
    return as_query(folder, url)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    seen = look(as_sdtm(tmp_path_factory.mktemp("sdtm"), trial()))
    assert (len(seen.validation.measurements), len(seen.validation.quarantine)) == (30, 0)
    assert [case.USUBJID for case in seen.cases] == ["FR01-001", "US01-002"]
    assert [result.verdict for result in seen.results] == ["crossed"]
    return seen


Way = Callable[[Path, Trial], StudyProtocol]


def hidden(resource: str) -> str:
    """Return how an id with words in it is shown: the first twelve hexadecimal digits of its SHA-256."""
    return f"~{hashlib.sha256(resource.encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("way", [as_edc, as_sqlite])
def test_each_way_gives_the_same_look(way: Way, expected: Seen, tmp_path: Path) -> None:
    assert_same(look(way(tmp_path, trial())), expected)


def test_fhir_gives_the_same_look_of_events_without_an_end(expected: Seen, tmp_path: Path) -> None:
    """An AdverseEvent of FHIR has no element for it."""
    (tmp_path / "sdtm").mkdir()
    rows = trial()
    endless = rows | {"ae": [row | {"AEENDTC": ""} for row in rows["ae"]]}
    seen = look(as_fhir(tmp_path, rows))
    assert_same(seen, look(as_sdtm(tmp_path / "sdtm", endless)))
    assert [case.USUBJID for case in seen.cases] == [case.USUBJID for case in expected.cases]


def test_queries_of_postgresql_give_the_same_look(
    expected: Seen, tmp_path: Path, postgresql_database: str
) -> None:
    fill(postgresql_database, trial(), typed_times=True)
    assert_same(look(as_query(tmp_path, postgresql_database)), expected)


MISTAKES: tuple[tuple[int, Row, str | None], ...] = (
    (6, {"VSORRESU": "K"}, "unit_known"),
    (7, {"VSDTC": "2024-06"}, None),  # not wrong, only coarse: the reading may be of any hour of June
    (8, {"VSORRES": "389"}, "value_plausible"),
    (10, {"USUBJID": ""}, "subject_present"),
    (16, {"VSORRESU": ""}, "unit_known"),
    (12, {"VSTESTCD": ""}, "test_named"),  # a wide export has no such thing
)


@pytest.mark.parametrize("way", [as_fhir, as_edc, as_sqlite])
def test_the_same_mistakes_are_set_apart_for_the_same_reasons(way: Way, tmp_path: Path) -> None:
    made = MISTAKES[:-1] if way is as_edc else MISTAKES
    rows = trial(*((place, change) for place, change, _ in made))
    (tmp_path / "sdtm").mkdir()
    seen, plain = look(way(tmp_path, rows)), look(as_sdtm(tmp_path / "sdtm", rows))
    # A wide row is a row for each test: its mistake is one of each.
    withheld = seen.validation.quarantine.drop_duplicates(["check", "source_row"])
    assert sorted(withheld["check"]) == sorted(check for *_, check in made if check)
    assert without_names(seen.validation.measurements) == without_names(plain.validation.measurements)
    assert list(map(unnamed, seen.cases)) == list(map(unnamed, plain.cases))
    assert seen.results == plain.results


def later(resource: Resource, moment: str, **change: Any) -> Resource:
    return resource | {"meta": {"lastUpdated": moment}} | change


def test_fhir_versions_take_back_and_correct_and_wait_for_their_time(tmp_path: Path) -> None:
    """The three events that the two cases rest on, and one that nobody knew by the cut-off."""
    rows = trial()
    vitals, doses = [observation(row) for row in rows["vs"]], [administration(row) for row in rows["ex"]]
    protocol = as_fhir(
        tmp_path,
        rows,
        later(vitals[6], "2024-06-11T09:00:00Z", status="entered-in-error"),
        later(
            vitals[16], "2024-06-11T09:00:00Z", status="amended", valueQuantity={"value": 37, "code": "Cel"}
        ),
        later(vitals[26], "2024-06-11T14:30:00+02:00", id="unknown-yet"),
        later(doses[3], "2024-06-11T09:00:00Z", status="on-hold"),
    )
    seen = look(protocol)
    assert seen.cases == ()
    values = seen.validation.measurements.set_index("sequence")["value"]
    assert hidden("FR01-001-7") not in values.index
    assert values[hidden("US01-002-7")] == 37.0
    assert hidden("unknown-yet") not in values.index
    assert seen.known.feeds["vs"].not_yet_known == 1
    assert seen.validation.quarantine[["check", "record"]].to_numpy().tolist() == [
        ["dose_status_known", f"EXSEQ={hidden('US01-004-1')}"]
    ]


def test_a_version_that_arrives_later_changes_what_is_known_from_then_on(tmp_path: Path) -> None:
    rows = trial()
    first = received(as_fhir(tmp_path, rows))
    taken_back = later(observation(rows["vs"][6]), "2024-06-11T09:00:00Z", status="entered-in-error")
    (tmp_path / "all.ndjson").write_text(
        "".join(json.dumps(one) + "\n" for one in [taken_back, *map(patient, rows["dm"])])
    )
    second = received(load_protocol(tmp_path / "protocol.yaml"))
    hours = {9: first, 10: second}
    delivered = {
        domain: [
            replace(one, delivery=replace(one.delivery, received_at=datetime(2024, 6, 11, hour, tzinfo=UTC)))
            for hour, read in hours.items()
            for one in read[domain]
        ]
        for domain in first
    }
    text = (
        (tmp_path / "protocol.yaml")
        .read_text()
        .replace("path: all.ndjson", "mode: incremental\n    path: all.ndjson")
    )
    (tmp_path / "protocol.yaml").write_text(text)
    protocol = load_protocol(tmp_path / "protocol.yaml")
    before = look(protocol, delivered=delivered, data_cutoff=datetime(2024, 6, 11, 9, 30, tzinfo=UTC))
    after = look(protocol, delivered=delivered)
    assert [case.USUBJID for case in before.cases] == ["FR01-001", "US01-002"]
    assert [case.USUBJID for case in after.cases] == ["US01-002"]
    changes = after.known.changes[["domain", "USUBJID", "record", "kind"]]
    assert changes.to_numpy().tolist() == [["VS", "FR01-001", f"VSSEQ={hidden('FR01-001-7')}", "deleted"]]


def test_a_second_header_of_labels_that_the_layout_does_not_tell_is_set_apart(tmp_path: Path) -> None:
    protocol = as_edc(tmp_path, trial())
    told = yaml.safe_load((tmp_path / "protocol.yaml").read_text())
    told["feeds"]["dm"]["layout"]["header_rows"] = 1
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(told))
    seen = look(load_protocol(tmp_path / "protocol.yaml"))
    assert protocol.folder == tmp_path
    assert seen.validation.quarantine[["domain", "found"]].to_numpy().tolist() == [
        ["DM", "a word where a site belongs"]
    ]


# -------------------------------------------------------------------------------------------- a real database


def test_postgresql_refuses_to_be_changed(postgresql_database: str) -> None:
    fill(postgresql_database, trial(), typed_times=True)
    for statement, kind in (
        ("DELETE FROM vs RETURNING usubjid", "SyntaxError 42601"),  # no cursor is of such a statement
        ("WITH x AS (DELETE FROM vs RETURNING 1) SELECT * FROM x", "FeatureNotSupported 0A000"),
        ("SELECT set_config('transaction_read_only', 'off', true) AS a", "ActiveSqlTransaction 25001"),
    ):
        with pytest.raises(FeedError, match=kind):
            query_content(postgresql_database, statement, feed="VS")
    assert query_content(postgresql_database, "SELECT count(*) AS n FROM vs", feed="VS") == b"N\n30\n"


def test_postgresql_types_have_their_text(postgresql_database: str) -> None:
    statement = """
        SELECT 'a'::text AS "Text", 38.30::numeric(9,2) AS exact, 1e-7::float8 AS near, NULL AS none,
               true AS flag, DATE '2024-06-10' AS day, TIMESTAMP '2024-06-10 14:00' AS local,
               TIMESTAMPTZ '2024-06-10 14:00+02' AS instant, 'µ %'::varchar AS mu
    """
    assert query_content(postgresql_database, statement, feed="VS").decode().splitlines() == [
        "TEXT,EXACT,NEAR,NONE,FLAG,DAY,LOCAL,INSTANT,MU",
        "a,38.3,0.0000001,,true,2024-06-10,2024-06-10T14:00:00,2024-06-10T12:00:00+00:00,µ %",
    ]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELECT temp FROM dm", "UndefinedTable 42P01"),
        ("SELECT 1; SELECT 2", "SyntaxError 42601"),
        ("COMMIT; CREATE TABLE made (a int)", "SyntaxError 42601"),
        ("SELECT ARRAY[1, 2] AS a", "a value of type list in row 1"),
    ],
)
def test_postgresql_says_what_is_wrong_with_a_query(
    postgresql_database: str, statement: str, says: str
) -> None:
    with pytest.raises(FeedError) as refusal:
        query_content(postgresql_database, statement, feed="VS")
    assert says in str(refusal.value)


def test_a_wrong_password_is_not_repeated(postgresql_database: str) -> None:
    url = make_url(postgresql_database).set(password="T0P-SECRET").render_as_string(hide_password=False)
    with pytest.raises(FeedError) as refusal:
        query_content(url, "SELECT 1 AS a", feed="VS")
    assert "OperationalError" in str(refusal.value)
    assert "T0P-SECRET" not in str(refusal.value)
    password = str(make_url(postgresql_database).password)
    with pytest.raises(FeedError, match="UndefinedColumn 42703") as repeated:
        query_content(postgresql_database, f'SELECT "{password}"', feed="VS")
    assert password not in str(repeated.value)


# -------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("POSTDOSE_TEST_DATA")
    if not folder:
        pytest.skip("POSTDOSE_TEST_DATA is not set: no real data at hand")
    return Path(folder) / "data"


def arranged(path: Path, domain: str, layout: dict[str, Any]) -> pd.DataFrame:
    told = FeedOptions(domain=domain, format="edc", layout=Layout(**layout))
    (read,) = read_deliveries(str(path), told)
    assert read.problem is None
    assert read.table is not None
    return read.table


def test_real_wide_vitals_with_typed_dates(data: Path) -> None:
    """sdtm.oak's raw vitals: six rows, of which the fourth was not done; the first is of 16-May-15, 7:25."""
    columns = {"USUBJID": "PATNUM", "VSDTC": ["VTLD", "VTLTM"]}
    tests = {"TEMP": ("TEMP", "C"), "RESP": ("RESPRT", "/min"), "OXYSAT": ("OXY_SAT", "%")}
    results = {test: {"column": column, "unit": unit} for test, (column, unit) in tests.items()}
    table = arranged(
        data / "sdtm_oak" / "vitals_raw_data.csv",
        "VS",
        {"columns": columns, "date_format": "DD-MMM-YY hh:mm", "results": results},
    )
    assert len(table) == 18
    assert table.loc[0, ["USUBJID", "VSDTC", "VSTESTCD", "VSORRES", "source_row"]].tolist() == [
        "375", "2015-05-16T07:25", "TEMP", "40.48", 2,
    ]  # fmt: skip
    assert (table["VSSTAT"] == "NOT DONE").tolist() == [False] * 9 + [True] * 3 + [False] * 6


def test_a_real_export_in_parquet_with_blank_subjects_and_partial_dates(data: Path) -> None:
    """clindata's adverse events: 4,857, of which 3 have no subject, and 5 began on 2016-12--."""
    table = arranged(
        data / "clindata" / "ae.parquet",
        "AE",
        {
            "columns": {
                "USUBJID": "subjid",
                "AETERM": "aeterm",
                "AESTDTC": "aest_dt",
                "AESER": "aeser",
                "ENTERED": "maxupdated_dts",
            }
        },
    )
    assert len(table) == 4857
    assert table.loc[0, ["USUBJID", "AESTDTC", "ENTERED"]].tolist() == [
        "0496", "2015-01-10", "2015-02-20T07:55:55",
    ]  # fmt: skip
    assert (table["USUBJID"].isna().sum(), (table["AESTDTC"] == "2016-12--").sum()) == (3, 5)
    assert table["AESTDTC"].dropna().str.fullmatch(r"([0-9]{4}|-)(-([0-9]{2}|-)){0,2}").all()
