"""Which feed is to be mended first, where a look is a watch by what is in doubt alone."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from checks.signals import Verdict, near_rules
from checks.validation.catalogue.times import CLOCK, FUTURE

if TYPE_CHECKING:
    from checks.looks.path import Look

NO_TIME: Final = "no clock time"
"""What is named where rows tell the date alone: no check fails by it."""


@dataclass(frozen=True, slots=True)
class Repair:
    """So many rows of one feed, of participants whose cases are in doubt, and the check that they failed."""

    domain: str
    check: str
    rows: int


def first_repairs(look: "Look") -> tuple[Repair, ...]:
    """Return what is in doubt of the participants who make a look a watch, one entry a feed, most rows first.

    Nothing where the cases that are sure make it one as well, and where nothing of these participants is in doubt:
    then it is what was not measured.
    """
    settled = [replace(one, worst_case=one.verdict) for one in look.rules]
    if look.verdict is not Verdict.WATCH or near_rules(settled, look.protocol):
        return ()
    subjects = look.validation.unplaced | {
        one.USUBJID for one in look.cases if one.in_risk_window == "possible"
    }
    found: dict[str, Repair] = {}
    for one in sorted((*_withheld(look, subjects), *_untimed(look, subjects)), key=lambda one: -one.rows):
        found.setdefault(one.domain, one)
    return tuple(found.values())


def _withheld(look: "Look", subjects: Set[str]) -> Iterator[Repair]:
    rows = look.quarantine[look.quarantine["USUBJID"].isin(subjects) & (look.quarantine["check"] != FUTURE)]
    for (domain, check), some in rows.groupby(["domain", "check"], observed=True):
        yield Repair(str(domain), str(check), len(some))


def _untimed(look: "Look", subjects: Set[str]) -> Iterator[Repair]:
    """Yield the rows that count and whose time is a span: of doses, of measurements, and of events that are asked."""
    definition, seen, doses = look.protocol.case_definition, look.validation, look.doses
    terms = {term for part in definition.components.values() for term in part.terms}
    events, measured = seen.adverse_events, seen.measurements
    asked = events["term"].isin(terms) | events["verbatim"].isin(terms)
    tables = {
        "EX": doses.rename(columns={"start_earliest": "earliest", "start_latest": "latest"}),
        "AE": events[asked],
        **{domain: measured[measured["domain"] == domain] for domain, _ in definition.tests},
    }
    failed = {one.domain for one in seen.checks if one.name == CLOCK and one.outcome == "failed"}
    for domain, table in tables.items():
        rows = _spans(table, subjects)
        if rows:
            yield Repair(domain, CLOCK if domain in failed else NO_TIME, rows)


def _spans(table: pd.DataFrame, subjects: Set[str]) -> int:
    mine = table[table["trusted"] & table["USUBJID"].isin(subjects)]
    return int((mine["earliest"] < mine["latest"]).sum())
