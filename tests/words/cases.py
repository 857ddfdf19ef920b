"""A case: onsets of every component together, chosen, dated and listed under a dose; half a case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from words.charted import HOUR, Chart, Definition, Line, apart
from words.onsets import Onset
from words.presence import Course
from words.reports import component_onsets, ended


@dataclass(frozen=True, slots=True)
class Case:
    """Onsets by component, and the components that were present instead of beginning."""

    onsets: Mapping[str, Onset]
    present: tuple[str, ...] = ()

    @property
    def definite(self) -> bool:
        return not self.present and all(one.definite for one in self.onsets.values())

    @property
    def first_seen(self) -> int:
        return max(one.first_seen for one in self.onsets.values())

    @property
    def interval(self) -> tuple[int, int]:
        """Its interval `onset_hours` is [max of the starts, max of the ends]."""
        found = self.onsets.values()
        return max(one.earliest for one in found), max(one.latest for one in found)

    @property
    def middle(self) -> float | None:
        """Its `hour` is the middle, an instant its own; None where an onset is known by its date alone."""
        return None if any(one.dated for one in self.onsets.values()) else sum(self.interval) / 2

    @property
    def is_instant(self) -> bool:
        return all(one.seen is not None for one in self.onsets.values())

    @property
    def span_seen(self) -> tuple[int, int]:
        """Between when and when it was first seen."""
        return max(o.earliest if o.seen is None else o.seen for o in self.onsets.values()), self.first_seen

    @property
    def spread(self) -> int:
        """Latest minus earliest first seen; what has no instant counts as seen at its latest."""
        return self.first_seen - min(one.first_seen for one in self.onsets.values())


@dataclass(frozen=True, slots=True)
class Told:
    """All that the words say of one subject's chart, whatever its doses."""

    courses: Mapping[str, Course]
    onsets: Mapping[str, list[Onset]]
    lines: Mapping[str, list[Line]]
    definite: tuple[Case, ...]
    possible: tuple[Case, ...]


def told_by(chart: Chart, definition: Definition) -> Told:
    found = {one.name: component_onsets(chart, one, definition) for one in definition.components}
    courses, lines = ({name: each[k] for name, each in found.items()} for k in (0, 2))
    onsets = {name: each[1] for name, each in found.items()}
    definite = definite_cases(onsets, definition)
    told = {name: (each[0], each[2]) for name, each in found.items()}
    possible = possible_cases(onsets, halves(told, onsets, definite, definition), definite, definition)
    return Told(courses, onsets, lines, definite, possible)


def separation(onsets: Sequence[Onset]) -> int:
    """How far apart they were first seen; where one has no instant, how far the intervals lie apart."""
    if all(one.seen is not None for one in onsets):
        return max(one.first_seen for one in onsets) - min(one.first_seen for one in onsets)
    return max((apart(a.interval, b.interval) for a, b in combinations(onsets, 2)), default=0)


def tuples(onsets: Mapping[str, list[Onset]], definition: Definition) -> list[Case]:
    """An onset of each component, first seen at most `onsets_within_hours` apart."""
    every = (Case(dict(zip(onsets, chosen, strict=True))) for chosen in product(*onsets.values()))
    within = definition.seconds("within")
    return [one for one in every if separation(tuple(one.onsets.values())) <= within]


def once_each(cases: Sequence[Case], key: Callable[[Case], tuple[int, ...]]) -> list[Case]:
    """Nearest first, each onset in one case."""
    chosen: list[Case] = []
    for one in sorted(cases, key=key):
        if not any(share(one, other) for other in chosen):
            chosen.append(one)
    return chosen


def share(one: Case, other: Case) -> bool:
    return any(a is b for a in one.onsets.values() for b in other.onsets.values())


def thinned(cases: Sequence[Case], definition: Definition) -> tuple[Case, ...]:
    """In order of time, none first seen less than `washout_hours` after the one before was."""
    kept: list[Case] = []
    for one in sorted(cases, key=lambda one: one.first_seen):
        if not any(in_washout(one, other, definition) for other in kept):
            kept.append(one)
    return tuple(kept)


def in_washout(one: Case, other: Case, definition: Definition) -> bool:
    """Surely, whenever each of them was first seen."""
    ends = product(one.span_seen, other.span_seen)
    return all(abs(here - there) < definition.seconds("washout") for here, there in ends)


def definite_cases(onsets: Mapping[str, list[Onset]], definition: Definition) -> tuple[Case, ...]:
    """Definite when all its onsets are; chosen first."""
    found = [one for one in tuples(onsets, definition) if one.definite]
    return thinned(once_each(found, lambda one: (one.spread, one.first_seen)), definition)


def possible_cases(
    onsets: Mapping[str, list[Onset]],
    half: Sequence[Case],
    definite: Sequence[Case],
    definition: Definition,
) -> tuple[Case, ...]:
    """Possible ones that share an onset with a definite one, or lie within `washout_hours` of it, are its evidence
    and never block it; the others are thinned alike. One without an instant may be of several, and blocks none: it
    may have been at any time of its interval.
    """
    found = [
        one
        for one in (*(case for case in tuples(onsets, definition) if not case.definite), *half)
        if not any(share(one, kept) for kept in definite)
    ]
    apart = [
        one
        for one in found
        if one.is_instant and not any(in_washout(one, kept, definition) for kept in definite)
    ]
    chosen = once_each(apart, lambda one: (bool(one.present), one.spread, one.first_seen))
    return (*thinned(chosen, definition), *(one for one in found if not one.is_instant))


def halves(
    told: Mapping[str, tuple[Course, list[Line]]],
    onsets: Mapping[str, list[Onset]],
    definite: Sequence[Case],
    definition: Definition,
) -> list[Case]:
    """One component new or worse while the others are present: possible. One without an instant may lie near others
    and still have begun while these had long been present.
    """
    found, within = [], definition.seconds("within")
    pairs = [one for one in tuples(onsets, definition) if not one.definite]
    pairs = [one for one in pairs if not any(share(one, kept) for kept in definite)]
    for name, mine in onsets.items():
        others = [other for other in onsets if other != name]
        for one in mine:
            near = any(separation((one, each)) <= within for other in others for each in onsets[other])
            first, last = (one.earliest if one.seen is None else one.seen), one.first_seen
            if one.seen is None and any(one is each for pair in pairs for each in pair.onsets.values()):
                last = one.earliest - within
            present = all(was_present(*told[other], first, last) for other in others)
            if others and present and not (near and one.seen is not None):
                found.append(Case({name: one}, tuple(others)))
    return found


def was_present(course: Course, lines: Sequence[Line], first: int, last: int) -> bool:
    """Whether it began at ``last`` or before and was present after ``first``: by measurement, or a line that is open
    for certain: one of a date may have begun later that day.
    """
    begun = [(one.start, one.gone) for one in course.presences]
    begun += [(one.earliest if one.is_exact else one.latest, ended(one)) for one in lines]
    return any(start <= last and end > first for start, end in begun)


# --- under a dose -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A case under its dose, in hours since that dose's start."""

    dose: int
    definite: bool
    in_risk_window: str
    surely: bool
    hour: float | None
    onset_hours: tuple[float, float]
    why: Mapping[str, str]
    provisional: bool
    other_doses: tuple[tuple[int, float], ...]


def listed(chart: Chart, case: Case, definition: Definition) -> Listed | None:
    """A case is listed under the latest dose whose risk window holds its hour, else (that its interval may touch,
    else) the last dose before it; every other dose in the 48 h before is named beside it with its hours.
    """
    middle, (earliest, latest) = case.middle, case.interval
    when = latest if middle is None else middle
    holding = [dose for dose in chart.doses if middle is not None and in_risk(middle - dose, definition)]
    touched = [dose for dose in chart.doses if touches(earliest - dose, latest - dose, definition)]
    before = [dose for dose in chart.doses if dose <= when]
    ranked = holding or touched or before
    if not ranked:
        return None
    start = max(ranked)
    low, high = (edge * HOUR for edge in definition.risk)
    yes = case.definite and bool(holding)
    others = tuple(
        (number, round((when - dose) / HOUR, 4))
        for number, dose in enumerate(sorted(chart.doses), start=1)
        if dose != start and when - 48 * HOUR <= dose <= when
    )
    return Listed(
        sorted(chart.doses).index(start) + 1,
        case.definite,
        "yes" if yes else "possible" if touches(earliest - start, latest - start, definition) else "no",
        yes and earliest - start >= low and latest - start < high,
        None if middle is None else round((middle - start) / HOUR, 4),
        (round((earliest - start) / HOUR, 4), round((latest - start) / HOUR, 4)),
        dict.fromkeys(case.present, "half") | {name: one.why for name, one in case.onsets.items()},
        any(one.provisional for one in case.onsets.values()),
        others,
    )


def in_risk(since: float, definition: Definition) -> bool:
    """Half-open, so that an instant is risk, control, or neither, never two."""
    return definition.risk[0] * HOUR <= since < definition.risk[1] * HOUR


def touches(earliest: float, latest: float, definition: Definition) -> bool:
    """`possible` = not yes and its interval overlaps (earliest < hi and latest >= lo)."""
    return earliest < definition.risk[1] * HOUR and latest >= definition.risk[0] * HOUR
