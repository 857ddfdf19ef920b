"""The page of a closed report: by arm, active against control, and within each arm."""

from collections.abc import Mapping, Sequence
from typing import Any

from checks.protocol import StudyProtocol
from flows.pages.kit.rendering import render
from flows.pages.kit.words import instant, number, p_text, rate, span
from flows.pages.report.tables import Cell, Table

Record = Mapping[str, Any]

READING_WORDS: Mapping[str, str] = {
    "best": "Best case for the study drug",
    "main": "Main analysis",
    "worst": "Worst case",
}
NOT_EVALUABLE = "not evaluable"


def render_closed(document: Record, protocol: StudyProtocol) -> str:
    """Return the page as one self-contained file in which every text of a feed is inert."""
    tables = (
        _windows(document),
        _rates(document),
        _comparison(document),
        _self_controlled(document),
        _withheld(document),
    )
    return render(
        "closed/closed.html.j2",
        closed=document,
        title=protocol.study.title or "",
        simulated=protocol.study.simulated,
        cutoff=instant(document["data_cutoff"]),
        accessed=instant(document["access"]["accessed_at"]),
        tables=tables,
        notes=tuple(_notes(document)),
    )


def _windows(document: Record) -> Table:
    columns = ("Arm", "Side", "Participants", "Dosed", "Doses", "Evaluable", "Open", "Unobserved")
    names = (
        "side",
        "subjects",
        "subjects_dosed",
        "doses",
        "windows_evaluable",
        "windows_open",
        "windows_unobserved",
    )
    rows = tuple(_row(arm["arm"], *(str(arm[name]) for name in names)) for arm in document["arms"])
    return Table("Dose windows by arm", columns, rows, "DM names no participant.")


def _rates(document: Record) -> Table:
    rows = tuple(
        _row(arm["arm"], *(_share(arm["subjects_with_case"][reading]) for reading in READING_WORDS))
        for arm in document["arms"]
    )
    return Table(
        "Participants with a case in the risk window, of those who could be judged (exact 95 % limits)",
        ("Arm", *READING_WORDS.values()),
        rows,
        "DM names no participant.",
    )


def _comparison(document: Record) -> Table:
    compared = document["comparison"]["readings"]
    rows = tuple(
        _row(
            READING_WORDS[reading],
            *(f"{compared[reading][side]['events']} of {compared[reading][side]['n']}" for side in SIDES),
            _p_value(compared[reading]["p_value"]),
        )
        for reading in READING_WORDS
    )
    return Table(document["comparison"]["test"], ("Reading", "Active", "Control", "p"), rows)


SIDES = ("active", "control")


def _self_controlled(document: Record) -> Table:
    rows = tuple(
        _row(arm["arm"], READING_WORDS[reading], *_timing(arm["self_controlled"][reading], arm))
        for arm in document["arms"]
        for reading in READING_WORDS
    )
    return Table(
        "Risk hours against control hours of the same participants, within each arm",
        ("Arm", "Reading", "Events in risk hours", "In control hours", "Relative incidence (95 %)", "p"),
        rows,
        "DM names no participant.",
    )


def _timing(found: Record | None, arm: Record) -> Sequence[str]:
    if found is None:
        return (NOT_EVALUABLE,) * 4
    limits = found["ci95"]
    shown = f"{number(found['relative_incidence'], missing='no limit')} ({_limits(limits)})"
    return (
        f"{found['events_in_risk']} in {number(arm['hours_in_risk'])} h",
        f"{found['events_in_control']} in {number(arm['hours_in_control'])} h",
        shown if found["events_in_risk"] + found["events_in_control"] else NOT_EVALUABLE,
        p_text(found["p_value"]),
    )


def _limits(limits: Sequence[float | None]) -> str:
    return f"{number(limits[0])} to {number(limits[1], missing='no limit')}"


def _withheld(document: Record) -> Table:
    rows = tuple(
        _row(
            row["USUBJID"],
            row["record"],
            f"{row['source_file']}, row {row['source_row']}",
            row["EXTRT"] or "blank",
            row["EXDOSE"] or "blank",
        )
        for row in document["withheld_administrations"]
    )
    return Table(
        "Administrations in quarantine because of what was given",
        ("Participant", "Record", "Where", "EXTRT", "EXDOSE"),
        rows,
        "No administration is in quarantine because of its treatment or amount.",
    )


def _notes(document: Record) -> Sequence[str]:
    notes = []
    if document["comparison"]["problem"]:
        notes.append(f"Active against control is not evaluable: {document['comparison']['problem']}.")
    unknown = sum(arm["subjects"] for arm in document["arms"] if arm["side"] == "unknown")
    if unknown:
        notes.append(
            f"The arm of {unknown} of the participants is not known; they count in the best and worst case alone."
        )
    for name, said in (
        ("contradicted_arms", "Several arms in DM"),
        ("switched_arms", "Another arm than planned"),
    ):
        if document[name]:
            notes.append(f"{said}: {', '.join(document[name])}.")
    for file, words in document["telltales_in_the_blinded_look"].items():
        notes.append(f"The blinded {file} carries {', '.join(words)}: it must not be passed on.")
    return notes


def _share(found: Record) -> str:
    if found["rate"] is None:
        return NOT_EVALUABLE
    return f"{found['events']} of {found['n']}: {rate(found['rate'])} ({span(found['ci95'])})"


def _p_value(value: float | None) -> str:
    return NOT_EVALUABLE if value is None else p_text(value)


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)
