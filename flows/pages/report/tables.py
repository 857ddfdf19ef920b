"""The tables of a look's report: their columns, their cells, what each says when it is empty."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import pandas as pd

from checks.looks.caveats import PAGE_HAS_ALL
from checks.looks.document import (
    CasePart,
    ChangePart,
    CheckPart,
    FeedPart,
    LookDocument,
    RateBackgroundPart,
    RulePart,
    UnusedPart,
)
from checks.protocol import StudyProtocol
from checks.stamps import stamp
from flows.pages.cases import CaseWords, case_hour, dose_notes, onset_span, settled_cases, working_list
from flows.pages.kit.tables import Cell, Columns, Table, table
from flows.pages.kit.verdicts import IN_WINDOW, PROSE_UNITS, RULE_VERDICTS
from flows.pages.kit.words import DASH, number, p_text, percent, plural, rate, ratio, utc_text
from flows.pages.sentences import (
    boundary_text,
    chose_window,
    feed_state,
    grade_text,
    observed_cell,
    reason_of,
)


class Background(RateBackgroundPart):
    """The answer of a rate rule at one background."""

    rule: str
    unit: str


CHANGES: Mapping[str, str] = {
    "corrected": "values corrected",
    "deleted": "records deleted",
    "restored": "records restored",
}
"""What each kind of change is called."""


def _p_value(rule: RulePart, protocol: StudyProtocol) -> Cell:
    if rule["p_value"] is None:
        return Cell(DASH)
    of_timing = rule["kind"] == "timing"
    return Cell(p_text(rule["p_value"]), _against_own_hours(rule) if of_timing else _against(protocol))


def _against_own_hours(rule: RulePart) -> str:
    note, detail = "against control hours of the same participants", rule["detail"]
    if detail.get("charting") == "worst":
        note += ", as charted or as if charting reacted to the event: the larger p"
    if "p_best" in detail:
        note += f"; best case {p_text(detail['p_best'])}, worst case {p_text(detail['p_worst'])}"
    note += "; the window was chosen after the events" if chose_window(rule) else ""
    return note + _attainable(rule)


def _attainable(rule: RulePart) -> str:
    """Return how little chance could have left to a rule, and how far its answer holds, where it says so."""
    smallest, informative, tipping = (
        rule["smallest_attainable_p"],
        rule["informative_events"],
        rule["gamma_tipping"],
    )
    if smallest is None:
        return ""
    best = (
        "the highest scores" if informative is None else f"all of {plural(informative, 'informative event')}"
    )
    holds = "" if tipping is None else f"; crosses up to gamma {ratio(tipping)}"
    return f"; {best} in risk hours would have given {p_text(smallest)}{holds}"


def _against(protocol: StudyProtocol) -> str:
    background = protocol.background
    if background is None:
        return "the study protocol states no background"
    note = f"at a background of {rate(background.rate)} per {PROSE_UNITS[background.unit]}"
    if background.range is None:
        return note
    return f"{note}; plausible {rate(background.range[0])} to {rate(background.range[1])}"


def _verdict(verdict: str, note: str = "") -> Cell:
    return Cell(RULE_VERDICTS[verdict], note, verdict)


def rules_table(look: LookDocument, protocol: StudyProtocol) -> Table:
    """Return each rule against its boundary, in the order of the protocol."""
    asked = {rule.id: rule.question() for rule in protocol.rules}
    states = {signal["rule"]: f"{signal['state']} signal" for signal in look.get("signals") or ()}
    columns: Columns[RulePart] = {
        "Rule": lambda rule: Cell(rule["id"], asked.get(rule["id"], "")),
        "Verdict": lambda rule: _verdict(rule["verdict"], reason_of(rule) or states.get(rule["id"], "")),
        "Observed": observed_cell,
        "Boundary": boundary_text,
        "Best case": lambda rule: _verdict(rule["best_case"]),
        "Worst case": lambda rule: _verdict(rule["worst_case"]),
        "P value and background": lambda rule: _p_value(rule, protocol),
    }
    caption = "Each stopping rule of the study protocol against its boundary"
    return table(caption, columns, look["rules"], "No rule was evaluated.")


def backgrounds_table(look: LookDocument) -> Table:
    """Return how far the background moves the answer of each rate rule, the lowest background first."""
    columns: Columns[Background] = {
        "Rule, background": lambda one: f"{one['rule']}, {one['background']}",
        "Rate": lambda one: f"{rate(one['rate'])} per {PROSE_UNITS[one['unit']]}",
        "P value": lambda one: p_text(one["p_value"]),
        "Probability that the rate is higher": lambda one: percent(one["posterior_above"]),
    }
    rows: Iterator[Background] = (
        {"rule": rule["id"], "unit": rule["detail"]["unit"], **one}
        for rule in look["rules"]
        for one in rule["detail"].get("backgrounds", [])
    )
    return table("The same events at other backgrounds", columns, rows)


def _onsets(case: CasePart, words: CaseWords) -> Cell:
    queried = any(part["query"] for part in case["components"].values())
    notes = (
        words.provisional(case),
        "vital signs and adverse events disagree: query" if queried else "",
    )
    return Cell(words.components(case), "; ".join(note for note in notes if note))


def _dose(case: CasePart) -> Cell:
    notes = [utc_text(case["dose_start"]), dose_notes(case)]
    return Cell(str(case["dose_number"]), "; ".join(note for note in notes if note))


def _seen(case: CasePart) -> Cell:
    return Cell(case_hour(case), f"interval {onset_span(case['onset_hours'])}")


def _evidence(case: CasePart) -> str:
    return ", ".join(chain(*(one["evidence"] for one in case["components"].values())))


def _in_risk_window(case: CasePart) -> Cell:
    surely = "surely: the whole interval" if case["surely"] else ""
    return Cell(
        IN_WINDOW[case["in_risk_window"]], surely, "inside" if case["in_risk_window"] == "yes" else ""
    )


def cases_table(look: LookDocument, words: CaseWords) -> Table:
    """Return every definite case with why it counts and what shows it, those in the risk window first."""
    columns: Columns[CasePart] = {
        "Participant": "USUBJID",
        "Dose": _dose,
        "Hours after dose": _seen,
        "What began, and why it counts": lambda case: _onsets(case, words),
        "Evidence": _evidence,
        "Grade": lambda case: grade_text(case["grade"]),
        "In risk window": _in_risk_window,
    }
    caption = "Definite cases, by the hour at which they began"
    return table(caption, columns, settled_cases(look), "No definite case was found.")


def possible_table(look: LookDocument, words: CaseWords) -> Table:
    """Return the cases that are not settled, what each lacks and what would take it back, the most pressing first."""
    columns: Columns[CasePart] = {
        "Participant": "USUBJID",
        "Dose": _dose,
        "Hours after dose": _seen,
        "In risk window": lambda case: IN_WINDOW[case["in_risk_window"]],
        "Why it counts, and what shows it": lambda case: Cell(words.why(case), _shown(case)),
        "Missing to make it definite": lambda case: "; ".join(words.missing(case)),
        "Cleared by": lambda case: "; ".join(words.cleared(case)),
    }
    caption = "Cases that a missing fact decides, the most pressing first"
    return table(caption, columns, working_list(look), "No case waits for a missing fact.")


def _shown(case: CasePart) -> str:
    graded = f"; grade {grade_text(case['grade'])}" if case["grade"] is not None else ""
    return _evidence(case) + graded


def exposure_table(doses: pd.DataFrame) -> Table:
    """Return the dose windows by dose number: how many, in which state, and the hours observed."""
    columns: Columns[dict[Any, Any]] = {
        "Dose": lambda dose: f"Dose {dose['dose_number']}",
        "Given": "given",
        "Evaluable": "evaluable",
        "Open": "open",
        "Unobserved": "unobserved",
        "In quarantine": "untrusted",
        "Risk hours observed": lambda dose: number(dose["risk_observed_hours"]),
        "Control hours observed": lambda dose: number(dose["control_observed_hours"]),
    }
    fates = {fate: doses["window"] == fate for fate in ("evaluable", "open", "unobserved")}
    counted = doses.assign(given=1, untrusted=~doses["trusted"].astype(bool), **fates)
    rows = counted.groupby("dose_number").sum(numeric_only=True).reset_index().to_dict("records")
    return table("Dose windows by dose number", columns, rows, "No dose is on record.")


def _hours_from(dose: Mapping[Any, Any]) -> str:
    ends = dict.fromkeys(utc_text(stamp(dose[name])) for name in ("start_earliest", "start_latest"))
    return " to ".join(ends)


def administrations_table(doses: pd.DataFrame) -> Table:
    """Return the doses that several rows of EX tell of, or that may be the dose before; which hours were taken."""
    shown = doses[(doses["rows"] > 1) | ~doses["separate"].astype(bool)].sort_values(
        ["USUBJID", "dose_number"]
    )
    columns: Columns[dict[Any, Any]] = {
        "Participant": "USUBJID",
        "Dose": "dose_number",
        "Rows of EX (EXSEQ)": "EXSEQ",
        "Hours run from": _hours_from,
        "Given for": lambda dose: f"{number(dose['given_hours'])} h",
        "Interruptions": lambda dose: (
            dose["interruptions"] or ("none" if dose["segments"] == 1 else "not known")
        ),
        "Of its own": lambda dose: "yes" if dose["separate"] else "perhaps the dose before, going on",
    }
    caption = "Doses that are read from several rows, or may be the dose before"
    return table(caption, columns, shown.to_dict("records"), "Each row of EX is a dose of its own.")


def _outcome(feed: FeedPart, look: LookDocument) -> Cell:
    state = feed_state(feed)
    tone = "" if feed["outcome"] == "not_applicable" else "fine" if state == "passed" else "poor"
    of_checks = {check["message"] for check in look["checks"]}
    problems = (one for one in feed.get("problems") or () if one not in of_checks)
    return Cell(state, "; ".join(problems), tone)


def _latest(feed: FeedPart) -> Cell:
    return Cell(
        utc_text(feed["latest"]), "older than the protocol allows" if feed["stale"] and feed["latest"] else ""
    )


def feeds_table(look: LookDocument) -> Table:
    """Return what was read of each feed, and whether it can be trusted."""
    columns: Columns[FeedPart] = {
        "Feed": "domain",
        "Outcome": lambda feed: _outcome(feed, look),
        "Rows read": "rows_read",
        "Accepted": "rows_accepted",
        "Quarantined": "rows_quarantined",
        "Latest datum": _latest,
        "Received": lambda feed: utc_text(feed["received"]) if feed.get("received") else "as found",
    }
    return table("Feeds at the data cut-off", columns, look["feeds"], "No feed was read.")


class Unused(UnusedPart):
    """Rows that nothing uses, of one feed."""

    domain: str


def unused_table(look: LookDocument) -> Table:
    """Return the rows that nothing uses: of which feed, why, of which test, and how many."""
    columns: Columns[Unused] = {
        "Feed": "domain",
        "Reason": "reason",
        "Test code": lambda one: Cell(
            one["code"] or DASH, f"nearest known: {one['nearest']}" if one["nearest"] else ""
        ),
        "Rows": "rows",
    }
    rows: Iterator[Unused] = (
        {"domain": feed["domain"], **one} for feed in look["feeds"] for one in feed.get("unused", ())
    )
    caption = "Rows that are in order and that nothing uses"
    return table(caption, columns, rows, "Every accepted row is used.")


def changes_table(look: LookDocument) -> Table:
    """Return how many values and records later deliveries changed; ``changes.csv`` lists each."""
    columns: Columns[ChangePart] = {
        "Feed": "domain",
        "Change": lambda change: CHANGES[change["kind"]],
        "Number": "number",
    }
    caption = "What later deliveries changed; changes.csv lists each change, from, to and when known"
    empty = "No later delivery changed what an earlier one had said."
    return table(caption, columns, look.get("changes") or (), empty)


SEVERITIES: Mapping[str, str] = {
    "blocks": "the feed cannot be used",
    "quarantines": "its rows are withheld, and count in the worst case",
    "warns": "nothing is withheld",
}
"""What becomes of a feed, or of its rows, where a check fails."""


def _check(check: CheckPart) -> Cell:
    could_not = check["outcome"] == "error"
    return Cell(check["name"], "it could not be done" if could_not else SEVERITIES[check["severity"]], "poor")


def _how_many(check: CheckPart) -> Cell:
    counted = f"{check['numerator']:,} of {check['denominator']:,}" if check["denominator"] else DASH
    return Cell(counted, f"In {check['place']}." if check.get("place") else "")


def checks_table(look: LookDocument) -> Table:
    """Return all that is known of each check that failed or could not be done, what withholds most first."""
    columns: Columns[CheckPart] = {
        "Feed": "domain",
        "Check": _check,
        "How many": _how_many,
        "What was found, what is allowed, what to do": "message",
    }
    order = tuple(SEVERITIES)
    failed = sorted(look["checks"], key=lambda one: (order.index(one["severity"]), -one["numerator"]))
    caption = "Feed checks that failed or could not be done; quarantine.csv lists each row that is withheld"
    return table(caption, columns, failed, "Every feed check passed.")


def other_caveats(look: LookDocument) -> list[str]:
    """Return what could change the answer, without what the table of checks says."""
    of_checks = [
        one["message"].removeprefix(f"{one['domain']}: ") for one in look["checks"] if one["message"]
    ]
    return [
        text
        for text in look["caveats"]
        if not text.endswith(PAGE_HAS_ALL) and not any(said in text for said in of_checks)
    ]
