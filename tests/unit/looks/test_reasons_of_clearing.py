"""A signal that is cleared names the datum that took a case back, though replaced files tell of no change."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from small_studies import WHY, charted, frames, look_at_study, small_protocol

from checks import Look
from checks.signals import SignalState

DOSED = datetime(2026, 3, 2, 8)
AT = datetime(2026, 3, 10, tzinfo=UTC)
Row = dict[str, str]
Change = Callable[[dict[str, list[Row]]], None]


def at(hour: float) -> str:
    return f"{DOSED + timedelta(hours=hour):%Y-%m-%dT%H:%M}"


def study() -> dict[str, list[Row]]:
    """Subjects A and B fall ill at hour 6, by hourly charts from hour -13 to 13."""
    hours = range(-13, 14)
    vitals = [
        dict(row)
        for subject in "AB"
        for test, sick, well in (("TEMP", 39.0, 36.9), ("OXYSAT", 85, 97))
        for row in charted(
            subject, test, {DOSED + timedelta(hours=hour): sick if 6 <= hour < 12 else well for hour in hours}
        )
    ]
    rows = {
        "ex": [{"USUBJID": subject, "EXSTDTC": at(0)} for subject in "AB"],
        "vs": vitals,
        "ae": [{"USUBJID": "B", "AETERM": "RASH", "AESTDTC": at(1)}],
    }
    for domain, some in rows.items():
        for place, row in enumerate(some, start=1):
            row[f"{domain.upper()}SEQ"] = str(place)
    return rows


def looked(rows: Mapping[str, list[Row]], folder: Path) -> Look:
    feeds = frames(rows["ex"], rows["vs"], rows["ae"], subjects=["A", "B"])
    return look_at_study(feeds, small_protocol(), AT, folder)


def dose(**cells: str) -> Change:
    return lambda rows: rows["ex"][0].update(cells)


def fevers(**cells: str) -> Change:
    """Change the six abnormal temperatures of A, by hour 6 to 11."""

    def change(rows: dict[str, list[Row]]) -> None:
        for row in rows["vs"][19:25]:
            row.update(cells)

    return change


LATE = {
    "USUBJID": "A", "VSSEQ": "900", "VSTESTCD": "TEMP", "VSORRES": "39.2", "VSORRESU": "C", "VSDTC": at(2.5)
}  # fmt: skip

CHANGES: Mapping[str, tuple[Change, str]] = {
    "the value": (fevers(VSORRES="36.9"), "VS:VSSEQ=20 (TEMP 36.9 at 2026-03-02T14:00:00Z) shows it no more"),
    "its clock time": (fevers(VSDTC="2026-03-02"), "VS:VSSEQ=20 has no clock time any more"),
    "its unit": (fevers(VSORRESU="furlong"), "VS:VSSEQ=20 is in quarantine"),
    "the dose moved": (
        dose(EXSTDTC=at(-6)), "EX:EXSEQ=1 at 2026-03-02T02:00:00Z has it between hours 11 and 12, definite"
    ),
    "the dose after it": (dose(EXSTDTC=at(20)), "no such case lies after EX:EXSEQ=1 at 2026-03-03T04:00:00Z"),
    "the dose's clock time": (dose(EXSTDTC="2026-03-02"), "EX:EXSEQ=1 has no clock time any more"),
    "the dose not given": (dose(EXSTAT="NOT DONE"), "EX tells of no dose of it any more"),
    "the dose in quarantine": (dose(EXDOSE="-1"), "EX:EXSEQ=1 is in quarantine"),
    "a fever before it": (
        lambda rows: rows["vs"].extend(({**LATE}, {**LATE, "VSSEQ": "901", "VSDTC": at(2.75)})),
        "VS:VSSEQ=901 (TEMP 39.2 at 2026-03-02T10:45:00Z) lies in the washout before it",
    ),
    "a report before it": (
        lambda rows: rows["ae"].append(
            {"USUBJID": "A", "AESEQ": "2", "AETERM": "PYREXIA", "AEDECOD": "PYREXIA", "AESTDTC": at(2)}
        ),
        "AE:AESEQ=2 from 2026-03-02T10:00:00Z lies in the washout before it",
    ),
}  # fmt: skip


OLD = {
    "USUBJID": "A",
    "AESEQ": "2",
    "AETERM": "PYREXIA",
    "AEDECOD": "PYREXIA",
    "AESTDTC": at(-200),
    "AEENDTC": at(-190),
}


def unseen(rows: dict[str, list[Row]]) -> None:
    """Leave out what A's temperature was before it rose: the fever is not known to be new."""
    del rows["vs"][:19]


def test_a_report_that_was_long_over_is_not_said_to_lie_in_the_washout(tmp_path: Path) -> None:
    rows = study()
    rows["ae"].append({**OLD})
    crossed = looked(rows, tmp_path).signals(())
    unseen(rows)
    (signal,) = looked(rows, tmp_path).signals(crossed)
    (reason,) = signal.reasons
    assert reason == "A, dose 1: EX:EXSEQ=1 at 2026-03-02T08:00:00Z has it between hours 5 and 6, possible."


@pytest.mark.parametrize("what", CHANGES)
def test_the_datum_is_named_that_took_a_case_back(what: str, tmp_path: Path) -> None:
    change, said = CHANGES[what]
    crossed = looked(study(), tmp_path).signals(())
    rows = study()
    change(rows)
    (signal,) = looked(rows, tmp_path).signals(crossed)
    assert signal.state is SignalState.CLEARED
    (reason,) = signal.reasons
    assert reason.startswith(f"A, dose 1: {said}")


def test_a_laboratory_feed_that_is_not_there_takes_nothing_back(tmp_path: Path) -> None:
    """A case of fever with high creatinine: without LB nobody knows."""
    rows, creatinine = (
        study(),
        [
            {
                "USUBJID": subject,
                "LBTESTCD": "CREAT",
                "LBSTRESN": value,
                "LBSTRESU": "umol/L",
                "LBDTC": at(hour),
            }
            | {
                "LBSEQ": f"{place}",
                "LBORRES": value,
                "LBORRESU": "umol/L",
                "LBSTNRHI": "100",
                "LBORNRHI": "100",
            }
            for subject in "AB"
            for place, (hour, value) in enumerate(((-10, "80"), (7, "300"), (9, "320")))
        ],
    )
    renal = {"any_of": [{"lab": "CREAT", "above_times_uln": 2.0}]}
    protocol = small_protocol()
    protocol["feeds"]["lb"] = {"path": "lb.csv", "max_age_hours": 100_000}
    fever = protocol["case_definition"]["components"]["fever"]
    protocol["case_definition"] = {"name": "c", "components": {"fever": fever, "renal": renal}}
    protocol["rules"] = [{"id": "one", "kind": "count", "cases": 1, **WHY}]
    feeds = frames(rows["ex"], rows["vs"], rows["ae"])
    with_lb = {**feeds, "lb": pd.DataFrame(creatinine, dtype="str")}
    crossed = look_at_study(with_lb, protocol, AT, tmp_path).signals(())
    assert [one.state for one in crossed] == [SignalState.NEW]
    (signal,) = look_at_study(feeds, protocol, AT, tmp_path).signals(crossed)
    assert signal.state is SignalState.ONGOING
