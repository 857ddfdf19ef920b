"""What a look answers where FHIR tells a subject's fever and low saturation in other ways than the plain one.

Of the four subjects the first is ill, told plainly; the second is ill too, and its two abnormal measurements of each
test are told as each example says. Two cases are a signal, so one lost in silence answers ``no_signal``, and a doubt
that is kept ``watch``.
"""

from pathlib import Path
from typing import Any, Final

import pytest
from four_subjects import FIRST, LOINC, SECOND, FourSubjects, Row, observation

SNOMED: Final = {"TEMP": "386725007", "OXYSAT": "442476006"}
NAMES: Final = {"TEMP": "Body temperature", "OXYSAT": "Oxygen saturation"}


def coded(row: Row, system: str, codes: dict[str, str], **other: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": system, "code": codes[row["VSTESTCD"]], **other}]}}


def local(row: Row) -> dict[str, Any]:
    return coded(row, "urn:local", {"TEMP": "Z1", "OXYSAT": "Z2"}, display=NAMES[row["VSTESTCD"]])


def two_units(row: Row) -> dict[str, Any]:
    quantity = observation(row)["valueQuantity"]
    return {"valueQuantity": quantity | ({"unit": "degF"} if row["VSTESTCD"] == "TEMP" else {})}


def of_two_hours(row: Row) -> dict[str, Any]:
    """Return what a period of two hours from the measurement on says, as monitors that average do."""
    start = observation(row)["effectiveDateTime"]
    end = f"{start[:11]}{int(start[11:13]) + 2:02}{start[13:]}"
    return {"effectiveDateTime": None, "effectivePeriod": {"start": start, "end": end}}


WAYS: Final = {
    "corrected": (lambda _: {"status": "corrected"}, "signal"),
    "preliminary": (lambda _: {"status": "preliminary"}, "signal"),
    "cancelled, with a value": (lambda _: {"status": "cancelled"}, "watch"),
    "registered, with a value": (lambda _: {"status": "registered"}, "watch"),
    "of unknown status": (lambda _: {"status": "unknown"}, "watch"),
    "entered in error": (lambda _: {"status": "entered-in-error"}, "no_signal"),
    "with a modifier extension": (lambda _: {"modifierExtension": [{"url": "urn:x:not"}]}, "watch"),
    "LOINC by OID": (lambda row: coded(row, "urn:oid:2.16.840.1.113883.6.1", LOINC), "signal"),
    "SNOMED CT alone": (lambda row: coded(row, "https://snomed.info/sct", SNOMED), "signal"),
    "a code of the house": (local, "watch"),
    "of the laboratory by a code of the house": (
        lambda row: local(row) | {"category": [{"coding": [{"code": "laboratory"}]}]},
        "watch",
    ),
    "in two units": (two_units, "watch"),
    "of a period": (of_two_hours, "watch"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_case_is_believed_doubted_or_taken_back_as_it_is_told(way: str, tmp_path: Path) -> None:
    says, verdict = WAYS[way]
    study = FourSubjects()
    study.make_ill(FIRST)
    ill = study.make_ill(SECOND)
    study.as_fhir("vs", [observation(row, **(says(row) if row in ill else {})) for row in study.vs])
    assert study.looked_at(tmp_path).verdict == verdict
