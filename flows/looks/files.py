"""What a look leaves on disk beside the page: look.json, cases, doses, quarantine, changes, validation."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from checks.looks import Look, LookDocument
from checks.protocol import StudyProtocol
from flows.pages.cases import CaseWords, other_doses
from flows.pages.kit.rendering import write_whole


def write_files(look: Look, document: LookDocument, out: Path) -> None:
    """Write all files of a look into its folder, each whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "look.json", document)
    checks, suites = (
        look.validation.checks,
        look.validation.suites,
    )  # as Great Expectations writes them: no value
    judged = {"checks": [asdict(one) for one in checks], "results": [asdict(one) for one in suites]}
    write_json(out / "validation.json", judged)
    _write_table(out / "cases.csv", _cases(document, look.protocol))
    _write_table(out / "doses.csv", look.doses)
    _write_table(out / "quarantine.csv", look.quarantine)
    _write_table(out / "changes.csv", look.changes)


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a document, indented, in UTF-8."""
    write_whole(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _write_table(path: Path, table: pd.DataFrame) -> None:
    write_whole(path, table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ"))


CASE_COLUMNS = (
    "USUBJID",
    "dose_number",
    "dose_start",
    "certainty",
    "in_risk_window",
    "surely",
    "hour",
    "onset_from_hour",
    "onset_to_hour",
    "why",
    "provisional",
    "settled_by",
    "missing",
    "cleared_by",
    "interruptions",
    "other_doses",
    "evidence",
)


def _cases(document: LookDocument, protocol: StudyProtocol) -> pd.DataFrame:
    words = CaseWords(protocol)
    rows = [
        {
            **{name: said for name, said in case.items() if name in CASE_COLUMNS},
            "onset_from_hour": case["onset_hours"][0],
            "onset_to_hour": case["onset_hours"][1],
            "why": words.why(case),
            "missing": "; ".join(words.missing(case)),
            "cleared_by": "; ".join(words.cleared(case)),
            "other_doses": other_doses(case),
            "evidence": "; ".join(
                f"{name}: {', '.join(part['evidence'])}" for name, part in case["components"].items()
            ),
        }
        for case in document["cases"]
    ]
    return pd.DataFrame(rows, columns=list(CASE_COLUMNS))
