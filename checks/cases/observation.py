"""Observation and opportunity: when a new event of a subject could have been seen, and under which hour.

An instant is observed when, for each component, it lies between two measurements of one of its tests that are no
further apart than the test stays fresh. An onset there would have been dated between these two, where the second
is of a period up to its end: the instant counts under the hour of their middle. Events and the hours they are held
against move together, whatever the charting.

Where charting may react to an event, a temperature being taken because distress was seen, the chart is taken once
more: as if the other components were measured whenever an event was first seen. That one was measured in reaction
moves nothing then: it is what is supposed of every instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from checks.cases.abnormal import INSPIRED_OXYGEN
from checks.cases.components import MeasuredComponent
from checks.cases.composites import Composites
from checks.cases.measured_onsets import Why
from checks.cases.pairing import Composite
from checks.cases.series import NEVER, Flags
from checks.cases.spans import SECONDS_BITS, Instants, Spans, covers, distinct, in_seconds, place, union
from checks.protocol import StudyProtocol


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of time between one measurement and the next, of all subjects; ordered by subject and time.

    ``observed`` says that every component was; ``able`` that a new event could have been counted; ``middle`` is the
    instant that it would have been given, on the axis.
    """

    starts: Instants
    ends: Instants
    observed: Flags
    able: Flags
    middle: Instants

    def able_at(self, instants: Instants) -> Flags:
        """Return at which instants a new event could be counted; a stretch holds its end, not its start."""
        place = np.searchsorted(self.ends, instants)
        return np.asarray(
            np.append(self.able, False)[place] & (np.append(self.starts, NEVER)[place] < instants)
        )

    def observed_spans(self) -> Spans:
        """Return the disjoint, sorted spans in which every component was observed."""
        return union(Spans(self.starts[self.observed], self.ends[self.observed]))


class Gap(NamedTuple):
    """Of each stretch the measurement before it and the one that would show a new event in it.

    ``begins`` is -1, and ``sees`` beyond all instants, where none would; it may be ``observed`` nevertheless. The
    event would have begun by ``until``: when it is seen, or the end of the period that shows it.
    """

    begins: Instants
    sees: Instants
    until: Instants
    observed: Flags


@dataclass(frozen=True, slots=True)
class Observer:
    """One component as it observes: its measurements, and the spans in which none of them could show it new.

    ``blind`` are disjoint and sorted: the component was present or in its washout, but for the events that are
    counted, which are filled in as absent. They blind the tests that have no worse onset.
    """

    measured: MeasuredComponent
    blind: Spans


def observe(
    found: Composites,
    edges: Instants,
    died: Instants,
    protocol: StudyProtocol,
    data_cutoff: datetime,
    *,
    reacting: bool = False,
) -> Stretches:
    """Return the stretches of all subjects beside the cases that were found.

    Parameters
    ----------
    found
        The cases, and what the measurements of each component say.
    edges
        Instants on the axis at which windows of doses begin or end.
    died
        By subject code: the instant of death on the axis; beyond all others for the living.
    protocol, data_cutoff
        The case definition and the lag of reports; the only "now".
    reacting
        Whether the other components count as measured whenever one would first have shown an event.
    """
    definition = protocol.case_definition
    told_alone = any(not component.measured for component in definition.components.values())
    lag = in_seconds(protocol.reporting_lag_hours) if told_alone else 0
    everyone = np.arange(len(died), dtype=np.int64)
    cutoff = place(everyone, np.full(len(died), int(data_cutoff.timestamp()) - lag))
    observers = [
        Observer(part, _blind(name, part, found.cases))
        for name, part in found.measured.items()
        if definition.components[name].measured
    ]
    return stretches(
        observers,
        np.minimum(cutoff, died),
        within=in_seconds(definition.onsets_within_hours),
        splits=edges if told_alone else None,
        reacting=reacting,
    )


def _blind(name: str, part: MeasuredComponent, cases: Sequence[Composite]) -> Spans:
    """Return when a component was present or in its washout, without the presences that counted cases began."""
    starts = part.episodes.present.starts
    counted = [case.onsets[name].seen for case in cases if case.definite and case.onsets[name].why is Why.NEW]
    first = np.searchsorted(
        starts, np.array(counted, np.int64)
    )  # a line may say that it began before it was measured
    other = ~np.isin(np.arange(len(starts)), first)
    return union(
        Spans(starts[other] + 1, part.episodes.new_from[other])
    )  # the first of it is the event itself


def stretches(
    observers: Sequence[Observer],
    until: Instants,
    *,
    within: int,
    splits: Instants | None,
    reacting: bool,
) -> Stretches:
    """Return the stretches of all subjects.

    Parameters
    ----------
    observers
        The components that have tests.
    until
        By subject code: the instant on the axis at which observation ends, by death or the data cut-off.
    within
        Seconds between the onsets of a case at most.
    splits
        Where a component has terms alone, a report has its own instant, and so has a new event: then an instant
        counts under its own hour, and no stretch holds one of these edges. None: every component has tests.
    reacting
        Whether the other components count as measured whenever one would first have shown an event. A report calls
        for none.
    """
    axes = [one.measured.series.axis for one in observers]
    begins = np.arange(len(until), dtype=np.int64) << SECONDS_BITS
    instants = distinct(np.concatenate([*axes, until, *(() if splits is None else (splits, begins))]))
    instants = instants[instants <= until[np.minimum(instants >> SECONDS_BITS, len(until) - 1)]]
    pairs = instants[:-1] >> SECONDS_BITS == instants[1:] >> SECONDS_BITS
    starts, ends = instants[:-1][pairs], instants[1:][pairs]
    gaps = [_gap(one, starts, ends) for one in observers]
    if reacting and gaps:
        gaps = _as_if_called_for(observers, gaps, starts, ends)
    observed = np.ones(len(ends), bool)
    for gap in gaps:
        observed &= gap.observed
    if not gaps:
        return Stretches(starts, ends, observed, observed, (starts + ends) // 2)
    begins, sees = np.stack([gap.begins for gap in gaps]), np.stack([gap.sees for gap in gaps])
    able = observed & (begins.min(axis=0) >= 0) & (sees.max(axis=0) - sees.min(axis=0) <= within)
    earliest, latest = begins.max(axis=0), np.stack([gap.until for gap in gaps]).max(axis=0)
    middle = (earliest + latest) // 2 if splits is None else (starts + ends) // 2
    return Stretches(starts, ends, observed, able, middle)


def _as_if_called_for(
    observers: Sequence[Observer], gaps: Sequence[Gap], starts: Instants, ends: Instants
) -> list[Gap]:
    """Return the gaps as if every component were measured when the first of them would have shown an event.

    The one that shows it first keeps its gap; what is asked of the others is a measurement before, fresh by then.
    """
    shown = np.stack([gap.sees for gap in gaps]).min(axis=0)
    found = []
    for observer, gap in zip(observers, gaps, strict=True):
        called_for = _gap(observer, starts, ends, shown)
        first = gap.sees == shown
        found.append(Gap(*(np.where(first, one, other) for one, other in zip(gap, called_for, strict=True))))
    return found


def _gap(observer: Observer, starts: Instants, ends: Instants, called_for: Instants | None = None) -> Gap:
    """Return, for each stretch, the two measurements between which an onset in it would be dated.

    Of several tests it is that which would have seen it first, and of those the one last seen before. Each test
    counts as measured at the instants ``called_for`` as well.
    """
    part = observer.measured
    kinds = [kind for kind, test in enumerate(part.tests) if test != INSPIRED_OXYGEN]
    begins, sees, observed = np.full(len(ends), -1), np.full(len(ends), NEVER), np.zeros(len(ends), bool)
    until = sees
    for kind in kinds or range(len(part.tests)):
        mine = part.series.kinds == kind
        axis, reach = (np.append(one[mine], NEVER) for one in (part.series.axis, part.reach))
        after = np.searchsorted(axis, ends)
        next_one, previous, begun = axis[after], axis[after - 1], reach[after]
        if called_for is not None:
            begun = np.where(called_for < next_one, called_for, begun)
            next_one = np.minimum(next_one, called_for)
        fresh = (after > 0) & (next_one - previous <= part.memory.fresh[kind])
        observed |= fresh
        if kind not in part.can_worsen:
            fresh &= ~covers(observer.blind, next_one)
        better = fresh & ((next_one < sees) | ((next_one == sees) & (previous > begins)))
        begins, sees = np.where(better, previous, begins), np.where(better, next_one, sees)
        until = np.where(better, begun, until)
    return Gap(begins, sees, until, observed)
