"""Read a chart, the small table in which the worked examples are written, and look at it.

A chart has one line a subject's dose, vital or adverse event, then stamps with values::

    dose    08:00
    TEMP    07:00 37.0   13:00 37.1   14:00 38.5
    AE      14:10 PYREXIA

Stamps are UTC: ``14:00`` is on day 1, ``2/14:00`` on day 2, ``2/`` is day 2 without a time, and
``13:00..16:00`` is every hour from the one to the other. A question mark after a value (or after the stamp of
a dose) is a row in quarantine; ``101.3|38.5?`` would be 38.5 in another unit. A laboratory test is written
``LB:LYM``, its result beside its upper limit of normal: ``11.0/4.0``, and ``11.0/`` where that was not given.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from checks.cases import Charts, Findings
from checks.cases.case_finding import find_cases
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS

DAY_ONE = datetime(2026, 3, 2, tzinfo=UTC)
NO_END = (None, None)
Look = Callable[..., Findings]


def stamp(text: str) -> tuple[datetime, datetime]:
    day, _, clock = text.rpartition("/") if "/" in text else ("1", "", text)
    midnight = DAY_ONE + timedelta(days=int(day) - 1)
    if not clock:
        return midnight, midnight + timedelta(days=1, seconds=-1)
    hours, minutes = (int(part) for part in clock.split(":"))
    instant = midnight + timedelta(hours=hours, minutes=minutes)
    return instant, instant


def stamps(text: str) -> list[tuple[datetime, datetime]]:
    first, _, last = text.partition("..")
    if not last:
        return [stamp(text)]
    begin, end = stamp(first)[0], stamp(last)[0]
    hours = range(int((end - begin) / timedelta(hours=1)) + 1)
    return [(begin + timedelta(hours=hour),) * 2 for hour in hours]


def number(text: str) -> tuple[float, float]:
    value, _, other = text.partition("|")
    return float(value), float(other) if other else np.nan


def rows(chart: str, subject: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for line in filter(None, map(str.strip, chart.splitlines())):
        what, *cells = line.split()
        if what == "dose":
            for place, cell in enumerate(cells, start=1):
                when = stamp(cell.rstrip("?"))
                yield "doses", (subject, str(place), *when, *NO_END, None, not cell.endswith("?"))
            continue
        charted = [
            (when, cell, value)
            for cell, value in zip(cells[::2], cells[1::2], strict=True)
            for when in stamps(cell)
        ]
        for place, (when, cell, charted_value) in enumerate(charted, start=1):
            trusted, value = not charted_value.endswith("?"), charted_value.rstrip("?")
            if what == "AE":
                term, timed = value.replace("_", " ").casefold(), not cell.endswith("/")
                yield (
                    "reports",
                    (subject, str(place), term, None, "", "", False, *when, *NO_END, timed, trusted),
                )
            elif what.startswith("LB:"):
                test, (result, _, limit) = what.removeprefix("LB:"), value.partition("/")
                amounts = (float(result), np.nan, "10^9/L", float(limit or np.nan))
                yield "measurements", ("LB", subject, f"{test}-{place}", test, *amounts, *when, trusted)
            else:
                label = f"{what}-{place}"
                yield "measurements", ("VS", subject, label, what, *number(value), "", np.nan, *when, trusted)


@pytest.fixture(scope="session")
def protocol() -> StudyProtocol:
    """The case definition and windows of the contract's example."""
    return load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")


@pytest.fixture
def look(protocol: StudyProtocol) -> Look:
    """Look at one chart a subject; the data cut-off is long after, unless the example says otherwise."""

    def at(*charts: str, data_cutoff: str = "12/00:00", under: StudyProtocol = protocol) -> Findings:
        found: dict[str, list[tuple[Any, ...]]] = {"doses": [], "measurements": [], "reports": []}
        names = [f"S{place}" for place in range(1, len(charts) + 1)]
        for name, chart in zip(names, charts, strict=True):
            for table, row in rows(chart, name):
                found[table].append(row)

        def table(contract: Any, name: str) -> pd.DataFrame:
            return contract.conform(pd.DataFrame(found[name], columns=list(contract.columns)))

        charts = Charts(
            table(MEASUREMENTS, "measurements"), table(ADVERSE_EVENTS, "reports"), pd.Index(names)
        )
        return find_cases(table(ADMINISTRATIONS, "doses"), charts, under, stamp(data_cutoff)[0])

    return at
