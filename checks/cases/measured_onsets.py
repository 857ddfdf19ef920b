"""Onsets by measurement: when a component is new, or clearly worse than the subject's own hours before.

The work is done on arrays of all subjects at once; only abnormal measurements are asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from checks.cases.abnormal import Judgement
from checks.cases.episodes import Episodes, Memory
from checks.cases.series import LONG_AGO, NEVER, Flags, Places, Series, Values
from checks.cases.spans import SECONDS_BITS, Instants, distinct

SLACK = 1e-9
"""Differences of charted decimals are compared to a billionth: 40.4 - 38.4 falls short of 2.0 in binary."""


class Why(StrEnum):
    """Why a component counts as begun."""

    NEW = "new"
    WORSE = "worse"
    LONE = "lone"
    BACK = "back"
    UNSEEN = "unseen"
    """No normal measurement of the same test lies before it that is fresh enough."""
    ROOM_AIR = "room_air"
    REPORTED = "reported"
    UNTIMED = "untimed"
    """Shown by a measurement without an instant."""
    HALF = "half"


@dataclass(frozen=True, slots=True)
class Worsening:
    """How far one test must go beyond the washout, in the direction of harm (1 rises, -1 falls)."""

    kind: int
    direction: int
    by: float
    share: float


@dataclass(frozen=True, slots=True)
class MeasuredOnsets:
    """Onsets of one component, ordered by subject and time; ``entries`` are places in its series.

    It began between ``earliest`` and ``seen``, when it was first seen.
    """

    entries: Places
    earliest: Instants
    seen: Instants
    definite: Flags
    provisional: Flags
    why: np.ndarray[tuple[int], np.dtype[np.object_]]


def measured_onsets(
    series: Series,
    judged: Judgement,
    found: Episodes,
    memory: Memory,
    worsenings: Sequence[Worsening],
) -> MeasuredOnsets:
    """Return the onsets of one component: at most one at each instant of a subject, a definite one first.

    Where several tests begin at one instant it began after the latest of their normal measurements.
    """
    parts = [_new(series, judged, found, memory)]
    parts += [_worse(series, judged.abnormal, found, memory, one) for one in worsenings]
    every = _joined(parts)
    rank = np.array([_RANK.index(one) for one in every.why], np.int64)
    order = np.lexsort((rank, ~every.definite, every.seen))
    first = np.flatnonzero(np.append(True, np.diff(every.seen[order]) != 0)[: len(order)])
    after_normal = ~judged.abnormal[every.entries - 1] & ~series.first[every.entries]
    if not len(first):
        return every
    begins = np.where(after_normal, every.earliest, LONG_AGO)[order]
    latest, known = np.maximum.reduceat(every.earliest[order], first), np.maximum.reduceat(begins, first)
    chosen = _taken(every, order[first])
    return replace(chosen, earliest=np.where(known > LONG_AGO, known, latest))


_RANK = (Why.NEW, Why.WORSE, Why.BACK, Why.UNSEEN, Why.ROOM_AIR, Why.LONE)
"""Of two onsets at one instant that are as sure as one another the first of these is told."""


def _taken(some: MeasuredOnsets, places: Places) -> MeasuredOnsets:
    return MeasuredOnsets(*(getattr(some, name)[places] for name in MeasuredOnsets.__slots__))


def _joined(parts: Sequence[MeasuredOnsets]) -> MeasuredOnsets:
    return MeasuredOnsets(
        *(np.concatenate([getattr(one, name) for one in parts]) for name in MeasuredOnsets.__slots__)
    )


def _new(series: Series, judged: Judgement, found: Episodes, memory: Memory) -> MeasuredOnsets:
    """Return the abnormal entries at which the component was not present before."""
    entries = np.flatnonzero(judged.abnormal & ~found.goes_on)
    seen, kinds = series.axis[entries], series.kinds[entries]
    since_shown = seen - _last_shown(series, found)[entries]
    previous = np.where(series.first[entries], LONG_AGO, series.axis[entries - 1])
    normal_before = ~series.first[entries] & ~judged.abnormal[entries - 1]
    fresh = normal_before & (series.since_previous[entries] <= memory.fresh[kinds])
    stands, back, guessed = found.stands[entries], since_shown < memory.washout, judged.guessed[entries]
    why = np.select(
        [~stands, back, guessed, ~fresh],
        [Why.LONE, Why.BACK, Why.ROOM_AIR, Why.UNSEEN],
        Why.NEW,
    ).astype(object)
    return MeasuredOnsets(
        entries,
        np.where(previous == LONG_AGO, seen - memory.fresh[kinds], previous),
        seen,
        stands & fresh & ~back & ~guessed,
        found.provisional[entries],
        why,
    )


def _last_shown(series: Series, found: Episodes) -> Instants:
    """Return the last instant before each entry at which its subject showed the component; long ago without one."""
    shown = np.append(distinct(series.axis[found.shows]), NEVER)
    last = np.searchsorted(shown, series.axis, side="left") - 1
    same = (last >= 0) & (shown[last] >> SECONDS_BITS == series.axis >> SECONDS_BITS)
    # as far back as the axis of any subject reaches, and no further: differences must not overflow
    return np.where(same, shown[last], series.axis - (1 << SECONDS_BITS))


def _worse(
    series: Series, abnormal: Flags, found: Episodes, memory: Memory, worsening: Worsening
) -> MeasuredOnsets:
    """Return the entries from which one test is clearly beyond what two in a row showed in the washout.

    The level is the milder of two in a row, or that of one that none follows in time. It is held against the milder
    of every two in a row within the washout, and of this one with the one before. Where the component is gone, but
    for less than the washout, what came before its last abnormal measurement counts as well: to be worse it must be
    beyond the episode that it comes back from.
    """
    levels = worsening.direction * (series.highs if worsening.direction > 0 else series.lows)
    following = np.append(levels[1:], np.nan)[: len(series)]
    alone = series.to_next > memory.confirm[worsening.kind]
    asked = abnormal & (series.kinds == worsening.kind) & ~series.first
    asked &= alone | np.append(abnormal[1:], False)[: len(series)]
    entries = np.flatnonzero(asked)
    entries = entries[_was_present(series.axis[entries], found, memory.washout)]
    level = np.where(alone, levels, np.minimum(levels, following))[entries]
    shown = np.where(found.goes_on, series.axis, _last_shown(series, found))[entries]
    since = series.line[entries] - (series.axis[entries] - shown) - memory.washout
    base = _highest_before(series, levels, entries, since)
    beyond = level - base >= worsening.by - SLACK
    beyond &= level - base >= worsening.share * np.abs(base) - SLACK
    entries = entries[beyond]
    seen, age = series.axis[entries], series.since_previous[entries]
    return MeasuredOnsets(
        entries,
        seen - age,
        seen,
        age <= memory.fresh[worsening.kind],
        found.provisional[entries],
        np.full(len(entries), Why.WORSE, dtype=object),
    )


def _was_present(axis: Instants, found: Episodes, washout: int) -> Flags:
    """Return at which instants the component was present at some time in the washout before."""
    starts, ends = found.present
    furthest = np.append(np.maximum.accumulate(ends), LONG_AGO)
    last = np.searchsorted(starts, axis, side="left") - 1
    return np.where(last >= 0, furthest[last], LONG_AGO) > axis - washout


def _highest_before(series: Series, levels: Values, entries: Places, since: Instants) -> Values:
    """Return, before each entry, the highest level that two in a row showed since then, or up to this one."""
    pairs = np.minimum(levels[:-1], levels[1:])  # of an entry and the next
    first = np.searchsorted(series.line, since)
    begins = np.maximum.accumulate(np.where(series.first, np.arange(len(series)), 0))[entries]
    first = np.minimum(np.maximum(first, begins), entries - 1)
    return _range_maxima(pairs, first, entries)


def _range_maxima(values: Values, first: Places, after: Places) -> Values:
    """Return the highest of ``values[first:after]`` for each range, none empty, by doubling."""
    found = np.full(len(first), -np.inf)
    widths = after - first
    for width, table in _doubled(values, int(widths.max(initial=0))):
        mine = np.flatnonzero((widths >= width) & (widths < 2 * width))
        found[mine] = np.maximum(table[first[mine]], table[after[mine] - width])
    return found


def _doubled(values: Values, longest: int) -> Iterator[tuple[int, Values]]:
    """Yield the highest of each run of 1, 2, 4, ... values, up to the longest."""
    width, table = 1, values
    while width <= longest:
        yield width, table
        table = np.maximum(table[:-width], table[width:]) if len(table) > width else table
        width *= 2
