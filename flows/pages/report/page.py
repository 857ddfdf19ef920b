"""The page of a look: what the report is made of, and how it becomes one file."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from checks.looks.document import LookDocument
from checks.protocol import StudyProtocol
from flows.files import write_whole
from flows.pages import sentences
from flows.pages.cases import CaseWords, case_hour, working_list
from flows.pages.kit.rendering import render
from flows.pages.kit.tables import Table
from flows.pages.kit.verdicts import verdict_words
from flows.pages.kit.words import local_text, spoken, utc_text
from flows.pages.report import tables
from flows.pages.report.figures import FIGURES


def render_report(look: LookDocument, *, doses: pd.DataFrame, protocol: StudyProtocol, out: Path) -> Path:
    """Write ``report.html`` into ``out`` and return its path; the same look gives the same bytes.

    ``look`` is the look.json document, pooled and blinded, and ``protocol`` the one it was made with. ``doses`` has a
    row a dose: the table ``DOSES``. ``out`` is the look's folder; made when it does not exist.
    """
    verdict = verdict_words(sentences.standing_of(look), sentences.beneath(look), sentences.repairs(look))
    name, words = spoken(protocol.case_definition.name), CaseWords(protocol)
    tab = f"{verdict.name} · {look['study']} · {utc_text(look['data_cutoff'])}"
    text = render(
        "report/report.html.j2",
        tab=tab,
        study=protocol.study,
        simulated=look["simulated"],
        look=look,
        protocol=protocol,
        cutoff_local=local_text(look["data_cutoff"], protocol.study.timezone),
        verdict=verdict,
        standing=sentences.standing_of(look),
        lead=sentences.lead_sentence(look, name, protocol.risk_window_hours),
        further=sentences.further_sentences(look),
        cases=sentences.in_window(look, "yes"),
        most_named=sentences.MOST_NAMED,
        case_hour=case_hour,
        words=words,
        glossary=words.glossary(look["cases"]),
        to_settle=len(working_list(look)),
        tables=_tables(look, doses, protocol),
        caveats=tables.other_caveats(look),
        differ=[rule["id"] for rule in look["rules"] if rule["best_case"] != rule["worst_case"]],
        figures={section: draw(look, protocol, doses) for section, draw in FIGURES.items()},
        timing=look.get("timing"),
        ledger=look.get("ledger"),
    )
    path = out / "report.html"
    write_whole(path, text)
    return path


def _tables(look: LookDocument, doses: pd.DataFrame, protocol: StudyProtocol) -> Mapping[str, Table]:
    return {
        "rules": tables.rules_table(look, protocol),
        "backgrounds": tables.backgrounds_table(look),
        "cases": tables.cases_table(look, CaseWords(protocol)),
        "possible": tables.possible_table(look, CaseWords(protocol)),
        "exposure": tables.exposure_table(doses),
        "administrations": tables.administrations_table(doses),
        "feeds": tables.feeds_table(look),
        "unused": tables.unused_table(look),
        "changes": tables.changes_table(look),
        "checks": tables.checks_table(look),
    }
