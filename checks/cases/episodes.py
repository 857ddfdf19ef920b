"""Episodes of a component: which abnormal measurements stand, when the component is present, and when it is gone.

A measurement that the next of its test contradicts is lone: it hides nothing. A sustained run makes the component
present until every test that was abnormal has been seen normal twice in a row. No dose has a part in it: an episode
is a function of the subject's chart alone, so that risk and control hours are judged alike.
"""

from dataclasses import dataclass

import numpy as np

from checks.cases.series import NEVER, Flags, Places, Series
from checks.cases.spans import Instants, Spans, seconds_of

TOGETHER = 1800
"""Seconds within which two tests of a component confirm each other: half an hour, one round of charting."""


@dataclass(frozen=True, slots=True)
class Memory:
    """For how many seconds the measurements of a component speak; arrays have one value a kind of test.

    ``washout`` is how long the component must have been gone; ``forgets`` how long an abnormal measurement is
    remembered that no other of its test followed.
    """

    confirm: Places
    again: Places
    fresh: Places
    run: Places
    washout: int
    forgets: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """After each entry, when its test was next seen normal twice in a row: the first (gone), the second (over).

    Where the test was not measured for so long before that it is forgotten, both are when that was.
    """

    gone: Instants
    over: Instants


@dataclass(frozen=True, slots=True)
class Chain:
    """Abnormal entries chained while the component was not known to be normal again, ordered by subject and time.

    ``number`` is the link's place among the episodes, which begin and are known to be over at ``spans``.
    """

    entries: Places
    number: Places
    spans: Spans


def recovery(series: Series, abnormal: Flags, forgets: int) -> Recovery:
    """Return when the test of each entry was seen normal again."""
    forgotten = series.to_next > forgets
    normal_twice = ~series.last & ~abnormal & np.append(~abnormal[1:], False)[: len(series)]
    ends = forgotten | normal_twice
    places = np.where(ends, np.arange(len(series)), NEVER)
    end = np.minimum.accumulate(places[::-1])[::-1]  # the last of each series is an end: no search leaves it
    lost = ~normal_twice[end]
    gone = series.axis[end] + np.where(lost, forgets, 0)
    second = series.axis[np.minimum(end + 1, len(series) - 1)]
    return Recovery(gone, np.where(lost, gone, second))


def chain(series: Series, which: Flags, over: Instants) -> Chain:
    """Chain some entries: an episode lasts until the tests of all its entries are known to be normal again."""
    entries = np.flatnonzero(which)
    entries = entries[np.argsort(series.axis[entries], kind="stable")]
    axis, latest = series.axis[entries], np.maximum.accumulate(over[entries])
    begins = np.append(True, axis[1:] > latest[:-1])[: len(entries)]
    number = np.cumsum(begins) - 1
    ends = np.append(begins[1:], True)[: len(entries)]
    return Chain(entries, number, Spans(axis[begins], latest[ends]))


@dataclass(frozen=True, slots=True)
class Episodes:
    """What the entries of a component are (flags of their number), and the spans in which it was present.

    Attributes
    ----------
    stands, provisional
        Whether an abnormal entry stands; whether only because its contradiction may still come.
    shows
        Whether an abnormal entry shows the component present: washout counts from it.
    goes_on
        Whether it lies in a presence that began before it.
    present
        Spans in which the component was present: sustained, until gone, or a single one that stands, until the next
        measurement of its test. They may overlap; ordered by their beginning.
    new_from
        From when on, after each of those spans, an abnormal measurement would be new again: known to be gone, and the
        washout after the last abnormal one has passed.
    sustained
        Of the spans those of sustained presence alone: disjoint and sorted.
    """

    stands: Flags
    provisional: Flags
    shows: Flags
    goes_on: Flags
    present: Spans
    new_from: Instants
    sustained: Spans


def find_episodes(series: Series, abnormal: Flags, memory: Memory, data_cutoff: int) -> Episodes:
    """Judge the abnormal entries of one component, at a data cut-off in seconds since 1970 (UTC)."""
    beside = _beside_another_test(series, abnormal)
    in_run = beside | _two_of_three(series, abnormal, memory.run[series.kinds])
    again = _again(series, abnormal, memory.again[series.kinds])
    contradicted = abnormal & ~np.append(abnormal[1:], False)[: len(series)]
    contradicted &= series.to_next <= memory.confirm[series.kinds]
    stands = abnormal & (in_run | again | ~contradicted)
    waits = data_cutoff - seconds_of(series.axis) < memory.confirm[series.kinds]
    sustained, again_new, shows, goes_on = _sustained(series, abnormal, in_run, memory)
    single = np.flatnonzero(stands & ~in_run & ~shows)
    following = series.axis[np.minimum(single + 1, len(series) - 1)]
    unknown = series.axis[single] + memory.forgets
    singles = Spans(
        series.axis[single],
        np.where(series.last[single], unknown, np.minimum(following, unknown)),
    )
    shows[single] = True
    goes_on |= abnormal & _strictly_inside(series.axis, singles)
    present = Spans(*(np.concatenate(ends) for ends in zip(sustained, singles, strict=True)))
    new_from = np.concatenate([again_new, np.maximum(singles.ends, singles.starts + memory.washout)])
    order = np.argsort(present.starts, kind="stable")
    return Episodes(
        stands,
        abnormal & series.last & ~in_run & ~again & waits,
        shows,
        goes_on,
        Spans(present.starts[order], present.ends[order]),
        new_from[order],
        sustained,
    )


def _two_of_three(series: Series, abnormal: Flags, run: Places) -> Flags:
    """Return the abnormal entries of which two of any three in a row are, each step within the hours of a run."""
    found = np.zeros(len(series), bool)
    close = series.to_next <= run
    for steps in (1, 2):
        if len(series) <= steps:
            continue
        together = abnormal[:-steps] & abnormal[steps:] & close[:-steps]
        if steps > 1:
            together &= close[1:-1]
        found[:-steps] |= together
        found[steps:] |= together
    return found


def _again(series: Series, abnormal: Flags, again: Places) -> Flags:
    """Return the abnormal entries with another one of their series within so many seconds, before or after."""
    found = np.zeros(len(series), bool)
    entries = np.flatnonzero(abnormal)
    near = np.diff(series.line[entries]) <= again[entries[:-1]] if len(entries) else np.zeros(0, bool)
    near &= np.diff(series.line[entries] >> 36) == 0
    found[entries[:-1]] |= near
    found[entries[1:]] |= near
    return found


def _beside_another_test(series: Series, abnormal: Flags) -> Flags:
    """Return the abnormal entries with one of another test of the component within half an hour."""
    found = np.zeros(len(series), bool)
    entries = np.flatnonzero(abnormal)
    kinds = series.kinds[entries]
    for kind in np.unique(kinds).tolist():
        theirs = np.append(np.sort(series.axis[entries[kinds == kind]]), NEVER)
        others = entries[kinds != kind]
        mine = series.axis[others]
        after = np.searchsorted(theirs, mine - TOGETHER)
        found[others] |= theirs[after] <= mine + TOGETHER
    return found


def _sustained(
    series: Series, abnormal: Flags, in_run: Flags, memory: Memory
) -> tuple[Spans, Instants, Flags, Flags]:
    """Return the spans of sustained presence, and from when on an abnormal entry is new after each of them.

    With the abnormal entries in them, and those after their beginning.

    A lone entry begins none, but in one it counts: its test must be seen normal again as well.
    """
    back = recovery(series, abnormal, memory.forgets)
    inside = in_run
    while True:
        linked = chain(series, inside, back.over)
        more = inside | (abnormal & _inside(series.axis, linked.spans))
        if (more == inside).all():
            break
        inside = more
    gone = linked.spans.ends.copy()
    new_from = linked.spans.ends + 1  # at the second normal it is not yet over
    if len(gone):
        first = np.searchsorted(linked.number, np.arange(len(gone)))
        gone = np.maximum.reduceat(back.gone[linked.entries], first)
        last = np.maximum.reduceat(series.axis[linked.entries], first)
        new_from = np.maximum(new_from, last + memory.washout)
    goes_on = np.zeros(len(series), bool)
    goes_on[linked.entries] = series.axis[linked.entries] > linked.spans.starts[linked.number]
    return Spans(linked.spans.starts, gone), new_from, inside.copy(), goes_on


def _inside(axis: Instants, spans: Spans) -> Flags:
    """Return which instants lie in one of some disjoint, sorted spans, their ends among them."""
    last = np.searchsorted(spans.starts, axis, side="right") - 1
    return (last >= 0) & (axis <= np.append(spans.ends, -1)[last])


def _strictly_inside(axis: Instants, spans: Spans) -> Flags:
    """Return which instants lie in one of some spans that may overlap, after its start and before its end."""
    order = np.argsort(spans.starts, kind="stable")
    furthest = np.maximum.accumulate(spans.ends[order])
    last = np.searchsorted(spans.starts[order], axis, side="left") - 1
    return (last >= 0) & (axis < np.append(furthest, -1)[last])
