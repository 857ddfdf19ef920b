"""Gather what one look found: the cases of every dose, the events of control hours, and the hours observed."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from checks.cases.accrued_hours import Accrual, control_accrual, hours_accrued
from checks.cases.charts import Charts, event_labels, highest_grade, on_axis
from checks.cases.composites import dose_anchors, find_composites
from checks.cases.control_events import ControlEvent, control_events
from checks.cases.dose_windows import (
    at_their_longest,
    control_spans,
    judge_windows,
    known_to_the_instant,
    number_doses,
    observed_everywhere,
    observed_spans,
    seconds,
    subject_codes,
    trusted_doses,
    with_cases,
)
from checks.cases.joined_onsets import Onset
from checks.cases.measured_onsets import Anchors, comparable, named_tests
from checks.cases.pairing import Composite
from checks.cases.spans import HOUR, SECONDS_BITS, Instants, Spans, place, seconds_of
from checks.protocol import StudyProtocol


@dataclass(frozen=True, slots=True)
class ComponentOnset:
    """One component of a case: hours since dose start between which it began, and what shows it."""

    onset_hours: tuple[float, float]
    evidence: tuple[str, ...]
    query: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One case; hours are hours since the start of its dose. ``hour`` is None where only dates are known.

    ``grade`` is the highest of its adverse events, ``1`` to ``5``, or in words where none has a grade; None
    without such an event.
    """

    USUBJID: str
    dose_number: int
    dose_start: pd.Timestamp
    certainty: str
    in_risk_window: str
    surely: bool
    hour: float | None
    onset_hours: tuple[float, float]
    components: Mapping[str, ComponentOnset]
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class DoseHours:
    """The spans of one dose's hours, since its start, in which every component was observed."""

    USUBJID: str
    dose_number: int
    observed: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Doses with the fate of their windows, cases, control events, and observed hours.

    ``dose_hours`` has the trusted doses with a known hour of start, from the dose to the last hour that the
    protocol's windows name or to the next dose. ``control_accrual`` has the hours of ``hours_in_control`` as they
    were observed.
    """

    doses: pd.DataFrame
    cases: tuple[Case, ...]
    control_events: tuple[ControlEvent, ...]
    hours_in_risk: float
    hours_in_control: float
    dose_hours: tuple[DoseHours, ...] = ()
    control_accrual: Accrual = ()
    data_cutoff: datetime | None = None


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
    numbered = number_doses(administrations)
    trusted = trusted_doses(numbered)
    # a quarantined dose has hours of its own, but cuts none from a dose that can be trusted
    numbered["hours_end"] = trusted["hours_end"].combine_first(numbered["hours_end"])
    observed = _observed(charts.trusted(), protocol, data_cutoff)
    doses = judge_windows(numbered, observed, charts.known, protocol, data_cutoff)
    cases = _cases(trusted, charts.trusted(), protocol, data_cutoff)
    for more_doses, more_charts in _worse(administrations, trusted, charts):
        cases = _with_possible(cases, _cases(more_doses, more_charts, protocol, data_cutoff))
    for more_doses, more_charts in _widest(administrations, trusted, charts, protocol):
        open_cases = _cases(more_doses, more_charts, protocol, data_cutoff)
        cases = _with_possible(cases, _first_in_risk_windows(open_cases))
    codes = subject_codes(trusted["USUBJID"], charts.known)
    control = control_spans(trusted, codes, protocol)
    accrual = control_accrual(trusted, codes, observed, control, protocol)
    held = {(case.USUBJID, case.dose_number) for case in cases if case.in_risk_window == "yes"}
    return Findings(
        doses=with_cases(doses, held),
        cases=cases,
        control_events=control_events(control, charts, protocol),
        hours_in_risk=hours_in_risk(doses),
        hours_in_control=hours_accrued(accrual),
        dose_hours=_dose_hours(trusted, observed, codes, protocol),
        control_accrual=accrual,
        data_cutoff=data_cutoff,
    )


def hours_in_risk(doses: pd.DataFrame) -> float:
    """Return the observed hours in the risk windows of doses that can be trusted."""
    return float(doses.loc[doses["trusted"], "risk_observed_hours"].sum())


def last_hour(protocol: StudyProtocol) -> float:
    """Return the last hour since dose that a window of the protocol names."""
    return max(protocol.risk_window_hours[1], *(end for _, end in protocol.control_windows_hours))


def _dose_hours(
    doses: pd.DataFrame, observed: Spans, codes: Instants, protocol: StudyProtocol
) -> tuple[DoseHours, ...]:
    """Return each dose's observed spans, as digits of hours that agree with those of cases."""
    exact = known_to_the_instant(doses)
    given = doses[exact]
    starts = place(codes[exact], seconds(given["start_earliest"]))
    reach = np.minimum(given["hours_end"].to_numpy(), last_hour(protocol))
    ends = starts + (reach * HOUR).astype(np.int64)
    first = np.searchsorted(observed.ends, starts, side="right")
    after = np.searchsorted(observed.starts, ends, side="left")
    subjects, numbers = given["USUBJID"].tolist(), given["dose_number"].tolist()
    found = []
    for dose, (subject, number) in enumerate(zip(subjects, numbers, strict=True)):
        which = slice(first[dose], after[dose])
        begins = np.maximum(observed.starts[which], starts[dose]) - starts[dose]
        stops = np.minimum(observed.ends[which], ends[dose]) - starts[dose]
        spans = zip(begins.tolist(), stops.tolist(), strict=True)
        found.append(DoseHours(subject, number, tuple((_hours(a), _hours(b)) for a, b in spans if a < b)))
    return tuple(found)


def _worse(
    administrations: pd.DataFrame, trusted: pd.DataFrame, charts: Charts
) -> Iterator[tuple[pd.DataFrame, Charts]]:
    """Yield doses and charts with quarantined rows joined in: in the charts, in the doses, then in both.

    A quarantined dose may hide a case of the dose before it as well as make one, so neither alone is enough.
    """
    if charts.any_withheld:
        yield trusted, charts
    if not administrations["trusted"].all():
        every_dose = number_doses(administrations)
        yield every_dose, charts.trusted()
        if charts.any_withheld:
            yield every_dose, charts


def _widest(
    administrations: pd.DataFrame, trusted: pd.DataFrame, charts: Charts, protocol: StudyProtocol
) -> Iterator[tuple[pd.DataFrame, Charts]]:
    """Yield doses and charts, without and with quarantined rows, with unknown times as open as they may be.

    It asks what no single way to take the times can: a dose whose hours may end later, a report that may tell of
    another onset than the measured one, a baseline that may hold other measurements.
    """
    named = frozenset().union(*(part.terms for part in protocol.case_definition.components.values()))
    passes = ((trusted, charts.trusted()), *_worse(administrations, trusted, charts))
    for doses, some in passes:
        open_doses = doses.loc[~known_to_the_instant(doses), "USUBJID"]
        concerned = doses["USUBJID"].isin({*open_doses, *some.without_instant(named)})
        if concerned.any():
            yield at_their_longest(doses[concerned]), some.widened()


def _first_in_risk_windows(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return at most one case a dose: the first that may lie in its risk window."""
    first: dict[tuple[str, pd.Timestamp], Case] = {}
    for case in sorted(cases, key=lambda one: (one.onset_hours[1], one.onset_hours[0])):
        if case.in_risk_window != "no":
            first.setdefault((case.USUBJID, case.dose_start), case)
    return tuple(first.values())


def _observed(charts: Charts, protocol: StudyProtocol, data_cutoff: datetime) -> Spans:
    parts = []
    for component in protocol.case_definition.components.values():
        measured = comparable(on_axis(charts, named_tests(component.measured)), component.measured)
        codes, times = measured.axis >> SECONDS_BITS, seconds_of(measured.axis)
        parts.append(
            observed_spans(codes, times, measured.kinds, max_gap_hours=protocol.limits.max_gap_hours)
        )
    return observed_everywhere(parts, np.arange(len(charts.known)), data_cutoff)


def _cases(
    doses: pd.DataFrame, charts: Charts, protocol: StudyProtocol, data_cutoff: datetime
) -> tuple[Case, ...]:
    anchors = dose_anchors(doses, charts.known, data_cutoff)
    if charts.at_widest:
        anchors = _near_risk_windows(anchors, protocol)
    rows = doses.to_dict("records")
    composites = find_composites(anchors, charts, protocol)
    if not composites:
        return ()
    events = charts.adverse_events
    by_subject = dict(iter(events.groupby("USUBJID")))
    found = []
    for one in composites:
        dose = rows[one.anchor]
        mine = by_subject.get(dose["USUBJID"], events.head(0))
        found.append(_case(one, dose, int(anchors.times[one.anchor]), mine, protocol))
    return tuple(found)


def _near_risk_windows(anchors: Anchors, protocol: StudyProtocol) -> Anchors:
    """Return anchors whose hours end where no onset can be in a risk window any more: the rest is not asked."""
    definition = protocol.case_definition
    hours = protocol.risk_window_hours[1] + definition.onsets_within_hours + definition.washout_hours
    return replace(anchors, ends=np.minimum(anchors.ends, anchors.latest + int(hours * HOUR)))


def _case(
    composite: Composite,
    dose: Mapping[Hashable, Any],
    start: int,
    events: pd.DataFrame,
    protocol: StudyProtocol,
) -> Case:
    uncertain = int((dose["start_latest"] - dose["start_earliest"]).total_seconds())
    certain = composite.certain and not uncertain

    def hours(onset: Onset) -> tuple[float, float]:
        return _hours(onset.earliest - start - uncertain), _hours(onset.latest - start)

    onset_hours = hours(composite.onset)
    timed = all(onset.seen is not None for onset in composite.components.values()) and not uncertain
    seen = composite.onset.seen
    hour = _hours(seen - start) if timed and seen is not None else None
    return Case(
        USUBJID=dose["USUBJID"],
        dose_number=int(dose["dose_number"]),
        dose_start=dose["start_earliest"],
        certainty="definite" if certain else "possible",
        in_risk_window=_in_risk_window(certain, hour, onset_hours, protocol),
        surely=certain and _inside(onset_hours, protocol) and _inside((hour, hour), protocol),
        hour=hour,
        onset_hours=onset_hours,
        components={
            name: ComponentOnset(hours(onset), tuple(sorted(onset.evidence, key=_listed)), onset.query)
            for name, onset in composite.components.items()
        },
        grade=_grade(composite, dose, start, events),
    )


def _grade(
    composite: Composite, dose: Mapping[Hashable, Any], start: int, events: pd.DataFrame
) -> str | None:
    """Return the highest grade of the subject's events that show the case or begin, surely, in its interval."""
    if events.empty:
        return None
    first, last = (
        dose["start_earliest"] + pd.Timedelta(seconds=int(edge) - start)
        for edge in (composite.onset.earliest, composite.onset.latest)
    )
    inside = (events["earliest"] >= first) & (events["latest"] <= last)
    return highest_grade(events.loc[inside | event_labels(events).isin(composite.records), "grade"])


def _listed(record: str) -> tuple[bool, int, str]:
    """Order records for a reader, whatever the order of the rows: what was measured first, then by number."""
    return record.startswith("AE:"), len(record), record


def _hours(span: int) -> float:
    """Return hours to the tenth of a second's worth of digits that seconds can carry."""
    return round(span / HOUR, 4)


def _inside(hours: tuple[float | None, float | None], protocol: StudyProtocol) -> bool:
    low, high = protocol.risk_window_hours
    first, last = hours
    return first is not None and last is not None and low <= first and last <= high


def _in_risk_window(
    certain: bool, hour: float | None, onset_hours: tuple[float, float], protocol: StudyProtocol
) -> str:
    low, high = protocol.risk_window_hours
    in_window = _inside((hour, hour), protocol)
    if certain and in_window:
        return "yes"
    overlaps = onset_hours[0] <= high and onset_hours[1] >= low
    return "possible" if in_window or overlaps else "no"


def _with_possible(certain: tuple[Case, ...], all_rows: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return the cases, joined by those that need a quarantined row or an unknown time: at most possible."""
    rank = {"no": 0, "possible": 1, "yes": 2}
    known: dict[tuple[str, pd.Timestamp], int] = {}
    for case in certain:
        key = (case.USUBJID, case.dose_start)
        known[key] = max(known.get(key, -1), rank[case.in_risk_window])
    more = [
        _possible(case)
        for case in all_rows
        if min(rank[case.in_risk_window], 1) > known.get((case.USUBJID, case.dose_start), -1)
    ]
    return tuple(
        sorted((*certain, *more), key=lambda case: (case.USUBJID, case.dose_start, case.onset_hours[1]))
    )


def _possible(case: Case) -> Case:
    window = "no" if case.in_risk_window == "no" else "possible"
    return replace(case, certainty="possible", in_risk_window=window, surely=False)
