"""Turn administrations into doses, dose windows and observed person-time.

Source of every definition: the study protocol file; the words are defined in the README's glossary.
"""

from checks.exposure.windows import (
    DOSES,
    Block,
    at_their_longest,
    control_blocks,
    control_spans,
    judge_windows,
    known_to_the_instant,
    number_doses,
    observed_everywhere,
    observed_spans,
    risk_windows,
    seconds,
    subject_codes,
    trusted_doses,
    with_cases,
)

__all__ = [
    "DOSES",
    "Block",
    "at_their_longest",
    "control_blocks",
    "control_spans",
    "judge_windows",
    "known_to_the_instant",
    "number_doses",
    "observed_everywhere",
    "observed_spans",
    "risk_windows",
    "seconds",
    "subject_codes",
    "trusted_doses",
    "with_cases",
]
