"""Read a chart, the small table in which the worked examples are written, and look at it.

A chart has one line a subject's dose, vital or adverse event, then stamps with values::

    dose    08:00
    TEMP    07:00 37.0   13:00 37.1   14:00 38.5
    AE      14:10 PYREXIA   2/ DYSPNOEA   16:00 DYSPNOEA~18:00#2

Stamps are UTC: ``14:00`` is on day 1, ``2/14:00`` on day 2, ``2/`` is day 2 without a time, ``14h`` the hour from
14:00, and ``13:00..16:00`` is every hour from the one to the other (``@4``: every fourth, ``@0.5``: every half). A
question mark after a value (or after the stamp of a dose) is a row in quarantine; ``101.3|38.5?`` would be 38.5 in
another unit. ``~18:00`` ends an adverse event, ``#2`` is its grade. A laboratory test is written ``LB:LYM``, its
result beside its upper limit of normal: ``11.0/4.0``, and ``11.0/`` where that was not given.

``look`` is the package's; ``rows`` and ``whole`` tell each chart twice, by the package and by the slow count of
``tests/words``, which knows of no periods: ``37.0~1`` is the value of the hour that begins with its stamp.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from words.charted import Chart, Line, Measured
from words_in_tables import DAY_ONE, Row, definition_of, package_look, slow_look, table, usual_protocol

from checks.cases import Charts, Findings
from checks.cases.case_finding import find_cases
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

Look = Callable[..., Findings]
Rows = Callable[..., list[Row]]
Whole = Callable[..., dict[str, Any]]
Cells = Mapping[str, Any]


def stamp(text: str) -> tuple[datetime, datetime]:
    day, _, clock = text.rpartition("/") if "/" in text else ("1", "", text)
    midnight = DAY_ONE + timedelta(days=int(day) - 1)
    if not clock:
        return midnight, midnight + timedelta(days=1, seconds=-1)
    if clock.endswith("h"):
        hour = midnight + timedelta(hours=int(clock.removesuffix("h")))
        return hour, hour + timedelta(hours=1, seconds=-1)
    hours, minutes = (int(part) for part in clock.split(":"))
    instant = midnight + timedelta(hours=hours, minutes=minutes)
    return instant, instant


def stamps(text: str) -> list[tuple[datetime, datetime]]:
    span, _, step = text.partition("@")
    first, _, last = span.partition("..")
    if not last:
        return [stamp(text)]
    begin, end = stamp(first)[0], stamp(last)[0]
    each = timedelta(hours=float(step or 1))
    return [(begin + place * each,) * 2 for place in range((end - begin) // each + 1)]


def rows_of(chart: str, subject: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row of a chart: of which table, and its cells by column."""
    for line in filter(None, map(str.strip, chart.splitlines())):
        what, *cells = line.split()
        if what == "dose":
            for place, cell in enumerate(cells, start=1):
                span = dict(zip(("earliest", "latest"), stamp(cell.rstrip("?")), strict=True))
                yield (
                    "doses",
                    {"USUBJID": subject, "EXSEQ": str(place), **span, "trusted": not cell.endswith("?")},
                )
            continue
        charted = [
            (when, cell, value)
            for cell, value in zip(cells[::2], cells[1::2], strict=True)
            for when in stamps(cell)
        ]
        for place, ((earliest, latest), cell, charted_value) in enumerate(charted, start=1):
            row = {"USUBJID": subject, "earliest": earliest, "latest": latest}
            row |= {"trusted": not charted_value.endswith("?")}
            value = charted_value.rstrip("?")
            if what == "AE":
                timed = {"timed": not cell.endswith("/")}
                yield "reports", {**row, "AESEQ": str(place), **timed, **adverse_event(value)}
            else:
                value, _, hours = value.partition("~")
                period = {"until": earliest + timedelta(hours=float(hours))} if hours else {}
                yield "measurements", {**row, **period, **measurement(what, place, value)}


def adverse_event(text: str) -> dict[str, Any]:
    told, _, grade = text.partition("#")
    term, _, end = told.partition("~")
    row: dict[str, Any] = {"term": term.replace("_", " ").casefold(), "grade": grade}
    return row | (dict(zip(("ends_earliest", "ends_latest"), stamp(end), strict=True)) if end else {})


def measurement(what: str, place: int, text: str) -> dict[str, Any]:
    if what.startswith("LB:"):
        test, (result, _, limit) = what.removeprefix("LB:"), text.partition("/")
        row = {"domain": "LB", "sequence": f"{test}-{place}", "test": test, "unit": "10^9/L"}
        return {**row, "value": float(result), "upper_limit": float(limit or np.nan)}
    value, _, other = text.partition("|")
    row = {"domain": "VS", "sequence": f"{what}-{place}", "test": what}
    return {**row, "value": float(value), "alternative": float(other) if other else np.nan}


@pytest.fixture(scope="session")
def protocol() -> StudyProtocol:
    """The case definition and windows of the contract's example."""
    return usual_protocol()


@pytest.fixture
def look(protocol: StudyProtocol) -> Look:
    """Look at one chart a subject; the data cut-off is long after, unless the example says otherwise."""

    def at(*charts: str, data_cutoff: str = "12/00:00", under: StudyProtocol = protocol) -> Findings:
        found: dict[str, list[dict[str, Any]]] = {"doses": [], "measurements": [], "reports": []}
        names = [f"S{place}" for place in range(1, len(charts) + 1)]
        known = stamp(data_cutoff)[0]
        for name, chart in zip(names, charts, strict=True):
            for which, row in rows_of(chart, name):
                if row["earliest"] <= known:  # as feeds are validated
                    found[which].append(row)
        tables = (table(MEASUREMENTS, found["measurements"]), table(ADVERSE_EVENTS, found["reports"]))
        charted = Charts(*tables, pd.Index(names))
        return find_cases(table(ADMINISTRATIONS, found["doses"]), charted, under, known)

    return at


@pytest.fixture(params=["by the package", "by the words"])
def whole(request: pytest.FixtureRequest, look: Look, protocol: StudyProtocol) -> Whole:
    """Return all that is found in one chart, by the package or by the slow count, in one form."""

    def by_the_package(
        chart: str, *, data_cutoff: str = "12/00:00", under: StudyProtocol = protocol
    ) -> dict[str, Any]:
        return package_look(look(chart, data_cutoff=data_cutoff, under=under), "S1")

    def by_the_words(
        chart: str, *, data_cutoff: str = "12/00:00", under: StudyProtocol = protocol
    ) -> dict[str, Any]:
        return slow_look(slow_chart(chart, data_cutoff, under), definition_of(under))

    return by_the_package if request.param == "by the package" else by_the_words


@pytest.fixture
def rows(whole: Whole) -> Rows:
    """Return the cases of one chart, found by the package or by the slow count."""

    def cases(*chart: str, **how: Any) -> list[Row]:
        found: list[Row] = whole(*chart, **how)["cases"]
        return found

    return cases


def second(when: datetime) -> int:
    return round((when - DAY_ONE).total_seconds())


def slow_chart(chart: str, data_cutoff: str, protocol: StudyProtocol) -> Chart:
    """The chart as the slow count takes it: exact vital signs, and lines of the protocol's terms."""
    terms = {term: name for name, part in protocol.case_definition.components.items() for term in part.terms}
    found: dict[str, list[Cells]] = {"doses": [], "measurements": [], "reports": []}
    for which, row in rows_of(chart, "S1"):
        found[which].append(row)
    lines = (
        Line(
            int(row["AESEQ"]),
            terms[row["term"]],
            second(row["earliest"]),
            second(row["latest"]),
            second(row["ends_latest"]) if "ends_latest" in row else None,
            int(row["grade"] or 0),
        )
        for row in found["reports"]
        if row["term"] in terms
    )
    return Chart(
        tuple(Measured(row["test"], second(row["earliest"]), row["value"]) for row in found["measurements"]),
        second(stamp(data_cutoff)[0]),
        tuple(lines),
        tuple(second(row["earliest"]) for row in found["doses"]),
    )


def naming(protocol: StudyProtocol, **components: Component) -> StudyProtocol:
    """The protocol with other components."""
    definition = protocol.case_definition.model_copy(update={"components": components})
    return protocol.model_copy(update={"case_definition": definition})


@pytest.fixture(scope="session")
def alone(protocol: StudyProtocol) -> Mapping[str, StudyProtocol]:
    """A case definition of one component, so that each of its onsets is a case."""
    parts = protocol.case_definition.components
    return {name: naming(protocol, **{name: part}) for name, part in parts.items()}
