"""FHIR deliveries of several files: bulk exports and searches in pages, each read with the files beside it."""

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.tables import DeliveredTable
from flows.feeds import DeliveryStore, FeedOptions, read_deliveries

SYSTEM = "urn:trial:subject"
Resource = dict[str, Any]


def patient(name: str = "h1", subject: str = "FR01-001") -> Resource:
    return {
        "resourceType": "Patient",
        "id": name,
        "identifier": [{"system": SYSTEM, "value": subject}],
        "managingOrganization": {"reference": "Organization/FR01"},
    }


def observation(name: str, subject: str = "Patient/h1") -> Resource:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2024-06-10T14:00:00+02:00",
        "valueQuantity": {"value": 38.5, "code": "Cel", "system": "http://unitsofmeasure.org"},
    }


def administration(drug: str) -> Resource:
    return {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medicationReference": {"reference": drug},
        "subject": {"reference": "Patient/h1"},
        "effectiveDateTime": "2024-06-10T08:00:00+02:00",
    }


DRUG: Resource = {"resourceType": "Medication", "id": "d1", "code": {"text": "CYT107"}}


def lines(*resources: Resource) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in resources).encode()


def read(folder: Path, domain: str) -> tuple[DeliveredTable, ...]:
    return read_deliveries(str(folder), FeedOptions(domain=domain, format="fhir", subject_system=SYSTEM))


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def cells(read: Sequence[DeliveredTable], *columns: str) -> list[list[object]]:
    assert [one.problem for one in read if one.problem] == []
    tables = [one.table for one in read if one.table is not None]
    return pd.concat(tables)[list(columns)].to_numpy().tolist()


def problems(read: Sequence[DeliveredTable]) -> list[str]:
    return [one.problem for one in read if one.problem]


@pytest.mark.parametrize(
    "reference", ["Patient/h1", "https://ehr.example/fhir/Patient/h1", "Patient/h1/_history/2"]
)
def test_a_bulk_export_is_resolved_over_its_files(tmp_path: Path, reference: str) -> None:
    folder = written(
        tmp_path,
        {
            "Observation.000.ndjson": lines(observation("o1", reference)),
            "Observation.001.ndjson.gz": gzip.compress(lines(observation("o2", reference))),
            "Patient.000.ndjson": lines(patient()),
        },
    )
    assert cells(read(folder, "VS"), "USUBJID", "VSSEQ") == [["FR01-001", "o1"], ["FR01-001", "o2"]]
    assert cells(read(folder, "DM"), "USUBJID", "SITEID") == [["FR01-001", "FR01"]]


def test_the_drug_of_a_dose_is_named_in_another_file(tmp_path: Path) -> None:
    files = {
        "MedicationAdministration.ndjson": lines(administration("Medication/d1")),
        "Medication.ndjson": lines(DRUG),
        "Patient.ndjson": lines(patient()),
    }
    assert cells(read(written(tmp_path, files), "EX"), "USUBJID", "EXTRT") == [["FR01-001", "CYT107"]]


def test_a_bundle_gives_the_addresses_by_which_other_files_refer(tmp_path: Path) -> None:
    address = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    people = {"resourceType": "Bundle", "entry": [{"fullUrl": address, "resource": patient()}]}
    files = {
        "people.json": json.dumps(people, indent=1).encode(),
        "vs.ndjson": lines(observation("o1", address)),
    }
    assert cells(read(written(tmp_path, files), "VS"), "USUBJID") == [["FR01-001"]]


def test_a_delivery_is_read_with_those_before_it_and_no_later_one(tmp_path: Path) -> None:
    """The people come once, the measurements each day; what comes later is not known to what came before."""
    store = DeliveryStore(tmp_path)
    days = [datetime(2024, 6, day, tzinfo=UTC) for day in (10, 11, 12)]
    for name, content, day in [
        ("a.ndjson", lines(observation("o1")), days[0]),
        ("Patient.ndjson", lines(patient()), days[1]),
        ("b.ndjson", lines(observation("o2")), days[2]),
    ]:
        store.take_in("VS", name, content, received_at=day, recorded_at=day)
    told = FeedOptions(domain="VS", format="fhir", subject_system=SYSTEM)
    for by, expected in [(days[0], [None]), (days[1], [None]), (days[2], [None, "FR01-001"])]:
        found = cells(read_deliveries(store.receipts("VS", by=by), told), "USUBJID")
        assert [None if pd.isna(subject) else subject for (subject,) in found] == expected


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (
            {"meta": {"lastUpdated": "2024-06-11T00:00:00Z"}},
            {"meta": {"lastUpdated": "2024-06-10T00:00:00Z"}},
            "a",
        ),
        (
            {"meta": {"lastUpdated": "2024-06-10T00:00:00Z"}},
            {"meta": {"lastUpdated": "2024-06-11T00:00:00Z"}},
            "b",
        ),
        ({}, {"status": "corrected"}, "b"),
        ({"status": "entered-in-error"}, {}, "a"),
        ({"status": "amended"}, {"status": "preliminary"}, "a"),
        ({}, {}, "ab"),  # nothing tells which is the newer: validation is to see both
    ],
)
def test_of_a_record_in_several_files_the_newest_version_counts(
    tmp_path: Path, first: Resource, second: Resource, kept: str
) -> None:
    files = {"a.ndjson": lines(observation("o1") | first), "b.ndjson": lines(observation("o1") | second)}
    found = read(written(tmp_path, {"p.ndjson": lines(patient())} | files), "VS")
    assert [name for (name,) in cells(found, "source_file")] == [
        f"VS {'ab'.index(name) + 1}" for name in kept
    ]


DELETION: Resource = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"request": {"method": "DELETE", "url": "Observation/o1"}}],
}


def test_a_deletion_in_another_file_takes_back_the_record_of_its_subject(tmp_path: Path) -> None:
    files = {
        "Deleted.ndjson": lines(DELETION),
        "Observation.ndjson": lines(observation("o1"), observation("o2")),
    }
    found = read(written(tmp_path, {"p.ndjson": lines(patient())} | files), "VS")
    assert cells(found, "USUBJID", "VSSEQ", "DELETED")[0] == ["FR01-001", "o1", "Y"]
    assert [name for _, name in cells(found, "USUBJID", "VSSEQ")[1:]] == ["o2"]


def test_a_deletion_in_a_later_delivery_takes_back_the_record_of_its_subject(tmp_path: Path) -> None:
    store = DeliveryStore(tmp_path)
    days = [datetime(2024, 6, day, tzinfo=UTC) for day in (10, 11, 12)]
    contents = [lines(patient(), observation("o1")), lines(observation("o2")), lines(DELETION)]
    for day, content in zip(days, contents, strict=True):
        store.take_in("VS", "vs.ndjson", content, received_at=day, recorded_at=day)
    told = FeedOptions(domain="VS", format="fhir", subject_system=SYSTEM)
    found = read_deliveries(store.receipts("VS", by=days[2]), told)
    assert cells(found, "USUBJID", "VSSEQ", "DELETED")[2] == ["FR01-001", "o1", "Y"]


def page(number: int, names: Sequence[str], *, total: int | None, own: str, following: str | None) -> bytes:
    links = [{"relation": "self", "url": own}] + (
        [{"relation": "next", "url": following}] if following else []
    )
    entries = [{"resource": observation(name), "search": {"mode": "match"}} for name in names]
    told = {} if total is None else {"total": total}
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
    return json.dumps(bundle | told).encode()


@pytest.mark.parametrize("total", [3, None])
def test_pages_that_follow_each_other_to_the_last_are_whole(tmp_path: Path, total: int | None) -> None:
    files = {
        "p1.json": page(1, ["o1", "o2"], total=total, own="u1", following="u2"),
        "p2.json": page(2, ["o3"], total=total, own="u2", following=None),
    }
    assert cells(read(written(tmp_path, files), "VS"), "VSSEQ") == [["o1"], ["o2"], ["o3"]]


def test_pages_whose_own_links_are_written_otherwise_are_whole_by_their_total(tmp_path: Path) -> None:
    files = {
        "p1.json": page(1, ["o1", "o2"], total=3, own="s1", following="u2"),
        "p2.json": page(2, ["o3"], total=3, own="s2", following=None),
    }
    assert len(cells(read(written(tmp_path, files), "VS"), "VSSEQ")) == 3


@pytest.mark.parametrize(
    "files",
    [
        {"p1.json": page(1, ["o1"], total=3, own="u1", following="u2")},
        {
            "p1.json": page(1, ["o1"], total=3, own="u1", following="u2"),
            "p3.json": page(3, ["o3"], total=3, own="u3", following=None),
        },
        {  # two searches, of each the first page: together as many entries as either has
            "p1.json": page(1, ["o1"], total=2, own="u1", following="u2"),
            "q1.json": page(1, ["o2"], total=2, own="v1", following="v2"),
        },
        {  # a page twice is not two
            "p1.json": page(1, ["o1"], total=2, own="s1", following="u2"),
            "p2.json": page(2, ["o1"], total=2, own="s2", following=None),
        },
    ],
    ids=["first alone", "one in between is missing", "two halves", "the same twice"],
)
def test_pages_that_are_not_all_there_are_refused_by_name(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    found = problems(read(written(tmp_path, {"x.ndjson": lines(patient())} | dict(files)), "VS"))
    assert [one.partition(":")[0] for one in found] == [
        f"VS {place}" for place, _ in enumerate(files, start=1)
    ]
    assert all("half of a search" in one for one in found)


def manifest(*listed: tuple[str, str, int | None], **other: Any) -> bytes:
    output = [
        {"type": kind, "url": f"https://ehr.example/out/{name}"} | ({} if count is None else {"count": count})
        for kind, name, count in listed
    ]
    return json.dumps(
        {"transactionTime": "2024-06-11T00:00:00Z", "output": output, "error": []} | other
    ).encode()


EXPORT = {
    "Observation.ndjson": lines(observation("o1"), observation("o2")),
    "Patient.ndjson": lines(patient()),
}


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ([("Observation", "Observation.ndjson", 2), ("Patient", "Patient.ndjson", 1)], None),
        ([("Observation", "Observation.ndjson", None), ("Encounter", "Encounter.ndjson", 7)], None),
        ([("Observation", "Observation.ndjson", 3)], "Observation (1)"),
        ([("Observation", "Observation.2.ndjson", None)], "Observation (1)"),
        ([("Medication", "Medication.ndjson", None)], "Medication (1)"),
    ],
)
def test_an_export_is_all_that_its_manifest_lists(
    tmp_path: Path, listed: list[tuple[str, str, int | None]], missing: str | None
) -> None:
    found = read(written(tmp_path, EXPORT | {"manifest.json": manifest(*listed)}), "VS")
    assert problems(found) == (
        []
        if missing is None
        else [
            f"VS 3: found that 1 of the files it lists are not whole in the delivery: {missing}; "
            "allowed: all files of an export, in one delivery"
        ]
    )


@pytest.mark.parametrize("count", ["\N{SUPERSCRIPT TWO}", "9" * 10_000, "\N{ARABIC-INDIC DIGIT TWO}"])
def test_a_count_that_is_no_number_is_named(tmp_path: Path, count: str) -> None:
    listed = {"type": "Observation", "url": "https://ehr.example/out/Observation.ndjson", "count": count}
    (problem,) = problems(
        read(written(tmp_path, EXPORT | {"manifest.json": manifest(output=[listed])}), "VS")
    )
    assert "found a `count` that is no number of at most 10 digits" in problem


def test_errors_of_an_export_are_named(tmp_path: Path) -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    error = [{"type": "OperationOutcome", "url": "https://ehr.example/out/error.ndjson"}]
    told = {"manifest.json": manifest(("Observation", "Observation.ndjson", 2), error=error)}
    (absent,) = problems(read(written(tmp_path, EXPORT | told), "VS"))
    assert "OperationOutcome (1)" in absent
    (there,) = problems(read(written(tmp_path, {"error.ndjson": lines(failed)}), "VS"))
    assert there.startswith("VS 3: found an OperationOutcome that reports an error, in line 1")
