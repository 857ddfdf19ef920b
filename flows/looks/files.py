"""What a look leaves on disk beside the page: look.json, cases, doses, quarantine, changes, validation."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pandas as pd

from checks.looks import Look, LookDocument
from checks.protocol import StudyProtocol
from flows.alerts.channels import outboxes
from flows.feeds.inbox import STORE
from flows.files import clear_leftovers, write_whole
from flows.inert import inert_csv, inert_line
from flows.own_folder import LISTINGS
from flows.pages.cases import CaseWords, other_doses

NEWEST: Final = 100
"""Looks whose folders are searched for what was left unfinished: two days of a look each half hour."""


def clear_interrupted(protocol: StudyProtocol, out: Path) -> None:
    """Remove what processes that were killed left unfinished: in a look's folder, those of late, stores, outboxes."""
    looks, store = (protocol.folder / one / protocol.study.id for one in ("looks", STORE))
    channels = (channel for route in protocol.alerts.routes for channel in route.channels)
    with suppress(OSError):  # what cannot be listed is told by what is read or written there next
        late = sorted(looks.glob("*T*Z"))[-NEWEST:]
        closed = (one / "closed" for one in (out, *late))
        stores = (
            store / "objects",
            store / "admissions",
            *(store / "receipts").glob("*"),
            *outboxes(channels, protocol.folder),
        )
        clear_leftovers((protocol.folder, looks, out, *late, *closed, *stores))


OF_A_LOOK = (
    *("look.json", "report.html", "validation.json"),
    *LISTINGS,
)
"""The files of a look, in its folder."""


def write_files(look: Look, document: LookDocument, out: Path) -> None:
    """Write all files of a look into its folder, each whole or not at all."""
    for name in FILES:
        write_file(name, look, document, out)


def write_file(name: str, look: Look, document: LookDocument, out: Path) -> None:
    """Write one file of a look, by its name, into the look's folder; made where it is not there."""
    write_whole(out / name, FILES[name](look, document))


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a document, indented, in UTF-8."""
    write_whole(path, _json(document))


def _json(document: Mapping[str, object]) -> str:
    """Return a document, indented."""
    return inert_line(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)) + "\n"


def _validation(look: Look) -> str:
    """Return the results of the checks, as Great Expectations writes them: no value."""
    checks, suites = look.validation.checks, look.validation.suites
    return _json({"checks": [asdict(one) for one in checks], "results": [asdict(one) for one in suites]})


FILES: Final[Mapping[str, Callable[[Look, LookDocument], str]]] = {
    "look.json": lambda _look, document: _json(document),
    "validation.json": lambda look, _document: _validation(look),
    "cases.csv": lambda look, document: inert_csv(_cases(document, look.protocol)),
    "doses.csv": lambda look, _document: inert_csv(look.doses),
    "quarantine.csv": lambda look, _document: inert_csv(look.quarantine),
    "changes.csv": lambda look, _document: inert_csv(look.changes),
}
"""What each file of a look says, by its name."""

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
