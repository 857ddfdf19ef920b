"""Lymphocyte counts: low at baseline, two to three times as high under the active drug.

The rise, two- to threefold and below the registered limit of 2.5 times the upper limit of normal, is public
(Annals of Intensive Care 2023;13:17); each subject's counts are drawn at random.
"""

from dataclasses import dataclass

import numpy as np

from flows.simulate.design import Part, Subject, stream

LYM_NORMAL = (1.0, 4.0)
"""Normal range, 10^9/L: 1.15-3.73 in men and 1.34-3.86 in women (Clin Diagn Lab Immunol 2004;11:168-73,
table 3), widened to round numbers."""
LIMIT_TIMES_ULN = 2.5
BASELINE = (0.35, 0.9)
"""Severe lymphopenia, an entry criterion of the trial, 10^9/L."""
SAMPLE_DAYS = (0, 3, 7, 10, 14, 17, 21, 28)
"""Days since the first dose; on dosing days before the infusion (simulated)."""
RISE = (2.0, 3.0)
RECOVERY = (1.0, 1.4)
"""Times baseline, reached by day 21 under the active drug and by sepsis' own recovery (simulated)."""
ABOVE_LIMIT_PEAK = (2.6, 3.0)
"""Peak of the planted lymphocytosis, times the upper limit of normal."""
READING_CV = 0.05


@dataclass(frozen=True, slots=True)
class Count:
    """One lymphocyte count, 10^9/L, when it was drawn and when it was entered."""

    minute: int
    value: float
    entered: int


def count_lymphocytes(subject: Subject, above_limit: bool, seed: int) -> list[Count]:
    """Return a subject's counts in order of time; ``above_limit`` plants the lymphocytosis."""
    rng = stream(seed, Part.LABORATORY, subject.index + 1)
    baseline, times = rng.uniform(*BASELINE), rng.uniform(*(RISE if subject.treated else RECOVERY))
    peak = rng.uniform(*ABOVE_LIMIT_PEAK) * LYM_NORMAL[1] if above_limit else baseline * times
    counts: list[Count] = []
    for day in SAMPLE_DAYS:
        share = min(day / 21, 1.0)
        value = (baseline + (peak - baseline) * share) * np.clip(rng.normal(1, READING_CV), 0.97, 1.03)
        minute = subject.given[0].start + day * 24 * 60 - int(rng.integers(60, 150))
        counts.append(Count(minute, round(float(value), 2), minute + int(rng.integers(90, 600))))
    return counts
