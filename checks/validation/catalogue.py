"""Decide which checks a feed must meet: each is one named entry, and every suite is made from these.

A check judges one column of the table that a domain prepares (``checks.validation.subjects`` and its
neighbours); a row without a value there is no concern of that check, so its denominator leaves the row out.
"""

from dataclasses import dataclass
from typing import Final

from checks.instants import ALLOWED_FORM
from checks.validation.results import Category, Severity


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The value is in a list that the study or an earlier feed gives: sites, enrolled, dosed."""

    name: str


@dataclass(frozen=True, slots=True)
class Between:
    """The number lies within these limits, which it may equal."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Distinct:
    """No two rows have this value."""


@dataclass(frozen=True, slots=True)
class Filled:
    """There is a value."""


@dataclass(frozen=True, slots=True)
class Exists:
    """The column is there."""


@dataclass(frozen=True, slots=True)
class PartlyFilled:
    """At least one row has a value."""


@dataclass(frozen=True, slots=True)
class HasRows:
    """The table has at least one row."""


Rule = OneOf | Listed | Between | Distinct | Filled | Exists | PartlyFilled | HasRows

EVENTS: Final = ("EX", "VS", "AE", "LB")
ALL: Final = ("DM", *EVENTS)

DATA = "data"
KNOWN = "known"
READABLE = "readable"
CERTAIN = "certain"
NUMBER = "number"
FITS = "fits"
AGREES = "agrees"


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the catalogue.

    Attributes
    ----------
    column
        The prepared column that is judged.
    numerator, denominator
        What the two counts of its result count.
    message
        For the study team: what is wrong, what is allowed, what to do. ``{column}`` is the column as
        delivered, ``{reason}`` the state that was found (never a value of a subject).
    """

    name: str
    domains: tuple[str, ...]
    category: Category
    severity: Severity
    column: str
    rule: Rule
    numerator: str
    denominator: str
    message: str


STRUCTURE: Final = (
    Check(
        "rows_present", ALL, "completeness", "blocks", "", HasRows(),
        "feeds without a row", "feeds",
        "the feed has no rows; no data is not the same as no events. Ask the sender for it again",
    ),
    Check(
        "column_present", ALL, "conformance", "blocks", "", Exists(),
        "needed columns that are missing", "needed columns",
        "{column} is missing; the column is needed. Ask the sender to add it, or correct the delimiter",
    ),
    Check(
        "column_filled", ALL, "completeness", "blocks", "", PartlyFilled(),
        "needed columns that are blank on every row", "needed columns that are present",
        "{column} is blank on every row; the column is needed. Ask the sender to fill it",
    ),
)  # fmt: skip
"""Checks of a whole feed; ``column_present`` and ``column_filled`` are applied to each needed column."""

ROWS: Final = (
    Check(
        "not_a_header", ALL, "conformance", "quarantines", "row_kind", OneOf((DATA,)),
        "rows that repeat the header", "rows",
        "the row repeats the header: the file has two header rows. Ask the sender to deliver one",
    ),
    Check(
        "subject_present", ALL, "completeness", "quarantines", "subject", Filled(),
        "rows without a subject", "rows",
        "{column} is blank (not enrolled?); each row needs its subject. Ask the site whose record it is",
    ),
    Check(
        "subject_enrolled", EVENTS, "conformance", "quarantines", "enrolled", Listed("enrolled"),
        "rows of a subject that DM does not have", "rows with a subject",
        "{column} is not an accepted subject of DM; without a site there is no time zone. "
        "Correct the identifier, or deliver the subject in DM",
    ),
    Check(
        "key_unique", ALL, "conformance", "quarantines", "record_key", Distinct(),
        "rows that share their key with a row of other content", "rows with a key",
        "{column} is given to several rows with different content; a key names one record. "
        "Ask the sender which one holds",
    ),
    Check(
        "exact_duplicate", ALL, "conformance", "warns", "content", Distinct(),
        "rows that another row repeats exactly", "rows",
        "the row is delivered more than once, the same in every column that is read; it counts once",
    ),
    Check(
        "site_known", ("DM",), "conformance", "quarantines", "site", Listed("sites"),
        "subjects of a site that the protocol does not list", "subjects",
        "{column} is not a site of the study protocol, so the subject's stamps have no time zone. "
        "Correct it, or add the site under `sites`",
    ),
    Check(
        "time_readable", EVENTS, "conformance", "quarantines", "time_state", OneOf((READABLE,)),
        "rows whose time cannot be read", "rows that need a time",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}, T between date and time. Ask the site for it",
    ),
    Check(
        "clock_certain", EVENTS, "plausibility", "warns", "clock_state", OneOf((CERTAIN,)),
        "rows whose local time is not certain", "rows with a readable time",
        "{column} is {reason}; the row counts with every instant that it can mean. Ask for the offset from UTC, or "
        "for the date as it was entered",
    ),
    Check(
        "not_after_cutoff", EVENTS, "plausibility", "quarantines", "hours_after_cutoff", Between(maximum=0),
        "rows later than the data cut-off", "rows with a readable time",
        "{column} lies after the data cut-off (future stamp); the row is set aside until then. "
        "When the time is wrong, correct its date, year or offset",
    ),
    Check(
        "administration_clear", ("EX",), "completeness", "quarantines", "given_state", OneOf((KNOWN,)),
        "rows that do not say clearly what was given", "rows",
        "the treatment or the amount is blank, unreadable or impossible; which of these is not told, since "
        "it could tell the arm. The dose counts in the worst case. Ask the site to check the whole record",
    ),
    Check(
        "dose_status_known", ("EX",), "conformance", "quarantines", "status_state", OneOf((KNOWN,)),
        "administrations with an unknown status", "study-drug rows",
        "{column} does not say whether the dose was given; allowed: blank, COMPLETED, GIVEN, NOT DONE, "
        "NOT GIVEN, CANCELLED, ON HOLD, REWRITTEN (EXSTAT), Y or N (EXOCCUR, ECOCCUR). Ask the site",
    ),
    Check(
        "end_readable", ("EX", "AE"), "conformance", "warns", "end_state", OneOf((READABLE,)),
        "rows whose end cannot be read", "rows with an end",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}, or blank. The start counts all the same",
    ),
    Check(
        "end_not_before_start", ("EX", "AE"), "plausibility", "quarantines", "hours_start_to_end",
        Between(minimum=0),
        "rows that surely end before they start", "rows with a readable start and end",
        "{column} lies before the start. Correct one of them; an infusion over midnight (23:00 to 01:00) "
        "ends on the next day's date",
    ),
    Check(
        "infusion_within_a_day", ("EX",), "plausibility", "warns", "midnight_state", OneOf((KNOWN,)),
        "infusions that end on the next day by the clock, with the date of the start", "rows with both times",
        "{column} is hours before the start, on the same date: an infusion over midnight (23:00 to 01:00), whose "
        "end is taken to be on the next day. The dose counts from its start. Correct the date of the end",
    ),
    Check(
        "one_dose_a_row", ("EX",), "conformance", "warns", "doses_state", OneOf((KNOWN,)),
        "rows that stand for several doses", "administrations given with a frequency",
        "{column} says that the dose was repeated from the start to the end of the row; only the first of these "
        "doses is counted, and no window is opened by the others. Ask the sender for a row for each dose",
    ),
    Check(
        "treatment_listed", ("EX",), "conformance", "warns", "listed_state", OneOf((KNOWN,)),
        "rows of a treatment that the protocol does not list", "rows with a treatment",
        "the treatment is none of `treatment.names`, so the row opens no dose window; which one is not told. "
        "When study drug is among them (a misspelt name), correct it, or add the name to the protocol",
    ),
    Check(
        "alive_when_dosed", ("EX",), "plausibility", "quarantines", "hours_to_death", Between(minimum=0),
        "administrations after the subject's death", "administrations to subjects with a date of death",
        "{column} lies after the subject's death in DM; one of the two is wrong. Ask the site",
    ),
    Check(
        "test_named", ("VS", "LB"), "completeness", "quarantines", "test_state", OneOf((KNOWN,)),
        "rows without a test code", "rows",
        "{column} is blank; a result needs its test. Ask the site what was measured",
    ),
    Check(
        "value_present", ("VS", "LB"), "completeness", "quarantines", "value_given", OneOf((KNOWN,)),
        "results without a value that are not marked as not done", "results of tests that a rule uses",
        "{column} is blank, and the status is not NOT DONE. Ask the site for the value, or for the status",
    ),
    Check(
        "value_readable", ("VS", "LB"), "conformance", "quarantines", "value_state", OneOf((NUMBER,)),
        "results that are not a number", "results with a value",
        "{column} is not a plain number. Ask the site for the value",
    ),
    Check(
        "unit_known", ("VS",), "conformance", "quarantines", "unit_state", OneOf((KNOWN,)),
        "readings in an unknown unit", "readings with a readable value",
        "{column} is {reason}; allowed: a unit of that vital. A unit is never guessed. Ask the site",
    ),
    Check(
        "unit_fits", ("VS",), "plausibility", "quarantines", "unit_fit", OneOf((FITS,)),
        "readings that only another unit of the vital explains", "readings with a known unit",
        "{column} cannot be in the unit given, but fits another unit of that vital (F written as C?). "
        "Ask the site to correct the unit",
    ),
    Check(
        "value_plausible", ("VS",), "plausibility", "quarantines", "position", Between(minimum=0, maximum=1),
        "readings outside what a living subject can have", "readings whose unit fits",
        "{column} lies outside the physiological limits of that vital (a lost decimal point or signal?). "
        "Ask the site for the value",
    ),
    Check(
        "readings_agree", ("VS",), "plausibility", "quarantines", "agreement", OneOf((AGREES,)),
        "readings that another of the same vital and time contradicts", "readings beside another",
        "{column} differs from another reading of the same vital at the same time by more than rounding, and "
        "the case definition holds for one but not the other. Both count in the worst case. Ask which one holds",
    ),
    Check(
        "value_not_negative", ("LB",), "plausibility", "quarantines", "value", Between(minimum=0),
        "results below zero", "results with a readable value",
        "{column} is negative; a laboratory result is 0 or more. Ask the laboratory",
    ),
    Check(
        "upper_limit_given", ("LB",), "completeness", "warns", "limit_state", OneOf((NUMBER,)),
        "results without an upper limit of normal", "results with a value",
        "{column} is {reason}; a rule in multiples of the upper limit of normal cannot use the result",
    ),
    Check(
        "term_present", ("AE",), "completeness", "quarantines", "term_state", OneOf((KNOWN,)),
        "events without a term", "events",
        "{column} is blank; an event needs its term. Ask the site what happened",
    ),
    Check(
        "severity_term", ("AE",), "conformance", "warns", "severity", OneOf(("MILD", "MODERATE", "SEVERE")),
        "events with an unknown severity", "events with a severity",
        "{column} is not a term of the CDISC code list AESEV; allowed: MILD, MODERATE, SEVERE",
    ),
    Check(
        "seriousness_term", ("AE",), "conformance", "warns", "serious", OneOf(("Y", "N")),
        "events with an unknown seriousness", "events with a seriousness",
        "{column} is not a term of the CDISC code list NY; allowed: Y, N",
    ),
    Check(
        "grade_numeric", ("AE",), "conformance", "warns", "grade_state", OneOf((NUMBER,)),
        "events with a grade that is not a number", "events with a grade",
        "{column} is not a number; allowed: CTCAE grade 1 to 5 (MILD, MODERATE, SEVERE belong in AESEV)",
    ),
    Check(
        "grade_in_range", ("AE",), "conformance", "quarantines", "grade", OneOf(("1", "2", "3", "4", "5")),
        "events with a grade that is not 1 to 5", "events with a numeric grade",
        "{column} is no CTCAE grade; allowed: 1 to 5. Ask the site for the grade",
    ),
    Check(
        "subject_dosed", ("VS", "AE"), "plausibility", "warns", "dosed", Listed("dosed"),
        "rows of subjects who were never dosed", "rows of enrolled subjects",
        "{column} is a subject without an accepted dose; the row takes part in no dose's hours",
    ),
)  # fmt: skip
"""Checks of each row of a feed whose structure holds."""

FUTURE: Final = "not_after_cutoff"
"""The one check that sets a row aside wholly: a row after the cut-off is no part of the look."""


def row_checks(domain: str) -> tuple[Check, ...]:
    """Return the suite of a domain's rows, in the catalogue's order."""
    return tuple(check for check in ROWS if domain in check.domains)
