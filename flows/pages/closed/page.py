"""The page of a closed report: by arm, active against control, and within each arm."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypedDict

from checks.protocol import StudyProtocol
from checks.scenario import Scenario
from flows.pages.kit.rendering import render
from flows.pages.kit.tables import Columns, Table, cells, table
from flows.pages.kit.words import number, p_text, rate, span, utc_text


class Access(TypedDict):
    """Who read the arm, why, and the record of it."""

    by: str
    reason: str
    accessed_at: str
    sequence: int
    sha256: str


class Counted(TypedDict):
    """Subjects with a case among those who could be judged."""

    events: int
    n: int


class Share(Counted):
    """The same with the share and its exact limits."""

    rate: float | None
    ci95: list[float] | None


class RiskAgainstControl(TypedDict):
    """Onsets in risk hours against those in control hours of the same subjects."""

    events_in_risk: int
    events_in_control: int
    relative_incidence: float | None
    ci95: list[float | None]
    p_value: float | None


class ArmShown(TypedDict):
    """What one arm shows; by scenario: best, main, worst."""

    arm: str
    side: str
    subjects: int
    subjects_dosed: int
    doses: int
    windows_evaluable: int
    windows_open: int
    windows_unobserved: int
    subjects_with_case: Mapping[str, Share]
    hours_in_risk: float
    hours_in_control: float
    self_controlled: Mapping[str, RiskAgainstControl | None]


class Compared(TypedDict):
    """The active arms against the control arms in one scenario."""

    active: Counted
    control: Counted
    p_value: float | None


class Comparison(TypedDict):
    """The test between the arms, and why it cannot be done where it cannot."""

    test: str
    readings: Mapping[str, Compared]
    problem: str | None


class Withheld(TypedDict):
    """An administration in quarantine because of what it says was given."""

    USUBJID: str
    record: str
    source_file: str
    source_row: int
    EXTRT: str
    EXDOSE: str


class ClosedDocument(TypedDict):
    """closed.json, whole."""

    schema: str
    study: str
    data_cutoff: str
    look_id: str
    code_version: str
    blinded: bool
    access: Access
    arms: Sequence[ArmShown]
    comparison: Comparison
    contradicted_arms: Sequence[str]
    switched_arms: Sequence[str]
    withheld_administrations: Sequence[Withheld]
    telltales_in_the_blinded_look: Mapping[str, Sequence[str]]


SCENARIOS: Mapping[Scenario, str] = {
    Scenario.BEST: "Best case for the study drug",
    Scenario.MAIN: "Main analysis",
    Scenario.WORST: "Worst case",
}
"""How doubtful facts are taken, in words."""

NOT_EVALUABLE = "not evaluable"
NO_ARM = "DM names no participant."


def render_closed(document: ClosedDocument, protocol: StudyProtocol) -> str:
    """Return the page as one self-contained file in which every text of a feed is inert."""
    return render(
        "closed/closed.html.j2",
        tab=f"Closed report · {document['study']} · {utc_text(document['data_cutoff'])}",
        study=protocol.study,
        simulated=protocol.study.simulated,
        closed=document,
        notes=tuple(_notes(document)),
        sections={
            "Exposure": _windows(document),
            "Cases": _rates(document),
            "Active against control": _comparison(document),
            "Timing": _self_controlled(document),
            "Withheld administrations": _withheld(document),
        },
    )


def _windows(document: ClosedDocument) -> Table:
    columns = {
        "Arm": "arm",
        "Side": "side",
        "Participants": "subjects",
        "Dosed": "subjects_dosed",
        "Doses": "doses",
        "Evaluable": "windows_evaluable",
        "Open": "windows_open",
        "Unobserved": "windows_unobserved",
    }
    return table("Dose windows by arm", columns, document["arms"], NO_ARM)


def _rates(document: ClosedDocument) -> Table:
    shares = {said: partial(_share, scenario=scenario) for scenario, said in SCENARIOS.items()}
    caption = "Participants with a case in the risk window, of those who could be judged (exact 95 % limits)"
    return table(caption, {"Arm": "arm", **shares}, document["arms"], NO_ARM)


def _share(arm: ArmShown, *, scenario: Scenario) -> str:
    found = arm["subjects_with_case"][scenario]
    if found["rate"] is None:
        return NOT_EVALUABLE
    return f"{found['events']} of {found['n']}: {rate(found['rate'])} ({span(found['ci95'])})"


def _comparison(document: ClosedDocument) -> Table:
    compared = document["comparison"]
    found = ((said, compared["readings"][scenario]) for scenario, said in SCENARIOS.items())
    rows = (
        cells(
            said,
            "{events} of {n}".format(**one["active"]),
            "{events} of {n}".format(**one["control"]),
            NOT_EVALUABLE if one["p_value"] is None else p_text(one["p_value"]),
        )
        for said, one in found
    )
    return Table(compared["test"], ("Scenario", "Active", "Control", "p"), tuple(rows))


def _self_controlled(document: ClosedDocument) -> Table:
    columns = (
        "Arm",
        "Scenario",
        "Events in risk hours",
        "In control hours",
        "Relative incidence (95\N{NO-BREAK SPACE}%)",
        "p",
    )
    rows = tuple(
        cells(arm["arm"], said, *_timing(arm["self_controlled"][scenario], arm))
        for arm in document["arms"]
        for scenario, said in SCENARIOS.items()
    )
    caption = "Risk hours against control hours of the same participants, within each arm"
    return Table(caption, columns, rows, NO_ARM)


def _timing(found: RiskAgainstControl | None, arm: ArmShown) -> Sequence[str]:
    if found is None:
        return (NOT_EVALUABLE,) * 4
    ratio, low, high = (
        number(value, missing="no limit") for value in (found["relative_incidence"], *found["ci95"])
    )
    return (
        f"{found['events_in_risk']} in {number(arm['hours_in_risk'])} h",
        f"{found['events_in_control']} in {number(arm['hours_in_control'])} h",
        f"{ratio} ({low} to {high})"
        if found["events_in_risk"] + found["events_in_control"]
        else NOT_EVALUABLE,
        p_text(found["p_value"]),
    )


def _withheld(document: ClosedDocument) -> Table:
    columns: Columns[Withheld] = {
        "Participant": "USUBJID",
        "Record": "record",
        "Where": lambda row: f"{row['source_file']}, row {row['source_row']}",
        "EXTRT": lambda row: row["EXTRT"] or "blank",
        "EXDOSE": lambda row: row["EXDOSE"] or "blank",
    }
    empty = "No administration is in quarantine because of its treatment or amount."
    caption = "Administrations in quarantine because of what was given"
    return table(caption, columns, document["withheld_administrations"], empty)


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
