"""Find all that the case definition sees up to a data cut-off: doses, cases, control events and their opportunity."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import pandas as pd

from checks.cases.administrations import open_doses
from checks.cases.charts import Charts
from checks.cases.composites import find_composites
from checks.cases.dose_windows import (
    judge_windows,
    known_to_the_instant,
    windows_of,
    with_cases,
    with_hours_to_next,
)
from checks.cases.observation import observe
from checks.cases.opportunity import DoseOpportunity, edges_of_windows, opportunities
from checks.cases.placing import Case, ControlEvent, Placing, marked
from checks.cases.spans import HOUR, Instants, Spans, length_within, place, seconds, subject_codes, union
from checks.protocol import StudyProtocol


@dataclass(frozen=True, slots=True)
class Findings:
    """Doses with the fate of their windows, cases, control events, and the opportunity under each dose."""

    doses: pd.DataFrame
    cases: tuple[Case, ...]
    control_events: tuple[ControlEvent, ...]
    opportunities: tuple[DoseOpportunity, ...] = ()
    data_cutoff: datetime | None = None
    seconds_in_risk: int = 0
    """Observed seconds in risk windows, each counted once: whole, so that parts of a study add up exactly."""
    reacting: tuple[DoseOpportunity, ...] = ()
    """The opportunity under each dose as if charting reacted to events; where a rule asks for it."""

    @property
    def hours_in_risk(self) -> float:
        """Observed hours in risk windows, each counted once."""
        return self.seconds_in_risk / HOUR

    @property
    def hours_in_control(self) -> float:
        """Observed control hours."""
        return float(self.doses["control_observed_hours"].sum())


def find_cases(
    administrations: pd.DataFrame, charts: Charts, protocol: StudyProtocol, data_cutoff: datetime
) -> Findings:
    """Return all that the case definition finds up to the data cut-off.

    Parameters
    ----------
    administrations
        The table ``ADMINISTRATIONS``; ``charts.known`` must hold its subjects.
    charts
        Measurements and adverse events, quarantined ones marked by ``trusted``.
    protocol
        Case definition, windows and limits.
    data_cutoff
        The only "now".
    """
    charts = charts.of_tests(protocol.case_definition.tests)
    readings = open_doses(administrations, protocol)
    doses = with_hours_to_next(readings.worst[0] if readings.worst else readings.main)
    stands = doses[doses["trusted"]].reset_index(drop=True)
    trusted, suspect = charts.trusted(), charts.of_doubtful()
    main = find_composites(trusted, protocol, data_cutoff)
    more = find_composites(suspect, protocol, data_cutoff, doubtful=True).cases
    codes, every_code = (subject_codes(some["USUBJID"], charts.known) for some in (stands, doses))
    died = charts.died()
    observe_all = partial(
        observe, main, edges_of_windows(stands, codes, protocol), died.ends, protocol, data_cutoff
    )
    found = observe_all()
    reacting = observe_all(reacting=True) if any(rule.charting_may_react for rule in protocol.rules) else None
    observed, zone = found.observed_spans(), protocol.study.timezone
    sure, doubtful = marked(main.cases, found, zone), marked(more, found, zone)
    under, at_worst = (Placing(some, protocol, stands, codes) for some in (trusted, suspect))
    doubted = at_worst.cases(doubtful)
    if len(stands) < len(doses):
        doubted += Placing(charts, protocol, doses, every_code).cases((*sure, *doubtful))
    cases = _with_possible(under.cases(sure), doubted)
    held = {(case.USUBJID, case.dose_number) for case in cases if case.in_risk_window != "no"}
    return Findings(
        doses=with_cases(judge_windows(doses, every_code, observed, died, protocol, data_cutoff), held),
        cases=cases,
        control_events=_with_possible_events(under.control_events(sure), at_worst.control_events(doubtful)),
        opportunities=opportunities(stands, codes, found, protocol),
        reacting=() if reacting is None else opportunities(stands, codes, reacting, protocol),
        data_cutoff=data_cutoff,
        seconds_in_risk=_observed_at_risk(stands, codes, observed, protocol),
    )


def _observed_at_risk(doses: pd.DataFrame, codes: Instants, observed: Spans, protocol: StudyProtocol) -> int:
    exact = known_to_the_instant(doses)
    starts = place(codes, seconds(doses["start_earliest"]))[exact]
    risk = union(windows_of(starts, *protocol.risk_window_hours))
    return int(length_within(observed, *risk).sum())


def _with_possible(certain: tuple[Case, ...], doubted: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return the cases, joined by those that need a quarantined row: at most possible, and one a dose."""
    rank = {"no": 0, "possible": 1, "yes": 2}
    known: dict[tuple[str, pd.Timestamp], int] = {}
    for case in certain:
        key = (case.USUBJID, case.dose_start)
        known[key] = max(known.get(key, -1), rank[case.in_risk_window])
    more = []
    for case in doubted:
        key, mine = (case.USUBJID, case.dose_start), min(rank[case.in_risk_window], 1)
        if mine > known.get(key, -1):
            known[key] = mine
            more.append(_possible(case))
    return tuple(
        sorted((*certain, *more), key=lambda case: (case.USUBJID, case.dose_start, case.onset_hours[1]))
    )


def _possible(case: Case) -> Case:
    window = "no" if case.in_risk_window == "no" else "possible"
    return replace(case, certainty="possible", in_risk_window=window, surely=False)


def _with_possible_events(
    events: tuple[ControlEvent, ...], doubted: tuple[ControlEvent, ...]
) -> tuple[ControlEvent, ...]:
    """Return the control events, joined by those that need a quarantined row: one a dose that has no other."""
    known = {(event.USUBJID, event.dose_number) for event in events}
    more: dict[tuple[str, int], ControlEvent] = {}
    for event in doubted:
        key = (event.USUBJID, event.dose_number)
        if key not in known:
            more.setdefault(key, replace(event, counted=False, surely=False))
    return tuple(sorted((*events, *more.values()), key=lambda event: (event.USUBJID, event.seen)))
