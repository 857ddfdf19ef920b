"""The page of a look: what the report says, in which order, and how it becomes one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from checks.looks.document import CasePart, LookDocument, TimingPart
from checks.protocol import StudyProtocol
from flows.pages import sentences
from flows.pages.kit import words
from flows.pages.kit.files import write_whole
from flows.pages.kit.rendering import heading_of, render
from flows.pages.kit.tables import Cell, Heading, Item, Table
from flows.pages.kit.times import local_text, utc_text
from flows.pages.kit.verdicts import VERDICTS, VerdictWords
from flows.pages.report import tables
from flows.pages.report.figures import draw_figures

MOST_NAMED = 5
"""Cases named beside the verdict: about as many as are taken in at a glance."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The verdict, and what a reader must know of it within ten seconds."""

    verdict: str
    words: VerdictWords
    sentence: str
    further: tuple[str, ...]
    named: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template draws."""

    heading: Heading
    cutoff: str
    cutoff_local: str
    look_id: str
    blinded: bool
    lead: Lead
    rules: Table
    backgrounds: Table
    differ: tuple[str, ...]
    reasons: tuple[Item, ...]
    figures: Mapping[str, tuple[Markup, ...]]
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


def _named(cases: Sequence[CasePart]) -> tuple[Cell, ...]:
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


def _lead(look: LookDocument, protocol: StudyProtocol) -> Lead:
    name = words.spoken(protocol.case_definition.name)
    return Lead(
        verdict=look["verdict"],
        words=VERDICTS[look["verdict"]],
        sentence=sentences.lead_sentence(look, name, protocol.risk_window_hours),
        further=sentences.further_sentences(look),
        named=_named(sentences.in_window(look, "yes")),
    )


def _differ(look: LookDocument) -> tuple[str, ...]:
    return tuple(str(rule["id"]) for rule in look["rules"] if rule["best_case"] != rule["worst_case"])


def _reasons(protocol: StudyProtocol) -> tuple[Item, ...]:
    return tuple(Item(rule.id, rule.rationale, rule.source) for rule in protocol.rules)


def _confidence(timing: TimingPart) -> str:
    low, high = timing.get("ci95") or (None, None)
    if low is None and high is None:
        return "not estimable"
    return f"{words.ratio(low, missing='0')} to {words.ratio(high, missing='no upper limit')}"


def _timing(look: LookDocument) -> tuple[Item, ...]:
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


def _windows(look: LookDocument) -> tuple[Item, ...]:
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


def _provenance(look: LookDocument) -> tuple[Item, ...]:
    record = look.get("ledger")
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


def render_report(look: LookDocument, *, doses: pd.DataFrame, protocol: StudyProtocol, out: Path) -> Path:
    """Write ``report.html`` into ``out`` and return its path; the same look gives the same bytes.

    Parameters
    ----------
    look
        The look.json document, pooled and blinded, with ``quarantine``, ``checks``, ``caveats`` and
        ``simulated``.
    doses
        One row a dose: USUBJID, dose_number, hours_end, window, trusted, risk_observed_hours,
        control_observed_hours (hours).
    protocol
        The study protocol that the look was made with.
    out
        The look's folder; made when it does not exist.
    """
    page = compose_page(look, doses=doses, protocol=protocol)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    write_whole(path, render("report/report.html.j2", page=page))
    return path


def compose_page(look: LookDocument, *, doses: pd.DataFrame, protocol: StudyProtocol) -> Page:
    """Return everything the page says, ready to be drawn; arguments as of ``render_report``."""
    cutoff = utc_text(look["data_cutoff"])
    tab = f"{VERDICTS[look['verdict']].name} · {look['study']} · {cutoff}"
    return Page(
        heading=heading_of(protocol, tab, simulated=bool(look.get("simulated"))),
        cutoff=cutoff,
        cutoff_local=local_text(look["data_cutoff"], str(protocol.study.timezone)),
        look_id=look["look_id"],
        blinded=bool(look["blinded"]),
        lead=_lead(look, protocol),
        rules=tables.rules_table(look, protocol),
        backgrounds=tables.backgrounds_table(look),
        differ=_differ(look),
        reasons=_reasons(protocol),
        figures=draw_figures(look, protocol, doses),
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
