"""Decide what the report says, and in which order: a look and its protocol become one page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from checks.protocol import StudyProtocol
from checks.protocol.rules import RateRule
from flows.pages.kit import words
from flows.pages.report import figures, sentences, tables
from flows.pages.report.sentences import Record
from flows.pages.report.tables import Cell, Table

MOST_NAMED = 5
"""Cases named beside the verdict: about as many as are taken in at a glance."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Which study, which look, at which data cut-off."""

    study: str
    title: str
    registry: str
    cutoff: str
    cutoff_local: str
    look_id: str
    simulated: bool
    blinded: bool


@dataclass(frozen=True, slots=True)
class Lead:
    """The verdict, and what a reader must know of it within ten seconds."""

    verdict: str
    words: words.VerdictWords
    sentence: str
    further: tuple[str, ...]
    named: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A term with its value and what the value means."""

    term: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template draws."""

    heading: Heading
    lead: Lead
    rules: Table
    backgrounds: Table
    differ: tuple[str, ...]
    reasons: tuple[Item, ...]
    paths: tuple[figures.PathChart, ...]
    rasters: tuple[figures.Raster, ...]
    components: tuple[tuple[str, str], ...]
    risk: str
    all_cases: int
    cases: Table
    timing: tuple[Item, ...]
    exposure: Table
    windows: tuple[Item, ...]
    feeds: Table
    quarantine: Table
    changes: Table
    checks: Table
    caveats: tuple[str, ...]
    provenance: tuple[Item, ...]


def _heading(look: Record, protocol: StudyProtocol) -> Heading:
    study = protocol.study
    return Heading(
        study=look["study"],
        title=study.title or "",
        registry=study.registry_id or "",
        cutoff=words.instant(look["data_cutoff"]),
        cutoff_local=words.local_instant(look["data_cutoff"], str(study.timezone)),
        look_id=look["look_id"],
        simulated=bool(look.get("simulated")),
        blinded=bool(look["blinded"]),
    )


def _named(cases: Sequence[Record]) -> tuple[Cell, ...]:
    named = [
        Cell(
            f"{case['USUBJID']}, dose {case['dose_number']}",
            sentences.component_hours(case),
            sentences.case_hour(case),
        )
        for case in cases[:MOST_NAMED]
    ]
    if len(cases) > MOST_NAMED:
        named.append(Cell(f"and {len(cases) - MOST_NAMED:,} more", "each is in the case list below"))
    return tuple(named)


def _lead(look: Record, protocol: StudyProtocol) -> Lead:
    name = words.spoken(protocol.case_definition.name)
    return Lead(
        verdict=look["verdict"],
        words=words.VERDICTS[look["verdict"]],
        sentence=sentences.lead_sentence(look, name, protocol.risk_window_hours),
        further=sentences.further_sentences(look),
        named=_named(sentences.in_window(look, "yes")),
    )


def _differ(look: Record) -> tuple[str, ...]:
    return tuple(str(rule["id"]) for rule in look["rules"] if rule["best_case"] != rule["worst_case"])


def _reasons(protocol: StudyProtocol) -> tuple[Item, ...]:
    return tuple(Item(rule.id, rule.rationale, rule.source) for rule in protocol.rules)


def _paths(look: Record, protocol: StudyProtocol) -> tuple[figures.PathChart, ...]:
    by_window = {rule.id for rule in protocol.rules if isinstance(rule, RateRule) and rule.unit == "window"}
    drawn = (
        figures.draw_path(rule, unit="dose windows" if rule["id"] in by_window else "participants")
        for rule in look["rules"]
        if rule["kind"] == "rate"
    )
    return tuple(chart for chart in drawn if chart is not None)


def _ends(doses: pd.DataFrame) -> Mapping[tuple[str, int], float]:
    hours = doses["hours_end"].fillna(math.inf)
    return dict(zip(zip(doses["USUBJID"], doses["dose_number"], strict=True), hours, strict=True))


def _rasters(look: Record, protocol: StudyProtocol, doses: pd.DataFrame) -> tuple[figures.Raster, ...]:
    cases = sentences.cases_in_order(look)
    if not cases:
        return ()
    return tuple(
        figures.draw_raster(
            cases,
            layout=layout,
            components=list(protocol.case_definition.components),
            ends=_ends(doses),
            windows=figures.Windows(protocol.risk_window_hours, protocol.control_windows_hours),
        )
        for layout in figures.LAYOUTS
    )


def _confidence(timing: Record) -> str:
    low, high = timing.get("ci95") or (None, None)
    if low is None and high is None:
        return "not estimable"
    return f"{words.ratio(low, missing='0')} to {words.ratio(high, missing='no upper limit')}"


def _timing(look: Record) -> tuple[Item, ...]:
    timing = look.get("timing")
    if not timing:
        return ()
    inside, outside = timing["events_in_risk"], timing["events_in_control"]
    hours_in, hours_out = words.number(timing["hours_in_risk"]), words.number(timing["hours_in_control"])
    estimate = words.ratio(timing["relative_incidence"], missing="not estimable")
    why = "no event in control hours" if timing["relative_incidence"] is None and not outside else ""
    looks = "adjusted for the looks taken" if timing["adjusted"] else "not adjusted for repeated looks"
    items = [
        Item("Risk window", f"{words.plural(inside, 'event')} in {hours_in} observed hours"),
        Item("Control hours", f"{words.plural(outside, 'event')} in {hours_out} observed hours"),
        Item("Relative incidence", estimate, why),
        Item("95 % confidence interval", _confidence(timing)),
        Item("P value, one-sided", words.p_text(timing["p_value"]), looks),
    ]
    scan = timing.get("scan")
    if scan and scan.get("window_hours"):
        found = f"{words.span(scan['window_hours'])} h, p = {words.p_text(scan['p_value'])}"
        items.append(Item("Scan over all windows", found, "window chosen after the events; it proves less"))
    return tuple(items)


def _windows(look: Record) -> tuple[Item, ...]:
    exposure = look["exposure"]
    return (
        Item("Participants dosed", f"{exposure['subjects_dosed']:,}"),
        Item("Doses", f"{exposure['doses']:,}"),
        Item("Evaluable", f"{exposure['windows_evaluable']:,}", "elapsed, and at least half observed"),
        Item("Open", f"{exposure['windows_open']:,}", "not yet elapsed at the data cut-off"),
        Item(
            "Unobserved",
            f"{exposure['windows_unobserved']:,}",
            "elapsed but not measured, which is not normal",
        ),
    )


def _provenance(look: Record) -> tuple[Item, ...]:
    record = look.get("ledger") or {}
    items = [
        Item("Look", str(look["look_id"])),
        Item("Schema", str(look["schema"])),
        Item("Code version", str(look["code_version"])),
        Item("Study protocol, SHA-256", str(look["protocol_sha256"])),
    ]
    items += [
        Item(f"{feed['domain']}, SHA-256", str(digest)) for feed in look["feeds"] for digest in feed["sha256"]
    ]
    if record:
        items.append(Item("Ledger", f"{record['head_sha256']}", f"record {record['sequence']}"))
    return tuple(items)


def compose_page(look: Record, *, doses: pd.DataFrame, protocol: StudyProtocol) -> Page:
    """Return all that the page says; nothing here is computed that the look has not decided.

    Parameters
    ----------
    look
        The look.json document, pooled and blinded.
    doses
        One row a dose: USUBJID, dose_number, hours_end, window, trusted, risk_observed_hours,
        control_observed_hours (hours).
    protocol
        The study protocol that the look was made with.
    """
    names = list(protocol.case_definition.components)
    return Page(
        heading=_heading(look, protocol),
        lead=_lead(look, protocol),
        rules=tables.rules_table(look, protocol),
        backgrounds=tables.backgrounds_table(look),
        differ=_differ(look),
        reasons=_reasons(protocol),
        paths=_paths(look, protocol),
        rasters=_rasters(look, protocol, doses),
        components=tuple(
            (words.spoken(name), figures.SHAPES[place % len(figures.SHAPES)])
            for place, name in enumerate(names)
        ),
        risk=words.span(protocol.risk_window_hours),
        all_cases=len(look["cases"]),
        cases=tables.cases_table(look),
        timing=_timing(look),
        exposure=tables.exposure_table(doses),
        windows=_windows(look),
        feeds=tables.feeds_table(look),
        quarantine=tables.quarantine_table(look),
        changes=tables.changes_table(look),
        checks=tables.checks_table(look),
        caveats=tuple(look.get("caveats") or ()),
        provenance=_provenance(look),
    )
