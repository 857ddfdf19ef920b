"""The page of a closed report: by arm, active against control, and within each arm."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.protocol import StudyProtocol
from checks.scenario import Scenario
from flows.pages.closed.document import ArmShown, ClosedDocument, Compared, Counted, RiskAgainstControl, Share
from flows.pages.kit.rendering import heading_of, render
from flows.pages.kit.tables import Cell, Heading, Item, Table
from flows.pages.kit.times import utc_text
from flows.pages.kit.words import number, p_text, rate, span

SCENARIOS: Mapping[Scenario, str] = {
    Scenario.BEST: "Best case for the study drug",
    Scenario.MAIN: "Main analysis",
    Scenario.WORST: "Worst case",
}
"""How doubtful facts are taken, in words."""

NOT_EVALUABLE = "not evaluable"


@dataclass(frozen=True, slots=True)
class ClosedPage:
    """All that the template draws."""

    heading: Heading
    cutoff: str
    look_id: str
    by: str
    accessed: str
    reason: str
    notes: tuple[str, ...]
    sections: tuple[tuple[str, Table], ...]
    provenance: tuple[Item, ...]


def render_closed(document: ClosedDocument, protocol: StudyProtocol) -> str:
    """Return the page as one self-contained file in which every text of a feed is inert."""
    cutoff, access = utc_text(document["data_cutoff"]), document["access"]
    page = ClosedPage(
        heading=heading_of(
            protocol,
            f"Closed report · {document['study']} · {cutoff}",
            simulated=protocol.study.simulated,
        ),
        cutoff=cutoff,
        look_id=document["look_id"],
        by=access["by"],
        accessed=utc_text(access["accessed_at"]),
        reason=access["reason"],
        notes=tuple(_notes(document)),
        sections=(
            ("Exposure", _windows(document)),
            ("Cases", _rates(document)),
            ("Active against control", _comparison(document)),
            ("Timing", _self_controlled(document)),
            ("Withheld administrations", _withheld(document)),
        ),
        provenance=(
            Item("Look", document["look_id"]),
            Item("Code version", document["code_version"]),
            Item(f"Ledger, record {access['sequence']}, SHA-256", access["sha256"]),
        ),
    )
    return render("closed/closed.html.j2", page=page)


def _windows(document: ClosedDocument) -> Table:
    columns = ("Arm", "Side", "Participants", "Dosed", "Doses", "Evaluable", "Open", "Unobserved")
    rows = tuple(_window_row(arm) for arm in document["arms"])
    return Table("Dose windows by arm", columns, rows, "DM names no participant.")


def _window_row(arm: ArmShown) -> tuple[Cell, ...]:
    windows = (arm["windows_evaluable"], arm["windows_open"], arm["windows_unobserved"])
    return _row(
        arm["arm"], arm["side"], *map(str, (arm["subjects"], arm["subjects_dosed"], arm["doses"], *windows))
    )


def _rates(document: ClosedDocument) -> Table:
    rows = tuple(
        _row(arm["arm"], *(_share(arm["subjects_with_case"][scenario]) for scenario in SCENARIOS))
        for arm in document["arms"]
    )
    return Table(
        "Participants with a case in the risk window, of those who could be judged (exact 95 % limits)",
        ("Arm", *SCENARIOS.values()),
        rows,
        "DM names no participant.",
    )


def _comparison(document: ClosedDocument) -> Table:
    compared = document["comparison"]["readings"]
    rows = tuple(
        _row(
            SCENARIOS[scenario],
            *(f"{side['events']} of {side['n']}" for side in _sides(compared[scenario])),
            _p_value(compared[scenario]["p_value"]),
        )
        for scenario in SCENARIOS
    )
    return Table(document["comparison"]["test"], ("Scenario", "Active", "Control", "p"), rows)


def _sides(compared: Compared) -> tuple[Counted, Counted]:
    return compared["active"], compared["control"]


def _self_controlled(document: ClosedDocument) -> Table:
    rows = tuple(
        _row(arm["arm"], SCENARIOS[scenario], *_timing(arm["self_controlled"][scenario], arm))
        for arm in document["arms"]
        for scenario in SCENARIOS
    )
    return Table(
        "Risk hours against control hours of the same participants, within each arm",
        ("Arm", "Scenario", "Events in risk hours", "In control hours", "Relative incidence (95 %)", "p"),
        rows,
        "DM names no participant.",
    )


def _timing(found: RiskAgainstControl | None, arm: ArmShown) -> Sequence[str]:
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


def _withheld(document: ClosedDocument) -> Table:
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


def _notes(document: ClosedDocument) -> Iterator[str]:
    if document["comparison"]["problem"]:
        yield f"Active against control is not evaluable: {document['comparison']['problem']}."
    unknown = sum(arm["subjects"] for arm in document["arms"] if arm["side"] == "unknown")
    if unknown:
        yield (
            f"The arm of {unknown} of the participants is not known; they count in the best and worst case alone."
        )
    if document["contradicted_arms"]:
        yield f"Several arms in DM: {', '.join(document['contradicted_arms'])}."
    if document["switched_arms"]:
        yield f"Another arm than planned: {', '.join(document['switched_arms'])}."
    for file, words in document["telltales_in_the_blinded_look"].items():
        yield f"The blinded {file} carries {', '.join(words)}: it must not be passed on."


def _share(found: Share) -> str:
    if found["rate"] is None:
        return NOT_EVALUABLE
    return f"{found['events']} of {found['n']}: {rate(found['rate'])} ({span(found['ci95'])})"


def _p_value(value: float | None) -> str:
    return NOT_EVALUABLE if value is None else p_text(value)


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)
