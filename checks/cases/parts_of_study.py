"""The search for cases divided by subject, and what was found in the parts put together.

A case, a control event, an observed hour is one subject's alone, and a subject is wholly in one part, so the parts
together find what the whole does: exactly, to the order of every table and the last digit of every sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.case_finding import Findings, find_cases
from checks.cases.charts import Charts
from checks.cases.dose_windows import DOSES
from checks.cases.opportunity import DoseOpportunity
from checks.protocol import StudyProtocol

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Division:
    """The part of each subject, from 0 to ``parts`` - 1; subjects without a row, and blank ones, are in the first."""

    subjects: pd.Index
    part: Integers
    parts: int

    def of(self, subjects: "pd.Series[str]") -> Integers:
        """Return the part of each row, by its subject."""
        codes, names = pd.factorize(subjects)
        place = self.subjects.get_indexer(pd.Index(names))
        known = np.append(self.part, 0)[place]  # -1, a subject without a row, is the last of it
        found: Integers = np.append(known, 0)[codes]
        return found


def divide(subjects: "pd.Series[str]", most: int) -> Division:
    """Divide the subjects of the longest table's rows into at most so many parts, of about as many rows each.

    There are never more parts than subjects; ``most`` is at least 1.
    """
    codes, names = pd.factorize(subjects)
    parts = max(1, min(most, len(names)))
    rows = np.bincount(codes[codes >= 0], minlength=len(names))
    middle = np.cumsum(rows) - rows / 2
    part = (middle * parts / max(1, rows.sum())).astype(np.int64)
    return Division(pd.Index(names), np.minimum(part, parts - 1), parts)


def rows_by_part(part: Integers, parts: int) -> list[Integers]:
    """Return the positions of the rows of each part, in their order."""
    order = np.argsort(part, kind="stable").astype(np.int64)
    return np.split(order, np.searchsorted(part[order], np.arange(1, parts)))


@dataclass(frozen=True, slots=True)
class Part:
    """Doses and charts of some subjects: all that is known of them, and nothing of others."""

    administrations: pd.DataFrame
    charts: Charts


def divide_by_subject(administrations: pd.DataFrame, charts: Charts, most: int) -> tuple[Part, ...]:
    """Divide doses and charts into at most so many parts, of about as many measurements each.

    Parameters
    ----------
    administrations, charts
        As ``find_cases`` takes them.
    most
        The largest number of parts; with 1 nothing is copied.
    """
    if most == 1:
        return (Part(administrations, charts),)
    division = divide(charts.measurements["USUBJID"], most)
    tables = (administrations, charts.measurements, charts.adverse_events)
    rows = [rows_by_part(division.of(table["USUBJID"]), division.parts) for table in tables]
    known = rows_by_part(division.of(pd.Series(charts.known, dtype="str")), division.parts)
    parts = []
    for number in range(division.parts):
        doses, measurements, events = (
            table.take(mine[number]).reset_index(drop=True) for table, mine in zip(tables, rows, strict=True)
        )
        some = replace(
            charts, measurements=measurements, adverse_events=events, known=charts.known.take(known[number])
        )
        parts.append(Part(doses, some))
    return tuple(parts)


def find_in_part(part: Part, protocol: StudyProtocol, data_cutoff: datetime) -> Findings:
    """Return what ``find_cases`` finds of the subjects of one part."""
    return find_cases(part.administrations, part.charts, protocol, data_cutoff)


def put_together(found: Sequence[Findings]) -> Findings:
    """Return what was found in the parts of one study as ``find_cases`` finds it in the whole.

    Parameters
    ----------
    found
        At least one, all of one data cut-off; the parts may come in any order.
    """
    doses = pd.concat([one.doses for one in found]).sort_values(["USUBJID", "dose_number"], kind="stable")
    doses = DOSES.conform(doses)
    cases = chain.from_iterable(one.cases for one in found)
    events = chain.from_iterable(one.control_events for one in found)
    return Findings(
        doses=doses,
        # stable sorts: what is alike is of one subject, and in the order of its part
        cases=tuple(sorted(cases, key=lambda one: (one.USUBJID, one.dose_start, one.onset_hours[1]))),
        control_events=tuple(sorted(events, key=lambda one: (one.USUBJID, one.seen))),
        opportunities=_by_dose(one.opportunities for one in found),
        reacting=_by_dose(one.reacting for one in found),
        data_cutoff=found[0].data_cutoff,
        seconds_in_risk=sum(one.seconds_in_risk for one in found),
    )


def _by_dose(parts: Iterable[tuple[DoseOpportunity, ...]]) -> tuple[DoseOpportunity, ...]:
    return tuple(sorted(chain.from_iterable(parts), key=lambda one: (one.USUBJID, one.dose_number)))
