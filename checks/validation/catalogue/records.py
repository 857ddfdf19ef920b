"""Checks of any record: whose it is, whether it is one, and whether its subject has a dose."""

from typing import Final

from checks.instants import ALLOWED_FORM
from checks.validation.catalogue.check import ALL, FILLED, OF_EVENTS, UNIQUE, Check, in_set
from checks.validation.states import DATA, DOSED, ENROLLED, KNOWN, READABLE

RECORDS: Final = (
    Check(
        "not_a_header", ALL, "conformance", "quarantines", ("row_state",), in_set(DATA),
        "rows that repeat the header", "rows",
        "the row repeats the header: the file has two header rows. Ask the sender to deliver one",
    ),
    Check(
        "subject_present", ALL, "completeness", "quarantines", ("USUBJID",), FILLED,
        "rows without a subject", "rows",
        "{column} is blank (not enrolled?); each row needs its subject. Ask the site whose record it is",
    ),
    Check(
        "subject_enrolled", OF_EVENTS, "conformance", "quarantines", ("USUBJID_state",), in_set(ENROLLED),
        "rows of a subject that DM does not have", "rows with a subject",
        "{column} is not an accepted subject of DM; without a site there is no time zone. "
        "Correct the identifier, or deliver the subject in DM",
    ),
    Check(
        "key_unique", ALL, "conformance", "quarantines", ("{key}_key",), UNIQUE,
        "rows that share their key with a row of other content", "rows with a key",
        "{column} is given to several rows with different content; a key names one record. "
        "Ask the sender which one holds",
    ),
    Check(
        "exact_duplicate", ALL, "conformance", "warns", ("row_content",), UNIQUE,
        "rows that another row repeats exactly", "rows",
        "the row is delivered more than once, the same in every column that is read; it counts once",
    ),
    Check(
        "status_clear", ("DM", "VS", "AE", "LB"), "conformance", "quarantines", ("{domain}STAT_state",),
        in_set(KNOWN),
        "rows that do not say clearly whether they hold", "rows that could bear on a case",
        "{column} {reason}. The row counts in the worst case alone. Allowed: blank or NOT DONE (--STAT), Y or N "
        "(--OCCUR, DELETED). Ask the site which holds",
    ),
    Check(
        "site_known", ("DM",), "conformance", "quarantines", ("SITEID_text",), in_set(),
        "subjects of a site that the protocol does not list", "subjects",
        "{column} is not a site of the study protocol, so the subject's stamps have no time zone. "
        "Correct it, or add the site under `sites`",
    ),
    Check(
        "death_dated", ("DM",), "completeness", "warns", ("DTHDTC_state",), in_set(READABLE),
        "deaths without a date that can be read", "subjects of whom DM says that they died",
        f"{{column}} is {{reason}}; the subject died at any time since it was last measured or had an event. Nothing "
        f"after that is known of it. Ask the site for the date; allowed: {ALLOWED_FORM}",
    ),
    Check(
        "subject_dosed", ("VS", "AE"), "plausibility", "warns", ("USUBJID_dosed",), in_set(DOSED),
        "rows of subjects who were never dosed", "rows of enrolled subjects",
        "{column} is a subject without an accepted dose; the row takes part in no dose's hours",
    ),
)  # fmt: skip
