"""Worked examples of rows that say "not": of doses, measurements and events, and of what contradicts itself.

One subject, a dose at 08:00, fever and a low saturation at 14:00 and 15:00 (hours 6 and 7): one definite case, where
everything was done. Each example changes rows of one domain; ``case`` is what is left of it: ``definite``,
``possible`` (a row in doubt counts in the worst case alone) or none; ``withheld`` counts rows in quarantine by check.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
import pytest
from small_studies import charted, frames, look_at_study, small_protocol

from checks import Look

CUTOFF = datetime(2026, 3, 9, tzinfo=UTC)
HOURS = pd.date_range("2026-03-01T00:00", "2026-03-04T00:00", freq="h")
ILL = {pd.Timestamp("2026-03-02T14:00"), pd.Timestamp("2026-03-02T15:00")}
DOSE = {"USUBJID": "S1-1", "EXSTDTC": "2026-03-02T08:00", "EXENDTC": "2026-03-02T08:30"}
PLANNED = {**DOSE, "EXENDTC": ""}
OF_A_DAY = {**DOSE, "EXSTDTC": "2026-03-02", "EXENDTC": "2026-03-03"}
DYSPNOEA = {"USUBJID": "S1-1", "AETERM": "DYSPNOEA", "AESTDTC": "2026-03-02T14:00", "AESEV": "MODERATE"}
NAUSEA = {"USUBJID": "S1-1", "AETERM": "NAUSEA", "AESTDTC": "2026-03-02"}


class Example(NamedTuple):
    """What the row of the dose says, what the ill saturations say, what an event says in place of these."""

    dose: Mapping[str, str] = MappingProxyType(DOSE)
    ill: Mapping[str, str] = MappingProxyType({})
    event: Mapping[str, str] | None = None
    case: str | None = None
    withheld: Mapping[str, int] = MappingProxyType({})


def dose(case: str | None, row: Mapping[str, str] = DOSE, doubt: int = 0, **said: str) -> Example:
    return Example({**row, **said}, case=case, withheld={"dose_status_known": doubt} if doubt else {})


def vital(case: str | None, doubt: int = 0, **said: str) -> Example:
    return Example(ill=said, case=case, withheld={"status_clear": doubt} if doubt else {})


def told(case: str | None, doubt: int = 0, **said: str) -> Example:
    return Example(event={**DYSPNOEA, **said}, case=case, withheld={"status_clear": doubt} if doubt else {})


EXAMPLES = {
    # doses: planned times and an amount, 0 among them, are what a dose not given has too
    "a dose given": dose("definite"),
    "a dose given, said so": dose("definite", EXSTAT="Completed", EXOCCUR="yes"),
    "stopped before its end": dose("definite", EXSTAT="STOPPED"),
    "not done": dose(None, PLANNED, EXSTAT="NOT DONE"),
    "not done, with an underscore": dose(None, PLANNED, EXSTAT="not_done"),
    "not done, of no amount": dose(None, PLANNED, EXSTAT="NOT DONE", EXDOSE="0"),
    "not done, by another column": dose(None, PLANNED, EXOCCUR="No"),
    "not done, a day's span": dose(None, OF_A_DAY, EXSTAT="NOT DONE"),
    "scheduled": dose(None, EXMOOD="SCHEDULED"),
    "intended": dose(None, ECMOOD="intended"),
    "on hold": dose(None, PLANNED, EXSTAT="ON-HOLD"),
    "performed, and did not occur": dose(None, PLANNED, ECMOOD="PERFORMED", ECOCCUR="N"),
    "not done beside amount, start and end": dose("possible", doubt=1, EXSTAT="NOT DONE"),
    "not done beside start and end, of an amount of 0": dose("possible", doubt=1, EXSTAT="NOT DONE", EXDOSE="0"),
    "did not occur, completed": dose("possible", PLANNED, doubt=1, EXOCCUR="N", EXSTAT="COMPLETED"),
    "scheduled, and occurred": dose("possible", PLANNED, doubt=1, EXMOOD="SCHEDULED", EXOCCUR="Y"),
    "neither yes nor no": dose("possible", doubt=1, EXOCCUR="U"),
    "taken back or not": dose("possible", doubt=1, DELETED="PERHAPS"),
    # measurements
    "measured": vital("definite"),
    "measured, said so": vital("definite", VSSTAT="FINAL"),
    "not measured": vital(None, VSSTAT="NOT DONE", VSORRES=""),
    "not measured, in words": vital(None, VSSTAT="NOT DONE", VSORRES="ND"),
    "not done beside a value": vital("possible", doubt=2, VSSTAT="NOT DONE"),
    "an unknown status": vital("possible", doubt=2, VSSTAT="QUERIED"),
    "a flag that is neither": vital("possible", doubt=2, DELETED="?"),
    "a flag that says no": vital("definite", DELETED="false"),
    # events, in place of the saturation
    "told of its own accord": told("definite"),
    "asked for, and occurred": told("definite", AEPRESP="Y", AEOCCUR="Y"),
    "asked for, and did not occur": told(None, AEPRESP="Y", AEOCCUR="N"),
    "did not occur, in other words": told(None, AEPRESP="Y", AEOCCUR="No", AESER="N", AEOUT="NOT APPLICABLE"),
    "not asked for": told(None, AEPRESP="Y", AESTAT="NOT DONE"),
    "asked for, without an answer": told("possible", doubt=1, AEPRESP="Y"),
    "told, though it was not asked for": told("possible", doubt=1, AESTAT="NOT DONE"),
    "did not occur, and was serious": told("possible", doubt=1, AEPRESP="Y", AEOCCUR="N", AESER="Y"),
    "did not occur, and recovered": told("possible", doubt=1, AEOCCUR="N", AEOUT="RECOVERED/RESOLVED"),
    "did not occur, and ended": told("possible", doubt=1, AEOCCUR="N", AEENDTC="2026-03-02T18:00"),
    "occurred, perhaps": told("possible", doubt=1, AEPRESP="Y", AEOCCUR="U"),
}  # fmt: skip


def looked(example: Example, folder: Path) -> Look:
    fever = charted("S1-1", "TEMP", {at.to_pydatetime(): 39.0 if at in ILL else 37.0 for at in HOURS})
    low = () if example.event else ILL
    saturation = charted("S1-1", "OXYSAT", {at.to_pydatetime(): 85 if at in low else 97 for at in HOURS})
    said = [{**row, **(example.ill if row["VSORRES"] == "85" else {})} for row in saturation]
    feeds = frames([example.dose], [*fever, *said], [example.event or NAUSEA])
    return look_at_study(feeds, small_protocol(), CUTOFF, folder)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_row_that_says_not_is_not_one_that_says_yes(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    found = looked(example, tmp_path).document()
    cases = [case["certainty"] for case in found["cases"] if case["in_risk_window"] != "no"]
    assert cases == ([example.case] if example.case else [])
    assert {one["check"]: one["rows"] for one in found["quarantine"]} == dict(example.withheld)


def test_what_did_not_occur_is_counted(tmp_path: Path) -> None:
    checks = looked(EXAMPLES["asked for, and did not occur"], tmp_path).document()["checks"]
    (said,) = [one["message"] for one in checks if one["name"] == "event_occurred"]
    assert said.startswith(
        "AE: pre-specified events that did not occur: 1 of 1 events with an answer. AEOCCUR says"
    )


def test_what_contradicts_itself_is_told_with_both(tmp_path: Path) -> None:
    """The column, its word, and what stands beside it; an amount is not told."""
    listed = looked(EXAMPLES["not done beside amount, start and end"], tmp_path).quarantine
    assert listed[["column", "found"]].to_numpy().tolist() == [["EXSTAT", "NOT DONE"]]
    assert "was not given, beside the start and the end of one by the clock" in listed["message"][0]
