"""Checks of adverse events: whether it occurred, term, severity, seriousness and grade."""

from typing import Final

from checks.validation.catalogue.check import Check, in_set
from checks.validation.states import KNOWN, NUMBER

EVENTS: Final = (
    Check(
        "term_present", ("AE",), "completeness", "quarantines", ("AETERM_state",), in_set(KNOWN),
        "events without a term", "events",
        "{column} is blank; an event needs its term. Ask the site what happened",
    ),
    Check(
        "term_coded", ("AE",), "completeness", "warns", ("AEDECOD_state",), in_set(KNOWN),
        "events whose AEDECOD is a placeholder", "events with an AEDECOD",
        "{column} is a placeholder such as UNCODED, N/A or a full stop: AETERM was matched in its stead. Ask for the "
        "coded term",
    ),
    Check(
        "event_occurred", ("AE",), "conformance", "warns", ("AEOCCUR_state",), in_set(KNOWN),
        "pre-specified events that did not occur", "events with an answer",
        "{column} says that the event did not occur, or that it was not asked for: it is no event, and counted here "
        "alone",
    ),
    Check(
        "severity_term", ("AE",), "conformance", "warns", ("AESEV",), in_set("MILD", "MODERATE", "SEVERE"),
        "events with an unknown severity", "events with a severity",
        "{column} is not a term of the CDISC code list AESEV; allowed: MILD, MODERATE, SEVERE",
    ),
    Check(
        "seriousness_term", ("AE",), "conformance", "warns", ("AESER",), in_set("Y", "N"),
        "events with an unknown seriousness", "events with a seriousness",
        "{column} is not a term of the CDISC code list NY; allowed: Y, N",
    ),
    Check(
        "grade_numeric", ("AE",), "conformance", "warns", ("AETOXGR_state",), in_set(NUMBER),
        "events with a grade that is not a number", "events with a grade",
        "{column} is not a number; allowed: CTCAE grade 1 to 5 (MILD, MODERATE, SEVERE belong in AESEV)",
    ),
    Check(
        "grade_in_range", ("AE",), "conformance", "quarantines", ("AETOXGR_grade",), in_set("1", "2", "3", "4", "5"),
        "events with a grade that is not 1 to 5", "events with a numeric grade",
        "{column} is no CTCAE grade; allowed: 1 to 5. Ask the site for the grade",
    ),
)  # fmt: skip
