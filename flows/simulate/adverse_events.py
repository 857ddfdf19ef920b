"""Adverse events as sites report them: which, how exactly timed, and how late entered."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from flows.simulate.charting import Measurement
from flows.simulate.design import Part, Subject, stream
from flows.simulate.reaction import Reaction
from flows.simulate.truth import charted_onsets, planted_from

BACKGROUND_TERMS = (
    "ANAEMIA",
    "ATRIAL FIBRILLATION",
    "CONSTIPATION",
    "DELIRIUM",
    "DIARRHOEA",
    "HYPOKALAEMIA",
    "PRESSURE ULCER",
    "THROMBOCYTOPENIA",
)
"""Events of any intensive-care stay, none of them a component of the case definition."""
BACKGROUND_MEAN = 1.5
ENTRY_MEDIAN_DAYS, ENTRY_SPREAD = 2.0, 0.7
"""Reported events reach the database days later (simulated)."""


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """One reported event; ``timed`` is whether the site wrote clock times or dates alone."""

    term: str
    start: int
    end: int
    timed: bool
    grade: int
    serious: bool
    related: bool
    entered: int


def report_events(
    subject: Subject, measurements: Sequence[Measurement], reaction: Reaction | None, order: int, seed: int
) -> list[AdverseEvent]:
    """Return a subject's events in order of start; ``order`` of the planted case picks how it is timed.

    Of three planted cases the first has clock times, the second a date for one component, the third dates.
    """
    rng = stream(seed, Part.ADVERSE_EVENTS, subject.index + 1)
    events = [_background(rng, subject) for _ in range(rng.poisson(BACKGROUND_MEAN))]
    if reaction is not None:
        events += _reaction(rng, measurements, reaction, order)
    return sorted(events, key=lambda event: (event.start, event.term))


def _background(rng: Generator, subject: Subject) -> AdverseEvent:
    start = int(rng.integers(subject.given[0].start, subject.chart_end - 24 * 60))
    end = min(start + int(rng.integers(6, 96)) * 60, subject.chart_end)
    term = BACKGROUND_TERMS[int(rng.integers(len(BACKGROUND_TERMS)))]
    return AdverseEvent(
        term, start, end, bool(rng.random() < 0.3), int(rng.integers(1, 4)), False, False, _entered(rng, end)
    )


def _reaction(
    rng: Generator, measurements: Sequence[Measurement], reaction: Reaction, order: int
) -> list[AdverseEvent]:
    """Return both components as reported: PYREXIA by its CTCAE v5.0 grade; the other is no CTCAE term."""
    seen = charted_onsets(measurements, reaction.dose_start, planted_from(reaction))
    fever, distress = (seen.fever or reaction.fever.start), (seen.distress or reaction.distress.start)
    fever_grade = 2 if reaction.temp_peak > 39.0 else 1
    reported = (
        ("PYREXIA", fever, reaction.fever.end, order < 2, fever_grade, False),
        ("RESPIRATORY DISTRESS", distress, reaction.distress.end, order < 1, 3, True),
    )
    return [
        AdverseEvent(term, start, end, timed, grade, serious, True, _entered(rng, end))
        for term, start, end, timed, grade, serious in reported
    ]


def _entered(rng: Generator, end: int) -> int:
    return end + round(24 * 60 * ENTRY_MEDIAN_DAYS * rng.lognormal(0, ENTRY_SPREAD))
