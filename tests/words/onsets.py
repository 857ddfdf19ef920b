"""New and worse: where a component's measurements start an onset."""

from dataclasses import dataclass, replace
from itertools import pairwise

from words.charted import Chart, Component, Definition
from words.presence import SLACK, Course, Moment, course_of, is_provisional, stands

RANK = ("new", "worse", "back", "room_air", "unseen", "lone")
"""Why an onset counts, the surest first; ``unseen``: no fresh normal measurement of the test lies before it."""


@dataclass(frozen=True, slots=True)
class Onset:
    """A component's onset: its interval, when it was first seen (None: no instant), and why it is one.

    ``shown_by`` names the measurements (test, instant) and the lines ("AE", number) that show it.
    """

    component: str
    earliest: int
    latest: int
    seen: int | None
    definite: bool
    why: str
    shown_by: frozenset[tuple[str, int]]
    provisional: bool = False
    query: bool = False
    dated: bool = False

    @property
    def interval(self) -> tuple[int, int]:
        return self.earliest, self.latest

    @property
    def first_seen(self) -> int:
        return self.latest if self.seen is None else self.seen


def measured_onsets(chart: Chart, component: Component, definition: Definition) -> tuple[Course, list[Onset]]:
    """Every onset by measurement, in time; two tests' at one instant are one."""
    course = course_of(chart, component, definition)
    by_instant: dict[int, list[tuple[Onset, bool]]] = {}
    for one in course.abnormal():
        found = new(course, one, definition)
        if found is None or not found.definite:
            worsened = worse(course, one, definition)
            if worsened is not None and (found is None or worsened.definite or found.why != "new"):
                found = worsened
        if found is not None:
            waits = is_provisional(course, one, definition, chart.cutoff)
            before = course.before(one)
            by_instant.setdefault(one.at, []).append(
                (
                    replace(found, provisional=waits),
                    before is not None and not before.abnormal,
                )
            )
    return course, [together(by_instant[at]) for at in sorted(by_instant)]


def together(found: list[tuple[Onset, bool]]) -> Onset:
    """One onset: its interval starts at the later of the last normals; definite when either is."""
    onsets = [one for one, _ in found]
    starts = [one.earliest for one, after_normal in found if after_normal] or [o.earliest for o in onsets]
    definite = any(one.definite for one in onsets)
    leading = [one for one in onsets if one.definite == definite]
    return replace(
        min(leading, key=lambda one: RANK.index(one.why)),
        earliest=max(starts),
        shown_by=frozenset().union(*(one.shown_by for one in onsets)),
        provisional=all(one.provisional for one in onsets),
    )


def new(course: Course, one: Moment, definition: Definition) -> Onset | None:
    """An onset is new when the component has not been present for `washout_hours`, and a normal measurement of the
    *same test* lies before it, at most `fresh_hours` old. None, or an older one, or gone for less than the washout
    ("back"): possible. One that is contradicted is *lone*: it starts only a possible onset and hides nothing.
    Onset interval: last normal measurement of that test, first abnormal one.
    """
    before, fresh = course.before(one), definition.fresh_seconds(one.test)
    if before is not None and before.abnormal and one.at - before.at <= definition.run_seconds(one.test):
        return None  # it goes on
    if any(there.start < one.at <= there.known for there in course.presences):
        return None
    abnormal = [at for there in course.presences for at in there.abnormal if at < one.at]
    is_back = bool(abnormal) and one.at - max(abnormal) < definition.seconds("washout")
    is_lone = not stands(course, one, definition)
    follows_normal = before is not None and not before.abnormal and one.at - before.at <= fresh
    doubts = {"lone": is_lone, "back": is_back, "room_air": one.guessed, "unseen": not follows_normal}
    why = next((doubt for doubt, holds in doubts.items() if holds), "new")
    return Onset(
        course.component.name,
        one.at - fresh if before is None else before.at,
        one.at,
        one.at,
        definite=why == "new",
        why=why,
        shown_by=frozenset({(one.test, one.at)}),
    )


def worse(course: Course, one: Moment, definition: Definition) -> Onset | None:
    """Where a component is present, an onset is also counted when two measurements in a row (one, where none follows
    within `confirm_hours`) are both beyond anything that two in a row showed in the washout by `worse_by`, and
    abnormal by the protocol: definite when a measurement of the same test, normal or not, lies at most `fresh_hours`
    before. Where it is gone, the washout is that before its last abnormal measurement: what is back is not worse.
    """
    before, following = course.before(one), course.after(one)
    washout = definition.seconds("washout")
    was_present = any(o.start < one.at and o.gone > one.at - washout for o in course.presences)
    if one.test not in definition.worse or before is None or not was_present:
        return None
    two = [one]
    if following is not None and following.at - one.at <= definition.seconds("confirm"):
        two.append(following)
    if not all(each.abnormal for each in two):
        return None
    by, share = definition.worse[one.test]
    level = min(gravity(course, each) for each in two)
    since = one.at
    if not any(there.start < one.at <= there.known for there in course.presences):
        since = max(at for there in course.presences for at in there.abnormal if at < one.at)
    recent = [each for each in course.tests[one.test] if since - washout <= each.at < one.at]
    pairs = [*pairwise(recent), (before, one)]
    shown = max(min(gravity(course, a), gravity(course, b)) for a, b in pairs)
    if level - shown < by - SLACK or (share and level < (1 + share) * shown - SLACK):
        return None
    fresh = one.at - before.at <= definition.fresh_seconds(one.test)
    shown_by = frozenset({(one.test, one.at)})
    return Onset(course.component.name, before.at, one.at, one.at, fresh, "worse", shown_by)


def gravity(course: Course, one: Moment) -> float:
    """The value furthest in the direction of harm, so signed that more is worse."""
    return max(course.component.harm(one.test) * value for value in one.values)
