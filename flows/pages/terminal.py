"""A look at a terminal: plain ASCII, 80 columns, nothing that commands the terminal."""

from pathlib import Path

from checks.looks.document import FeedPart, LookDocument, RulePart
from flows.pages import sentences
from flows.pages.kit.rendering import render
from flows.pages.kit.verdicts import RULE_VERDICTS, VERDICTS, best_to_worst
from flows.pages.kit.words import plural

MOST_LISTED = 20


def text_summary(look: LookDocument, *, report: Path | None) -> str:
    """Return the look in a few lines of at most 80 printable ASCII characters.

    ``look`` is the look.json document, pooled and blinded; ``report`` is where the page was written, or None: a long
    path is not broken, so that it can be copied.
    """
    risk = (look.get("timing") or {}).get("risk_window_hours") or ()
    return render(
        "terminal.txt.j2",
        look=look,
        verdict=VERDICTS[look["verdict"]],
        lead=sentences.lead_sentence(look, "", risk),
        further=sentences.further_sentences(look),
        rules=[_answer(rule) for rule in look["rules"]],
        cases=sentences.in_window(look, "yes") + sentences.in_window(look, "possible"),
        most_listed=MOST_LISTED,
        feeds=[_feed(feed) for feed in look["feeds"]],
        report=None if report is None else str(report),
        say=sentences,
    )


def _answer(rule: RulePart) -> str:
    """Return a rule's verdict, what it observed against which boundary, and why it is not evaluable."""
    said = f"{RULE_VERDICTS[rule['verdict']]}: {rule['id']}"
    if rule["verdict"] != "not_evaluable":
        said += f", {sentences.observed_text(rule)}, boundary {sentences.boundary_text(rule)}"
    if rule["best_case"] != rule["worst_case"]:
        said += f" ({best_to_worst(rule['best_case'], rule['worst_case'])})"
    reason = sentences.reason_of(rule)
    return f"{said}: {reason}" if reason else said


def _feed(feed: FeedPart) -> str:
    held = feed["rows_quarantined"]
    said = f"{feed['domain']} {sentences.feed_state(feed)}"
    return f"{said}, {plural(held, 'row')} in quarantine" if held else said
