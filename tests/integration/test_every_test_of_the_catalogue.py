"""Every test of the catalogue goes the whole way: the protocol's check, a FHIR feed, a look, and its page."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import checks
from checks.measurements import CATALOGUE, CatalogueTest, Unit
from checks.protocol import StudyProtocol, load_protocol
from checks.quoting import quoted_number
from flows.feeds.content import FeedOptions
from flows.feeds.deliveries import read_deliveries
from flows.feeds.readers.fhir.resources import LOINC, SNOMED
from flows.pages.report.page import render_report

DOSE = datetime(2024, 6, 10, 8, tzinfo=UTC)
CUTOFF = datetime(2024, 6, 12, tzinfo=UTC)
STUDY: dict[str, Any] = {
    "schema_version": 1,
    "study": {"id": "CATALOGUE-01", "timezone": "UTC"},
    "sites": {"FR01": "UTC"},
    "treatment": {"names": ["STUDY DRUG"]},
    "feeds": {"dm": {"path": "dm.csv"}, "ex": {"path": "ex.csv"}, "ae": {"path": "ae.csv"}},
    "baseline_hours": [-6, 0],
    "risk_window_hours": [5, 8],
    "control_windows_hours": [[12, 24]],
    "rules": [{"id": "one", "kind": "count", "cases": 1, "rationale": "an example", "source": "none"}],
}
DM = "USUBJID,SITEID\nS1,FR01\n"
EX = "USUBJID,EXSEQ,EXTRT,EXDOSE,EXDOSU,EXSTDTC\nS1,1,STUDY DRUG,1,mg,2024-06-10T08:00\n"
AE = "USUBJID,AESEQ,AETERM,AESTDTC\nS1,1,HEADACHE,2024-06-09T08:00\n"
NORMAL, ABNORMAL = 0.25, 0.75
"""Where the values lie between the plausible limits of a vital; its criterion is halfway."""


def quantity(test: CatalogueTest, value: float, unit: Unit | None) -> dict[str, Any]:
    """Return a value as FHIR writes it: a vital in one of its units, a result beside its upper limit of 1."""
    if unit is None:
        limit = {"referenceRange": [{"high": {"value": 1.0, "unit": "U/L"}}]}
        return {"valueQuantity": {"value": 5.0 if value == ABNORMAL else 0.5, "unit": "U/L"}} | limit
    lowest, highest = test.plausible
    canonical = lowest + value * (highest - lowest)
    return {
        "valueQuantity": {"value": round(canonical * unit.divide_by + unit.subtract, 2), "unit": unit.name}
    }


def observation(test: CatalogueTest, hour: int, value: float, code: tuple[str, str]) -> str:
    unit = test.units[hour % len(test.units)] if test.units else None  # every unit in turn
    resource = {
        "resourceType": "Observation",
        "id": f"hour-{hour}",
        "status": "final",
        "code": {"coding": [dict(zip(("system", "code"), code, strict=True))]},
        "subject": {"reference": "Patient/S1"},
        "effectiveDateTime": (DOSE + timedelta(hours=hour)).isoformat(),
    }
    return json.dumps(resource | quantity(test, value, unit))


def criterion(test: CatalogueTest) -> dict[str, Any]:
    if test.domain == "LB":
        return {"lab": test.code, "above_times_uln": 2.5}
    return {"vital": test.code, "at_least": sum(test.plausible) / 2, "unit": test.units[0].name}


def study(folder: Path, test: CatalogueTest) -> StudyProtocol:
    """Write a study whose one component names the test: normal each hour until 5, abnormal from hour 6 on."""
    codes = [*((LOINC, code) for code in test.loinc), *((SNOMED, code) for code in test.snomed)]
    hours = range(-6, 12)
    observed = [
        observation(test, hour, ABNORMAL if hour >= 6 else NORMAL, codes[place % len(codes)])
        for place, hour in enumerate(hours)
    ]
    for name, text in (("dm.csv", DM), ("ex.csv", EX), ("ae.csv", AE), ("x.ndjson", "\n".join(observed))):
        (folder / name).write_text(text, encoding="utf-8")
    feed = {test.domain.lower(): {"path": "x.ndjson", "format": "fhir"}}
    definition = {"name": "reaction", "components": {"reaction": {"any_of": [criterion(test)]}}}
    said = STUDY | {"feeds": STUDY["feeds"] | feed, "case_definition": definition}
    (folder / "protocol.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return load_protocol(folder / "protocol.yaml")


def look_at(protocol: StudyProtocol) -> checks.Look:
    delivered = {
        domain.lower(): read_deliveries(str(protocol.folder / source.path), FeedOptions.of(source, domain))
        for domain, source in protocol.feeds.by_domain().items()
    }
    return checks.look(delivered, protocol, data_cutoff=CUTOFF)


@pytest.mark.parametrize("test", CATALOGUE, ids=[test.code for test in CATALOGUE])
def test_a_test_of_the_catalogue_goes_the_whole_way(test: CatalogueTest, tmp_path: Path) -> None:
    seen = look_at(study(tmp_path, test))
    document = seen.document()
    assert document["verdict"] == "signal"
    assert seen.validation.quarantine.empty
    (case,) = document["cases"]
    assert (case["certainty"], case["in_risk_window"], case["hour"]) == ("definite", "yes", 5.5)
    (evidence,) = case["components"]["reaction"]["evidence"]
    assert evidence == f"{test.domain}:{test.domain}SEQ={quoted_number('hour-6')}"
    page = render_report(document, doses=seen.findings.doses, protocol=seen.protocol, out=tmp_path / "out")
    assert evidence in page.read_text(encoding="utf-8")
