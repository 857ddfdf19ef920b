"""Turn administrations into doses, dose windows and observed person-time.

Source of every definition: the study protocol file; the words are defined in the README's glossary.
"""

from checks.exposure.windows import (
    DOSES,
    Block,
    control_blocks,
    control_spans,
    judge_windows,
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
    "control_blocks",
    "control_spans",
    "judge_windows",
    "number_doses",
    "observed_everywhere",
    "observed_spans",
    "risk_windows",
    "seconds",
    "subject_codes",
    "trusted_doses",
    "with_cases",
]
