"""The planted reaction: which treated subjects have it, after which dose, and how.

No background episode begins in a planted subject in the day before that dose and the half day after it, so that
none is taken for the reaction. Strays are charted as ever, and who is ill from the start may still be: of those, a
look may not be sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from flows.simulate.design import Dose, Part, Subject, stream
from flows.simulate.scenarios import Hours, Scenario

QUIET_HOURS = (-36.0, 14.0)
"""A background episode that starts in these hours around the dose is left out; the longest lasts 12 hours."""
FEVER_PEAK_C, RESP_PEAK, OXYSAT_LOWEST = (39.0, 39.5), (31.5, 35.5), (87.5, 89.5)
RISE_HOURS, HOLD_HOURS, FALL_HOURS = (0.8, 1.1), (2.0, 3.5), (2.5, 4.0)
"""A transient reaction, over in some 6 to 8 hours (simulated: the trial's courses are not public)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One transient deviation: starts at a minute, rises, holds, and falls, each so many minutes."""

    start: int
    rise: int
    hold: int
    fall: int

    @property
    def end(self) -> int:
        """The minute at which nothing of it is left."""
        return self.start + self.rise + self.hold + self.fall


@dataclass(frozen=True, slots=True)
class Reaction:
    """One planted case: the dose, the shapes of both components, and how far the vitals go (C, breaths/min, %)."""

    usubjid: str
    dose_number: int
    dose_start: int
    fever: Shape
    distress: Shape
    temp_peak: float
    resp_peak: float
    oxysat_lowest: float


def plant(subjects: Sequence[Subject], scenario: Scenario, seed: int) -> dict[str, Reaction]:
    """Return the planted reactions by USUBJID: treated subjects, no two at a site, spread over enrolment."""
    rng = stream(seed, Part.REACTION)
    reactions: dict[str, Reaction] = {}
    for subject in _choose(rng, subjects, scenario.planted_cases):
        candidates = [dose for dose in subject.given if dose.start + 24 * 60 <= subject.icu_end]
        dose = candidates[int(rng.integers(len(candidates)))]
        reactions[subject.usubjid] = _react(rng, subject, dose, scenario)
    return reactions


def _choose(rng: Generator, subjects: Sequence[Subject], count: int) -> list[Subject]:
    """Return one treated subject from each stretch of enrolment, no two at one site."""
    chosen: list[Subject] = []
    treated = [subject for subject in subjects if subject.treated]
    for stretch in range(count):
        part = treated[len(treated) * stretch // count : len(treated) * (stretch + 1) // count]
        free = [subject for subject in part if subject.site not in {other.site for other in chosen}]
        if free:
            chosen.append(free[int(rng.integers(len(free)))])
    return chosen


def _react(rng: Generator, subject: Subject, dose: Dose, scenario: Scenario) -> Reaction:
    return Reaction(
        usubjid=subject.usubjid,
        dose_number=subject.given.index(dose) + 1,
        dose_start=dose.start,
        fever=_shape(rng, dose.start, scenario.fever_onset_hours),
        distress=_shape(rng, dose.start, scenario.distress_onset_hours),
        temp_peak=rng.uniform(*FEVER_PEAK_C),
        resp_peak=rng.uniform(*RESP_PEAK),
        oxysat_lowest=rng.uniform(*OXYSAT_LOWEST),
    )


def _shape(rng: Generator, dose_start: int, onset_hours: Hours) -> Shape:
    """Return a shape whose half-way point, about where a threshold is crossed, lies at the onset hour."""
    onset, rise = rng.uniform(*onset_hours) * 60, rng.uniform(*RISE_HOURS) * 60
    return Shape(
        start=dose_start + round(onset - rise / 2),
        rise=round(rise),
        hold=round(rng.uniform(*HOLD_HOURS) * 60),
        fall=round(rng.uniform(*FALL_HOURS) * 60),
    )
