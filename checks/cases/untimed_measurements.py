"""Measurements without an instant: one that may be abnormal is a possible onset of its own, whatever else is told.

Nobody knows which of the onsets of its day it would have been, nor whether it was worse than before. It joins,
explains and hinders nothing that is known better; rows of one stamp are one onset.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from checks.cases.charts import Charts, measurement_labels
from checks.cases.components import MeasuredComponent
from checks.cases.measured_onsets import Why
from checks.cases.onsets import Onset
from checks.cases.series import NEVER, is_of
from checks.cases.spans import HOUR, SECONDS_BITS, Instants, place, seconds, subject_codes
from checks.criteria import Amounts
from checks.protocol.case_definition import Component


@dataclass(frozen=True, slots=True)
class Untimed:
    """The onset that rows of one stamp may be, and when the component may have been present."""

    onset: Onset
    present: tuple[int, int]


def untimed_measurements(
    component: Component, measured: MeasuredComponent, charts: Charts
) -> Mapping[int, Sequence[Untimed]]:
    """Return what the measurements without an instant may show of each subject code.

    The component may have begun since the test was last measured before (as of every onset, ``fresh_hours`` before
    where it was not), and may be present until it is measured next.
    """
    rows = _perhaps_abnormal(component, charts)
    codes = subject_codes(rows["USUBJID"], charts.known)
    earliest, latest = (place(codes, seconds(rows[name])) for name in ("earliest", "latest"))
    begins, until = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for kind, test in enumerate(measured.tests):
        mine = np.ones(len(rows), bool) if component.all_of else is_of(rows, test)
        axis = measured.series.axis[measured.series.kinds == kind]
        begins[mine] = _last_before(axis, earliest[mine], int(measured.memory.fresh[kind]))
        until[mine] = _next_after(axis, latest[mine])
    stamps: dict[tuple[int, int, int], list[tuple[int, int, str]]] = defaultdict(list)
    columns = (codes, earliest, latest, begins, until)
    labels = measurement_labels(rows).tolist()
    for code, first, last, since, after, label in zip(
        *(one.tolist() for one in columns), labels, strict=True
    ):
        if code >= 0:
            stamps[code, first, last].append((since, after, label))
    found: dict[int, list[Untimed]] = defaultdict(list)
    for (code, first, last), told in stamps.items():
        found[code].append(_of_one_stamp(first, last, told))
    return found


def _of_one_stamp(earliest: int, latest: int, told: Sequence[tuple[int, int, str]]) -> Untimed:
    begins, until, labels = zip(*told, strict=True)
    onset = Onset(
        min(begins),
        latest,
        latest,
        definite=False,
        why=Why.UNTIMED,
        evidence=labels,
        instant=False,
        timed=latest - earliest < HOUR,
    )
    return Untimed(onset, (earliest, max(until)))


def _perhaps_abnormal(component: Component, charts: Charts) -> pd.DataFrame:
    """Return the measurements without an instant that could meet a criterion, if not by which reference."""
    rows = charts.measurements[charts.measurements["earliest"] < charts.measurements["latest"]]
    possible = np.zeros(len(rows), bool)
    if len(rows):
        limits = rows["upper_limit"].to_numpy()
        amounts, others = (Amounts(rows[name].to_numpy(), limits) for name in ("value", "alternative"))
        for one in component.measured:
            perhaps = one.within_bound(amounts) | one.within_bound(others) | ~one.comparable(amounts)
            possible |= is_of(rows, one.test) & perhaps
    return rows[possible]


def _last_before(axis: Instants, instants: Instants, otherwise: int) -> Instants:
    """Return the last of the instants on the axis before each of some, or so many seconds before it."""
    before = np.append(axis, NEVER)[np.searchsorted(axis, instants) - 1]
    same = before >> SECONDS_BITS == instants >> SECONDS_BITS
    return np.where(same, before, instants - otherwise)


def _next_after(axis: Instants, instants: Instants) -> Instants:
    """Return the next of the instants on the axis after each of some; beyond all where none follows."""
    after = np.append(axis, NEVER)[np.searchsorted(axis, instants, side="right")]
    same = after >> SECONDS_BITS == instants >> SECONDS_BITS
    return np.where(same, after, NEVER)
