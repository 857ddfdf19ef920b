"""FHIR R4 deliveries in memory: which rows each resource becomes, and what stops a delivery.

The resources are written by hand from the R4 specification; the expected cells are what each of them says.
"""

import gc
import gzip
import io
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from checks.errors import FeedError
from checks.measurements import CATALOGUE, CatalogueTest, unit_of
from checks.validation.test_codes import vital_named
from flows.feeds.content import Content, FeedOptions, identify
from flows.feeds.readers import fhir
from flows.feeds.records import Rows, to_table

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
MDC = "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
Resource = dict[str, Any]


def delivered(
    content: bytes, domain: str, *, name: str = "x.ndjson", system: str | None = None
) -> pd.DataFrame:
    return read(content, domain, name=name, system=system).table


def read(content: bytes, domain: str, *, name: str = "x.ndjson", system: str | None = None) -> Rows:
    stream = io.BytesIO(content)
    told = FeedOptions(domain=domain, format="fhir", subject_system=system)
    return to_table(fhir.read(Content(name, "0" * 64, stream, identify(stream), name), told), name, ".")


def table(domain: str, *resources: Resource, system: str | None = None) -> pd.DataFrame:
    lines = "".join(json.dumps(one) + "\n" for one in resources)
    return delivered(lines.encode(), domain, system=system)


def row(domain: str, resource: Resource) -> Mapping[str, str | None]:
    frame = table(domain, resource)
    assert len(frame) == 1
    return {name: None if pd.isna(cell) else cell for name, cell in frame.iloc[0].items()}


def observation(code: str = "8310-5", value: object = 38.30, unit: str = "Cel", **other: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "meta": {"lastUpdated": "2024-06-10T14:30:00.000Z"},
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/S1"},
        "effectiveDateTime": "2024-06-10T14:00:00+02:00",
        "valueQuantity": {"value": value, "code": unit, "system": UCUM, "unit": "as people read it"},
    } | other


def administration(**other: Any) -> Resource:
    return {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medicationCodeableConcept": {"text": "CYT107"},
        "subject": {"reference": "Patient/S1"},
        "effectivePeriod": {"start": "2024-06-10T08:00:00+02:00", "end": "2024-06-10T08:30:00+02:00"},
        "dosage": {"dose": {"value": 10, "code": "ug/kg", "system": UCUM}},
    } | other


def event(**other: Any) -> Resource:
    return {
        "resourceType": "AdverseEvent",
        "id": "a1",
        "actuality": "actual",
        "subject": {"reference": "Patient/S1"},
        "event": {"text": "felt hot", "coding": [{"display": "Fever"}]},
        "date": "2024-06-10",
    } | other


# ------------------------------------------------------------------------------------------------ vital signs


@pytest.mark.parametrize(
    ("code", "unit", "test", "written"),
    [
        ("8310-5", "Cel", "TEMP", "Cel"),
        ("8331-1", "[degF]", "TEMP", "[degF]"),
        ("9279-1", "/min", "RESP", "/min"),
        ("9279-1", "{breaths}/min", "RESP", "/min"),
        ("2708-6", "%", "OXYSAT", "%"),
        ("59408-5", "%", "OXYSAT", "%"),
        ("8867-4", "{beats}/min", "HR", "/min"),
        ("8480-6", "mm[Hg]", "SYSBP", "mm[Hg]"),
        ("3150-6", "%", "FIO2", "%"),
        ("19994-3", "1", "FIO2", "1"),
    ],
)
def test_a_listed_code_is_its_test_and_its_unit_one_that_the_project_knows(
    code: str, unit: str, test: str, written: str
) -> None:
    found = row("VS", observation(code, 38.3, unit))
    assert (found["VSTESTCD"], found["VSORRESU"]) == (test, written)
    assert unit_of(test, written) is not None


@pytest.mark.parametrize("test", CATALOGUE, ids=[test.code for test in CATALOGUE])
def test_every_code_of_the_catalogue_is_read_as_its_test(test: CatalogueTest) -> None:
    """Whatever the category says: profiles of ventilation have one of their own."""
    for system, codes in ((LOINC, test.loinc), (SNOMED, test.snomed), (MDC, test.mdc)):
        for code in codes:
            found = row(test.domain, observation() | {"code": named(code, system), "category": []})
            assert (found[f"{test.domain}TESTCD"], found[f"{test.domain}TEST"]) == (test.code, test.label)


def named(code: str, system: str = LOINC) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("urn:oid:2.16.840.1.113883.6.1", "8310-5"),
        ("2.16.840.1.113883.6.1", "8310-5"),
        ("https://loinc.org", "8310-5"),
        ("http://loinc.org/", "8310-5"),
        ("http://www.loinc.org", "8310-5"),
        ("LOINC", "8310-5"),
        ("urn:oid:2.16.840.1.113883.6.96", "386725007"),
        ("http://snomed.info/sct/900000000000207008/version/20240101", "386725007"),
        ("https://snomed.info/sct/", "386725007"),
        ("SNOMED CT", "386725007"),
        ("urn:oid:2.16.840.1.113883.6.24", "150364"),
    ],
)
def test_a_code_system_is_known_by_its_other_names(system: str, code: str) -> None:
    assert row("VS", observation() | {"code": named(code, system)})["VSTESTCD"] == "TEMP"


@pytest.mark.parametrize("system", ["urn:oid:2.16.840.1.113883.6.8", "https://unitsofmeasure.org/"])
def test_the_units_of_ucum_are_known_by_its_other_names(system: str) -> None:
    quantity = {"value": 101.3, "code": "[degF]", "system": system, "unit": "as people read it"}
    assert row("VS", observation() | {"valueQuantity": quantity})["VSORRESU"] == "[degF]"


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("75539-7", "TEMP"),  # Body temperature - Temporal artery
        ("59407-7", "OXYSAT"),  # Oxygen saturation in Blood Preductal by Pulse oximetry
        ("59418-4", "OXYSAT"),  # Oxygen saturation in Blood Postductal by Pulse oximetry
        ("59410-1", "OXYSAT"),  # Oxygen saturation in Arterial blood by Pulse oximetry --on room air
        ("59417-6", "OXYSAT"),  # Oxygen saturation in Arterial blood by Pulse oximetry --resting
        ("76172-6", "RESP"),  # Respiratory rate by Carbon dioxide measurement
        ("60955-2", "60955-2"),  # Airway temperature
        ("2711-0", "2711-0"),  # Oxygen saturation in Venous blood
        ("33438-3", "33438-3"),  # Breath rate mechanical --on ventilator
    ],
)
def test_a_code_of_loinc_is_the_vital_sign_that_its_name_says(code: str, test: str) -> None:
    assert row("VS", observation(code))["VSTESTCD"] == test


def lymphocytes(**other: Any) -> Resource:
    normal = {"high": {"value": 4.0, "code": "10*9/L", "system": UCUM}}
    laboratory = {"category": [{"coding": [{"code": "laboratory"}]}], "referenceRange": [normal]}
    return observation("731-0", 11.5, "10*9/L") | laboratory | other


def test_a_laboratory_result_is_a_row_of_lb_with_its_upper_limit() -> None:
    found = row("LB", lymphocytes())
    names = ("LBSEQ", "LBTESTCD", "LBORRES", "LBORRESU", "LBORNRHI", "LBDTC")
    assert [found[name] for name in names] == [
        "o1", "LYM", "11.5", "10*9/L", "4.0", "2024-06-10T14:00:00+02:00",
    ]  # fmt: skip


def test_observations_are_shared_out_between_vital_signs_and_laboratory() -> None:
    both = (observation(), lymphocytes(id="o2"))
    assert table("VS", *both)["VSTESTCD"].tolist() == ["TEMP"]
    assert table("LB", *both)["LBTESTCD"].tolist() == ["LYM"]


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [{"high": {"value": 4000, "code": "/uL", "system": UCUM}}],
        [{"type": {"coding": [{"code": "therapeutic"}]}, "high": {"value": 4.0, "code": "10*9/L"}}],
        [{"low": {"value": 1.0, "code": "10*9/L"}}],
    ],
    ids=["none", "in another unit", "of another kind", "without an upper end"],
)
def test_a_range_that_is_no_upper_limit_of_normal_in_the_unit_of_the_result_is_none(
    ranges: list[Any],
) -> None:
    assert row("LB", lymphocytes(referenceRange=ranges))["LBORNRHI"] is None


def test_a_pulse_that_is_coded_as_a_heart_rate_too_is_a_heart_rate() -> None:
    """The R4 profile of vital signs asks for 8867-4 beside any code that says more."""
    for codes in (("8889-8", "8867-4"), ("8867-4", "8889-8")):
        twice = {"coding": [{"system": LOINC, "code": code} for code in codes]}
        assert row("VS", observation() | {"code": twice})["VSTESTCD"] == "HR"


def test_a_code_of_another_system_names_no_test_of_the_catalogue() -> None:
    assert row("VS", observation() | {"code": named("8310-5", SNOMED)})["VSTESTCD"] == "8310-5"


def test_a_reading_keeps_its_digits_its_offset_and_the_time_it_was_written() -> None:
    text = json.dumps(observation()).replace('"value": 38.3,', '"value": 38.30,')
    found = delivered(text.encode(), "VS").iloc[0]
    assert found["VSORRES"] == "38.30"
    assert found["VSDTC"] == "2024-06-10T14:00:00+02:00"
    assert found["ENTERED"] == "2024-06-10T14:30:00.000Z"
    assert (found["USUBJID"], found["VSSEQ"], found["source_row"]) == ("S1", "o1", 1)
    assert pd.isna(found["DELETED"])


def test_a_panel_is_a_row_for_each_component_and_none_for_itself() -> None:
    parts = [
        {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value, "code": "mm[Hg]"}}
        for code, value in (("8480-6", 120), ("8462-4", 80))
    ]
    panel = observation("85354-9", component=parts)
    del panel["valueQuantity"]
    found = table("VS", panel)
    assert found[["VSSEQ", "VSTESTCD", "VSORRES"]].to_numpy().tolist() == [
        ["o1.SYSBP", "SYSBP", "120"],
        ["o1.DIABP", "DIABP", "80"],
    ]


def test_the_oxygen_given_stands_in_a_component_beside_the_saturation() -> None:
    oxygen = {"code": {"coding": [{"code": "3150-6"}]}, "valueQuantity": {"value": 40, "code": "%"}}
    found = table("VS", observation("59408-5", 88, "%", component=[oxygen]))
    assert found[["VSTESTCD", "VSORRES"]].to_numpy().tolist() == [["OXYSAT", "88"], ["FIO2", "40"]]


def test_an_unlisted_code_stays_as_the_test_and_an_unknown_unit_as_the_unit() -> None:
    found = row("VS", observation("29463-7", 70, "[stone_av]"))
    assert (found["VSTESTCD"], found["VSORRESU"]) == ("29463-7", "[stone_av]")


def test_a_listed_code_of_another_system_is_not_taken_for_the_test() -> None:
    other = {"coding": [{"system": "http://snomed.info/sct", "code": "8310-5"}]}
    assert row("VS", observation() | {"code": other})["VSTESTCD"] == "8310-5"
    listed = {"coding": [{"system": "urn:local", "code": "T"}, {"system": LOINC, "code": "8310-5"}]}
    assert row("VS", observation() | {"code": listed})["VSTESTCD"] == "TEMP"


@pytest.mark.parametrize(
    ("concept", "test", "label"),
    [
        ({"text": "Temp"}, "Temp", "Temp"),
        ({"coding": [{"display": "Body temperature"}]}, "Body temperature", "Body temperature"),
        (
            {"text": "T1", "coding": [{"system": "urn:local", "code": "T", "display": "Body temperature"}]},
            "T",
            "T1; Body temperature",
        ),
        ({}, None, None),
    ],
)
def test_what_is_not_listed_keeps_its_code_else_its_name(
    concept: Resource, test: str | None, label: str | None
) -> None:
    found = row("VS", observation() | {"code": concept})
    assert (found["VSTESTCD"], found["VSTEST"]) == (test, label)


@pytest.mark.parametrize(
    ("name", "vital"),
    [
        ("Body temperature - Brain", "TEMP"),
        ("Finger temperature", None),
        ("Body surface temperature", None),
        ("Oxygen saturation in Blood", "OXYSAT"),
        ("Oxygen saturation in Venous blood", None),
        ("Breath rate spontaneous", "RESP"),
        ("Breath rate mechanical --on ventilator", None),
        ("Oxygen [Partial pressure] in Arterial blood", None),
        ("Inhaled oxygen concentration", "FIO2"),
        ("Inhaled oxygen flow rate", None),
        ("Heart rate", None),
    ],
)
def test_a_name_of_loinc_says_which_vital_sign_it_may_be_of(name: str, vital: str | None) -> None:
    assert vital_named([name]) == vital


def test_a_code_that_comes_without_its_name_has_its_own() -> None:
    assert row("VS", observation("20564-1"))["VSTEST"] == "Oxygen saturation in Blood"


def check_digit(code: str) -> str:
    """Return the check digit of a LOINC code (LOINC Users' Guide, appendix: Mod 10 algorithm)."""
    digits = code.partition("-")[0]
    odd, even = digits[::-1][::2][::-1], digits[::-1][1::2][::-1]
    added = sum(map(int, even + str(int(odd) * 2)))
    return str(-added % 10)


def test_every_code_of_loinc_ends_in_its_check_digit() -> None:
    """Only then may a code without its system be taken for one; 3150-6 is LOINC's own exception."""
    wrong = [code for test in CATALOGUE for code in test.loinc if check_digit(code) != code[-1]]
    assert wrong == ["3150-6"]


@pytest.mark.parametrize("code", ["8310-5", "386725007"])
def test_a_code_without_its_system_is_told_as_such(code: str) -> None:
    bare = {"code": {"coding": [{"code": code}]}}
    content = "".join(json.dumps(one) + "\n" for one in (observation() | bare, observation(id="o2"))).encode()
    found = read(content, "VS")
    assert found.table["VSTESTCD"].tolist() == ["TEMP", "TEMP"]
    assert [one[: one.index(":")] for one in found.remarks] == [
        "1 results name their test by a code without its system"
    ]


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ({"code": "Cel", "unit": "degrees F", "system": UCUM}, "Cel, and degrees F"),
        ({"code": "[degF]", "unit": "°F", "system": UCUM}, "[degF]"),
        ({"code": "Cel", "unit": "Grad Celsius", "system": UCUM}, "Cel"),
        ({"code": "degF", "unit": "whatever"}, "degF"),
        ({"code": "x", "unit": "°C", "system": UCUM}, "°C"),
        ({"unit": "°C"}, "°C"),
        ({"code": "33", "unit": "°F", "system": "urn:local"}, "°F"),
    ],
)
def test_a_unit_is_that_of_code_and_text_or_both_where_they_differ(quantity: Resource, unit: str) -> None:
    assert row("VS", observation() | {"valueQuantity": {"value": 38.3} | quantity})["VSORRESU"] == unit


def test_a_laboratory_result_whose_name_is_a_vital_sign_is_one_of_vs_too() -> None:
    laboratory = {"category": [{"coding": [{"code": "laboratory"}]}]}
    saturation = {"code": {"coding": [{"system": "urn:local", "code": "BGA7", "display": "O2 saturation"}]}}
    potassium = {
        "code": {"coding": [{"system": "urn:local", "code": "K", "display": "Potassium"}]},
        "id": "o2",
    }
    found = table("VS", observation() | laboratory | saturation, observation() | laboratory | potassium)
    assert found["VSTESTCD"].tolist() == ["BGA7"]


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"valueQuantity": {"value": 35, "comparator": "<", "code": "Cel"}}, "<35"),
        ({"valueQuantity": None, "valueString": "38,5"}, "38,5"),
        ({"valueQuantity": None, "valueInteger": 38}, "38"),
        ({"valueQuantity": None, "valueCodeableConcept": {"text": "high"}}, "high"),
        ({"valueQuantity": None, "valueRange": {"low": {"value": 38}}}, '{"low": {"value": "38"}}'),
        ({"valueQuantity": {"code": "Cel"}}, None),
    ],
)
def test_what_is_no_plain_number_goes_on_as_it_is(change: Resource, value: str | None) -> None:
    resource = {name: cell for name, cell in (observation() | change).items() if cell is not None}
    assert row("VS", resource)["VSORRES"] == value


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "amended"}, None),
        ({"status": "corrected"}, None),
        ({"status": "cancelled"}, "NOT DONE"),
        ({"status": "preliminary"}, "PRELIMINARY"),
        ({"status": "unknown"}, "UNKNOWN"),
        ({"status": "registered"}, "REGISTERED"),
        ({"status": "registered", "valueQuantity": {}}, "NOT DONE"),
        ({"valueQuantity": {}, "dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, "NOT DONE"),
        ({"valueQuantity": {}}, None),
        # R4, obs-6: no reason for the absence of a value beside a value: each contradicts the other
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, "NOT DONE"),
        ({"modifierExtension": [{"url": "urn:x:not", "valueBoolean": True}]}, "MODIFIED"),
    ],
)
def test_a_reading_is_not_done_when_its_status_or_an_absent_reason_says_so(
    change: Resource, status: str | None
) -> None:
    assert row("VS", observation() | change)["VSSTAT"] == status


@pytest.mark.parametrize(
    ("change", "start", "end"),
    [
        ({"effectiveDateTime": "2024-06"}, "2024-06", None),
        (
            {"effectiveDateTime": None, "effectiveInstant": "2024-06-10T12:00:00Z"},
            "2024-06-10T12:00:00Z",
            None,
        ),
        (
            {"effectiveDateTime": None, "effectivePeriod": {"start": "2024-06-10", "end": "2024-06-11"}},
            "2024-06-10",
            "2024-06-11",
        ),
        ({"effectiveDateTime": None, "effectiveTiming": {"event": ["2024-06-10"]}}, "2024-06-10", None),
        ({"effectiveDateTime": None, "effectiveTiming": {"event": ["2024-06-10", "2024-06-11"]}}, None, None),
        ({"effectiveDateTime": None}, None, None),
    ],
)
def test_each_form_of_a_time_is_read_and_none_is_invented(
    change: Resource, start: str | None, end: str | None
) -> None:
    resource = {name: cell for name, cell in (observation() | change).items() if cell is not None}
    found = row("VS", resource)
    assert (found["VSDTC"], found["VSENDTC"]) == (start, end)


def test_an_observation_of_the_laboratory_is_of_another_domain_unless_its_code_is_listed() -> None:
    laboratory = {"category": [{"coding": [{"code": "laboratory"}]}]}
    found = table("VS", observation("718-7") | laboratory, observation("2708-6", id="o2") | laboratory)
    assert found["VSSEQ"].tolist() == ["o2"]


# ------------------------------------------------------------------------------------------ doses and events


@pytest.mark.parametrize(
    ("status", "written", "deleted"),
    [
        ("completed", None, None),
        ("in-progress", None, None),
        ("stopped", None, None),
        ("not-done", "NOT DONE", None),
        ("on-hold", "ON-HOLD", None),
        ("unknown", "UNKNOWN", None),
        (None, "UNKNOWN", None),
        ("entered-in-error", "ENTERED-IN-ERROR", "Y"),
    ],
)
def test_the_status_of_a_dose(status: str | None, written: str | None, deleted: str | None) -> None:
    found = row("EX", administration(status=status))
    assert (found["EXSTAT"], found["DELETED"]) == (written, deleted)


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"status": "completed", "wasNotGiven": True}, ("NOT DONE", "N", None)),  # DSTU2
        ({"status": "completed", "notGiven": True}, ("NOT DONE", "N", None)),  # STU3
        ({"status": "not-done", "doNotPerform": True}, ("NOT DONE", "N", None)),
        ({"status": "stopped", "wasNotGiven": True}, ("NOT DONE", "N", None)),  # before it was given
        # begun, says the one, and not, says the other
        ({"status": "in-progress", "wasNotGiven": True}, ("IN-PROGRESS", "N", "2024-06-10T08:30:00+02:00")),
        ({"status": "completed", "wasNotGiven": False}, (None, None, "2024-06-10T08:30:00+02:00")),
        # R4: the period of what was not done is when it did not take place
        ({"status": "not-done"}, ("NOT DONE", None, None)),
        (
            {"modifierExtension": [{"url": "urn:x:not", "valueBoolean": True}]},
            ("MODIFIED", None, "2024-06-10T08:30:00+02:00"),
        ),
    ],
)
def test_what_says_that_a_dose_was_not_given(change: Resource, written: tuple[str | None, ...]) -> None:
    found = row("EX", administration(**change))
    assert (found["EXSTAT"], found["EXOCCUR"], found["EXENDTC"]) == written


@pytest.mark.parametrize(
    ("parts", "link"),
    [
        ([], "m1"),
        ([{"reference": "MedicationAdministration/m0"}], "m0"),
        ([{"reference": "https://ehr.example/fhir/MedicationAdministration/m0/_history/1"}], "m0"),
        (
            [{"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}],
            "61ebe359-bfdc-4613-8bf2-c5e300945f0a",
        ),
        ([{"reference": "Procedure/p0"}], "Procedure/p0"),
    ],
)
def test_the_parts_of_an_administration_share_its_link(parts: list[Any], link: str) -> None:
    asked = {"reference": "MedicationRequest/r1"}
    found = row("EX", administration(partOf=parts, request=asked))
    assert (found["EXLNKID"], found["EXLNKGRP"]) == (link, "r1")


def test_a_dose_has_its_drug_amount_and_period() -> None:
    found = row("EX", administration())
    assert [found[name] for name in ("EXTRT", "EXDOSE", "EXDOSU", "EXSTDTC", "EXENDTC")] == [
        "CYT107",
        "10",
        "ug/kg",
        "2024-06-10T08:00:00+02:00",
        "2024-06-10T08:30:00+02:00",
    ]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"medicationCodeableConcept": {"coding": [{"code": "c", "display": "CYT107"}]}}, "CYT107"),
        ({"medicationReference": {"reference": "Medication/d1"}}, "DRUG ONE"),
        (
            {
                "medicationReference": {"reference": "#in"},
                "contained": [{"id": "in", "code": {"text": "INSIDE"}}],
            },
            "INSIDE",
        ),
        ({"medicationReference": {"reference": "Medication/absent", "display": "SHOWN"}}, "SHOWN"),
        ({"medicationReference": {"reference": "Medication/absent"}}, None),
    ],
)
def test_a_drug_is_named_by_concept_or_reference(change: Resource, name: str | None) -> None:
    resource = administration(**change)
    if "medicationReference" in change:
        del resource["medicationCodeableConcept"]
    drug = {"resourceType": "Medication", "id": "d1", "code": {"text": "DRUG ONE"}}
    found = table("EX", resource, drug)["EXTRT"][0]
    assert (None if pd.isna(found) else found) == name


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({}, "AETERM", "felt hot"),
        ({}, "AEDECOD", "Fever"),
        (
            {
                "event": {
                    "coding": [
                        {"system": "http://snomed.info/sct", "display": "Fever (finding)"},
                        {"system": "http://terminology.hl7.org/CodeSystem/MDRAE", "display": "Pyrexia"},
                    ]
                }
            },
            "AEDECOD",
            "Pyrexia",
        ),
        ({"event": {}}, "AETERM", None),
        ({"date": None, "detected": "2024-06-10T14:00:00Z"}, "AESTDTC", "2024-06-10T14:00:00Z"),
        ({"date": None, "recordedDate": "2024-06-12"}, "AESTDTC", None),
        ({"date": None, "recordedDate": "2024-06-12"}, "AEDTC", "2024-06-12"),
        ({"seriousness": {"coding": [{"code": "Non-serious"}]}}, "AESER", "N"),
        ({"seriousness": {"coding": [{"code": "SeriousResultsInDeath"}]}}, "AESER", "Y"),
        ({"seriousness": {"text": "perhaps"}}, "AESER", "perhaps"),
        ({"severity": {"coding": [{"code": "moderate"}]}}, "AESEV", "MODERATE"),
        ({}, "AEOCCUR", None),
        ({"actuality": "potential"}, "AEOCCUR", "N"),
        ({"actuality": "potential"}, "AEPRESP", "Y"),
        ({"actuality": "potential"}, "DELETED", None),
        ({"actuality": "suspected"}, "AEOCCUR", "SUSPECTED"),
        ({"verificationStatus": {"coding": [{"code": "refuted"}]}}, "AEOCCUR", "N"),
        ({"status": "unknown"}, "AEOCCUR", "UNKNOWN"),
        ({"modifierExtension": [{"url": "urn:x:not", "valueBoolean": True}]}, "AEOCCUR", "MODIFIED"),
        ({"outcome": {"coding": [{"code": "fatal"}]}}, "AEOUT", "FATAL"),
        (
            {"outcome": {"coding": [{"code": "resolvedWithSequelae"}]}},
            "AEOUT",
            "RECOVERED/RESOLVED WITH SEQUELAE",
        ),
        ({"seriousness": {"coding": [{"code": "SeriousResultsInDeath"}]}}, "AESDTH", "Y"),
    ],
)
def test_an_event_says(change: Resource, column: str, value: str | None) -> None:
    assert row("AE", event(**change))[column] == value


def event_of_r5(**other: Any) -> Resource:
    """HL7 FHIR R5 5.0.0, AdverseEvent: ``code`` for ``event``, ``occurrence[x]`` for ``date``, several outcomes."""
    said = {name: one for name, one in event().items() if name not in ("event", "date")}
    told = {"status": "completed", "code": {"text": "felt hot", "coding": [{"display": "Fever"}]}}
    return said | told | {"occurrenceDateTime": "2024-06-10T14:00:00+02:00"} | other


def at_another_time(**told: Any) -> Resource:
    return {"occurrenceDateTime": None, **told}


PERIOD = {"start": "2024-06-10", "end": "2024-06-12"}


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({}, "AETERM", "felt hot"),
        ({}, "AEDECOD", "Fever"),
        ({}, "AESTDTC", "2024-06-10T14:00:00+02:00"),
        (at_another_time(occurrencePeriod=PERIOD), "AESTDTC", "2024-06-10"),
        (at_another_time(occurrencePeriod=PERIOD), "AEENDTC", "2024-06-12"),
        (at_another_time(occurrenceTiming={"event": ["2024-06-10"]}), "AESTDTC", "2024-06-10"),
        (at_another_time(detected="2024-06-11"), "AESTDTC", "2024-06-11"),
        (at_another_time(recordedDate="2024-06-11"), "AESTDTC", None),
        ({"actuality": "potential"}, "AEOCCUR", "N"),
        ({"status": "in-progress"}, "AEOCCUR", None),
        ({"status": "entered-in-error"}, "DELETED", "Y"),
        ({"status": "on-hold"}, "AEOCCUR", "ON-HOLD"),
        ({"status": "unknown"}, "AEOCCUR", "UNKNOWN"),
        ({"seriousness": {"coding": [{"code": "serious"}]}}, "AESER", "Y"),
        ({"seriousness": {"coding": [{"code": "non-serious"}]}}, "AESER", "N"),
        ({"outcome": [{"coding": [{"code": "ongoing"}]}, {"coding": [{"code": "fatal"}]}]}, "AEOUT", "FATAL"),
        ({"outcome": [{"coding": [{"code": "resolved"}]}]}, "AEOUT", "RECOVERED/RESOLVED"),
    ],
)
def test_an_adverse_event_of_r5_is_read_beside_those_of_r4(
    change: Resource, column: str, value: str | None
) -> None:
    assert row("AE", event_of_r5(**change))[column] == value


def test_what_did_not_occur_has_no_end() -> None:
    period = at_another_time(occurrencePeriod=PERIOD)
    assert row("AE", event_of_r5(actuality="potential", **period))["AEENDTC"] is None


@pytest.mark.parametrize("spelt", ["occurence", "occurrence"])
def test_an_administration_of_r5_says_when_and_what_by_other_names(spelt: str) -> None:
    """R5 5.0.0 spells ``occurence[x]`` so; concept and reference of a medication stand in one element."""
    said = administration()
    period = said.pop("effectivePeriod")
    said.pop("medicationCodeableConcept")
    told = {"isSubPotent": True, "subPotentReason": [{"text": "expired"}]}
    found = row("EX", said | told | {f"{spelt}Period": period, "medication": {"concept": {"text": "CYT107"}}})
    columns = ("EXTRT", "EXSTAT", "EXSTDTC", "EXENDTC")
    assert tuple(found[one] for one in columns) == ("CYT107", None, period["start"], period["end"])


def test_a_medication_of_r5_may_stand_in_a_resource_of_its_own() -> None:
    said = administration(medication={"reference": {"reference": "Medication/x"}})
    said.pop("medicationCodeableConcept")
    drug = {"resourceType": "Medication", "id": "x", "code": {"text": "PLACEBO"}}
    assert list(table("EX", said, drug)["EXTRT"]) == ["PLACEBO"]


# ------------------------------------------------------------------------------------------------- versions


def test_the_newest_version_of_a_record_counts_wherever_it_stands() -> None:
    newer = observation(value=39.0) | {
        "meta": {"lastUpdated": "2024-06-10T16:30:00+02:00"},
        "status": "amended",
    }
    older = observation(value=36.0) | {"meta": {"lastUpdated": "2024-06-10T14:29:00Z"}}
    for order in ([older, newer], [newer, older]):
        found = table("VS", *order)
        assert found["VSORRES"].tolist() == ["39.0"]


def test_without_a_time_the_later_line_counts() -> None:
    found = table("VS", observation(value=36.0, meta={}), observation(value=39.0, meta={}))
    assert (found["VSORRES"].tolist(), found["source_row"].tolist()) == (["39.0"], [2])


def test_entered_in_error_is_the_record_taken_back() -> None:
    found = table("VS", observation(), observation(status="entered-in-error"))
    assert found[["VSSEQ", "DELETED"]].to_numpy().tolist() == [["o1", "Y"]]


def test_records_without_an_id_are_no_versions_of_each_other() -> None:
    found = table("VS", observation(id=None), observation(id=None, value=39.0))
    assert found["VSORRES"].tolist() == ["38.3", "39.0"]
    assert found["VSSEQ"].isna().all()


def test_a_deletion_in_a_bundle_takes_back_the_record_of_its_subject() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [
            {"resource": observation()},
            {
                "request": {"method": "DELETE", "url": "Observation/o1"},
                "response": {"lastModified": "2024-06-11T00:00:00Z"},
            },
        ],
    }
    found = table("VS", bundle)
    cells = found[["USUBJID", "VSSEQ", "DELETED", "ENTERED"]].to_numpy().tolist()
    assert cells == [["S1", "o1", "Y", "2024-06-11T00:00:00Z"]]


# -------------------------------------------------------------------------------------------------- subjects

SYSTEM = "urn:trial:subject"


def patient(**other: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": "S1",
        "identifier": [{"system": "urn:hospital", "value": "MRN-1"}, {"system": SYSTEM, "value": "FR01-001"}],
        "managingOrganization": {"reference": "Organization/FR01"},
    } | other


def test_the_subject_is_the_id_unless_the_protocol_names_a_system() -> None:
    assert table("VS", observation(), patient())["USUBJID"].tolist() == ["S1"]
    assert table("VS", observation(), patient(), system=SYSTEM)["USUBJID"].tolist() == ["FR01-001"]


def test_without_an_identifier_of_the_system_no_id_of_the_hospital_stands_in() -> None:
    assert table("VS", observation(), system=SYSTEM)["USUBJID"].isna().all()
    other = patient(identifier=[{"system": "urn:hospital", "value": "MRN-1"}])
    assert table("VS", other, observation(), system=SYSTEM)["USUBJID"].isna().all()
    own = {"reference": "Patient/S1", "identifier": {"system": SYSTEM, "value": "FR01-001"}}
    assert table("VS", observation(subject=own), system=SYSTEM)["USUBJID"].tolist() == ["FR01-001"]


@pytest.mark.parametrize(
    ("reference", "subject"),
    [
        ("#p", "FR01-009"),
        ("#absent", None),
        ("Patient?identifier=urn:trial:subject|FR01-008", "FR01-008"),
        ("Patient?identifier=urn%3Atrial%3Asubject%7CFR01-008", "FR01-008"),
        ("Patient?identifier=urn:hospital|MRN-1", None),
    ],
)
def test_a_person_may_be_contained_or_searched_for(reference: str, subject: str | None) -> None:
    inside = {"resourceType": "Patient", "id": "p", "identifier": [{"system": SYSTEM, "value": "FR01-009"}]}
    content = json.dumps(observation(subject={"reference": reference}, contained=[inside])).encode()
    found = read(content, "VS", system=SYSTEM)
    assert [None if pd.isna(one) else one for one in found.table["USUBJID"]] == [subject]
    assert [one.startswith("1 records refer to people") for one in found.remarks] == (
        [] if subject else [True]
    )


def test_a_drug_that_is_not_there_is_told_without_a_number() -> None:
    """How many doses it is of might tell the size of an arm."""
    lost = administration(medicationReference={"reference": "Medication/absent"})
    del lost["medicationCodeableConcept"]
    (remark,) = read(json.dumps(lost).encode(), "EX").remarks
    assert remark.startswith("administrations refer to a Medication that is not in the delivery")
    assert not any(letter.isdigit() for letter in remark)


def test_the_research_subject_may_hold_the_identifier_and_the_arm() -> None:
    enrolled = {
        "resourceType": "ResearchSubject",
        "id": "r1",
        "identifier": [{"system": SYSTEM, "value": "FR01-001"}],
        "individual": {"reference": "Patient/S1"},
        "actualArm": "CYT107",
    }
    elsewhere = enrolled | {"id": "r2", "identifier": [], "actualArm": "OTHER"}
    found = table("DM", patient(identifier=[]), enrolled, elsewhere, system=SYSTEM)
    assert found[["USUBJID", "SITEID", "ACTARMCD"]].to_numpy().tolist() == [["FR01-001", "FR01", "CYT107"]]


@pytest.mark.parametrize(
    ("organization", "site"),
    [
        ({"reference": "https://ehr.example/fhir/Organization/FR01/_history/3"}, "FR01"),
        ({"reference": "Organization/7", "identifier": {"value": "FR01"}}, "FR01"),
        ({}, None),
    ],
)
def test_the_site_is_the_managing_organization(organization: Resource, site: str | None) -> None:
    assert row("DM", patient(managingOrganization=organization))["SITEID"] == site


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({}, (None, None, None)),
        ({"birthDate": "1960-02"}, ("1960-02", None, None)),
        ({"deceasedDateTime": "2024-06-12T04:00:00Z"}, (None, "2024-06-12T04:00:00Z", "Y")),
        ({"deceasedBoolean": True}, (None, None, "Y")),
        ({"deceasedBoolean": False}, (None, None, None)),
    ],
)
def test_a_patient_was_born_and_may_have_died(change: Resource, written: tuple[str | None, ...]) -> None:
    found = row("DM", patient(**change))
    assert (found["BRTHDTC"], found["DTHDTC"], found["DTHFL"]) == written


@pytest.mark.parametrize(
    ("reference", "subject"),
    [
        ("Patient/S1", "S1"),
        ("https://ehr.example/fhir/Patient/S1", "S1"),
        ("Patient/S1/_history/2", "S1"),
        ("Group/G1", None),
        ("", None),
    ],
)
def test_a_reference_leads_to_a_patient_or_to_nobody(reference: str, subject: str | None) -> None:
    assert row("VS", observation(subject={"reference": reference}))["USUBJID"] == subject


def test_entries_of_a_bundle_refer_to_each_other_by_their_addresses() -> None:
    address = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": address, "resource": patient()},
            {"resource": observation(subject={"reference": address})},
        ],
    }
    content = json.dumps(bundle, indent=1).encode()
    found = delivered(content, "VS", name="vs.json", system=SYSTEM)
    assert found[["USUBJID", "source_row"]].to_numpy().tolist() == [["FR01-001", 2]]


# ------------------------------------------------------------------------------------------ whole deliveries


def page(total: int | None = None, *, following: str | None = None, mode: str = "match") -> bytes:
    """Return a Bundle of one observation, as a search answers."""
    links = [{"relation": "self", "url": "http://x/1"}]
    links += [{"relation": "next", "url": following}] if following else []
    entry = {"fullUrl": "http://x/Observation/o1", "resource": observation(), "search": {"mode": mode}}
    told = {} if total is None else {"total": total}
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": [entry]}
    return json.dumps(bundle | told).encode()


@pytest.mark.parametrize(
    ("content", "half"),
    [
        (page(96), "half of a search: 1 of 96 entries"),
        (
            page(following="http://x/2"),
            "half of a search: 1 entries, with a link `next` that leads to no page here",
        ),
        (page(96, following="http://x/2"), "half of a search: 1 of 96 entries, with a link `next`"),
        (
            page(following="http://x/2").replace(b'"next"', b'"Next"'),  # the same relation by RFC 8288
            "half of a search: 1 entries, with a link `next` that leads to no page here",
        ),
        (page(1, mode="outcome"), "half of a search: 0 of 1 entries"),
    ],
)
def test_a_page_of_a_search_is_not_the_feed(content: bytes, half: str) -> None:
    with pytest.raises(FeedError) as refusal:
        delivered(content, "VS", name="vs.json")
    assert refusal.value.found.startswith(half)


@pytest.mark.parametrize("total", ["\u00b2", "9" * 5_000])
def test_a_total_that_is_no_number_is_named_and_nothing_else_is_said(
    total: str, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    gc.collect()  # what other tests have left to be said of
    recwarn.clear()
    bundle = json.loads(page()) | {"total": total}
    with pytest.raises(FeedError, match="total"):
        delivered(json.dumps(bundle).encode(), "VS", name="vs.json")
    gc.collect()
    assert (capsys.readouterr().err, recwarn.list) == ("", [])


@pytest.mark.parametrize("content", [page(), page(1), page(0)])
def test_a_search_of_one_page_is_whole(content: bytes) -> None:
    assert len(delivered(content, "VS", name="vs.json")) == 1


def test_a_page_of_resources_of_another_feed_is_no_half_of_this_one() -> None:
    assert len(delivered(page(96), "AE", name="vs.json")) == 0


def test_the_answers_to_the_requests_of_a_batch_are_read_like_any_other() -> None:
    batch = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": json.loads(page(1))}]}
    assert delivered(json.dumps(batch).encode(), "VS", name="vs.json")["VSTESTCD"].tolist() == ["TEMP"]
    short = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": json.loads(page(2))}]}
    with pytest.raises(FeedError, match="half of a search: 1 of 2 entries"):
        delivered(json.dumps(short).encode(), "VS", name="vs.json")


def test_resources_of_other_domains_are_of_other_feeds() -> None:
    mixed = (patient(), observation(), administration(), event(), {"resourceType": "Encounter", "id": "e"})
    assert [len(table(domain, *mixed)) for domain in ("DM", "EX", "VS", "AE")] == [1, 1, 1, 1]
    assert len(table("VS", patient())) == 0


def test_blank_lines_are_passed_over_and_the_rest_keep_their_numbers() -> None:
    content = b"\n\r\n" + json.dumps(observation()).encode() + b"\r\n"
    assert delivered(content, "VS")["source_row"].tolist() == [3]


def test_a_gzip_file_is_read_when_its_name_says_so() -> None:
    content = gzip.compress(json.dumps(observation()).encode())
    assert len(delivered(content, "VS", name="vs.ndjson.gz")) == 1
    with pytest.raises(FeedError, match="found JSON text; allowed: a compressed file"):
        delivered(json.dumps(observation()).encode(), "VS", name="vs.ndjson.gz")


@pytest.mark.parametrize("odd", [[], "text", 7, True, {"coding": 3}, {"coding": [7, {"code": 8310}]}])
@pytest.mark.parametrize(
    "name", ["code", "category", "subject", "valueQuantity", "component", "meta", "effectiveDateTime", "id"]
)
def test_an_element_of_another_type_spoils_no_other_row(name: str, odd: object) -> None:
    found = table("VS", observation(id="good"), observation() | {name: odd})
    assert found["VSSEQ"].tolist()[0] == "good"
    assert found["VSORRES"].tolist()[0] == "38.3"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"resourceType": "Patient"}\n{"resourceType": \n', "no JSON at line 2, column "),
        (b'{"resourceType": "Patient"}\n[1]\n', "no resourceType in line 2"),
        (b'{"id": "x"}\n', "no resourceType in line 1"),
        (b'{"resourceType": "Observation", "valueInteger": NaN}\n', "no valid JSON in line 1"),
        (b'{"resourceType": "Patient"} {"resourceType": "Patient"}\n', "no JSON at line 1, column 29"),
        (
            b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}',
            "an OperationOutcome that reports an error, in line 1",
        ),
        (
            b'{"resourceType": "Patient"}\n{"resourceType": "Patient", "id": "\\ud800"}\n',
            "an escape that is half",
        ),
        (b"USUBJID,VSTESTCD\n", "text"),
        (b"", "an empty file"),
        (b'{"resourceType": "Patient", "id": "\xe9"}', "a byte 0xE9 that is not UTF-8"),
    ],
)
def test_what_is_no_fhir_names_the_file_and_the_line(content: bytes, problem: str) -> None:
    with pytest.raises(FeedError) as refusal:
        delivered(content, "VS")
    assert refusal.value.file == "x.ndjson"
    assert refusal.value.found.startswith(problem)


def test_both_halves_of_a_character_are_one() -> None:
    content = b'{"resourceType": "Patient", "id": "p1", "language": "\\ud83d\\ude00"}'
    assert delivered(content, "DM")["USUBJID"].tolist() == ["p1"]


def test_a_domain_without_resources_is_refused() -> None:
    with pytest.raises(FeedError, match="FHIR for CM; allowed: FHIR for DM, EX, VS, AE, LB"):
        table("CM", observation())
