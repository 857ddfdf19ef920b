"""What was found, reduced to the table of events and the table of dose windows that rules may see."""

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from checks.cases.background_rate import background_evidence
from checks.cases.case_finding import Findings
from checks.cases.dose_windows import known_to_the_instant
from checks.cases.opportunity import DoseOpportunity, last_hour
from checks.cases.placing import Case, ControlEvent
from checks.cases.severity_scores import scores_by_scenario
from checks.cases.spans import HOUR, seconds
from checks.protocol import StudyProtocol
from checks.rules.evidence import (
    NO_SCORES,
    DoseWindow,
    Event,
    Evidence,
    LabResults,
    Opportunity,
    ScoredDose,
)
from checks.scenario import ByScenario

Numbers = Mapping[str, int]
"""A number for each subject, in order of USUBJID: rules never see the identifier."""

NO_ZONES: Mapping[str, str] = MappingProxyType({})

WORST_ALONE = ByScenario(best=False, main=False, worst=True)


def gather_evidence(
    findings: Findings,
    measurements: pd.DataFrame,
    protocol: StudyProtocol,
    *,
    unplaced: frozenset[str] = frozenset(),
    zones: Mapping[str, str] = NO_ZONES,
) -> Evidence:
    """Return what the rules of one look may see.

    Parameters
    ----------
    findings
        Doses, cases, control events and hours.
    measurements
        The table ``MEASUREMENTS``.
    protocol
        Planned doses and the laboratory tests of its rules.
    unplaced
        Subjects of withheld rows that no dose's hours can hold: in the worst case each is a case, and one in a
        window of its own where windows are counted. The hours of a scan cannot hold it.
    zones
        The time zone of each subject: where doses have an hour of the day, severity is scored by it. UTC where
        it is not known.
    """
    numbers = {subject: number for number, subject in enumerate(subjects_in_order(findings, unplaced))}
    origin = _origin(findings)
    counted = sum(event.counted and event.able for event in findings.control_events)
    control_hours = sum(one.in_control for one in findings.opportunities)
    return Evidence(
        events=(
            *_cases(findings, numbers, origin, protocol),
            *(_control_event(event, numbers) for event in findings.control_events),
            *(Event(numbers[subject], in_risk=WORST_ALONE) for subject in sorted(unplaced)),
        ),
        windows=tuple(_windows(findings, numbers, protocol)),
        hours_in_risk=findings.hours_in_risk,
        hours_in_control=findings.hours_in_control,
        opportunities=tuple(_opportunities(findings, findings.opportunities, numbers, origin, protocol)),
        reacting=tuple(_opportunities(findings, findings.reacting, numbers, origin, protocol)),
        risk_hours=protocol.risk_window_hours[1] - protocol.risk_window_hours[0],
        planned_subjects=protocol.planned_subjects,
        planned_doses=protocol.treatment.planned_doses,
        data_cutoff=_cutoff(findings),
        severity=_severity(findings, measurements, numbers, protocol, zones),
        background=background_evidence(counted, control_hours, protocol),
        labs=_labs(findings.doses, measurements, numbers, protocol),
        seed=int.from_bytes(hashlib.sha256(protocol.study.id.encode()).digest()[:4]),
    )


def subjects_in_order(findings: Findings, unplaced: frozenset[str]) -> tuple[str, ...]:
    """Return the subjects of whom rules may hear, in the order of their numbers."""
    found = {*unplaced, *findings.doses["USUBJID"], *(event.USUBJID for event in findings.control_events)}
    return tuple(sorted(found))


def in_risk(case: Case) -> ByScenario[bool]:
    """Return whether a case counts as an event in risk hours: surely so, in the main analysis, or possibly."""
    return ByScenario(case.surely, case.in_risk_window == "yes", case.in_risk_window != "no")


def _cases(findings: Findings, numbers: Numbers, origin: float, protocol: StudyProtocol) -> Iterator[Event]:
    for case in findings.cases:
        yield Event(
            numbers[case.USUBJID],
            case.dose_number,
            case.hour,
            case.seen,
            closes=case.dose_start.timestamp() / HOUR + protocol.risk_window_hours[1] - origin,
            in_risk=in_risk(case),
            on_clock=_on_clock(case, protocol),
            block=case.block,
            able=case.able,
        )


def _on_clock(case: Case, protocol: StudyProtocol) -> ByScenario[bool]:
    """Return whether a case is an onset at its hour; outside the risk window the best case has the possible ones."""
    low, high = protocol.risk_window_hours
    if case.hour is None or not 0 <= case.hour <= last_hour(protocol):
        return ByScenario(best=False, main=False, worst=False)
    if low <= case.hour < high:
        return in_risk(case)
    definite = case.certainty == "definite"
    return ByScenario(best=True, main=definite, worst=definite)


def _control_event(event: ControlEvent, numbers: Numbers) -> Event:
    return Event(
        numbers[event.USUBJID],
        event.dose_number,
        event.hour,
        event.seen,
        in_control=_in_control(event),
        before=event.before,
        block=event.block,
        able=event.able,
    )


def _in_control(event: ControlEvent) -> ByScenario[bool]:
    """Return whether an event counts in control hours: the best case for the drug has every possible one."""
    return ByScenario(best=True, main=event.counted, worst=event.surely)


def _origin(findings: Findings) -> float:
    """Return when the first dose of the study was given, in hours since 1970: moments are counted from it."""
    starts = findings.doses["start_earliest"]
    return float(starts.min().timestamp() / HOUR) if len(starts) else 0.0


def _cutoff(findings: Findings) -> float:
    """Return the moment of the data cut-off."""
    return (
        np.inf
        if findings.data_cutoff is None
        else findings.data_cutoff.timestamp() / HOUR - _origin(findings)
    )


def _severity(
    findings: Findings,
    measurements: pd.DataFrame,
    numbers: Numbers,
    protocol: StudyProtocol,
    zones: Mapping[str, str],
) -> ByScenario[tuple[ScoredDose, ...]]:
    """Return the scored blocks of each dose, where a rule asks for them."""
    if not any(rule.scores_severity for rule in protocol.rules):
        return NO_SCORES
    known, origin = pd.Index(list(numbers)), _origin(findings)
    return scores_by_scenario(measurements, findings.doses, known, protocol, zones=zones, origin=origin)


def _windows(findings: Findings, numbers: Numbers, protocol: StudyProtocol) -> Iterator[DoseWindow]:
    doses, origin = findings.doses, _origin(findings)
    rows = zip(
        doses["USUBJID"],
        doses["dose_number"].tolist(),
        (seconds(doses["window_closes"]) / HOUR - origin).tolist(),
        doses["window"],
        doses["trusted"].tolist(),
        _ended(findings, protocol),
        strict=True,
    )
    for subject, dose, closes, window, trusted, ended in rows:
        yield DoseWindow(
            numbers[subject],
            dose,
            closes,
            evaluable=window == "evaluable",
            open=window == "open",
            trusted=trusted,
            ended=ended,
        )


def _spans(one: DoseOpportunity) -> tuple[tuple[float, float], ...]:
    """Return the opportunity of a dose as spans, each about the hour that an event in it would be given."""
    return tuple((hour - length / 2, hour + length / 2) for hour, length in one.at)


def _opportunities(
    findings: Findings,
    opportunities: tuple[DoseOpportunity, ...],
    numbers: Numbers,
    origin: float,
    protocol: StudyProtocol,
) -> Iterator[Opportunity]:
    given = findings.doses[findings.doses["trusted"] & known_to_the_instant(findings.doses)]
    keys = zip(given["USUBJID"], given["dose_number"].tolist(), strict=True)
    starts = dict(zip(keys, (seconds(given["start_earliest"]) / HOUR - origin).tolist(), strict=True))
    for one in opportunities:
        start = starts[one.USUBJID, one.dose_number]
        yield Opportunity(
            numbers[one.USUBJID],
            one.dose_number,
            one.in_risk,
            one.in_control,
            one.before,
            start + last_hour(protocol),
            start + protocol.risk_window_hours[1],
            one.by_block,
            _spans(one),
        )


def _ended(findings: Findings, protocol: StudyProtocol) -> list[float]:
    """Return when the hours of each dose ended, in hours since the first dose; infinite after the data cut-off."""
    doses, origin = findings.doses, _origin(findings)
    if findings.data_cutoff is None:
        return [-np.inf] * len(doses)
    reach = doses["hours_end"].clip(upper=last_hour(protocol))
    ends = seconds(doses["start_latest"]) / HOUR + reach.to_numpy()
    moments = np.where(ends <= findings.data_cutoff.timestamp() / HOUR, ends - origin, np.inf)
    found: list[float] = moments.tolist()
    return found


def _labs(
    doses: pd.DataFrame, measurements: pd.DataFrame, numbers: Numbers, protocol: StudyProtocol
) -> Mapping[str, LabResults]:
    """Return the results of the tests that rules limit; one of the first dose's day without a time may precede it."""
    first = doses.groupby("USUBJID")[["start_earliest", "start_latest"]].min()
    tests = sorted(frozenset().union(*(rule.lab_tests for rule in protocol.rules)))
    found = {}
    for test in tests:
        of_test = (measurements["domain"] == "LB") & (measurements["test"] == test)
        rows = measurements[of_test].join(first, on="USUBJID", how="inner")
        found[test] = LabResults(
            subject=np.array([numbers[subject] for subject in rows["USUBJID"]], dtype=np.int64),
            value=rows["value"].to_numpy(dtype=np.float64),
            upper_limit=rows["upper_limit"].to_numpy(dtype=np.float64),
            after=(rows["earliest"] >= rows["start_latest"]).to_numpy(dtype=bool),
            perhaps_after=(rows["latest"] >= rows["start_earliest"]).to_numpy(dtype=bool),
            trusted=rows["trusted"].to_numpy(dtype=bool),
        )
    return found
