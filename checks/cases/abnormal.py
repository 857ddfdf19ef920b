"""Which measurements are abnormal by the criteria of a component, relative ones against the subject's hours before.

A relative criterion refers to the median of the same test in the baseline hours before the measurement. From the
first abnormal one of an episode on the reference is frozen, so that an episode does not become its own normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checks.cases.episodes import chain, recovery
from checks.cases.series import Flags, Places, Series, Test, Values, named_tests, trailing_medians
from checks.cases.spans import SECONDS_BITS
from checks.criteria import Amounts, Measured

ROOM_AIR = 0.21
"""Fraction of oxygen in room air, as it is charted: what inspired oxygen is raised from where none was charted."""

INSPIRED_OXYGEN: Test = ("VS", "FIO2")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which entries of a component's series are abnormal, and which only if room air was breathed before."""

    abnormal: Flags
    guessed: Flags


def judge(
    series: Series, criteria: Sequence[Measured], *, baseline: int, washout: int, forgets: int
) -> Judgement:
    """Judge the entries of one component, any of whose criteria makes it abnormal.

    Parameters
    ----------
    series
        Its entries.
    criteria
        Its criteria.
    baseline, washout
        Seconds before an entry that a relative criterion refers to; seconds that a component must have been gone. A
        reference stays frozen for both together at most.
    forgets
        Seconds after which an abnormal entry is forgotten that none followed.
    """
    tests = named_tests(criteria)
    absolute = _absolutely(series, criteria, tests)
    relative = [one for one in criteria if one.relative]
    if not relative:
        return Judgement(absolute, np.zeros(len(series), bool))
    suspect = np.zeros(len(series), bool)
    for one in relative:
        suspect |= (series.kinds == tests.index(one.test)) & _bound_met(one, series)
    asked = np.flatnonzero(suspect | absolute)
    trailing = np.full(len(series), np.nan)
    trailing[asked] = trailing_medians(series, asked, baseline)
    guess = np.isnan(trailing) & np.isin(series.kinds, _places(tests, INSPIRED_OXYGEN))
    trailing[guess] = ROOM_AIR

    def abnormal_against(references: Values) -> Flags:
        met = absolute.copy()
        for one in relative:
            mine = np.flatnonzero(suspect & (series.kinds == tests.index(one.test)))
            worst = (series.highs if one.rises else series.lows)[mine]
            met[mine] |= one.met(Amounts(worst, np.full(len(mine), np.nan)), references[mine])
        return met

    abnormal = abnormal_against(trailing)
    while True:
        # each judgement rests on earlier ones alone: every pass settles one more episode, and the rest at once
        source = _frozen_at(series, abnormal, baseline + washout, forgets)
        settled = abnormal_against(trailing[source])
        if (settled == abnormal).all():
            break
        abnormal = settled
    return Judgement(abnormal, abnormal & ~absolute & guess[source])


def _places(tests: Sequence[Test], wanted: Test) -> list[int]:
    return [place for place, test in enumerate(tests) if test == wanted]


def _bound_met(criterion: Measured, series: Series) -> Flags:
    worst = series.highs if criterion.rises else series.lows
    return criterion.within_bound(Amounts(worst, np.full(len(series), np.nan)))


def _absolutely(series: Series, criteria: Sequence[Measured], tests: Sequence[Test]) -> Flags:
    """Return the entries of which a row meets a criterion without a reference, or cannot be ruled out."""
    rows = series.rows
    met = rows.perhaps_abnormal.copy()
    for one in criteria:
        if not one.relative:
            mine = rows.kinds == tests.index(one.test)
            met |= mine & one.within_bound(Amounts(rows.values, rows.upper_limits))
    return np.logical_or.reduceat(met, series.first_row) if len(series) else met


def _frozen_at(series: Series, abnormal: Flags, longest: int, forgets: int) -> Places:
    """Return for each entry the one whose reference it is held against: its own, or that of its episode's first.

    An episode freezes the reference of a test at the first abnormal entry of the test in it, until it is known to be
    over, and at most for the ``longest`` time; then the next abnormal entry freezes anew.
    """
    source = np.arange(len(series))
    linked = chain(series, abnormal, recovery(series, abnormal, forgets).over)
    if not len(linked.entries):
        return source
    order = np.argsort(linked.entries)  # by series, then time: of one episode and test they are neighbours
    entries, number = linked.entries[order], linked.number[order]
    line = series.line
    own = (line[entries] >> SECONDS_BITS, number)
    changes = np.append(True, (np.diff(own[0]) != 0) | (np.diff(own[1]) != 0))
    group = np.cumsum(changes) - 1
    beyond = np.append(np.flatnonzero(changes)[1:], len(entries))[group]
    starts = np.flatnonzero(changes)
    freezes = [starts]
    while len(starts):
        # where the longest time has passed, the next abnormal entry of the same episode freezes anew
        following = np.searchsorted(line[entries], line[entries[starts]] + longest, side="right")
        starts = following[following < beyond[starts]]
        freezes.append(starts)
    first = np.sort(np.concatenate(freezes))
    begins = entries[first]
    until = np.minimum(
        line[begins] + longest,
        line[begins] + (linked.spans.ends[number[first]] - series.axis[begins]),
    )
    last = np.searchsorted(line[begins], line, side="left") - 1
    held = (last >= 0) & (line <= np.append(until, -1)[last])
    return np.where(held, begins[last], source)
