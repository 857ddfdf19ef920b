"""Abnormal, stands, present and gone: a component's state by its measurements alone."""

from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from words.charted import HOUR, NEVER, Chart, Component, Criterion, Definition

HALF_AN_HOUR = HOUR // 2
ROOM_AIR = 0.21
SLACK = 1e-9


@dataclass(slots=True)
class Moment:
    """The measurement of one test at one instant, all its values together."""

    test: str
    place: int
    at: int
    values: tuple[float, ...]
    abnormal: bool = False
    guessed: bool = False


@dataclass(slots=True)
class Cluster:
    """Abnormal measurements chained, until each test has shown two normal ones in a row; known when it was so."""

    abnormal: list[Moment] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)
    normals: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)
    known: int = NEVER

    def is_over(self) -> bool:
        return set(self.settled) == set(self.last)


@dataclass(frozen=True, slots=True)
class Presence:
    """The component is present from ``start`` until ``gone``; before ``known`` nobody knows that it is gone."""

    start: int
    gone: int
    known: int
    abnormal: tuple[int, ...]


@dataclass(slots=True)
class Course:
    """A component's measurements, by test and in time, judged; when it was present."""

    component: Component
    tests: dict[str, list[Moment]]
    running: list[Moment] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)

    def before(self, one: Moment) -> Moment | None:
        return self.tests[one.test][one.place - 1] if one.place else None

    def after(self, one: Moment, steps: int = 1) -> Moment | None:
        later = self.tests[one.test][one.place + steps :]
        return later[0] if later else None

    def in_run(self, one: Moment) -> bool:
        return any(other is one for other in self.running)

    def abnormal(self) -> list[Moment]:
        found = [one for moments in self.tests.values() for one in moments if one.abnormal]
        return sorted(found, key=lambda one: (one.at, one.test))

    def present_within(self, first: int, last: int) -> bool:
        """Whether it is present at some instant from first to last, both included."""
        return any(one.start <= last and one.gone > first for one in self.presences)


def course_of(chart: Chart, component: Component, definition: Definition) -> Course:
    course = Course(component, {test: moments_of(chart, test) for test in component.tests})
    judge(course, definition)
    course.running = [one for run in runs(course, definition) for one in run]
    course.presences = [*sustained(course, definition), *singles(course, definition)]
    return course


def moments_of(chart: Chart, test: str) -> list[Moment]:
    """Several of one test of one subject at one instant are one measurement."""
    values: dict[int, list[float]] = {}
    for one in chart.measured:
        if one.test == test and one.at <= chart.cutoff:
            values.setdefault(one.at, []).append(one.value)
    return [Moment(test, place, at, tuple(values[at])) for place, at in enumerate(sorted(values))]


def meets(criterion: Criterion, value: float, reference: float | None) -> bool:
    """A measurement is abnormal by the protocol's criteria."""
    if criterion.bound is not None:
        beyond = criterion.harm * (value - criterion.bound)
        if beyond <= SLACK if criterion.strictly else beyond < -SLACK:
            return False
    if criterion.change is None:
        return True
    return reference is not None and criterion.harm * (value - reference) >= criterion.change - SLACK


def trailing(moments: list[Moment], at: int, definition: Definition) -> float | None:
    """The median of all of the same test's measurements in the `baseline_hours` before it (at least one)."""
    before = [one for one in moments if at - definition.seconds("baseline") <= one.at < at]
    return median(median(one.values) for one in before) if before else None


def judge(course: Course, definition: Definition) -> None:
    """Relative criteria refer to the median in the baseline hours before, frozen from the first abnormal one until
    the episode is gone, at most washout + baseline hours. FIO2 without any before: room air .21.

    The episode is over when every test that was abnormal in it has shown two normal measurements in a row; a test
    not measured for longer than washout + baseline hours after an abnormal one is waited for no longer.
    """
    longest = definition.seconds("washout") + definition.seconds("baseline")
    moments = [one for tests in course.tests.values() for one in tests]
    cluster: Cluster | None = None
    frozen: dict[str, tuple[float | None, bool, int]] = {}
    for instant in sorted({one.at for one in moments}):
        if cluster is not None and wait_no_longer(cluster, instant, longest):
            cluster, frozen = None, {}
        frozen = {test: one for test, one in frozen.items() if instant - one[2] <= longest}
        now = [one for one in moments if one.at == instant]
        for one in now:
            reference, guessed = referred(course, one, frozen, definition)
            criteria = [rule for rule in course.component.criteria if rule.test == one.test]
            one.abnormal = any(meets(rule, value, reference) for rule in criteria for value in one.values)
            one.guessed = guessed
            if one.abnormal:
                frozen.setdefault(one.test, (reference, guessed, instant))
        if cluster is None and any(one.abnormal for one in now):
            cluster = Cluster()
        if cluster is not None:
            for one in now:
                take_in(cluster, one)
            if cluster.is_over():
                cluster, frozen = None, {}


def referred(
    course: Course, one: Moment, frozen: dict[str, tuple[float | None, bool, int]], definition: Definition
) -> tuple[float | None, bool]:
    if one.test in frozen:
        return frozen[one.test][:2]
    reference = trailing(course.tests[one.test], one.at, definition)
    return (ROOM_AIR, True) if reference is None and one.test == "FIO2" else (reference, False)


def take_in(cluster: Cluster, one: Moment) -> None:
    """A new abnormal one belongs to it; a second normal one in a row settles its test."""
    if one.abnormal:
        cluster.abnormal.append(one)
        cluster.last[one.test], cluster.normals[one.test] = one.at, 0
        cluster.settled.pop(one.test, None)
    elif one.test in cluster.last:
        cluster.normals[one.test] += 1
        if cluster.normals[one.test] == 2:
            cluster.settled.setdefault(one.test, one.at)


def beside(course: Course, one: Moment) -> list[Moment]:
    """Another test of the component abnormal within half an hour."""
    return [
        other
        for other in course.abnormal()
        if other.test != one.test and abs(other.at - one.at) <= HALF_AN_HOUR
    ]


def stands(course: Course, one: Moment, definition: Definition) -> bool:
    """An abnormal measurement stands unless the next measurement of the same test, within `confirm_hours`, is normal
    and no other one of that test within `again_hours` is abnormal; another test of the component abnormal within half
    an hour confirms it too. One of a sustained run is never contradicted.
    """
    following = course.after(one)
    if (
        course.in_run(one)
        or following is None
        or following.abnormal
        or following.at - one.at > definition.seconds("confirm")
    ):
        return True
    others = (other for other in course.tests[one.test] if other is not one)
    again = any(o.abnormal and abs(o.at - one.at) <= definition.seconds("again") for o in others)
    return again or bool(beside(course, one))


def is_provisional(course: Course, one: Moment, definition: Definition, cutoff: int) -> bool:
    """An abnormal last measurement waits `confirm_hours` for its contradiction; one of a run has none to wait for."""
    earlier = course.tests[one.test][: one.place]
    again = any(o.abnormal and one.at - o.at <= definition.seconds("again") for o in earlier)
    waits = course.after(one) is None and one.at + definition.seconds("confirm") > cutoff
    return waits and not again and not course.in_run(one)


def runs(course: Course, definition: Definition) -> list[tuple[Moment, Moment]]:
    """Two of any three measurements in a row of one test abnormal, TEMP at most 8 h apart, others 4 h; or two tests
    abnormal at one charting.
    """
    found = []
    for one in course.abnormal():
        longest = definition.run_seconds(one.test)
        between, after = course.after(one), course.after(one, 2)
        if between is None or between.at - one.at > longest:
            continue
        if between.abnormal:
            found.append((one, between))
        if after is not None and after.abnormal and after.at - between.at <= longest:
            found.append((one, after))
    for one, other in combinations(course.abnormal(), 2):
        if one.test != other.test and other.at - one.at <= HALF_AN_HOUR:
            found.append((one, other))
    return found


def sustained(course: Course, definition: Definition) -> list[Presence]:
    """A component becomes present by a sustained run, from its first abnormal measurement. Present until gone: every
    test that was abnormal since then must be normal again.
    """
    found: list[Presence] = []
    for start in sorted(min(one.at, other.at) for one, other in runs(course, definition)):
        if found and start <= found[-1].known:
            continue
        episode = follow(course, start, definition)
        last = {one.test: one for one in episode.abnormal}
        gone = max(gone_after(course, one, definition) for one in last.values())
        found.append(Presence(start, gone, episode.known, tuple(one.at for one in episode.abnormal)))
    return found


def follow(course: Course, start: int, definition: Definition) -> Cluster:
    """Follow the abnormal measurements from an instant on until each of their tests is normal again."""
    longest = definition.seconds("washout") + definition.seconds("baseline")
    episode = Cluster()
    later = [one for moments in course.tests.values() for one in moments if one.at >= start]
    for instant in sorted({one.at for one in later}):
        if wait_no_longer(episode, instant, longest):
            break
        for one in (each for each in later if each.at == instant):
            take_in(episode, one)
        if episode.is_over():
            break
    unsettled = [course.tests[test][-1].at + longest for test in episode.last if test not in episode.settled]
    episode.known = max([*episode.settled.values(), *unsettled])
    return episode


def wait_no_longer(cluster: Cluster, instant: int, longest: int) -> bool:
    """A test not measured for so long after an abnormal one is waited for no longer; whether it is over by that."""
    for test, last in cluster.last.items():
        waited = test not in cluster.settled and not cluster.normals[test]
        if waited and instant - last > longest:
            cluster.settled[test] = last + longest
    return bool(cluster.last) and cluster.is_over()


def gone_after(course: Course, last: Moment, definition: Definition) -> int:
    """Gone from the first of two normal measurements in a row of each test that was abnormal in the episode."""
    longest = definition.seconds("washout") + definition.seconds("baseline")
    first, second = course.after(last), course.after(last, 2)
    if first is None or first.at - last.at > longest:
        return last.at + longest
    return first.at if second is not None else first.at + longest


def singles(course: Course, definition: Definition) -> list[Presence]:
    """A single one that stands makes it present until the next measurement of that test; a lone one never does.

    After washout + baseline hours without one nobody knows any more.
    """
    longest = definition.seconds("washout") + definition.seconds("baseline")
    found = []
    for one in course.abnormal():
        if not course.in_run(one) and stands(course, one, definition):
            following = course.after(one)
            gone = min(following.at if following else NEVER, one.at + longest)
            found.append(Presence(one.at, gone, gone - 1, (one.at,)))
    return found
