"""The search for cases divided by subject, and what was found in the parts put together.

A case, a control event, an observed hour is one subject's alone, so the parts together find what the whole does:
exactly, to the order of every table and the last digit of every sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import pandas as pd

from checks.cases.accrued_hours import hours_accrued
from checks.cases.case_finding import Findings, find_cases, hours_in_risk
from checks.cases.charts import Charts
from checks.cases.dose_windows import DOSES
from checks.partition import divide, rows_by_part
from checks.protocol import StudyProtocol


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
    accrual = tuple(sorted(chain.from_iterable(one.control_accrual for one in found)))
    cases = chain.from_iterable(one.cases for one in found)
    events = chain.from_iterable(one.control_events for one in found)
    hours = chain.from_iterable(one.dose_hours for one in found)
    return Findings(
        doses=doses,
        # stable sorts: what is alike is of one subject, and in the order of its part
        cases=tuple(sorted(cases, key=lambda one: (one.USUBJID, one.dose_start, one.onset_hours[1]))),
        control_events=tuple(sorted(events, key=lambda one: one.USUBJID)),
        hours_in_risk=hours_in_risk(doses),
        hours_in_control=hours_accrued(accrual),
        dose_hours=tuple(sorted(hours, key=lambda one: (one.USUBJID, one.dose_number))),
        control_accrual=accrual,
        data_cutoff=found[0].data_cutoff,
    )
