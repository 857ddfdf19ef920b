"""Checks of what is told twice: that a row's witnesses agree with it."""

from typing import Final

from checks.validation.catalogue.check import OF_EVENTS, Check, in_set
from checks.validation.states import AGREES

WITNESSES: Final = (
    Check(
        "witnesses_agree", OF_EVENTS, "plausibility", "quarantines", ("{time}_witness",), in_set(AGREES),
        "rows that contradict what is told elsewhere", "rows whose time or value is told twice",
        "{column} is contradicted by {reason}. Neither is believed: the row counts in the worst case alone, by both. "
        "Ask the site which one holds, and correct the other",
    ),
)  # fmt: skip
"""What is alike all the same (rounded, charted late, planned) is in ``checks.validation.witnesses``."""
