"""Cases under the doses that they are counted from: hours, in the risk window or not, and control events alike.

A case is listed under the latest dose whose risk window holds its hour; every other dose of the two days before it is
named beside it. Windows are half-open, so that an instant is risk, control, or neither, never two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from checks.cases.charts import Charts, event_labels, highest_grade
from checks.cases.measured_onsets import Why
from checks.cases.observation import Stretches
from checks.cases.opportunity import block_of
from checks.cases.pairing import Composite
from checks.cases.spans import HOUR, Instants, place, seconds, seconds_of
from checks.protocol import StudyProtocol

NAMED_BEFORE = 48 * HOUR
"""Seconds before a case in which every other dose is named beside it."""


@dataclass(frozen=True, slots=True)
class ComponentOnset:
    """One component of a case: hours since dose start between which it began, how sure, by which test, what shows it.

    ``test`` is None of a report alone, and of tests together.
    """

    onset_hours: tuple[float, float]
    certainty: str
    test: str | None
    evidence: tuple[str, ...]
    query: bool


@dataclass(frozen=True, slots=True)
class OtherDose:
    """Another dose in the two days before a case, and the hours from it to the case (to its middle or its latest)."""

    dose_number: int
    hour: float


@dataclass(frozen=True, slots=True)
class Case:
    """One case; hours are hours since the start of its dose. ``hour`` is None where only dates are known.

    ``why`` says of each component why it counts as begun, ``half`` of one that was present before. ``provisional``
    says that it rests on a last measurement whose contradiction may still come, by ``settled_by`` if it does.
    ``grade`` is the highest of its adverse events, ``1`` to ``5``, or in words where none has a grade; None without
    such an event. ``interruptions`` says in words when its dose stopped and was resumed, empty where it was not.
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
    why: Mapping[str, str]
    seen: int
    """When it was first seen, or by when it had begun, in seconds since 1970 (UTC)."""
    block: int | None
    """The four hours of the study's clock in which it began, counted from midnight; None without an hour."""
    able: bool = True
    """Whether it began at an instant of opportunity."""
    since: Mapping[str, float] = field(default_factory=dict)
    """Of half a case: since which hour each component was present that did not begin."""
    provisional: bool = False
    settled_by: pd.Timestamp | None = None
    other_doses: tuple[OtherDose, ...] = ()
    grade: str | None = None
    interruptions: str = ""


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """A case in control hours, under the dose whose control hours they are; ``hour`` is hours since it.

    In the main count where ``counted``; ``surely`` with its whole interval. ``hour`` is None where only dates are
    known. ``before`` is the dose whose risk window comes next; ``seen``, ``block`` and ``able`` are as of a case.
    """

    USUBJID: str
    dose_number: int
    counted: bool
    surely: bool
    hour: float | None
    before: int | None
    seen: int
    block: int | None
    able: bool


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose on the shared axis; where its start is not known to the instant it is a span.

    One that is not ``separate`` may be the administration before, going on: no window is surely its own.
    """

    number: int
    earliest: int
    latest: int
    separate: bool
    interruptions: str = ""

    @property
    def exact(self) -> bool:
        """Whether its start is one instant."""
        return self.earliest == self.latest

    def hours(self, earliest: int, latest: int) -> tuple[float, float]:
        """Return hours since the dose that an interval may have."""
        return _hours(earliest - self.latest), _hours(latest - self.earliest)

    def hour(self, case: Composite) -> float | None:
        """Return the hour of a case: the middle of its interval; None where days alone are known."""
        if not (case.timed and self.exact):
            return None
        return _hours((case.earliest + case.latest) / 2 - self.earliest)


def doses_by_subject(doses: pd.DataFrame, codes: Instants) -> Mapping[int, Sequence[Dose]]:
    """Return the doses of each subject code, in order of their starts."""
    found: dict[int, list[Dose]] = {}
    columns = (
        codes.tolist(),
        doses["dose_number"].tolist(),
        place(codes, seconds(doses["start_earliest"])).tolist(),
        place(codes, seconds(doses["start_latest"])).tolist(),
        doses["separate"].tolist(),
        doses["interruptions"],
    )
    for code, number, earliest, latest, separate, interruptions in zip(*columns, strict=True):
        dose = Dose(int(number), earliest, latest, bool(separate), interruptions)
        found.setdefault(code, []).append(dose)
    return found


class Windows:
    """The risk and control windows of a protocol, half-open, in hours since dose."""

    def __init__(self, protocol: StudyProtocol) -> None:
        self._risk, self._control = protocol.risk_window_hours, protocol.control_windows_hours

    def opens(self, dose: Dose) -> float:
        """Return the instant on the axis at which the risk window of a dose begins."""
        return dose.earliest + self._risk[0] * HOUR

    def at_risk(self, hour: float | None) -> bool:
        """Whether an hour is in the risk window."""
        return hour is not None and self._risk[0] <= hour < self._risk[1]

    def may_be_at_risk(self, hours: tuple[float, float]) -> bool:
        """Whether an interval touches the risk window."""
        return _touches(hours, self._risk)

    def surely_at_risk(self, hours: tuple[float, float]) -> bool:
        """Whether an interval lies in the risk window, whole."""
        return _holds(self._risk, hours)

    def in_control(self, hour: float | None) -> bool:
        """Whether an hour is in a control window."""
        return hour is not None and any(low <= hour < high for low, high in self._control)

    def may_be_in_control(self, hours: tuple[float, float]) -> bool:
        """Whether an interval touches a control window."""
        return any(_touches(hours, window) for window in self._control)

    def surely_in_control(self, hours: tuple[float, float]) -> bool:
        """Whether an interval lies in one control window, whole."""
        return any(_holds(window, hours) for window in self._control)


def _touches(hours: tuple[float, float], window: tuple[float, float]) -> bool:
    return hours[0] < window[1] and hours[1] >= window[0]


def _holds(window: tuple[float, float], hours: tuple[float, float]) -> bool:
    return window[0] <= hours[0] and hours[1] < window[1]


@dataclass(frozen=True, slots=True)
class Marked:
    """A case with what the opportunity of its subject says of it: whether it is able, and its block of the clock."""

    case: Composite
    able: bool
    block: int | None


def marked(cases: Sequence[Composite], found: Stretches, zone: str) -> list[Marked]:
    """Return cases with their marks; a case is able when a new event could be counted as its first onset was seen."""
    first = np.array([one.seen - one.spread for one in cases], np.int64)
    middles = np.array([(one.earliest + one.latest) // 2 for one in cases], np.int64)
    columns = zip(cases, found.able_at(first).tolist(), block_of(middles, zone).tolist(), strict=True)
    return [Marked(case, able, block if case.timed else None) for case, able, block in columns]


class Placing:
    """Cases as they are counted from the doses of their subjects."""

    def __init__(self, charts: Charts, protocol: StudyProtocol, doses: pd.DataFrame, codes: Instants) -> None:
        self._subjects, self._windows = charts.known, Windows(protocol)
        self._doses = doses_by_subject(doses, codes)
        self._events = dict(iter(charts.adverse_events.groupby("USUBJID")))
        self._no_events = charts.adverse_events.head(0)

    def cases(self, found: Iterable[Marked]) -> tuple[Case, ...]:
        """Return the cases that lie after a first dose, each under its dose."""
        listed = []
        for one in found:
            doses, subject = self._doses.get(one.case.code, ()), str(self._subjects[one.case.code])
            dose = listed_under(one.case, doses, self._windows)
            if dose is not None:
                grade = _grade(one.case, self._events.get(subject, self._no_events))
                listed.append(case_under(one, dose, doses, subject, self._windows, grade))
        return tuple(sorted(listed, key=lambda one: (one.USUBJID, one.dose_start, one.onset_hours[1])))

    def control_events(self, found: Iterable[Marked]) -> tuple[ControlEvent, ...]:
        """Return the cases that are, or may be, events in control hours."""
        events = [
            control_event(
                one, self._doses.get(one.case.code, ()), str(self._subjects[one.case.code]), self._windows
            )
            for one in found
        ]
        some = (one for one in events if one is not None)
        return tuple(sorted(some, key=lambda one: (one.USUBJID, one.seen)))


def listed_under(case: Composite, doses: Sequence[Dose], windows: Windows) -> Dose | None:
    """Return the dose that a case is listed under; None where it began before the first."""
    backwards = tuple(reversed(doses))
    at_risk = (one for one in backwards if windows.at_risk(one.hour(case)))
    may_be = (one for one in backwards if windows.may_be_at_risk(one.hours(case.earliest, case.latest)))
    moment = (case.earliest + case.latest) / 2 if case.timed else case.latest
    before = (one for one in backwards if one.earliest <= moment)
    return next(at_risk, None) or next(may_be, None) or next(before, None)


def case_under(
    mark: Marked,
    dose: Dose,
    doses: Sequence[Dose],
    subject: str,
    windows: Windows,
    grade: str | None,
) -> Case:
    """Return a case as it is listed under a dose."""
    case = mark.case
    hours, hour = dose.hours(case.earliest, case.latest), dose.hour(case)
    definite = case.definite and dose.exact
    yes = definite and windows.at_risk(hour)
    possible = not yes and windows.may_be_at_risk(hours)
    moment = case.latest if hour is None else (case.earliest + case.latest) / 2
    settled = [onset.settled for onset in case.onsets.values() if onset.settled is not None]
    return Case(
        USUBJID=subject,
        dose_number=dose.number,
        dose_start=_stamp(dose.earliest),
        certainty=_sure(definite),
        in_risk_window="yes" if yes else "possible" if possible else "no",
        surely=yes
        and dose.separate
        and windows.surely_at_risk(dose.hours(case.perhaps_earliest, case.latest)),
        hour=hour,
        onset_hours=hours,
        components={
            name: ComponentOnset(
                dose.hours(onset.earliest, onset.latest),
                _sure(onset.definite),
                onset.test,
                tuple(sorted(onset.evidence, key=_listed)),
                onset.query,
            )
            for name, onset in case.onsets.items()
        },
        why={name: str(onset.why) for name, onset in case.onsets.items()}
        | dict.fromkeys(case.since, str(Why.HALF)),
        since={name: _hours(start - dose.earliest) for name, start in case.since.items()},
        seen=_seconds(case.seen),
        block=mark.block,
        able=mark.able,
        provisional=bool(settled),
        settled_by=_stamp(max(settled)) if settled else None,
        other_doses=tuple(
            OtherDose(other.number, _hours(moment - other.earliest))
            for other in doses
            if other is not dose and 0 <= moment - other.earliest <= NAMED_BEFORE
        ),
        grade=grade,
        interruptions=dose.interruptions,
    )


def _sure(definite: bool) -> str:
    return "definite" if definite else "possible"


def control_event(mark: Marked, doses: Sequence[Dose], subject: str, windows: Windows) -> ControlEvent | None:
    """Return a case as an event in control hours; None where it is none, nor may be one."""
    case = mark.case
    exact = [one for one in doses if one.exact]
    spans = [one.hours(case.earliest, case.latest) for one in exact]
    if any(windows.at_risk(one.hour(case)) for one in exact):
        return None
    unsure = any(
        windows.may_be_at_risk(one.hours(case.earliest, case.latest)) for one in doses if not one.exact
    )
    holding = [one for one in exact if windows.in_control(one.hour(case))]
    touching = [one for one, hours in zip(exact, spans, strict=True) if windows.may_be_in_control(hours)]
    near = holding or touching
    if not near:
        return None
    moment = (case.earliest + case.latest) / 2
    dose = min(near, key=lambda one: (abs(moment - one.earliest), one.earliest))
    counted = bool(holding) and case.definite and case.timed and not unsure
    widest = case.perhaps_earliest, case.latest
    surely = (
        counted
        and windows.surely_in_control(dose.hours(*widest))
        and not any(windows.may_be_at_risk(one.hours(*widest)) for one in exact)
    )
    following = (one.number for one in exact if windows.opens(one) > moment)
    return ControlEvent(
        USUBJID=subject,
        dose_number=dose.number,
        counted=counted,
        surely=surely,
        hour=dose.hour(case),
        before=next(following, None),
        seen=_seconds(case.seen),
        block=mark.block,
        able=mark.able,
    )


def _grade(case: Composite, events: pd.DataFrame) -> str | None:
    """Return the highest grade of the subject's events that show the case or begin, surely, in its interval."""
    if events.empty:
        return None
    first, last = _stamp(case.earliest), _stamp(case.latest)
    inside = (events["earliest"] >= first) & (events["latest"] <= last)
    shown = frozenset(text for onset in case.onsets.values() for text in onset.evidence)
    return highest_grade(events.loc[inside | event_labels(events).isin(shown), "grade"])


def _seconds(instant: int) -> int:
    return int(seconds_of(np.array(instant)))


def _stamp(instant: int) -> pd.Timestamp:
    return pd.Timestamp(_seconds(instant), unit="s", tz="UTC")


def _listed(record: str) -> tuple[bool, int, str]:
    """Order records for a reader, whatever the order of the rows: what was measured first, then by number."""
    return record.startswith("AE:"), len(record), record


def _hours(span: float) -> float:
    """Return hours to the digits that seconds can carry."""
    return round(span / HOUR, 4)
