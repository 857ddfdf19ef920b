"""Observed hours, opportunity in risk and control, what becomes of a window, and control events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from words.cases import Case, Told, in_risk, listed
from words.charted import HOUR, Chart, Definition
from words.presence import Course, Moment

Gap = tuple[Moment, Moment]


def gaps(course: Course, definition: Definition) -> list[Gap]:
    """Two measurements of one test no further apart than `fresh_hours`. FIO2 alone does not observe a component that
    has other measured tests.
    """
    tests = [test for test in course.tests if test != "FIO2" or len(course.tests) == 1]
    return [
        (one, following)
        for test in tests
        for one, following in pairwise(course.tests[test])
        if following.at - one.at <= definition.fresh_seconds(test)
    ]


def pieces(chart: Chart, told: Told, definition: Definition) -> list[tuple[int, int]]:
    """Every (from, to] within which nothing changes, up to the cut-off or the death that ends observation."""
    last = min(chart.cutoff, chart.cutoff if chart.death is None else chart.death)
    marks = {one.at for course in told.courses.values() for each in course.tests.values() for one in each}
    marks.add(chart.cutoff - definition.seconds("lag"))
    return list(pairwise(sorted({*(mark for mark in marks if mark < last), last})))


def holding(found: Sequence[Gap], piece: tuple[int, int]) -> list[Gap]:
    return [(a, b) for a, b in found if a.at <= piece[0] and piece[1] <= b.at]


def is_observed(course: Course, piece: tuple[int, int], chart: Chart, definition: Definition) -> bool:
    """An instant is observed when, for each component, it lies in such a gap. A component of terms alone is observed
    up to the feed's receipt less `reporting_lag_hours`.
    """
    if not course.tests:
        return piece[1] <= chart.cutoff - definition.seconds("lag")
    return bool(holding(gaps(course, definition), piece))


def observed(chart: Chart, told: Told, definition: Definition) -> list[tuple[int, int]]:
    return [
        piece
        for piece in pieces(chart, told, definition)
        if all(is_observed(course, piece, chart, definition) for course in told.courses.values())
    ]


# --- opportunity ------------------------------------------------------------------------------------------------


def able(chart: Chart, told: Told, definition: Definition) -> Iterator[tuple[int, float]]:
    """A definite onset there could have been seen: how long, and the hour that it would be given.

    A component of terms alone has opportunity wherever it is observed.
    """
    for piece in observed(chart, told, definition):
        used: list[Gap] = []
        measured = [course for course in told.courses.values() if course.tests]
        for course in measured:
            found = [
                gap
                for gap in holding(gaps(course, definition), piece)
                if can_begin(course, gap[1], told, definition)
            ]
            if found:
                used.append(min(found, key=lambda gap: (gap[1].at, -gap[0].at)))
        ends = [after.at for _, after in used]
        if len(used) == len(measured) and max(ends) - min(ends) <= definition.seconds("within"):
            yield piece[1] - piece[0], (max(before.at for before, _ in used) + max(ends)) / 2


def can_begin(course: Course, one: Moment, told: Told, definition: Definition) -> bool:
    """Instants at which no new event could count are not counted, with the counted events of the subject filled in
    as absent; a present component that can worsen stays at risk.
    """
    if one.test in definition.worse:
        return True
    began = [case.onsets[course.component.name] for case in told.definite]
    starts = [there.start for there in course.presences]
    counted = {min(at for at in starts if at >= one.first_seen) for one in began if one.why == "new"}
    others = [there for there in course.presences if there.start not in counted]
    abnormal = [at for there in others for at in there.abnormal if at < one.at]
    present = any(there.start < one.at <= there.known for there in others)
    return not present and (not abnormal or one.at - max(abnormal) >= definition.seconds("washout"))


@dataclass(frozen=True, slots=True)
class Opportunity:
    """One dose's able hours, in risk and in control."""

    dose: int
    in_risk: float
    in_control: float


def opportunity(chart: Chart, told: Told, definition: Definition) -> tuple[Opportunity, ...]:
    """It is counted, as risk or control, under the hour that its onset would be given."""
    doses = sorted(chart.doses)
    seconds = {(place, kind): 0 for place in range(len(doses)) for kind in ("risk", "control")}
    for length, hour in able(chart, told, definition):
        where = placed(doses, hour, definition)
        if where is not None:
            seconds[where] += length
    return tuple(
        Opportunity(place + 1, seconds[place, "risk"] / HOUR, seconds[place, "control"] / HOUR)
        for place in range(len(doses))
    )


def placed(doses: Sequence[int], hour: float, definition: Definition) -> tuple[int, str] | None:
    """Risk hours are a union, each counted once; control hours on both sides, nearest dose."""
    risk = [place for place, dose in enumerate(doses) if in_risk(hour - dose, definition)]
    if risk:
        return max(risk), "risk"
    control = [place for place, dose in enumerate(doses) if in_control(hour - dose, definition)]
    if control:
        return min(control, key=lambda place: abs(hour - doses[place])), "control"
    return None


def in_control(since: float, definition: Definition) -> bool:
    return any(low * HOUR <= since < high * HOUR for low, high in definition.control)


@dataclass(frozen=True, slots=True)
class ControlEvent:
    dose: int
    hour: float
    definite: bool


def control_events(chart: Chart, told: Told, definition: Definition) -> tuple[ControlEvent, ...]:
    """Cases whose hour lies in control hours, definite ones and possible ones; those whose interval alone touches
    them are possible. Those of a date alone are not told.
    """
    doses, found = sorted(chart.doses), []
    for case in (*told.definite, *told.possible):
        if case.middle is None:
            continue
        where, counted = placed(doses, case.middle, definition), case.definite
        if where is None:
            where, counted = touched(doses, case, definition), False
        if where is not None and where[1] == "control":
            hour = round((case.middle - doses[where[0]]) / HOUR, 4)
            found.append(ControlEvent(where[0] + 1, hour, counted))
    return tuple(found)


def touched(doses: Sequence[int], case: Case, definition: Definition) -> tuple[int, str] | None:
    """The nearest dose whose control windows the interval may touch."""
    near = [
        place
        for place, dose in enumerate(doses)
        for low, high in definition.control
        if case.interval[0] - dose < high * HOUR and case.interval[1] - dose >= low * HOUR
    ]
    middle = sum(case.interval) / 2
    return (min(near, key=lambda place: abs(middle - doses[place])), "control") if near else None


# --- windows ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """What became of a dose's risk window, and its observed hours."""

    state: str
    observed_hours: float


def windows(chart: Chart, told: Told, definition: Definition) -> tuple[Window, ...]:
    """A risk window has elapsed when its end <= cut-off. *Evaluable* when at least half of it is observed (one in
    which a subject dies is evaluable); *unobserved* otherwise; one with a case is never counted as unobserved.
    """
    found, doses = [], sorted(chart.doses)
    cases = (listed(chart, case, definition) for case in (*told.definite, *told.possible))
    held = {doses[one.dose - 1] for one in cases if one is not None and one.in_risk_window != "no"}
    for dose in doses:
        low, high = (dose + round(edge * HOUR) for edge in definition.risk)
        seen = sum(max(0, min(to, high) - max(since, low)) for since, to in observed(chart, told, definition))
        died = chart.death is not None and low <= chart.death < high
        enough = died or 2 * seen >= high - low
        short = "under_observed" if dose in held else "unobserved"
        state = "open" if high > chart.cutoff else "evaluable" if enough else short
        found.append(Window(state, round(seen / HOUR, 4)))
    return tuple(found)
