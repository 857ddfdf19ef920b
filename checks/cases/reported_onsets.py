"""Adverse events as intervals: which join a measured onset, which are onsets by themselves, which are evidence."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from checks.cases.charts import Charts, event_labels, higher_grade
from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.series import NEVER, Flags
from checks.cases.spans import HOUR, Instants, place, seconds, subject_codes
from checks.protocol.case_definition import Component

WIDENED = HOUR
"""A line joins a measured onset at most one hour outside of it: charts and reports are written by different hands."""

TO_THE_HOUR = HOUR - 1
"""The longest that a start leaves open which is known to the hour or better, in seconds."""

TO_THE_DAY = 25 * HOUR - 1
"""The longest that a start leaves open which is known to its date: the day on which clocks are put back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a component: its start, the end that it gives (None: none), its grade, and its label."""

    earliest: int
    latest: int
    end: int | None
    grade: str
    label: str
    place: int
    """Among the subject's lines of the component, in order of their starts."""

    @property
    def exact(self) -> bool:
        """Whether its start is known to the hour or better."""
        return self.latest - self.earliest <= TO_THE_HOUR

    @property
    def dated(self) -> bool:
        """Whether its start is known to its date or better: a month alone tells of no date."""
        return self.latest - self.earliest <= TO_THE_DAY

    def after(self, other: "Line") -> bool:
        """Whether it surely starts after another line: lines of a day alone hide nothing of that day."""
        if self.exact and other.exact:
            return self.place > other.place
        return self.earliest > other.latest


def lines_of(component: Component, charts: Charts) -> Mapping[int, Sequence[Line]]:
    """Return the lines of a component by subject code, in order of their starts."""
    found: dict[int, list[tuple[int, int, int | None, str, str]]] = defaultdict(list)
    rows = _events(component, charts)
    ends = rows["ends_latest"]
    codes = subject_codes(rows["USUBJID"], charts.known)
    columns = (
        codes.tolist(),
        place(codes, seconds(rows["earliest"])).tolist(),
        place(codes, seconds(rows["latest"])).tolist(),
        place(codes, seconds(ends.fillna(rows["latest"]))).tolist(),
        ends.notna().tolist(),
        rows["grade"].fillna("").tolist(),
        event_labels(rows).tolist(),
    )
    for code, earliest, latest, end, ended, grade, label in zip(*columns, strict=True):
        if code >= 0:
            found[code].append((earliest, latest, end if ended else None, grade, label))
    return {
        code: [Line(*line, place) for place, line in enumerate(sorted(lines, key=_by_start))]
        for code, lines in found.items()
    }


def _by_start(line: tuple[int, int, int | None, str, str]) -> tuple[int, int, int, str]:
    earliest, latest, _, _, label = line
    return earliest, latest, len(label), label


def _events(component: Component, charts: Charts) -> pd.DataFrame:
    events = charts.adverse_events
    return events[events["term"].isin(component.terms) | events["verbatim"].isin(component.terms)]


@dataclass(frozen=True, slots=True)
class SubjectChart:
    """What the measurements of one component say of one subject.

    ``series`` has, for each kind of test, the instants of its entries and which are abnormal; ``present`` the spans
    in which the component was present; ``thing_itself`` the kinds that measure what the report tells of.
    """

    series: Sequence[tuple[Instants, Flags]]
    present: Sequence[tuple[int, int]]
    thing_itself: frozenset[int]
    washout: int

    def end_of(self, line: Line) -> int:
        """Return when a line ends: where it does not say so, with two normal measurements in a row of a test.

        The test must have been abnormal within the line, or be the thing itself. Else the line is open for ever.
        """
        if line.end is not None:
            return line.end
        ends = [self._normal_again(kind, line.latest) for kind in self.thing_itself]
        soonest = min(ends, default=NEVER)
        for kind, (axis, abnormal) in enumerate(self.series):
            within = abnormal & (axis >= line.earliest - SUPPORTS_BEFORE) & (axis < soonest)
            if within.any():
                ends.append(self._normal_again(kind, max(int(axis[within][0]), line.earliest)))
        return min(ends, default=NEVER)

    def _normal_again(self, kind: int, since: int) -> int:
        axis, abnormal = self.series[kind]
        twice = ~abnormal[:-1] & ~abnormal[1:] & (axis[:-1] >= since)
        return int(axis[:-1][twice][0]) if twice.any() else NEVER

    def hinders(self, line: Line, seen: int) -> bool:
        """Whether an earlier line leaves open that a measured onset is a new one.

        It does until it has been over for the washout; one that no measurement ever supported does not where a normal
        one lies in between.
        """
        if self.end_of(line) <= seen - self.washout:
            return False
        if line.end is not None or self.thing_itself or self._supported(line, seen):
            return True
        return not any(
            (~abnormal & (axis >= line.earliest) & (axis < seen)).any() for axis, abnormal in self.series
        )

    def _supported(self, line: Line, before: int) -> bool:
        return any(
            (abnormal & (axis >= line.earliest - SUPPORTS_BEFORE) & (axis < before)).any()
            for axis, abnormal in self.series
        )

    def present_in(self, earliest: int, latest: int) -> bool:
        """Whether the component was present by measurement at some time of an interval."""
        return any(start <= latest and end > earliest for start, end in self.present)

    def present_throughout(self, earliest: int, latest: int) -> bool:
        """Whether the component was present by measurement in a whole interval."""
        return any(start <= earliest and end > latest for start, end in self.present)


SUPPORTS_BEFORE = HOUR
"""A measurement supports a line from one hour before its start on."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one component of one subject: its onsets, and the spans in which it was present."""

    onsets: Sequence[Onset]
    present: Sequence[tuple[int, int]]

    def present_since(self, onset: Onset, before: int) -> int | None:
        """Return since when, ``before`` or then, the component was present at an onset of another; None if not.

        By measurement, or by an open line; where the onset has no instant, at some time of its interval.
        """
        first = onset.seen if onset.instant else onset.earliest
        return min((start for start, end in self.present if start <= before and end > first), default=None)


def join_reports(
    onsets: Sequence[Onset], lines: Sequence[Line], chart: SubjectChart, untimed: Sequence[Onset] = ()
) -> Told:
    """Return the onsets of one subject by measurements and by lines, in order of when they were known.

    Parameters
    ----------
    onsets
        By measurement, in order of time.
    lines
        Of the component, in order of their starts.
    chart
        What the measurements say besides.
    untimed
        Onsets by measurements without an instant.
    """
    joined, apart = _join(onsets, lines)
    measured = [
        _hindered(onset, [line for line in lines if line not in mine], chart) for onset, mine in joined
    ]
    ends = {line: chart.end_of(line) for line in lines}
    alone = list(_alone(apart, lines, ends, chart))
    coarse = [line for line in apart if not line.exact]
    every = [*measured, *alone, *untimed]
    for line in coarse:
        every = _of_a_day(line, every, lines, ends, chart)
    spans = [(line.earliest if line.exact else line.latest, ends[line]) for line in lines]
    return Told(sorted(every, key=lambda one: (one.seen, one.earliest)), [*chart.present, *spans])


def _join(
    onsets: Sequence[Onset], lines: Sequence[Line]
) -> tuple[list[tuple[Onset, list[Line]]], list[Line]]:
    """Return each measured onset with the lines that join it, and the lines that join none."""
    mine: dict[int, list[Line]] = defaultdict(list)
    apart = []
    for line in lines:
        near = (
            number
            for number, onset in enumerate(onsets)
            if onset.why is not Why.LONE
            and line.dated
            and line.earliest <= onset.latest + WIDENED
            and line.latest >= onset.earliest - WIDENED
        )
        number = next(near, None)
        if number is None:
            apart.append(line)
        else:
            mine[number].append(line)
    return [(_narrowed(onset, mine[number]), mine[number]) for number, onset in enumerate(onsets)], apart


def _narrowed(onset: Onset, lines: Sequence[Line]) -> Onset:
    """Return a measured onset with the lines that join it: the first with an instant says when it began."""
    evidence = (*onset.evidence, *(line.label for line in lines))
    instant = next((line.earliest for line in lines if line.earliest == line.latest), None)
    if instant is None:
        return replace(onset, evidence=evidence)
    if onset.earliest <= instant <= onset.latest:
        return replace(onset, earliest=instant, latest=instant, seen=instant, evidence=evidence)
    earliest, latest = min(onset.earliest, instant), max(onset.latest, instant)
    return replace(onset, earliest=earliest, latest=latest, query=True, evidence=evidence)


def _hindered(onset: Onset, others: Sequence[Line], chart: SubjectChart) -> Onset:
    if not onset.definite or onset.why is Why.WORSE:
        return onset
    if any(line.latest < onset.seen and chart.hinders(line, onset.seen) for line in others):
        return replace(onset, definite=False, why=Why.BACK)
    return onset


def _alone(
    apart: Sequence[Line], lines: Sequence[Line], ends: Mapping[Line, int], chart: SubjectChart
) -> Iterator[Onset]:
    """Yield the onsets that exact lines are by themselves."""
    for line in apart:
        earlier = [one for one in lines if line.after(one)]
        still = [one for one in earlier if ends[one] > line.earliest]
        worse = bool(still) and higher_grade(line.grade, [one.grade for one in still])
        present = bool(still) or chart.present_in(line.earliest, line.latest)
        if not line.exact or (present and not worse):
            continue
        since = line.earliest - chart.washout
        recent = chart.present_in(since, line.earliest) or any(ends[one] > since for one in earlier)
        yield Onset(
            line.earliest,
            line.latest,
            line.latest,
            not worse and not recent,
            Why.WORSE if worse else Why.BACK if recent else Why.REPORTED,
            (line.label,),
            instant=line.earliest == line.latest,
        )


def _of_a_day(
    line: Line,
    onsets: list[Onset],
    lines: Sequence[Line],
    ends: Mapping[Line, int],
    chart: SubjectChart,
) -> list[Onset]:
    """Return the onsets with a line whose start is known to a day at best: evidence, or one that is possible."""
    for number, onset in enumerate(onsets):
        alike = not onset.timed and onset.latest == line.latest  # two rows tell of one day
        explains = alike or (line.dated and onset.timed and onset.why is not Why.LONE)
        if explains and onset.earliest <= line.latest and onset.latest >= line.earliest:
            shown = replace(onset, evidence=(*onset.evidence, line.label))
            return [*onsets[:number], shown, *onsets[number + 1 :]]
    known = chart.present_throughout(line.earliest, line.latest) or any(
        line.after(one) and ends[one] > line.latest for one in lines
    )
    if known:
        return onsets
    day = Onset(
        line.earliest,
        line.latest,
        line.latest,
        definite=False,
        why=Why.REPORTED,
        evidence=(line.label,),
        instant=False,
        timed=False,
    )
    return [*onsets, day]
