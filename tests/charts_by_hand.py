"""Charts written by hand: what a few subjects' tests showed at which hour, and what was reported of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from checks.cases import Charts
from checks.cases.components import MeasuredComponent, measure
from checks.cases.spans import EPOCH_SHIFT, HOUR, SECONDS_BITS, Instants
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.case_definition import CaseDefinition
from checks.tables import ADVERSE_EVENTS, MEASUREMENTS

DAY = pd.Timestamp("2026-03-02", tz="UTC")
"""The first midnight: hours are counted from it."""
ORIGIN = int(DAY.timestamp())
KNOWN = pd.Index(["A", "B"])
LATER = DAY + pd.Timedelta(days=30)
GOOD = load_protocol(Path(__file__).parent / "fixtures" / "protocols" / "good.yaml")

FEVER = {"any_of": [{"vital": "TEMP", "at_least": 38.3, "unit": "C"}, {"terms": ["FEVER"]}]}
DISTRESS = {
    "any_of": [
        {"vital": "OXYSAT", "below": 90, "unit": "%"},
        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
        {"terms": ["DYSPNOEA"]},
    ]
}


def protocol(
    *, washout: float = 6, baseline: float = 12, within: float = 3, **components: object
) -> StudyProtocol:
    """Return a protocol with these components, 12 h of baseline and the hours of the catalogue."""
    definition = {
        "name": "by_hand",
        "washout_hours": washout,
        "onsets_within_hours": within,
        "components": components or {"fever": FEVER, "distress": DISTRESS},
    }
    changed = {
        "case_definition": CaseDefinition.model_validate(definition),
        "baseline_hours": float(baseline),
    }
    return GOOD.model_copy(update=changed)


def measurements(charted: Mapping[str, str], subject: str = "A") -> pd.DataFrame:
    """Return the measurements of a subject: by test, its hours and values, '0 37, 4 38.5'."""
    rows = []
    for test, text in charted.items():
        for number, entry in enumerate(text.split(","), start=1):
            hour, value = entry.split()
            at = DAY + pd.Timedelta(seconds=round(float(hour) * HOUR))
            rows.append(("VS", subject, f"{test}{number}", test, float(value), None, "", None, at, at, True))
    return MEASUREMENTS.conform(pd.DataFrame(rows, columns=list(MEASUREMENTS.columns)))


def events(*lines: tuple[str, str, str], subject: str = "A") -> pd.DataFrame:
    """Return adverse events: term, start ('5', or '0-24' for somewhere between), end ('' for none)."""
    rows = []
    for number, (term, start, end) in enumerate(lines, start=1):
        first, last = (float(hour) for hour in (start.split("-") * 2)[:2])
        begins = [DAY + pd.Timedelta(seconds=round(hour * HOUR)) for hour in (first, last)]
        ends = [DAY + pd.Timedelta(seconds=round(float(end) * HOUR))] * 2 if end else [None, None]
        told = (term.casefold(), None, None, "N", False, *begins, *ends, first == last, True)
        rows.append((subject, str(number), *told))
    return ADVERSE_EVENTS.conform(pd.DataFrame(rows, columns=list(ADVERSE_EVENTS.columns)))


def charts(charted: Mapping[str, str], *lines: tuple[str, str, str]) -> Charts:
    """Return the charts of subject A."""
    return Charts(measurements(charted), events(*lines), KNOWN)


def measured(
    component: Mapping[str, object], charted: Mapping[str, str], **hours: float
) -> MeasuredComponent:
    """Return what the measurements of subject A say of one component, long after the last."""
    cutoff = hours.pop("cutoff", None)
    study = protocol(one=component, **hours)
    now = LATER if cutoff is None else DAY + pd.Timedelta(hours=cutoff)
    part = study.case_definition.components["one"]
    return measure(part, measurements(charted), KNOWN, study, now.to_pydatetime(), doubtful=False)


def hours_of(instants: Instants) -> list[float]:
    """Return instants on the shared axis as hours."""
    seconds = (np.asarray(instants) & ((1 << SECONDS_BITS) - 1)) - EPOCH_SHIFT - ORIGIN
    return [round(one / HOUR, 4) for one in seconds.tolist()]


def instant(hour: float) -> int:
    """Return the instant of subject A on the shared axis."""
    return EPOCH_SHIFT + ORIGIN + round(hour * HOUR)
