"""What of a look's document a message tells."""

from checks.looks.document import CasePart, FeedPart, LookDocument, RulePart
from checks.protocol import StudyProtocol
from flows.pages.kit.words import spoken, utc_text
from flows.pages.message.facts import CaseFact, LookFacts, RuleFact
from flows.pages.sentences import (
    boundary_text,
    cases_in_order,
    component_hours,
    feed_state,
    further_sentences,
    lead_sentence,
    observed_text,
    reason_of,
)

BACKGROUND = "Background "
"""How the sentences on the background begin among a look's caveats."""

FINE = ("passed", "not applicable")
"""Feed states of which nothing need be told."""


def look_facts(look: LookDocument, protocol: StudyProtocol) -> LookFacts:
    """Return what a message tells of a look, every case as new.

    Parameters
    ----------
    look
        The look.json document, pooled and blinded; what it says of delivery is left out.
    protocol
        The study protocol that the look was made with.
    """
    undelivered, exposure = look.copy(), look["exposure"]
    undelivered.pop("delivery", None)
    name = spoken(protocol.case_definition.name)
    lead = lead_sentence(undelivered, name, protocol.risk_window_hours)
    return LookFacts(
        look_id=look["look_id"],
        data_cutoff=look["data_cutoff"],
        verdict=look["verdict"],
        lead=(lead, *further_sentences(undelivered)),
        windows={
            "evaluable": exposure["windows_evaluable"],
            "open": exposure["windows_open"],
            "unobserved": exposure["windows_unobserved"],
        },
        rules=tuple(_rule(rule) for rule in look["rules"]),
        cases=tuple(_case(case) for case in cases_in_order(look)),
        feeds=tuple(_feed(feed) for feed in look["feeds"] if feed_state(feed) not in FINE),
        caveats=tuple(one for one in look["caveats"] if not one.startswith(BACKGROUND)),
        background=tuple(one for one in look["caveats"] if one.startswith(BACKGROUND)),
    )


def _rule(rule: RulePart) -> RuleFact:
    return RuleFact(
        id=rule["id"],
        verdict=rule["verdict"],
        observed=observed_text(rule),
        boundary=boundary_text(rule),
        best_case=rule["best_case"],
        worst_case=rule["worst_case"],
        reason=reason_of(rule),
    )


def _case(case: CasePart) -> CaseFact:
    return CaseFact(
        USUBJID=case["USUBJID"],
        dose_number=case["dose_number"],
        dose_start=case["dose_start"],
        hour=case["hour"],
        onset_hours=(case["onset_hours"][0], case["onset_hours"][1]),
        components=component_hours(case),
        certainty=case["certainty"],
        in_risk_window=case["in_risk_window"],
        grade=case.get("grade"),
        new=True,
    )


def _feed(feed: FeedPart) -> str:
    latest = f", latest datum {utc_text(feed['latest'])}" if feed["latest"] else ""
    return f"{feed['domain']}: {feed_state(feed)}{latest}"
