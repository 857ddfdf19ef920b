"""Hand-written looks, and the protocol they belong to."""

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.protocol import StudyProtocol, load_protocol

LOOKS = Path(__file__).parent / "looks"
DOSE_COLUMNS = (
    "USUBJID",
    "dose_number",
    "hours_end",
    "window",
    "trusted",
    "risk_observed_hours",
    "control_observed_hours",
    "start_earliest",
    "start_latest",
    "separate",
    "rows",
    "EXSEQ",
    "given_hours",
    "segments",
    "interruptions",
)
START = pd.Timestamp("2023-05-01T06:00Z")
OF_ONE_ROW = (START, START, True, 1, "1", 0.0, 1, "")
OF_TWO_ROWS = (START, START, True, 2, "1; 2", 2.0, 2, "interrupted at 0.25 h, resumed at 1.5 h")
GOING_ON = (START, START + pd.Timedelta(hours=1), False, 1, "3", 0.5, 1, "")


@pytest.fixture
def protocol() -> StudyProtocol:
    return load_protocol(LOOKS / "protocol.yaml")


@pytest.fixture
def signal() -> dict[str, Any]:
    return json.loads((LOOKS / "signal.json").read_text(encoding="utf-8"))


@pytest.fixture
def not_assessable() -> dict[str, Any]:
    return json.loads((LOOKS / "not_assessable.json").read_text(encoding="utf-8"))


@pytest.fixture
def severity_rule() -> dict[str, Any]:
    return json.loads((LOOKS / "severity_rule.json").read_text(encoding="utf-8"))


@pytest.fixture
def doses_of() -> Callable[[Mapping[str, Any]], pd.DataFrame]:
    def make(look: Mapping[str, Any]) -> pd.DataFrame:
        rows = [
            (case["USUBJID"], case["dose_number"], 72.0, "evaluable", True, 3.0, 40.5, *OF_ONE_ROW)
            for case in look["cases"]
        ]
        rows += [
            ("FR09-001", 1, 30.0, "unobserved", True, 0.25, 2.0, *OF_TWO_ROWS),
            ("FR09-001", 2, float("inf"), "open", False, 1.0, 18.0, *GOING_ON),
        ]
        return pd.DataFrame(rows, columns=list(DOSE_COLUMNS))

    return make


@pytest.fixture
def many(signal: dict[str, Any]) -> dict[str, Any]:
    """Three hundred cases: half an hour apart from 0 to 50 h, three times over."""
    cases = []
    for place in range(300):
        hour = (place % 100) * 0.5
        case = copy.deepcopy(signal["cases"][0])
        inside = "yes" if 5 <= hour <= 8 else "no"
        case |= {"USUBJID": f"FR01-{place:03d}", "hour": hour, "onset_hours": [hour - 0.25, hour]}
        case |= {"in_risk_window": inside, "surely": False}
        cases.append(case)
    return {**signal, "cases": cases}
