"""What rules may see of the cases that were found: counts, weights and hours."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from checks.cases.accrued_hours import HoursByMoment, known_as_control
from checks.cases.background_rate import background_evidence
from checks.cases.case_finding import Case, Findings, last_hour
from checks.cases.control_events import ControlEvent
from checks.cases.dose_windows import seconds
from checks.cases.spans import HOUR
from checks.evaluation import (
    DoseClock,
    EventPath,
    EventStep,
    Evidence,
    Growth,
    LabEvidence,
    PathStep,
    Tally,
    TimingEvidence,
)
from checks.protocol import StudyProtocol
from checks.protocol.rules import LabLimitRule

Reading = Literal["best", "main", "worst"]
READINGS: tuple[Reading, ...] = ("best", "main", "worst")
Key = tuple[str, int]
Unit = str | Key
"""A subject, or one of its dose windows."""

Numbers = Mapping[str, int]
"""A number for each subject, in order of USUBJID: rules never see the identifier."""


def gather_evidence(
    findings: Findings,
    measurements: pd.DataFrame,
    protocol: StudyProtocol,
    *,
    unplaced: frozenset[str] = frozenset(),
) -> Evidence:
    """Return what the rules of one look may see.

    Parameters
    ----------
    findings
        Doses, cases, control events and hours.
    measurements
        The table ``MEASUREMENTS``.
    protocol
        Planned doses and the lab limits of its rules.
    unplaced
        Subjects of withheld rows that no dose's hours can hold: in the worst case each is a case, and one in a
        window of its own where windows are counted. The hours of a scan cannot hold it.
    """
    windows = {reading: _windows_with_case(findings.cases, reading) for reading in READINGS}
    numbers = _numbers(findings, unplaced)
    elapsed = findings.doses["trusted"] & (findings.doses["window"] != "open")
    evaluable = findings.doses[findings.doses["trusted"] & (findings.doses["window"] == "evaluable")]
    return Evidence(
        subjects_with_case=_subjects(windows, unplaced),
        subjects_evaluable=int(evaluable["USUBJID"].nunique()),
        windows_elapsed=int(elapsed.sum()),
        windows_unobserved=int((findings.doses["window"] == "unobserved")[elapsed].sum()),
        subject_path=(
            *_subject_path(findings, windows, protocol, numbers, unplaced),
            *(
                PathStep(0.0, False, False, True, numbers[subject])
                for subject in sorted(unplaced - set(findings.doses["USUBJID"]))
            ),
        ),
        window_path=(
            *_window_path(findings, windows, protocol, numbers),
            *(PathStep(0.0, False, False, True, numbers[subject]) for subject in sorted(unplaced)),
        ),
        timing=_timing(findings, windows, numbers, protocol, unplaced),
        labs={
            rule.id: _lab_evidence(rule, measurements, findings.doses)
            for rule in protocol.rules
            if isinstance(rule, LabLimitRule)
        },
        background=background_evidence(
            sum(event.counted for event in findings.control_events), findings.hours_in_control, protocol
        ),
    )


def _numbers(findings: Findings, unplaced: frozenset[str]) -> Numbers:
    found = {*unplaced, *findings.doses["USUBJID"], *(event.USUBJID for event in findings.control_events)}
    return {subject: number for number, subject in enumerate(sorted(found))}


def _windows_with_case(cases: tuple[Case, ...], reading: Reading) -> set[Key]:
    return {(case.USUBJID, case.dose_number) for case in cases if counts(case, reading)}


def counts(case: Case, reading: Reading) -> bool:
    """Return whether a case counts as an event in one reading: surely so, in the main analysis, or possibly."""
    if reading == "best":
        return case.surely
    return case.in_risk_window == "yes" if reading == "main" else case.in_risk_window != "no"


def _subjects(windows: Mapping[Reading, set[Key]], unplaced: frozenset[str] = frozenset()) -> Tally:
    held = {reading: {subject for subject, _ in keys} for reading, keys in windows.items()}
    return Tally(best=len(held["best"]), main=len(held["main"]), worst=len(held["worst"] | unplaced))


def _subject_path(
    findings: Findings,
    windows: Mapping[Reading, set[Key]],
    protocol: StudyProtocol,
    numbers: Numbers,
    unplaced: frozenset[str],
) -> tuple[PathStep, ...]:
    """Return the subjects in the order in which their first windows close, then by USUBJID."""
    held = {reading: {subject for subject, _ in keys} for reading, keys in windows.items()}
    doses, planned = findings.doses, protocol.treatment.planned_doses
    complete = (doses["window"] == "evaluable") & doses["trusted"]
    table = doses.assign(complete=complete).groupby("USUBJID")
    subjects = table.agg(closes=("window_closes", "min"), complete=("complete", "sum")).reset_index()
    ordered = subjects.sort_values(["closes", "USUBJID"])
    grown = _grown(findings, protocol, findings.doses["USUBJID"].tolist(), planned or 1, by_subject=True)
    return tuple(
        PathStep(
            min(1.0, windows_complete / planned) if planned else 0.0,
            subject in held["best"],
            subject in held["main"],
            subject in held["worst"] or subject in unplaced,
            numbers[subject],
            grown[subject] if planned else None,
        )
        for subject, windows_complete in zip(ordered["USUBJID"], ordered["complete"].tolist(), strict=True)
    )


def _window_path(
    findings: Findings, windows: Mapping[Reading, set[Key]], protocol: StudyProtocol, numbers: Numbers
) -> tuple[PathStep, ...]:
    """Return windows in the order in which they close: evaluable ones, and those that hold a possible case.

    Open windows that close no later than one that is known to hold a case are on the path before it.
    """
    ordered = findings.doses.sort_values(["window_closes", "USUBJID", "dose_number"])
    complete = ((ordered["window"] == "evaluable") & ordered["trusted"]).tolist()
    keys = list(zip(ordered["USUBJID"], ordered["dose_number"].tolist(), strict=True))
    grown = _grown(replace(findings, doses=ordered), protocol, keys, 1, by_subject=False)
    steps = [
        PathStep(
            float(closed),
            key in windows["best"],
            key in windows["main"],
            key in windows["worst"],
            numbers[key[0]],
            grown[key],
        )
        for key, closed in zip(keys, complete, strict=True)
    ]
    last = max((place for place, step in enumerate(steps) if step.worst), default=-1)
    return tuple(
        step
        for place, step in enumerate(steps)
        if step.weight or step.worst or (place < last and step.growth is not None and step.growth.open)
    )


def _grown(
    findings: Findings, protocol: StudyProtocol, units: Sequence[Unit], planned: int, *, by_subject: bool
) -> Mapping[Unit, Growth]:
    """Return when the windows of each unit closed, and that of its first case, in hours since the first dose.

    ``units`` has the unit of each row of the doses.
    """
    doses, origin = findings.doses, _origin(findings)
    closings = (seconds(doses["window_closes"]) / HOUR - origin).tolist()
    closed: dict[Unit, list[float]] = defaultdict(list)
    pending: dict[Unit, list[float]] = defaultdict(list)
    rows = zip(units, closings, doses["window"], doses["trusted"].tolist(), strict=True)
    for unit, closing, window, trusted in rows:
        if trusted and window != "unobserved":
            (closed if window == "evaluable" else pending)[unit].append(closing)
    first: dict[Unit, dict[Reading, float]] = defaultdict(dict)
    for case in findings.cases:
        key: Unit = case.USUBJID if by_subject else (case.USUBJID, case.dose_number)
        closing = case.dose_start.timestamp() / HOUR + protocol.risk_window_hours[1] - origin
        for reading in READINGS:
            if counts(case, reading):
                first[key][reading] = min(first[key].get(reading, closing), closing)
    return {
        unit: Growth(tuple(sorted(closed[unit])), tuple(sorted(pending[unit])), planned, **first[unit])
        for unit in units
    }


def _origin(findings: Findings) -> float:
    """Return when the first dose of the study was given, in hours since 1970: moments are counted from it."""
    starts = findings.doses["start_earliest"]
    return float(starts.min().timestamp() / HOUR) if len(starts) else 0.0


def _timing(
    findings: Findings,
    windows: Mapping[Reading, set[Key]],
    numbers: Numbers,
    protocol: StudyProtocol,
    unplaced: frozenset[str],
) -> TimingEvidence:
    control = findings.control_events
    return TimingEvidence(
        in_risk=Tally(
            best=len(windows["best"]), main=len(windows["main"]), worst=len(windows["worst"]) + len(unplaced)
        ),
        in_control=Tally(
            best=len(control),
            main=sum(event.counted for event in control),
            worst=sum(event.surely for event in control),
        ),
        subjects=_subjects(windows, unplaced),
        hours_in_risk=findings.hours_in_risk,
        hours_in_control=findings.hours_in_control,
        path=_event_paths(findings, numbers, protocol, unplaced),
        clocks=tuple(_clocks(findings, numbers, protocol)),
        seed=int.from_bytes(hashlib.sha256(protocol.study.id.encode()).digest()[:4]),
    )


def _event_paths(
    findings: Findings, numbers: Numbers, protocol: StudyProtocol, unplaced: frozenset[str]
) -> EventPath:
    """Return the events of each reading in their order; one that no dose can hold is known by the data cut-off."""
    hours = HoursByMoment(findings.doses, findings.control_accrual, protocol)
    known = known_as_control(findings.control_events, findings.doses, protocol)
    paths = {
        reading: tuple(
            EventStep(in_risk, subject, hours.ratio(moment))
            for moment, in_risk, subject in _events(findings, reading, numbers, known)
        )
        for reading in READINGS
    }
    paths["worst"] += tuple(EventStep(True, numbers[subject]) for subject in sorted(unplaced))
    return EventPath(**paths)


def _events(
    findings: Findings, reading: Reading, numbers: Numbers, known: Sequence[float]
) -> list[tuple[float, bool, int]]:
    """Return the events of one reading, at most one a window or block, in the order in which they became known.

    Of events known at one instant those in control hours come first, which speaks for the study drug.
    """
    first: dict[Key, float] = {}
    for case in findings.cases:
        if counts(case, reading):
            key = (case.USUBJID, case.dose_number)
            first[key] = min(first.get(key, float("inf")), _seen(case))
    events = [(seen, True, numbers[subject]) for (subject, _), seen in first.items()]
    for event, moment in zip(findings.control_events, known, strict=True):
        if _counts_in_control(event, reading):
            events.append((moment, False, numbers[event.USUBJID]))
    return sorted(events)


def _seen(case: Case) -> float:
    """Return the second since 1970 when a case was first seen, or by when it had begun if only dates are known."""
    return case.dose_start.timestamp() + 3600 * (case.onset_hours[1] if case.hour is None else case.hour)


def _counts_in_control(event: ControlEvent, reading: Reading) -> bool:
    if reading == "best":
        return True
    return event.counted if reading == "main" else event.surely


def _clocks(findings: Findings, numbers: Numbers, protocol: StudyProtocol) -> Iterator[DoseClock]:
    """Return each dose's onsets with a known hour; outside the risk window the best case has the possible ones."""
    by_dose: dict[Key, list[Case]] = defaultdict(list)
    for case in findings.cases:
        if case.hour is not None and 0 <= case.hour <= last_hour(protocol):
            by_dose[case.USUBJID, case.dose_number].append(case)
    observed = {(dose.USUBJID, dose.dose_number): dose.observed for dose in findings.dose_hours}
    ended = _ended(findings, protocol)
    for key in sorted({*observed, *by_dose}):
        onsets = {
            reading: tuple(
                case.hour
                for case in by_dose.get(key, ())
                if case.hour is not None and _on_clock(case, reading, protocol)
            )
            for reading in READINGS
        }
        yield DoseClock(numbers[key[0]], observed.get(key, ()), **onsets, closes=ended.get(key))


def _ended(findings: Findings, protocol: StudyProtocol) -> Mapping[Key, float | None]:
    """Return when the hours of each dose ended, in hours since the first dose; infinite after the data cut-off."""
    if findings.data_cutoff is None:
        return {}
    doses, origin = findings.doses, _origin(findings)
    reach = doses["hours_end"].clip(upper=last_hour(protocol))
    ends = seconds(doses["start_latest"]) / HOUR + reach.to_numpy()
    moments = np.where(ends <= findings.data_cutoff.timestamp() / HOUR, ends - origin, np.inf)
    keys = zip(doses["USUBJID"], doses["dose_number"].tolist(), strict=True)
    return dict(zip(keys, moments.tolist(), strict=True))


def _on_clock(case: Case, reading: Reading, protocol: StudyProtocol) -> bool:
    low, high = protocol.risk_window_hours
    if case.hour is not None and low <= case.hour <= high:
        return counts(case, reading)
    return reading == "best" or case.certainty == "definite"


def _lab_evidence(rule: LabLimitRule, measurements: pd.DataFrame, doses: pd.DataFrame) -> LabEvidence:
    """Return the subjects above the limit; a result of the first dose's day without a time is possible only."""
    first = doses.groupby("USUBJID")[["start_earliest", "start_latest"]].min()
    of_test = (measurements["domain"] == "LB") & (measurements["test"] == rule.test)
    rows = measurements[of_test].join(first, on="USUBJID", how="inner")
    after = rows["earliest"] >= rows["start_latest"]
    perhaps_after = rows["latest"] >= rows["start_earliest"]
    above = rows["value"] > rule.above_times_uln * rows["upper_limit"]
    comparable = rows["value"].notna() & rows["upper_limit"].notna()
    withheld = ~rows["trusted"]
    certain = int(rows.loc[above & after & ~withheld, "USUBJID"].nunique())
    possible = int(rows.loc[perhaps_after & (above | (withheld & ~comparable)), "USUBJID"].nunique())
    measured = int(rows.loc[comparable & after & ~withheld, "USUBJID"].nunique())
    return LabEvidence(Tally(certain, certain, max(certain, possible)), measured)
