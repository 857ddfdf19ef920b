"""One small trial delivered as SDTM, FHIR, EDC exports and queries: each gives the same look.

The trial is that of ``tests/fixtures/bad_input/good``: four subjects at two sites in two time zones, two
cases, a rule that two cases cross. What differs between the ways is only how the same facts are written, by
hand here; the look must not depend on it.
"""

import csv
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import yaml
from sqlalchemy import create_engine, text

from checks.evaluation import RuleResult
from checks.events import Case, Records, find_cases, gather_evidence
from checks.knowledge import Deliveries
from checks.protocol import StudyProtocol, load_protocol
from checks.signals import evaluate_rules
from checks.validation import Validation, validate_feeds
from flows.feeds import Told, read_deliveries
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
    changes: pd.DataFrame


def trial(domain: str = "", place: int = 0, **change: str) -> Trial:
    """Return the rows of the good trial, one of them changed."""
    rows: Trial = {}
    for name in DOMAINS:
        with (GOOD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows[name] = list(csv.DictReader(file))
    if change:
        rows[domain][place] |= change
    return rows


def study(folder: Path, feeds: Mapping[str, Mapping[str, Any]]) -> StudyProtocol:
    """Return the trial's protocol with other feeds."""
    protocol = yaml.safe_load((GOOD / "protocol.yaml").read_text(encoding="utf-8"))
    protocol["feeds"] = {name: dict(source) for name, source in feeds.items()}
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol), encoding="utf-8")
    return load_protocol(folder / "protocol.yaml")


def look(protocol: StudyProtocol) -> Seen:
    """Read, know, validate, find and evaluate, as a look does."""
    delivered = {
        domain: read_deliveries(str(protocol.folder / source.path), Told.by(source, domain))
        for domain, source in protocol.feeds.by_domain().items()
    }
    known = Deliveries(delivered, protocol).known_at(CUTOFF)
    valid = validate_feeds(known.feeds, protocol, CUTOFF)
    records = Records(valid.readings, valid.adverse_events, pd.Index(valid.subjects["USUBJID"]))
    findings = find_cases(valid.administrations, records, protocol, CUTOFF)
    evidence = gather_evidence(findings, valid.labs, protocol)
    return Seen(valid, findings.cases, evaluate_rules(evidence, protocol), known.changes)


def without_names(frame: pd.DataFrame) -> list[list[object]]:
    """Return the rows in a fixed order, without the columns that name records."""
    kept = frame.drop(columns=[name for name in frame.columns if name.endswith("SEQ")])
    return sorted(kept.astype(str).to_numpy().tolist())


def unnamed(case: Case) -> Case:
    """Return a case without the names of the records that show it."""
    return replace(
        case, components={name: replace(one, evidence=()) for name, one in case.components.items()}
    )


def assert_same(seen: Seen, other: Seen) -> None:
    for table in ("subjects", "administrations", "readings", "adverse_events", "quarantine"):
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
    return datetime.fromisoformat(stamp).replace(tzinfo=ZONES[subject[:4]]).isoformat()


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
    """Return a stamp as a site types it: 10-Jun-24 and 6:00, or UN-Jun-24."""
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
        day, clock = typed(row["AESTDTC"])
        values = {"TERM": row["AETERM"], "DAT": day, "TIM": clock, "SER": row["AESER"], "SEV": row["AESEV"]}
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
        {"Subject": row["USUBJID"], "Drug": row["EXTRT"], "Start": " ".join(typed(row["EXSTDTC"]))}
        for row in rows["ex"]
    ]
    written(folder / "doses.csv", doses, labels=True)
    labelled = {"header_rows": 2, "date_format": "DD-MMM-YY hh:mm"}
    layouts: dict[str, dict[str, Any]] = {
        "dm": {"header_rows": 2, "columns": {"USUBJID": "Subject", "SITEID": "Site"}},
        "ex": labelled | {"columns": {"USUBJID": "Subject", "EXTRT": "Drug", "EXSTDTC": "Start"}},
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
    assert (len(seen.validation.readings), len(seen.validation.quarantine)) == (30, 0)
    assert [case.USUBJID for case in seen.cases] == ["FR01-001", "US01-002"]
    assert [result.verdict for result in seen.results] == ["crossed"]
    return seen


Way = Callable[[Path, Trial], StudyProtocol]


@pytest.mark.parametrize("way", [as_fhir, as_edc, as_sqlite])
def test_each_way_gives_the_same_look(way: Way, expected: Seen, tmp_path: Path) -> None:
    assert_same(look(way(tmp_path, trial())), expected)


def test_queries_of_postgresql_give_the_same_look(
    expected: Seen, tmp_path: Path, postgresql_database: str
) -> None:
    fill(postgresql_database, trial(), typed_times=True)
    assert_same(look(as_query(tmp_path, postgresql_database)), expected)


FEVER = 6
"""The row of VS on which the first case rests: 38.9 C, six hours after the dose."""


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"USUBJID": ""}, "?"),
        ({"VSORRESU": "K"}, "?"),
        ({"VSORRESU": ""}, "?"),
        ({"VSTESTCD": ""}, "?"),
        ({"VSDTC": "2024-06"}, "?"),
        ({"VSORRES": "389"}, "?"),
    ],
)
@pytest.mark.parametrize("way", [as_fhir, as_edc, as_sqlite])
def test_the_same_mistake_is_set_apart_for_the_same_reason(
    way: Way, change: Row, check: str, tmp_path: Path
) -> None:
    seen = look(way(tmp_path, trial("vs", FEVER, **change)))
    print(
        seen.validation.quarantine[["check", "USUBJID", "found", "source_row"]].to_string(),
        [c.certainty + c.USUBJID for c in seen.cases],
    )
