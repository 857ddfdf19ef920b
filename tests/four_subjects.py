"""Four subjects dosed at 08:00 and charted every hour: a study in which two cases make a signal, made to be changed.

Whoever is ill has fever and a low saturation at hours 6 and 7, two measurements in a row of each, so that the case
is definite by the words of a look. The rule counts two cases, and a look watches only what doubtful facts could
still turn: a case lost without a word gives ``no_signal``, one invented ``signal``, doubt rightly kept ``watch``.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from looks_of_folders import LookOfFolder, look_at_folder
from small_studies import CASE, COUNT_TWO, UNITS, elapsed

Row = dict[str, str]
DOSED: Final = datetime(2024, 6, 10, 8)
"""When each is dosed, by the clock of the site."""
CHARTED: Final = range(-4, 12)
"""Hours since the dose at which each test of each is charted."""
CUTOFF: Final = datetime(2024, 6, 11, 12, tzinfo=UTC)
FIRST, SECOND, THIRD, ABROAD = SUBJECTS = ("FR01-001", "FR01-002", "FR01-003", "US01-004")
OFFSETS: Final = {"FR01": 2, "US01": -4}
"""Hours from UTC of each site's clock on that day."""
LOINC: Final = {"TEMP": "8310-5", "OXYSAT": "59408-5"}
UCUM: Final = {"TEMP": "Cel", "OXYSAT": "%"}
HEALTHY: Final = {"TEMP": ("36.8", "36.9"), "OXYSAT": ("97", "97")}
ILL: Final = {"TEMP": ("38.9", "38.7"), "OXYSAT": ("86", "87")}


def clock(hour: float, *, form: str = "%Y-%m-%dT%H:%M") -> str:
    """Return what the site's clock shows so many hours after its dose."""
    return (DOSED + timedelta(hours=hour)).strftime(form)


def in_utc(subject: str, hour: float) -> str:
    """Return the instant so many hours after a subject's dose, in UTC and without an offset."""
    return clock(hour - OFFSETS[subject[:4]])


def with_offset(subject: str, hour: float) -> str:
    """Return the instant so many hours after a subject's dose, with the offset of the site."""
    return f"{clock(hour)}:00{OFFSETS[subject[:4]]:+03}:00"


def _protocol() -> dict[str, Any]:
    return {
        "schema_version": 1,
        "study": {"id": "FOUR-01", "title": "SIMULATED study of four", "timezone": "Europe/Paris"},
        "sites": {"FR01": "Europe/Paris", "US01": "America/New_York"},
        "treatment": {"names": ["STUDYDRUG"], "planned_doses": 1},
        "feeds": {
            name: {"path": f"{name}.csv", "max_age_hours": 100_000} for name in ("dm", "ex", "vs", "ae")
        },
        "limits": {"max_quarantined": 0.4, "max_unobserved": 0.5},
        "case_definition": {**CASE, "onsets_within_hours": 3, "washout_hours": 2},
        "baseline_hours": 4,
        "risk_window_hours": [5, 8],
        "control_windows_hours": [[-4, 0], [8, 12]],
        "rules": [COUNT_TWO],
        "watch": {"cases_short_of_boundary": 0},
    }


def _charted(subject: str, test: str) -> list[Row]:
    return [
        {
            "USUBJID": subject,
            "VSTESTCD": test,
            "VSORRES": HEALTHY[test][hour % 2],
            "VSORRESU": UNITS[test],
            "VSDTC": clock(hour),
        }
        for hour in CHARTED
    ]


@dataclass(slots=True)
class FourSubjects:
    """Protocol and rows of the study, to be changed and then written; ``files`` are written as given."""

    protocol: dict[str, Any] = field(default_factory=_protocol)
    dm: list[Row] = field(default_factory=lambda: [{"USUBJID": one, "SITEID": one[:4]} for one in SUBJECTS])
    ex: list[Row] = field(
        default_factory=lambda: [
            {
                "USUBJID": one,
                "EXTRT": "STUDYDRUG",
                "EXDOSE": "10",
                "EXSTDTC": clock(0),
                "EXENDTC": clock(0.5),
            }
            for one in SUBJECTS
        ]
    )
    vs: list[Row] = field(
        default_factory=lambda: [
            row for one in SUBJECTS for test in UNITS if test in LOINC for row in _charted(one, test)
        ]
    )
    ae: list[Row] = field(
        default_factory=lambda: [
            {"USUBJID": THIRD, "AETERM": "Headache", "AEDECOD": "HEADACHE", "AESTDTC": clock(2.2)}
        ]
    )
    files: dict[str, bytes] = field(default_factory=dict)

    def rows(self, subject: str, test: str = "", hours: Iterable[int] = CHARTED) -> list[Row]:
        """Return a subject's rows of VS, of one test where it is named, at these hours since the dose."""
        at = {clock(hour) for hour in hours}
        return [
            row
            for row in self.vs
            if row["USUBJID"] == subject and test in ("", row["VSTESTCD"]) and row["VSDTC"] in at
        ]

    def dose(self, subject: str) -> Row:
        """Return a subject's row of EX."""
        return next(row for row in self.ex if row["USUBJID"] == subject)

    def make_ill(self, subject: str, *tests: str, hour: int = 6) -> list[Row]:
        """Make a subject ill at an hour and the next, and return the rows that show it."""
        changed = []
        for test in tests or tuple(ILL):
            for value, row in zip(ILL[test], self.rows(subject, test, (hour, hour + 1)), strict=True):
                row["VSORRES"] = value
                changed.append(row)
        return changed

    def tell_hours(self) -> None:
        """Tell of every measurement the whole hours since its dose, by its stamp as it is now."""
        for row in self.vs:
            row["VSELTM"] = elapsed(int(row["VSDTC"][11:13]) - DOSED.hour)

    def looked_at(self, folder: Path) -> LookOfFolder:
        """Write the study into a folder, and look at it there."""
        self.write(folder)
        return look_at_folder(folder, CUTOFF, folder / "out")

    def write(self, folder: Path) -> None:
        """Write the protocol and the feeds; each row without a number has its place."""
        for name in ("dm", "ex", "vs", "ae"):
            rows = [
                {f"{name.upper()}SEQ": str(place), **row} for place, row in enumerate(getattr(self, name), 1)
            ]
            _write(folder / f"{name}.csv", rows)
        for path, content in self.files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)
        (folder / "protocol.yaml").write_text(yaml.safe_dump(self.protocol))

    def as_fhir(self, domain: str, resources: Iterable[Mapping[str, Any]]) -> None:
        """Deliver a domain as FHIR resources, one a line, in place of its rows."""
        self.protocol["feeds"][domain] = {
            "path": f"{domain}.ndjson",
            "format": "fhir",
            "max_age_hours": 100_000,
        }
        self.files[f"{domain}.ndjson"] = "".join(json.dumps(one) + "\n" for one in resources).encode()


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        names = dict.fromkeys(name for row in rows for name in row)
        writer = csv.DictWriter(file, list(names), restval="")
        writer.writeheader()
        writer.writerows(rows)


def administration(row: Row, **said: Any) -> dict[str, Any]:
    """Return a row of EX as a MedicationAdministration; ``said`` is what it says besides."""
    subject = row["USUBJID"]
    told = {
        name: _stamped(subject, row[column]) for name, column in (("start", "EXSTDTC"), ("end", "EXENDTC"))
    }
    return {
        "resourceType": "MedicationAdministration",
        "id": f"m-{subject}-{row['EXSTDTC'][11:13]}",
        "status": "completed",
        "medicationCodeableConcept": {"text": row["EXTRT"]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectivePeriod": told,
        "dosage": {"dose": {"value": float(row["EXDOSE"]), "unit": "ug/kg"}},
        **said,
    }


def observation(row: Row, **said: Any) -> dict[str, Any]:
    """Return a row of VS as an Observation; ``said`` is what it says besides."""
    subject, test = row["USUBJID"], row["VSTESTCD"]
    return {
        "resourceType": "Observation",
        "id": f"o-{subject}-{test}-{row['VSDTC'][8:13].replace('T', '-')}",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": LOINC[test]}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": _stamped(subject, row["VSDTC"]),
        "valueQuantity": {
            "value": float(row["VSORRES"]),
            "unit": UNITS[test],
            "system": "http://unitsofmeasure.org",
            "code": UCUM[test],
        },
        **said,
    }


def _stamped(subject: str, naive: str) -> str:
    return f"{naive}:00{OFFSETS[subject[:4]]:+03}:00"
