"""Checks of when a record is of: its start and its end."""

from typing import Final

from checks.instants import ALLOWED_FORM
from checks.validation.catalogue.check import OF_EVENTS, Check, between, in_set
from checks.validation.states import CERTAIN, READABLE

CLOCK: Final = "clock_certain"
"""The check that withholds nothing and says of which rows less is known than was written."""

TIMES: Final = (
    Check(
        "time_readable", OF_EVENTS, "conformance", "quarantines", ("{time}_state",), in_set(READABLE),
        "rows whose time cannot be read", "rows that need a time",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}. Ask the site for it",
    ),
    Check(
        CLOCK, OF_EVENTS, "plausibility", "warns", ("{time}_clock",), in_set(CERTAIN),
        "rows whose time is less certain than it is written", "rows with a readable time",
        "{column} is {reason}; the row counts with every instant that it can mean. Ask for the time as it was "
        "entered, with its offset from UTC; or say in the protocol how exactly it is known (`time_precision`)",
    ),
    Check(
        "not_after_cutoff", OF_EVENTS, "plausibility", "quarantines", ("{time}_hours_after_cutoff",),
        between(maximum=0),
        "rows later than the data cut-off", "rows with a readable time",
        "{column} lies after the data cut-off (future stamp); the row is set aside until then. "
        "When the time is wrong, correct its date, year or offset",
    ),
    Check(
        "end_readable", OF_EVENTS, "conformance", "warns", ("{domain}ENDTC_state",), in_set(READABLE),
        "rows whose end cannot be read", "rows with an end",
        f"{{column}} is {{reason}}; allowed: {ALLOWED_FORM}, or blank. The start counts all the same; a result "
        "is taken to last as long as the others do",
    ),
    Check(
        "end_not_before_start", ("EX", "AE"), "plausibility", "quarantines", ("{domain}ENDTC_hours_after_start",),
        between(minimum=0),
        "rows that surely end before they start", "rows with a readable start and end",
        "{column} lies before the start. Correct one of them; an infusion over midnight (23:00 to 01:00) "
        "ends on the next day's date",
    ),
)  # fmt: skip

FUTURE: Final = "not_after_cutoff"
"""The one check that sets a row aside wholly: a row after the cut-off is no part of the look."""
