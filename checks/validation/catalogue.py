"""The catalogue of checks that a feed must meet: each one named entry, and every suite is made from these.

A check is one expectation of Great Expectations, in its own terms, on a column of the table that a domain prepares
(``checks.validation.subjects`` and its neighbours). A row without a value there is no concern of that check, so its
denominator leaves the row out. ``checks.validation.suites`` applies the entries to a domain of a study.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from checks.instants import ALLOWED_FORM
from checks.tables import WITHHELD, tells_arm
from checks.validation.results import Category, ExpectationConfig, Severity


@dataclass(frozen=True, slots=True)
class Expected:
    """What Great Expectations is asked: the type of expectation, and its arguments but for the column."""

    type: str
    kwargs: Mapping[str, object] = field(default_factory=dict)


def in_set(*values: str) -> Expected:
    """Expect one of these values."""
    return Expected("expect_column_values_to_be_in_set", {"value_set": list(values)})


def between(minimum: float | None = None, maximum: float | None = None) -> Expected:
    """Expect a number within these limits, which it may equal."""
    limits = {"min_value": minimum, "max_value": maximum}
    named = {name: limit for name, limit in limits.items() if limit is not None}
    return Expected("expect_column_values_to_be_between", named)


UNIQUE: Final = Expected("expect_column_values_to_be_unique")
FILLED: Final = Expected("expect_column_values_to_not_be_null")
HAS_ROWS: Final = Expected("expect_table_row_count_to_be_between", {"min_value": 1})
HAS_COLUMNS: Final = Expected("expect_table_columns_to_match_set", {"exact_match": False})

EVENTS: Final = ("EX", "VS", "AE", "LB")
ALL: Final = ("DM", *EVENTS)

DATA = "data"
KNOWN = "known"
READABLE = "readable"
CERTAIN = "certain"
NUMBER = "number"
FITS = "fits"
AGREES = "agrees"
ENROLLED = "enrolled"
DOSED = "dosed"


GREAT_SEVERITY: Final[Mapping[Severity, str]] = {
    "blocks": "critical",
    "quarantines": "warning",
    "warns": "info",
}
"""What each effect of ours is called in Great Expectations."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, with what it counts and says: an entry of the catalogue, or applied to a feed.

    Attributes
    ----------
    columns
        The prepared columns that are judged (where it asks whether columns are filled, those); none for a check of
        the whole table. In the catalogue ``{domain}`` is the SDTM domain, ``{time}`` the variable that dates its
        rows, ``{key}`` the one that names them, ``{test}`` each vital in turn.
    numerator, denominator
        What the two counts of its result count.
    message
        For the study team: what is wrong, what is allowed, what to do. ``{column}`` is the column as
        delivered, ``{reason}`` the state that was found (never a value of a subject).
    beside
        The columns that its row condition names.
    file
        The study's own, empty for a check of the catalogue.
    """

    name: str
    domains: tuple[str, ...]
    category: Category
    severity: Severity
    columns: tuple[str, ...]
    expected: Expected
    numerator: str
    denominator: str
    message: str
    beside: tuple[str, ...] = ()
    file: str = ""

    def on(self, column: str, expected: Expected) -> "Check":
        """Return the check as it is applied to a column, with the limits of a study."""
        judged = Expected(expected.type, {"column": column, **expected.kwargs})
        return replace(self, columns=(column,), expected=judged)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that Great Expectations reads for it."""
        return (*self.columns, *self.beside)

    @property
    def is_structural(self) -> bool:
        """Whether it asks for the form of the whole feed, without which no row can be judged."""
        return self.severity == "blocks" and not self.file

    def sentence(self, column: str, reason: str) -> str:
        """Return the message about a column as delivered; a study's own stands as its author wrote it."""
        return self.message if self.file else self.message.format(column=column, reason=reason)

    @property
    def names_reason(self) -> bool:
        """Whether the message says which state was found."""
        return not self.file and "{reason}" in self.message

    def config(self) -> ExpectationConfig:
        """Return the expectation as Great Expectations writes it; ``meta`` is what it carries for us."""
        meta = {
            "name": self.name,
            "category": self.category,
            "severity": self.severity,
            "counts": f"{self.numerator}, of {self.denominator}",
            "notes": self.message,
        }
        return ExpectationConfig(
            self.expected.type, self.expected.kwargs, meta, GREAT_SEVERITY[self.severity]
        )

    def shown_config(self) -> ExpectationConfig:
        """Return the expectation as a look may show it: no column there has a name that tells the arm."""
        kwargs = {
            name: [_blind(one) for one in value] if isinstance(value, list) else _blind(value)
            for name, value in self.expected.kwargs.items()
        }
        return replace(self.config(), kwargs=kwargs)


def _blind(value: object) -> object:
    named = re.findall(r"\w+", value) if isinstance(value, str) else ()
    return WITHHELD if any(map(tells_arm, named)) else value


STRUCTURE: Final = (
    Check(
        "rows_present", ALL, "completeness", "blocks", (), HAS_ROWS,
        "feeds without a row", "feeds",
        "the feed has no rows; no data is not the same as no events. Ask the sender for it again",
    ),
    Check(
        "column_present", ALL, "conformance", "blocks", (), HAS_COLUMNS,
        "needed columns that are missing", "needed columns",
        "{column} is missing; the column is needed. Ask the sender to add it, or correct the delimiter",
    ),
    Check(
        "column_filled", ALL, "completeness", "blocks", (), HAS_COLUMNS,
        "needed columns that are blank on every row", "needed columns that are present",
        "{column} is blank on every row; the column is needed. Ask the sender to fill it",
    ),
)  # fmt: skip
"""Checks of a whole feed: its rows, its needed columns, and which of them are filled (``raw.Needed.filled``)."""

ROWS: Final = (
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
        "subject_enrolled", EVENTS, "conformance", "quarantines", ("USUBJID_state",), in_set(ENROLLED),
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
        "site_known", ("DM",), "conformance", "quarantines", ("SITEID_text",), in_set(),
        "subjects of a site that the protocol does not list", "subjects",
        "{column} is not a site of the study protocol, so the subject's stamps have no time zone. "
        "Correct it, or add the site under `sites`",
    ),
    Check(
        "time_readable", EVENTS, "conformance", "quarantines", ("{time}_state",), in_set(READABLE),
        "rows whose time cannot be read", "rows that need a time",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}, T between date and time. Ask the site for it",
    ),
    Check(
        "clock_certain", EVENTS, "plausibility", "warns", ("{time}_clock",), in_set(CERTAIN),
        "rows whose local time is not certain", "rows with a readable time",
        "{column} is {reason}; the row counts with every instant that it can mean. Ask for the offset from UTC, or "
        "for the date as it was entered",
    ),
    Check(
        "not_after_cutoff", EVENTS, "plausibility", "quarantines", ("{time}_hours_after_cutoff",), between(maximum=0),
        "rows later than the data cut-off", "rows with a readable time",
        "{column} lies after the data cut-off (future stamp); the row is set aside until then. "
        "When the time is wrong, correct its date, year or offset",
    ),
    Check(
        "administration_clear", ("EX",), "completeness", "quarantines", ("administration_state",), in_set(KNOWN),
        "rows that do not say clearly what was given", "rows",
        "the treatment or the amount is blank, unreadable or impossible; which of these is not told, since "
        "it could tell the arm. The dose counts in the worst case. Ask the site to check the whole record",
    ),
    Check(
        "dose_status_known", ("EX",), "conformance", "quarantines", ("EXSTAT_state",), in_set(KNOWN),
        "administrations with an unknown status", "study-drug rows",
        "{column} does not say whether the dose was given; allowed: blank, COMPLETED, GIVEN, NOT DONE, "
        "NOT GIVEN, CANCELLED, ON HOLD, REWRITTEN (EXSTAT), Y or N (EXOCCUR, ECOCCUR), PERFORMED or "
        "SCHEDULED (EXMOOD, ECMOOD). Ask the site",
    ),
    Check(
        "end_readable", ("EX", "AE"), "conformance", "warns", ("{domain}ENDTC_state",), in_set(READABLE),
        "rows whose end cannot be read", "rows with an end",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}, or blank. The start counts all the same",
    ),
    Check(
        "end_not_before_start", ("EX", "AE"), "plausibility", "quarantines", ("{domain}ENDTC_hours_after_start",),
        between(minimum=0),
        "rows that surely end before they start", "rows with a readable start and end",
        "{column} lies before the start. Correct one of them; an infusion over midnight (23:00 to 01:00) "
        "ends on the next day's date",
    ),
    Check(
        "infusion_within_a_day", ("EX",), "plausibility", "warns", ("EXENDTC_midnight",), in_set(KNOWN),
        "infusions that end on the next day by the clock, with the date of the start", "rows with both times",
        "{column} is hours before the start, on the same date: an infusion over midnight (23:00 to 01:00), whose "
        "end is taken to be on the next day. The dose counts from its start. Correct the date of the end",
    ),
    Check(
        "one_dose_a_row", ("EX",), "conformance", "warns", ("EXDOSFRQ_state",), in_set(KNOWN),
        "rows that stand for several doses", "administrations given with a frequency",
        "{column} says that the dose was repeated from the start to the end of the row; only the first of these "
        "doses is counted, and no window is opened by the others. Ask the sender for a row for each dose",
    ),
    Check(
        "treatment_listed", ("EX",), "conformance", "warns", ("treatment_state",), in_set(KNOWN),
        "rows of a treatment that the protocol does not list", "rows with a treatment",
        "the treatment is none of `treatment.names`, so the row opens no dose window; which one is not told. "
        "When study drug is among them (a misspelt name), correct it, or add the name to the protocol",
    ),
    Check(
        "alive_when_dosed", ("EX",), "plausibility", "quarantines", ("EXSTDTC_hours_to_death",), between(minimum=0),
        "administrations after the subject's death", "administrations to subjects with a date of death",
        "{column} lies after the subject's death in DM; one of the two is wrong. Ask the site",
    ),
    Check(
        "test_named", ("VS", "LB"), "completeness", "quarantines", ("{domain}TESTCD_state",), in_set(KNOWN),
        "rows without a test code", "rows",
        "{column} is blank; a result needs its test. Ask the site what was measured",
    ),
    Check(
        "value_present", ("VS", "LB"), "completeness", "quarantines", ("{domain}ORRES_given",), in_set(KNOWN),
        "results without a value that are not marked as not done", "results of tests that a rule uses",
        "{column} is blank, and the status is not NOT DONE. Ask the site for the value, or for the status",
    ),
    Check(
        "value_readable", ("VS", "LB"), "conformance", "quarantines", ("{domain}ORRES_state",), in_set(NUMBER),
        "results that are not a number", "results with a value",
        "{column} is not a plain number. Ask the site for the value",
    ),
    Check(
        "unit_known", ("VS",), "conformance", "quarantines", ("VSORRESU_state",), in_set(KNOWN),
        "readings in an unknown unit", "readings with a readable value",
        "{column} is {reason}; allowed: a unit of that vital. A unit is never guessed. Ask the site",
    ),
    Check(
        "unit_fits", ("VS",), "plausibility", "quarantines", ("VSORRESU_fit",), in_set(FITS),
        "readings that only another unit of the vital explains", "readings with a known unit",
        "{column} cannot be in the unit given, but fits another unit of that vital (F written as C?). "
        "Ask the site to correct the unit",
    ),
    Check(
        "value_plausible", ("VS",), "plausibility", "quarantines", ("VSSTRESN_{{test}}",), between(),
        "readings outside what a living subject can have", "readings whose unit fits",
        "{column} lies outside the physiological limits of that vital (a lost decimal point or signal?). "
        "Ask the site for the value",
    ),
    Check(
        "readings_agree", ("VS",), "plausibility", "quarantines", ("VSORRES_agreement",), in_set(AGREES),
        "readings that another of the same vital and time contradicts", "readings beside another",
        "{column} differs from another reading of the same vital at the same time by more than rounding, and "
        "the case definition holds for one but not the other. Both count in the worst case. Ask which one holds",
    ),
    Check(
        "value_not_negative", ("LB",), "plausibility", "quarantines", ("LBORRES_value",), between(minimum=0),
        "results below zero", "results with a readable value",
        "{column} is negative; a laboratory result is 0 or more. Ask the laboratory",
    ),
    Check(
        "upper_limit_given", ("LB",), "completeness", "warns", ("LBORNRHI_state",), in_set(NUMBER),
        "results without an upper limit of normal", "results with a value",
        "{column} is {reason}; a rule in multiples of the upper limit of normal cannot use the result",
    ),
    Check(
        "term_present", ("AE",), "completeness", "quarantines", ("AETERM_state",), in_set(KNOWN),
        "events without a term", "events",
        "{column} is blank; an event needs its term. Ask the site what happened",
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
    Check(
        "subject_dosed", ("VS", "AE"), "plausibility", "warns", ("USUBJID_dosed",), in_set(DOSED),
        "rows of subjects who were never dosed", "rows of enrolled subjects",
        "{column} is a subject without an accepted dose; the row takes part in no dose's hours",
    ),
)  # fmt: skip
"""Checks of each row of a feed; the sites, and the limits of each vital, are those of the study."""

FUTURE: Final = "not_after_cutoff"
"""The one check that sets a row aside wholly: a row after the cut-off is no part of the look."""
