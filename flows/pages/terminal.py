"""A look at a terminal: plain ASCII, 80 columns, nothing that commands the terminal."""

from collections.abc import Iterator
from pathlib import Path

from checks.looks.document import FeedPart, LookDocument, RulePart
from flows.pages.kit.lines import in_blocks, plain, plainly
from flows.pages.kit.times import utc_text
from flows.pages.kit.verdicts import RULE_VERDICTS, VERDICTS
from flows.pages.kit.words import NOT_A_DEVICE, SIMULATED, plural
from flows.pages.sentences import (
    boundary_text,
    case_hour,
    component_hours,
    feed_state,
    further_sentences,
    in_window,
    lead_sentence,
    observed_cell,
)

MOST_LISTED = 20


def _head(look: LookDocument) -> Iterator[str]:
    verdict = VERDICTS[look["verdict"]]
    if look.get("simulated"):
        yield SIMULATED
    yield from plainly(f"{verdict.name.upper()}: {verdict.headline}")
    yield from plainly(
        f"{look['study']}, data cut-off {utc_text(look['data_cutoff'])}, look {look['look_id']}"
    )
    yield from plainly(
        lead_sentence(look, "", (look.get("timing") or {}).get("risk_window_hours") or ()), rest=""
    )
    for sentence in further_sentences(look):
        yield from plainly(sentence, rest="")


def _rule(rule: RulePart) -> Iterator[str]:
    said = f"{RULE_VERDICTS[rule['verdict']]}: {rule['id']}"
    if rule["verdict"] != "not_evaluable":
        observed = observed_cell(rule)
        said += f", {observed.text}" + (f", {observed.note}" if observed.note else "")
        said += f", boundary {boundary_text(rule)}"
    if rule["best_case"] != rule["worst_case"]:
        best, worst = RULE_VERDICTS[rule["best_case"]].lower(), RULE_VERDICTS[rule["worst_case"]].lower()
        said += f" (best case {best}, worst case {worst})"
    if (rule["detail"] or {}).get("reason"):
        said += f": {rule['detail']['reason']}"
    yield from plainly(said, first="  ", rest="    ")


def _rules(look: LookDocument) -> Iterator[str]:
    yield "Rules"
    for rule in look["rules"]:
        yield from _rule(rule)


def _cases(look: LookDocument) -> Iterator[str]:
    cases = in_window(look, "yes") + in_window(look, "possible")
    if not cases:
        return
    yield "Cases in the risk window"
    for case in cases[:MOST_LISTED]:
        said = f"{case['USUBJID']}, dose {case['dose_number']}, {case_hour(case)} ({case['certainty']}"
        said += ", possibly in the window): " if case["in_risk_window"] == "possible" else "): "
        yield from plainly(said + component_hours(case), first="  ", rest="    ")
    if len(cases) > MOST_LISTED:
        yield f"  and {len(cases) - MOST_LISTED} more"


def _feed(feed: FeedPart) -> str:
    said = f"{feed['domain']} {feed_state(feed)}"
    if feed["rows_quarantined"]:
        said += f", {plural(feed['rows_quarantined'], 'row')} in quarantine"
    return said


def _feeds(look: LookDocument) -> Iterator[str]:
    yield from plainly("Feeds: " + "; ".join(_feed(feed) for feed in look["feeds"]))


def _caveats(look: LookDocument) -> Iterator[str]:
    caveats = look.get("caveats") or ()
    if caveats:
        yield "What could change the answer"
    for caveat in caveats:
        yield from plainly(caveat, first="  ", rest="    ")


def text_summary(look: LookDocument, *, report: Path | None) -> str:
    """Return the look in a few lines of at most 80 printable ASCII characters.

    Parameters
    ----------
    look
        The look.json document, pooled and blinded.
    report
        Where the page was written, or None; a long path is not broken, so that it can be copied.
    """
    blocks = [list(part(look)) for part in (_head, _rules, _cases, _feeds, _caveats)]
    last = [NOT_A_DEVICE] if report is None else [f"Report: {plain(str(report))}", NOT_A_DEVICE]
    return in_blocks(*blocks, last)
