"""A look at a terminal: plain ASCII, 80 columns, nothing that commands the terminal."""

from pathlib import Path

from checks.looks.document import CasePart, FeedPart, LookDocument, RulePart
from checks.protocol import StudyProtocol
from flows.pages import sentences
from flows.pages.cases import CaseWords, case_hour, dose_notes, settled_cases, working_list
from flows.pages.kit.rendering import render
from flows.pages.kit.verdicts import RULE_VERDICTS, best_to_worst, verdict_words
from flows.pages.kit.words import plural

MOST_LISTED, MOST_POSSIBLE = 20, 10


def text_summary(look: LookDocument, protocol: StudyProtocol, *, report: Path | None) -> str:
    """Return the look in a few lines of at most 80 printable ASCII characters.

    ``look`` is the look.json document, pooled and blinded, made with ``protocol``; ``report`` is where the page was
    written, or None: a long path is not broken, so that it can be copied.
    """
    words = CaseWords(protocol)
    sure = [case for case in settled_cases(look) if case["in_risk_window"] == "yes"]
    open_cases = working_list(look)
    return render(
        "terminal.txt.j2",
        look=look,
        verdict=verdict_words(sentences.standing_of(look), sentences.beneath(look), sentences.repairs(look)),
        lead=sentences.lead_sentence(look, "", protocol.risk_window_hours),
        further=sentences.further_sentences(look),
        rules=[_answer(rule) for rule in look["rules"]],
        cases=[_case(case, words) for case in sure[:MOST_LISTED]],
        more_cases=len(sure) - MOST_LISTED,
        possible=[_possible(case, words) for case in open_cases[:MOST_POSSIBLE]],
        more_possible=len(open_cases) - MOST_POSSIBLE,
        feeds=[_feed(feed) for feed in look["feeds"]],
        report=None if report is None else str(report),
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


def _case(case: CasePart, words: CaseWords) -> str:
    """Return where a case lies and why it counts."""
    said = [words.components(case), words.provisional(case), dose_notes(case)]
    where = f"{case['USUBJID']}, dose {case['dose_number']}, {case_hour(case)}"
    return f"{where}: {'; '.join(one for one in said if one)}"


def _possible(case: CasePart, words: CaseWords) -> tuple[str, str, str]:
    """Return a case that is not settled, what would make it definite, and what would take it back."""
    place = {"yes": "", "possible": ", possibly in the risk window", "no": ", outside the risk window"}
    where = f"{case['USUBJID']}, dose {case['dose_number']}, {case_hour(case)}{place[case['in_risk_window']]}"
    missing, cleared = "; ".join(words.missing(case)), "; ".join(words.cleared(case))
    return f"{where}: {words.why(case)}", f"Missing: {missing}", f"Cleared by: {cleared}"


def _feed(feed: FeedPart) -> str:
    held = feed["rows_quarantined"]
    said = f"{feed['domain']} {sentences.feed_state(feed)}"
    return f"{said}, {plural(held, 'row')} in quarantine" if held else said
