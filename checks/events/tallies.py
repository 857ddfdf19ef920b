"""Reduce findings to the counts, weights and hours that rules may see."""

from collections.abc import Mapping
from typing import Literal

import pandas as pd

from checks.evaluation import Evidence, LabEvidence, PathStep, Tally, TimingEvidence
from checks.events.findings import Case, Findings
from checks.protocol import StudyProtocol
from checks.protocol.rules import LabLimitRule

Reading = Literal["best", "main", "worst"]
Key = tuple[str, int]


def gather_evidence(findings: Findings, labs: pd.DataFrame, protocol: StudyProtocol) -> Evidence:
    """Return what the rules of one look may see.

    Parameters
    ----------
    findings
        Doses, cases, control events and hours.
    labs
        The table ``LABS``.
    protocol
        Planned doses and the lab limits of its rules.
    """
    windows = {reading: _windows_with_case(findings.cases, reading) for reading in ("best", "main", "worst")}
    elapsed = findings.doses["trusted"] & (findings.doses["window"] != "open")
    evaluable = findings.doses[findings.doses["trusted"] & (findings.doses["window"] == "evaluable")]
    return Evidence(
        subjects_with_case=_subjects(windows),
        subjects_evaluable=int(evaluable["USUBJID"].nunique()),
        windows_elapsed=int(elapsed.sum()),
        windows_unobserved=int((findings.doses["window"] == "unobserved")[elapsed].sum()),
        subject_path=_subject_path(findings.doses, windows, protocol.treatment.planned_doses),
        window_path=_window_path(findings.doses, windows),
        timing=_timing(findings, windows),
        labs={
            rule.id: _lab_evidence(rule, labs, findings.doses)
            for rule in protocol.rules
            if isinstance(rule, LabLimitRule)
        },
    )


def _windows_with_case(cases: tuple[Case, ...], reading: str) -> set[Key]:
    return {(case.USUBJID, case.dose_number) for case in cases if _counts(case, reading)}


def _counts(case: Case, reading: str) -> bool:
    if reading == "best":
        return case.surely
    return case.in_risk_window == "yes" if reading == "main" else case.in_risk_window != "no"


def _subjects(windows: Mapping[str, set[Key]]) -> Tally:
    return Tally(**{reading: len({subject for subject, _ in held}) for reading, held in windows.items()})


def _subject_path(
    doses: pd.DataFrame, windows: Mapping[str, set[Key]], planned_doses: int | None
) -> tuple[PathStep, ...]:
    """Return the subjects in the order in which their first windows close, then by USUBJID."""
    held = {reading: {subject for subject, _ in keys} for reading, keys in windows.items()}
    complete = (doses["window"] == "evaluable") & doses["trusted"]
    table = doses.assign(complete=complete).groupby("USUBJID")
    subjects = table.agg(closes=("window_closes", "min"), complete=("complete", "sum")).reset_index()
    ordered = subjects.sort_values(["closes", "USUBJID"])
    return tuple(
        PathStep(
            min(1.0, windows_complete / planned_doses) if planned_doses else 0.0,
            subject in held["best"],
            subject in held["main"],
            subject in held["worst"],
        )
        for subject, windows_complete in zip(ordered["USUBJID"], ordered["complete"].tolist(), strict=True)
    )


def _window_path(doses: pd.DataFrame, windows: Mapping[str, set[Key]]) -> tuple[PathStep, ...]:
    """Return evaluable windows, and those that hold a possible case, in the order in which they close."""
    ordered = doses.sort_values(["window_closes", "USUBJID", "dose_number"])
    complete = ((ordered["window"] == "evaluable") & ordered["trusted"]).tolist()
    keys = zip(ordered["USUBJID"], ordered["dose_number"].tolist(), strict=True)
    steps = (
        PathStep(float(closed), key in windows["best"], key in windows["main"], key in windows["worst"])
        for key, closed in zip(keys, complete, strict=True)
    )
    return tuple(step for step in steps if step.weight or step.worst)


def _timing(findings: Findings, windows: Mapping[str, set[Key]]) -> TimingEvidence:
    control = findings.control_events
    return TimingEvidence(
        in_risk=Tally(**{reading: len(held) for reading, held in windows.items()}),
        in_control=Tally(
            best=len(control),
            main=sum(event.counted for event in control),
            worst=sum(event.surely for event in control),
        ),
        subjects=_subjects(windows),
        hours_in_risk=findings.hours_in_risk,
        hours_in_control=findings.hours_in_control,
    )


def _lab_evidence(rule: LabLimitRule, labs: pd.DataFrame, doses: pd.DataFrame) -> LabEvidence:
    """Return the subjects above the limit; a result of the first dose's day without a time is possible only."""
    first = doses.groupby("USUBJID")[["start_earliest", "start_latest"]].min()
    rows = labs[labs["LBTESTCD"] == rule.test].join(first, on="USUBJID", how="inner")
    after = rows["earliest"] >= rows["start_latest"]
    perhaps_after = rows["latest"] >= rows["start_earliest"]
    above = rows["value"] > rule.above_times_uln * rows["upper_limit"]
    comparable = rows["value"].notna() & rows["upper_limit"].notna()
    withheld = ~rows["trusted"]
    certain = int(rows.loc[above & after & ~withheld, "USUBJID"].nunique())
    possible = int(rows.loc[perhaps_after & (above | (withheld & ~comparable)), "USUBJID"].nunique())
    measured = int(rows.loc[comparable & after & ~withheld, "USUBJID"].nunique())
    return LabEvidence(Tally(certain, certain, max(certain, possible)), measured)
