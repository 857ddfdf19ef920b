"""Checks of what is told twice: that a row's witnesses agree with it, and that EX has each dose told elsewhere."""

from typing import Final

from checks.validation.catalogue.check import OF_EVENTS, Check, in_set
from checks.validation.states import AGREES, KNOWN

WITNESSES: Final = (
    Check(
        "witnesses_agree", OF_EVENTS, "plausibility", "quarantines", ("{time}_witness",), in_set(AGREES),
        "rows that contradict what is told elsewhere", "rows whose time or value is told twice",
        "{column} is contradicted by {reason}. Neither is believed: the row counts in the worst case alone, by both. "
        "Ask the site which one holds, and correct the other",
    ),
    Check(
        "doses_delivered", ("EX",), "completeness", "warns", ("EXSTDTC_delivered",), in_set(KNOWN),
        "subjects of whom a dose is told that EX does not have", "subjects of whom doses are told elsewhere",
        "{reason} tells of a dose on a day without a row in EX. It counts in the worst case. Ask the sender for the "
        "row, or correct the date",
    ),
)  # fmt: skip
"""Both compare times half an hour apart, or as planned, as alike: see ``checks.validation.witnesses``."""
