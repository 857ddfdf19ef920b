"""A study of a few charts, written as SDTM text and looked at as anybody would: frames in, a look out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from checks import Look, load_protocol, look

Row = Mapping[str, str]
UNITS = {"TEMP": "C", "OXYSAT": "%", "RESP": "breaths/min", "FIO2": "fraction"}
WHY = {"rationale": "an example", "source": "no charter"}
COUNT_TWO = {"id": "two_cases", "kind": "count", "cases": 2, **WHY}
COLUMNS = {
    "dm": ("USUBJID", "SITEID"),
    "ex": ("USUBJID", "EXSEQ", "EXTRT", "EXDOSE", "EXSTDTC", "EXENDTC", "EXSTAT", "EXLNKID"),
    "vs": ("USUBJID", "VSSEQ", "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC"),
    "ae": ("USUBJID", "AESEQ", "AETERM", "AEDECOD", "AESTDTC", "AEENDTC"),
}
CASE: Mapping[str, Any] = {
    "name": "fever_with_respiratory_distress",
    "components": {
        "fever": {
            "any_of": [
                {"vital": "TEMP", "at_least": 38.3, "unit": "C"},
                {"vital": "TEMP", "rise_at_least": 1.0, "and_at_least": 38.0, "unit": "C"},
                {"terms": ["FEVER", "PYREXIA"]},
            ]
        },
        "respiratory_distress": {
            "any_of": [
                {"vital": "OXYSAT", "below": 90, "unit": "%"},
                {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
                {"terms": ["DYSPNOEA"]},
            ]
        },
    },
}


def elapsed(hours: int) -> str:
    """Return whole hours as an ISO 8601 duration, as --ELTM has them."""
    return f"{'-' if hours < 0 else ''}PT{abs(hours)}H"


def small_protocol(*rules: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A study protocol of one site in UTC; ``changed`` are its further keys."""
    return {
        "schema_version": 1,
        "study": {"id": "SMALL-01", "timezone": "UTC"},
        "sites": {"S1": "UTC"},
        "treatment": {"names": ["STUDYDRUG"], "planned_doses": 1},
        "feeds": {name: {"path": f"{name}.csv", "max_age_hours": 100_000} for name in COLUMNS},
        "limits": {"max_quarantined": 0.5, "max_unobserved": 0.5},
        "case_definition": CASE,
        "risk_window_hours": [5, 8],
        "control_windows_hours": [[-24, -6], [12, 48]],
        "background": {"rate": 0.02, "unit": "subject", **WHY},
        "multiplicity": {"method": "none", "rationale": "an example"},
        "rules": [dict(rule) for rule in rules or (COUNT_TWO,)],
        "watch": {"cases_short_of_boundary": 0},
        **changed,
    }


def frames(
    ex: Sequence[Row], vs: Sequence[Row] = (), ae: Sequence[Row] = (), subjects: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    """Rows of each domain, numbered, as text; what a row does not say is blank."""
    known = sorted({*subjects, *(row["USUBJID"] for row in (*ex, *vs, *ae))})
    rows = {"dm": [{"USUBJID": name, "SITEID": "S1"} for name in known], "ex": ex, "vs": vs, "ae": ae}
    usual = {"EXTRT": "STUDYDRUG", "EXDOSE": "10"}
    made = {}
    for domain, columns in COLUMNS.items():
        names = [
            *columns,
            *dict.fromkeys(name for row in rows[domain] for name in row if name not in columns),
        ]
        sequence = f"{domain.upper()}SEQ"
        cells = [
            [{**usual, sequence: str(place), **row}.get(name, "") for name in names]
            for place, row in enumerate(rows[domain], start=1)
        ]
        made[domain] = pd.DataFrame(cells, columns=names, dtype="str")
    return made


def charted(subject: str, test: str, hours: Mapping[datetime, float]) -> list[Row]:
    """Rows of VS: one test of one subject, its values by instant."""
    return [
        {
            "USUBJID": subject,
            "VSTESTCD": test,
            "VSORRES": f"{value:g}",
            "VSORRESU": UNITS[test],
            "VSDTC": f"{at:%Y-%m-%dT%H:%M}",
        }
        for at, value in hours.items()
    ]


def look_at_study(
    feeds: Mapping[str, pd.DataFrame], protocol: Mapping[str, Any], data_cutoff: datetime, folder: Path
) -> Look:
    file = folder / "protocol.yaml"
    file.write_text(yaml.safe_dump(dict(protocol)))
    return look(feeds, load_protocol(file), data_cutoff=data_cutoff)
