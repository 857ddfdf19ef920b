"""A chart of ``words`` as the package's tables, a protocol as its definition, and both findings in one form."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from words.cases import Told, listed, told_by
from words.charted import Chart, Component, Criterion, Definition
from words.hours import control_events, opportunity, windows

from checks.cases import Charts, Findings
from checks.cases.case_finding import find_cases
from checks.cases.deaths import DEATHS
from checks.criteria import VitalCriterion
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS, Table

DAY_ONE = datetime(2026, 3, 2, tzinfo=UTC)
TERMS = {"fever": "pyrexia", "respiratory_distress": "dyspnoea"}


def usual_protocol() -> StudyProtocol:
    """The case definition and windows of the contract's example, whose baseline is the 12 h before."""
    good = load_protocol(Path(__file__).parent / "fixtures" / "protocols" / "good.yaml")
    return good.model_copy(update={"baseline_hours": 12.0})


def definition_of(protocol: StudyProtocol) -> Definition:
    """The same case definition, for components of vital signs and terms."""
    case = protocol.case_definition
    hours = {code: case.hours_of((domain, code)) for domain, code in sorted(case.tests)}
    worse = {code: case.worse((domain, code)) for domain, code in sorted(case.tests)}
    return Definition(
        tuple(
            Component(name, tuple(map(_criterion, _vitals(part))), tuple(code for _, code in part.ends))
            for name, part in case.components.items()
        ),
        within=case.onsets_within_hours,
        washout=case.washout_hours,
        baseline=protocol.baseline_hours,
        confirm=case.confirm_hours,
        again=case.again_hours,
        fresh={code: one.fresh for code, one in hours.items()},
        runs={code: one.run for code, one in hours.items()},
        worse={code: (one.by, one.share) for code, one in worse.items() if one is not None},
        risk=protocol.risk_window_hours,
        control=tuple(protocol.control_windows_hours),
        lag=protocol.reporting_lag_hours,
    )


def _vitals(part: Any) -> list[VitalCriterion]:
    return [one for one in part.criteria if isinstance(one, VitalCriterion)]


def _criterion(one: VitalCriterion) -> Criterion:
    if one.below is not None or one.fall_at_least is not None:
        bound = one.below if one.below is not None else one.and_below
        return Criterion(one.vital, -1, bound, one.fall_at_least, strictly=True)
    bound = one.at_least if one.at_least is not None else one.and_at_least
    return Criterion(one.vital, 1, bound, one.rise_at_least)


# --- a chart as the package sees it -----------------------------------------------------------------------------


def at(second: int) -> pd.Timestamp:
    return pd.Timestamp(DAY_ONE + timedelta(seconds=second))


def known_at(charts: Mapping[str, Chart], cutoff: int) -> dict[str, Chart]:
    """The charts as they are known at one cut-off."""
    return {
        name: Chart(
            tuple(one for one in chart.measured if one.at <= cutoff),
            cutoff,
            tuple(line for line in chart.lines if line.earliest <= cutoff),
            tuple(dose for dose in chart.doses if dose <= cutoff),
            chart.death if chart.death is not None and chart.death <= cutoff else None,
        )
        for name, chart in charts.items()
    }


BLANK: Mapping[str, Any] = {"link": None, "verbatim": None, "fatal": False, "trusted": True, "timed": True}
"""What a column has where a row does not say it; a text otherwise nothing, a number or a time is missing."""


def table(contract: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with the cells that they name; what a table has besides is blank, or absent where it may be."""
    by_kind = {"str": "", "category": "", "float64": np.nan}
    named = {name: kind for name, kind in contract.absent.items() if any(name in row for row in rows)}
    columns = {**contract.columns, **named}
    blank = {name: BLANK.get(name, by_kind.get(kind)) for name, kind in columns.items()}
    cells = [[row.get(name, default) for name, default in blank.items()] for row in rows]
    return contract.conform(pd.DataFrame(cells, columns=list(columns)))


def tables(charts: Mapping[str, Chart]) -> tuple[pd.DataFrame, Charts]:
    doses, measurements, events = [], [], []
    for name, chart in charts.items():
        for place, second in enumerate(sorted(chart.doses), start=1):
            doses.append({"USUBJID": name, "EXSEQ": str(place), **_span(second, second)})
        for place, one in enumerate(chart.measured, start=1):
            row = {"domain": "VS", "USUBJID": name, "sequence": str(place), "test": one.test}
            measurements.append({**row, "value": one.value, **_span(one.at, one.at)})
        for line in chart.lines:
            row = {"USUBJID": name, "AESEQ": str(line.number), "term": TERMS[line.component]}
            row |= {"grade": str(line.grade or ""), "timed": line.is_exact}
            events.append({**row, **_span(line.earliest, line.latest), **_end(line.end)})
    deaths = [
        {"USUBJID": name, **_span(chart.death, chart.death)}
        for name, chart in charts.items()
        if chart.death is not None
    ]
    return table(ADMINISTRATIONS, doses), Charts(
        table(MEASUREMENTS, measurements),
        table(ADVERSE_EVENTS, events),
        pd.Index(list(charts)),
        table(DEATHS, deaths),
    )


def _span(earliest: int, latest: int) -> dict[str, pd.Timestamp]:
    return {"earliest": at(earliest), "latest": at(latest)}


def _end(end: int | None) -> dict[str, pd.Timestamp]:
    return {} if end is None else {"ends_earliest": at(end), "ends_latest": at(end)}


def look_at(charts: Mapping[str, Chart], protocol: StudyProtocol, shift: timedelta = timedelta()) -> Findings:
    """The package's findings, every instant shifted alike; all charts have one cut-off."""
    administrations, records = tables(charts)
    (cutoff,) = {chart.cutoff for chart in charts.values()}
    moved = replace(
        records,
        measurements=shifted(records.measurements, shift),
        adverse_events=shifted(records.adverse_events, shift),
        deaths=shifted(records.deaths, shift),
    )
    return find_cases(
        shifted(administrations, shift), moved, protocol, DAY_ONE + timedelta(seconds=cutoff) + shift
    )


def shifted(rows: pd.DataFrame, by: timedelta) -> pd.DataFrame:
    times = [name for name in rows if isinstance(rows[name].dtype, pd.DatetimeTZDtype)]
    return rows.assign(**{name: rows[name] + by for name in times})


# --- both findings in one form ----------------------------------------------------------------------------------


class Row(NamedTuple):
    """One case of one subject."""

    dose: int
    certainty: str
    in_risk_window: str
    surely: bool
    hour: float | None
    onset_hours: tuple[float, float]
    why: tuple[tuple[str, str], ...]
    provisional: bool


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda one: (one.dose, one.onset_hours, one.certainty))


def slow_rows(chart: Chart, told: Told, definition: Definition) -> list[Row]:
    found = (listed(chart, case, definition) for case in (*told.definite, *told.possible))
    return in_order(
        Row(
            one.dose,
            "definite" if one.definite else "possible",
            one.in_risk_window,
            one.surely,
            one.hour,
            one.onset_hours,
            tuple(sorted(one.why.items())),
            one.provisional,
        )
        for one in found
        if one is not None
    )


def package_rows(findings: Findings, subject: str) -> list[Row]:
    return in_order(
        Row(
            one.dose_number,
            one.certainty,
            one.in_risk_window,
            one.surely,
            one.hour,
            one.onset_hours,
            tuple(sorted(one.why.items())),
            one.provisional,
        )
        for one in findings.cases
        if subject == one.USUBJID
    )


def slow_look(chart: Chart, definition: Definition) -> dict[str, Any]:
    told = told_by(chart, definition)
    hours = opportunity(chart, told, definition)
    events = control_events(chart, told, definition)
    return {
        "cases": slow_rows(chart, told, definition),
        "windows": [(one.state, one.observed_hours) for one in windows(chart, told, definition)],
        "opportunity": [(one.dose, round(one.in_risk, 4), round(one.in_control, 4)) for one in hours],
        "control_events": sorted((one.dose, one.hour, one.definite) for one in events),
    }


def package_look(findings: Findings, subject: str) -> dict[str, Any]:
    """The package's findings of one subject in the form of ``slow_look``."""
    doses = findings.doses[findings.doses["USUBJID"] == subject]
    state = zip(doses["window"], doses["risk_observed_hours"].round(4), strict=True)
    hours = [one for one in findings.opportunities if subject == one.USUBJID]
    events = [one for one in findings.control_events if subject == one.USUBJID and one.hour is not None]
    return {
        "cases": package_rows(findings, subject),
        "windows": list(state),
        "opportunity": [(one.dose_number, round(one.in_risk, 4), round(one.in_control, 4)) for one in hours],
        "control_events": sorted((one.dose_number, one.hour, one.counted) for one in events),
    }
