"""Adverse events are intervals: where a line ends, which onset it joins, and when it starts one of its own."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from words.charted import HOUR, NEVER, Chart, Component, Definition, Line, apart
from words.onsets import Onset, measured_onsets
from words.presence import Course, Moment


def component_onsets(
    chart: Chart, component: Component, definition: Definition
) -> tuple[Course, list[Onset], list[Line]]:
    """Every onset of a component, in time, and its lines with their ends."""
    course, measured = measured_onsets(chart, component, definition)
    mine = [one for one in chart.lines if one.component == component.name]
    lines = sorted((replace(one, end=end_of(one, course)) for one in mine), key=lambda one: one.order)
    blank = {one.number for one in mine if one.end is None}
    joined = joining(lines, measured)
    hindered = [
        hinder(
            one,
            [line for line in lines if joined.get(line.number) != place],
            course,
            blank,
            definition,
        )
        for place, one in enumerate(measured)
    ]
    told = [
        narrowed(one, [line for line in lines if joined.get(line.number) == place])
        for place, one in enumerate(hindered)
    ]
    free = [line for line in lines if line.number not in joined]
    reported = reported_onsets(free, lines, course, definition)
    dated = dated_onsets(free, lines, [*told, *reported], course)
    return course, sorted([*told, *reported, *dated], key=lambda one: (one.first_seen, one.earliest)), lines


# --- where a line ends ------------------------------------------------------------------------------------------


def end_of(line: Line, course: Course) -> int:
    """A blank end lasts until two normal measurements in a row of a test that was abnormal within the line (from 1 h
    before its start), or of the test that is the thing itself; a line that no measurement ever supported is open
    until AEENDTC.
    """
    if line.end is not None:
        return line.end
    ends = []
    for test, moments in course.tests.items():
        by_itself = first_of_two_normals(moments, line.latest) if test in course.component.ends else NEVER
        abnormal = [one.at for one in moments if one.abnormal and one.at >= line.earliest - HOUR]
        if abnormal and (abnormal[0] < by_itself or test not in course.component.ends):
            ends.append(first_of_two_normals(moments, max(abnormal[0], line.earliest)))
        else:
            ends.append(by_itself)
    return min(ends, default=NEVER)


def first_of_two_normals(moments: Sequence[Moment], after: int) -> int:
    for one, following in pairwise(moments):
        if one.at > after and not one.abnormal and not following.abnormal:
            return one.at
    return NEVER


# --- a line and a measured onset --------------------------------------------------------------------------------


def joining(lines: Sequence[Line], measured: Sequence[Onset]) -> dict[int, int]:
    """A line joins a measured onset when its start overlaps the measured interval widened by 1 h: the first such."""
    return {
        line.number: places[0]
        for line in lines
        if (
            places := [
                place
                for place, one in enumerate(measured)
                if one.why != "lone" and apart((line.earliest, line.latest), one.interval) <= HOUR
            ]
        )
    }


def narrowed(onset: Onset, lines: Sequence[Line]) -> Onset:
    """The first that joins narrows the interval by an exact time inside it; outside, the hull and a query; later
    lines move nothing.
    """
    onset = replace(onset, shown_by=onset.shown_by | {("AE", line.number) for line in lines})
    instants = [line.earliest for line in lines if line.is_instant]
    if not instants:
        return onset
    told = instants[0]
    if onset.earliest <= told <= onset.latest:
        return replace(onset, earliest=told, latest=told, seen=told)
    return replace(onset, earliest=min(told, onset.earliest), latest=max(told, onset.latest), query=True)


def hinder(
    onset: Onset, others: Sequence[Line], course: Course, blank: set[int], definition: Definition
) -> Onset:
    """An earlier line never swallows a later measured onset: ended and the washout passed, new; less, or never
    measured in between, possible. A line that no measurement ever supported keeps later *lines* of that component
    from starting an onset, never a measured onset.
    """
    seen = onset.latest
    for line in others:
        if line.latest >= seen or ended(line) <= seen - definition.seconds("washout"):
            continue
        abnormal = any(o.abnormal and line.earliest - HOUR <= o.at < seen for o in every(course))
        supported = abnormal or bool(course.component.ends)
        seen_absent = any(not one.abnormal and line.latest < one.at < seen for one in every(course))
        if line.number in blank and not supported and seen_absent:
            continue
        if onset.why != "worse":
            onset = replace(onset, definite=False, why="back" if onset.why == "new" else onset.why)
    return onset


def every(course: Course) -> list[Moment]:
    return [one for moments in course.tests.values() for one in moments]


def ended(line: Line) -> int:
    return NEVER if line.end is None else line.end


# --- a line alone -----------------------------------------------------------------------------------------------


def is_earlier(one: Line, line: Line) -> bool:
    """Whether it began before for certain; of two exact ones, the one listed before."""
    return one.order < line.order if one.is_exact and line.is_exact else one.latest < line.earliest


def reported_onsets(
    free: Sequence[Line], lines: Sequence[Line], course: Course, definition: Definition
) -> list[Onset]:
    """An onset known by a report alone is definite when its start is exact to the hour or better and the component
    was not present in the washout by measurement or by an earlier open line. A line never starts an onset while the
    component is present. One with a higher AESEV or AETOXGR, exact in time, is a possible worse onset.
    """
    found, washout = [], definition.seconds("washout")
    for line in (one for one in free if one.is_exact):
        earlier = [one for one in lines if is_earlier(one, line)]
        still_open = [one for one in earlier if ended(one) > line.earliest]
        grades = [one.grade for one in still_open if one.grade]
        if grades and line.grade > max(grades):
            found.append(as_onset(line, course, definite=False, why="worse"))
        elif not still_open and not course.present_within(line.earliest, line.latest):
            recent = course.present_within(line.earliest - washout, line.latest)
            back = recent or any(ended(one) > line.earliest - washout for one in earlier)
            found.append(as_onset(line, course, definite=not back, why="back" if back else "reported"))
    return found


def dated_onsets(
    free: Sequence[Line], lines: Sequence[Line], others: Sequence[Onset], course: Course
) -> list[Onset]:
    """A date-only line is a possible onset unless a timed or measured onset of that component lies on that date:
    then evidence only. Two lines that tell of one date alone tell of one onset.
    """
    found: list[Onset] = []
    for line in (one for one in free if not one.is_exact):
        whole = (line.earliest, line.latest)
        explained = any(one.why != "lone" and not apart(one.interval, whole) for one in others)
        throughout = any(o.start <= whole[0] and o.gone > whole[1] for o in course.presences)
        still_open = any(is_earlier(one, line) and ended(one) > line.latest for one in lines)
        alike = next((one for one in found if one.interval == whole), None)
        if alike is not None:
            found.remove(alike)
            found.append(replace(alike, shown_by=alike.shown_by | {("AE", line.number)}))
        elif not (explained or throughout or still_open):
            found.append(as_onset(line, course, definite=False, why="reported"))
    return found


def as_onset(line: Line, course: Course, *, definite: bool, why: str) -> Onset:
    return Onset(
        course.component.name,
        line.earliest,
        line.latest,
        line.earliest if line.is_instant else None,
        definite,
        why,
        frozenset({("AE", line.number)}),
        dated=not line.is_exact,
    )
