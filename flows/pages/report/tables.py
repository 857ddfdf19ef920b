"""The tables of a look's report: their columns, their cells, what each says when it is empty."""

from collections.abc import Mapping

import pandas as pd

from checks.looks.document import CasePart, CheckPart, FeedPart, LookDocument, RulePart
from checks.protocol import StudyProtocol
from flows.pages.kit.tables import Cell, Table
from flows.pages.kit.times import utc_text
from flows.pages.kit.verdicts import IN_WINDOW, PROSE_UNITS, RULE_VERDICTS
from flows.pages.kit.words import DASH, chance, number, p_text, rate, span, spoken
from flows.pages.sentences import (
    boundary_text,
    case_hour,
    cases_in_order,
    chose_window,
    feed_state,
    grade_text,
    observed_cell,
)

NOT_KNOWN = "not known"

CHANGES: Mapping[str, str] = {
    "corrected": "values corrected",
    "deleted": "records deleted",
    "restored": "records restored",
}
"""What each kind of change is called."""


def _p_value(rule: RulePart, protocol: StudyProtocol) -> Cell:
    if rule["p_value"] is None:
        return Cell(DASH)
    if rule["detail"]["boundary_is"] != "events":
        note = "against control hours of the same participants"
        if "p_best" in rule["detail"]:
            best, worst = p_text(rule["detail"]["p_best"]), p_text(rule["detail"]["p_worst"])
            note += f"; best case {best}, worst case {worst}"
        if chose_window(rule):
            note += "; the window was chosen after the events"
        return Cell(p_text(rule["p_value"]), note)
    background = protocol.background
    if background is None:
        return Cell(p_text(rule["p_value"]), "the study protocol states no background")
    note = f"at a background of {rate(background.rate)} per {PROSE_UNITS[background.unit]}"
    if background.range is not None:
        note += f"; plausible {rate(background.range[0])} to {rate(background.range[1])}"
    return Cell(p_text(rule["p_value"]), note)


def _verdict(verdict: str, note: str = "") -> Cell:
    return Cell(RULE_VERDICTS[verdict], note, verdict)


def rules_table(look: LookDocument, protocol: StudyProtocol) -> Table:
    """Return each rule against its boundary, in the order of the protocol."""
    asked = {rule.id: rule.question() for rule in protocol.rules}
    states = {signal["rule"]: f"{signal['state']} signal" for signal in look.get("signals") or ()}
    rows = tuple(
        (
            Cell(rule["id"], asked.get(rule["id"], "")),
            _verdict(rule["verdict"], (rule["detail"] or {}).get("reason") or states.get(rule["id"], "")),
            observed_cell(rule),
            Cell(boundary_text(rule)),
            _verdict(rule["best_case"]),
            _verdict(rule["worst_case"]),
            _p_value(rule, protocol),
        )
        for rule in look["rules"]
    )
    columns = ("Rule", "Verdict", "Observed", "Boundary", "Best case", "Worst case", "P value and background")
    caption = "Each stopping rule of the study protocol against its boundary"
    return Table(caption, columns, rows, "No rule was evaluated.")


def backgrounds_table(look: LookDocument) -> Table:
    """Return how far the background moves the answer of each rate rule, the lowest background first."""
    rows = tuple(
        (
            Cell(f"{rule['id']}, {one['background']}"),
            Cell(f"{rate(one['rate'])} per {PROSE_UNITS[rule['detail']['unit']]}"),
            Cell(p_text(one["p_value"])),
            Cell(chance(one["posterior_above"])),
        )
        for rule in look["rules"]
        for one in (rule["detail"] or {}).get("backgrounds", ())
    )
    columns = ("Rule, background", "Rate", "P value", "Probability that the rate is higher")
    return Table("The same events at other backgrounds", columns, rows)


def _case_row(case: CasePart) -> tuple[Cell, ...]:
    found = "; ".join(
        f"{spoken(name)} {span(part.get('onset_hours'), missing=NOT_KNOWN)}"
        for name, part in case["components"].items()
    )
    evidence = ", ".join(item for part in case["components"].values() for item in part["evidence"])
    queried = any(part.get("query") for part in case["components"].values())
    surely = "surely: the whole interval" if case["surely"] else ""
    return (
        Cell(case["USUBJID"]),
        Cell(str(case["dose_number"]), utc_text(case["dose_start"])),
        Cell(case_hour(case), f"interval {span(case['onset_hours'], missing=NOT_KNOWN)}"),
        Cell(found, "vital signs and adverse events disagree: query" if queried else ""),
        Cell(evidence),
        Cell(case["certainty"]),
        Cell(grade_text(case.get("grade"))),
        Cell(IN_WINDOW[case["in_risk_window"]], surely, "inside" if case["in_risk_window"] == "yes" else ""),
    )


def cases_table(look: LookDocument) -> Table:
    """Return every case with its evidence, those in the risk window first."""
    columns = (
        "Participant",
        "Dose",
        "First seen after dose",
        "Component onsets, h",
        "Evidence",
        "Certainty",
        "Grade",
        "In risk window",
    )
    rows = tuple(_case_row(case) for case in cases_in_order(look))
    return Table("Cases, by the hour at which they were first seen", columns, rows, "No case was found.")


def exposure_table(doses: pd.DataFrame) -> Table:
    """Return the dose windows by dose number: how many, in which state, and the hours observed."""
    rows = []
    for dose, group in doses.groupby("dose_number", sort=True):
        states = group["window"].value_counts()
        counted = [str(int(states.get(state, 0))) for state in ("evaluable", "open", "unobserved")]
        hours = [
            number(float(group[name].sum())) for name in ("risk_observed_hours", "control_observed_hours")
        ]
        untrusted = str(int((~group["trusted"].astype(bool)).sum()))
        values = [f"Dose {dose}", str(len(group)), *counted, untrusted, *hours]
        rows.append(tuple(Cell(value) for value in values))
    columns = (
        "Dose",
        "Given",
        "Evaluable",
        "Open",
        "Unobserved",
        "In quarantine",
        "Risk hours observed",
        "Control hours observed",
    )
    return Table("Dose windows by dose number", columns, tuple(rows), "No dose is on record.")


def _feed_row(feed: FeedPart) -> tuple[Cell, ...]:
    return (
        Cell(feed["domain"]),
        Cell(
            feed_state(feed),
            "; ".join(feed.get("problems") or ()),
            "" if feed["outcome"] == "not_applicable" else "fine" if feed_state(feed) == "passed" else "poor",
        ),
        Cell(f"{feed['rows_read']:,}"),
        Cell(f"{feed['rows_accepted']:,}"),
        Cell(f"{feed['rows_quarantined']:,}"),
        Cell(utc_text(feed["latest"]), "older than the protocol allows" if feed["stale"] else ""),
        Cell(utc_text(feed["received"]) if feed.get("received") else "as found"),
    )


def feeds_table(look: LookDocument) -> Table:
    """Return what was read of each feed, and whether it can be trusted."""
    columns = ("Feed", "Outcome", "Rows read", "Accepted", "Quarantined", "Latest datum", "Received")
    rows = tuple(_feed_row(feed) for feed in look["feeds"])
    return Table("Feeds at the data cut-off", columns, rows, "No feed was read.")


def quarantine_table(look: LookDocument) -> Table:
    """Return why rows were withheld, the commonest reason first."""
    reasons = sorted(
        look.get("quarantine") or (), key=lambda item: (-item["rows"], item["domain"], item["check"])
    )
    rows = tuple(
        (Cell(item["domain"]), Cell(item["check"]), Cell(f"{item['rows']:,}"), Cell(item["message"]))
        for item in reasons
    )
    columns = ("Feed", "Check", "Rows", "Reason")
    return Table(
        "Rows in quarantine; they count in the worst case", columns, rows, "No row is in quarantine."
    )


def changes_table(look: LookDocument) -> Table:
    """Return how many values and records later deliveries changed; ``changes.csv`` lists each."""
    rows = tuple(
        (Cell(item["domain"]), Cell(CHANGES[item["kind"]]), Cell(f"{item['number']:,}"))
        for item in look.get("changes") or ()
    )
    columns = ("Feed", "Change", "Number")
    caption = "What later deliveries changed; changes.csv lists each change, from, to and when known"
    return Table(caption, columns, rows, "No later delivery changed what an earlier one had said.")


def _share(check: CheckPart) -> str:
    return f"{check['numerator']:,} of {check['denominator']:,}" if check["denominator"] else DASH


def checks_table(look: LookDocument) -> Table:
    """Return the feed checks that failed or could not be done."""
    rows = tuple(
        (
            Cell(check["domain"]),
            Cell(spoken(check["name"])),
            Cell(spoken(check["outcome"]), tone="poor"),
            Cell(check["severity"]),
            Cell(_share(check)),
            Cell(check["message"]),
        )
        for check in look.get("checks") or ()
    )
    columns = ("Feed", "Check", "Outcome", "Severity", "Rows", "Message")
    return Table("Feed checks that failed or could not be done", columns, rows, "Every feed check passed.")
